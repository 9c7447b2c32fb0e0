# thirdparty.mk: where third-party source comes from, which files of it are compiled, and how. Included by Makefile.
#
#   make deps   fetches it into deps/ (happens by itself when missing)
# SQLITE_SRC=DIR BEARSSL_SRC=DIR SODIUM_SRC=DIR MUSL_SRC=DIR LIBPQ_SRC=DIR take it from elsewhere.

SQLITE_SRC  ?= deps/sqlite3
BEARSSL_SRC ?= deps/bearssl
SODIUM_SRC  ?= deps/sodium
LIBPQ_SRC   ?= deps/libpq

# --- SQLite: the features we use, and no others. The amalgamation's parser is the one of a full SQLite: what it calls of a
# feature that is left out here, store/sqlite_absent.c answers. Left in, since a statement of ours, or one that somebody put into
# the file, would then be misread: triggers (RETURNING is one), views, compound SELECTs; WITH doesn't compile without its parser.
# What no option leaves out, such as window functions, aggregates and the planner's optimizations of joins, tools/sqlite.sed does.
SQLITE_FLAGS += -DSQLITE_DEFAULT_PAGE_SIZE=512      # as store/sqlite_file.h has it; for another, memory would be taken and given back
SQLITE_FLAGS += -DSQLITE_DEFAULT_CACHE_SIZE=-1024   # KiB: of the 4 MiB that store/sqlite_heap.c has for it
SQLITE_FLAGS += -DSQLITE_THREADSAFE=0               # one thread per process
SQLITE_FLAGS += -DSQLITE_DEFAULT_LOCKING_MODE=1     # EXCLUSIVE: store/sqlite.c says why
SQLITE_FLAGS += -DSQLITE_DEFAULT_WAL_SYNCHRONOUS=1  # NORMAL: store_begin() asks for more
SQLITE_FLAGS += -DSQLITE_DEFAULT_LOOKASIDE=0,0      # its list runs through 48 KiB: 12 pages touched
SQLITE_FLAGS += -DSQLITE_DQS=0                      # "x" is a name, never silently a string
SQLITE_FLAGS += -DSQLITE_DEFAULT_MEMSTATUS=0        # nobody reads the counters
SQLITE_FLAGS += -DSQLITE_TEMP_STORE=3               # no temporary files: the sandbox allows one directory
SQLITE_FLAGS += -DSQLITE_USE_URI=0                  # a path is a path
SQLITE_FLAGS += -DSQLITE_MAX_ATTACHED=0             # one file is all there is
SQLITE_FLAGS += -DSQLITE_MAX_MMAP_SIZE=0            # never maps the database
SQLITE_FLAGS += -DSQLITE_MAX_WORKER_THREADS=0       # no threads
SQLITE_FLAGS += -DSQLITE_LIKE_DOESNT_MATCH_BLOBS    # smaller LIKE
SQLITE_FLAGS += -DSQLITE_UNTESTABLE                 # no fault-injection hooks
SQLITE_FLAGS += -DHAVE_FDATASYNC=1                  # or it would use fsync
SQLITE_FLAGS += -DHAVE_USLEEP=1                     # or the busy handler sleeps whole seconds
SQLITE_FLAGS += -DSQLITE_OMIT_VIRTUALTABLE          # 40 KB, with ALTER TABLE: store/sqlite_upkeep.c, schema
SQLITE_FLAGS += -DSQLITE_OMIT_ANALYZE
SQLITE_FLAGS += -DSQLITE_OMIT_ATTACH                # and VACUUM, which works by it
SQLITE_FLAGS += -DSQLITE_OMIT_REINDEX
SQLITE_FLAGS += -DSQLITE_OMIT_UPSERT
SQLITE_FLAGS += -DSQLITE_OMIT_LOOKASIDE
SQLITE_FLAGS += -DSQLITE_OMIT_CASE_SENSITIVE_LIKE_PRAGMA
SQLITE_FLAGS += -DSQLITE_OMIT_TRUNCATE_OPTIMIZATION # no table is ever emptied
SQLITE_FLAGS += '-Dsqlite3RegisterBuiltinFunctions(a)=sqlite_absent_functions_\#\#a(a)'  # no statement of ours calls a function: 25 KB
SQLITE_FLAGS += -Wno-implicit-function-declaration  # of that call, which has no declaration: an error in gcc 14 (Debian 13), even with -w
SQLITE_FLAGS += -DSQLITE_OMIT_AUTHORIZATION         # all SQL is ours
SQLITE_FLAGS += -DSQLITE_OMIT_AUTOINCREMENT         # ids are random
SQLITE_FLAGS += -DSQLITE_OMIT_AUTOMATIC_INDEX       # for joins, which there are none of
SQLITE_FLAGS += -DSQLITE_OMIT_AUTOVACUUM            # costs pointer-map pages
SQLITE_FLAGS += -DSQLITE_OMIT_BETWEEN_OPTIMIZATION  # every search is by one key: 14 KB, with LIKE_, OR_ and XFER_
SQLITE_FLAGS += -DSQLITE_OMIT_COMPILEOPTION_DIAGS   # unused from here on
SQLITE_FLAGS += -DSQLITE_OMIT_COMPLETE
SQLITE_FLAGS += -DSQLITE_OMIT_DATETIME_FUNCS        # time is bound, never asked of SQL
SQLITE_FLAGS += -Dgetpid=sqlite_file_one_process    # store/sqlite_file.h: 1. SQLite asks only to notice a fork
SQLITE_FLAGS += -Dstrftime=sqlite_file_no_time      # store/sqlite_file.h: an empty text. 20 KB of libc less
SQLITE_FLAGS += -DSQLITE_OMIT_DECLTYPE
SQLITE_FLAGS += -DSQLITE_OMIT_DEPRECATED
SQLITE_FLAGS += -DSQLITE_OMIT_DESERIALIZE
SQLITE_FLAGS += -DSQLITE_OMIT_EXPLAIN
SQLITE_FLAGS += -DSQLITE_OMIT_FOREIGN_KEY           # REFERENCES is read and ignored
SQLITE_FLAGS += -DSQLITE_OMIT_GENERATED_COLUMNS
SQLITE_FLAGS += -DSQLITE_OMIT_GET_TABLE
SQLITE_FLAGS += -DSQLITE_OMIT_INCRBLOB
SQLITE_FLAGS += -DSQLITE_OMIT_INTROSPECTION_PRAGMAS
SQLITE_FLAGS += -DSQLITE_OMIT_JSON                  # 50 KB; JSON is json.c
SQLITE_FLAGS += -DSQLITE_OMIT_LIKE_OPTIMIZATION
SQLITE_FLAGS += -DSQLITE_OMIT_LOAD_EXTENSION        # no code from files
SQLITE_FLAGS += -DSQLITE_OMIT_LOCALTIME
SQLITE_FLAGS += -DSQLITE_OMIT_OR_OPTIMIZATION
SQLITE_FLAGS += -DSQLITE_OMIT_PROGRESS_CALLBACK
SQLITE_FLAGS += -DSQLITE_OMIT_SCHEMA_PRAGMAS        # table_info and the like
SQLITE_FLAGS += -DSQLITE_OMIT_SHARED_CACHE
SQLITE_FLAGS += -DSQLITE_OMIT_TCL_VARIABLE
SQLITE_FLAGS += -DSQLITE_OMIT_TRACE
SQLITE_FLAGS += -DSQLITE_OMIT_UTF16
SQLITE_FLAGS += -DSQLITE_OMIT_XFER_OPT

# --- BearSSL: SHA-256, SHA-1 (for totp.c), HMAC, HKDF; for sign.c and signature.c HMAC_DRBG, ECDSA over P-256, RSA. Its .c files need no configuration. Of the ways it
# has to reckon, the one by words of 31 bits: constant time, and as small as any. ecdsa_i31_sign_raw.c names two curves more.
BEARSSL_FILES := $(addprefix src/,hash/sha2small.c hash/sha1.c mac/hmac.c kdf/hkdf.c rand/hmac_drbg.c \
 codec/ccopy.c codec/enc32be.c codec/dec32be.c codec/enc64be.c codec/dec64be.c \
 ec/ec_p256_m31.c ec/ecdsa_atr.c ec/ecdsa_i31_vrfy_asn1.c ec/ecdsa_i31_vrfy_raw.c ec/ecdsa_i31_sign_raw.c ec/ecdsa_i31_bits.c ec/ec_secp256r1.c ec/ec_secp384r1.c ec/ec_secp521r1.c \
 rsa/rsa_i31_keygen.c rsa/rsa_i31_keygen_inner.c rsa/rsa_i31_priv.c rsa/rsa_i31_pub.c rsa/rsa_i31_pkcs1_sign.c rsa/rsa_pkcs1_sig_pad.c \
 int/i32_div32.c $(patsubst %,int/i31_%.c,add bitlen decmod decode decred encode fmont iszero moddiv modpow modpow2 montmul \
 mulacc muladd ninv31 reduce rshift sub tmont))
# What each token is made and checked by is compiled for speed; so is the product that RSA and P-256 spend their time in.
BEARSSL_HOT   := $(addprefix src/,hash/sha2small.c mac/hmac.c kdf/hkdf.c codec/enc32be.c codec/dec32be.c int/i31_montmul.c int/i31_muladd.c)
BEARSSL_FLAGS = $(if $(and $(STATIC),$(filter-out $(BEARSSL_HOT:%.c=%),$*)),-Os,-O2) -I$(BEARSSL_SRC)/inc -I$(BEARSSL_SRC)/src

# --- libsodium: Argon2id over the portable code, at -O2: there it is as fast as the SSSE3 and AVX2
# versions (19 MiB, t=2: 27 ms either way; at -Os 59 ms), so those and the CPU detection stay out.
# sodium_init() must not be called: it only chooses among CPU versions, the portable ones are the
# static default, and it would need 50 KB of ciphers that nobody uses. core.c is here for its
# sodium_misuse(); --gc-sections drops the rest of it and of argon2.c, undefined references and all.
SODIUM_FILES := $(addprefix crypto_pwhash/argon2/,argon2-core.c argon2-fill-block-ref.c argon2.c blake2b-long.c) \
 $(addprefix crypto_generichash/blake2b/ref/,blake2b-compress-ref.c blake2b-ref.c generichash_blake2b.c) \
 sodium/utils.c sodium/core.c
# Ed25519 of wallets: its verification, and what that calls. sign.c is there for one function of three lines.
WALLET_FILES := $(addprefix crypto_,sign/ed25519/ref10/open.c sign/ed25519/ref10/sign.c core/ed25519/ref10/ed25519_ref10.c \
 hash/sha512/cp/hash_sha512_cp.c verify/sodium/verify.c)
SODIUM_FLAGS = -DNDEBUG -I$(SODIUM_SRC)/include -I$(SODIUM_SRC)/include/sodium -O2 -DCONFIGURED=1 \
 -DSODIUM_STATIC -DHAVE_MMAP -DHAVE_SYS_MMAN_H -DHAVE_EXPLICIT_BZERO -DHAVE_GETRANDOM -D_GNU_SOURCE \
 -DNATIVE_$(ENDIAN)_ENDIAN=1

# --- libpq, PostgreSQL's client library, for latchkey-pg alone: its own files and what they call of src/common and src/port. What
# its configure would have found out on a 64-bit Linux with musl stands here: running that, and its makefiles, took 2 minutes of
# processor time. pg_strong_random.c is left out for store/postgres_connection.c. Other variants than musl link the system's.
# Its version, Debian 12's or 13's, decides on its files: so it is fetched before the rest is read.
ifeq ($(STORE)-$(B)-$(LIBPQ_SRC),postgres-musl-deps/libpq)
include deps/.libpq
endif
LIBPQ_FILES := $(filter-out $(addprefix libpq/,fe-lobj.c fe-print.c fe-secure-common.c legacy-pqsignal.c), \
 $(foreach d,libpq common port,$(patsubst $(LIBPQ_SRC)/%,%,$(sort $(wildcard $(LIBPQ_SRC)/$d/*.c)))))
LIBPQ_VERSION := $(if $(wildcard $(LIBPQ_SRC)/libpq/fe-cancel.c),17.11,15.18)
LIBPQ_HAVE := DECL_STRCHRNUL DECL_STRNLEN DECL_STRTOLL DECL_STRTOULL DLOPEN EXPLICIT_BZERO FUNCNAME__FUNC \
 GETADDRINFO INET_ATON IPV6 LANGINFO_H LINK LONG_INT_64 MKDTEMP NETINET_TCP_H POLL POLL_H PREAD PWRITE SETENV SOCKLEN_T STRINGS_H \
 STRTOF STRTOLL STRTOULL STRUCT_ADDRINFO STRUCT_SOCKADDR_STORAGE STRUCT_SOCKADDR_STORAGE_SS_FAMILY STRUCT_SOCKADDR_UN SYS_SELECT_H \
 SYS_UN_H UNSETENV DECL_STRLCAT DECL_STRLCPY DECL_FDATASYNC DECL_RTLD_GLOBAL DECL_RTLD_NOW FDATASYNC \
 _BUILTIN_BSWAP16 _BUILTIN_BSWAP32 _BUILTIN_BSWAP64 _BUILTIN_CLZ _BUILTIN_OP_OVERFLOW \
 _BUILTIN_TYPES_COMPATIBLE_P _BUILTIN_UNREACHABLE _STATIC_ASSERT
LIBPQ_FLAGS = -DFRONTEND -D_GNU_SOURCE $(LIBPQ_HAVE:%=-DHAVE_%=1) -DHAVE_DECL_TIMINGSAFE_BCMP=0 \
 -DALIGNOF_DOUBLE=8 -DALIGNOF_INT=4 -DALIGNOF_LONG=8 -DALIGNOF_SHORT=2 -DALIGNOF_PG_INT128_TYPE=16 -DMAXIMUM_ALIGNOF=8 -DSIZEOF_SIZE_T=8 \
 -DSIZEOF_LONG=8 -DSIZEOF_VOID_P=8 -DSIZEOF_BOOL=1 -DSIZEOF_OFF_T=8 -DPG_INT128_TYPE=__int128 '-DINT64_MODIFIER="l"' \
 -DBLCKSZ=8192 -DXLOG_BLCKSZ=8192 -DRELSEG_SIZE=131072 -DMEMSET_LOOP_LIMIT=1024 -DPG_C_PRINTF_ATTRIBUTE=gnu_printf -DPG_CXX_PRINTF_ATTRIBUTE=gnu_printf \
 -DPG_USE_STDBOOL=1 -Dpg_restrict=__restrict -DDEF_PGPORT=5432 '-DDEF_PGPORT_STR="5432"' '-DPG_KRB_SRVNAM="postgres"' \
 '-DPG_MAJORVERSION="$(basename $(LIBPQ_VERSION))"' '-DPG_VERSION="$(LIBPQ_VERSION)"' -DPG_VERSION_NUM=$(subst .,00,$(LIBPQ_VERSION)) '-DSYSCONFDIR="/etc/postgresql-common"' \
 -I$(LIBPQ_SRC)/include -I$(LIBPQ_SRC)/libpq -I$(LIBPQ_SRC)/port -I$(LIBPQ_SRC)/common

# --- musl's crypt(3), which Debian's musl-dev leaves out: for crypt.c, whose crypt_print() stands in for a formatter.
CRYPT_FILES := $(addprefix src/crypt/crypt_,blowfish.c sha256.c sha512.c)
CRYPT_FLAGS := -Dsprintf=crypt_print

# --- What each store stands on: LIB_ is compiled here, LINK_ is the system's.
HEADER_sqlite := $(SQLITE_SRC)/sqlite3.h
LIB_sqlite    := $(O)/libsqlite.a
ifeq ($(B),musl)
HEADER_postgres := $(LIBPQ_SRC)/libpq/libpq-fe.h
LIB_postgres    := $(O)/libpq.a
else
LINK_postgres   := -lpq
endif

# --- Fetching it
.PHONY: deps
HEADERS := $(HEADER_$(STORE)) $(BEARSSL_SRC)/inc/bearssl.h $(SODIUM_SRC)/include/sodium.h
deps: $(HEADERS) $(MUSL_SRC)/configure
# What was fetched is looked over when deps.sh has changed; its files are newer than before only where they were fetched.
deps/.%: tools/deps.sh | need-deps
	@tools/deps.sh $*
	@touch $@
.PRECIOUS: deps/.%
deps/sqlite3/sqlite3.c:       deps/.sqlite3
deps/bearssl/inc/bearssl.h:   deps/.bearssl
deps/sodium/include/sodium.h: deps/.sodium
deps/musl/configure:          deps/.musl
deps/libpq/libpq/libpq-fe.h:  deps/.libpq
deps/jsontests/parsing.js:    deps/.jsontests
$(addprefix deps/,sqlite3/sqlite3.c bearssl/inc/bearssl.h sodium/include/sodium.h musl/configure jsontests/parsing.js libpq/libpq/libpq-fe.h):
	@:
$(SQLITE_SRC)/sqlite3.h: $(SQLITE_SRC)/sqlite3.c ;
$(addprefix $(BEARSSL_SRC)/,$(BEARSSL_FILES)): $(BEARSSL_SRC)/inc/bearssl.h ;
$(addprefix $(SODIUM_SRC)/,$(SODIUM_FILES)) $(addprefix $(SODIUM_SRC)/,$(WALLET_FILES)): $(SODIUM_SRC)/include/sodium.h ;

$(addprefix $(LIBPQ_SRC)/,$(LIBPQ_FILES)): $(LIBPQ_SRC)/libpq/libpq-fe.h ;
$(addprefix $(MUSL_SRC)/,$(CRYPT_FILES)): $(MUSL_SRC)/configure ;

# --- Compiling it
PART_wallet := $(WALLET_FILES:%.c=$(O)/sodium/%.o)
$(PART_wallet): $(O)/sodium/%.o: $(SODIUM_SRC)/%.c tools/thirdparty.mk | $(BUILD_NEEDS)
	@mkdir -p $(@D)
	@$(CC) $(THIRD) $(SODIUM_FLAGS) -Os -c $< -o $@
PART_crypt := $(CRYPT_FILES:%.c=$(O)/musl/%.o)
$(PART_crypt): $(O)/musl/%.o: $(MUSL_SRC)/%.c tools/thirdparty.mk | $(BUILD_NEEDS)
	@mkdir -p $(@D)
	@$(CC) $(THIRD) $(CRYPT_FLAGS) -c $< -o $@
BEARSSL_OBJ := $(BEARSSL_FILES:%.c=$(O)/bearssl/%.o)
SODIUM_OBJ  := $(SODIUM_FILES:%.c=$(O)/sodium/%.o)
# Changed in seventeen lines, as tools/sqlite.sed says and why: another version may want them elsewhere.
SQLITE_CHANGED := 17
$(O)/sqlite/sqlite3.c: $(SQLITE_SRC)/sqlite3.c tools/sqlite.sed tools/thirdparty.mk | $(BUILD_NEEDS)
	@mkdir -p $(@D); sed -f tools/sqlite.sed $< >$@
	@test "$$(diff $< $@ | grep -c '^<')" = $(SQLITE_CHANGED) || { echo 'thirdparty.mk: $< is not what tools/sqlite.sed was written for' >&2; rm $@; exit 1; }
$(O)/sqlite/sqlite3.o: $(O)/sqlite/sqlite3.c tools/thirdparty.mk | $(BUILD_NEEDS)
	@echo "  CC  $(B) sqlite3.c"
	@tools/patient.sh $(CC) $(THIRD) $(SQLITE_FLAGS) -c $< -o $@
$(BEARSSL_OBJ): $(O)/bearssl/%.o: $(BEARSSL_SRC)/%.c tools/thirdparty.mk | $(BUILD_NEEDS)
	@mkdir -p $(@D)
	@$(CC) $(THIRD) $(BEARSSL_FLAGS) -c $< -o $@
$(SODIUM_OBJ): $(O)/sodium/%.o: $(SODIUM_SRC)/%.c tools/thirdparty.mk | $(BUILD_NEEDS)
	@mkdir -p $(@D)
	@$(CC) $(THIRD) $(SODIUM_FLAGS) -c $< -o $@
LIBPQ_OBJ := $(LIBPQ_FILES:%.c=$(O)/libpq/%.o)
$(LIBPQ_OBJ): $(O)/libpq/%.o: $(LIBPQ_SRC)/%.c tools/thirdparty.mk | $(BUILD_NEEDS)
	@mkdir -p $(@D)
	@$(CC) $(THIRD) $(LIBPQ_FLAGS) -c $< -o $@
$(O)/libpq.a: $(LIBPQ_OBJ)
$(O)/libsqlite.a: $(O)/sqlite/sqlite3.o
$(O)/libbearssl.a: $(BEARSSL_OBJ)
$(O)/libsodium.a: $(SODIUM_OBJ)

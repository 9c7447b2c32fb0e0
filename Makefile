# latchkey's build. On a bare Debian with git, make and apt, `make run` and `make test` install
# what they need and do the rest.
#
#   make            ./latchkey, one stripped static executable
#   make run        build, make a demo data directory (build/demo), serve it
#   make test       build and run every test; T='tests/json_test.c tests/smoke.t' runs only those
#   make asan       the tests under AddressSanitizer and UBSan
#   make msan       the tests under MemorySanitizer, third-party code and all
#   make coverage   the tests on a -O0 --coverage build; fails under 95 % of branches
#   make torture    the long form of each test behind a promise; fills the table of docs/reliability.md
#   make fuzz       libFuzzer on tests/fuzz/; T=json one target, SECONDS=3600 for how long each
#   make bench      figures of one request; bench/bench.mk has bench-fronts, bench-peers, bench-scale, budgets, plots
#   make size       bytes of the executable and of the client
#   make lint       clang's and gcc's warnings, clang-tidy, cppcheck, shellcheck
#   make CROSS=mips-linux-gnu   for another processor; make release, test-cross: tools/cross.mk
#   make deps       fetch third-party source into deps/ (happens by itself when missing)
#   make clean      all but deps/; distclean takes that too
#
# SQLITE_SRC=DIR BEARSSL_SRC=DIR SODIUM_SRC=DIR JSMN_SRC=DIR take third-party source from elsewhere;
# CC=... picks the compiler, NEED=: leaves the machine's packages alone. B names the variant and
# its folder build/$(B): musl (the default), glibc, clang, asan, msan, cov.

MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

, := ,
CROSS ?=
B    ?=
override B := $(or $(B),$(if $(CROSS),cross/$(CROSS),musl))
O    := build/$(B)
NEED ?= tools/need.sh

include tools/thirdparty.mk
include tools/cross.mk

# --- Variants: compiler, what own code gets (VARIANT), what third-party code gets too (COMMON).
ifeq ($(B),musl)
  CC      := musl-gcc
  COMMON  := -Os -fno-pie
  # Not position-independent: 0 relocations to apply at each start, and smaller.
  LDFLAGS := -static -no-pie -s
else ifneq ($(filter $(CROSS_TARGETS:%=cross/%),$(B)),)
  CC      := $(CROSS)-gcc -specs=$(CROSS_MUSL)/lib/musl-gcc.specs
  AR      := $(CROSS)-ar
  COMMON  := -Os -fno-pie $(CROSS_CPU)
  # ld says of libgcc that it may use a unit that there is none of; tests/cross.t sees that it doesn't.
  LDFLAGS := -static -no-pie -s $(if $(filter $(SOFT_FLOAT),$(CROSS)),-Wl$(,)--no-warn-mismatch)
  NEEDS   := cross-$(CROSS)
else ifeq ($(B),glibc)
  CC      := gcc
  COMMON  := -O2 -g
else ifeq ($(B),clang)
  CC      := clang
  COMMON  := -O1 -g
  # All there is, less what is style, or what -Wall of gcc and MSan judge better.
  VARIANT := -Weverything $(addprefix -Wno-,padded declaration-after-statement used-but-marked-unused \
             disabled-macro-expansion missing-noreturn assign-enum bad-function-cast covered-switch-default \
             switch-enum conditional-uninitialized reserved-macro-identifier reserved-identifier c++98-compat)
else ifeq ($(B),asan)
  CC      := clang
  COMMON  := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
  VARIANT := -DARENA_MALLOC
  NEEDS   := clang
else ifeq ($(B),msan)
  CC      := clang
  COMMON  := -O1 -g -fno-omit-frame-pointer -fsanitize=memory -fsanitize-memory-track-origins
  VARIANT := -DARENA_MALLOC
  NEEDS   := clang
else ifeq ($(B),fuzz)
  CC      := clang
  # Own code alone is watched: B=asan replays what is found with SQLite watched too, at a tenth of the speed.
  COMMON  := -O1 -g -fno-omit-frame-pointer
  SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
  VARIANT := -DARENA_MALLOC -DFUZZ -fsanitize=fuzzer-no-link $(SANITIZE)
  LDFLAGS := -fsanitize=fuzzer $(SANITIZE)
  NEEDS   := clang
else ifeq ($(B),cov)
  CC      := gcc
  COMMON  := -O0 -g
  VARIANT := --coverage -DLK_COVERAGE -DLK_COVERAGE_DIR='"$(CURDIR)/$(O)"'
  LDFLAGS := --coverage
else
  $(error no such variant: B=$(B))
endif
HOSTCC := gcc
export ASAN_OPTIONS  := detect_leaks=0:abort_on_error=0
export UBSAN_OPTIONS := print_stacktrace=1

# The binary under test: the product itself, or the variant's own.
BIN := $(if $(filter musl,$(B)),latchkey,$(O)/latchkey)

# --- Version and build date, both from the source tree, so that equal trees give equal binaries.
# A clock before BUILD_EPOCH is a wrong clock. Only the files that name them are rebuilt for them.
VERSION     := $(or $(shell sed -n 's/^\#* *\[*v*\([0-9][0-9.]*[0-9]\).*/\1/p' CHANGELOG.md 2>/dev/null | head -n 1),0.1.0)
BUILD_EPOCH := $(or $(SOURCE_DATE_EPOCH),$(shell cat epoch 2>/dev/null),$(shell git log -1 --format=%ct 2>/dev/null),$(shell \
  date -u -d "$$(grep -o '20[0-9][0-9]-[01][0-9]-[0-3][0-9]' CHANGELOG.md 2>/dev/null | head -n 1)" +%s 2>/dev/null),1764547200)
STAMPS      := -DLK_VERSION='"$(VERSION)"' -DLK_BUILD_EPOCH=$(BUILD_EPOCH)LL

COMMON += -ffunction-sections -fdata-sections -fno-strict-aliasing -ffile-prefix-map=$(CURDIR)=.
# No path of this machine gets into it, wherever third-party source lies: two builds are equal (tests/repro.t).
COMMON += $(foreach p,$(SQLITE_SRC)=sqlite3 $(BEARSSL_SRC)=bearssl $(SODIUM_SRC)=sodium $(JSMN_SRC)=jsmn,-ffile-prefix-map=$(subst =,=deps/,$p))
ifneq ($(filter musl cross/%,$(B)),)
  COMMON += -fno-asynchronous-unwind-tables
endif
WARN    := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wvla -Wstrict-prototypes \
           -Wmissing-prototypes -Wwrite-strings -Wformat=2 -Werror
SYSTEM   = -isystem $(SQLITE_SRC) -isystem $(BEARSSL_SRC)/inc -isystem $(SODIUM_SRC)/include \
           -isystem $(SODIUM_SRC)/include/sodium \
           -isystem $(JSMN_SRC)
OWN      = -std=c11 -D_GNU_SOURCE $(COMMON) -fstack-protector-strong $(WARN) $(VARIANT) -I. $(SYSTEM) $(STAMPS)
# An instrumented SQLite takes clang 2 minutes at -O1, 14 seconds at -O0.
THIRD    = $(COMMON) $(if $(filter asan msan,$(B)),-O0) -w
# RELRO is the dynamic linker's to enforce: musl doesn't in a static program, and it is padding (mips: 42 KB).
RELRO   := $(if $(filter musl cross/%,$(B)),norelro,relro)
LDFLAGS += -Wl,--gc-sections -Wl,-z,$(RELRO),-z,now,-z,noexecstack -Wl,--build-id=none
ENDIAN   = $(if $(filter 1,$(shell echo | $(CC) -dM -E - | grep -c '__BYTE_ORDER__ __ORDER_BIG')),BIG,LITTLE)

# Folders of own source; what stands at the top is the line of one request and the policy (docs/internals.md, "Rooms").
ROOMS := base store serve operator
# The store that is linked in: all of store/$(STORE)*.c.
STORE ?= sqlite
SRC  := $(sort $(wildcard *.c $(filter-out store/*.c,$(ROOMS:%=%/*.c)) store/$(STORE)*.c))
OBJ  := $(SRC:%.c=$(O)/%.o)
WWW  := $(sort $(filter-out %.d.ts %/package.json %/session.js %/session-react.js,$(foreach e,html js css svg png ico,$(wildcard www/*.$(e)))))
LIBS := $(O)/liblatchkey.a $(O)/libsqlite.a $(O)/libbearssl.a $(O)/libsodium.a

# Own objects alone, for their warnings (lint).
objects: $(OBJ) $(patsubst tests/%.c,$(O)/tests/%.o,$(sort $(wildcard tests/*_test.c)))

.PHONY: all objects run bench size test torture fuzz fuzz-targets asan msan coverage lint deps clean distclean need-% FORCE
all: $(BIN)

# --- What the machine must have. A stamp remembers that need.sh found it all.
.PRECIOUS: build/need-%
build/need-%: tools/need.sh
	@mkdir -p build
	@$(NEED) $*
	@touch $@
BUILD_NEEDS := build/need-build $(NEEDS:%=build/need-%) $(if $(CROSS),$(CROSS_MUSL)/lib/musl-gcc.specs)

# --- Third-party source.
deps: $(SQLITE_SRC)/sqlite3.c $(BEARSSL_SRC)/inc/bearssl.h $(SODIUM_SRC)/include/sodium.h $(JSMN_SRC)/jsmn.h
deps/%: tools/deps.sh | build/need-deps
	@tools/deps.sh $(firstword $(subst /, ,$*))
	@touch -c $@
HEADERS := $(SQLITE_SRC)/sqlite3.h $(BEARSSL_SRC)/inc/bearssl.h $(SODIUM_SRC)/include/sodium.h $(JSMN_SRC)/jsmn.h
$(SQLITE_SRC)/sqlite3.h: $(SQLITE_SRC)/sqlite3.c ;
$(addprefix $(BEARSSL_SRC)/,$(BEARSSL_FILES)): $(BEARSSL_SRC)/inc/bearssl.h ;
$(addprefix $(SODIUM_SRC)/,$(SODIUM_FILES)): $(SODIUM_SRC)/include/sodium.h ;

BEARSSL_OBJ := $(BEARSSL_FILES:%.c=$(O)/bearssl/%.o)
SODIUM_OBJ  := $(SODIUM_FILES:%.c=$(O)/sodium/%.o)

$(O)/sqlite/sqlite3.o: $(SQLITE_SRC)/sqlite3.c tools/thirdparty.mk | $(BUILD_NEEDS)
	@echo "  CC  $(B) sqlite3.c"; mkdir -p $(@D)
	@$(CC) $(THIRD) $(SQLITE_FLAGS) -c $< -o $@
$(BEARSSL_OBJ): $(O)/bearssl/%.o: $(BEARSSL_SRC)/%.c tools/thirdparty.mk | $(BUILD_NEEDS)
	@mkdir -p $(@D)
	@$(CC) $(THIRD) $(BEARSSL_FLAGS) -c $< -o $@
$(SODIUM_OBJ): $(O)/sodium/%.o: $(SODIUM_SRC)/%.c tools/thirdparty.mk | $(BUILD_NEEDS)
	@mkdir -p $(@D)
	@$(CC) $(THIRD) $(SODIUM_FLAGS) -c $< -o $@

$(O)/libsqlite.a: $(O)/sqlite/sqlite3.o
$(O)/libbearssl.a: $(BEARSSL_OBJ)
$(O)/libsodium.a: $(SODIUM_OBJ)
$(O)/liblatchkey.a: $(filter-out $(O)/main.o,$(OBJ)) $(O)/www.o
$(LIBS):
	@rm -f $@ && $(AR) rcsD $@ $^

# --- Own source.
$(O)/%.o: %.c Makefile | $(HEADERS) $(BUILD_NEEDS)
	@echo "  CC  $(B) $<"; mkdir -p $(@D)
	@$(CC) $(OWN) -MMD -MP -c $< -o $@

$(O)/stamps: FORCE | $(BUILD_NEEDS)
	@mkdir -p $(@D); printf '%s\n' '$(VERSION) $(BUILD_EPOCH)' | cmp -s - $@ || printf '%s\n' '$(VERSION) $(BUILD_EPOCH)' >$@
STAMPED := $(shell grep -lE 'LK_(VERSION|BUILD_EPOCH)' $(SRC) $(wildcard *.h $(ROOMS:%=%/*.h)) 2>/dev/null)
$(if $(filter %.h,$(STAMPED)),$(OBJ),$(STAMPED:%.c=$(O)/%.o)): $(O)/stamps

build/embed: tools/embed.c | build/need-build
	@$(HOSTCC) -std=c11 -O1 -Wall -Wextra -Werror $< -o $@
$(O)/www.c: build/embed $(WWW) $(wildcard www) Makefile
	@mkdir -p $(@D)
	@build/embed $(WWW) >$@
$(O)/www.o: $(O)/www.c serve/www.h | $(BUILD_NEEDS)
	@$(CC) $(OWN) -c $< -o $@

# Linked beside its name and moved there: a running ./latchkey does not stand in the way.
RUNTIME := $(patsubst %,$(O)/%.o,$(filter msan,$(B)) $(if $(filter $(SOFT_FLOAT),$(CROSS)),softfloat))
$(RUNTIME): $(O)/%.o: tools/%.c | $(BUILD_NEEDS)
	@mkdir -p $(@D); $(CC) $(COMMON) -D_GNU_SOURCE -c $< -o $@
$(BIN): $(O)/main.o $(LIBS) $(RUNTIME)
	@echo "  LD  $@"
	@$(CC) $(COMMON) $(LDFLAGS) -o $@.new $^ && mv -f $@.new $@

# --- Tests: tests/NAME_test.c becomes build/$(B)/tests/NAME.t; tests/NAME.t are shell scripts.
UNITS   := $(patsubst tests/%_test.c,$(O)/tests/%.t,$(sort $(filter-out $(CROSS_ASIDE:%=tests/%.c),$(wildcard tests/*_test.c))))
# The other variants leave out what says nothing about their binary: browsers, pages, packages; and
# faults, which would make the system calls of a sanitizer's runtime fail; and what measures the product.
ASIDE   := $(if $(filter musl cross/%,$(B)),,$(wildcard tests/client*.t) \
  $(patsubst %,tests/%.t,budget cross deb docs faults power fronts install man openwrt protect recipes repro scale static) \
  $(patsubst %,tests/%.t,sandbox greedy secrets) \
  $(patsubst %,tests/%.t,clockwork flood oom timing))
# Killed processes and failing writes leave no counters behind, or broken ones.
ASIDE   += $(if $(filter cov,$(B)),$(patsubst %,tests/%.t,trouble replay))
# Their tracer knows the registers of one processor.
ASIDE   += $(if $(filter x86_64,$(shell uname -m)),,tests/faults.t tests/power.t)
ASIDE   += $(CROSS_ASIDE:%=tests/%.t)
SCRIPTS := $(filter-out $(ASIDE),$(sort $(wildcard tests/*.t)))
include packaging/install.mk
include bench/bench.mk
T       ?=
CHOSEN  := $(if $(T),$(patsubst tests/%_test.c,$(O)/tests/%.t,$(T)),$(UNITS) $(SCRIPTS))

# Tests ask for kernel headers, which musl's compiler has not: it is lent Linux's.
build/kernel: | build/need-build
	@mkdir -p $@
	@for d in linux asm-generic; do ln -sfn /usr/include/$$d $@/$$d; done
	@ln -sfn /usr/include/$$(gcc -print-multiarch)/asm $@/asm
	@ln -sfn /usr/include/valgrind $@/valgrind
$(UNITS:%.t=%_test.o): $(O)/tests/%_test.o: tests/%_test.c tests/t.h Makefile | $(HEADERS) build/kernel $(BUILD_NEEDS)
	@echo "  CC  $(B) $<"; mkdir -p $(@D)
	@$(CC) $(OWN) $(if $(filter musl,$(B)),-isystem build/kernel) -MMD -MP -c $< -o $@

# Tests with hooks at their seams: tests/stage.h.
$(O)/tests/worker.t: WRAPS := epoll_wait epoll_ctl accept4 recv send sendmsg malloc calloc now_ms
$(O)/tests/listen.t: WRAPS := ppoll __ppoll_time64 poll fork accept4 socketpair mmap chmod listen now_boot
$(O)/tests/instance.t: WRAPS := harden harden_limits log_to_syslog
$(O)/tests/%.t: $(O)/tests/%_test.o $(LIBS) $(RUNTIME)
	@$(CC) $(COMMON) $(LDFLAGS) $(WRAPS:%=-Wl,--wrap=%) -o $@ $^
# What stands before libc there, under both of glibc's names.
FAULT_WRAPS := $(foreach f,open fstat stat fcntl pread pwrite ftruncate,$f $f64) lstat flock write lseek fsync fdatasync rename \
  unlink close nanosleep setitimer now_boot sqlite3_config sqlite_file_flush sqlite_file_sync
$(O)/tests/store_fault.t: WRAPS := $(FAULT_WRAPS)
.SECONDARY: $(UNITS:%.t=%_test.o)

# The product with hooks at its seams, for tests of what can't be had otherwise: tests/shim.c.
SHIM_WRAPS := main sqlite3_config malloc calloc realloc mmap flock fcntl fail clock_judge store_session_end store_sessions_end
SHIM := $(O)/$(if $(CROSS),guest,tests)/shim
$(SHIM): tests/shim.c $(O)/main.o $(LIBS) $(RUNTIME)
	@echo "  LD  $@"; mkdir -p $(@D)
	@$(CC) $(OWN) $(LDFLAGS) $(SHIM_WRAPS:%=-Wl,--wrap=%) -o $@ $^

# Programs that the harnesses of faults and power cuts need: their tracer, and broken builds that they
# must catch. A mutant is a sed script whose first line names the files that it changes, each of them.
MUTANTS := $(patsubst tests/mutants/%.sed,$(O)/mutants/%,$(wildcard tests/mutants/*.sed))
HARNESS := $(if $(filter musl,$(B)),$(if $(filter x86_64,$(shell uname -m)),$(O)/inject $(MUTANTS)))
$(O)/inject: tests/inject.c | build/need-build
	@mkdir -p $(@D)
	@$(HOSTCC) -std=c11 -O1 -D_GNU_SOURCE -Wall -Wextra -Werror $< -o $@
$(MUTANTS): $(O)/mutants/%: tests/mutants/%.sed $(OBJ) $(LIBS)
	@echo "  CC  $(B) $@"; mkdir -p $@.d
	@set -e; files=$$(sed -n '1s/^# //p' $<); for f in $$files; do \
	  to=$@.d/$${f##*/}; sed -f $< $$f >$$to; ! cmp -s $$f $$to || { echo "$<: $$f is not changed"; exit 1; }; \
	  $(CC) $(OWN) -c $$to -o $${to%.c}.o; done; \
	  case " $$files " in *" main.c "*) main= ;; *) main=$(O)/main.o ;; esac; \
	  $(CC) $(COMMON) $(LDFLAGS) -o $@ $$main $@.d/*.o $(LIBS)

cross-built: $(UNITS)
test: $(if $(filter tests/cross.t,$(CHOSEN)),cross-short)
# Another processor's executable runs under qemu-user, ten times as slowly; sanitizers are slow as well.
TESTED  := $(if $(CROSS),$(O)/run/latchkey,$(BIN))
RUNNER  := $(if $(CROSS),2400 env QEMU=$(QEMU) MODEL_COUNT=2000 tests/cross.sh,$(if $(filter asan msan,$(B)),1800,600))
build/need-test: | build/need-build
test: $(HARNESS) $(filter $(O)/%,$(CHOSEN)) $(if $(wildcard main.c),$(TESTED)) $(if $(filter musl,$(B)),$(SHIM)) | build/need-test
	@LATCHKEY=$(CURDIR)/$(TESTED) LK_BUILD=$(CURDIR)/$(O) LK_B=$(B) \
	  prove -j2 --timer --failures --exec 'tests/tap.sh $(RUNNER)' $(CHOSEN) </dev/null

# The long forms, an hour or more; T='tests/power.t' runs only those.
torture: $(BIN) $(HARNESS) $(SHIM) | build/need-test
	@LATCHKEY=$(CURDIR)/$(BIN) LK_BUILD=$(CURDIR)/$(O) LK_B=$(B) nice tests/torture.sh $(T)

include tests/fuzz/fuzz.mk

asan msan:
	@$(MAKE) --no-print-directory B=$@ test

coverage: | build/need-cov
	@find build/cov -name '*.gcda' -delete 2>/dev/null || :
	@$(MAKE) --no-print-directory B=cov test
	@tools/coverage.sh build/cov 95

lint: | build/need-build build/need-clang build/need-lint
	@tools/lint.sh

size: $(BIN)
	@size $(BIN); wc -c $(BIN); sh tests/client/size.sh

run: $(BIN)
	@tools/run.sh

clean:
	rm -rf build latchkey latchkey.new
distclean: clean
	rm -rf deps

-include $(OBJ:.o=.d) $(patsubst tests/%.c,$(O)/tests/%.d,$(wildcard tests/*_test.c))

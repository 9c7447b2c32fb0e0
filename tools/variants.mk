# variants.mk: how each variant is compiled. Included by Makefile, after cross.mk.
#
# B names the variant and its folder build/$(B). A variant sets
#   CC        the compiler
#   COMMON    flags of all code, third-party code too
#   VARIANT   flags of own code alone
#   LDFLAGS   the linker's
#   NEEDS     what its compiler is called in tools/need.sh, if the machine may lack it

ifeq ($(B),musl)
  CC      := musl-gcc
  COMMON  := -Os -fno-pie
  # Not position-independent: 0 relocations to apply at each start, and smaller.
  LDFLAGS := -static -no-pie -s
else ifneq ($(filter $(CROSS_TARGETS:%=cross/%),$(B)),)
  CC      := $(CROSS)-gcc -specs=$(CROSS_MUSL)/lib/musl-gcc.specs
  AR      := $(CROSS)-ar
  COMMON  := -Os -fno-pie $(CROSS_CPU)
  LDFLAGS := -static -no-pie -s $(CROSS_LDFLAGS)
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
  NEEDS   := clang
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
  # gnu11: gcc then knows fork(2) and exec(3), and has both write the counters first.
  VARIANT := -std=gnu11 --coverage -DLK_COVERAGE -DLK_COVERAGE_DIR='"$(CURDIR)/$(O)"'
  LDFLAGS := --coverage
  NEEDS   := cov
else
  $(error no such variant: B=$(B))
endif
HOSTCC := gcc
export ASAN_OPTIONS  := detect_leaks=0:abort_on_error=0
export UBSAN_OPTIONS := print_stacktrace=1

# What the product's own builds have in common: musl, static, for this processor or another.
STATIC := $(filter musl cross/%,$(B))
# The product is optimized as a whole. What else is linked of the same objects, tests above all, is their machine code.
VARIANT += $(if $(STATIC),-flto -ffat-lto-objects -frandom-seed=$<)
LDFLAGS += $(if $(STATIC),-fno-lto)
WHOLE   := $(if $(STATIC),-flto -flto-partition=one -fstack-protector-strong)
# A local variable that a mistake leaves unset is 0 and no piece of an earlier request. The sanitizers are to see it unset.
VARIANT += $(if $(STATIC),-ftrivial-auto-var-init=zero)
# The executable that is tested: the product itself, or the variant's own.
BIN    := $(if $(filter musl,$(B)),latchkey$(OTHER),$(O)/latchkey)$(LESS)

COMMON += -ffunction-sections -fdata-sections -fno-strict-aliasing -ffile-prefix-map=$(CURDIR)=.
# No path of this machine gets into it, wherever third-party source lies: two builds are equal (tests/repro.t).
MAPS    = $(foreach p,$(SQLITE_SRC)=sqlite3 $(BEARSSL_SRC)=bearssl $(SODIUM_SRC)=sodium $(MUSL_SRC)=musl $(LIBPQ_SRC)=libpq,-ffile-prefix-map=$(subst =,=deps/,$p))
COMMON += $(if $(STATIC),-fno-asynchronous-unwind-tables)
WARN   := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wvla -Wstrict-prototypes \
          -Wmissing-prototypes -Wwrite-strings -Wformat=2 -Werror
SYSTEM  = -isystem $(if $(filter postgres,$(STORE)),$(if $(STATIC),$(LIBPQ_SRC)/libpq -isystem $(LIBPQ_SRC)/include,/usr/include/postgresql),$(SQLITE_SRC)) -isystem $(BEARSSL_SRC)/inc -isystem $(SODIUM_SRC) -isystem $(SODIUM_SRC)/include/sodium
OWN     = -std=c11 -D_GNU_SOURCE $(COMMON) $(MAPS) -fstack-protector-strong $(WARN) $(VARIANT) -I. $(SYSTEM) $(STAMPS)
# An instrumented SQLite takes clang 2 minutes at -O1, 14 seconds at -O0.
THIRD   = $(COMMON) $(MAPS) $(if $(filter asan msan,$(B)),-O0) -w
# RELRO is the dynamic linker's to enforce: musl doesn't in a static program, and it is padding (mips: 42 KB).
LDFLAGS += -Wl,--gc-sections -Wl,-z,$(if $(STATIC),norelro,relro),-z,now,-z,noexecstack -Wl,--build-id=none
# Headers, code and constants in one segment, as ld makes it for every processor but x86: no half pages between them (6 KB), and two
# mappings fewer to make at each start. What is aligned stands together: 0.6 KB of padding less.
LDFLAGS += $(if $(STATIC),-z noseparate-code -Xlinker --sort-section=alignment)
# What a request runs stands in a row at the product's beginning (bench/order.sh). Nothing else is linked so: valgrind finds no names in two sections of code.
ORDER   := $(if $(STATIC),-T tools/order.ld)
ENDIAN  = $(if $(filter 1,$(shell echo | $(CC) -dM -E - | grep -c '__BYTE_ORDER__ __ORDER_BIG')),BIG,LITTLE)
# What some variants need of a runtime that they haven't: tools/msan.c, tools/softfloat.c.
RUNTIME := $(patsubst %,$(O)/%.o,$(filter msan,$(B)) $(if $(filter $(SOFT_FLOAT),$(CROSS)),softfloat))

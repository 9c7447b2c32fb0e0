# latchkey's build. On a bare Debian with git, make and apt, `make run` and `make test` install
# what they need and do the rest.
#
#   make            ./latchkey, one stripped static executable
#   make run        build, make a demo data directory (build/demo), serve it
#   make check      the unit tests, for the loop of edit and try; T=jwt runs one of them
#   make test       build and run every test; T='jwt tests/smoke.t' runs only those (tests/tests.mk)
#   make test-fresh R=debian12-user   both commands on a machine that nobody prepared, and worse (tests/fresh.sh)
#   make asan       the tests under AddressSanitizer and UBSan; make msan: under MemorySanitizer
#   make coverage   the tests on a -O0 --coverage build; fails under 98 % of branches
#   make torture    the long form of each test behind a promise; fills the table of docs/reliability.md
#   make router     guests of other processors with a real kernel, real flash and power cuts: tests/router/router.mk
#   make fuzz       libFuzzer on tests/fuzz/; T=json one target, SECONDS=3600 for how long each
#   make bench      figures of one request; bench/bench.mk has bench-fronts, bench-peers, bench-scale, budgets, plots
#   make lint       clang's and gcc's warnings, clang-tidy, cppcheck, shellcheck
#   make size       bytes of the executable and of the client
#   make install    and uninstall, dist, deb, completion: packaging/install.mk
#   make WITHOUT=crypt   without a part: crypt, wallet, passkey, dpop, gotrue (docs/benchmarks.md has their bytes: make parts)
#   make pg         ./latchkey-pg: the same over PostgreSQL, for several hosts; B=glibc: with the system's libpq and TLS
#   make STORE=name     with another store than SQLite: store/name*.c
#   make CROSS=mips-linux-gnu   for another processor; make release, test-cross: tools/cross.mk
#   make deps       fetch third-party source into deps/ (happens by itself when missing): tools/thirdparty.mk
#   make clean      all but deps/; distclean takes that too
#
# CC=... picks the compiler, NEED=: leaves the machine's packages alone. B names the variant and its folder build/$(B):
# musl (the default), glibc, clang, asan, msan, cov, fuzz (tools/variants.mk).

MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

CROSS ?=
B     ?=
# B=pg is the product over PostgreSQL, to be tested as others are: make test B=pg.
ifeq ($(B),pg)
  override B := musl
  STORE := postgres
endif
override B := $(or $(B),$(if $(CROSS),cross/$(CROSS),musl))
# The store that is linked in: all of store/$(STORE)*.c. With another one than SQLite folder and executable have its name.
STORE ?= sqlite
# Parts to be left out, such as WITHOUT=crypt.
WITHOUT ?=
OTHER := $(addprefix -,$(patsubst postgres,pg,$(filter-out sqlite,$(STORE))))
# The objects are the same; the executable has another name.
LESS  := $(subst $(eval ) ,,$(WITHOUT:%=-without-%))
O     := build/$(B)$(OTHER)
NEED  ?= tools/need.sh
# What the machine must have, to be named behind a |. It is looked for each time: a package may have been removed.
BUILD_NEEDS = need-build $(NEEDS:%=need-%) $(if $(CROSS),$(CROSS_MUSL)/lib/musl-gcc.specs)
.PRECIOUS: need-%
need-%: FORCE
	@$(NEED) $*

include tools/cross.mk
include tools/variants.mk
include tools/thirdparty.mk

# --- Own source. What stands at the top is the line of one request and the policy (docs/internals.md, "Rooms").
ROOMS := base store serve operator door oauth
SRC   := $(sort $(wildcard *.c $(filter-out store/*.c,$(ROOMS:%=%/*.c)) store/$(STORE)*.c))
OBJ   := $(SRC:%.c=$(O)/%.o)
WWW   := $(sort $(filter-out %.d.ts %/package.json %/session.js %/session-react.js %/passkey.js %/passkey.min.js %/dpop.js %/dpop.min.js,$(foreach e,html js css svg png ico,$(wildcard www/*.$(e)))))
ARCHIVES := $(O)/liblatchkey.a $(LIB_$(STORE)) $(O)/libbearssl.a $(O)/libsodium.a
# A part can be left out: its header declares its functions as weak references, and where they are NULL it isn't there. Its objects
# are linked as they are, since a weak reference takes nothing out of an archive.
PARTS := crypt wallet passkey dpop gotrue
PART_wallet += $(addprefix $(O)/,auth_wallet.o signin_wallet.o door/wallets.o ed25519.o auth_keys.o)
PART_passkey := $(addprefix $(O)/,auth_passkey.o signin_passkey.o door/passkeys.o auth_keys.o)
$(if $(filter-out $(PARTS),$(WITHOUT)),$(error WITHOUT knows these parts: $(PARTS)))
LIBS  := $(sort $(foreach p,$(filter-out $(WITHOUT),$(PARTS)),$(O)/$p.o $(PART_$p))) $(ARCHIVES)

.PHONY: all pg objects run size lint coverage clean distclean FORCE
all: $(BIN)
pg:
	@$(MAKE) --no-print-directory STORE=postgres all

$(O)/%.o: %.c Makefile tools/variants.mk | $(HEADERS) $(BUILD_NEEDS)
	@echo "  CC  $(B) $<"; mkdir -p $(@D)
	@$(CC) $(OWN) -MMD -MP -c $< -o $@
-include $(OBJ:.o=.d)
# What runs for each byte of a request, a token or an answer is compiled for speed: 8 KB more. json.c and base64.c would be another 4 KB for 0.5 %.
HOT := base/base base/copy derive jwt sha256 http_lines http_head http_reply
$(HOT:%=$(O)/%.o): VARIANT += $(if $(STATIC),-O2)
# What a person does, or an operator, or a client once in a sign-in, is compiled for size at any price.
COLD := client.c gotrue.c scope.c session_client.c session_device.c sign.c ticket.c $(filter door/% oauth/% operator/%,$(SRC))
$(COLD:%.c=$(O)/%.o): VARIANT += $(if $(STATIC),-Oz)

# Version and build date: only the files that name them are rebuilt for them.
STAMP       := $(shell SOURCE_DATE_EPOCH='$(SOURCE_DATE_EPOCH)' tools/stamp.sh)
VERSION     := $(firstword $(STAMP))
BUILD_EPOCH := $(lastword $(STAMP))
STAMPS      := -DLK_VERSION='"$(VERSION)"' -DLK_BUILD_EPOCH=$(BUILD_EPOCH)LL
STAMPED     := $(shell grep -lE 'LK_(VERSION|BUILD_EPOCH)' $(SRC) $(wildcard *.h $(ROOMS:%=%/*.h)) 2>/dev/null)
$(O)/stamps: FORCE
	@mkdir -p $(@D); echo '$(STAMP)' | cmp -s - $@ || echo '$(STAMP)' >$@
$(if $(filter %.h,$(STAMPED)),$(OBJ),$(STAMPED:%.c=$(O)/%.o)): $(O)/stamps

build/embed: tools/embed.c | need-build
	@mkdir -p $(@D); $(HOSTCC) -std=c11 -O1 -Wall -Wextra -Werror $< -o $@
# Compressed, as they are sent: every browser takes gzip, and it is a third of the bytes.
$(O)/www.c: build/embed $(WWW) $(wildcard www) Makefile
	@rm -rf $(O)/packed; mkdir -p $(O)/packed; for f in $(WWW); do gzip -9nc $$f >$(O)/packed/$${f#www/}; done
	@build/embed www $(WWW:www/%=$(O)/packed/%) >$@
$(O)/sheet.c: build/embed door/door.css door/link.js door/qr.js Makefile
	@mkdir -p $(O)/sheet; gzip -9nc door/door.css >$(O)/sheet/door.css; cat door/link.js door/qr.js | sed '/^\/\//d' | gzip -9nc >$(O)/sheet/link.js
	@build/embed door $(O)/sheet/door.css $(O)/sheet/link.js >$@
$(O)/www.o $(O)/sheet.o: %.o: %.c serve/www.h | $(BUILD_NEEDS)
	@$(CC) $(OWN) -c $< -o $@

$(RUNTIME): $(O)/%.o: tools/%.c | $(BUILD_NEEDS)
	@mkdir -p $(@D); $(CC) $(COMMON) -D_GNU_SOURCE -c $< -o $@
$(O)/liblatchkey.a: $(filter-out $(O)/main.o $(PARTS:%=$(O)/%.o) $(PART_passkey) $(O)/auth_wallet.o $(O)/signin_wallet.o $(O)/door/wallets.o $(O)/ed25519.o,$(OBJ)) $(O)/www.o $(O)/sheet.o
$(ARCHIVES):
	@rm -f $@ && $(AR) rcsD $@ $^
# Linked beside its name and moved there: a running ./latchkey does not stand in the way.
$(BIN): $(O)/main.o $(LIBS) $(RUNTIME) tools/order.ld
	@echo "  LD  $@"
	@tools/patient.sh $(CC) $(COMMON) $(LDFLAGS) $(WHOLE) $(ORDER) -o $@.new $(filter-out %.ld,$^) $(LINK_$(STORE)) && mv -f $@.new $@

# OAuth is no part that can be left out, but it can be weighed: linked without its objects, calls of them lead nowhere. Nobody is given that.
OAUTH := $(addsuffix .o,$(notdir $(basename client.c scope.c session_client.c session_device.c sign.c door/onward.c door/connect.c operator/clients.c $(wildcard oauth/*.c))))
$(O)/without-oauth: $(BIN)
	@cp $(O)/liblatchkey.a $@.a && $(AR) d $@.a $(OAUTH)
	@$(CC) $(COMMON) $(LDFLAGS) $(WHOLE) $(ORDER) -Wl,--unresolved-symbols=ignore-all -o $@ $(O)/main.o $(LIBS:$(O)/liblatchkey.a=$@.a) $(RUNTIME)

include packaging/install.mk
include bench/bench.mk
include tests/tests.mk
include tests/router/router.mk

run: $(BIN) | need-run
	@tools/run.sh

size: $(BIN)
	@size $(BIN); wc -c $(BIN); sh tests/client/size.sh

# Own objects alone, for their warnings.
objects: $(OBJ) $(UNITS:%.t=%_test.o)
lint: deps/libpq/libpq/libpq-fe.h | need-build need-clang need-lint
	@tools/lint.sh

clean:
	rm -rf build latchkey latchkey.new latchkey-pg latchkey-without-*
distclean: clean
	rm -rf deps

# tests.mk: what is built for tests, and how they are run. Included by Makefile.
#
#   make check      the unit tests (tests/NAME_test.c); T=jwt runs one. Asks for the compiler alone, and builds nothing else.
#   make test       every test; T='jwt tests/smoke.t' runs only those. Installs what they need.
#   make test-fresh R=ROW    tests/fresh.sh has the rows
#   make asan, msan, coverage, torture: Makefile says what they are
#
# tests/NAME_test.c becomes build/$(B)/tests/NAME.t; tests/NAME.t are shell scripts. A test says itself
#   - in a line "needs: strace python3" which rows of tools/need.sh it needs;
#   - by only_in or not_in (lib.sh, t.h) in which variants and on which processors it says something; elsewhere it is skipped,
#     and prove shows why.
# What it runs that is built stands here, below RUNS.

T       ?=
TESTS_C := $(sort $(wildcard tests/*_test.c))
UNITS    = $(patsubst tests/%_test.c,$(O)/tests/%.t,$(filter-out $(APART),$(TESTS_C)))
SCRIPTS := $(sort $(wildcard tests/*.t))
# jwt, tests/jwt_test.c and tests/smoke.t are words for a test; smoke is one, too, as long as no unit test has that name.
FOUND    = $(firstword $(wildcard tests/$(1)_test.c tests/$(1).t) $(1))
# Over PostgreSQL the suite is without these, and says so in a line for each: of SQLite's files, calls and bounds; and of no store at all.
# Others say by only_in that they are of the default executable alone.
SQLITES   := agent attacks sqlite sqlite_file store_fault rows backup faults hook lost memory messages oom oom_test power restore sandbox scale secrets \
  syscalls trouble turn upgrade
STORELESS := fuzz json_corpus links shared
# And over SQLite it is without this one, which looks into the other store and needs libpq's header.
PGS       := store_pg
APART     := $(foreach t,$(if $(filter postgres,$(STORE)),$(SQLITES) $(STORELESS),$(PGS)),tests/$t_test.c tests/$t.t)
WANTED    := $(if $(T),$(foreach t,$(T),$(call FOUND,$t)),$(TESTS_C) $(SCRIPTS))
SOURCES   := $(filter-out $(APART),$(WANTED))
CHOSEN  := $(patsubst tests/%_test.c,$(O)/tests/%.t,$(SOURCES))

# --- Unit tests. They ask for kernel headers, which musl's compiler has not: it is lent Linux's.
build/kernel: | need-build
	@mkdir -p $@
	@for d in linux asm-generic; do ln -sfn /usr/include/$$d $@/$$d; done
	@ln -sfn /usr/include/$$(gcc -print-multiarch)/asm $@/asm
	@ln -sfn /usr/include/valgrind $@/valgrind
TEST_OWN = $(OWN) $(if $(filter musl,$(B)),-isystem build/kernel) -MMD -MP
$(UNITS:%.t=%_test.o): $(O)/tests/%_test.o: tests/%_test.c tests/t.h Makefile tests/tests.mk | $(HEADERS) build/kernel $(BUILD_NEEDS)
	@echo "  CC  $(B) $<"; mkdir -p $(@D)
	@$(CC) $(TEST_OWN) -c $< -o $@
.SECONDARY: $(UNITS:%.t=%_test.o)
-include $(UNITS:%.t=%_test.d)

# Tests with hooks at their seams: tests/stage.h.
WRAPS_migrate  := read write
WRAPS_memory   := $(if $(filter asan msan,$(B)),,json_string)
WRAPS_keyring  := fsync close
WRAPS_config   := stat stat64 __stat_time64
WRAPS_sqlite   := fstat fstat64 __fstat_time64 fsync
WRAPS_worker   := epoll_wait epoll_ctl accept4 getpeername recv send sendmsg malloc calloc now_ms
WRAPS_token    := password_slot
WRAPS_model    := signature_is_good_jws
WRAPS_listen   := ppoll __ppoll_time64 poll fork accept4 socketpair mmap chmod listen now_boot
WRAPS_instance := harden harden_limits log_to_syslog throttle_hold password_hold
# What stands before libc there, under both of glibc's names.
WRAPS_store_fault := $(foreach f,open fstat stat fcntl pread pwrite ftruncate,$f $f64) lstat flock read write lseek fsync fdatasync rename \
  unlink close nanosleep setitimer now_boot sqlite3_config sqlite_file_flush sqlite_file_sync
comma := ,
# Over PostgreSQL a data directory gets a database of its own: tests/pg_home.c, in the cluster of tests/pg.sh.
ifeq ($(STORE),postgres)
HOME_OBJ   := $(O)/tests/pg_home.o
HOME_WRAPS := store_locate store_exists store_create store_open pg_queue
$(HOME_OBJ): tests/pg_home.c Makefile tests/tests.mk | $(HEADERS) $(BUILD_NEEDS)
	@mkdir -p $(@D); $(CC) $(OWN) '-DLK_PG_DIR="$(CURDIR)/$(O)/cluster"' -c $< -o $@
$(O)/tests/latchkey: $(O)/main.o $(HOME_OBJ) $(LIBS) $(RUNTIME)
	@$(CC) $(COMMON) $(LDFLAGS) $(HOME_WRAPS:%=-Wl,--wrap=%) -o $@ $^ $(LINK_$(STORE))
# The program of a later release, whose schema has a column more.
$(O)/tests/next.c: store/postgres_upkeep.c tests/tests.mk
	@mkdir -p $(@D); sed -e 's/^const int store_version = .*/const int store_version = 99;/' \
	  -e 's/ steps\[\] = {$$/& { 99, "ALTER TABLE session ADD COLUMN IF NOT EXISTS next bigint NOT NULL DEFAULT 0" },/' $< >$@
	@[ "$$(grep -c 99 $@)" -eq 2 ]
$(O)/tests/next: $(O)/tests/next.c $(O)/main.o $(LIBS) $(RUNTIME)
	@echo "  LD  $@"; $(CC) $(OWN) $(LDFLAGS) -o $@ $^ $(LINK_$(STORE))
endif
TEST_LINK = $(CC) $(COMMON) $(LDFLAGS)
$(UNITS): $(O)/tests/%.t: $(O)/tests/%_test.o $(HOME_OBJ) $(LIBS) $(RUNTIME)
	@echo "  LD  $@"; $(TEST_LINK) $(addprefix -Wl$(comma)--wrap=,$(WRAPS_$*) $(HOME_WRAPS)) -o $@ $^ $(LINK_$(STORE))

# --- The product with hooks at its seams, for tests of what can't be had otherwise and for builds that are
# broken, which the harnesses must catch: tests/shim.c.
SHIM_WRAPS := main $(if $(filter sqlite,$(STORE)),sqlite3_config) malloc calloc realloc mmap flock fcntl fsync fdatasync fail clock_judge clock_mark \
  store_run store_before_answer http_is_gone http_look_again rotation_advance store_mark store_session_end store_sessions_end \
  $(if $(filter sqlite,$(STORE)),sqlite_file_flush sqlite_file_sync,store_commit_batch pg_ask)
SHIM := $(O)/$(if $(CROSS),guest,tests)/shim
$(SHIM): tests/shim.c $(O)/main.o $(HOME_OBJ) $(LIBS) $(RUNTIME)
	@echo "  LD  $@"; mkdir -p $(@D)
	@$(CC) $(OWN) $(if $(HOME_OBJ),-DOVER_PG) $(LDFLAGS) $(addprefix -Wl$(comma)--wrap=,$(SHIM_WRAPS) $(HOME_WRAPS)) -o $@ $^ $(LINK_$(STORE))
# The tracer of faults.t and power.t.
$(O)/inject: tests/inject.c | need-build
	@mkdir -p $(@D)
	@$(HOSTCC) -std=c11 -O1 -D_GNU_SOURCE -Wall -Wextra -Werror $< -o $@

include tests/fuzz/fuzz.mk

# --- RUNS: what a test runs that is built, beside the executable; nothing where the test is skipped.
MUSL   := $(if $(filter sqlite,$(STORE)),$(filter musl,$(B)))
TRACER := $(if $(MUSL),$(if $(filter x86_64,$(shell uname -m)),$(O)/inject))
SHIMMED := $(if $(STATIC),$(O)/tests/shim)
RUNS_attacks     := $(if $(MUSL),$(call BROKEN,latchkey))
RUNS_again       := $(SHIMMED)
RUNS_late        := $(SHIMMED)
RUNS_lost        := $(TRACER)
RUNS_behind      := $(if $(MUSL),$(SHIMMED))
RUNS_return      := $(if $(MUSL),$(O)/tests/redirect.t)
RUNS_client-behind := $(if $(MUSL),$(SHIMMED))
RUNS_client-wallet := $(if $(MUSL),$(SHIMMED))
RUNS_budget      := $(if $(MUSL),$(BENCH)/latchkey $(BENCH)/fill $(O)/broken/keys-always)
RUNS_clockwork   := $(SHIMMED)
RUNS_cluster     := $(if $(filter sqlite,$(STORE)),$(if $(and $(MUSL),$(wildcard /usr/lib/postgresql/*/bin/initdb)),over-pg))
RUNS_cluster-fronts := $(RUNS_cluster)
RUNS_cluster-limits := $(RUNS_cluster)
RUNS_cluster-stale := $(RUNS_cluster)
RUNS_hosts       := $(RUNS_cluster)
RUNS_cross       := $(if $(MUSL),cross-short)
RUNS_crowd       := $(SHIMMED)
RUNS_faults      := $(TRACER) $(SHIMMED)
RUNS_fuzz        := $(FUZZ:%=$(O)/fuzz/%) $(call BROKEN,$(FUZZ)) $(O)/tests/base64.t $(O)/tests/jwt.t
RUNS_herd        := $(SHIMMED)
RUNS_json_corpus := $(O)/json_corpus $(call BROKEN,json_corpus) deps/jsontests/parsing.js
RUNS_oom         := $(SHIMMED)
RUNS_parts       := $(if $(MUSL),parts-built)
RUNS_power       := $(TRACER) $(SHIMMED)
RUNS_router      := $(if $(MUSL),router-short)
# crowd.t, which its long form runs, has controls.
RUNS_sandbox     := $(SHIMMED)
RUNS_scale       := $(if $(MUSL),$(BENCH)/fill)
RUNS_shared      := $(O)/tests/model.t $(call BROKEN,model)
RUNS_protect     := $(if $(MUSL),$(call BROKEN,latchkey))
RUNS_supabase    := $(if $(MUSL),$(SHIMMED))
RUNS_thief       := $(if $(MUSL),$(BENCH)/thief)
RUNS_timing      := $(if $(MUSL),$(O)/timing $(call BROKEN,timing latchkey))
RUNS_trouble     := $(SHIMMED)
RUNS_turn        := $(SHIMMED)
RUNS_verbs       := $(SHIMMED)
RUNS := $(sort $(foreach n,$(basename $(notdir $(CHOSEN))),$(RUNS_$n)))

# The executable without each part, and without all: latchkey-without-NAME.
.PHONY: parts parts-built
parts-built: $(O)/without-oauth | build/embed $(HEADERS)
	@for part in $(PARTS) "$(PARTS)"; do $(MAKE) --no-print-directory WITHOUT="$$part" all || exit 1; done
parts: all parts-built
	@tools/parts.sh --write; tools/parts.sh

# latchkey-pg and its shim, where there is a PostgreSQL to run them on.
.PHONY: over-pg
over-pg: | build/embed $(HEADERS)
	@$(MAKE) --no-print-directory STORE=postgres all build/$(B)-pg/tests/shim build/$(B)-pg/tests/next

# --- Running them: tests/prove.sh.
.PHONY: check test test-fresh torture asan msan cross-built need-tests need-checked
need-tests: FORCE
	@$(NEED) build test $$(sed -n 's/^[#* ]*needs: //p' $(SOURCES))

# Another processor's executable runs under qemu-user, ten times as slowly. The limit ends what hangs, not what a busy machine makes slow.
TESTED  := $(if $(CROSS),$(O)/run/latchkey,$(if $(HOME_OBJ),$(O)/tests/latchkey,$(BIN)))
RUNNER  := $(if $(CROSS),2400 env QEMU=$(QEMU) MODEL_COUNT=2000 tests/cross.sh,3600)
PROVE    = LATCHKEY=$(CURDIR)/$(TESTED) LK_BUILD=$(CURDIR)/$(O) LK_B=$(if $(HOME_OBJ),pg,$(B)) \
  $(if $(HOME_OBJ),tests/pg.sh $(CURDIR)/$(O)/cluster) tests/prove.sh '$(RUNNER)'

WHY = $(if $(filter $(PGS:%=tests/%_test.c),$1),over PostgreSQL alone: make test B=pg,$(if $(filter $(SQLITES:%=tests/%.t) $(SQLITES:%=tests/%_test.c),$1),of SQLite alone,of no store))
test: need-tests
	@$(MAKE) --no-print-directory -j2 tested
	@$(foreach t,$(filter $(APART),$(WANTED)),echo "$t: set aside, $(call WHY,$t)";)
	@rm -f $(O)/failed; LK_FAILED=$(CURDIR)/$(O)/failed $(PROVE) $(CHOSEN) 9>&2 || { head -n 40 $(O)/failed; exit 1; }

# What `test` builds. A make of its own compiles two files at a time: by then need-tests has installed everything, and no two recipes install.
.PHONY: tested
tested: $(filter $(O)/%,$(CHOSEN)) $(TESTED) $(RUNS)

# In memory and with fewer sequences of model_test: seconds, not what a disk makes of it.
CHECKED := $(if $(T),$(CHOSEN),$(UNITS))
need-checked: FORCE
	@$(NEED) build test $$(sed -n 's/^[#* ]*needs: //p' $(if $(T),$(SOURCES),$(TESTS_C)))
check: need-checked $(filter $(O)/%,$(CHECKED)) $(if $(filter tests/%,$(CHECKED)),$(TESTED) $(RUNS))
	@TMPDIR=$(if $(wildcard /dev/shm),/dev/shm,/tmp) MODEL_COUNT=2000 $(PROVE) $(CHECKED) 9>&2

# The long forms, an hour or more; T='tests/power.t' runs only those.
torture: need-tests $(BIN) $(RUNS)
	@LATCHKEY=$(CURDIR)/$(BIN) LK_BUILD=$(CURDIR)/$(O) LK_B=$(B) nice tests/torture.sh $(if $(T),$(SOURCES))

cross-built: $(UNITS)

asan msan:
	@$(MAKE) --no-print-directory B=$@ test
coverage: | need-cov
	@find build/cov -name '*.gcda' -delete 2>/dev/null || :
	@$(MAKE) --no-print-directory B=cov test; failed=$$?; tools/coverage.sh build/cov 98 && exit $$failed

R ?=
test-fresh: | need-fresh
	@tests/fresh.sh $(R)

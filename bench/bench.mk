# Targets of bench/: what is measured, and beside what. docs/benchmarks.md has the results; each target
# writes its own part of it, and its data to bench/data.
#
#   make bench         figures of one request
#   make budgets       writes bench/budgets anew: what tests/budget.t holds the program to
#   make order         writes tools/order.ld anew: which functions stand first in the executable (bench/order.sh)
#   make bench-fronts  refreshes per second through web servers, beside a hello of the same kind
#   make bench-peers   refreshes per second beside other session servers and the limit; R='go, fastify' only those rows
#   make bench-probes  what a refresh costs them beside time, and what happens to the user; R= as above
#   make bench-scale   10^3, 10^5 and N sessions (N=10000000)
#   make bench-pg       refreshes per second of latchkey-pg, on a PostgreSQL of its own; N sessions
#   make thief         how soon a thief of a refresh token is found, by simulation: the table of docs/security.md
#   make plots         docs/plots/*.svg from bench/data/*.tsv

BENCH := build/bench$(OTHER)
N     ?= 10000000
.PHONY: thief budgets order bench-fronts bench-peers bench-probes bench-scale bench-pg plots

# Static and small, each from one file.
BENCH_TOOLS := $(addprefix $(BENCH)/,empty once load hello)
$(BENCH_TOOLS): $(BENCH)/%: bench/%.c | need-build
	@mkdir -p $(@D)
	@musl-gcc -std=c11 -static -no-pie -O2 -s -Wall -Wextra -Wshadow -Wconversion -Werror -o $@ $<
# SQLite as it comes, with the options that its authors recommend.
BARE_FLAGS := -DSQLITE_THREADSAFE=0 -DSQLITE_DQS=0 -DSQLITE_DEFAULT_MEMSTATUS=0 -DSQLITE_LIKE_DOESNT_MATCH_BLOBS -DSQLITE_MAX_EXPR_DEPTH=0 \
  -DSQLITE_OMIT_DECLTYPE -DSQLITE_OMIT_DEPRECATED -DSQLITE_OMIT_PROGRESS_CALLBACK -DSQLITE_OMIT_SHARED_CACHE -DSQLITE_OMIT_LOAD_EXTENSION \
  -DSQLITE_DEFAULT_LOCKING_MODE=1 -DSQLITE_DEFAULT_WAL_SYNCHRONOUS=1 -DSQLITE_STRICT_SUBTYPE=1 -DSQLITE_USE_ALLOCA
$(BENCH)/bare: bench/bare.c $(SQLITE_SRC)/sqlite3.c | need-build
	@mkdir -p $(@D)
	@musl-gcc -std=c11 -D_GNU_SOURCE -static -no-pie -O2 -s -w $(BARE_FLAGS) -I$(SQLITE_SRC) -o $@ $^
# With latchkey's own rooms, to make rows as it would.
$(BENCH)/fill: bench/fill.c $(LIBS)
	@mkdir -p $(@D)
	@$(CC) $(OWN) $(LDFLAGS) -o $@ $^
# With the rotation table itself.
$(BENCH)/thief: bench/thief.c $(LIBS)
	@mkdir -p $(@D)
	@$(CC) $(OWN) $(LDFLAGS) -o $@ $^ -lm
# The product with its symbols, so that callgrind can leave the password's hash out.
$(BENCH)/latchkey: $(O)/main.o $(LIBS)
	@mkdir -p $(@D)
	@$(CC) $(COMMON) $(filter-out -s,$(LDFLAGS)) $(WHOLE) -o $@ $^

BENCH_NEEDS := $(addprefix need-,test python3 strace valgrind)
budgets: $(BIN) $(BENCH)/latchkey $(BENCH)/fill | $(BENCH_NEEDS)
	@bench/count.sh >bench/budgets.new && mv bench/budgets.new bench/budgets && cat bench/budgets
order: $(BIN) $(BENCH)/latchkey | $(BENCH_NEEDS)
	@bench/order.sh >$(BENCH)/order.ld && mv $(BENCH)/order.ld tools/order.ld && grep -c '^\*' tools/order.ld
bench: $(BIN) $(BENCH_TOOLS) $(BENCH)/bare $(BENCH)/latchkey $(BENCH)/fill | $(BENCH_NEEDS)
	@bench/figures.sh
bench-fronts: $(BIN) $(BENCH_TOOLS) | $(BENCH_NEEDS) $(addprefix need-,busybox lighttpd nginx fcgiwrap tcpsvd)
	@bench/fronts.sh
# R: words that rows have in their names, with commas between.
R     ?=
COMMA := ,
bench-peers bench-probes: $(BIN) $(BENCH_TOOLS) $(SQLITE_SRC)/sqlite3.c | $(BENCH_NEEDS) need-peers need-nginx need-node
	@SQLITE_SRC=$(abspath $(SQLITE_SRC)) bench/peers/install.sh
	@python3 bench/peers/$(if $(@:bench-peers=),probes,run).py $(patsubst %,'%',$(subst $(COMMA), ,$(R)))
bench-scale: $(BIN) $(BENCH_TOOLS) $(BENCH)/fill | $(BENCH_NEEDS)
	@bench/scale.sh $(N)
bench-pg:
	@$(MAKE) --no-print-directory STORE=postgres latchkey-pg $(addprefix build/bench-pg/,fill load once empty)
	@LATCHKEY=$(CURDIR)/latchkey-pg bench/pg.sh $(N)
thief: $(BENCH)/thief
	@$<
plots: | $(BENCH_NEEDS)
	@python3 bench/plot.py

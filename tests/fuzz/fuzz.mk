# fuzz.mk: the programs of fuzz.t, json_corpus.t and timing.t, and `make fuzz`. Included by tests.mk.

# tests/fuzz/NAME.c is a target. Replaying its corpus needs no libFuzzer (B=fuzz has it).
FUZZ     := $(filter-out entry,$(patsubst tests/fuzz/%.c,%,$(sort $(wildcard tests/fuzz/*.c))))
FUZZ_OBJ := $(patsubst %,$(O)/fuzz/%.o,entry $(FUZZ)) $(patsubst %,$(O)/fuzz/%.o,$(if $(CROSS),,timing) json_corpus)
$(O)/fuzz/timing.o: | need-valgrind
$(FUZZ_OBJ): $(O)/fuzz/%.o: Makefile tests/tests.mk | $(HEADERS) build/kernel $(BUILD_NEEDS)
	@echo "  CC  $(B) $(filter %/$*.c,$^)"; mkdir -p $(@D)
	@$(CC) $(TEST_OWN) -Itests -c $(filter %/$*.c,$^) -o $@
$(filter-out %/timing.o %/json_corpus.o,$(FUZZ_OBJ)): $(O)/fuzz/%.o: tests/fuzz/%.c
$(O)/fuzz/timing.o $(O)/fuzz/json_corpus.o: $(O)/fuzz/%.o: tests/%.c
MSAN     := $(if $(filter msan,$(B)),$(O)/msan.o)
$(FUZZ:%=$(O)/fuzz/%): $(O)/fuzz/%: $(O)/fuzz/%.o $(O)/fuzz/entry.o $(LIBS) $(MSAN)
	@$(TEST_LINK) $(WRAPS_OF_$*) -o $@ $^
# What a target has of its own in place of libc's.
WRAPS_OF_worker := -Wl,--wrap=epoll_wait,--wrap=now_ms
WRAPS_OF_database := -Wl,--wrap=exit,--wrap=fork
WRAPS_OF_sequence := -Wl,--wrap=signature_is_good_jws
# The objects as they are, but for two names (tests/timing.c says why), to be run under valgrind.
WRAPPED  := -Wl,--wrap=same_bytes,--wrap=argon2_ctx
$(O)/timing: $(O)/fuzz/timing.o $(LIBS)
	@$(TEST_LINK) $(WRAPPED) -o $@ $^
$(O)/json_corpus: $(O)/fuzz/json_corpus.o $(LIBS) $(MSAN)
	@$(TEST_LINK) -o $@ $^
# tests/fuzz/broken lists faults, each put into a copy of one source, and the program that it is linked to: a test of
# that program must find it. What is linked beside the copy is the program's own:
LINK_latchkey    := $(O)/main.o
LINK_timing      := $(WRAPPED) $(O)/fuzz/timing.o
LINK_json_corpus := $(O)/fuzz/json_corpus.o
LINK_model       := $(WRAPS_OF_sequence) $(O)/tests/model_test.o
$(foreach f,$(FUZZ),$(eval LINK_$f := $(WRAPS_OF_$f) $(O)/fuzz/$f.o $(O)/fuzz/entry.o))
FAULTS := $(shell awk '{ print $$1 ":" $$2 }' tests/fuzz/broken)
BROKEN  = $(foreach p,$(1),$(patsubst %:$p,$(O)/broken/%,$(filter %:$p,$(FAULTS))))
BROKEN_ALL := $(call BROKEN,latchkey timing json_corpus model $(FUZZ))
$(BROKEN_ALL): $(O)/broken/%: tests/fuzz/broken tests/fuzz/break.sh $(FUZZ_OBJ) $(O)/tests/model_test.o $(O)/main.o $(LIBS) $(MSAN)
	@echo "  CC  $(B) broken/$*"; mkdir -p $(@D)
	@tests/fuzz/break.sh $* $@.c
	@$(CC) $(OWN) -w -c $@.c -o $@.o
	@$(TEST_LINK) -Wl,--allow-multiple-definition -o $@ $(LINK_$(patsubst $*:%,%,$(filter $*:%,$(FAULTS)))) $@.o $(LIBS) $(MSAN)
fuzz-targets: $(FUZZ:%=$(O)/fuzz/%)
fuzz: | need-build need-clang
	@$(MAKE) --no-print-directory B=fuzz fuzz-targets
	@SECONDS_EACH=$(or $(SECONDS),60) tests/fuzz/run.sh $(or $(T),$(FUZZ))
-include $(FUZZ_OBJ:.o=.d)

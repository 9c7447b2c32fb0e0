# router.mk: guests with a real kernel, and flash that outlives them. Included by Makefile.
#
#   make router           every story on every processor and file system; hours. ONLY='cuts/jffs2 figures' only those
#   make router-mipsel    what guests of one processor start from: build/router/mipsel/initrd
#
# `make test` has the short form in tests/router.t, `make torture` all of it, with tests/router/cuts.t.

ROUTERS := mipsel armhf arm64
ROUTER_TRIPLET_mipsel := mipsel-linux-gnu
ROUTER_TRIPLET_armhf  := arm-linux-gnueabihf
ROUTER_TRIPLET_arm64  := aarch64-linux-gnu

.PHONY: router router-short router-cross $(ROUTERS:%=router-%)
router: $(ROUTERS:%=router-%) $(BIN) $(BENCH)/load | need-routers need-test
	@TORTURE=1 prove --timer --failures --exec 'tests/tap.sh 14400' tests/router.t tests/router/cuts.t

# The executable is the one that make release packs. It is another variant, so another make builds it.
$(ROUTERS:%=router-%): router-%: | need-router
	@tests/router/fetch.sh host && tests/router/fetch.sh $*
	@$(MAKE) --no-print-directory B= T= CROSS=$(ROUTER_TRIPLET_$*) router-cross
	@$(MAKE) --no-print-directory build/router/$*/flash.ko
	@tests/router/initrd.sh $* build/cross/$(ROUTER_TRIPLET_$*)/latchkey build/router/$*/initrd
build/router/%/flash.ko: $(addprefix tests/router/,flash.c module.sh machine.sh pins)
	@echo "  CC  router/$* flash.c"; tests/router/module.sh $*

# What the guests' variant is asked for: the product, the same with hooks for the controls, and the tools.
router-cross: $(BIN) $(SHIM) $(O)/router-guest
$(O)/router-guest: tests/router/guest.c | $(BUILD_NEEDS)
	@$(CC) $(COMMON) -std=c11 -D_GNU_SOURCE $(WARN) $(LDFLAGS) -o $@ $<

# For make test: where the emulator or the packages can't be had, tests/router.t says so and is skipped.
router-short:
	@mkdir -p build/router; rm -f build/router/absent
	@PATIENT_LOG=build/router/log tools/patient.sh sh -c \
	  '{ $(NEED) router && tests/router/fetch.sh host && tests/router/fetch.sh mipsel; } >build/router/log 2>&1 </dev/null' || \
	  tail -n 1 build/router/log >build/router/absent
	@test -e build/router/absent || $(MAKE) --no-print-directory B= T= router-mipsel

# The long forms, where they are chosen.
TORTURED := $(if $(T),$(SOURCES),tests/router.t tests/router/cuts.t)
torture: $(if $(filter tests/router.t,$(TORTURED)),$(ROUTERS:%=router-%),$(if $(filter tests/router/cuts.t,$(TORTURED)),router-mipsel)) \
  $(if $(filter tests/router.t tests/router/cuts.t,$(TORTURED)),need-routers $(BENCH)/load)

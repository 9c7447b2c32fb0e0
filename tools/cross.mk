# cross.mk: other processors, and what is released for them. Included by Makefile.
#
#   make CROSS=mips-linux-gnu   build/cross/mips-linux-gnu/latchkey, static, with musl from Debian's source
#   make cross                  all of CROSS_TARGETS
#   make sizes-cross            all of them; writes their table into docs/benchmarks.md
#   make test-cross             the tests that aren't browsers' under qemu-user, for CROSS_TESTED; an hour
#   make release                build/release: an archive and an OCI image for each target and this machine's, and SHA256SUMS
#
# A target is the triplet of Debian's cross compiler. What has no row here can't be built: CROSS=... says so.

CROSS_TARGETS := aarch64-linux-gnu arm-linux-gnueabi arm-linux-gnueabihf i686-linux-gnu \
  mips-linux-gnu mipsel-linux-gnu riscv64-linux-gnu
CROSS_TESTED  := mips-linux-gnu arm-linux-gnueabihf aarch64-linux-gnu

# What qemu-user calls the processor.
QEMU_aarch64-linux-gnu   := aarch64
QEMU_arm-linux-gnueabi   := arm
QEMU_arm-linux-gnueabihf := arm
QEMU_i686-linux-gnu      := i386
QEMU_mips-linux-gnu      := mips
QEMU_mipsel-linux-gnu    := mipsel
QEMU_riscv64-linux-gnu   := riscv64

# Routers' MIPS has no floating-point unit, and OpenWrt's kernel doesn't emulate one: a single instruction for
# it ends the program. Debian's libgcc for MIPS is for machines that have one, so tools/softfloat.c stands in.
SOFT_FLOAT := mips-linux-gnu mipsel-linux-gnu
CROSS_CPU   = $(if $(filter $(SOFT_FLOAT),$(CROSS)),-msoft-float)
# ld says of libgcc that it may use a unit that there is none of; tests/cross.t sees that it doesn't.
MIXED_FLOAT   := -Wl,--no-warn-mismatch
CROSS_LDFLAGS := $(if $(filter $(SOFT_FLOAT),$(CROSS)),$(MIXED_FLOAT))

QEMU        = $(shell command -v qemu-$(QEMU_$(CROSS))-static)

MUSL_SRC   ?= deps/musl
CROSS_MUSL := $(O)/musl

.PHONY: cross sizes-cross test-cross release compile-musl
cross: $(CROSS_TARGETS:%=cross-%)
cross-%: FORCE
	@$(MAKE) --no-print-directory B= CROSS=$* all

# This machine's own triplet needs no other compiler.
NATIVE  = $(shell gcc -dumpmachine)
FOREIGN = $(filter-out $(NATIVE),$(CROSS_TARGETS))
release: all $(MUSL_SRC)/configure
	@for t in $(FOREIGN); do $(MAKE) --no-print-directory B= CROSS=$$t all || exit 1; done
	@rm -rf build/release
	@for p in release oci; do \
	  for t in $(FOREIGN); do packaging/$$p.sh '$(VERSION)' '$(BUILD_EPOCH)' $$t build/cross/$$t/latchkey || exit 1; done; \
	  packaging/$$p.sh '$(VERSION)' '$(BUILD_EPOCH)' $(NATIVE) latchkey || exit 1; done
	@packaging/release.sh --sums '$(VERSION)'

sizes-cross: release
	@tools/cross-sizes.sh '$(VERSION)' $(FOREIGN) $(NATIVE)

test-cross:
	@for t in $(CROSS_TESTED); do echo "$$t"; $(MAKE) --no-print-directory B= CROSS=$$t test || failed="$$failed $$t"; done; \
	  tests/cross-repro.sh || failed="$$failed cross-repro"; \
	  test -z "$$failed" || { echo "failed: $$failed"; exit 1; }

# The short form in make test: this processor's executable, unit tests and stand-in.
CROSS_SHORT := mips-linux-gnu
.PHONY: cross-short cross-built
cross-short: $(MUSL_SRC)/configure
	@$(MAKE) --no-print-directory B= T= CROSS=$(CROSS_SHORT) cross-built
cross-built: $(O)/run/latchkey   # and the unit tests: tests/tests.mk

# musl for the target. Of its mathematics stay what printf and strtod use; nobody calls the rest,
# which is a third of the time that it takes.
MUSL_UNUSED := aio complex crypt fenv ipc math mq regex search
MUSL_MATH   := __* copysign* fabs* fmod* frexp* scalb*
$(MUSL_SRC)/VERSION: $(MUSL_SRC)/configure ;
$(CROSS_MUSL)/lib/musl-gcc.specs: $(MUSL_SRC)/VERSION | need-build need-cross-$(CROSS)
	@echo "  CC  $(B) musl"
	@tools/patient.sh $(MAKE) --no-print-directory B= CROSS=$(CROSS) compile-musl
compile-musl:
	@rm -rf $(CROSS_MUSL); mkdir -p $(CROSS_MUSL)/obj
	@cd $(CROSS_MUSL)/obj && { $(abspath $(MUSL_SRC))/configure --target=$(CROSS) --prefix=$(CURDIR)/$(CROSS_MUSL) \
	  --disable-shared --enable-wrapper=gcc CC=$(CROSS)-gcc \
	  CFLAGS='-Os -w -fno-pie $(CROSS_CPU) -ffunction-sections -fdata-sections -ffile-prefix-map=$(abspath $(MUSL_SRC))=musl' && \
	  $(MAKE) SRC_DIRS='$$(filter-out $$(addprefix $$(srcdir)/src/,$(MUSL_UNUSED)),$$(wildcard $$(addprefix $$(srcdir)/,src/* src/malloc/$$(MALLOC_DIR) crt ldso)))' \
	  AOBJS='$$(LIBC_OBJS)' BASE_GLOBS='$$(addsuffix /*.c,$$(SRC_DIRS)) $$(addprefix $$(srcdir)/src/math/,$(MUSL_MATH:%=%.c))' install; } >log 2>&1 || \
	  { tail -n 20 log; exit 1; }
	@sed -i 's/-nostdlib/%{EB} %{EL} &/' $(CROSS_MUSL)/lib/musl-gcc.specs   # gcc 14 gives itself one for MIPS, and wants it asked for
	@rm -rf $(CROSS_MUSL)/obj

# What the tests start: small ones of this machine's, which have qemu run the other.
ifneq ($(CROSS),)
$(O)/run/latchkey: $(O)/latchkey
$(O)/tests/shim: $(O)/guest/shim
$(O)/run/latchkey $(O)/tests/shim: tests/cross_run.c | need-build need-qemu
	@mkdir -p $(@D)
	@musl-gcc -std=c11 -Os -Wall -Wextra -Werror -static -s -DQEMU='"$(QEMU)"' -DPROGRAM='"$(CURDIR)/$(filter-out %.c,$^)"' -o $@ $(filter %.c,$^)
test: $(O)/tests/shim
endif

# install.mk: what happens to ./latchkey after it is built. Included by Makefile.
#
#   make install    DESTDIR=DIR is put before every path, PREFIX=/usr/local is where it lives
#   make uninstall  takes the same files away again; data and the user latchkey stay
#   make dist       build/latchkey-VERSION.tar.xz, the same bytes each time; DEPS=1 puts the third-party
#                   source in too (-with-deps), for builds without a network
#   make distcheck  builds from that tarball elsewhere, as another user, and tests what comes out
#   make deb        build/latchkey_VERSION_ARCH.deb
#   make completion writes the shells' completions anew, from `latchkey help`

DESTDIR ?=
PREFIX  ?= /usr/local
BINDIR  ?= $(PREFIX)/bin
SHARE   ?= $(PREFIX)/share
MANDIR  ?= $(SHARE)/man
DOCDIR  ?= $(SHARE)/doc/latchkey
WWWDIR  ?= $(SHARE)/latchkey/www
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
BASHDIR ?= $(SHARE)/bash-completion/completions
ZSHDIR  ?= $(SHARE)/zsh/site-functions

UNITS_OF_SYSTEMD := latchkey.socket latchkey@.service latchkey-serve.socket latchkey-serve.service
MAN_PAGES := $(sort $(wildcard docs/*.[1-9]))
EXAMPLES  := packaging/examples/latchkey.conf
# The client, as a folder that npm installs from and a web server can serve.
CLIENT    := $(filter-out www/index.html www/demo.%,$(sort $(wildcard www/*.*)))
INSTALLED  = $(BINDIR)/latchkey $(addprefix $(UNITDIR)/,$(UNITS_OF_SYSTEMD)) \
  $(SYSUSERSDIR)/latchkey.conf $(TMPFILESDIR)/latchkey.conf $(BASHDIR)/latchkey $(ZSHDIR)/_latchkey \
  $(CLIENT:www/%=$(WWWDIR)/%) \
  $(foreach m,$(MAN_PAGES),$(MANDIR)/man$(subst .,,$(suffix $m))/$(notdir $m))

.PHONY: install uninstall dist distcheck deb completion
# One command each, so that the first that fails ends it. The units name the executable, and share
# one list of restrictions.
install: $(BIN)
	install -D -m 755 $(BIN) '$(DESTDIR)$(BINDIR)/latchkey'
	for u in $(UNITS_OF_SYSTEMD); do \
	  sed -e '/^@HARDENED@$$/{r packaging/systemd/hardened' -e 'd;}' -e 's|/usr/bin/|$(BINDIR)/|' "packaging/systemd/$$u" >"$(O)/$$u" && \
	  install -D -m 644 "$(O)/$$u" "$(DESTDIR)$(UNITDIR)/$$u" || exit 1; done
	install -D -m 644 packaging/latchkey.sysusers '$(DESTDIR)$(SYSUSERSDIR)/latchkey.conf'
	install -D -m 644 packaging/latchkey.tmpfiles '$(DESTDIR)$(TMPFILESDIR)/latchkey.conf'
	install -D -m 644 packaging/completion.bash '$(DESTDIR)$(BASHDIR)/latchkey'
	install -D -m 644 packaging/completion.zsh '$(DESTDIR)$(ZSHDIR)/_latchkey'
	for m in $(MAN_PAGES); do install -D -m 644 $$m "$(DESTDIR)$(MANDIR)/man$${m##*.}/$${m##*/}" || exit 1; done
	install -D -m 644 -t '$(DESTDIR)$(WWWDIR)' $(CLIENT)
	install -D -m 644 -t '$(DESTDIR)$(DOCDIR)' README.md LICENSE CHANGELOG.md docs/*.md docs/openapi.yaml
	install -D -m 644 -t '$(DESTDIR)$(DOCDIR)/servers' docs/servers/*.md
	sed -i 's|](docs/|](|g' '$(DESTDIR)$(DOCDIR)/README.md'
	install -D -m 644 -t '$(DESTDIR)$(DOCDIR)/examples' $(EXAMPLES)

uninstall:
	rm -f $(foreach f,$(INSTALLED),'$(DESTDIR)$f')
	rm -rf '$(DESTDIR)$(DOCDIR)'

dist:
	@packaging/dist.sh '$(VERSION)' '$(BUILD_EPOCH)' $(if $(DEPS),with-deps)

distcheck:
	@$(MAKE) --no-print-directory test T=tests/repro.t

deb: $(BIN) | need-deb
	@packaging/deb.sh '$(VERSION)' '$(BUILD_EPOCH)'

completion: $(BIN)
	$(CURDIR)/$(BIN) help >build/help
	@set -e; for s in bash zsh; do packaging/completion.sh $$s <build/help >build/table; cp build/table packaging/completion.$$s; done

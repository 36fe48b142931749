# SPDX-License-Identifier: MIT
# make install, make uninstall. PREFIX is where it will be used, DESTDIR a directory before it where
# a package is put together. The launcher finds the kernel from its own place: ../share/postern.
# The header library, its pkg-config file and postern-gates: user-install in user/rules.mk.

PREFIX  ?= /usr/local
DESTDIR ?=

I_BIN  := $(DESTDIR)$(PREFIX)/bin
I_DATA := $(DESTDIR)$(PREFIX)/share/postern
I_MAN  := $(DESTDIR)$(PREFIX)/share/man
I_COMP := $(DESTDIR)$(PREFIX)/share/bash-completion/completions

.PHONY: install uninstall
install: all user-install
	$(call say,INSTALL,$(DESTDIR)$(PREFIX))
	$(Q)install -d $(I_BIN) $(I_DATA) $(I_MAN)/man1 $(I_MAN)/man3 $(I_COMP)
	$(Q)install -m 755 $(BUILD)/postern $(I_BIN)
	$(Q)install -m 644 $(BUILD)/postern.elf $(BUILD)/root.cpio $(I_DATA)
	$(Q)install -m 644 man/postern.1 $(I_MAN)/man1
	$(Q)install -m 644 man/postern-syscall.3 $(I_MAN)/man3
	$(Q)install -m 644 tools/completion/postern.bash $(I_COMP)/postern

uninstall:
	$(Q)rm -f $(I_BIN)/postern $(I_BIN)/postern-gates $(I_BIN)/postern-gates-* $(I_COMP)/postern \
		$(I_MAN)/man1/postern.1 $(I_MAN)/man3/postern-syscall.3 \
		$(DESTDIR)$(PREFIX)/share/pkgconfig/postern.pc
	$(Q)rm -rf $(I_DATA) $(DESTDIR)$(PREFIX)/include/postern

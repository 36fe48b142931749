# SPDX-License-Identifier: MIT
# The user's side: generated numbers, the small guest programs on the header library, its tests'
# programs, its installation. $(BUILD), $(CC), $(HOSTCC), $(Q) and $(GEN) come from the top.
ifndef UL_INCLUDED
UL_INCLUDED := 1
BUILD ?= build
PREFIX ?= /usr/local
UL          := $(BUILD)/user
UL_NUMBERS  := $(UL)/include/postern/numbers.h
UL_HEADERS  := $(wildcard user/include/postern/*.h)
UL_INCLUDE  := -Iuser/include -I$(UL)/include
UL_ABIS     := x86_64 i386 x32
UL_MODE_x86_64 := -m64
UL_MODE_i386   := -m32
UL_MODE_x32    := -mx32
UL_EMUL_x86_64 := elf_x86_64
UL_EMUL_i386   := elf_i386
UL_EMUL_x32    := elf32_x86_64
UL_CFLAGS   := -std=c11 -Wall -Wextra -Werror $(UL_INCLUDE)
# Without a C library: nothing that wants its start files, its canary or unwind tables.
UL_BARE     := $(UL_CFLAGS) -ffreestanding -fno-stack-protector -fno-pic -fno-pie \
	-fno-asynchronous-unwind-tables -fcf-protection=none -fomit-frame-pointer
UL_LDFLAGS  := -static -z noseparate-code -z max-page-size=4096 --build-id=none -z norelro
UL_GATES    := $(UL_ABIS:%=$(UL)/postern-gates-%)
UL_HELLO    := $(UL_ABIS:%=$(UL)/hello-%)

$(UL_NUMBERS): $(GEN)/.table user/numbers.awk
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)awk -f user/numbers.awk $(GEN)/syscall_numbers.h > $@

$(UL)/trim: user/tools/trim.c
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOST_CFLAGS) $< -o $@

define UL_RULES
$(UL)/$(1)/gates.o: user/tools/gates.c $(UL_HEADERS) $(UL_NUMBERS) user/rules.mk
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) $(UL_BARE) $(UL_MODE_$(1)) -O2 -c -o $$@ $$<
$(UL)/postern-gates-$(1): $(UL)/$(1)/gates.o
	$$(call say,LD,$$@)
	$$(Q)$$(LD) -m $(UL_EMUL_$(1)) $(UL_LDFLAGS) -o $$@ $$<
$(UL)/$(1)/hello.o: user/examples/hello.c $(UL_HEADERS) $(UL_NUMBERS) user/rules.mk
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) $(UL_BARE) $(UL_MODE_$(1)) -Os -c -o $$@ $$<
$(UL)/hello-$(1): $(UL)/$(1)/hello.o $(UL)/trim
	$$(call say,LD,$$@)
	$$(Q)$$(LD) -m $(UL_EMUL_$(1)) $(UL_LDFLAGS) -s -o $(UL)/$(1)/hello $$<
	$$(Q)$(UL)/trim $(UL)/$(1)/hello $$@
$(UL)/library-test-$(1): test/user/library_test.c $(UL_HEADERS) $(UL_NUMBERS) user/rules.mk
	$$(call say,LD,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)gcc $(UL_CFLAGS) -D_GNU_SOURCE $(UL_MODE_$(1)) -O1 -g -static -no-pie -o $$@ $$<
endef
$(foreach a,$(UL_ABIS),$(eval $(call UL_RULES,$(a))))

.PHONY: user user-programs test-user bench-gates user-install fuzz-vdso
user: $(UL_GATES) $(UL_HELLO)
user-programs: user $(UL_ABIS:%=$(UL)/library-test-%)

test-user: all user-programs
	$(Q)BUILD=$(BUILD) prove --timer test/user

bench-gates: all user
	$(Q)BUILD=$(BUILD) bench/gates.run

# The parser of vDSO images, both classes, under ASan and UBSan: FUZZ_RUNS inputs each.
FUZZ_RUNS ?= 2000000
fuzz-vdso: $(UL_NUMBERS)
	$(Q)BUILD=$(BUILD) test/user/fuzz-vdso $(FUZZ_RUNS)

user-install: user $(UL_NUMBERS)
	$(Q)install -d $(DESTDIR)$(PREFIX)/include/postern $(DESTDIR)$(PREFIX)/bin \
		$(DESTDIR)$(PREFIX)/share/pkgconfig
	$(Q)install -m 644 $(UL_HEADERS) $(UL_NUMBERS) $(DESTDIR)$(PREFIX)/include/postern
	$(Q)install -m 755 $(UL_GATES) $(DESTDIR)$(PREFIX)/bin
	$(Q)ln -sf postern-gates-x86_64 $(DESTDIR)$(PREFIX)/bin/postern-gates
	$(Q)printf '%s\n' 'prefix=$(PREFIX)' 'Name: postern' 'Version: $(VERSION)' \
		'Description: Linux system calls and the vDSO without a C library' \
		'Cflags: -I$${prefix}/include' > $(DESTDIR)$(PREFIX)/share/pkgconfig/postern.pc
	$(Q)chmod 644 $(DESTDIR)$(PREFIX)/share/pkgconfig/postern.pc
endif

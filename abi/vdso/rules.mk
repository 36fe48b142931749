# SPDX-License-Identifier: MIT
# The three vDSO images and what the kernel includes of them. Included by the top Makefile, which
# sets $(BUILD) (the build folder) and may set HOSTCC and CC. Products: $(BUILD)/gen/vdso_offsets.h,
# $(BUILD)/gen/vdso_images.S, $(BUILD)/vdso/{x86_64,x32,i386}.so.
BUILD ?= build
HOSTCC ?= $(CC)

# The kernel's own link to the UAPI headers serves all three modes without a 32-bit C library.
VDSO_CPPFLAGS := -I. -isystem $(UAPI)
VDSO_CFLAGS := -std=gnu11 -fPIC -ffreestanding -fno-stack-protector -fcf-protection=none \
	-fno-jump-tables -fasynchronous-unwind-tables -fomit-frame-pointer -fvisibility=hidden \
	-mno-sse -mno-mmx -Wall -Wextra -Werror $(VDSO_CPPFLAGS)
VDSO_LDFLAGS := -shared -nostdlib -Bsymbolic --hash-style=both --eh-frame-hdr --build-id=sha1 \
	--no-undefined --fatal-warnings -z max-page-size=4096 -z noexecstack -T abi/vdso/vdso.lds

VDSO_ABIS := x86_64 x32 i386
VDSO_MODE_x86_64 := -m64 -O2
VDSO_MODE_x32 := -mx32 -O2
# The hot path is assembly here; small C keeps the image within one page.
VDSO_MODE_i386 := -m32 -Os
VDSO_LD_x86_64 := -m elf_x86_64 -soname linux-vdso.so.1
VDSO_LD_x32 := -m elf32_x86_64 -soname linux-vdso.so.1
VDSO_LD_i386 := -m elf_i386 -soname linux-gate.so.1
VDSO_PARTS_x86_64 := note vdso
VDSO_PARTS_x32 := note vdso
VDSO_PARTS_i386 := note vdso gettime32 entry32

define vdso_rules
$(BUILD)/vdso/$(1)/%.o: abi/vdso/%.c abi/vdso/data.h abi/vdso/rules.mk $(UAPI)/.done
	@mkdir -p $$(@D)
	$(Q)$(CC) $(VDSO_MODE_$(1)) $(VDSO_CFLAGS) -c $$< -o $$@
$(BUILD)/vdso/$(1)/%.o: abi/vdso/%.S abi/vdso/data.h abi/vdso/rules.mk $(UAPI)/.done
	@mkdir -p $$(@D)
	$(Q)$(CC) $(VDSO_MODE_$(1)) $(VDSO_CPPFLAGS) -c $$< -o $$@
$(BUILD)/vdso/$(1).so.dbg: $(VDSO_PARTS_$(1):%=$(BUILD)/vdso/$(1)/%.o) \
		abi/vdso/vdso.lds abi/vdso/$(1).map
	$(Q)$(LD) $(VDSO_LD_$(1)) $(VDSO_LDFLAGS) --version-script abi/vdso/$(1).map \
		-o $$@ $$(filter %.o,$$^)
$(BUILD)/vdso/$(1).so: $(BUILD)/vdso/$(1).so.dbg
	$(Q)objcopy -S $$< $$@
endef
$(foreach abi,$(VDSO_ABIS),$(eval $(call vdso_rules,$(abi))))

$(BUILD)/tools/vdso2c: tools/vdso2c.c
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -std=gnu11 -O1 -Wall -Wextra -Werror $< -o $@

$(BUILD)/gen/vdso_images.S: $(BUILD)/tools/vdso2c $(VDSO_ABIS:%=$(BUILD)/vdso/%.so)
	@mkdir -p $(@D)
	$(Q)$< $(BUILD)/gen/vdso_offsets.h $@ \
		$(foreach a,$(VDSO_ABIS),$(a)=$(BUILD)/vdso/$(a).so.dbg:$(BUILD)/vdso/$(a).so)
$(BUILD)/gen/vdso_offsets.h: $(BUILD)/gen/vdso_images.S ;

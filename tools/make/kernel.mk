# SPDX-License-Identifier: MIT
# The kernel: generated tables, vDSO images, objects, and a link in two passes: the first gives the
# addresses from which tools/ksyms makes the symbol table that the second contains.

K         := $(BUILD)/kernel
UAPI      := $(BUILD)/uapi
GEN       := $(BUILD)/gen
K_FOLDERS := arch/x86 abi gate sys kern vm fs dev lib
K_SRC     := $(filter-out arch/x86/offsets.c,$(sort $(foreach d,$(K_FOLDERS),$(wildcard $(d)/*.c $(d)/*.S))))
K_GEN     := syscall_stubs syscall_tables vdso_images
K_OBJ     := $(patsubst %,$(K)/%.o,$(basename $(K_SRC))) $(K_GEN:%=$(K)/gen/%.o)

K_CPPFLAGS := -nostdinc -isystem $(shell $(CC) -print-file-name=include) -isystem $(UAPI) \
	-I. -Iarch/x86 -I$(GEN)
K_CFLAGS  := -std=gnu11 -O2 -g -ffreestanding $(K_CPPFLAGS) -mcmodel=kernel -mno-red-zone \
	-mgeneral-regs-only -fno-pic -fno-pie -fno-stack-protector -fno-omit-frame-pointer \
	-fno-strict-aliasing -fno-common -fno-asynchronous-unwind-tables -fcf-protection=none \
	-Wall -Wextra -Werror -Wno-address-of-packed-member -Wstrict-prototypes -Wmissing-prototypes
K_LDFLAGS := -m elf_x86_64 -T arch/x86/kernel.lds -z max-page-size=4096 --build-id=none \
	--no-warn-rwx-segments
ifeq ($(DEBUG),1)
K_CFLAGS  += -DCONFIG_DEBUG=1 -fsanitize=undefined -fno-sanitize=alignment \
	$(if $(findstring clang,$(CC)),,-Wno-stringop-overread -Wno-stringop-overflow -Wno-array-bounds)
endif

kernel: $(BUILD)/postern.elf

$(UAPI)/.done:
	$(Q)mkdir -p $(UAPI)
	$(Q)ln -sfn /usr/include/linux $(UAPI)/linux
	$(Q)ln -sfn /usr/include/asm-generic $(UAPI)/asm-generic
	$(Q)ln -sfn /usr/include/x86_64-linux-gnu/asm $(UAPI)/asm
	$(Q)touch $@

# Changed flags rebuild everything.
$(K)/flags: FORCE
	$(Q)mkdir -p $(K)
	$(Q)echo '$(CC) $(K_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(K_CFLAGS)' > $@

$(BUILD)/tools/gentbl: $(wildcard tools/gen/*.c tools/gen/*.h)
	$(call say,HOSTCC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOST_CFLAGS) tools/gen/*.c -o $@

$(BUILD)/tools/ksyms: tools/ksyms.c
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOST_CFLAGS) $< -o $@

$(GEN)/.table: abi/syscalls.tbl $(BUILD)/tools/gentbl
	$(call say,GEN,$<)
	$(Q)mkdir -p $(GEN)
	$(Q)$(BUILD)/tools/gentbl --table abi/syscalls.tbl \
		--unistd-dir /usr/include/x86_64-linux-gnu/asm --out $(GEN)
	$(Q)touch $@
$(GEN)/syscall_stubs.c $(GEN)/syscall_tables.c: $(GEN)/.table ;

include abi/vdso/rules.mk

$(GEN)/asm_offsets.h: arch/x86/offsets.c $(UAPI)/.done $(wildcard arch/x86/machine/*.h)
	$(Q)mkdir -p $(GEN)
	$(Q)$(CC) $(filter-out -fsanitize% -fno-sanitize%,$(K_CFLAGS)) -S $< -o $(@:.h=.s)
	$(Q)sed -n 's/^.*# ->\([A-Z0-9_]*\) \([0-9]*\).*/#define \1 \2/p' $(@:.h=.s) > $@

K_DEPS := $(UAPI)/.done $(K)/flags $(GEN)/.table $(GEN)/vdso_offsets.h $(GEN)/asm_offsets.h

$(K)/%.o: %.c $(K_DEPS)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(K_CFLAGS) -MMD -MP -c -o $@ $<

$(K)/%.o: %.S $(K_DEPS)
	$(call say,AS,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(K_CPPFLAGS) -D__ASSEMBLY__ -g -MMD -MP -c -o $@ $<

$(K)/gen/%.o: $(GEN)/%.c $(K_DEPS)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(K_CFLAGS) -MMD -MP -c -o $@ $<

$(K)/gen/%.o: $(GEN)/%.S $(K_DEPS)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(K_CPPFLAGS) -D__ASSEMBLY__ -c -o $@ $<

$(K)/first.elf: $(K_OBJ) arch/x86/kernel.lds
	$(Q)$(LD) $(K_LDFLAGS) -o $@ $(K_OBJ)

$(K)/ksyms.o: $(K)/first.elf $(BUILD)/tools/ksyms
	$(Q)nm -n $< | $(BUILD)/tools/ksyms > $(K)/ksyms.S
	$(Q)$(CC) -c -o $@ $(K)/ksyms.S

$(BUILD)/postern.elf: $(K)/first.elf $(K)/ksyms.o
	$(call say,LD,$@)
	$(Q)$(LD) $(K_LDFLAGS) -o $@ $(K_OBJ) $(K)/ksyms.o

-include $(K_OBJ:.o=.d)

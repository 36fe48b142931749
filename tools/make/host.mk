# SPDX-License-Identifier: MIT
# The launcher and the built-in root archive.

VERSION   := 0.1.0
HOSTCC    ?= $(CC)
HOST_CFLAGS := -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Werror -I.
H         := $(BUILD)/host.o
HOST_SRC  := $(wildcard host/*.c) lib/cpio.c lib/inflate.c lib/crc32.c
# What `postern abi` knows: the table's own output, and where each handler is defined.
HOST_GEN  := syscall_info handlers
HOST_OBJ  := $(HOST_SRC:%.c=$(H)/%.o) $(HOST_GEN:%=$(H)/gen/%.o)

launcher: $(BUILD)/postern

$(H)/%.o: %.c
	$(call say,HOSTCC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOST_CFLAGS) -DPOSTERN_VERSION='"$(VERSION)"' -MMD -MP -c -o $@ $<

$(BUILD)/gen/syscall_info.c: $(BUILD)/gen/.table ;
$(BUILD)/gen/handlers.c: tools/handlers.awk $(wildcard sys/*.c abi/*.c)
	$(Q)mkdir -p $(@D)
	$(Q)awk -v sorted=$@.sorted -f $< $(filter %.c,$^) > $@
	$(Q)rm -f $@.sorted

$(H)/host/abi.o $(H)/host/abi_print.o: HOST_CFLAGS += -I$(BUILD)/gen
$(H)/host/abi.o $(H)/host/abi_print.o: $(BUILD)/gen/.table
$(H)/gen/%.o: $(BUILD)/gen/%.c
	$(call say,HOSTCC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOST_CFLAGS) -I$(BUILD)/gen -MMD -MP -c -o $@ $<

$(BUILD)/postern: $(HOST_OBJ)
	$(call say,LD,$@)
	$(Q)$(HOSTCC) -o $@ $^

$(BUILD)/tools/mkroot: tools/mkroot.c host/archive.c host/elfcheck.c host/say.c
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOST_CFLAGS) $^ -o $@

$(BUILD)/root.cpio: $(BUILD)/tools/mkroot /bin/busybox
	$(call say,CPIO,$@)
	$(Q)$(BUILD)/tools/mkroot $@ /bin/busybox

-include $(HOST_OBJ:.o=.d)

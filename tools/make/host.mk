# SPDX-License-Identifier: MIT
# The launcher and the built-in root archive.

VERSION   := 0.1.0
HOSTCC    ?= $(CC)
HOST_CFLAGS := -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Werror -I.
H         := $(BUILD)/host.o
HOST_SRC  := $(wildcard host/*.c) lib/cpio.c lib/inflate.c lib/crc32.c
HOST_OBJ  := $(HOST_SRC:%.c=$(H)/%.o)

launcher: $(BUILD)/postern

$(H)/%.o: %.c
	$(call say,HOSTCC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOST_CFLAGS) -DPOSTERN_VERSION='"$(VERSION)"' -MMD -MP -c -o $@ $<

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

# SPDX-License-Identifier: MIT
# The fuzzer of system calls: one source, three static programs, build/fuzz/fuzz-calls-ABI. GT_CC and
# GT_MODE_ABI come from test/guest/rules.mk.
FC          := $(BUILD)/fuzz
FC_SRC      := $(sort $(wildcard test/fuzz/calls/*.c)) test/guest/entry_asm.S
FC_HEADERS  := $(wildcard test/fuzz/calls/*.h) test/guest/test.h test/guest/entry.h
FC_CFLAGS   := -std=gnu11 -D_GNU_SOURCE -O2 -g -fno-pie -fno-omit-frame-pointer -fcf-protection=none \
	-fno-stack-protector -Wall -Wextra -Werror -Wno-pointer-to-int-cast -Wno-int-to-pointer-cast \
	-Wno-unused-result -Wno-stringop-truncation -I. -I$(BUILD)/gen
FC_PROGRAMS := $(addprefix $(FC)/fuzz-calls-,x86_64 i386 x32)

define FC_RULES
$(FC)/fuzz-calls-$(1): $(FC_SRC) $(FC_HEADERS) $(BUILD)/gen/.table test/fuzz/calls/rules.mk
	@printf '  %-7s %s\n' FUZZ '$$@'
	$$(Q)mkdir -p $$(@D)
	$$(Q)$(GT_CC) $(FC_CFLAGS) $$(GT_MODE_$(1)) -static -no-pie -o $$@ $(FC_SRC) \
		$(BUILD)/gen/syscall_info.c
endef
$(foreach a,x86_64 i386 x32,$(eval $(call FC_RULES,$(a))))

.PHONY: fuzz-calls
fuzz-calls: $(FC_PROGRAMS)

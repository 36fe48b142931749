# SPDX-License-Identifier: MIT
# The guest tests: one source, three static programs. $(BUILD), $(CC) and $(Q) come from the top.
BUILD ?= build
GT           := $(BUILD)/guest
GT_SRC       := $(sort $(wildcard test/guest/*.c test/guest/*.S))
GT_HEADERS   := $(wildcard test/guest/*.h)
GT_CFLAGS    := -std=gnu11 -D_GNU_SOURCE -O2 -g -fno-pie -fno-omit-frame-pointer -fcf-protection=none \
	-fno-stack-protector -fno-strict-aliasing -fno-toplevel-reorder -fasynchronous-unwind-tables -Wall -Wextra -Werror \
	-Wno-pointer-to-int-cast -Wno-int-to-pointer-cast -Wno-nonnull -I. -I$(BUILD)/gen
GT_PROGRAMS  := $(addprefix $(GT)/guest-tests-,x86_64 i386 x32)

GT_MODE_x86_64 := -m64
GT_MODE_i386   := -m32 -msse2
GT_MODE_x32    := -mx32

# gcc only: clang has no x32 start files to link with, and the tests are not what clang must judge.
GT_CC        ?= gcc

define GT_RULES
$(GT)/$(1)/%.o: test/guest/%.c $(BUILD)/gen/.table test/guest/rules.mk
	$$(Q)mkdir -p $$(@D)
	$$(Q)$(GT_CC) $(GT_CFLAGS) $$(GT_MODE_$(1)) -MMD -MP -c -o $$@ $$<
$(GT)/$(1)/%.o: test/guest/%.S test/guest/rules.mk
	$$(Q)mkdir -p $$(@D)
	$$(Q)$(GT_CC) $$(GT_MODE_$(1)) -MMD -MP -c -o $$@ $$<
$(GT)/guest-tests-$(1): $(patsubst test/guest/%,$(GT)/$(1)/%.o,$(basename $(GT_SRC)))
	@printf '  %-7s %s\n' LD '$$@'
	$$(Q)$(GT_CC) $$(GT_MODE_$(1)) -static -no-pie -pthread -o $$@ $$^
-include $(patsubst test/guest/%,$(GT)/$(1)/%.d,$(basename $(GT_SRC)))
endef
$(foreach a,x86_64 i386 x32,$(eval $(call GT_RULES,$(a))))

.PHONY: guest-programs
guest-programs: $(GT_PROGRAMS)

# The oracle: the same programs under Debian's own kernel.
$(BUILD)/oracle/init: test/oracle/init.c
	$(Q)mkdir -p $(@D)
	$(Q)$(GT_CC) -O1 -static -Wall -Wextra -Werror -o $@ $<

.PHONY: test-oracle
test-oracle: $(GT_PROGRAMS) $(BUILD)/oracle/init
	$(Q)BUILD=$(BUILD) prove -e '' test/oracle/oracle.t

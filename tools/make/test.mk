# SPDX-License-Identifier: MIT
# run, test, check, bench. Each first sees to its Debian packages.

# Two at a time unless the user said how many.
SUBMAKE = $(MAKE) --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j2)

.PHONY: setup-run setup-test setup-check run test test-long test-oracle test-debug unit check FORCE
setup-run setup-test setup-check:
	$(Q)tools/setup $(@:setup-%=%)

# The main job, shown.
run: setup-run
	$(Q)$(MAKE) --no-print-directory all
	$(Q)tools/demo $(BUILD)/postern

-include test/guest/rules.mk
-include bench/rules.mk
-include test/fuzz/calls/rules.mk

# --- Unit tests: lib/ and the launcher's parsers, on the host, under ASan and UBSan ---

U          := $(BUILD)/unit
UNIT_FLAGS := -std=gnu11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror -I. -fsanitize=address,undefined \
	-fno-sanitize-recover=all
UNIT_TESTS := $(patsubst test/unit/%.c,$(U)/%,$(filter-out test/unit/vm_%,$(wildcard test/unit/*_test.c)))
LIB_SRC    := $(wildcard lib/*.c)

unit: $(UNIT_TESTS) $(U)/host_test $(U)/vm_tree_test

$(UNIT_TESTS): $(U)/%: test/unit/%.c test/unit/unit.h $(LIB_SRC) $(wildcard lib/*.h)
	$(call say,UNIT,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_FLAGS) $< $(LIB_SRC) -lcmocka -o $@

$(U)/host_test: test/host/host_test.c $(wildcard host/*.c host/*.h)
	$(call say,UNIT,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_FLAGS) $< $(addprefix host/,accel.c archive.c control.c elfcheck.c tree.c say.c) \
		lib/cpio.c -lcmocka -o $@

# vm/ itself, over a machine of one CPU made of the host's memory.
$(U)/vm_tree_test: test/unit/vm_tree_test.c $(wildcard vm/*.[ch] kern/*.h lib/*.[ch] test/unit/vm_shim/machine/*.h)
	$(call say,UNIT,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_FLAGS) -fno-sanitize=alignment -Wno-unused-function -Itest/unit/vm_shim -Iarch/x86 $< \
		lib/rbtree.c lib/string.c -lcmocka -o $@

# --- All tests, as TAP through prove ---

PROVE := CMOCKA_MESSAGE_OUTPUT=tap ASAN_OPTIONS=detect_leaks=0 prove --timer

TEST_FOLDERS := test/gen test/doc test/abi test/user test/vdso test/host test/guest test/programs \
	test/fuzz/calls

# The guest tests and the programs run on the kernel as it is shipped and on the debug kernel.
DEBUG_BUILD := $(if $(filter 1,$(DEBUG)),$(BUILD),$(BUILD)-debug)
test: setup-test
	$(Q)$(SUBMAKE) all unit guest-programs user-programs fuzz-calls $(BUILD)/tools/vdso2c
	$(Q)$(SUBMAKE) DEBUG=1 BUILD=$(DEBUG_BUILD) kernel
	$(Q)BUILD=$(BUILD); export BUILD; bad=0; \
	$(PROVE) --exec '' $(UNIT_TESTS) $(U)/host_test $(U)/vm_tree_test || bad=1; \
	$(PROVE) $(TEST_FOLDERS) || bad=1; \
	echo 'The debug kernel:'; \
	GUEST_KERNEL=$(DEBUG_BUILD)/postern.elf $(PROVE) test/guest/amd.t test/guest/intel.t test/programs \
		test/fuzz/calls || bad=1; \
	exit $$bad

# --- Static checks, and both compilers on everything ---

check: setup-check
	$(Q)$(SUBMAKE) CC=gcc all $(UL_NUMBERS)
	$(Q)BUILD=$(BUILD) CFLAGS_KERNEL='$(K_CFLAGS)' tools/check
	$(Q)$(SUBMAKE) CC=gcc DEBUG=1 BUILD=$(DEBUG_BUILD) kernel
	$(Q)$(SUBMAKE) CC=clang BUILD=$(BUILD)/clang all
	$(Q)$(SUBMAKE) CC=clang BUILD=$(BUILD)/clang-debug DEBUG=1 kernel

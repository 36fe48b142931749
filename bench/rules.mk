# SPDX-License-Identifier: MIT
# The benchmark's programs; `make bench` builds them and runs bench/run. $(BUILD), $(CC) and $(Q)
# come from the top.
BUILD ?= build
BENCH_CFLAGS := -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -I.
BENCH_PROGRAMS := $(addprefix $(BUILD)/bench/,bench64 bench32 true timed)

$(BUILD)/bench/bench64 $(BUILD)/bench/bench32: bench/bench.c
$(BUILD)/bench/true: bench/true.c
$(BUILD)/bench/timed: bench/timed.c
$(BUILD)/bench/bench32: BENCH_MODE := -m32 -static
$(BUILD)/bench/bench64: BENCH_MODE := -m64 -static -Wl,-e,bench_start
$(BUILD)/bench/true: BENCH_MODE := -m64 -static
$(BENCH_PROGRAMS): bench/rules.mk
	@mkdir -p $(@D)
	$(Q)$(CC) $(BENCH_CFLAGS) $(BENCH_MODE) $(filter %.c,$^) -o $@

.PHONY: bench bench-programs
bench-programs: $(BENCH_PROGRAMS)
bench: bench-programs
	$(Q)BUILD=$(BUILD) bench/run

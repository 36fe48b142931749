// SPDX-License-Identifier: MIT
// A CPU's entry in /proc/cpuinfo, in the words that programs look for on this architecture.
#pragma once

#include "lib/types.h"

void cpu_describe(u32 cpu, void (*out)(void *arg, const char *fmt, ...) PRINTF(2, 3), void *arg);

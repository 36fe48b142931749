// SPDX-License-Identifier: MIT
// The kernel log (serial port, off unless klog=1 or no quiet console) and the end of the kernel.
#pragma once

#include "lib/types.h"

struct regs;

extern bool log_enabled;
void log_printf(const char *fmt, ...) PRINTF(1, 2);
// Set by the control port: tells the launcher of a panic, best effort, without locks or sleep.
extern void (*log_panic_hook)(const char *message);
// Prints registers and a symbolised backtrace whatever log_enabled says, tells the launcher, ends
// the machine.
NORETURN void panic(const char *fmt, ...) PRINTF(1, 2);
NORETURN void panic_regs(const struct regs *regs, const char *fmt, ...) PRINTF(2, 3);

#define ASSERT(cond)                                                                     \
	do {                                                                             \
		if (unlikely(!(cond)))                                                   \
			panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #cond); \
	} while (0)
#ifdef CONFIG_DEBUG
#define DEBUG_ASSERT(cond) ASSERT(cond)
#else
#define DEBUG_ASSERT(cond) ((void)sizeof(cond))
#endif

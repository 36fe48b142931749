// SPDX-License-Identifier: MIT
// Pieces of a panic message: registers, and the call chain by frame pointers with names from the
// symbol table.
#pragma once

#include "lib/types.h"

struct regs;

// The function that holds va and the offset in it; "?" when it is no function of the kernel.
const char *ksym_find(u64 va, u64 *offset);
// rsp: of an interrupted function, which may be a leaf; else 0.
// Both print by `out`, a line a call. They believe nothing that they read: a broken stack ends the
// walk.
void backtrace_print(void (*out)(const char *fmt, ...) PRINTF(1, 2), u64 rip, u64 rbp, u64 rsp);
void regs_print(void (*out)(const char *fmt, ...) PRINTF(1, 2), const struct regs *regs);

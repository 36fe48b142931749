// SPDX-License-Identifier: MIT
// The way in and out. entry.S calls gate_* with the frame; the result says whether the fast way
// back is safe.
#pragma once

#include "lib/types.h"
#include "machine/regs.h"

// Each returns whether SYSRET (gate_syscall64), or SYSEXIT/SYSRETL may be used; otherwise IRET.
bool gate_syscall64(struct regs *regs);
void gate_int80(struct regs *regs);
bool gate_syscall32(struct regs *regs); // compat SYSCALL: sixth argument fetched from user stack
bool gate_sysenter(struct regs *regs);
// called by the page-fault path on a fetch from the vsyscall page
void gate_vsyscall(struct regs *regs);

// Last stop before user mode after a trap or interrupt: signals, reschedule. Interrupts are off on
// return.
void gate_exit(struct regs *regs);

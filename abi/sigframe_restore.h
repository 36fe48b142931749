// SPDX-License-Identifier: MIT
// The restorers behind rt_sigreturn and sigreturn: read the frame at the user's stack pointer, set
// *regs, mask, alternate stack and FPU. 0, or -EFAULT or -EINVAL: the frame is bad and the task
// gets SIGSEGV.
#pragma once

struct regs;

int sigframe_restore_x86_64(struct regs *regs);
int sigframe_restore_x32(struct regs *regs);
int sigframe_restore_i386(struct regs *regs);
int sigframe_restore_rt_i386(struct regs *regs);

// SPDX-License-Identifier: MIT
// The frame of saved user (or interrupted kernel) registers, laid out as entry.S pushes it.
// The six 64-bit call arguments lie in order, rdi … r9.
#pragma once

#include "lib/types.h"
#include "machine/layout.h"

struct regs {
	u64 r15, r14, r13, r12, rbp, rbx;
	u64 rdi, rsi, rdx, r10, r8, r9;
	u64 rax, r11, rcx;
	u8 entry;   // vector of a trap or interrupt, or ENTRY_* of a call
	u8 is_call; // 1: a system call, so orig is its number
	u8 abi;	    // ABI_*: of this entry, never of the task (hazards 10, 11)
	u8 pad[5];
	u64 orig; // system call number as user space gave it, or the CPU's error code
	u64 rip, cs, rflags, rsp, ss;
};

BUILD_ASSERT(sizeof(struct regs) == 22 * 8);

#define RFLAGS_CF    0x1
#define RFLAGS_FIXED 0x2
#define RFLAGS_TF    0x100
#define RFLAGS_IF    0x200
#define RFLAGS_DF    0x400
#define RFLAGS_IOPL  0x3000
#define RFLAGS_NT    0x4000
#define RFLAGS_RF    0x10000
#define RFLAGS_VM    0x20000
#define RFLAGS_AC    0x40000
#define RFLAGS_ID    0x200000

// The flags that user space may change through sigreturn or ptrace: CF PF AF ZF SF TF DF OF AC RF.
#define RFLAGS_USER 0x50dd5

static inline bool regs_from_user(const struct regs *regs)
{
	return (regs->cs & 3) == 3;
}

// The frame of a new child: it sees 0 as the result of the call, and a stack of its own unless that
// is 0. No restart applies.
static inline void regs_fork_child(struct regs *regs, u64 stack)
{
	regs->rax = 0;
	regs->is_call = 0;
	if (stack)
		regs->rsp = stack;
}

// SPDX-License-Identifier: MIT
// The gate: every system call passes one of these functions, whatever its entry and ABI. It checks
// the number, dispatches through the ABI's generated table, and decides how to return. The
// ABI is a value of this entry, kept in the frame (hazards 10, 11).

#include "gate/gate.h"

#include "abi/abi.h"
#include "abi/sigframe.h"
#include "gate/check.h"
#include "kern/task.h"
#include "machine/cpu.h"
#include "machine/usermem.h"
#include "syscall_tables.h"
#include "vm/mm.h"

#include <asm/errno.h>
#include <asm/unistd.h>

// nr when nr < len, else 0, without a branch that could be speculated past (Spectre v1, hazard 33).
static ALWAYS_INLINE u32 index_clamp(u32 nr, u32 len)
{
	u64 mask;

	__asm__("cmpl %2, %1; sbbq %0, %0" : "=r"(mask) : "r"(nr), "ir"(len) : "cc");
	return nr & (u32)mask;
}

// Numbers with bit 30 are x32's: its table has the calls of 64-bit code at their own numbers and
// the rows from 512 on, which nobody else reaches (hazard 4).
static NOINLINE long dispatch_x32(struct regs *regs, u32 nr)
{
	nr -= __X32_SYSCALL_BIT;
	if (nr >= X32_TABLE_LEN)
		return -ENOSYS;
	regs->abi = ABI_X32;
	return x32_table[index_clamp(nr, X32_TABLE_LEN)](regs);
}

static ALWAYS_INLINE long dispatch_i386(struct regs *regs)
{
	u32 nr = (u32)regs->orig;

	if (unlikely(nr >= I386_TABLE_LEN))
		return -ENOSYS;
	return i386_table[index_clamp(nr, I386_TABLE_LEN)](regs);
}

// Common end of all calls: interrupts go off and stay off until user mode, so that work that is
// added later arrives with an interrupt after the return.
static ALWAYS_INLINE void call_finish(struct regs *regs, long result)
{
	regs->rax = (u64)result;
	irq_disable();
	if (unlikely(READ_ONCE(current->t_work)))
		gate_exit(regs);
}

#define CANONICAL_BITS 47 // of an address in the user half (SDM vol. 1, 3.3.7.1)

// SYSRET loads RIP from RCX and RFLAGS from R11 and knows only the flat user segments. It must not
// see a non-canonical RIP (it would fault at CPL 0 on the user's stack: hazards 16, 17), nor TF
// or RF (it loses the one and traps too early on the other: hazard 22).
static ALWAYS_INLINE bool sysret_safe(const struct regs *regs, u64 cs)
{
	u64 rip = regs->rip, rflags = regs->rflags;

	if (unlikely(regs->rcx != rip || regs->r11 != rflags || regs->cs != cs ||
		     regs->ss != SEL_USER_DS))
		return false;
	return likely(!(rip >> CANONICAL_BITS)) && likely(!(rflags & (RFLAGS_TF | RFLAGS_RF)));
}

bool gate_syscall64(struct regs *regs)
{
	u32 nr = (u32)regs->orig;
	long result;

	irq_enable();
	gate_check_entry(regs);
	if (likely(nr < X86_64_TABLE_LEN))
		result = x86_64_table[index_clamp(nr, X86_64_TABLE_LEN)](regs);
	else if (nr & __X32_SYSCALL_BIT)
		result = dispatch_x32(regs, nr);
	else
		result = -ENOSYS;
	call_finish(regs, result);
	gate_check_exit(regs);
	return sysret_safe(regs, SEL_USER_CS);
}

void gate_int80(struct regs *regs)
{
	irq_enable();
	gate_check_entry(regs);
	call_finish(regs, dispatch_i386(regs));
	gate_check_exit(regs);
}

// SYSENTER and compat SYSCALL both return to the vDSO's landing pad, behind an `int $0x80` that a
// restart runs into. Both have EBP saved at the top of the user stack: it is the sixth argument,
// and a fault in reading it is the caller's EFAULT (hazard 15). A process without our i386 vDSO
// (64-bit code that switched to a 32-bit segment) goes on behind its own instruction.
static ALWAYS_INLINE bool call_fast32(struct regs *regs, u32 sp, u32 landing)
{
	const struct task *t = current;
	u32 arg6;
	int err = 0;

	irq_enable();
	if (likely(t->t_abi == &abi_i386) && likely(t->t_mm->mm_vdso))
		landing = (u32)t->t_mm->mm_vdso + vdso_i386.sym_sysenter_return;
	regs->rip = landing;
	gate_check_entry(regs);
	USER_LOAD("movl", "k", arg6, (u64)sp, err); // in range: 32 bits
	if (unlikely(err)) {
		call_finish(regs, err);
	} else {
		regs->rbp = arg6;
		call_finish(regs, dispatch_i386(regs));
	}
	gate_check_exit(regs);
	// A handler, a restart or a new image needs every register: IRET.
	if (unlikely(regs->rip != landing || regs->cs != SEL_USER32_CS || regs->ss != SEL_USER_DS))
		return false;
	regs->rcx = landing; // what SYSRETL loads; the vDSO's code restores ECX, R11 is not i386's
	regs->r11 = regs->rflags;
	return likely(!(regs->rflags & (RFLAGS_TF | RFLAGS_RF)));
}

// ESP was pushed whole, but in compatibility mode its upper half means nothing. ECX holds the
// return address; the second argument was stashed in EBP.
bool gate_syscall32(struct regs *regs)
{
	u32 sp = (u32)regs->rsp;

	regs->rsp = sp;
	regs->rcx = (u32)regs->rbp;
	return call_fast32(regs, sp, (u32)regs->rip);
}

// EIP is lost. Without the vDSO there is nowhere to return to: address 0 faults.
bool gate_sysenter(struct regs *regs)
{
	return call_fast32(regs, (u32)regs->rsp, 0);
}

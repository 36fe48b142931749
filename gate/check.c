// SPDX-License-Identifier: MIT
// The entry and exit oracles of the debug build: a mistake at the boundary stops the machine here,
// where the frame still shows it.

#include "gate/check.h"

#ifdef CONFIG_DEBUG

#include "kern/log.h"
#include "kern/task.h"
#include "machine/context.h"
#include "machine/cpu.h"

static u64 read_rflags(void)
{
	u64 v;

	__asm__ volatile("pushfq; popq %0" : "=r"(v));
	return v;
}

void gate_check_entry(const struct regs *regs)
{
	u64 flags = read_rflags();

	if (flags & (RFLAGS_AC | RFLAGS_DF | RFLAGS_NT | RFLAGS_TF | RFLAGS_IOPL))
		panic_regs(regs, "entry %u with kernel RFLAGS %#lx", regs->entry, flags);
	if (this_cpu()->c_self != this_cpu())
		panic_regs(regs, "entry %u with a foreign GS base", regs->entry);
	if (regs != task_regs(current))
		panic_regs(regs, "entry %u off the task's stack", regs->entry);
	if (!regs_from_user(regs))
		panic_regs(regs, "entry %u from kernel mode", regs->entry);
	if (!(regs->rflags & RFLAGS_IF))
		panic_regs(regs, "entry %u from user mode with interrupts off", regs->entry);
}

void gate_check_exit(const struct regs *regs)
{
	u64 flags = read_rflags();

	if (flags & (RFLAGS_IF | RFLAGS_AC | RFLAGS_DF | RFLAGS_NT))
		panic_regs(regs, "exit with kernel RFLAGS %#lx", flags);
	if (!regs_from_user(regs) || (regs->ss & 3) != 3)
		panic_regs(regs, "exit to CS %#lx SS %#lx", regs->cs, regs->ss);
	// NT is the user's to set: what IRET looks at is the flag of the kernel, not of the frame.
	if (!(regs->rflags & RFLAGS_IF) || (regs->rflags & (RFLAGS_IOPL | RFLAGS_VM)))
		panic_regs(regs, "exit with user RFLAGS %#lx", regs->rflags);
	if (this_cpu()->c_lock_depth)
		panic_regs(regs, "exit with %u spinlocks held", this_cpu()->c_lock_depth);
}

#endif

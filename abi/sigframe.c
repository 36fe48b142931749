// SPDX-License-Identifier: MIT
// Where a signal frame goes: the rules that the three ABIs share (sigaltstack(2)), and the two
// sigreturn calls, which choose the layout by the ABI of their entry.

#include "abi/sigframe.h"

#include "abi/layout.h"
#include "abi/sigframe_restore.h"
#include "kern/task.h"
#include "machine/context.h"
#include "sys_proto.h"

#include <asm/errno.h>
#include <linux/signal.h>

u64 sigframe_stack(const struct regs *regs, const struct kaction *act, u32 red_zone,
		   struct altstack *bounds)
{
	const struct altstack *a = &current->t_altstack;
	bool usable = a->size && !(a->flags & SS_DISABLE);
	u64 sp = regs->rsp - red_zone;

	*bounds = (struct altstack){.flags = SS_DISABLE};
	if (usable && signal_on_altstack(a, regs->rsp)) {
		*bounds = *a;
	} else if (usable && (act->flags & SA_ONSTACK)) {
		*bounds = *a;
		sp = a->sp + a->size;
	}
	return sp;
}

bool sigframe_fits(u64 sp, const struct altstack *bounds)
{
	return !bounds->size || (sp > bounds->sp && sp - bounds->sp <= bounds->size);
}

void sigframe_disarm(void)
{
	struct altstack *a = &current->t_altstack;

	if (a->flags & SS_AUTODISARM)
		*a = (struct altstack){.flags = SS_DISABLE};
}

u32 abi_frame_size_max(const struct abi *abi)
{
	// Frame, red zone and alignment of the largest layout, as Linux's AT_MINSIGSTKSZ counts
	// them.
	return fpframe_size(abi == &abi_i386) + 128 + 440 + 16;
}

static long finish(struct regs *regs, int r)
{
	regs->is_call = 0; // whatever rax holds now, it is no restart code
	if (r)
		signal_force_fault(SIGSEGV, SI_KERNEL, 0);
	return (long)regs->rax;
}

long sys_rt_sigreturn(struct regs *regs)
{
	static int (*const restore[ABI_COUNT])(struct regs *) = {
		[ABI_X86_64] = sigframe_restore_x86_64,
		[ABI_I386] = sigframe_restore_rt_i386,
		[ABI_X32] = sigframe_restore_x32,
	};

	return finish(regs, restore[regs->abi](regs));
}

long sys_sigreturn(struct regs *regs)
{
	return finish(regs, sigframe_restore_i386(regs));
}

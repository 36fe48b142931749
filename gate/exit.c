// SPDX-License-Identifier: MIT
// The last stop before user mode: reschedule, signals, and the only place where restart codes are
// resolved (hazards; signal(7), "Interruption of system calls"). Rewinding is always two bytes: the
// length of syscall, sysenter and int $0x80 alike, on which musl's cancellation relies.

#include "abi/abi.h"
#include "gate/gate.h"
#include "kern/sched.h"
#include "kern/signal.h"
#include "kern/task.h"
#include "machine/cpu.h"

#include <asm/errno.h>

#define CALL_INSTRUCTION_BYTES 2

static void call_rewind(struct regs *regs, u64 number)
{
	regs->rax = number;
	regs->rip -= CALL_INSTRUCTION_BYTES;
}

// A call that was interrupted and whose signal has a handler: EINTR or once more after it.
static void restart_with_handler(struct regs *regs, const struct kaction *action)
{
	switch (-(long)regs->rax) {
	case ERESTARTNOHAND:
	case ERESTART_RESTARTBLOCK:
		regs->rax = (u64)-EINTR;
		break;
	case ERESTARTSYS:
		if (!(action->flags & SA_RESTART)) {
			regs->rax = (u64)-EINTR;
			break;
		}
		FALLTHROUGH;
	case ERESTARTNOINTR:
		call_rewind(regs, regs->orig);
		break;
	}
}

// No handler runs (the signal was ignored, stopped the task, or another thread took it): the call
// goes on as if nothing had been.
static void restart_without_handler(struct regs *regs)
{
	switch (-(long)regs->rax) {
	case ERESTARTNOHAND:
	case ERESTARTSYS:
	case ERESTARTNOINTR:
		call_rewind(regs, regs->orig);
		break;
	case ERESTART_RESTARTBLOCK:
		call_rewind(regs, regs_abi(regs)->nr_restart_syscall);
		break;
	}
}

// Builds the frame and blocks what the action says, or turns the signal into a SIGSEGV.
static void signal_enter_handler(struct regs *regs, const struct ksiginfo *info,
				 const struct kaction *action)
{
	struct task *t = current;
	sigset64 saved = t->t_restore_mask ? t->t_saved_mask : t->t_blocked;
	sigset64 blocked = t->t_blocked | action->mask;

	if (abis[action->abi]->frame_build(regs, info, action, saved)) {
		signal_frame_failed(info->signo);
		return;
	}
	t->t_restore_mask = false;
	if (!(action->flags & SA_NODEFER))
		blocked |= SIGMASK(info->signo);
	signal_set_blocked(blocked);
}

static void exit_signals(struct regs *regs)
{
	struct ksiginfo info;
	struct kaction action;
	bool deliver = signal_next(&info, &action);

	if (regs->is_call) {
		if (deliver)
			restart_with_handler(regs, &action);
		else
			restart_without_handler(regs);
		regs->is_call = 0; // resolved once
	}
	if (deliver)
		signal_enter_handler(regs, &info, &action);
	else
		signal_restore_temp_mask();
}

void gate_exit(struct regs *regs)
{
	u32 work;

	irq_disable();
	while ((work = READ_ONCE(current->t_work))) {
		irq_enable();
		if (work & WORK_RESCHED)
			schedule();
		if (work & WORK_SIGNAL)
			exit_signals(regs);
		if (work & WORK_STEP) {
			task_clear_work(current, WORK_STEP);
			regs->rflags |= RFLAGS_TF;
		}
		irq_disable();
	}
}

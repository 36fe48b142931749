// SPDX-License-Identifier: MIT
// The receiving side of signals: choosing the next one on the way to user mode, default actions
// (stop, end), blocking, and waiting for a signal synchronously.

#include "kern/exec.h"
#include "kern/log.h"
#include "kern/sched.h"
#include "kern/signal.h"
#include "kern/signal_queue.h"
#include "kern/task.h"
#include "machine/context.h"
#include "machine/regs.h"

#include <asm/errno.h>
#include <linux/signal.h>

static int lowest_signal(sigset64 set)
{
	sigset64 sync = set & SIG_SYNC_MASK; // faults before everything else (signal(7))

	return set ? __builtin_ctzll(sync ? sync : set) + 1 : 0;
}

// Takes the first queued instance of signo. Without one (no memory when it was sent) the
// information is that of an anonymous kill.
static void queue_take(struct sigqueue *q, int signo, struct ksiginfo *out)
{
	struct siginfo_entry *e, *found = NULL;
	bool more = false;

	list_for_each_entry (e, &q->sq_infos, e_link) {
		if (e->e_info.signo != signo)
			continue;
		if (found) {
			more = true;
			break;
		}
		found = e;
	}
	if (!more)
		q->sq_set &= ~SIGMASK(signo);
	if (!found) {
		*out = (struct ksiginfo){.signo = signo, .code = SI_USER};
		return;
	}
	*out = found->e_info;
	list_del(&found->e_link);
	q->sq_count--;
	siginfo_entry_free(found);
}

// Dequeues the next signal not in `blocked`: thread-directed ones first. p_siglock held.
static int dequeue(struct task *t, sigset64 blocked, struct ksiginfo *out)
{
	int signo = lowest_signal(t->t_pending.sq_set & ~blocked);

	if (signo) {
		queue_take(&t->t_pending, signo, out);
		return signo;
	}
	signo = lowest_signal(t->t_proc->p_pending.sq_set & ~blocked);
	if (signo)
		queue_take(&t->t_proc->p_pending, signo, out);
	return signo;
}

void signal_recalc(struct task *t)
{
	struct process *p = t->t_proc;
	sigset64 wanted = ~t->t_blocked | t->t_wait_set | SIG_KERNEL_ONLY_MASK;

	if (((t->t_pending.sq_set | p->p_pending.sq_set) & wanted) || p->p_exiting ||
	    p->p_stopped || p->p_tell_continued)
		task_set_work(t, WORK_SIGNAL);
	else
		task_clear_work(t, WORK_SIGNAL);
}

void signal_set_blocked(sigset64 set)
{
	struct task *t = current;
	u64 irq = spin_lock_irq(&t->t_proc->p_siglock);

	t->t_blocked = set & ~SIG_KERNEL_ONLY_MASK;
	signal_recalc(t);
	spin_unlock_irq(&t->t_proc->p_siglock, irq);
}

void signal_set_temp_mask(sigset64 set)
{
	struct task *t = current;

	t->t_saved_mask = t->t_blocked;
	t->t_restore_mask = true;
	signal_set_blocked(set);
}

void signal_restore_temp_mask(void)
{
	struct task *t = current;

	if (!t->t_restore_mask)
		return;
	t->t_restore_mask = false;
	signal_set_blocked(t->t_saved_mask);
}

sigset64 signal_pending_set(void)
{
	struct task *t = current;
	u64 irq = spin_lock_irq(&t->t_proc->p_siglock);
	sigset64 set = (t->t_pending.sq_set | t->t_proc->p_pending.sq_set) & t->t_blocked;

	spin_unlock_irq(&t->t_proc->p_siglock, irq);
	return set;
}

// Sleeps until the process is resumed or killed. The last thread to stop tells the parent.
// Called with p_siglock held, returns without it.
static void stop_here(struct process *p, u64 irq)
{
	bool last = ++p->p_stop_count >= p->p_nthreads && !p->p_stop_reported;

	if (last)
		p->p_stop_reported = true;
	sched_set_state(TASK_STOPPED);
	spin_unlock_irq(&p->p_siglock, irq);
	if (last)
		signal_notify_parent(p, CLD_STOPPED, (int)p->p_stop_sig);
	schedule();
	sched_set_state(TASK_RUNNING);
}

// p_siglock held.
static void stop_process(struct process *p, int signo)
{
	struct task *t;

	p->p_stopped = true;
	p->p_stop_sig = (u32)signo;
	p->p_stop_count = 0;
	p->p_stop_reported = false;
	p->p_continued = false;
	list_for_each_entry (t, &p->p_threads, t_threads) {
		task_set_work(t, WORK_SIGNAL);
		if (t == current)
			continue;
		if (!sched_wake(t, 1u << TASK_INTERRUPTIBLE) && t->t_se.se_on_cpu)
			cpu_kick(t->t_se.se_cpu);
	}
}

// A terminal stop means nothing to a group that no shell watches (POSIX 2.4.3).
static bool stop_is_void(struct process *p, int signo)
{
	bool orphaned;

	if (signo == SIGSTOP)
		return false;
	spin_lock(&tasklist_lock);
	orphaned = pgroup_is_orphaned_locked(p->p_pgrp, NULL);
	spin_unlock(&tasklist_lock);
	return orphaned;
}

NORETURN static void end_by_signal(const struct ksiginfo *si)
{
	const struct regs *regs = current_regs();

	log_printf("%s[%d]: killed by SIG%s, code %d, address %#lx, ip %#lx sp %#lx\n",
		   current->t_name, current->t_tid, signal_name(si->signo), si->code,
		   (unsigned long)si->addr, (unsigned long)regs->rip, (unsigned long)regs->rsp);
	process_exit(si->signo);
}

// What the choice of one signal leads to.
enum verdict { VERDICT_NONE, VERDICT_AGAIN, VERDICT_HANDLER, VERDICT_STOP, VERDICT_END };

// p_siglock held.
static enum verdict judge(struct task *t, struct ksiginfo *info, struct kaction *action)
{
	struct process *p = t->t_proc;
	struct kaction *a;
	int signo = dequeue(t, t->t_blocked, info);

	if (!signo) {
		signal_recalc(t);
		return VERDICT_NONE;
	}
	a = &p->p_sighand->sh_action[signo - 1];
	if (a->handler == (u64)SIG_IGN)
		return VERDICT_AGAIN;
	if (a->handler != (u64)SIG_DFL) {
		*action = *a;
		if (a->flags & SA_RESETHAND)
			a->handler = (u64)SIG_DFL;
		return VERDICT_HANDLER;
	}
	switch (signal_default(signo)) {
	case SIGDEF_IGNORE:
		return VERDICT_AGAIN;
	case SIGDEF_STOP:
		return p->p_pid == 1 ? VERDICT_AGAIN : VERDICT_STOP;
	default:
		return VERDICT_END;
	}
}

bool signal_next(struct ksiginfo *info, struct kaction *action)
{
	struct task *t = current;
	struct process *p = t->t_proc;

	for (;;) {
		u64 irq = spin_lock_irq(&p->p_siglock);

		if (p->p_exiting) {
			spin_unlock_irq(&p->p_siglock, irq);
			task_exit(p->p_group_exit_code);
		}
		if (p->p_tell_continued) {
			p->p_tell_continued = false;
			spin_unlock_irq(&p->p_siglock, irq);
			signal_notify_parent(p, CLD_CONTINUED, SIGCONT);
			continue;
		}
		if (p->p_stopped) {
			stop_here(p, irq);
			continue;
		}
		enum verdict v = judge(t, info, action);

		spin_unlock_irq(&p->p_siglock, irq);
		if (v == VERDICT_NONE)
			return false;
		if (v == VERDICT_HANDLER)
			return true;
		if (v == VERDICT_END)
			end_by_signal(info);
		if (v == VERDICT_STOP && !stop_is_void(p, info->signo)) {
			irq = spin_lock_irq(&p->p_siglock);
			// A SIGCONT or SIGKILL may have come while the lock was open: it wins.
			if (!p->p_exiting && !p->p_tell_continued)
				stop_process(p, info->signo);
			spin_unlock_irq(&p->p_siglock, irq);
		}
	}
}

// One look: a signal of `set`, -EINTR when another one interrupts, or 0 with the task set to sleep
// (unless `last`). t_wait_set keeps what is waited for from being dropped or delivered.
static int wait_look(sigset64 set, bool last, struct ksiginfo *out)
{
	struct task *t = current;
	u64 irq = spin_lock_irq(&t->t_proc->p_siglock);
	int r = dequeue(t, ~set, out);

	t->t_wait_set = r || last ? 0 : set;
	signal_recalc(t);
	if (!r && !last && signal_pending(t)) {
		t->t_wait_set = 0;
		r = -EINTR;
	}
	if (!r && !last)
		sched_set_state(TASK_INTERRUPTIBLE);
	spin_unlock_irq(&t->t_proc->p_siglock, irq);
	return r;
}

int signal_wait(sigset64 set, u64 deadline, struct ksiginfo *out)
{
	bool last = false;
	int r;

	set &= ~SIG_KERNEL_ONLY_MASK;
	for (;;) {
		r = wait_look(set, last, out);
		if (r || last)
			return r ? r : -EAGAIN;
		last = sched_sleep(deadline) == -ETIMEDOUT;
		sched_set_state(TASK_RUNNING);
	}
}

void signal_fork(struct task *child)
{
	signal_init_queue(&child->t_pending);
	child->t_blocked = current->t_blocked;
	child->t_restore_mask = false;
	child->t_wait_set = 0;
}

// Handlers point into the old image; ignored stays ignored (POSIX exec). The table was made
// unshared by task_dethread.
void signal_exec(void)
{
	struct process *p = current->t_proc;
	u64 irq = spin_lock_irq(&p->p_siglock);

	for (int i = 0; i < KSIG_MAX; i++) {
		struct kaction *a = &p->p_sighand->sh_action[i];
		u64 keep = a->handler == (u64)SIG_IGN ? (u64)SIG_IGN : (u64)SIG_DFL;

		*a = (struct kaction){.handler = keep};
	}
	spin_unlock_irq(&p->p_siglock, irq);
	current->t_altstack = (struct altstack){0};
}

bool signal_on_altstack(const struct altstack *a, u64 sp)
{
	return !(a->flags & (SS_DISABLE | SS_AUTODISARM)) && sp > a->sp && sp - a->sp <= a->size;
}

// MINSIGSTKSZ of sigaltstack(2) is that of the caller's ABI in <asm/signal.h>: 2048 for all of
// ours.
int signal_set_altstack(const struct altstack *wanted, u64 sp)
{
	struct altstack *a = &current->t_altstack;
	u32 mode = wanted->flags & ~(u32)SS_AUTODISARM;

	if (signal_on_altstack(a, sp))
		return -EPERM;
	if (a->sp == wanted->sp && a->size == wanted->size && a->flags == wanted->flags)
		return 0; // no change is never an error, as on Linux since 5.16
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
		return -EINVAL;
	if (mode == SS_DISABLE) {
		*a = (struct altstack){.flags = wanted->flags};
		return 0;
	}
	if (wanted->size < MINSIGSTKSZ)
		return -ENOMEM;
	*a = *wanted;
	return 0;
}

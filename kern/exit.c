// SPDX-License-Identifier: MIT
// The end of threads and processes. A thread gives back what it uses, leaves its process and is
// gone at its last switch. The last one makes the process a zombie: its children get another
// parent, its own parent is told and collects the status.

#include "dev/tty.h"
#include "kern/files.h"
#include "kern/futex.h"
#include "kern/itimer.h"
#include "kern/lockdep.h"
#include "kern/log.h"
#include "kern/pgroup.h"
#include "kern/process.h"
#include "kern/sched.h"
#include "kern/signal_queue.h"
#include "kern/task.h"
#include "kern/time.h"
#include "kern/usage.h"
#include "machine/pt.h"
#include "machine/uaccess.h"
#include "vm/mm.h"

#include <asm/errno.h>

#define STATUS_CORE 0x80
#define TICK_NS	    (NSEC_PER_SEC / TIME_USER_HZ)

// --- memory ---

// Others may look at t_mm under tasklist_lock (task_mm_get).
static struct mm *detach_mm(struct task *t)
{
	struct waitqueue *parent;
	struct mm *mm = t->t_mm;

	spin_lock(&tasklist_lock);
	t->t_mm = NULL;
	parent = t->t_vfork_done;
	t->t_vfork_done = NULL;
	if (parent)
		wait_wake_all(parent);
	spin_unlock(&tasklist_lock);
	return mm;
}

// A joiner waits on the tid's word (clone(2), CLONE_CHILD_CLEARTID). Nobody can, when the memory
// ends with us.
static void clear_child_tid(struct task *t)
{
	uptr addr = t->t_clear_child_tid;

	t->t_clear_child_tid = UPTR(0);
	if (!addr.va || __atomic_load_n(&t->t_mm->mm_ref.r_n, __ATOMIC_ACQUIRE) <= 1)
		return;
	if (put_user_u32(addr, 0) == 0)
		(void)kern_futex_wake(addr, 1, ~0u, true);
}

void task_release_mm(struct task *t)
{
	struct mm *mm;

	if (!t->t_mm)
		return;
	futex_exit_robust(t);
	clear_child_tid(t);
	usage_note_rss(t);
	mm = detach_mm(t);
	mm_switch(NULL);
	mm_put(mm);
}

static void release_files(struct task *t)
{
	struct files *files = t->t_files;
	struct fsctx *fs = t->t_fs;

	spin_lock(&tasklist_lock);
	t->t_files = NULL;
	t->t_fs = NULL;
	spin_unlock(&tasklist_lock);
	if (files)
		files_put(files);
	if (fs)
		fsctx_put(fs);
}

// --- telling others ---

s32 process_status_code(s32 status, s32 *detail)
{
	if ((status & 0x7f) == 0) {
		*detail = status >> 8 & 0xff;
		return CLD_EXITED;
	}
	*detail = status & 0x7f;
	return status & STATUS_CORE ? CLD_DUMPED : CLD_KILLED;
}

// Does the parent want no zombies? (sigaction(2), SA_NOCLDWAIT; POSIX: SIGCHLD set to SIG_IGN.)
static bool parent_ignores(struct process *parent, bool *quiet)
{
	u64 irq = spin_lock_irq(&parent->p_siglock);
	const struct kaction *a = &parent->p_sighand->sh_action[SIGCHLD - 1];
	bool ignores = a->handler == (u64)SIG_IGN;

	*quiet = ignores;
	ignores |= (a->flags & SA_NOCLDWAIT) != 0;
	spin_unlock_irq(&parent->p_siglock, irq);
	return ignores;
}

// True: nobody will wait for it, it goes at once.
static bool notify_parent_locked(struct process *p)
{
	struct process *parent = p->p_parent;
	struct ksiginfo si = {.signo = p->p_exit_signal, .pid = p->p_pid};
	bool reap = false, quiet = false;

	if (p->p_exit_signal == SIGCHLD)
		reap = parent_ignores(parent, &quiet);
	si.code = process_status_code(p->p_group_exit_code, &si.status);
	si.uid = p->p_leader->t_cred->c_uid;
	process_times_locked(p, &si.utime, &si.stime);
	si.utime /= TICK_NS;
	si.stime /= TICK_NS;
	if (!quiet && si.signo > 0 && si.signo <= KSIG_MAX)
		(void)signal_send_process(parent, &si);
	wait_wake_all(&parent->p_child_wait);
	return reap;
}

// A group that loses its last link to its session's shell and has stopped members gets a hangup
// (POSIX exit()).
static void orphan_check_locked(struct process *p, struct process *parent,
				const struct process *leaving)
{
	struct pgroup *g = p->p_pgrp;
	struct ksiginfo si = {.signo = SIGHUP, .code = SI_KERNEL};

	if (!parent || !parent->p_pgrp || parent->p_pgrp == g ||
	    parent->p_pgrp->g_session != g->g_session)
		return;
	if (!pgroup_is_orphaned_locked(g, leaving) || !pgroup_has_stopped_locked(g))
		return;
	(void)signal_send_pgroup_locked(g, &si);
	si.signo = SIGCONT;
	(void)signal_send_pgroup_locked(g, &si);
}

// --- children of a process that ends ---

static struct process *find_reaper(struct process *p)
{
	for (struct process *a = p->p_parent; a && a != init_process; a = a->p_parent)
		if (a->p_subreaper && !a->p_zombie && a->p_live)
			return a;
	return init_process;
}

static void send_pdeathsig_locked(struct process *child)
{
	struct task *t = child->p_leader;
	struct ksiginfo si = {.signo = t->t_pdeathsig, .code = SI_USER};

	if (!t->t_pdeathsig || child->p_zombie)
		return;
	si.pid = current->t_proc->p_pid;
	si.uid = current->t_cred->c_uid;
	(void)signal_send_process(child, &si);
}

// Zombies that the new parent does not care for go to `dead`.
static void reparent_children_locked(struct process *p, struct list *dead)
{
	struct process *child, *next, *reaper = find_reaper(p);

	list_for_each_entry_safe (child, next, &p->p_children, p_sibling) {
		send_pdeathsig_locked(child);
		list_move_tail(&reaper->p_children, &child->p_sibling);
		child->p_parent = reaper;
		child->p_ppid = reaper->p_pid;
		child->p_parent_tid = reaper->p_pid;
		child->p_exit_signal = SIGCHLD;
		if (child->p_zombie) {
			if (notify_parent_locked(child)) {
				process_release_locked(child);
				list_add_tail(dead, &child->p_sibling);
			}
			continue;
		}
		orphan_check_locked(child, p, NULL);
	}
}

// A thread ends, its process stays: its children are the process's, but who watches it is told.
static void hand_over_children_locked(struct task *t)
{
	struct process *child;

	list_for_each_entry (child, &t->t_proc->p_children, p_sibling) {
		if (child->p_parent_tid != t->t_tid)
			continue;
		send_pdeathsig_locked(child);
		child->p_parent_tid = t->t_proc->p_pid;
	}
}

// --- leaving ---

// The zombie leaves every list. p_sibling is free for the caller's list afterwards.
void process_release_locked(struct process *p)
{
	struct task *leader = p->p_leader;
	u64 irq;

	irq = spin_lock_irq(&p->p_siglock);
	signal_flush(&p->p_pending);
	list_del(&leader->t_threads);
	spin_unlock_irq(&p->p_siglock, irq);
	task_unhash_locked(leader);
	task_count--;
	list_del(&p->p_sibling);
	list_del(&p->p_all);
	pgroup_leave_locked(p);
	p->p_reaped = leader;
	p->p_leader = &reaped_leader;
}

void process_release_done(struct process *p)
{
	task_put(p->p_reaped);
	process_put(p);
}

static void release_list(struct list *dead)
{
	struct process *p, *next;

	list_for_each_entry_safe (p, next, dead, p_sibling) {
		list_del(&p->p_sibling);
		process_release_done(p);
	}
}

// Signals to the process that this thread would have taken go to another one.
static void retarget_signals_locked(struct process *p)
{
	struct task *t;

	if (!p->p_pending.sq_set)
		return;
	list_for_each_entry (t, &p->p_threads, t_threads) {
		if (t->t_exiting)
			continue;
		task_set_work(t, WORK_SIGNAL);
		if (!sched_wake(t, 1u << TASK_INTERRUPTIBLE) && t->t_se.se_on_cpu)
			cpu_kick(t->t_se.se_cpu);
	}
}

// True for the last thread of its process.
static bool exit_begin(struct task *t)
{
	struct process *p = t->t_proc;
	u64 irq = spin_lock_irq(&p->p_siglock);
	bool last;

	t->t_exiting = 1;
	last = --p->p_live == 0;
	if (last) {
		if (!p->p_exiting)
			p->p_group_exit_code = p->p_leader->t_exit_code;
		p->p_exiting = true; // nothing more is sent to it
	} else {
		retarget_signals_locked(p);
	}
	spin_unlock_irq(&p->p_siglock, irq);
	return last;
}

// Takes a thread off its process. The leader stays until the process is reaped: its number is the
// process's.
static bool leave_process_locked(struct task *t)
{
	struct process *p = t->t_proc;
	u64 irq = spin_lock_irq(&p->p_siglock);
	u32 left = --p->p_nthreads;

	signal_flush(&t->t_pending);
	usage_task_exit_locked(t);
	if (t != p->p_leader)
		list_del(&t->t_threads);
	spin_unlock_irq(&p->p_siglock, irq);
	if (t != p->p_leader) {
		task_unhash_locked(t);
		task_count--;
	}
	return left == 0;
}

// The process is all dead: others learn of it. True when nobody will wait for it.
static bool become_zombie_locked(struct process *p, struct list *dead)
{
	reparent_children_locked(p, dead);
	orphan_check_locked(p, p->p_parent, p);
	p->p_zombie = true;
	if (!notify_parent_locked(p))
		return false;
	process_release_locked(p);
	list_add_tail(dead, &p->p_sibling);
	return true;
}

static void exit_notify(struct task *t)
{
	struct process *p = t->t_proc;
	struct list dead = LIST_INIT(dead);
	bool leader;

	spin_lock(&tasklist_lock);
	leader = t == p->p_leader;
	if (leave_process_locked(t))
		become_zombie_locked(p, &dead);
	else
		hand_over_children_locked(t);
	if (p->p_dethread)
		wait_wake_all(&p->p_child_wait);
	spin_unlock(&tasklist_lock);
	if (!leader)
		task_put(t); // existence; the switch drops the other one
	release_list(&dead);
}

// A session's leader takes the terminal with it: the foreground group is hung up.
static void leave_terminal(struct process *p)
{
	struct session *s = p->p_pgrp->g_session;

	if (s->s_id == p->p_pid)
		tty_session_exit(s);
}

NORETURN static void task_die(void)
{
	for (;;) {
		sched_set_state(TASK_DEAD);
		schedule();
	}
}

void task_exit(s32 status)
{
	struct task *t = current;
	struct process *p = t->t_proc;
	bool last;

	lockdep_may_sleep();
	if (t->t_kernel)
		task_die();
	t->t_exit_code = status;
	last = exit_begin(t);
	if (last && p == init_process)
		init_exit(p->p_group_exit_code);
	if (last)
		itimer_exit(p);
	task_release_mm(t);
	release_files(t);
	if (last)
		leave_terminal(p);
	exit_notify(t);
	task_die();
}

// Makes a thread end on its way to user mode. p_siglock held.
static void prod_locked(struct task *t)
{
	task_set_work(t, WORK_SIGNAL);
	if (!sched_wake(t, 1u << TASK_INTERRUPTIBLE | 1u << TASK_KILLABLE | 1u << TASK_STOPPED) &&
	    t->t_se.se_on_cpu)
		cpu_kick(t->t_se.se_cpu);
}

void process_exit(s32 status)
{
	struct process *p = current->t_proc;
	struct task *t;
	u64 irq;

	// Another thread's execve wants this one gone; the process goes on as a new program.
	if (current->t_doomed)
		task_exit(status);
	irq = spin_lock_irq(&p->p_siglock);
	if (!p->p_exiting) {
		p->p_exiting = true;
		p->p_stopped = false;
		p->p_group_exit_code = status;
		if (p->p_live > 1)
			list_for_each_entry (t, &p->p_threads, t_threads)
				if (t != current)
					prod_locked(t);
	}
	status = p->p_group_exit_code;
	spin_unlock_irq(&p->p_siglock, irq);
	task_exit(status);
}

// --- exec in a process with several threads ---

// current takes over the dead leader's place and number.
static struct task *take_leadership_locked(struct process *p, struct task *t)
{
	struct task *old = p->p_leader;
	u64 irq;

	if (old == t)
		return NULL;
	irq = spin_lock_irq(&p->p_siglock);
	list_del(&old->t_threads);
	p->p_leader = t;
	spin_unlock_irq(&p->p_siglock, irq);
	task_unhash_locked(t);	// its own number becomes free …
	list_del(&old->t_hash); // … and the leader's stays taken, for it
	t->t_tid = old->t_tid;
	task_hash_locked(t);
	task_count--;
	return old;
}

static bool doom_others(struct process *p)
{
	struct task *t;
	u64 irq = spin_lock_irq(&p->p_siglock);
	bool first = !p->p_exiting && !p->p_dethread;

	if (first) {
		p->p_dethread = current;
		list_for_each_entry (t, &p->p_threads, t_threads) {
			if (t == current || t->t_exiting)
				continue;
			t->t_doomed = 1;
			t->t_pending.sq_set |= SIGMASK(SIGKILL); // ends in process_exit()
			prod_locked(t);
		}
	}
	spin_unlock_irq(&p->p_siglock, irq);
	return first;
}

int task_dethread(void)
{
	struct process *p = current->t_proc;
	struct task *old = NULL;
	u64 irq;

	if (p->p_nthreads == 1 && p->p_leader == current)
		return 0;
	if (!doom_others(p))
		return -EAGAIN; // another thread was first, or the process ends
	wait_event_uninterruptible(&p->p_child_wait, READ_ONCE(p->p_nthreads) == 1);
	spin_lock(&tasklist_lock);
	old = take_leadership_locked(p, current);
	spin_unlock(&tasklist_lock);
	irq = spin_lock_irq(&p->p_siglock);
	p->p_dethread = NULL;
	spin_unlock_irq(&p->p_siglock, irq);
	if (old)
		task_put(old);
	return 0;
}

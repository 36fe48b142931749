// SPDX-License-Identifier: MIT
// Sending and queueing of signals, and their actions. A signal is pending on a task or on a
// process; WORK_SIGNAL is set on a task whenever something it does not block may be pending, and
// only the task itself clears it. Delivery is in signal_deliver.c.

#include "kern/signal.h"

#include "kern/log.h"
#include "kern/sched.h"
#include "kern/signal_queue.h"
#include "kern/task.h"
#include "lib/string.h"
#include "vm/slab.h"

#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/resource.h>

static struct slab_cache entry_cache = SLAB_CACHE(entry_cache, "siginfo", struct siginfo_entry);
static struct slab_cache sighand_cache = SLAB_CACHE(sighand_cache, "sighand", struct sighand);

#define SIG_IGNORE_MASK (SIGMASK(SIGCHLD) | SIGMASK(SIGCONT) | SIGMASK(SIGURG) | SIGMASK(SIGWINCH))
#define SIG_STOP_MASK	(SIGMASK(SIGSTOP) | SIGMASK(SIGTSTP) | SIGMASK(SIGTTIN) | SIGMASK(SIGTTOU))
#define SIG_CORE_MASK                                                               \
	(SIGMASK(SIGQUIT) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) | SIGMASK(SIGABRT) | \
	 SIGMASK(SIGBUS) | SIGMASK(SIGFPE) | SIGMASK(SIGSEGV) | SIGMASK(SIGSYS) |   \
	 SIGMASK(SIGXCPU) | SIGMASK(SIGXFSZ))

enum signal_default signal_default(int signo)
{
	sigset64 bit = SIGMASK(signo);

	if (bit & SIG_IGNORE_MASK)
		return SIGDEF_IGNORE;
	if (bit & SIG_STOP_MASK)
		return SIGDEF_STOP;
	return bit & SIG_CORE_MASK ? SIGDEF_CORE : SIGDEF_TERM;
}

const char *signal_name(int signo)
{
	static const char *const names[] = {
		"0",	  "HUP",  "INT",    "QUIT", "ILL",   "TRAP", "ABRT", "BUS",
		"FPE",	  "KILL", "USR1",   "SEGV", "USR2",  "PIPE", "ALRM", "TERM",
		"STKFLT", "CHLD", "CONT",   "STOP", "TSTP",  "TTIN", "TTOU", "URG",
		"XCPU",	  "XFSZ", "VTALRM", "PROF", "WINCH", "IO",   "PWR",  "SYS",
	};

	return (u32)signo < ARRAY_SIZE(names) ? names[signo] : "RT";
}

void signal_init_queue(struct sigqueue *q)
{
	q->sq_set = 0;
	list_init(&q->sq_infos);
	q->sq_count = 0;
}

void signal_flush(struct sigqueue *q)
{
	struct siginfo_entry *e, *next;

	list_for_each_entry_safe (e, next, &q->sq_infos, e_link) {
		list_del(&e->e_link);
		slab_free(&entry_cache, e);
	}
	q->sq_set = 0;
	q->sq_count = 0;
}

void siginfo_entry_free(struct siginfo_entry *e)
{
	slab_free(&entry_cache, e);
}

// Drops every queued instance of the signals in `set`.
static void queue_remove(struct sigqueue *q, sigset64 set)
{
	struct siginfo_entry *e, *next;

	if (!(q->sq_set & set))
		return;
	q->sq_set &= ~set;
	list_for_each_entry_safe (e, next, &q->sq_infos, e_link) {
		if (SIGMASK(e->e_info.signo) & set) {
			list_del(&e->e_link);
			q->sq_count--;
			slab_free(&entry_cache, e);
		}
	}
}

static void process_remove_pending(struct process *p, sigset64 set)
{
	struct task *t;

	queue_remove(&p->p_pending, set);
	list_for_each_entry (t, &p->p_threads, t_threads)
		queue_remove(&t->t_pending, set);
}

static bool action_ignores(const struct process *p, int signo)
{
	u64 handler = p->p_sighand->sh_action[signo - 1].handler;

	return handler == (u64)SIG_IGN ||
	       (handler == (u64)SIG_DFL && signal_default(signo) == SIGDEF_IGNORE);
}

// A blocked signal stays pending even while ignored, as the action may change (POSIX 2.4.1).
// So does one that sigtimedwait waits for. Process 1 takes no signal that it has no handler for
// (kill(2)), unless the kernel forces it.
static bool signal_is_dropped(const struct process *p, const struct task *t, int signo)
{
	if ((t->t_blocked | t->t_wait_set) & SIGMASK(signo))
		return false;
	if (p->p_pid == 1 && p->p_sighand->sh_action[signo - 1].handler == (u64)SIG_DFL)
		return true;
	return action_ignores(p, signo);
}

// Standard signals are queued once; realtime ones each time, and when the queue is full the sender
// of a kill() still gets the bit set, that of sigqueue() an EAGAIN (signal(7)). Full is where
// memory or p's RLIMIT_SIGPENDING ends; Linux counts all queues of a user for that, here it is each
// queue.
static int queue_add(struct sigqueue *q, const struct process *p, const struct ksiginfo *si)
{
	struct siginfo_entry *e = NULL;

	if (si->signo < SIGRTMIN && (q->sq_set & SIGMASK(si->signo)))
		return 0;
	if (si->signo < SIGRTMIN || q->sq_count < p->p_rlimit[RLIMIT_SIGPENDING].rlim_cur)
		e = slab_alloc(&entry_cache);
	if (e) {
		e->e_info = *si;
		list_add_tail(&q->sq_infos, &e->e_link);
		q->sq_count++;
	} else if (si->signo >= SIGRTMIN && si->code != SI_USER && si->code < 0) {
		return -EAGAIN;
	}
	q->sq_set |= SIGMASK(si->signo);
	return 0;
}

static void task_signal_wake(struct task *t, bool fatal)
{
	task_set_work(t, WORK_SIGNAL);
	u32 states = 1u << TASK_INTERRUPTIBLE;

	if (fatal)
		states |= 1u << TASK_KILLABLE | 1u << TASK_STOPPED;
	if (!sched_wake(t, states) && t != current && t->t_se.se_on_cpu)
		cpu_kick(t->t_se.se_cpu);
}

// A stopped process takes nothing but SIGKILL; the rest waits for SIGCONT.
static bool task_wants(const struct task *t, int signo)
{
	return !t->t_exiting &&
	       (signo == SIGKILL ||
		(!t->t_proc->p_stopped && !(t->t_blocked & ~t->t_wait_set & SIGMASK(signo))));
}

// A thread that will take a process-directed signal: the leader when it can, else any. p_siglock
// held.
static struct task *process_pick(struct process *p, int signo)
{
	struct task *t;

	if (p == current->t_proc && task_wants(current, signo))
		return current;
	list_for_each_entry (t, &p->p_threads, t_threads)
		if (task_wants(t, signo))
			return t;
	return NULL;
}

static bool is_fatal(const struct process *p, const struct task *t, int signo)
{
	enum signal_default d = signal_default(signo);

	if (signo == SIGKILL)
		return true;
	return p->p_sighand->sh_action[signo - 1].handler == (u64)SIG_DFL &&
	       (d == SIGDEF_TERM || d == SIGDEF_CORE) &&
	       !((t->t_blocked | t->t_wait_set) & SIGMASK(signo));
}

// All threads are told to end: each finds p_exiting on its way out. p_siglock held.
static void process_kill_threads(struct process *p, s32 status)
{
	struct task *t;

	if (p->p_exiting)
		return;
	p->p_exiting = true;
	p->p_group_exit_code = status;
	p->p_stopped = false;
	list_for_each_entry (t, &p->p_threads, t_threads)
		task_signal_wake(t, true);
}

// SIGCONT resumes at the moment it is sent, whatever its action; stop signals and SIGCONT cancel
// each other while pending (POSIX 2.4.3). A resumed thread tells the parent (signal_next).
static void prepare_stop_cont(struct process *p, int signo)
{
	struct task *t;

	if (SIGMASK(signo) & SIG_STOP_MASK) {
		process_remove_pending(p, SIGMASK(SIGCONT));
		return;
	}
	if (signo != SIGCONT && signo != SIGKILL)
		return;
	if (signo == SIGCONT)
		process_remove_pending(p, SIG_STOP_MASK);
	if (!p->p_stopped)
		return;
	p->p_stopped = false;
	p->p_stop_count = 0;
	p->p_continued = p->p_tell_continued = signo == SIGCONT;
	list_for_each_entry (t, &p->p_threads, t_threads) {
		task_set_work(t, WORK_SIGNAL);
		sched_wake(t, 1u << TASK_STOPPED);
	}
}

// The common part: queue `si` on the task (or, t NULL, on the process) and wake who takes it.
// tasklist_lock is held or the process cannot change under us; p_siglock is taken here.
static int signal_send(struct process *p, struct task *t, const struct ksiginfo *si)
{
	u64 irq = spin_lock_irq(&p->p_siglock);
	struct task *taker = t;
	int r = 0;

	if (p->p_exiting || p->p_zombie || !p->p_sighand)
		goto out;
	prepare_stop_cont(p, si->signo);
	if (!t) {
		taker = process_pick(p, si->signo);
		if (!taker)
			taker = p->p_leader;
	}
	if ((si->signo != SIGKILL || p->p_pid == 1) && signal_is_dropped(p, taker, si->signo))
		goto out;
	r = queue_add(t ? &t->t_pending : &p->p_pending, p, si);
	if (r)
		goto out;
	if (!task_wants(taker, si->signo))
		goto out;
	if (is_fatal(p, taker, si->signo) && signal_default(si->signo) == SIGDEF_TERM &&
	    p->p_pid != 1)
		process_kill_threads(p, si->signo);
	else
		task_signal_wake(taker, si->signo == SIGKILL);
out:
	spin_unlock_irq(&p->p_siglock, irq);
	return r;
}

int signal_send_task(struct task *t, const struct ksiginfo *si)
{
	return signal_send(t->t_proc, t, si);
}

int signal_send_process(struct process *p, const struct ksiginfo *si)
{
	return signal_send(p, NULL, si);
}

int signal_send_pgroup_locked(struct pgroup *g, const struct ksiginfo *si)
{
	struct process *p;
	int r = -ESRCH;

	list_for_each_entry (p, &g->g_procs, p_pgrp_link) {
		int one = signal_send(p, NULL, si);

		if (r == -ESRCH || !one)
			r = one;
	}
	return r;
}

// What a call does to its own caller counts as sent by it (SI_USER), as on Linux.
void signal_send_self(int signo)
{
	struct ksiginfo si = {
		.signo = signo,
		.code = SI_USER,
		.pid = current->t_proc->p_pid,
		.uid = current->t_cred->c_uid,
	};

	(void)signal_send_task(current, &si);
}

// SIGCHLD for a stop or resume, to the parent unless it said SA_NOCLDSTOP; and its wait4 looks
// again.
void signal_notify_parent(struct process *p, int code, int status)
{
	struct ksiginfo si = {.signo = SIGCHLD, .code = code, .status = status, .pid = p->p_pid};
	struct process *parent;

	spin_lock(&tasklist_lock);
	parent = p->p_parent;
	si.uid = p->p_leader->t_cred->c_uid;
	if (!parent || !parent->p_sighand) {
		spin_unlock(&tasklist_lock);
		return;
	}
	if (!(parent->p_sighand->sh_action[SIGCHLD - 1].flags & SA_NOCLDSTOP) ||
	    parent->p_sighand->sh_action[SIGCHLD - 1].handler == (u64)SIG_DFL)
		(void)signal_send_process(parent, &si);
	wait_wake_all(&parent->p_child_wait);
	spin_unlock(&tasklist_lock);
}

// A fault of current. If it is blocked or ignored the action becomes the default, so that the
// faulting instruction is never retried for ever.
void signal_force(const struct ksiginfo *si)
{
	struct task *t = current;
	struct process *p = t->t_proc;
	u64 irq = spin_lock_irq(&p->p_siglock);
	struct kaction *a = &p->p_sighand->sh_action[si->signo - 1];

	if ((t->t_blocked & SIGMASK(si->signo)) || a->handler == (u64)SIG_IGN) {
		a->handler = (u64)SIG_DFL;
		t->t_blocked &= ~SIGMASK(si->signo);
	}
	queue_remove(&t->t_pending, SIGMASK(si->signo));
	if (queue_add(&t->t_pending, p, si))
		t->t_pending.sq_set |= SIGMASK(si->signo);
	task_set_work(t, WORK_SIGNAL);
	spin_unlock_irq(&p->p_siglock, irq);
}

void signal_force_fault(int signo, int code, u64 addr)
{
	struct ksiginfo si = {.signo = signo, .code = code, .addr = addr};

	signal_force(&si);
}

void signal_frame_failed(int signo)
{
	struct process *p = current->t_proc;

	if (signo == SIGSEGV) {
		u64 irq = spin_lock_irq(&p->p_siglock);

		p->p_sighand->sh_action[SIGSEGV - 1].handler = (u64)SIG_DFL;
		spin_unlock_irq(&p->p_siglock, irq);
	}
	signal_force_fault(SIGSEGV, SI_KERNEL, 0);
}

// kill(2): the real or effective uid of the sender against the real or saved one of the target;
// SIGCONT also within a session.
int signal_check_permission(struct process *target, int signo)
{
	const struct cred *me = cred_current(), *other = target->p_leader->t_cred;

	if (target == current->t_proc || capable(CAP_KILL))
		return 0;
	if (me->c_euid == other->c_uid || me->c_euid == other->c_suid ||
	    me->c_uid == other->c_uid || me->c_uid == other->c_suid)
		return 0;
	if (signo == SIGCONT && target->p_pgrp->g_session == current->t_proc->p_pgrp->g_session)
		return 0;
	return -EPERM;
}

// signo 0 only asks. tasklist_lock held.
static int kill_one_locked(struct process *p, const struct ksiginfo *si)
{
	int r = signal_check_permission(p, si->signo);

	if (r || !si->signo)
		return r;
	return signal_send_process(p, si);
}

static int kill_group_locked(struct pgroup *g, const struct ksiginfo *si)
{
	struct process *p;
	int r = -ESRCH;

	if (!g)
		return -ESRCH;
	list_for_each_entry (p, &g->g_procs, p_pgrp_link) {
		int one = kill_one_locked(p, si);

		if (r)
			r = one;
	}
	return r;
}

// Everyone but process 1 and the caller itself (kill(2)).
static int kill_all_locked(const struct ksiginfo *si)
{
	struct process *p;
	int r = -ESRCH;

	list_for_each_entry (p, &init_process->p_all, p_all) {
		int one;

		if (p->p_pid <= 1 || p == current->t_proc || p->p_leader->t_kernel)
			continue;
		one = kill_one_locked(p, si);
		if (r && one != -EPERM)
			r = one;
	}
	return r;
}

int kern_kill(pid_t pid, const struct ksiginfo *si)
{
	struct process *p;
	int r;

	if (pid > 0) {
		p = process_find(pid);
		if (!p)
			return -ESRCH;
		spin_lock(&tasklist_lock);
		r = kill_one_locked(p, si);
		spin_unlock(&tasklist_lock);
		process_put(p);
		return r;
	}
	if (pid == INT32_MIN)
		return -ESRCH;
	spin_lock(&tasklist_lock);
	if (pid == -1)
		r = kill_all_locked(si);
	else
		r = kill_group_locked(pid ? pgroup_find_locked(-pid) : current->t_proc->p_pgrp, si);
	spin_unlock(&tasklist_lock);
	return r;
}

int kern_tgkill(pid_t tgid, pid_t tid, const struct ksiginfo *si)
{
	struct task *t = task_find(tid);
	int r;

	if (!t)
		return -ESRCH;
	spin_lock(&tasklist_lock);
	if ((tgid && t->t_proc->p_pid != tgid) || t->t_exiting || t->t_kernel)
		r = -ESRCH;
	else
		r = signal_check_permission(t->t_proc, si->signo);
	if (!r && si->signo)
		r = signal_send_task(t, si);
	spin_unlock(&tasklist_lock);
	task_put(t);
	return r;
}

int signal_set_action(int signo, const struct kaction *new_action, struct kaction *old)
{
	struct process *p = current->t_proc;
	struct kaction *a;
	u64 irq;

	if (signo < 1 || signo > KSIG_MAX ||
	    (new_action && (SIGMASK(signo) & SIG_KERNEL_ONLY_MASK)))
		return -EINVAL;
	irq = spin_lock_irq(&p->p_siglock);
	a = &p->p_sighand->sh_action[signo - 1];
	if (old)
		*old = *a;
	if (new_action) {
		*a = *new_action;
		a->mask &= ~SIG_KERNEL_ONLY_MASK;
		// POSIX: setting SIG_IGN (or an ignoring default) discards what is pending.
		if (action_ignores(p, signo))
			process_remove_pending(p, SIGMASK(signo));
	}
	spin_unlock_irq(&p->p_siglock, irq);
	return 0;
}

struct sighand *sighand_create(void)
{
	struct sighand *sh = slab_zalloc(&sighand_cache);

	if (sh)
		ref_init(&sh->sh_ref);
	return sh;
}

struct sighand *sighand_copy(struct process *from)
{
	struct sighand *sh = sighand_create();
	u64 irq;

	if (!sh)
		return NULL;
	irq = spin_lock_irq(&from->p_siglock);
	memcpy(sh->sh_action, from->p_sighand->sh_action, sizeof(sh->sh_action));
	spin_unlock_irq(&from->p_siglock, irq);
	return sh;
}

void sighand_put(struct sighand *sh)
{
	if (ref_put(&sh->sh_ref))
		slab_free(&sighand_cache, sh);
}

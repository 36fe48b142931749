// SPDX-License-Identifier: MIT
// Waiting for children: which of them count, what has become of them, and the end of a zombie that
// was waited for.

#include "kern/log.h"
#include "kern/process.h"
#include "kern/signal_queue.h"
#include "kern/task.h"
#include "kern/usage.h"

#include <asm/errno.h>
#include <linux/wait.h>

#define STATUS_STOPPED(sig) ((s32)((sig) << 8 | 0x7f))
#define STATUS_CONTINUED    0xffff

struct wait_request {
	int which;
	pid_t id;
	int options;
	struct wait_result *out;
	struct process *reaped; // to be released without the lock
};

// A "clone child" is one that does not tell its end by SIGCHLD (wait(2), __WCLONE).
static bool is_eligible(const struct wait_request *w, const struct process *p)
{
	if (w->which == P_PID && p->p_pid != w->id)
		return false;
	if (w->which == P_PGID && p->p_pgrp->g_id != w->id)
		return false;
	if ((w->options & __WNOTHREAD) && p->p_parent_tid != current->t_tid)
		return false;
	if (w->options & __WALL)
		return true;
	return (p->p_exit_signal != SIGCHLD) == !!(w->options & __WCLONE);
}

static void fill(struct wait_request *w, struct process *p, s32 status, s32 code)
{
	struct wait_result *out = w->out;

	out->pid = p->p_pid;
	out->uid = p->p_leader->t_cred->c_uid;
	out->status = status;
	out->code = code;
	usage_process_locked(p, &out->rusage);
}

static bool look_zombie(struct wait_request *w, struct process *p)
{
	struct krusage total;
	s32 detail;

	if (!p->p_zombie || !(w->options & WEXITED))
		return false;
	fill(w, p, p->p_group_exit_code, process_status_code(p->p_group_exit_code, &detail));
	total = w->out->rusage;
	// What wait4 shows includes the child's own waited-for children (getrusage(2),
	// RUSAGE_CHILDREN).
	w->out->rusage.utime += p->p_cutime;
	w->out->rusage.stime += p->p_cstime;
	w->out->rusage.minflt += p->p_cminflt;
	w->out->rusage.majflt += p->p_cmajflt;
	w->out->rusage.nvcsw += p->p_cnvcsw;
	w->out->rusage.nivcsw += p->p_cnivcsw;
	w->out->rusage.maxrss = MAX(w->out->rusage.maxrss, p->p_cmaxrss);
	if (w->options & WNOWAIT)
		return true;
	usage_reap_locked(current->t_proc, p, &total);
	process_release_locked(p);
	w->reaped = p;
	return true;
}

static bool look_stopped(struct wait_request *w, struct process *p)
{
	u32 sig = 0;
	u64 irq;

	if (!(w->options & WUNTRACED) || p->p_zombie)
		return false;
	irq = spin_lock_irq(&p->p_siglock);
	if (p->p_stopped && p->p_stop_reported && p->p_stop_sig) {
		sig = p->p_stop_sig;
		if (!(w->options & WNOWAIT))
			p->p_stop_sig = 0; // shown once
	}
	spin_unlock_irq(&p->p_siglock, irq);
	if (sig)
		fill(w, p, STATUS_STOPPED(sig), CLD_STOPPED);
	return sig != 0;
}

static bool look_continued(struct wait_request *w, struct process *p)
{
	bool continued;
	u64 irq;

	if (!(w->options & WCONTINUED) || p->p_zombie)
		return false;
	irq = spin_lock_irq(&p->p_siglock);
	continued = p->p_continued;
	if (continued && !(w->options & WNOWAIT))
		p->p_continued = false;
	spin_unlock_irq(&p->p_siglock, irq);
	if (continued)
		fill(w, p, STATUS_CONTINUED, CLD_CONTINUED);
	return continued;
}

// One look at all children: a pid, 0 when some may still do something, -ECHILD.
static long look(struct wait_request *w)
{
	struct process *p;
	long r = -ECHILD;

	spin_lock(&tasklist_lock);
	list_for_each_entry (p, &current->t_proc->p_children, p_sibling) {
		if (!is_eligible(w, p))
			continue;
		r = 0;
		if (look_zombie(w, p) || look_stopped(w, p) || look_continued(w, p)) {
			r = w->out->pid;
			break;
		}
	}
	spin_unlock(&tasklist_lock);
	if (w->reaped)
		process_release_done(w->reaped);
	return r;
}

long kern_wait(int which, pid_t id, int options, struct wait_result *out)
{
	struct wait_request w = {which, id, options, out, NULL};
	struct waitqueue *wq = &current->t_proc->p_child_wait;
	struct waiter waiter;
	long r = look(&w);

	while (!r && !(options & WNOHANG)) {
		wait_prepare(wq, &waiter, TASK_INTERRUPTIBLE);
		r = look(&w);
		if (!r)
			r = sched_sleep(WAIT_FOREVER);
		wait_finish(wq, &waiter);
		if (!r)
			r = look(&w);
	}
	return r;
}

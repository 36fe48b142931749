// SPDX-License-Identifier: MIT
// Scheduling calls: affinity, policies, nice values, which CPU. What is walked (all tasks of a user
// or a group) is walked under tasklist_lock; the scheduler's own locks are taken inside it, by
// kern/policy.c.

#include "kern/sched.h"

#include "abi/layout.h"
#include "kern/cred.h"
#include "kern/task.h"
#include "machine/cpu.h"
#include "machine/uaccess.h"
#include "sys_proto.h"

#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/resource.h>
#include <linux/sched.h>

#define NICE_MIN    (-20)
#define NICE_MAX    19
#define NICE_RANGE  40
#define RT_PRIO_MIN 1
#define RT_PRIO_MAX 99

long sys_sched_yield(void)
{
	sched_yield_now();
	return 0;
}

long sys_getcpu(uptr cpu, uptr node, uptr cache)
{
	u32 id = this_cpu()->c_id;

	(void)cache; // unused since Linux 2.6.24 (getcpu(2))
	if (!uptr_is_null(cpu) && put_user_u32(cpu, id))
		return -EFAULT;
	if (!uptr_is_null(node) && put_user_u32(node, 0))
		return -EFAULT;
	return 0;
}

// Counted; pid 0 is the caller.
static struct task *find_task(pid_t pid)
{
	if (pid)
		return pid < 0 ? NULL : task_find(pid);
	task_get(current);
	return current;
}

// --- affinity ---

long sys_sched_setaffinity(int pid, unsigned int len, uptr mask)
{
	struct task *t;
	u64 cpus = 0;
	int r;

	if (copyin(&cpus, mask, MIN(len, (unsigned int)sizeof(cpus))))
		return -EFAULT;
	t = find_task(pid);
	if (!t)
		return -ESRCH;
	if (!cred_same_user(t) && !capable(CAP_SYS_NICE))
		r = -EPERM;
	else
		r = sched_set_affinity(t, cpus);
	task_put(t);
	return r;
}

// Writes one word of 64 bits, or what of it the caller has room for; the result says how much.
long sys_sched_getaffinity(int pid, unsigned int len, uptr mask)
{
	struct task *t;
	u64 cpus;

	if ((u64)len * 8 < cpu_count || len % abi_long())
		return -EINVAL;
	t = find_task(pid);
	if (!t)
		return -ESRCH;
	cpus = READ_ONCE(t->t_se.se_affinity) & sched_cpus();
	task_put(t);
	len = MIN(len, (unsigned int)sizeof(cpus));
	return copyout(mask, &cpus, len) ? -EFAULT : (long)len;
}

// --- policies ---

long sys_sched_getscheduler(int pid)
{
	struct task *t;
	long policy;

	if (pid < 0)
		return -EINVAL;
	t = find_task(pid);
	if (!t)
		return -ESRCH;
	policy = READ_ONCE(t->t_se.se_policy);
	task_put(t);
	return policy;
}

long sys_sched_getparam(int pid, uptr param)
{
	struct task *t;
	s32 prio;

	if (pid < 0 || uptr_is_null(param))
		return -EINVAL;
	t = find_task(pid);
	if (!t)
		return -ESRCH;
	prio = READ_ONCE(t->t_se.se_rtprio);
	task_put(t);
	return put_user_u32(param, (u32)prio);
}

static long priority_bound(int policy, long realtime)
{
	switch (policy) {
	case SCHED_FIFO:
	case SCHED_RR:
		return realtime;
	case SCHED_NORMAL:
	case SCHED_BATCH:
	case SCHED_IDLE:
	case SCHED_DEADLINE:
		return 0;
	default:
		return -EINVAL;
	}
}

long sys_sched_get_priority_max(int policy)
{
	return priority_bound(policy, RT_PRIO_MAX);
}

long sys_sched_get_priority_min(int policy)
{
	return priority_bound(policy, RT_PRIO_MIN);
}

// --- nice values ---

static bool may_have_nice(s32 nice)
{
	// RLIMIT_NICE counts upwards: 1 is nice 19, 40 is nice -20 (getrlimit(2)).
	return (u64)(20 - nice) <= rlimit_current(RLIMIT_NICE) || capable(CAP_SYS_NICE);
}

static s32 nice_clamp(s64 nice)
{
	return (s32)MAX(MIN(nice, (s64)NICE_MAX), (s64)NICE_MIN);
}

long sys_nice(int increment)
{
	s32 by = MAX(MIN(increment, NICE_RANGE), -NICE_RANGE);
	s32 nice = nice_clamp((s64)current->t_se.se_nice + by);

	if (increment < 0 && !may_have_nice(nice))
		return -EPERM;
	sched_set_nice(current, nice);
	return 0;
}

// One visit per task that `which` and `who` name; state is the caller's.
struct prio_walk {
	void (*visit)(struct prio_walk *w, struct task *t);
	s32 nice;
	long result; // -ESRCH until a task was found
};

static void walk_threads(struct prio_walk *w, struct process *p, const u32 *uid)
{
	struct task *t;

	if (p->p_zombie)
		return;
	list_for_each_entry (t, &p->p_threads, t_threads)
		if (!uid || t->t_cred->c_uid == *uid)
			w->visit(w, t);
}

static void walk_group(struct prio_walk *w, pid_t id)
{
	struct pgroup *g = id ? pgroup_find_locked(id) : current->t_proc->p_pgrp;
	struct process *p;

	if (!g)
		return;
	list_for_each_entry (p, &g->g_procs, p_pgrp_link)
		walk_threads(w, p, NULL);
}

static void walk_user(struct prio_walk *w, u32 uid)
{
	struct process *p;

	// The ring of all processes: init, and those behind it.
	walk_threads(w, init_process, &uid);
	list_for_each_entry (p, &init_process->p_all, p_all)
		walk_threads(w, p, &uid);
}

static long walk(struct prio_walk *w, int which, int who)
{
	struct task *t = NULL;

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	if (which == PRIO_PROCESS && !(t = find_task(who)))
		return -ESRCH;
	w->result = -ESRCH;
	spin_lock(&tasklist_lock);
	if (t)
		w->visit(w, t);
	else if (which == PRIO_PGRP)
		walk_group(w, who);
	else
		walk_user(w, who ? (u32)who : cred_current()->c_uid);
	spin_unlock(&tasklist_lock);
	if (t)
		task_put(t);
	return w->result;
}

// The system call gives 20 - nice, so that no success looks like an error (getpriority(2)).
static void visit_get(struct prio_walk *w, struct task *t)
{
	w->result = MAX(w->result, 20 - (long)t->t_se.se_nice);
}

static void visit_set(struct prio_walk *w, struct task *t)
{
	const struct cred *me = cred_current(), *other = t->t_cred;

	if (other->c_uid != me->c_euid && other->c_euid != me->c_euid && !capable(CAP_SYS_NICE)) {
		w->result = -EPERM;
		return;
	}
	if (w->nice < t->t_se.se_nice && !may_have_nice(w->nice)) {
		w->result = -EACCES;
		return;
	}
	if (w->result == -ESRCH)
		w->result = 0;
	sched_set_nice(t, w->nice);
}

long sys_getpriority(int which, int who)
{
	struct prio_walk w = {.visit = visit_get};

	return walk(&w, which, who);
}

long sys_setpriority(int which, int who, int prio)
{
	struct prio_walk w = {.visit = visit_set, .nice = nice_clamp(prio)};

	return walk(&w, which, who);
}

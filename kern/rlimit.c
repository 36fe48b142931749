// SPDX-License-Identifier: MIT
// Resource limits: the first process's, reading and changing them. What a limit means is checked
// where the resource is given out. A soft limit never exceeds its hard limit.

#include "kern/rlimit.h"

#include "kern/itimer.h"
#include "machine/cpu.h"
#include "vm/page.h"

#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/fs.h>

#define NOFILE_CEILING (1024 * 1024) // nobody may have more descriptors: /proc/sys/fs/nr_open
#define STACK_SOFT     (8 * 1024 * 1024)
#define MEMLOCK_SOFT   (8 * 1024 * 1024)
#define MSGQUEUE_BYTES 819200
#define INFINITE       (~0ul)
#define TASKS_MIN      32

// What is not named here is 0: NICE, RTPRIO, and what depends on memory.
static const struct rlimit defaults[RLIM_NLIMITS] = {
	[RLIMIT_CPU] = {INFINITE, INFINITE},
	[RLIMIT_FSIZE] = {INFINITE, INFINITE},
	[RLIMIT_DATA] = {INFINITE, INFINITE},
	[RLIMIT_STACK] = {STACK_SOFT, INFINITE},
	[RLIMIT_CORE] = {0, INFINITE},
	[RLIMIT_RSS] = {INFINITE, INFINITE},
	[RLIMIT_NOFILE] = {INR_OPEN_CUR, INR_OPEN_MAX},
	[RLIMIT_MEMLOCK] = {MEMLOCK_SOFT, MEMLOCK_SOFT},
	[RLIMIT_AS] = {INFINITE, INFINITE},
	[RLIMIT_LOCKS] = {INFINITE, INFINITE},
	[RLIMIT_MSGQUEUE] = {MSGQUEUE_BYTES, MSGQUEUE_BYTES},
	[RLIMIT_RTTIME] = {INFINITE, INFINITE},
};

// Processes and queued signals depend on the memory: the kernel stacks of all tasks may take an
// eighth of it, and one user half of that.
void rlimit_init(struct rlimit limits[RLIM_NLIMITS])
{
	u64 tasks = MAX(page_total() * PAGE_SIZE / (8 * KSTACK_SIZE) / 2, (u64)TASKS_MIN);

	for (u32 i = 0; i < RLIM_NLIMITS; i++)
		limits[i] = defaults[i];
	limits[RLIMIT_NPROC] = limits[RLIMIT_SIGPENDING] = (struct rlimit){tasks, tasks};
}

u64 rlimit_current(int resource)
{
	return READ_ONCE(current->t_proc->p_rlimit[resource].rlim_cur);
}

int rlimit_change(struct process *p, u32 resource, const struct rlimit *new_limit,
		  struct rlimit *old)
{
	bool may_raise = capable(CAP_SYS_RESOURCE);
	struct rlimit *limit;
	int r = 0;
	u64 irq;

	if (resource >= RLIM_NLIMITS)
		return -EINVAL;
	if (new_limit && new_limit->rlim_cur > new_limit->rlim_max)
		return -EINVAL;
	if (new_limit && resource == RLIMIT_NOFILE && new_limit->rlim_max > NOFILE_CEILING)
		return -EPERM;
	limit = &p->p_rlimit[resource];
	irq = spin_lock_irq(&p->p_siglock);
	if (old)
		*old = *limit;
	if (new_limit && new_limit->rlim_max > limit->rlim_max && !may_raise)
		r = -EPERM;
	else if (new_limit)
		*limit = *new_limit;
	spin_unlock_irq(&p->p_siglock, irq);
	if (!r && new_limit && resource == RLIMIT_CPU)
		itimer_watch(p);
	return r;
}

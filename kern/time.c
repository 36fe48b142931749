// SPDX-License-Identifier: MIT
// The clocks. CLOCK_MONOTONIC is clock_ns(); wall time is that plus one offset, which changes only
// when somebody sets the clock, so the vDSO's page and the system calls always agree.

#include "kern/time.h"

#include "kern/lock.h"
#include "kern/task.h"
#include "machine/clock.h"
#include "machine/cpu.h"

#include <asm/errno.h>
#include <linux/time.h>

BUILD_ASSERT(CLOCK_REALTIME == 0 && CLOCK_MONOTONIC == 1);
u64 time_offset[2];
struct time_zone time_zone;

void time_init(void)
{
	u64 rtc = clock_rtc_ns();

	time_offset[CLOCK_REALTIME] = rtc ? rtc - clock_ns() : 0;
}

u64 time_realtime_ns(void)
{
	return clock_ns() + time_realtime_offset();
}

u64 time_coarse_ns(void)
{
	return time_realtime_ns();
}

void time_set_realtime(u64 ns)
{
	WRITE_ONCE(time_offset[CLOCK_REALTIME], ns - clock_ns());
	vdso_update();
}

int ktime_check(const struct ktime_spec *ts)
{
	return ts->sec < 0 || (u64)ts->nsec >= NSEC_PER_SEC ? -EINVAL : 0;
}

u64 ktime_to_ns(const struct ktime_spec *ts)
{
	if ((u64)ts->sec >= TIME_NS_MAX / NSEC_PER_SEC)
		return TIME_NS_MAX;
	return (u64)ts->sec * NSEC_PER_SEC + (u64)ts->nsec;
}

// The grain lies in the raw counter, before the boot offset, as vdso_clock_at() has it.
static u64 coarse(u64 mono)
{
	u64 offset = clock_params.offset;

	return ((mono - offset) & ~(u64)(TIME_COARSE_NS - 1)) + offset;
}

// --- CPU clocks of processes and threads: the pid is in the clock id (clock_getcpuclockid(3)) ---

#define CPUCLOCK_PROF		0
#define CPUCLOCK_VIRT		1
#define CPUCLOCK_SCHED		2
#define CPUCLOCK_KIND(id)	((id)&3)
#define CPUCLOCK_PER_THREAD(id) ((id)&4)
#define CPUCLOCK_PID(id)	((pid_t) ~((id) >> 3))

// The task that a dynamic clock id names, counted. A thread must be one of our own process.
static struct task *cpu_clock_task(int id)
{
	pid_t pid = CPUCLOCK_PID(id); // cppcheck-suppress shiftNegativeLHS
	struct task *t;

	if (CPUCLOCK_KIND(id) > CPUCLOCK_SCHED)
		return NULL;
	if (!pid) {
		task_get(current);
		return current;
	}
	t = task_find(pid);
	if (!t)
		return NULL;
	if (CPUCLOCK_PER_THREAD(id) ? t->t_proc == current->t_proc : t == t->t_proc->p_leader)
		return t;
	task_put(t);
	return NULL;
}

static u64 cpu_clock_read(struct task *t, u32 kind, bool thread)
{
	u64 u, s;

	if (kind == CPUCLOCK_SCHED)
		return thread ? sched_runtime(t) : process_cpu_ns(t->t_proc);
	if (thread)
		task_times(t, &u, &s);
	else
		process_times(t->t_proc, &u, &s);
	return kind == CPUCLOCK_VIRT ? u : u + s;
}

static int cpu_clock_get(int id, u64 *ns)
{
	struct task *t = cpu_clock_task(id);

	if (!t)
		return -EINVAL;
	*ns = cpu_clock_read(t, CPUCLOCK_KIND(id), CPUCLOCK_PER_THREAD(id));
	task_put(t);
	return 0;
}

int kern_clock_ns(int id, u64 *ns)
{
	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI: // no leap seconds are known: the offset is 0
		*ns = time_realtime_ns();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_BOOTTIME: // the machine never sleeps
	case CLOCK_BOOTTIME_ALARM:
		*ns = clock_ns();
		return 0;
	case CLOCK_REALTIME_COARSE:
		*ns = coarse(clock_ns()) + time_realtime_offset();
		return 0;
	case CLOCK_MONOTONIC_COARSE:
		*ns = coarse(clock_ns());
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		*ns = process_cpu_ns(current->t_proc);
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		*ns = sched_runtime(current);
		return 0;
	default:
		return id < 0 ? cpu_clock_get(id, ns) : -EINVAL;
	}
}

int kern_clock_getres(int id, struct ktime_spec *out)
{
	u64 ns = 1, now;
	int r;

	if (id == CLOCK_REALTIME_COARSE || id == CLOCK_MONOTONIC_COARSE) {
		ns = TIME_COARSE_NS;
	} else if (id < 0) {
		r = cpu_clock_get(id, &now);
		if (r)
			return r;
		ns = CPUCLOCK_KIND(id) == CPUCLOCK_SCHED ? 1 : TIME_TICK_NS;
	} else {
		r = kern_clock_ns(id, &now);
		if (r)
			return r;
	}
	*out = ns_to_ktime(ns);
	return 0;
}

// Sleeps until the clock shows `deadline` or later. CPU clocks advance only while somebody runs:
// the least that it can take is the difference divided by the CPUs, so look again then.
static int sleep_cpu_clock(int id, u64 deadline)
{
	for (;;) {
		u64 now, wait;
		int r = kern_clock_ns(id, &now);

		if (r || now >= deadline)
			return r;
		wait = MAX((deadline - now) / cpu_count, NSEC_PER_MSEC);
		sched_set_state(TASK_INTERRUPTIBLE);
		r = sched_sleep(clock_ns() + wait);
		if (r == -ERESTARTSYS)
			return r;
	}
}

int kern_clock_sleep(int id, u64 deadline)
{
	u64 offset = 0;
	int r;

	if (id < 0 || id == CLOCK_PROCESS_CPUTIME_ID)
		return sleep_cpu_clock(id, deadline);
	do {
		if (id == CLOCK_REALTIME || id == CLOCK_TAI)
			offset = time_realtime_offset();
		if (deadline <= offset)
			return 0;
		sched_set_state(TASK_INTERRUPTIBLE);
		r = sched_sleep(deadline - offset);
	} while (!r);
	return r == -ETIMEDOUT ? 0 : r;
}

// SPDX-License-Identifier: MIT
// Sleeping for a time. A relative sleep is turned into a deadline at once, so that stops and
// ignored signals do not make it longer (nanosleep(2), NOTES); the restart block keeps the
// deadline.

#include "kern/sleep.h"

#include "kern/signal.h"
#include "kern/task.h"
#include "machine/cpu.h"

#include <asm/errno.h>
#include <linux/time.h>

#define CLOCK_NONE 10 // was CLOCK_SGI_CYCLE

int sleep_check_clock(int clock)
{
	u64 now;

	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
	case CLOCK_PROCESS_CPUTIME_ID:
		return 0;
	case CLOCK_NONE:
		return -EINVAL;
	}
	// a CPU clock of somebody: bit 2 says of a thread; one cannot wait for one's own
	if (clock < 0)
		return (clock & 4) && (clock >> 3 == ~0 || clock >> 3 == ~current->t_tid)
			       ? -EINVAL
			       : kern_clock_ns(clock, &now);
	return clock > CLOCK_TAI ? -EINVAL : -EOPNOTSUPP;
}

// What a relative sleep counts on: a clock that nobody sets (clock_nanosleep(2)).
static int relative_clock(int clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_TAI ? CLOCK_MONOTONIC : clock;
}

static long sleep_restart(struct restart *r);

// arg: clock, deadline, address for the rest, how to write it.
static long sleep_relative(struct restart *r)
{
	int clock = (int)r->arg[0], e = kern_clock_sleep(clock, r->arg[1]);
	sleep_put_fn put = (sleep_put_fn)r->arg[3];
	uptr rem = UPTR(r->arg[2]);
	struct ktime_spec left;
	u64 now;

	if (e != -ERESTARTSYS)
		return e;
	e = kern_clock_ns(clock, &now);
	if (e)
		return e;
	if (now >= r->arg[1])
		return 0;
	left = ns_to_ktime(r->arg[1] - now);
	if (!uptr_is_null(rem) && (e = put(rem, &left)))
		return e;
	r->fn = sleep_restart;
	return -ERESTART_RESTARTBLOCK;
}

static long sleep_restart(struct restart *r)
{
	return sleep_relative(r);
}

long kern_nanosleep(int clock, bool absolute, const struct ktime_spec *ts, uptr rem,
		    sleep_put_fn put)
{
	struct restart *r = &current->t_restart;
	u64 ns, now;
	int e = ktime_check(ts);

	if (e)
		return e;
	ns = ktime_to_ns(ts);
	if (absolute) {
		e = kern_clock_sleep(clock, ns);
		return e == -ERESTARTSYS ? -ERESTARTNOHAND : e;
	}
	clock = relative_clock(clock);
	e = kern_clock_ns(clock, &now);
	if (e)
		return e;
	*r = (struct restart){
		.arg = {(u64)(s64)clock, MIN(now + ns, TIME_NS_MAX), rem.va, (u64)put}};
	return sleep_relative(r);
}

// SPDX-License-Identifier: MIT
// Clocks, sleeping and interval timers. A call and its _time64 twin differ in the layout of a
// timespec only.

#include "kern/time.h"

#include "abi/layout.h"
#include "kern/itimer.h"
#include "kern/sleep.h"
#include "kern/usage.h"
#include "machine/uaccess.h"
#include "sys_proto.h"

#include <asm/errno.h>
#include <linux/time.h>

#define NSEC_PER_TICK (NSEC_PER_SEC / TIME_USER_HZ)
#define HALF_SEC_NS   (NSEC_PER_SEC / 2)

typedef int (*timespec_in)(struct ktime_spec *ts, uptr src);
typedef int (*timespec_out)(uptr dst, const struct ktime_spec *ts);

// --- reading clocks ---

long sys_time(uptr t)
{
	s64 now = (s64)(time_realtime_ns() / NSEC_PER_SEC);

	if (!uptr_is_null(t) && abi_copyout_long(t, now))
		return -EFAULT;
	return now;
}

long sys_gettimeofday(uptr tv, uptr tz)
{
	struct ktime_spec now = ns_to_ktime(time_realtime_ns());
	int r = uptr_is_null(tv) ? 0 : abi_copyout_timeval(tv, &now);

	if (!r && !uptr_is_null(tz))
		r = copyout(tz, &time_zone, sizeof(time_zone));
	return r;
}

static long clock_read(int clock, uptr tp, timespec_out put)
{
	struct ktime_spec ts;
	int r = kern_clock_get(clock, &ts);

	return r ? r : put(tp, &ts);
}

long sys_clock_gettime(int clock, uptr tp)
{
	return clock_read(clock, tp, abi_copyout_timespec);
}

long sys_clock_gettime64(int clock, uptr tp)
{
	return clock_read(clock, tp, abi_copyout_timespec64);
}

static long clock_resolution(int clock, uptr res, timespec_out put)
{
	struct ktime_spec ts;
	int r = kern_clock_getres(clock, &ts);

	return r || uptr_is_null(res) ? r : put(res, &ts);
}

long sys_clock_getres(int clock, uptr res)
{
	return clock_resolution(clock, res, abi_copyout_timespec);
}

long sys_clock_getres_time64(int clock, uptr res)
{
	return clock_resolution(clock, res, abi_copyout_timespec64);
}

// --- sleeping ---

static long clock_sleep(int clock, u32 flags, uptr req, uptr rem, timespec_in get, timespec_out put)
{
	struct ktime_spec ts;
	int r = sleep_check_clock(clock);

	if (!r)
		r = get(&ts, req);
	return r ? r : kern_nanosleep(clock, flags & TIMER_ABSTIME, &ts, rem, put);
}

long sys_nanosleep(uptr req, uptr rem)
{
	return clock_sleep(CLOCK_MONOTONIC, 0, req, rem, abi_copyin_timespec, abi_copyout_timespec);
}

long sys_clock_nanosleep(int clock, unsigned int flags, uptr req, uptr rem)
{
	return clock_sleep(clock, flags, req, rem, abi_copyin_timespec, abi_copyout_timespec);
}

long sys_clock_nanosleep_time64(int clock, unsigned int flags, uptr req, uptr rem)
{
	return clock_sleep(clock, flags, req, rem, abi_copyin_timespec64, abi_copyout_timespec64);
}

// --- interval timers ---

static int put_setting(uptr dst, const struct itimer_setting *s)
{
	struct ktime_spec interval = ns_to_ktime(s->interval), value = ns_to_ktime(s->value);

	return abi_copyout_itimerval(dst, &interval, &value);
}

// A null address disarms (Linux only; setitimer(2), HISTORY).
static int get_setting(struct itimer_setting *s, uptr src)
{
	struct ktime_spec interval, value;
	int r;

	*s = (struct itimer_setting){0};
	if (uptr_is_null(src))
		return 0;
	r = abi_copyin_itimerval(&interval, &value, src);
	if (!r)
		r = ktime_check(&interval);
	if (!r)
		r = ktime_check(&value);
	if (r)
		return r;
	s->interval = ktime_to_ns(&interval);
	s->value = ktime_to_ns(&value);
	return 0;
}

long sys_getitimer(int which, uptr value)
{
	struct itimer_setting s;
	int r = itimer_get(which, &s);

	return r ? r : put_setting(value, &s);
}

long sys_setitimer(int which, uptr value, uptr old)
{
	struct itimer_setting s, before;
	int r = get_setting(&s, value);

	if (!r)
		r = itimer_set(which, &s, &before);
	return r || uptr_is_null(old) ? r : put_setting(old, &before);
}

// What was left is rounded to whole seconds, but never to 0 (alarm(2)).
long sys_alarm(unsigned int seconds)
{
	struct itimer_setting s = {.value = seconds * NSEC_PER_SEC}, before;
	u64 left;

	itimer_set(ITIMER_REAL, &s, &before);
	left = before.value / NSEC_PER_SEC;
	if (before.value % NSEC_PER_SEC >= HALF_SEC_NS || (!left && before.value))
		left++;
	return (long)left;
}

// --- times ---

long sys_times(uptr buf)
{
	struct krusage self, children;
	int r = 0;

	if (!uptr_is_null(buf)) {
		usage_process(&self);
		usage_children(&children);
		r = abi_copyout_tms(buf, (s64[]){
						 (s64)(self.utime / NSEC_PER_TICK),
						 (s64)(self.stime / NSEC_PER_TICK),
						 (s64)(children.utime / NSEC_PER_TICK),
						 (s64)(children.stime / NSEC_PER_TICK),
					 });
	}
	return r ? r : (long)(clock_ns() / NSEC_PER_TICK);
}

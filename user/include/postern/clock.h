/* SPDX-License-Identifier: MIT */
/*
 * <postern/clock.h>: what the vDSO offers, as typed functions, each of which makes the system call
 * where there is no vDSO or it lacks the function. Times are 64 bits wide in every ABI, so nothing
 * here ends in 2038. Results are 0, or a negated errno.
 */
#pragma once

#include <postern/vdso.h>

/* struct __kernel_timespec of <linux/time_types.h> */
struct postern_timespec {
	long long tv_sec;
	long long tv_nsec;
};

enum { POSTERN_CLOCK_REALTIME = 0, POSTERN_CLOCK_MONOTONIC = 1, POSTERN_CLOCK_REALTIME_COARSE = 5 };

/* The functions found; NULL: by system call. */
struct postern_clock {
	int (*gettime)(int clock, struct postern_timespec *time);
	int (*getres)(int clock, void *resolution); /* in the ABI's own struct timespec */
	long (*getcpu)(unsigned int *cpu, unsigned int *node, void *unused);
};

/* `vdso` is an opened image, or NULL where there is none. */
static inline void postern_clock_init(struct postern_clock *clock, const struct postern_vdso *vdso)
{
	clock->gettime = NULL;
	clock->getres = NULL;
	clock->getcpu = NULL;
	if (!vdso)
		return;
#ifdef POSTERN_ABI_I386
	clock->gettime = (int (*)(int, struct postern_timespec *))postern_vdso_find(
		vdso, "LINUX_2.6", "__vdso_clock_gettime64");
#else
	clock->gettime = (int (*)(int, struct postern_timespec *))postern_vdso_find(
		vdso, "LINUX_2.6", "__vdso_clock_gettime");
#endif
	clock->getres = (int (*)(int, void *))postern_vdso_find(vdso, "LINUX_2.6",
								"__vdso_clock_getres");
	clock->getcpu = (long (*)(unsigned int *, unsigned int *, void *))postern_vdso_find(
		vdso, "LINUX_2.6", "__vdso_getcpu");
}

/* From the auxiliary vector's AT_SYSINFO_EHDR at once; a bad or missing image means system calls.
 */
static inline void postern_clock_open(struct postern_clock *clock, unsigned long sysinfo_ehdr)
{
	struct postern_vdso vdso;
	enum postern_vdso_status status = postern_vdso_open(&vdso, (const void *)sysinfo_ehdr, 0);

	postern_clock_init(clock, status == POSTERN_VDSO_OK ? &vdso : NULL);
}

#ifdef POSTERN_ABI_I386
/* Linux before 5.1 knows only the call with 32-bit times. */
static inline int postern_clock_call(int new_call, int old_call, int clock,
				     struct postern_timespec *time)
{
	postern_word result = postern_call2(new_call, clock, postern_ptr(time));
	struct {
		int sec, nsec;
	} old = {0, 0};

	if (result != -POSTERN_ENOSYS)
		return (int)result;
	result = postern_call2(old_call, clock, postern_ptr(&old));
	if (!result) {
		time->tv_sec = old.sec;
		time->tv_nsec = old.nsec;
	}
	return (int)result;
}
#endif

/* clock_gettime(2), always by system call. */
static inline int postern_clock_gettime_call(int clock, struct postern_timespec *time)
{
#ifdef POSTERN_ABI_I386
	return postern_clock_call(POSTERN_NR_clock_gettime64, POSTERN_NR_clock_gettime, clock,
				  time);
#else
	return (int)postern_call2(POSTERN_NR_clock_gettime, clock, postern_ptr(time));
#endif
}

/* clock_gettime(2) */
static inline int postern_clock_gettime(const struct postern_clock *c, int clock,
					struct postern_timespec *time)
{
	if (c->gettime)
		return c->gettime(clock, time);
	return postern_clock_gettime_call(clock, time);
}

/* clock_getres(2) */
static inline int postern_clock_getres(const struct postern_clock *c, int clock,
				       struct postern_timespec *resolution)
{
#ifdef POSTERN_ABI_I386
	struct {
		int sec, nsec;
	} old = {0, 0};
	int result;

	if (!c->getres)
		return postern_clock_call(POSTERN_NR_clock_getres_time64, POSTERN_NR_clock_getres,
					  clock, resolution);
	result = c->getres(clock, &old);
	if (!result) {
		resolution->tv_sec = old.sec;
		resolution->tv_nsec = old.nsec;
	}
	return result;
#else
	if (c->getres)
		return c->getres(clock, resolution);
	return (int)postern_call2(POSTERN_NR_clock_getres, clock, postern_ptr(resolution));
#endif
}

/* time(2): seconds, of the coarse clock as in Linux; never the error of an address. */
static inline long long postern_time(const struct postern_clock *c)
{
	struct postern_timespec now = {0, 0};

	postern_clock_gettime(c, POSTERN_CLOCK_REALTIME_COARSE, &now);
	return now.tv_sec;
}

/* gettimeofday(2) without a time zone: seconds and microseconds. */
static inline int postern_gettimeofday(const struct postern_clock *c, long long *seconds,
				       long *microseconds)
{
	struct postern_timespec now = {0, 0};
	int result = postern_clock_gettime(c, POSTERN_CLOCK_REALTIME, &now);

	*seconds = now.tv_sec;
	*microseconds = (long)(now.tv_nsec / 1000);
	return result;
}

/* getcpu(2): either pointer may be NULL. */
static inline int postern_getcpu(const struct postern_clock *c, unsigned int *cpu,
				 unsigned int *node)
{
	if (c->getcpu)
		return (int)c->getcpu(cpu, node, NULL);
	return (int)postern_call3(POSTERN_NR_getcpu, postern_ptr(cpu), postern_ptr(node), 0);
}

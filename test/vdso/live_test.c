// SPDX-License-Identifier: MIT
/*
 * The vDSO that the running kernel gave this process, Linux's or Postern's: found by the auxiliary
 * vector, with the names and versions that Linux 6.1 has for this ABI, and with answers that agree
 * with the system calls. One source for x86-64, x32 and i386. Output is TAP.
 */
#include "test/vdso/vdso_sym.h"

#include <asm/unistd.h>
#include <errno.h>
#include <linux/time_types.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifdef __i386__
typedef struct __kernel_old_timespec native_timespec;
#else
typedef struct __kernel_timespec native_timespec;
#endif
typedef int (*gettime_fn)(int, native_timespec *);

static struct vdso_elf vdso;
static int tests, failures;

static void __attribute__((format(printf, 2, 3))) ok(bool good, const char *format, ...)
{
	va_list args;

	printf("%sok %d - ", good ? "" : "not ", ++tests);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	failures += !good;
}

static void *find(const char *version, const char *name)
{
	const void *function = vdso_find(&vdso, version, name);

	ok(function != NULL, "%s is %s", name, version);
	return (void *)function;
}

static int64_t to_ns(const native_timespec *ts)
{
	return (int64_t)ts->tv_sec * 1000000000 + ts->tv_nsec;
}

static void test_clock(gettime_fn gettime, int clock, int64_t grain)
{
	native_timespec before, middle, after;
	int64_t low, high, got;

	if (syscall(__NR_clock_gettime, clock, &before) || gettime(clock, &middle) ||
	    syscall(__NR_clock_gettime, clock, &after)) {
		ok(false, "clock %d", clock);
		return;
	}
	low = to_ns(&before) - grain;
	high = to_ns(&after) + grain;
	got = to_ns(&middle);
	ok(got >= low && got <= high, "clock %d lies between two system calls (%lld %lld %lld)",
	   clock, (long long)low, (long long)got, (long long)high);
}

static void test_clocks(void)
{
	gettime_fn gettime = (gettime_fn)find("LINUX_2.6", "__vdso_clock_gettime");
	static const int clocks[] = {
		CLOCK_REALTIME,		 CLOCK_MONOTONIC,     CLOCK_PROCESS_CPUTIME_ID,
		CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
		CLOCK_MONOTONIC_COARSE,	 CLOCK_BOOTTIME,      CLOCK_TAI};
	native_timespec ts;
	int64_t last = 0, backwards = 0;

	if (!gettime)
		return;
	for (unsigned int i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++)
		test_clock(gettime, clocks[i],
			   clocks[i] == CLOCK_REALTIME_COARSE || clocks[i] == CLOCK_MONOTONIC_COARSE
				   ? 20000000
				   : 0);
	for (int i = 0; i < 100000; i++) {
		gettime(CLOCK_MONOTONIC, &ts);
		backwards += to_ns(&ts) < last;
		last = to_ns(&ts);
	}
	ok(!backwards, "CLOCK_MONOTONIC never goes back");
	ok(gettime(77, &ts) == -EINVAL, "clock 77: -EINVAL");
}

static void test_rest(void)
{
	__kernel_old_time_t (*vtime)(__kernel_old_time_t *) = find("LINUX_2.6", "__vdso_time");
	int (*day)(struct __kernel_old_timeval *, void *) = find("LINUX_2.6",
								 "__vdso_gettimeofday");
	long (*getcpu)(unsigned int *, unsigned int *, void *) = find("LINUX_2.6", "__vdso_getcpu");
	gettime_fn getres = (gettime_fn)find("LINUX_2.6", "__vdso_clock_getres");
	unsigned int cpu = 99, node = 99;
	struct __kernel_old_timeval tv;
	native_timespec ts, by_call;
	bool same = true;
	cpu_set_t set;

	ok(vtime && llabs((long long)vtime(NULL) - (long long)syscall(__NR_time, NULL)) <= 1,
	   "time");
	ok(day && !day(&tv, NULL) && llabs((long long)tv.tv_sec - (long long)time(NULL)) <= 1,
	   "gettimeofday");
	for (int clock = 0; getres && clock < 12; clock++) {
		if (clock == 8 || clock == 9 || clock == 10) /* alarm clocks: only with an RTC */
			continue;
		ts = by_call = (native_timespec){-1, -1};
		same = same && getres(clock, &ts) == syscall(__NR_clock_getres, clock, &by_call) &&
		       to_ns(&ts) == to_ns(&by_call);
	}
	ok(getres && same, "clock_getres says what the system call says");
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
	ok(getcpu && !getcpu(&cpu, &node, NULL) && cpu == 0 && node == 0, "getcpu on CPU 0");
}

static void test_abi(void)
{
#ifdef __i386__
	void *vsyscall = find("LINUX_2.5", "__kernel_vsyscall");

	find("LINUX_2.5", "__kernel_sigreturn");
	find("LINUX_2.5", "__kernel_rt_sigreturn");
	find("LINUX_2.6", "__vdso_clock_gettime64");
	ok(vsyscall && (uintptr_t)vsyscall == getauxval(AT_SYSINFO),
	   "AT_SYSINFO is __kernel_vsyscall");
	ok(!strcmp(vdso.soname, "linux-gate.so.1"), "soname %s", vdso.soname);
#else
	ok(!getauxval(AT_SYSINFO), "no AT_SYSINFO in this ABI");
	ok(!strcmp(vdso.soname, "linux-vdso.so.1"), "soname %s", vdso.soname);
#endif
#ifdef __LP64__
	find("LINUX_2.6", "clock_gettime");
	find("LINUX_2.6", "getcpu");
#endif
}

int main(void)
{
	const void *image = (const void *)(uintptr_t)getauxval(AT_SYSINFO_EHDR);

	ok(image && !((uintptr_t)image & 4095) && vdso_open(&vdso, image), "AT_SYSINFO_EHDR");
	if (vdso.image) {
		test_clocks();
		test_rest();
		test_abi();
	}
	printf("1..%d\n", tests);
	return failures != 0;
}

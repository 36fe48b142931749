// SPDX-License-Identifier: MIT
/*
 * The vDSO's C half, one source for x86-64, x32 and i386: clocks and getcpu without entering the
 * kernel. It runs in the program, on any thread, at any time, so: no writable data, no relocations,
 * no calls out of the image, and a stack of a few words. A clock that the page does not serve goes
 * to the system call, whose answer is passed on unchanged (-errno, as the C library expects of the
 * vDSO).
 */
#include "abi/vdso/data.h"

#include <asm/unistd.h>
#include <linux/time.h>
#include <linux/time_types.h>

#define VDSO_EXPORT __attribute__((visibility("default"), used))
#define likely(x)   __builtin_expect(!!(x), 1)

/* The data page below the image; the linker script places it. Not const: the kernel writes it,
 * compilers must reload. */
extern struct vdso_data vdso_page __attribute__((visibility("hidden")));

struct getcpu_cache; /* third argument of getcpu, unused since Linux 2.6.24 */

static inline __kernel_long_t vdso_syscall(long number, __kernel_long_t a, __kernel_long_t b)
{
	__kernel_long_t ret;
#ifdef __i386__
	asm volatile("call __kernel_vsyscall" : "=a"(ret) : "0"(number), "b"(a), "c"(b) : "memory");
#else
	asm volatile("syscall"
		     : "=a"(ret)
		     : "0"((__kernel_long_t)number), "D"(a), "S"(b)
		     : "rcx", "r11", "memory");
#endif
	return ret;
}

/* RDTSC may run ahead of earlier loads; LFENCE holds it (Intel SDM vol. 2, RDTSC; AMD: with LFENCE
 * serialising). */
static inline uint64_t rdtsc_ordered(void)
{
	uint32_t low, high;

	asm volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

/* The clock in ns, or false when the page does not serve it. */
static inline bool clock_read(__kernel_clockid_t id, uint64_t *result)
{
	const struct vdso_data *data = &vdso_page;
	unsigned int clock = (unsigned int)id;
	uint32_t done;
	uint64_t ns;

	if (clock >= VDSO_CLOCKS)
		return false;
	for (;;) {
		done = __atomic_load_n(&data->done, __ATOMIC_ACQUIRE);
		if (!data->keep[clock])
			return false;
		ns = vdso_clock_at(data, clock, rdtsc_ordered());
		asm("" : "+r"(ns)); /* compute now: otherwise all inputs wait in saved registers */
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (likely(done == __atomic_load_n(&data->begun, __ATOMIC_RELAXED)))
			break;
		__builtin_ia32_pause();
	}
	*result = ns;
	return true;
}

/* Split ns into seconds and the rest. i386: DIV r/m32, twice only past the year 2106, where one
 * would overflow. */
static inline uint64_t ns_split(uint64_t ns, uint32_t *rest)
{
#ifdef __i386__
	uint32_t high = (uint32_t)(ns >> 32), low = (uint32_t)ns, sec_high = 0, sec;

	if (__builtin_expect(high >= VDSO_NSEC_PER_SEC, 0)) {
		sec_high = high / VDSO_NSEC_PER_SEC;
		high %= VDSO_NSEC_PER_SEC;
	}
	asm("divl %4" : "=a"(sec), "=d"(*rest) : "0"(low), "1"(high), "r"(VDSO_NSEC_PER_SEC));
	return (uint64_t)sec_high << 32 | sec;
#else
	*rest = (uint32_t)(ns % VDSO_NSEC_PER_SEC);
	return ns / VDSO_NSEC_PER_SEC;
#endif
}

#ifdef __i386__
typedef struct __kernel_old_timespec native_timespec; /* 32-bit seconds */

/* Where gettime32.S goes when its short way does not do. */
__attribute__((used)) int vdso_gettime64_slow(__kernel_clockid_t id, struct __kernel_timespec *ts)
{
	uint64_t ns;
	uint32_t rest;

	if (!clock_read(id, &ns))
		return (int)vdso_syscall(__NR_clock_gettime64, id, (unsigned long)ts);
	ts->tv_sec = (__kernel_time64_t)ns_split(ns, &rest);
	ts->tv_nsec = rest;
	return 0;
}

#define GETTIME __attribute__((used)) int vdso_gettime_slow
#else
typedef struct __kernel_timespec native_timespec; /* x32's is 64 + 64 bits too */

#define GETTIME VDSO_EXPORT int __vdso_clock_gettime
#endif

GETTIME(__kernel_clockid_t id, native_timespec *ts)
{
	uint64_t ns;
	uint32_t rest;

	if (!clock_read(id, &ns))
		return (int)vdso_syscall(__NR_clock_gettime, id, (unsigned long)ts);
	ts->tv_sec = (__kernel_old_time_t)ns_split(ns, &rest);
	ts->tv_nsec = (long)rest;
	return 0;
}

/* A null `res` asks only whether the clock exists (POSIX). */
VDSO_EXPORT int __vdso_clock_getres(__kernel_clockid_t id, native_timespec *res)
{
	unsigned int clock = (unsigned int)id;
	uint32_t ns = clock < VDSO_CLOCKS ? vdso_page.res_ns[clock] : 0;

	if (!ns)
		return (int)vdso_syscall(__NR_clock_getres, id, (unsigned long)res);
	if (res) {
		res->tv_sec = 0;
		res->tv_nsec = (long)ns;
	}
	return 0;
}

VDSO_EXPORT int __vdso_gettimeofday(struct __kernel_old_timeval *tv, struct timezone *tz)
{
	uint64_t ns;
	uint32_t rest;

	if (tv) {
		if (!clock_read(CLOCK_REALTIME, &ns))
			return (int)vdso_syscall(__NR_gettimeofday, (unsigned long)tv,
						 (unsigned long)tz);
		tv->tv_sec = (__kernel_long_t)ns_split(ns, &rest);
		tv->tv_usec = (__kernel_long_t)(rest / 1000);
	}
	if (tz) {
		tz->tz_minuteswest = vdso_page.tz_minuteswest;
		tz->tz_dsttime = vdso_page.tz_dsttime;
	}
	return 0;
}

VDSO_EXPORT __kernel_old_time_t __vdso_time(__kernel_old_time_t *result)
{
	__kernel_old_time_t now;
	uint64_t ns;
	uint32_t rest;

	if (!clock_read(CLOCK_REALTIME, &ns))
		return vdso_syscall(__NR_time, (unsigned long)result, 0);
	now = (__kernel_old_time_t)ns_split(ns, &rest);
	if (result)
		*result = now;
	return now;
}

/* The limit of a per-CPU descriptor holds the numbers; LSL reads it on every CPU model, RDPID does
 * not exist on all. */
VDSO_EXPORT long __vdso_getcpu(unsigned int *cpu, unsigned int *node, struct getcpu_cache *unused)
{
	unsigned int limit;

	(void)unused;
	asm volatile("lsl %1, %0" : "=r"(limit) : "r"(VDSO_CPUNODE_SEG) : "cc");
	if (cpu)
		*cpu = limit & ((1u << VDSO_CPUNODE_CPU_BITS) - 1);
	if (node)
		*node = limit >> VDSO_CPUNODE_CPU_BITS;
	return 0;
}

/* The names without prefix that Linux's x86-64 image has (not its x32 and i386 ones). */
#ifdef __LP64__
#define VDSO_ALIAS(type, name, ...) \
	extern VDSO_EXPORT __attribute__((weak, alias("__vdso_" #name))) type name(__VA_ARGS__)
VDSO_ALIAS(int, clock_gettime, __kernel_clockid_t, native_timespec *);
VDSO_ALIAS(int, clock_getres, __kernel_clockid_t, native_timespec *);
VDSO_ALIAS(int, gettimeofday, struct __kernel_old_timeval *, struct timezone *);
VDSO_ALIAS(__kernel_old_time_t, time, __kernel_old_time_t *);
VDSO_ALIAS(long, getcpu, unsigned int *, unsigned int *, struct getcpu_cache *);
#endif

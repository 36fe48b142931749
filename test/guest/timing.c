// SPDX-License-Identifier: MIT
// Clocks, sleeps, interval timers: by call, by vDSO and by libc, in each ABI's layouts of time.
#include "test/guest/test.h"

#include <elf.h>
#include <sys/auxv.h>
#include <sys/times.h>
#include <sys/timex.h>

// A function of the vDSO by name, found in its dynamic symbols.
#ifdef __LP64__
#define E(type) Elf64_##type
#else
#define E(type) Elf32_##type
#endif

static void *vdso_function(const char *name)
{
	uintptr_t base = getauxval(AT_SYSINFO_EHDR);
	const E(Ehdr) *eh = (void *)base;
	const E(Sym) *syms = NULL;
	const char *strings = NULL;
	const u32 *hash = NULL;

	if (!base)
		return NULL;
	const E(Phdr) *ph = (void *)(base + eh->e_phoff);
	uintptr_t offset = 0;
	for (int i = 0; i < eh->e_phnum; i++)
		if (ph[i].p_type == PT_LOAD && !offset)
			offset = base - ph[i].p_vaddr + ph[i].p_offset;
	for (int i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type != PT_DYNAMIC)
			continue;
		for (const E(Dyn) *d = (void *)(base + ph[i].p_offset); d->d_tag != DT_NULL; d++) {
			if (d->d_tag == DT_SYMTAB)
				syms = (void *)(offset + d->d_un.d_ptr);
			if (d->d_tag == DT_STRTAB)
				strings = (void *)(offset + d->d_un.d_ptr);
			if (d->d_tag == DT_HASH)
				hash = (void *)(offset + d->d_un.d_ptr);
		}
	}
	if (!syms || !strings)
		return NULL;
	// Without DT_HASH the strings follow the symbols.
	unsigned n = hash ? hash[1]
			  : (unsigned)(((uintptr_t)strings - (uintptr_t)syms) / sizeof(*syms));
	for (unsigned i = 0; i < n; i++)
		if (!strcmp(strings + syms[i].st_name, name) && syms[i].st_shndx != SHN_UNDEF)
			return (void *)(offset + syms[i].st_value);
	return NULL;
}

struct time64 {
	s64 sec, nsec;
};

// A raw call of clock_gettime with 64-bit seconds.
static int clock_call(int clock, struct time64 *t)
{
#ifdef __i386__
	return sys(SYS_clock_gettime64, clock, t);
#else
	return (int)sys(SYS_clock_gettime, clock, t);
#endif
}

static s64 ns_of(const struct time64 *t)
{
	return t->sec * 1000000000 + t->nsec;
}

static const int clocks[] = {CLOCK_REALTIME,	      CLOCK_MONOTONIC,	   CLOCK_PROCESS_CPUTIME_ID,
			     CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
			     CLOCK_MONOTONIC_COARSE,  CLOCK_BOOTTIME,	   CLOCK_TAI};

TEST(clock_gettime)
{
	for (unsigned i = 0; i < COUNT(clocks); i++) {
		struct time64 a, b;

		ROW("clock");
		if (clock_call(clocks[i], &a) || clock_call(clocks[i], &b)) {
			test_fail("clock %d does not work", clocks[i]);
			continue;
		}
		BETWEEN(a.nsec, 0, 999999999);
		TRUE(ns_of(&b) >= ns_of(&a));
	}
	struct time64 t;
	ERR(clock_call(77, &t), EINVAL);
	ERR(clock_call(-1000, &t), EINVAL);
	EQ(clock_call(-6, &t), 0); // one's own process by its CPU clock id
	BETWEEN(time(NULL), 1700000000, 4000000000);
	struct time64 real, tv;
	clock_call(CLOCK_REALTIME, &real);
	clock_call(CLOCK_TAI, &tv);
	BETWEEN(ns_of(&tv) - ns_of(&real), 0, 60000000000);
}

TEST(monotonic)
{
	struct time64 last, now;

	clock_call(CLOCK_MONOTONIC, &last);
	for (int i = 0; i < 2000; i++) {
		clock_call(CLOCK_MONOTONIC, &now);
		if (ns_of(&now) < ns_of(&last)) {
			test_fail("the clock went back by %lld ns", ns_of(&last) - ns_of(&now));
			break;
		}
		last = now;
	}
}

typedef int vdso_gettime(clockid_t, void *);
typedef int vdso_gettimeofday(void *, void *);
typedef long vdso_time(void *);
typedef int vdso_getcpu(unsigned *, unsigned *, void *);

// The vDSO's clocks and the kernel's are the same ones: each value lies between two of the other.
static void vdso_agrees(vdso_gettime *f, int clock, bool wide)
{
	for (int i = 0; i < 50; i++) {
		struct time64 a, v = {0}, b;
		long small[2] = {0};

		clock_call(clock, &a);
		int r = wide ? f(clock, &v) : f(clock, small);
		clock_call(clock, &b);
		if (!wide)
			v = (struct time64){small[0], small[1]};
		ROW("vDSO between two calls");
		if (r || ns_of(&v) < ns_of(&a) || ns_of(&v) > ns_of(&b)) {
			test_fail("clock %d: %lld, vDSO %lld, %lld (result %d)", clock, ns_of(&a),
				  ns_of(&v), ns_of(&b), r);
			break;
		}
	}
}

TEST(vdso)
{
	static const int fast[] = {CLOCK_REALTIME,	   CLOCK_MONOTONIC, CLOCK_REALTIME_COARSE,
				   CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME,  CLOCK_MONOTONIC_RAW};
	static const char *const names[] = {"__vdso_clock_gettime", "__vdso_gettimeofday",
					    "__vdso_time", "__vdso_clock_getres"};

	if (!getauxval(AT_SYSINFO_EHDR)) {
		if (on_postern())
			test_fail("no vDSO");
		test_skip("no vDSO on this kernel");
	}
	for (unsigned i = 0; i < COUNT(names); i++) {
		ROW(names[i]);
		if (!vdso_function(names[i]))
			test_fail("%s is missing", names[i]);
	}
	vdso_gettime *get = (vdso_gettime *)(uintptr_t)vdso_function("__vdso_clock_gettime");
	MUST(get != NULL);
	for (unsigned i = 0; i < COUNT(fast); i++)
		vdso_agrees(get, fast[i], ABI_THIS != I386);
	struct time64 t;
	TRUE(get(CLOCK_PROCESS_CPUTIME_ID, &t) == 0); // through the call
	TRUE(get(77, &t) != 0);
#ifdef __i386__
	vdso_gettime *get64 = (vdso_gettime *)(uintptr_t)vdso_function("__vdso_clock_gettime64");
	MUST(get64 != NULL);
	for (unsigned i = 0; i < COUNT(fast); i++)
		vdso_agrees(get64, fast[i], true);
	TRUE(vdso_function("__kernel_vsyscall") == AS_PTR(getauxval(AT_SYSINFO)));
	TRUE(vdso_function("__kernel_rt_sigreturn") != NULL);
	TRUE(vdso_function("__kernel_sigreturn") != NULL);
#endif
	vdso_gettimeofday *tod = (vdso_gettimeofday *)(uintptr_t)vdso_function(
		"__vdso_gettimeofday");
	vdso_time *seconds = (vdso_time *)(uintptr_t)vdso_function("__vdso_time");
	struct time64 before, after;
	struct {
		long a[2];
		s64 b[2];
	} tv;
	int zone[2];
	clock_call(CLOCK_REALTIME, &before);
	EQ(tod(&tv, zone), 0);
	EQ(tod(NULL, NULL), 0);
	long now = seconds(NULL);
	clock_call(CLOCK_REALTIME, &after);
	BETWEEN(now, before.sec, after.sec);
	vdso_getcpu *cpu = (vdso_getcpu *)(uintptr_t)vdso_function("__vdso_getcpu");
	unsigned c = 7777, n = 7777;
	if (cpu) {
		EQ(cpu(&c, &n, NULL), 0);
		BETWEEN(c, 0, 1024);
	}
}

TEST(resolution)
{
	struct timespec ts;

	OKC(clock_getres(CLOCK_MONOTONIC, &ts));
	EQ(ts.tv_sec, 0);
	BETWEEN(ts.tv_nsec, 1, 10000000);
	OKC(clock_getres(CLOCK_REALTIME, NULL));
	ERRNO(clock_getres(77, &ts), EINVAL);
	ERR(sys(SYS_clock_getres, CLOCK_REALTIME, map_bad()), EFAULT);
}

#ifdef __i386__
// The calls of i386 with 64-bit time, beside the old ones with 32.
TEST_ON(I386, time64)
{
	struct time64 t = {0, 1000000}, bad = {0, 1000000000}, rem;
	long old[2];

	EQ(sys(SYS_clock_gettime, CLOCK_REALTIME, old), 0);
	EQ(sys(SYS_clock_gettime64, CLOCK_REALTIME, &rem), 0);
	BETWEEN(rem.sec - (u32)old[0], 0, 2);
	EQ(sys(SYS_clock_getres_time64, CLOCK_REALTIME, &rem), 0);
	EQ(rem.sec, 0);
	EQ(sys(SYS_clock_nanosleep_time64, CLOCK_MONOTONIC, 0, &t, &rem), 0);
	ERR(sys(SYS_clock_nanosleep_time64, CLOCK_MONOTONIC, 0, &bad, &rem), EINVAL);
	// The upper half of the nanoseconds is padding of 32-bit programs: ignored.
	struct time64 padded = {0, 1000000 | (0xdeadull << 32)};
	EQ(sys(SYS_clock_nanosleep_time64, CLOCK_MONOTONIC, 0, &padded, &rem), 0);
	struct time64 file[2] = {{5000000000, 1}, {6000000000, 2}};
	close(file_with("f", ""));
	EQ(sys(SYS_utimensat_time64, AT_FDCWD, "f", file, 0), 0);
	struct statx sx;
	OKC(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &sx));
	EQ(sx.stx_mtime.tv_sec, 6000000000);
	EQ(sx.stx_atime.tv_nsec, 1);
	u32 futex_word = 5;
	EQ(sys(SYS_futex_time64, &futex_word, 0, 5, &t, 0, 0), -ETIMEDOUT);
	long small[2] = {0, 1000000};
	EQ(sys(SYS_futex, &futex_word, 0, 5, small, 0, 0), -ETIMEDOUT);
	struct time64 zero = {0, 0};
	EQ(sys(SYS_ppoll_time64, NULL, 0, &zero, NULL, 8), 0);
	EQ(sys(SYS_pselect6_time64, 0, NULL, NULL, NULL, &zero, NULL), 0);
	u64 set = 1;
	EQ(sys(SYS_rt_sigtimedwait_time64, &set, NULL, &zero, 8), -EAGAIN);
}
#endif

TEST(nanosleep)
{
	struct timespec ts = {0, 20000000}, rem;
	u64 begin = now_ns(CLOCK_MONOTONIC);

	OKC(nanosleep(&ts, NULL));
	BETWEEN((now_ns(CLOCK_MONOTONIC) - begin) / 1000000, 20, 3000);
	ts.tv_nsec = 1000000000;
	ERRNO(nanosleep(&ts, NULL), EINVAL);
	ts = (struct timespec){-1, 0};
	ERRNO(nanosleep(&ts, NULL), EINVAL);
	ERR(sys(SYS_nanosleep, map_bad(), NULL), EFAULT);
	ts = (struct timespec){0, 0};
	OKC(nanosleep(&ts, NULL));
	// Absolute: in the past at once, in the future then.
	begin = now_ns(CLOCK_MONOTONIC);
	ts = (struct timespec){1, 0};
	EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL), 0);
	u64 then = begin + 20000000;
	ts = (struct timespec){(time_t)(then / 1000000000), (long)(then % 1000000000)};
	EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL), 0);
	TRUE(now_ns(CLOCK_MONOTONIC) >= then);
	EQ(clock_nanosleep(77, 0, &ts, NULL), EINVAL);
	EQ(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &ts, NULL), EINVAL);
	ts = (struct timespec){0, 5000000};
	EQ(clock_nanosleep(CLOCK_REALTIME, 0, &ts, NULL), 0);
	(void)rem;
}

TEST(interval_timers)
{
	struct itimerval it = {{0, 5000}, {0, 5000}}, now, off = {0};

	handle(SIGALRM, SA_RESTART);
	OKC(setitimer(ITIMER_REAL, &it, NULL));
	for (int i = 0; i < 2000 && handled_count < 4; i++)
		sleep_ms(1);
	TRUE(handled_count >= 4);
	OKC(getitimer(ITIMER_REAL, &now));
	EQ(now.it_interval.tv_usec, 5000);
	BETWEEN(now.it_value.tv_usec, 0, 5100);
	OKC(setitimer(ITIMER_REAL, &off, &now));
	OKC(getitimer(ITIMER_REAL, &now));
	EQ(now.it_value.tv_sec + now.it_value.tv_usec, 0);
	ERRNO(setitimer((__itimer_which_t)7, &it, NULL), EINVAL);
	it.it_value.tv_usec = 1000000;
	ERRNO(setitimer(ITIMER_REAL, &it, NULL), EINVAL);
	// The ones of used processor time.
	it = (struct itimerval){{0, 0}, {0, 20000}};
	handle(SIGVTALRM, 0);
	OKC(setitimer(ITIMER_VIRTUAL, &it, NULL));
	u64 end = now_ns(CLOCK_MONOTONIC) + 3000000000;
	while (!handled_count && now_ns(CLOCK_MONOTONIC) < end)
		;
	EQ(handled_count, 1);
	handle(SIGPROF, 0);
	OKC(setitimer(ITIMER_PROF, &it, NULL));
	end = now_ns(CLOCK_MONOTONIC) + 3000000000;
	while (!handled_count && now_ns(CLOCK_MONOTONIC) < end)
		;
	EQ(handled_count, 1);
	// alarm: the same timer as ITIMER_REAL.
	EQ(alarm(100), 0);
	OKC(getitimer(ITIMER_REAL, &now));
	BETWEEN(now.it_value.tv_sec, 98, 100);
	BETWEEN(alarm(0), 99, 100);
	// Not for children by fork.
	alarm(100);
	EXITS(5, { _exit(alarm(0) == 0 ? 5 : 1); });
}

TEST(others)
{
	struct tms tms;
	struct timeval tv;
	struct timezone tz;
	long ticks = sysconf(_SC_CLK_TCK);

	EQ(ticks, 100);
	TRUE(times(&tms) > 0);
	BETWEEN(tms.tms_utime, 0, 1000);
	OKC(gettimeofday(&tv, &tz));
	BETWEEN(tv.tv_usec, 0, 999999);
	s64 t = (s64)sys(SYS_time, NULL);
	BETWEEN(t, tv.tv_sec - 1, tv.tv_sec + 2);
	ERR(sys(SYS_time, map_bad()), EFAULT);
	ERR(sys(SYS_gettimeofday, map_bad(), NULL), EFAULT);
	ERR(sys(SYS_times, map_bad()), EFAULT);
	EQ(sys(SYS_gettimeofday, NULL, NULL), 0);
}

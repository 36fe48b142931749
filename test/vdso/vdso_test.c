// SPDX-License-Identifier: MIT
/*
 * vdso_test IMAGE: the vDSO image of this program's own ABI, run on the host's Linux. It is mapped
 * behind a data page that this program writes, so that every answer can be compared with what was
 * put in, and with the host's clocks. Output is TAP.
 */
#include "test/vdso/vdso_test.h"
#include "abi/vdso/data.h"

#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/time_types.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

struct vdso_elf vdso;
struct vdso_data *vdso_page;
static int tests, failures;

#ifdef __i386__
typedef struct __kernel_old_timespec native_timespec;
typedef int (*wide_fn)(int, struct __kernel_timespec *);
#else
typedef struct __kernel_timespec native_timespec;
#endif

static int (*vdso_gettime)(int, native_timespec *);
static int (*vdso_getres)(int, native_timespec *);
static int (*vdso_gettimeofday)(struct __kernel_old_timeval *, struct timezone *);
static __kernel_old_time_t (*vdso_time)(__kernel_old_time_t *);
static long (*vdso_getcpu)(unsigned int *, unsigned int *, void *);

void ok(bool good, const char *format, ...)
{
	va_list args;

	printf("%sok %d - ", good ? "" : "not ", ++tests);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	failures += !good;
}

static void image_map(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	size_t size;
	char *at;

	if (fd < 0 || fstat(fd, &st) < 0) {
		printf("Bail out! %s cannot be read\n", path);
		exit(1);
	}
	size = ((size_t)st.st_size + 4095) & ~(size_t)4095;
	at = mmap(NULL, VDSO_DATA_SIZE + size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		  -1, 0);
	if (at == MAP_FAILED || read(fd, at + VDSO_DATA_SIZE, size) != st.st_size ||
	    mprotect(at + VDSO_DATA_SIZE, size, PROT_READ | PROT_EXEC)) {
		printf("Bail out! %s cannot be mapped\n", path);
		exit(1);
	}
	close(fd);
	vdso_page = (struct vdso_data *)at;
	if (!vdso_open(&vdso, at + VDSO_DATA_SIZE)) {
		printf("Bail out! no dynamic section\n");
		exit(1);
	}
}

static void *symbol(const char *version, const char *name)
{
	const void *by_hash = vdso_find(&vdso, version, name);
	const void *by_gnu_hash = vdso_find_gnu(&vdso, version, name);

	ok(by_hash && by_hash == by_gnu_hash, "%s@%s is found by both hash tables", name, version);
	return (void *)by_hash;
}

static void test_symbols(void)
{
	vdso_gettime = symbol("LINUX_2.6", "__vdso_clock_gettime");
	vdso_getres = symbol("LINUX_2.6", "__vdso_clock_getres");
	vdso_gettimeofday = symbol("LINUX_2.6", "__vdso_gettimeofday");
	vdso_time = symbol("LINUX_2.6", "__vdso_time");
	vdso_getcpu = symbol("LINUX_2.6", "__vdso_getcpu");
	ok(!vdso_find(&vdso, "LINUX_2.6", "__vdso_nothing") &&
		   !vdso_find_gnu(&vdso, NULL, "__vdso_nothing"),
	   "a name that does not exist is not found");
	ok(!vdso_find(&vdso, "LINUX_2.4", "__vdso_time"), "a wrong version is not found");
#ifdef __LP64__
	ok(symbol("LINUX_2.6", "clock_gettime") == (void *)vdso_gettime,
	   "the plain name is an alias");
	ok(symbol("LINUX_2.6", "getcpu") == (void *)vdso_getcpu, "the plain name is an alias");
#else
	ok(!vdso_find(&vdso, NULL, "clock_gettime"), "no plain names here, as in Linux");
#endif
#ifdef __i386__
	ok(!strcmp(vdso.soname, "linux-gate.so.1"), "soname");
	ok(!vdso_find(&vdso, "LINUX_2.6", "__kernel_vsyscall"),
	   "__kernel_vsyscall is not LINUX_2.6");
#else
	ok(!strcmp(vdso.soname, "linux-vdso.so.1"), "soname");
#endif
}

const ElfW(Phdr) * segment_find(uint32_t type)
{
	const ElfW(Ehdr) *header = (const void *)vdso.image;
	const ElfW(Phdr) *segment = (const void *)(vdso.image + header->e_phoff);

	for (int i = 0; i < header->e_phnum; i++)
		if (segment[i].p_type == type)
			return &segment[i];
	return NULL;
}

static void test_note(void)
{
	const ElfW(Phdr) *segment = segment_find(PT_NOTE);
	static const uint32_t expected[] = {
		6, 4, 0, 0x756e694c /* "Linu" */, 'x', 6 << 16 | 1 << 8};

	ok(segment && !memcmp(vdso.image + segment->p_offset, expected, sizeof(expected)),
	   "the Linux note comes first and says 6.1.0");
	ok(segment_find(PT_GNU_EH_FRAME), "there is an eh_frame_hdr");
	ok(!segment_find(PT_INTERP) && !segment_find(PT_TLS), "no interpreter, no TLS");
}

static int64_t host_ns(int clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int64_t image_ns(int clock)
{
	native_timespec ts = {-1, -1};

	if (vdso_gettime(clock, &ts))
		return -1;
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* Gives the data page the host's own clocks: rate over 50 ms, then one offset a clock. */
static void page_calibrate(void)
{
	static const int clocks[] = {CLOCK_REALTIME,	    CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW,
				     CLOCK_BOOTTIME,	    CLOCK_TAI,	     CLOCK_REALTIME_COARSE,
				     CLOCK_MONOTONIC_COARSE};
	static const int fine[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW,
				   CLOCK_BOOTTIME, CLOCK_TAI,	    CLOCK_REALTIME,
				   CLOCK_MONOTONIC};
	int64_t ns = host_ns(CLOCK_MONOTONIC_RAW);
	uint64_t tsc = __rdtsc();

	usleep(50000);
	ns = host_ns(CLOCK_MONOTONIC_RAW) - ns;
	tsc = __rdtsc() - tsc;
	vdso_write_begin(vdso_page);
	vdso_set_scale(vdso_page, (uint64_t)((double)tsc * 1e9 / (double)ns));
	for (unsigned int i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		uint64_t now = (uint64_t)host_ns(fine[i]);
		uint64_t scaled = vdso_scale(__rdtsc(), vdso_page->mult, vdso_page->shift);

		vdso_set_clock(vdso_page, (unsigned int)clocks[i], now - scaled, i >= 5);
	}
	vdso_write_end(vdso_page);
}

static void test_clocks(void)
{
	static const int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW,
				     CLOCK_BOOTTIME, CLOCK_TAI};
	int64_t last = 0, backwards = 0, difference;
	struct __kernel_old_timeval tv;
	struct timezone tz = {5, 5};
	__kernel_old_time_t stored = 0;

	for (unsigned int i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		difference = image_ns(clocks[i]) - host_ns(clocks[i]);
		ok(llabs(difference) < 2000000, "clock %d is within 2 ms of the host's (%lld ns)",
		   clocks[i], (long long)difference);
	}
	for (int i = 0; i < 300000; i++) {
		int64_t now = image_ns(CLOCK_MONOTONIC);

		backwards += now < last;
		last = now;
	}
	ok(!backwards, "CLOCK_MONOTONIC never goes back");
	difference = image_ns(CLOCK_REALTIME_COARSE) - image_ns(CLOCK_REALTIME);
	ok(difference <= 0 && difference > -VDSO_COARSE_NS - 1000000,
	   "CLOCK_REALTIME_COARSE is behind by at most a grain (%lld ns)", (long long)difference);
	difference = image_ns(CLOCK_MONOTONIC_COARSE) - image_ns(CLOCK_MONOTONIC);
	ok(difference <= 0 && difference > -VDSO_COARSE_NS - 1000000,
	   "CLOCK_MONOTONIC_COARSE is behind by at most a grain (%lld ns)", (long long)difference);

	ok(!vdso_gettimeofday(&tv, &tz), "gettimeofday");
	difference = ((int64_t)tv.tv_sec * 1000000 + tv.tv_usec) * 1000 - host_ns(CLOCK_REALTIME);
	ok(llabs(difference) < 2000000 && tv.tv_usec < 1000000,
	   "gettimeofday agrees with the host");
	ok(!tz.tz_minuteswest && !tz.tz_dsttime, "and stores the zone of the page");
	ok(!vdso_gettimeofday(NULL, NULL), "gettimeofday takes null pointers");
	ok(llabs((long long)vdso_time(&stored) - (long long)time(NULL)) <= 1 && stored, "time");
	ok(vdso_time(NULL), "time takes a null pointer");
}

static void test_getres(void)
{
	native_timespec ts = {7, 7};

	ok(!vdso_getres(CLOCK_MONOTONIC, &ts) && !ts.tv_sec && ts.tv_nsec == 1,
	   "clock_getres: 1 ns");
	ok(!vdso_getres(CLOCK_REALTIME_COARSE, &ts) && ts.tv_nsec == VDSO_COARSE_NS,
	   "clock_getres: the grain");
	ok(!vdso_getres(CLOCK_MONOTONIC, NULL), "clock_getres takes a null pointer");
	ok(vdso_getres(99, &ts) == -EINVAL,
	   "clock_getres of an unknown clock is the system call's answer");
}

static void test_fallback(void)
{
	struct vdso_data saved = *vdso_page;
	native_timespec ts;
	int64_t before = host_ns(CLOCK_PROCESS_CPUTIME_ID),
		now = image_ns(CLOCK_PROCESS_CPUTIME_ID);

	ok(now >= before && now < before + 100000000, "a CPU clock comes from the system call");
	ok(vdso_gettime(99, &ts) == -EINVAL && vdso_gettime(12, &ts) == -EINVAL,
	   "clocks 12 and 99: -EINVAL");
	ok(vdso_gettime(-6, &ts) == 0, "this process's CPU clock by its negative number");
	vdso_page->offset[CLOCK_MONOTONIC] += 3600ull * 1000000000;
	vdso_page->keep[CLOCK_MONOTONIC] = 0;
	ok(llabs(image_ns(CLOCK_MONOTONIC) - host_ns(CLOCK_MONOTONIC)) < 100000000,
	   "a clock with keep = 0 comes from the system call");
	vdso_page->keep[CLOCK_REALTIME] = 0;
	ok(llabs((long long)vdso_time(NULL) - (long long)time(NULL)) <= 1,
	   "time by the system call");
	*vdso_page = saved;
}

/* The arithmetic at its edges, against 128-bit or long double arithmetic here. */
static void test_scale(void)
{
	static const uint64_t rates[] = {1000000, 24000000, 1000000000, 2399998765u, 5000000000u};
	static const uint64_t counts[] = {0,	     1, 0xffffffff, 0x100000000, 0x123456789abcdef,
					  1ull << 56};
	bool good = true;

	for (unsigned int r = 0; r < sizeof(rates) / sizeof(rates[0]); r++) {
		struct vdso_data data = {0};

		vdso_set_scale(&data, rates[r]);
		for (unsigned int c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
			long double exact = (long double)counts[c] * 1e9L / (long double)rates[r];
			long double got = (long double)vdso_scale(counts[c], data.mult, data.shift);
			long double error = got > exact ? got - exact : exact - got;

			if (exact < 9e18L && error > 2 + exact / (2.0L * data.mult)) {
				printf("# rate %llu count %#llx: %Lf, not %Lf\n",
				       (unsigned long long)rates[r], (unsigned long long)counts[c],
				       got, exact);
				good = false;
			}
		}
		good = good && data.shift <= 31;
	}
	ok(good, "scaling from 1 MHz to 5 GHz over the whole range");
}

/* Past 2038 and 2106, where 32 bits of seconds, signed and unsigned, end. */
static void test_far_future(void)
{
	uint64_t saved = vdso_page->offset[CLOCK_REALTIME];
	uint64_t target = 5000000000u; /* the year 2128 */

	vdso_page->offset[CLOCK_REALTIME] = target * 1000000000 + 999999999 -
					    vdso_scale(__rdtsc(), vdso_page->mult,
						       vdso_page->shift);
#ifdef __i386__
	struct __kernel_timespec ts;
	wide_fn gettime64 = (wide_fn)symbol("LINUX_2.6", "__vdso_clock_gettime64");
	native_timespec narrow;
	int ret = gettime64(CLOCK_REALTIME, &ts);

	ok(!ret && (uint64_t)ts.tv_sec - target <= 2 && ts.tv_nsec >= 0 && ts.tv_nsec < 1000000000,
	   "clock_gettime64 in 2128: %lld", (long long)ts.tv_sec);
	ok(!vdso_gettime(CLOCK_REALTIME, &narrow) &&
		   (uint32_t)narrow.tv_sec - (uint32_t)target <= 2,
	   "clock_gettime keeps the low 32 bits");
	ok(gettime64(99, &ts) == -EINVAL, "clock_gettime64 of an unknown clock: -EINVAL");
	ok(!gettime64(CLOCK_THREAD_CPUTIME_ID, &ts) && ts.tv_sec >= 0,
	   "clock_gettime64 by the system call");
#else
	native_timespec ts;
	int ret = vdso_gettime(CLOCK_REALTIME, &ts);

	ok(!ret && (uint64_t)ts.tv_sec - target <= 2 && ts.tv_nsec >= 0 && ts.tv_nsec < 1000000000,
	   "clock_gettime in 2128: %lld", (long long)ts.tv_sec);
#endif
	vdso_page->offset[CLOCK_REALTIME] = saved;
}

static volatile bool stop, reader_done;
static volatile int64_t reader_ns;

static void *read_once(void *unused)
{
	reader_ns = image_ns(CLOCK_TAI);
	reader_done = true;
	return unused;
}

/* A while; the stores around it stay where they are. */
static void linger(void)
{
	for (int i = 0; i < 300; i++)
		asm volatile("" : : : "memory");
}

static void *scribble(void *unused)
{
	struct vdso_data saved = *vdso_page;

	while (!stop) {
		vdso_write_begin(vdso_page);
		vdso_page->mult = 1;
		vdso_page->offset[CLOCK_MONOTONIC] = 0;
		linger();
		vdso_page->mult = saved.mult;
		vdso_page->offset[CLOCK_MONOTONIC] = saved.offset[CLOCK_MONOTONIC];
		vdso_write_end(vdso_page);
		linger();
	}
	return unused;
}

static void test_seqcount(void)
{
	pthread_t thread;
	int64_t torn = 0;

	vdso_write_begin(vdso_page);
	pthread_create(&thread, NULL, read_once, NULL);
	usleep(20000);
	ok(!reader_done, "a reader waits while the page is being written");
	vdso_write_end(vdso_page);
	pthread_join(thread, NULL);
	ok(reader_done && llabs(reader_ns - host_ns(CLOCK_TAI)) < 1000000000,
	   "and answers afterwards");

	pthread_create(&thread, NULL, scribble, NULL);
	for (int64_t end = host_ns(CLOCK_MONOTONIC) + 300000000, host = 0; host < end;) {
		int64_t now;

		host = host_ns(CLOCK_MONOTONIC);
		now = image_ns(CLOCK_MONOTONIC);
		torn += now < host - 5000000 || now > host_ns(CLOCK_MONOTONIC) + 5000000;
	}
	stop = true;
	pthread_join(thread, NULL);
	ok(!torn, "beside a writer no reader sees a half-written page (%lld torn)",
	   (long long)torn);
}

static void test_getcpu(void)
{
	unsigned int cpu = 99, node = 99;
	bool good = true;
	cpu_set_t set;

	for (int i = 0; i < 2; i++) {
		CPU_ZERO(&set);
		CPU_SET(i, &set);
		if (sched_setaffinity(0, sizeof(set), &set))
			continue;
		good = good && !vdso_getcpu(&cpu, &node, NULL) && cpu == (unsigned int)i &&
		       node == 0;
	}
	ok(good, "getcpu follows the thread to each CPU");
	ok(!vdso_getcpu(NULL, NULL, NULL), "getcpu takes null pointers");
	CPU_SET(0, &set);
	CPU_SET(1, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: vdso_test IMAGE\n");
		return 2;
	}
	image_map(argv[1]);
	test_symbols();
	test_note();
	page_calibrate();
	test_clocks();
	test_getres();
	test_fallback();
	test_scale();
	test_far_future();
	test_seqcount();
	test_getcpu();
	test_entry32();
	printf("1..%d\n", tests);
	return failures != 0;
}

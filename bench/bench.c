// SPDX-License-Identifier: MIT
/*
 * The guest half of the benchmark: one static program, the same binary under Linux and under
 * Postern. Started as /init it measures its rows, runs /bench32 (this file built for i386) for the
 * rows of 32-bit code, and ends the machine. It prints one line a row, "@row NAME TICKS": time
 * stamp counter ticks for one round of the loop, in tenths, the median of several batches; and at
 * the end
 * "@rate TICKS NS", the counter's rate, measured over the whole run because a kernel's clock may be
 * coarse while it has only just started. Under QEMU's `-icount shift=0` a tick is an instruction.
 * Clocks and fork go through the C library, as in every program; the other system calls are issued
 * here, so that nothing but the loop and the kernel is counted. With the argument "boot" it tells
 * only when it was started.
 */
#include <asm/unistd.h>
#include <linux/time_types.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define BATCHES		  11
#define RATE_NS		  50000000 /* long enough to know the counter's rate */
#define ROW_LENGTH(table) (sizeof(table) / sizeof((table)[0]))

struct row {
	const char *name;
	unsigned int rounds;
	void (*run)(unsigned int rounds);
};

#ifdef __i386__
static inline long call_int80(long number)
{
	long ret;

	asm volatile("int $0x80" : "=a"(ret) : "0"(number) : "memory");
	return ret;
}
#else
static inline long call(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 asm("r10") = d, r8 asm("r8") = e, r9 asm("r9") = f;
	long ret;

	asm volatile("syscall"
		     : "=a"(ret)
		     : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
		     : "rcx", "r11", "memory");
	return ret;
}

/* Without arguments nothing but eax is loaded. */
static inline long call0(long number)
{
	long ret;

	asm volatile("syscall" : "=a"(ret) : "0"(number) : "rcx", "r11", "memory");
	return ret;
}
#endif

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* The C library asks the vDSO. */
static void run_gettime(unsigned int rounds)
{
	struct timespec ts;

	while (rounds--)
		clock_gettime(CLOCK_MONOTONIC, &ts);
}

#ifdef __i386__
static void run_int80(unsigned int rounds)
{
	while (rounds--)
		call_int80(__NR_getppid);
}

static void run_vsyscall(unsigned int rounds)
{
	uintptr_t entry = getauxval(AT_SYSINFO);
	long ret;

	while (rounds--)
		asm volatile("call *%2" : "=a"(ret) : "0"(__NR_getppid), "r"(entry) : "memory");
}

static const struct row rows[] = {
	{"getppid_int80", 5000, run_int80},
	{"getppid_vsyscall", 5000, run_vsyscall},
	{"gettime_vdso32", 5000, run_gettime},
};
#else
static void __attribute__((noreturn)) fail(const char *what)
{
	printf("@error %s\n", what);
	fflush(stdout);
	if (getpid() == 1)
		reboot(RB_AUTOBOOT);
	_exit(1);
}

static void run_getppid(unsigned int rounds)
{
	while (rounds--)
		call0(__NR_getppid);
}

static void run_unknown(unsigned int rounds)
{
	while (rounds--)
		call0(1000);
}

static void run_gettime_syscall(unsigned int rounds)
{
	struct __kernel_timespec ts;

	while (rounds--)
		call(__NR_clock_gettime, CLOCK_MONOTONIC, (long)&ts, 0, 0, 0, 0);
}

static void run_pipe(unsigned int rounds)
{
	char byte = 'x';
	int fds[2];

	if (pipe(fds))
		fail("pipe");
	while (rounds--) {
		call(__NR_write, fds[1], (long)&byte, 1, 0, 0, 0);
		if (call(__NR_read, fds[0], (long)&byte, 1, 0, 0, 0) != 1)
			fail("pipe: read");
	}
	close(fds[0]);
	close(fds[1]);
}

static void run_mmap(unsigned int rounds)
{
	while (rounds--) {
		long at = call(__NR_mmap, 0, 4096, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (at < 0 && at > -4096)
			fail("mmap");
		*(volatile char *)at = 1;
		call(__NR_munmap, at, 4096, 0, 0, 0, 0);
	}
}

static void run_fork(unsigned int rounds)
{
	while (rounds--) {
		pid_t child = fork();
		int status = -1;

		if (child < 0)
			fail("fork");
		if (!child)
			_exit(0);
		if (waitpid(child, &status, 0) != child || status)
			fail("waitpid");
	}
}

static const struct row rows[] = {
	{"getppid_syscall", 5000, run_getppid},
	{"unknown_syscall", 5000, run_unknown},
	{"gettime_vdso64", 5000, run_gettime},
	{"gettime_syscall", 5000, run_gettime_syscall},
	{"pipe", 2000, run_pipe},
	{"mmap", 200, run_mmap},
	{"fork", 30, run_fork},
};
#endif

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Tenths of a unit for one round, the median of the batches. */
static unsigned long median(uint64_t *values, unsigned int rounds)
{
	qsort(values, BATCHES, sizeof(*values), compare);
	return (unsigned long)((values[BATCHES / 2] * 10 + rounds / 2) / rounds);
}

static void measure(const struct row *row)
{
	uint64_t ticks[BATCHES];
	unsigned long tenths;

	row->run(row->rounds / 10 + 1); /* first touches, translation */
	for (int i = 0; i < BATCHES; i++) {
		ticks[i] = __rdtsc();
		row->run(row->rounds);
		ticks[i] = __rdtsc() - ticks[i];
	}
	tenths = median(ticks, row->rounds);
	printf("@row %s %lu.%lu\n", row->name, tenths / 10, tenths % 10);
	fflush(stdout);
}

#ifdef __i386__
static void run_bench32(void)
{
}

static void finish(uint64_t start, uint64_t start_ns)
{
	(void)start;
	(void)start_ns;
}
#else
static void run_bench32(void)
{
	int status = -1;
	pid_t child = fork();

	if (!child) {
		execl("/bench32", "bench32", NULL);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status)
		printf("@error bench32 ended with status %#x\n", (unsigned int)status);
}

/* The program's first instructions note the time before the C library gets the processor. RDX is
 * the C library's (System V ABI, "Process Initialization"). */
uint64_t bench_entry_ticks;

asm(".pushsection .text\n"
    ".globl bench_start\n"
    "bench_start:\n"
    "	movq	%rdx, %rcx\n"
    "	rdtsc\n"
    "	shlq	$32, %rdx\n"
    "	orq	%rdx, %rax\n"
    "	movq	%rax, bench_entry_ticks(%rip)\n"
    "	movq	%rcx, %rdx\n"
    "	jmp	_start\n"
    ".popsection");

/* The counter starts at 0 with the machine, so its value at the entry is what booting took. */
static void finish(uint64_t start, uint64_t start_ns)
{
	uint64_t ns;

	do
		ns = now_ns() - start_ns;
	while (ns < RATE_NS);
	printf("@row boot %llu.0\n@rate %llu %llu\n@done\n", (unsigned long long)bench_entry_ticks,
	       (unsigned long long)(__rdtsc() - start), (unsigned long long)ns);
	fflush(stdout);
	if (getpid() == 1)
		reboot(RB_AUTOBOOT);
}
#endif

int main(int argc, char **argv)
{
	uint64_t start = __rdtsc(), start_ns = now_ns();

	if (argc < 2 || strcmp(argv[1], "boot")) {
		for (unsigned int i = 0; i < ROW_LENGTH(rows); i++)
			measure(&rows[i]);
		run_bench32();
	}
	finish(start, start_ns);
	return 0;
}

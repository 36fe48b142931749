// SPDX-License-Identifier: MIT
// FPU and vector registers belong to one task (hazard 36): they survive calls, switches and
// handlers, go to a child by fork, and are in their initial state in a new program and in a
// handler.
#include "test/guest/entry.h"

#include <cpuid.h>

struct vectors {
	u8 xmm[8][16];
	u8 ymm[8][32];
	u16 fcw;
	u32 mxcsr;
} __attribute__((aligned(64)));

static bool have_avx(void)
{
	unsigned a, b, c = 0, d, low, high;

	__get_cpuid(1, &a, &b, &c, &d);
	if (!(c & bit_OSXSAVE) || !(c & bit_AVX))
		return false;
	__asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (low & 6) == 6;
}

__attribute__((target("avx"))) static void vectors_load(const struct vectors *v, bool avx)
{
	if (avx)
		__asm__ volatile(
			"vmovdqa (%0),%%ymm0; vmovdqa 32(%0),%%ymm1; vmovdqa 64(%0),%%ymm2\n"
			"vmovdqa 96(%0),%%ymm3; vmovdqa 128(%0),%%ymm4; vmovdqa 160(%0),%%ymm5\n"
			"vmovdqa 192(%0),%%ymm6; vmovdqa 224(%0),%%ymm7" ::"r"(v->ymm)
			: "memory");
	else
		__asm__ volatile(
			"movdqa (%0),%%xmm0; movdqa 16(%0),%%xmm1; movdqa 32(%0),%%xmm2\n"
			"movdqa 48(%0),%%xmm3; movdqa 64(%0),%%xmm4; movdqa 80(%0),%%xmm5\n"
			"movdqa 96(%0),%%xmm6; movdqa 112(%0),%%xmm7" ::"r"(v->xmm)
			: "memory");
	__asm__ volatile("fldcw %0; ldmxcsr %1" ::"m"(v->fcw), "m"(v->mxcsr));
}

__attribute__((target("avx"))) static void vectors_store(struct vectors *v, bool avx)
{
	if (avx)
		__asm__ volatile(
			"vmovdqa %%ymm0,(%0); vmovdqa %%ymm1,32(%0); vmovdqa %%ymm2,64(%0)\n"
			"vmovdqa %%ymm3,96(%0); vmovdqa %%ymm4,128(%0); vmovdqa %%ymm5,160(%0)\n"
			"vmovdqa %%ymm6,192(%0); vmovdqa %%ymm7,224(%0)" ::"r"(v->ymm)
			: "memory");
	else
		__asm__ volatile(
			"movdqa %%xmm0,(%0); movdqa %%xmm1,16(%0); movdqa %%xmm2,32(%0)\n"
			"movdqa %%xmm3,48(%0); movdqa %%xmm4,64(%0); movdqa %%xmm5,80(%0)\n"
			"movdqa %%xmm6,96(%0); movdqa %%xmm7,112(%0)" ::"r"(v->xmm)
			: "memory");
	__asm__ volatile("fnstcw %0; stmxcsr %1; fldcw %2; ldmxcsr %3"
			 : "=m"(v->fcw), "=m"(v->mxcsr)
			 : "m"((u16){0x37f}), "m"((u32){0x1f80}));
}

static void vectors_fill(struct vectors *v, u64 seed)
{
	memset(v, 0, sizeof(*v));
	for (unsigned i = 0; i < sizeof(v->ymm) / 8; i++)
		((u64 *)v->ymm)[i] = rnd(&seed);
	memcpy(v->xmm, v->ymm, sizeof(v->xmm));
	v->fcw = 0x27f;
	v->mxcsr = 0x1fa0;
}

// Loads, makes a call of the ABI's own kind between, stores: nothing of libc runs in between.
__attribute__((noinline)) static sreg_t vectors_across(const struct vectors *in,
						       struct vectors *out, bool avx, reg_t nr,
						       reg_t a, reg_t b, reg_t c)
{
	vectors_load(in, avx);
	sreg_t r = sys_raw(nr, a, b, c, 0, 0, 0);
	vectors_store(out, avx);
	return r;
}

static bool vectors_same(const struct vectors *a, const struct vectors *b, bool avx)
{
	return (avx ? !memcmp(a->ymm, b->ymm, sizeof(a->ymm))
		    : !memcmp(a->xmm, b->xmm, sizeof(a->xmm))) &&
	       a->fcw == b->fcw && a->mxcsr == b->mxcsr;
}

TEST(across_calls)
{
	static struct vectors in, out;
	bool avx = have_avx();

	for (int i = 0; i < 50; i++) {
		vectors_fill(&in, (u64)i);
		vectors_across(&in, &out, avx, i & 1 ? SYS_sched_yield : SYS_getpid, 0, 0, 0);
		TRUE(vectors_same(&in, &out, avx));
	}
}

// Two tasks with their own secrets, switching by a pipe.
static int ping_pong(int in_fd, int out_fd, u64 seed)
{
	static struct vectors in, out;
	bool avx = have_avx();
	static char c;

	vectors_fill(&in, seed);
	for (int i = 0; i < 200; i++) {
		if (vectors_across(&in, &out, avx, SYS_write, out_fd, (uintptr_t)&c, 1) != 1 ||
		    !vectors_same(&in, &out, avx))
			return 1;
		if (vectors_across(&in, &out, avx, SYS_read, in_fd, (uintptr_t)&c, 1) != 1 ||
		    !vectors_same(&in, &out, avx))
			return 2;
	}
	return 0;
}

TEST(across_switches)
{
	int a[2], b[2];

	OKC(pipe(a));
	OKC(pipe(b));
	pid_t pid = fork();
	if (!pid)
		_exit(ping_pong(a[0], b[1], 111) ? 1 : 5);
	EQ(ping_pong(b[0], a[1], 222), 0);
	ROW("the other task");
	row_exited(child_wait(pid), 5);
}

// A child has its parent's registers at the moment of the fork.
TEST(fork_copies)
{
	static struct vectors in, out;
	bool avx = have_avx();

	vectors_fill(&in, 77);
	sreg_t pid = vectors_across(&in, &out, avx, SYS_fork, 0, 0, 0);
	if (!pid)
		_exit(vectors_same(&in, &out, avx) ? 5 : 1);
	TRUE(vectors_same(&in, &out, avx));
	ROW("the child");
	row_exited(child_wait((pid_t)pid), 5);
}

static struct vectors in_handler;
static volatile int handler_avx;

static void vectors_handler(int sig, siginfo_t *info, void *context)
{
	static struct vectors other;
	(void)sig;
	(void)info;
	(void)context;
	vectors_store(&in_handler, handler_avx);
	vectors_fill(&other, 99);
	other.fcw = 0x37f;
	other.mxcsr = 0x1f80;
	vectors_load(&other, handler_avx);
}

// A handler begins with the initial control words, may use everything, and leaves no trace.
TEST(handlers)
{
	static struct vectors in, out;

	handler_avx = have_avx();
	vectors_fill(&in, 55);
	handle_with(SIGUSR1, 0, vectors_handler);
	for (int i = 0; i < 10; i++) {
		vectors_across(&in, &out, handler_avx, SYS_kill, getpid(), SIGUSR1, 0);
		TRUE(vectors_same(&in, &out, handler_avx));
	}
	EQ(in_handler.fcw, 0x37f);
	EQ(in_handler.mxcsr, 0x1f80);
}

// Preempted, not only switched by its own calls: counting with the vector unit beside a rival.
TEST(preempted)
{
	static struct vectors in, out;
	bool avx = have_avx();
	pid_t rival = fork();

	if (!rival) {
		vectors_fill(&in, 1);
		for (;;)
			vectors_load(&in, avx);
	}
	vectors_fill(&in, 2);
	u64 end = now_ns(CLOCK_MONOTONIC) + 150000000;
	bool same = true;
	while (same && now_ns(CLOCK_MONOTONIC) < end) {
		vectors_load(&in, avx);
		for (int i = 0; i < 20000; i++)
			__asm__ volatile("" ::: "memory");
		vectors_store(&out, avx);
		same = vectors_same(&in, &out, avx);
	}
	TRUE(same);
	kill(rival, SIGKILL);
	ROW("rival");
	row_signalled(child_wait(rival), SIGKILL);
}

static void divide_x87(void *arg)
{
	u16 cw = 0x37b; // ZE unmasked
	volatile double zero = 0, one = 1;

	(void)arg;
	__asm__ volatile("fldcw %2; fldl %0; fdivl %1; fwait" ::"m"(one), "m"(zero), "m"(cw));
}

static void divide_sse(void *arg)
{
	u32 mxcsr = 0x1f80 & ~0x200u; // ZM off
	volatile double zero = 0, one = 1;

	(void)arg;
	__asm__ volatile("ldmxcsr %2; movsd %0,%%xmm0; divsd %1,%%xmm0" ::"m"(one), "m"(zero),
			 "m"(mxcsr)
			 : "xmm0");
}

static void divide_int(void *arg)
{
	volatile int zero = 0;
	(void)arg;
	__asm__ volatile("xor %%edx,%%edx; mov $1,%%eax; idivl %0" ::"m"(zero) : "eax", "edx");
}

TEST(exceptions)
{
	EQ(caught_run(divide_int, NULL), SIGFPE);
	EQ(caught.info.si_code, FPE_INTDIV);
	EQ((uintptr_t)caught.info.si_addr, caught.ip);
	EQ(caught.trapno, 0);
	EQ(caught_run(divide_x87, NULL), SIGFPE);
	EQ(caught.info.si_code, FPE_FLTDIV);
	EQ(caught.trapno, 16);
	// QEMU 7.2 raises no #XM: its SSE takes every exception as masked.
	if (!on_native() && !caught_run(divide_sse, NULL))
		return;
	EQ(caught_run(divide_sse, NULL), SIGFPE);
	EQ(caught.info.si_code, FPE_FLTDIV);
	EQ(caught.trapno, 19);
}

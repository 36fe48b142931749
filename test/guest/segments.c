// SPDX-License-Identifier: MIT
// FS and GS (hazards 18, 19, 31, 37): arch_prctl, set_thread_area, the FSGSBASE instructions, and
// that a base is of one task, one program.
#include "test/guest/entry.h"

#include <asm/ldt.h>
#include <cpuid.h>
#include <sys/auxv.h>

enum { SET_GS = 0x1001, SET_FS = 0x1002, GET_FS = 0x1003, GET_GS = 0x1004 };

static bool have_fsgsbase(void)
{
	return getauxval(AT_HWCAP2) & 2;
}

#ifndef __i386__
TEST_ON(ABIS_CODE64, arch_prctl)
{
	u64 base = 0;

	EQ(sys(SYS_arch_prctl, GET_FS, &base), 0);
	TRUE(base != 0); // libc's own
	EQ(sys(SYS_arch_prctl, SET_GS, 0x123450), 0);
	EQ(sys(SYS_arch_prctl, GET_GS, &base), 0);
	EQ(base, 0x123450);
	ERR(sys(SYS_arch_prctl, SET_GS, 0x800000000000), EPERM);
	ERR(sys(SYS_arch_prctl, SET_GS, 0xffffffff81000000), EPERM);
	ERR(sys(SYS_arch_prctl, SET_GS, 0x8000000000000000), EPERM);
	ERR(sys(SYS_arch_prctl, GET_GS, 0xffff800000000000), EFAULT);
	ERR(sys(SYS_arch_prctl, GET_GS, map_bad()), EFAULT);
	ERR(sys(SYS_arch_prctl, 0x9999, 0), EINVAL);
	EQ(sys(SYS_arch_prctl, GET_GS, &base), 0);
	EQ(base, 0x123450);
}

TEST_ON(ABIS_CODE64, gs_reaches_memory)
{
	u64 word = 0x1122334455667788, got;

	EQ(sys(SYS_arch_prctl, SET_GS, &word), 0);
	__asm__ volatile("mov %%gs:0,%0" : "=r"(got));
	EQ(got, word);
	sys(SYS_sched_yield);
	sleep_ms(2);
	__asm__ volatile("mov %%gs:0,%0" : "=r"(got));
	EQ(got, word);
}

// Hazard 31: user mode may hold any base, also one that looks like the kernel's; calls, faults,
// timer interrupts and switches live with it.
__attribute__((target("fsgsbase"))) TEST_ON(ABIS_CODE64, hostile_gs_base)
{
	static const u64 bases[] = {0xffff888000000000,
				    0xffffffff81000000,
				    0xffffffffffffffff,
				    0x1000,
				    0,
				    0x7fffffffffff,
				    0x8000};
	u64 got;

	if (!have_fsgsbase())
		test_skip("no FSGSBASE");
	for (unsigned i = 0; i < COUNT(bases); i++) {
		__asm__ volatile("wrgsbase %0" ::"r"(bases[i]));
		for (int k = 0; k < 20; k++)
			sys(SYS_sched_yield);
		EQ(touch_read(map_bad()), SIGSEGV);
		u64 end = now_ns(CLOCK_MONOTONIC) + 12000000;
		while (now_ns(CLOCK_MONOTONIC) < end)
			;
		sleep_ms(1);
		FOR_WAYS(way)
		EQ(entry_call(way, WAY_NR(way, getpid), 0, 0, 0, 0, 0, 0), getpid());
		__asm__ volatile("rdgsbase %0" : "=r"(got));
		EQ(got, bases[i]);
	}
	// To a child by fork, and apart from it from then on.
	__asm__ volatile("wrgsbase %0" ::"r"(0x5000ull));
	pid_t pid = fork();
	if (!pid) {
		__asm__ volatile("rdgsbase %0" : "=r"(got));
		if (got != 0x5000)
			_exit(1);
		__asm__ volatile("wrgsbase %0" ::"r"(0x6000ull));
		sys(SYS_sched_yield);
		__asm__ volatile("rdgsbase %0" : "=r"(got));
		_exit(got == 0x6000 ? 5 : 2);
	}
	ROW("child");
	row_exited(child_wait(pid), 5);
	__asm__ volatile("rdgsbase %0" : "=r"(got));
	EQ(got, 0x5000);
}

CHILD_PROGRAM(show_gs)
{
	u64 base = 1;

	(void)argc;
	(void)argv;
	return sys(SYS_arch_prctl, GET_GS, &base) == 0 && base == 0 ? 5 : 1;
}

TEST_ON(ABIS_CODE64, exec_clears_gs)
{
	pid_t pid = fork();

	if (!pid) {
		sys(SYS_arch_prctl, SET_GS, 0x123450);
		execl(self_path(), "guest-tests", "--child", "show_gs", NULL);
		_exit(9);
	}
	ROW("new program");
	row_exited(child_wait(pid), 5);
}
#else
static u32 gs_word(u16 selector)
{
	u32 got;

	__asm__ volatile("push %%gs; mov %w1,%%gs; mov %%gs:0,%0; pop %%gs"
			 : "=&r"(got)
			 : "r"(selector));
	return got;
}

TEST_ON(I386, set_thread_area)
{
	static u32 word[2] = {0x11223344, 0x55667788};
	struct user_desc d = {.entry_number = (u32)-1,
			      .base_addr = (u32)(uintptr_t)word,
			      .limit = 0xfffff,
			      .seg_32bit = 1,
			      .limit_in_pages = 1,
			      .useable = 1};

	EQ(sys(SYS_set_thread_area, &d), 0);
	BETWEEN(d.entry_number, 12, 14);
	u16 selector = (u16)(d.entry_number * 8 + 3);
	EQ(gs_word(selector), word[0]);
	sleep_ms(1);
	EQ(gs_word(selector), word[0]);
	struct user_desc r = {.entry_number = d.entry_number};
	EQ(sys(SYS_get_thread_area, &r), 0);
	EQ(r.base_addr, d.base_addr);
	EQ(r.limit, d.limit);
	EQ(r.seg_32bit, 1);
	// A second one; a third there is (libc has one); no fourth.
	struct user_desc e = d;
	e.entry_number = (u32)-1;
	e.base_addr = (u32)(uintptr_t)(word + 1);
	EQ(sys(SYS_set_thread_area, &e), 0);
	EQ(gs_word((u16)(e.entry_number * 8 + 3)), word[1]);
	struct user_desc f = d;
	f.entry_number = (u32)-1;
	ERR(sys(SYS_set_thread_area, &f), ESRCH);
	// Clearing one makes it free again.
	struct user_desc clear = {
		.entry_number = e.entry_number, .read_exec_only = 1, .seg_not_present = 1};
	EQ(sys(SYS_set_thread_area, &clear), 0);
	EQ(sys(SYS_set_thread_area, &f), 0);
}

TEST_ON(I386, set_thread_area_bad)
{
	struct user_desc d = {
		.entry_number = (u32)-1, .limit = 0xfffff, .seg_32bit = 1, .limit_in_pages = 1};
	static const u32 entries[] = {0, 1, 5, 6, 11, 15, 16, 1000, (u32)-2, 0x80000000};

	for (unsigned i = 0; i < COUNT(entries); i++) {
		d.entry_number = entries[i];
		ERR(sys(SYS_set_thread_area, &d), EINVAL);
		ERR(sys(SYS_get_thread_area, &d), EINVAL);
	}
	ERR(sys(SYS_set_thread_area, map_bad()), EFAULT);
	ERR(sys(SYS_set_thread_area, hostile_addresses[0]), EFAULT);
	ERR(sys(SYS_get_thread_area, map_bad()), EFAULT);
	// Hazard 19: no 16-bit and no absent segment by this door (CVE-2014-8133).
	d.entry_number = (u32)-1;
	d.seg_32bit = 0;
	ERR(sys(SYS_set_thread_area, &d), EINVAL);
	d.seg_32bit = 1;
	d.seg_not_present = 1;
	ERR(sys(SYS_set_thread_area, &d), EINVAL);
	d.seg_not_present = 0;
	d.contents = 2; // code
	ERR(sys(SYS_set_thread_area, &d), EINVAL);
	d.contents = 3;
	ERR(sys(SYS_set_thread_area, &d), EINVAL);
}

// A task's entries are its own: a child has a copy, a new program none but libc's.
TEST_ON(I386, set_thread_area_fork)
{
	static u32 word = 0x31323334;
	struct user_desc d = {.entry_number = (u32)-1,
			      .base_addr = (u32)(uintptr_t)&word,
			      .limit = 0xfffff,
			      .seg_32bit = 1,
			      .limit_in_pages = 1,
			      .useable = 1};

	MUST(sys(SYS_set_thread_area, &d) == 0);
	u16 selector = (u16)(d.entry_number * 8 + 3);
	pid_t pid = fork();
	if (!pid) {
		static u32 other = 7;
		bool same = gs_word(selector) == word;
		d.base_addr = (u32)(uintptr_t)&other;
		sys(SYS_set_thread_area, &d);
		sys(SYS_sched_yield);
		_exit(same && gs_word(selector) == 7 ? 5 : 1);
	}
	ROW("child");
	row_exited(child_wait(pid), 5);
	EQ(gs_word(selector), word);
}

TEST_ON(I386, arch_prctl)
{
	u32 base;

	(void)have_fsgsbase;
	// The four that set and read bases are for 64-bit programs.
	ERR(sys(SYS_arch_prctl, SET_GS, 0x1000), EINVAL);
	ERR(sys(SYS_arch_prctl, GET_FS, &base), EINVAL);
}
#endif

static void load_ds(void *arg)
{
	__asm__ volatile("mov %w0,%%ds" ::"r"(*(u16 *)arg));
}

// Loading a selector that user mode may not have: #GP, SIGSEGV with SI_KERNEL and no address.
TEST(selectors)
{
	u16 bad[] = {8, 0x10, 0x18, 0x40, 0x48, 7, 0xf, 0xfff8, 0xffff};

	for (unsigned i = 0; i < COUNT(bad); i++) {
		EQ(caught_run(load_ds, &bad[i]), SIGSEGV);
		EQ(caught.info.si_code, 0x80);
		EQ((uintptr_t)caught.info.si_addr, 0);
		EQ(caught.trapno, 13);
	}
	// Hazard 35: no I/O, no interrupts off, no privileged instructions.
	u16 mine;
	__asm__("mov %%ds,%0" : "=r"(mine));
	load_ds(&mine);
}

static void do_in(void *a)
{
	(void)a;
	__asm__ volatile("inb $0x80,%%al" ::: "eax");
}
static void do_cli(void *a)
{
	(void)a;
	__asm__ volatile("cli");
}
static void do_hlt(void *a)
{
	(void)a;
	__asm__ volatile("hlt");
}
static void do_rdmsr(void *a)
{
	(void)a;
	__asm__ volatile("rdmsr" ::"c"(0xc0000080) : "eax", "edx");
}
static void do_cr0(void *a)
{
	(void)a;
#ifdef __i386__
	__asm__ volatile("mov %%cr0,%%eax" ::: "eax");
#else
	__asm__ volatile("mov %%cr0,%%rax" ::: "rax");
#endif
}
static void do_int_gate(void *a)
{
	(void)a;
	__asm__ volatile("int $0x0e");
}
static void do_int_81(void *a)
{
	(void)a;
	__asm__ volatile("int $0x81");
}
static void do_int_8(void *a)
{
	(void)a;
	__asm__ volatile("int $8");
}
static void do_ud2(void *a)
{
	(void)a;
	__asm__ volatile("ud2");
}
static void do_rdpmc(void *a)
{
	(void)a;
	__asm__ volatile("rdpmc" ::"c"(0x12345) : "eax", "edx");
}

TEST(privileged)
{
	void (*gp[])(void *) = {do_in,	     do_cli,	do_hlt,	  do_rdmsr, do_cr0,
				do_int_gate, do_int_81, do_int_8, do_rdpmc};

	for (unsigned i = 0; i < COUNT(gp); i++) {
		EQ(caught_run(gp[i], NULL), SIGSEGV);
		EQ(caught.info.si_code, 0x80);
	}
	EQ(caught_run(do_ud2, NULL), SIGILL);
	EQ(caught.info.si_code, ILL_ILLOPN);
	EQ((uintptr_t)caught.info.si_addr, caught.ip);
}

// Hazard 34: lret with a stack that can't be read, from user mode, is a signal (TCG says U=0
// there).
static void do_lret(void *sp)
{
#ifdef __i386__
	__asm__ volatile("mov %0,%%esp; lret" ::"r"(sp));
#else
	__asm__ volatile("mov %0,%%rsp; lretq" ::"r"((u64)(uintptr_t)sp));
#endif
}
static void do_iret(void *sp)
{
#ifdef __i386__
	__asm__ volatile("mov %0,%%esp; iret" ::"r"(sp));
#else
	__asm__ volatile("mov %0,%%rsp; iretq" ::"r"((u64)(uintptr_t)sp));
#endif
}

TEST(far_returns)
{
	if (on_oracle())
		test_skip("under TCG these oops Linux");
	char *zeros = map_pages(2);
	u64 *stack = (u64 *)(zeros + PAGE);

	for (int i = 0; i < 2; i++) {
		void (*run)(void *) = i ? do_iret : do_lret;

		TRUE(caught_run(run, map_bad()) != 0);
		TRUE(caught_run(run, zeros + PAGE) != 0);
		memset(stack, 0xff, 64);
		TRUE(caught_run(run, stack) != 0);
		for (u64 sel = 0; sel < 0x80; sel += 5) {
			memset(stack, 0, 64);
			stack[0] = 0x1000;
			stack[1] = sel;
			stack[2] = 0x3202;
			stack[3] = 0x1000;
			stack[4] = sel;
			ROW("garbage frame");
			if (!caught_run(run, stack))
				test_fail("far return %d with selector %#llx", i, sel);
		}
	}
	EQ(sys(SYS_getpid), getpid());
}

// SPDX-License-Identifier: MIT
// Flags that a program may set and that a kernel must survive (hazards 22 to 27): NT, AC, DF, TF,
// ID and the arithmetic ones through every way in, into handlers, children and new programs.
#include "test/guest/entry.h"

#include <sched.h>
#include <ucontext.h>

static u64 context_flags(void *context)
{
	return (u32)((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];
}

static u64 handler_flags, interrupted_flags;

static void flags_handler(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	handler_flags = cpu_flags();
	interrupted_flags = context_flags(context);
	handled_count++;
}

static void flags_kept(u64 flag, const char *name)
{
	FOR_WAYS(way)
	{
		struct entry_state before;

		entry_set(way, &entry_frame.st, WAY_NR(way, getpid), NULL);
		entry_frame.st.flags |= flag;
		before = entry_frame.st;
		way->run(&entry_frame.st);
		ROW(name);
		row_eq(entry_result(way, &entry_frame.st), getpid());
		// DF, set by hand, is seen after SAVE64; entry_check_regs compares all flags.
		entry_check_regs(way, &before, &entry_frame.st);
		__asm__ volatile("cld");
	}
}

TEST(nt)
{
	flags_kept(FLAG_NT, "NT");
}

TEST(ac)
{
	flags_kept(FLAG_AC, "AC");
}

TEST(df)
{
	flags_kept(FLAG_DF, "DF");
}

TEST(arithmetic)
{
	flags_kept(FLAG_ARITH, "CF PF AF ZF SF OF");
	flags_kept(FLAG_ID, "ID");
	flags_kept(FLAG_NT | FLAG_AC | FLAG_DF | FLAG_ID | FLAG_ARITH, "all");
}

// The kernel copies user memory with AC and DF set: data is whole and forward.
TEST(copies_with_ac_and_df)
{
	int fds[2];

	OKC(pipe(fds));
	FOR_WAYS(way)
	{
		memcpy(entry_frame.stack, "abcdefghijklmnopqrstuvwxyz", 26);
		for (int i = 0; i < 2; i++) {
			entry_set(way, &entry_frame.st, i ? WAY_NR(way, read) : WAY_NR(way, write),
				  (u64[6]){(u64)fds[1 - i], (uintptr_t)entry_frame.stack + i * 101,
					   26});
			entry_frame.st.flags |= FLAG_DF | FLAG_AC | FLAG_NT;
			way->run(&entry_frame.st);
			__asm__ volatile("cld");
			EQ(entry_result(way, &entry_frame.st), 26);
		}
		EQ(memcmp(entry_frame.stack + 101, "abcdefghijklmnopqrstuvwxyz", 26), 0);
	}
}

// NT across context switches: a spinner with NT beside a thousand switches (hazard 23).
TEST(nt_spinner)
{
	int a[2], b[2];
	char c = 0;
	pid_t spin = fork();

	if (!spin) {
		entry_set(way_of(WAY_INT80), &entry_frame.st, 0, NULL);
		for (;;) {
			entry_frame.st.flags = FLAG_NT | FLAG_IF | 2;
			entry_nothing(&entry_frame.st);
		}
	}
	OKC(pipe(a));
	OKC(pipe(b));
	pid_t peer = fork();
	if (!peer) {
		while (read(a[0], &c, 1) == 1 && write(b[1], &c, 1) == 1)
			if (c == 'q')
				break;
		_exit(3);
	}
	for (int i = 0; i < 500; i++) {
		c = i == 499 ? 'q' : 'c';
		if (write(a[1], &c, 1) != 1 || read(b[0], &c, 1) != 1) {
			test_fail("switch %d", i);
			break;
		}
	}
	ROW("the peer");
	row_exited(child_wait(peer), 3);
	kill(spin, SIGKILL);
	ROW("the spinner");
	row_signalled(child_wait(spin), SIGKILL);
}

// Hazard 26, POSIX: a handler starts with DF clear, TF clear; Linux clears RF too. Afterwards the
// interrupted flags are back.
TEST(handler_starts_clean)
{
	handle_with(SIGUSR1, 0, flags_handler);
	FOR_WAYS_SIGNALS(way)
	{
		struct entry_state before;

		handled_count = 0;
		entry_set(way, &entry_frame.st, WAY_NR(way, kill),
			  (u64[6]){(u64)getpid(), SIGUSR1});
		entry_frame.st.flags |= FLAG_DF | FLAG_ARITH;
		before = entry_frame.st;
		way->run(&entry_frame.st);
		__asm__ volatile("cld");
		EQ(handled_count, 1);
		EQ(handler_flags & (FLAG_DF | FLAG_TF | FLAG_NT), 0);
		EQ(interrupted_flags & (FLAG_DF | FLAG_ARITH), FLAG_DF | FLAG_ARITH);
		entry_check_regs(way, &before, &entry_frame.st);
	}
}

// A fault with DF set: the handler is the same.
static void fault_df(void *at)
{
	__asm__ volatile("std; movb $1,(%0); cld" ::"r"(at) : "memory");
}

TEST(df_in_a_fault)
{
	handler_flags = 0;
	EQ(caught_run(fault_df, map_bad()), SIGSEGV);
	EQ(caught.flags & FLAG_DF, FLAG_DF);
	EQ(cpu_flags() & FLAG_DF, 0);
}

// Hazard 27, single_step_syscall: TF through every way in. A trap comes after the call as after any
// instruction, none inside the kernel, and the result is right.
static volatile int steps;
static void step_handler(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	(void)context;
	steps++;
}

static void run_stepped(void *arg)
{
	const struct way *way = arg;

	entry_set(way, &entry_frame.st, WAY_NR(way, getpid), NULL);
	entry_frame.st.flags |= FLAG_TF;
	way->run(&entry_frame.st);
}

TEST(tf)
{
	handle_with(SIGTRAP, 0, step_handler);
	FOR_WAYS_SIGNALS(way)
	{
		steps = 0;
		run_stepped((void *)way);
		EQ(entry_result(way, &entry_frame.st), getpid());
		// At least one trap for each instruction of SAVE64 up to the popf that ends it.
		BETWEEN(steps, 10, 100);
		EQ(cpu_flags() & FLAG_TF, 0);
	}
}

static void trap_once(void *arg)
{
	(void)arg;
	__asm__ volatile("int3");
}

TEST(trap_codes)
{
	EQ(caught_run(trap_once, NULL), SIGTRAP);
	// Linux's SI_KERNEL for INT3, TRAP_TRACE for a step.
	EQ(caught.info.si_code, 0x80);
	EQ(caught.trapno, 3);
	EQ(caught_run(run_stepped, (void *)way_of(WAY_INT80)), SIGTRAP);
	EQ(caught.info.si_code, TRAP_TRACE);
	EQ(caught.trapno, 1);
	EQ((uintptr_t)caught.info.si_addr, caught.ip);
}

// Hazard 24: AC set in one task stays there. A child inherits the flags of the moment of the fork;
// an unrelated task and a new program have none.
TEST(ac_leaks_nowhere)
{
	const struct way *way = way_of(WAY_SYSCALL);
	int fds[2];
	char c = 0;

	OKC(pipe(fds));
	pid_t other = fork();
	if (!other) {
		volatile u32 word[2] = {1, 2};
		if (read(fds[0], &c, 1) != 1)
			_exit(9);
		u32 unaligned = *(volatile u32 *)((char *)word + 1);
		_exit(unaligned == 0x2000000 && !(cpu_flags() & FLAG_AC) ? 3 : 4);
	}
	entry_set(way, &entry_frame.st, WAY_NR(way, write),
		  (u64[6]){(u64)fds[1], (uintptr_t)&entry_frame, 1});
	entry_frame.st.flags |= FLAG_AC;
	way->run(&entry_frame.st);
	ROW("the other task");
	row_exited(child_wait(other), 3);
}

CHILD_PROGRAM(show_flags)
{
	(void)argc;
	(void)argv;
	return cpu_flags() & (FLAG_AC | FLAG_NT | FLAG_DF | FLAG_TF | FLAG_ID) ? 1 : 5;
}

TEST(exec_clears_flags)
{
	static char *argv[] = {"guest-tests", "--child", "show_flags", NULL};
	const struct way *way = way_of(WAY_SYSCALL);
	pid_t pid = fork();

	if (!pid) {
		u64 nr = ABI_THIS == I386 ? I386_NR_execve : WAY_NR(way, execve);
		way = ABI_THIS == I386 ? way_of(WAY_INT80) : way;
		entry_set(way, &entry_frame.st, nr,
			  (u64[6]){(uintptr_t)self_path(), (uintptr_t)argv, (uintptr_t)environ});
		entry_frame.st.flags |= FLAG_AC | FLAG_NT | FLAG_ID;
		way->run(&entry_frame.st);
		_exit(9);
	}
	ROW("new program");
	row_exited(child_wait(pid), 5);
}

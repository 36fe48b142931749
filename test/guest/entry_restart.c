// SPDX-License-Identifier: MIT
// Interrupted calls by every way in: EINTR or a restart, which rewinds exactly two bytes (musl's
// thread cancellation counts on it), restart_syscall, and signals that arrive with the call's end.
#include "test/guest/entry.h"

#include <ucontext.h>

static int pipe_fds[2];
static u64 seen_ip, seen_ax;
static u8 seen_bytes[4]; // two before the address, two at it

static u64 context_ip(ucontext_t *uc)
{
#ifdef __i386__
	return (u32)uc->uc_mcontext.gregs[REG_EIP];
#else
	return (u64)uc->uc_mcontext.gregs[REG_RIP];
#endif
}

static u64 context_ax(ucontext_t *uc)
{
#ifdef __i386__
	return (u32)uc->uc_mcontext.gregs[REG_EAX];
#else
	return (u64)uc->uc_mcontext.gregs[REG_RAX];
#endif
}

static void interrupted(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	seen_ip = context_ip(context);
	seen_ax = context_ax(context);
	memcpy(seen_bytes, AS_PTR(seen_ip - 2), 4);
	handled_count++;
	if (pipe_fds[1] >= 0 && write(pipe_fds[1], "r", 1) != 1)
		test_fail("write in the handler");
}

static bool is_entry(const u8 *b)
{
	return (b[0] == 0x0f && (b[1] == 0x05 || b[1] == 0x34)) || (b[0] == 0xcd && b[1] == 0x80);
}

// One signal from a child, after this process has gone to sleep in the call.
static pid_t signal_soon(int sig)
{
	pid_t me = getpid(), pid = fork();

	if (!pid) {
		sleep_ms(30);
		kill(me, sig);
		_exit(0);
	}
	return pid;
}

TEST(restarts_read)
{
	OKC(pipe(pipe_fds));
	handle_with(SIGUSR1, SA_RESTART, interrupted);
	FOR_WAYS_SIGNALS(way)
	{
		char *buffer = entry_frame.stack;
		struct entry_state before;
		pid_t pid = signal_soon(SIGUSR1);

		handled_count = 0;
		entry_set(way, &entry_frame.st, WAY_NR(way, read),
			  (u64[6]){(u64)pipe_fds[0], (uintptr_t)buffer, 1});
		before = entry_frame.st;
		way->run(&entry_frame.st);
		EQ(entry_result(way, &entry_frame.st), 1);
		EQ(*buffer, 'r');
		EQ(handled_count, 1);
		entry_check_regs(way, &before, &entry_frame.st);
		// The handler saw the call about to be made again: at its instruction, the number
		// in rax.
		if (way->at)
			EQ(seen_ip, (uintptr_t)way->at);
		TRUE(is_entry(seen_bytes + 2));
		EQ((u32)seen_ax, (u32)WAY_NR(way, read));
		child_wait(pid);
	}
}

TEST(interrupts_read)
{
	OKC(pipe(pipe_fds));
	int write_end = pipe_fds[1];
	handle_with(SIGUSR1, 0, interrupted);
	FOR_WAYS_SIGNALS(way)
	{
		struct entry_state before;

		pipe_fds[1] = -1;
		handled_count = 0;
		pid_t pid = signal_soon(SIGUSR1);
		entry_set(way, &entry_frame.st, WAY_NR(way, read),
			  (u64[6]){(u64)pipe_fds[0], (uintptr_t)entry_frame.stack, 1});
		before = entry_frame.st;
		way->run(&entry_frame.st);
		EQ(entry_result(way, &entry_frame.st), -EINTR);
		EQ(handled_count, 1);
		entry_check_regs(way, &before, &entry_frame.st);
		if (way->at)
			EQ(seen_ip, (uintptr_t)way->at + 2);
		TRUE(is_entry(seen_bytes));
		EQ((s32)seen_ax, -EINTR);
		child_wait(pid);
	}
	close(write_end);
}

// nanosleep goes on by restart_syscall when a signal without a handler (stop and continue) came.
TEST(restart_block)
{
	FOR_WAYS_SIGNALS(way)
	{
		pid_t pid = fork();

		if (!pid) {
			struct timespec *ts = (void *)entry_frame.stack;
			u64 begin = now_ns(CLOCK_MONOTONIC);
			*(u32 *)entry_frame.stack = 0;
			memset(ts, 0, 64);
			// seconds 0, nanoseconds 400 ms in the layout of the way's table
			if (way->table64)
				((u64 *)entry_frame.stack)[1] = 400000000;
			else
				((u32 *)entry_frame.stack)[1] = 400000000;
			s64 r = entry_call(way, WAY_NR(way, nanosleep), (uintptr_t)ts, 0, 0, 0, 0,
					   0);
			u64 took = now_ns(CLOCK_MONOTONIC) - begin;
			EQ(r, 0);
			BETWEEN(took / 1000000, 395, 5000);
			_exit(test_failures() ? 1 : 0);
		}
		sleep_ms(40);
		kill(pid, SIGSTOP);
		int status = 0;
		EQ(waitpid(pid, &status, WUNTRACED), pid);
		TRUE(WIFSTOPPED(status));
		sleep_ms(20);
		kill(pid, SIGCONT);
		ROW("sleeper");
		row_exited(child_wait(pid), 0);
	}
}

// With a handler it is EINTR and the rest of the time, SA_RESTART or not.
TEST(nanosleep_is_not_restarted)
{
	pipe_fds[1] = -1;
	handle_with(SIGUSR1, SA_RESTART, interrupted);
	pid_t pid = signal_soon(SIGUSR1);
	struct timespec ts = {1, 0}, rest = {0};
	ERRNO(nanosleep(&ts, &rest), EINTR);
	BETWEEN(rest.tv_nsec, 100000000, 999999999);
	child_wait(pid);
}

// restart_syscall by itself, with nothing to restart.
TEST(restart_syscall_alone)
{
	FOR_WAYS(way)
	EQ(entry_call(way, WAY_NR(way, restart_syscall), 0, 0, 0, 0, 0, 0), -EINTR);
}

// A signal that is raised by the call itself: the handler sees the finished call, registers hold.
TEST(signal_at_the_exit)
{
	pipe_fds[1] = -1;
	handle_with(SIGUSR1, 0, interrupted);
	FOR_WAYS_SIGNALS(way)
	{
		struct entry_state before;

		handled_count = 0;
		entry_set(way, &entry_frame.st, WAY_NR(way, kill),
			  (u64[6]){(u64)getpid(), SIGUSR1});
		before = entry_frame.st;
		way->run(&entry_frame.st);
		EQ(entry_result(way, &entry_frame.st), 0);
		EQ(handled_count, 1);
		entry_check_regs(way, &before, &entry_frame.st);
		if (way->at)
			EQ(seen_ip, (uintptr_t)way->at + 2);
		EQ(seen_ax, 0);
	}
}

// Timer signals at every point of entry and exit: nothing is ever lost.
TEST(signals_everywhere)
{
	struct itimerval it = {{0, 200}, {0, 200}}, off = {0};

	pipe_fds[1] = -1;
	handle_with(SIGALRM, SA_RESTART, interrupted);
	setitimer(ITIMER_REAL, &it, NULL);
	FOR_WAYS_SIGNALS(way)
	{
		u64 end = now_ns(CLOCK_MONOTONIC) + 60000000;

		while (now_ns(CLOCK_MONOTONIC) < end) {
			struct entry_state before;

			entry_set(way, &entry_frame.st, WAY_NR(way, getpid), NULL);
			before = entry_frame.st;
			way->run(&entry_frame.st);
			if (entry_result(way, &entry_frame.st) != getpid()) {
				test_fail("%s: getpid gave %lld", way->name,
					  entry_result(way, &entry_frame.st));
				break;
			}
			entry_check_regs(way, &before, &entry_frame.st);
		}
	}
	setitimer(ITIMER_REAL, &off, NULL);
	TRUE(handled_count > 0);
}

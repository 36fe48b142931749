// SPDX-License-Identifier: MIT
// Signals: actions, masks, flags of sigaction, order, waiting for them, default actions, errnos.
#include "test/guest/test.h"

#include <poll.h>
#include <ucontext.h>

TEST(sigaction_errnos)
{
	struct sigaction act = {.sa_handler = SIG_IGN};
	u64 kernel_act[8] = {0};

	ERR(sys(SYS_rt_sigaction, 0, NULL, NULL, 8), EINVAL);
	ERR(sys(SYS_rt_sigaction, 65, NULL, NULL, 8), EINVAL);
	ERR(sys(SYS_rt_sigaction, -1, NULL, NULL, 8), EINVAL);
	ERR(sys(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4), EINVAL);
	ERR(sys(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 16), EINVAL);
	ERR(sys(SYS_rt_sigaction, SIGKILL, kernel_act, NULL, 8), EINVAL);
	ERR(sys(SYS_rt_sigaction, SIGSTOP, kernel_act, NULL, 8), EINVAL);
	EQ(sys(SYS_rt_sigaction, SIGKILL, NULL, kernel_act, 8), 0);
	ERR(sys(SYS_rt_sigaction, SIGUSR1, map_bad(), NULL, 8), EFAULT);
	ERR(sys(SYS_rt_sigaction, SIGUSR1, NULL, map_bad(), 8), EFAULT);
	OKC(sigaction(SIGUSR1, &act, NULL));
	struct sigaction old = {.sa_handler = SIG_ERR};
	OKC(sigaction(SIGUSR1, NULL, &old));
	TRUE(old.sa_handler == SIG_IGN);
	for (int sig = 1; sig <= 64; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			EQ(sys(SYS_rt_sigaction, sig, kernel_act, NULL, 8), 0);
	// The old action comes out even where the new one is refused? No: nothing happens at all.
	handle(SIGUSR2, SA_RESTART | SA_NODEFER);
	OKC(sigaction(SIGUSR2, NULL, &old));
	EQ(old.sa_flags & (SA_RESTART | SA_NODEFER | SA_SIGINFO),
	   SA_RESTART | SA_NODEFER | SA_SIGINFO);
}

TEST(kill_errnos)
{
	ERRNO(kill(getpid(), 65), EINVAL);
	ERRNO(kill(getpid(), -1), EINVAL);
	ERRNO(kill(0x3ffffff, 0), ESRCH);
	ERRNO(kill(-0x3ffffff, SIGUSR1), ESRCH);
	OKC(kill(getpid(), 0));
	OKC(kill(0, 0));
	ERR(sys(SYS_kill, (int)0x80000000, 0), ESRCH);
	ERR(sys(SYS_tgkill, 0, getpid(), 0), EINVAL);
	ERR(sys(SYS_tgkill, getpid(), 0, 0), EINVAL);
	ERR(sys(SYS_tgkill, getpid(), -1, 0), EINVAL);
	ERR(sys(SYS_tgkill, getpid(), 0x3ffffff, 0), ESRCH);
	EQ(sys(SYS_tgkill, getpid(), getpid(), 0), 0);
	ERR(sys(SYS_tkill, 0, 0), EINVAL);
	ERR(sys(SYS_tkill, getpid(), 65), EINVAL);
	EQ(sys(SYS_tkill, getpid(), 0), 0);
	pid_t pid = fork();
	if (!pid)
		_exit(0);
	siginfo_t info;
	OKC(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
	OKC(kill(pid, SIGKILL)); // a zombie takes signals
	ROW("the zombie's status");
	row_exited(child_wait(pid), 0);
	ERRNO(kill(pid, 0), ESRCH);
}

TEST(default_actions)
{
	static const int killers[] = {
		SIGHUP,	   SIGINT,  SIGQUIT, SIGILL,  SIGTRAP, SIGABRT, SIGBUS,	   SIGFPE,  SIGKILL,
		SIGUSR1,   SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT, SIGXCPU, SIGXFSZ,
		SIGVTALRM, SIGPROF, SIGIO,   SIGPWR,  SIGSYS,  34,	64};
	static const int ignored[] = {SIGCHLD, SIGURG, SIGWINCH, SIGCONT};

	for (unsigned i = 0; i < COUNT(killers); i++) {
		int sig = killers[i];
		ROW(signal_text(sig));
		row_signalled(CHILD({ sys(SYS_kill, getpid(), sig); }), sig);
	}
	for (unsigned i = 0; i < COUNT(ignored); i++) {
		int sig = ignored[i];
		ROW(signal_text(sig));
		row_exited(CHILD({ sys(SYS_kill, getpid(), sig); }), 0);
	}
}

TEST(masks)
{
	sigset_t set, old, pending;

	sigfillset(&set);
	u64 all = ~0ull, got = 0;
	EQ(sys(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, 8), 0);
	EQ(sys(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &got, 8), 0);
	EQ(got, ~(1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1)));
	all = 0;
	EQ(sys(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, 8), 0);
	ERR(sys(SYS_rt_sigprocmask, 3, &all, NULL, 8), EINVAL);
	ERR(sys(SYS_rt_sigprocmask, -1, &all, NULL, 8), EINVAL);
	EQ(sys(SYS_rt_sigprocmask, 77, NULL, &got, 8), 0); // how counts only with a set
	ERR(sys(SYS_rt_sigprocmask, SIG_BLOCK, &all, NULL, 7), EINVAL);
	ERR(sys(SYS_rt_sigpending, &got, 9), EINVAL);
	set = sigset_of(SIGUSR1);
	handle(SIGUSR1, 0);
	OKC(sigprocmask(SIG_BLOCK, &set, &old));
	raise(SIGUSR1);
	raise(SIGUSR1);
	EQ(handled_count, 0);
	OKC(sigpending(&pending));
	EQ(sigismember(&pending, SIGUSR1), 1);
	EQ(sigismember(&pending, SIGUSR2), 0);
	OKC(sigprocmask(SIG_SETMASK, &old, NULL));
	EQ(handled_count, 1); // before the call returned, and once only
	OKC(sigpending(&pending));
	EQ(sigismember(&pending, SIGUSR1), 0);
	// Setting SIG_IGN throws a pending one away.
	OKC(sigprocmask(SIG_BLOCK, &set, NULL));
	raise(SIGUSR1);
	signal(SIGUSR1, SIG_IGN);
	OKC(sigpending(&pending));
	EQ(sigismember(&pending, SIGUSR1), 0);
	// Ignored and blocked: thrown away, unless blocked (Linux keeps it then).
	raise(SIGUSR1);
	OKC(sigpending(&pending));
	EQ(sigismember(&pending, SIGUSR1), 1);
}

static volatile int depth, deepest;

static void nesting(int sig, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	if (++depth > deepest)
		deepest = depth;
	if (++handled_count < 3)
		raise(sig);
	depth--;
}

TEST(flags)
{
	struct sigaction old;

	// Blocked while its handler runs, unless SA_NODEFER.
	handled_count = deepest = 0;
	handle_with(SIGUSR1, 0, nesting);
	raise(SIGUSR1);
	EQ(deepest, 1);
	EQ(handled_count, 3); // one after another
	handled_count = deepest = 0;
	handle_with(SIGUSR1, SA_NODEFER, nesting);
	raise(SIGUSR1);
	EQ(deepest, 3);
	EQ(handled_count, 3);
	// SA_RESETHAND: the default afterwards.
	handle(SIGUSR2, SA_RESETHAND);
	raise(SIGUSR2);
	EQ(handled_count, 1);
	OKC(sigaction(SIGUSR2, NULL, &old));
	TRUE(old.sa_handler == SIG_DFL);
	// sa_mask holds during the handler.
	struct sigaction act = {.sa_sigaction = nesting, .sa_flags = SA_SIGINFO};
	sigfillset(&act.sa_mask);
	OKC(sigaction(SIGUSR1, &act, NULL));
	OKC(sigaction(SIGUSR1, NULL, &old));
	EQ(sigismember(&old.sa_mask, SIGUSR2), 1);
	EQ(sigismember(&old.sa_mask, SIGKILL), 0);
	// An unknown bit of sa_flags is cleared (SA_UNSUPPORTED, Linux 5.11).
	act.sa_flags = SA_SIGINFO | 0x00000400;
	OKC(sigaction(SIGUSR1, &act, NULL));
	OKC(sigaction(SIGUSR1, NULL, &old));
	EQ(old.sa_flags & 0x400, 0);
}

static int order[16];
static volatile int ordered;

static void record(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (ordered < 16)
		order[ordered++] = sig * 100 +
				   (info->si_code == SI_QUEUE ? info->si_value.sival_int : 99);
}

// Realtime signals queue, lowest number first, each in the order sent; standard ones come before.
TEST(queue_order)
{
	sigset_t all, old;
	int rt = SIGRTMIN + 2;
	struct sigaction act = {.sa_sigaction = record, .sa_flags = SA_SIGINFO};

	sigfillset(&all);
	sigfillset(&act.sa_mask); // one after another
	sigaction(rt, &act, NULL);
	sigaction(rt + 1, &act, NULL);
	sigaction(SIGUSR1, &act, NULL);
	sigprocmask(SIG_BLOCK, &all, &old);
	for (int i = 1; i <= 3; i++) {
		OKC(sigqueue(getpid(), rt + 1, (union sigval){.sival_int = i}));
		OKC(sigqueue(getpid(), rt, (union sigval){.sival_int = i}));
		OKC(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = i}));
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	EQ(ordered, 7);
	// Frames are built lowest signal first, the last one built runs first; sa_mask is full, so
	// each handler ends before the next frame is built.
	const int want[] = {SIGUSR1 * 100 + 1, rt * 100 + 1,   rt * 100 + 2,  rt * 100 + 3,
			    rt * 100 + 101,    rt * 100 + 102, rt * 100 + 103};
	for (int i = 0; i < 7; i++)
		EQ(order[i], want[i]);
}

TEST(sigqueueinfo_errnos)
{
	siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};

	handle(SIGUSR1, 0);
	EQ(sys(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &info), 0);
	EQ(handled_count, 1);
	ERR(sys(SYS_rt_sigqueueinfo, 0x3ffffff, SIGUSR1, &info), ESRCH);
	ERR(sys(SYS_rt_sigqueueinfo, getpid(), 65, &info), EINVAL);
	ERR(sys(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, map_bad()), EFAULT);
	// Codes of the kernel and of kill are not for the user, towards others.
	pid_t pid = fork();
	if (!pid) {
		sleep_ms(2000);
		_exit(0);
	}
	info.si_code = SI_USER;
	ERR(sys(SYS_rt_sigqueueinfo, pid, SIGUSR1, &info), EPERM);
	info.si_code = SI_TKILL;
	ERR(sys(SYS_rt_sigqueueinfo, pid, SIGUSR1, &info), EPERM);
	info.si_code = SEGV_MAPERR;
	ERR(sys(SYS_rt_sigqueueinfo, pid, SIGUSR1, &info), EPERM);
	info.si_code = SI_QUEUE;
	ERR(sys(SYS_rt_tgsigqueueinfo, pid, pid + 100000, SIGUSR1, &info), ESRCH);
	ERR(sys(SYS_rt_tgsigqueueinfo, 0, pid, SIGUSR1, &info), EINVAL);
	EQ(sys(SYS_rt_tgsigqueueinfo, pid, pid, SIGTERM, &info), 0);
	ROW("child");
	row_signalled(child_wait(pid), SIGTERM);
}

TEST(sigtimedwait)
{
	sigset_t set = sigset_of(SIGUSR1), old;
	struct timespec zero = {0, 0}, some = {0, 30000000}, bad = {0, 1000000000},
			negative = {-1, 0};
	siginfo_t info;

	sigaddset(&set, SIGRTMIN + 3);
	sigprocmask(SIG_BLOCK, &set, &old);
	ERRNO(sigtimedwait(&set, &info, &zero), EAGAIN);
	ERRNO(sigtimedwait(&set, &info, &bad), EINVAL);
	ERRNO(sigtimedwait(&set, &info, &negative), EINVAL);
	u64 begin = now_ns(CLOCK_MONOTONIC);
	ERRNO(sigtimedwait(&set, &info, &some), EAGAIN);
	BETWEEN((now_ns(CLOCK_MONOTONIC) - begin) / 1000000, 29, 3000);
	raise(SIGUSR1);
	memset(&info, 0, sizeof(info));
	EQ(sigtimedwait(&set, &info, &zero), SIGUSR1);
	EQ(info.si_signo, SIGUSR1);
	EQ(info.si_pid, getpid());
	sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = 4242});
	EQ(sigwaitinfo(&set, &info), SIGRTMIN + 3);
	EQ(info.si_code, SI_QUEUE);
	EQ(info.si_value.sival_int, 4242);
	// From another process, while waiting.
	pid_t me = getpid(), pid = fork();
	if (!pid) {
		sleep_ms(20);
		kill(me, SIGUSR1);
		_exit(0);
	}
	EQ(sigwaitinfo(&set, &info), SIGUSR1);
	EQ(info.si_pid, pid);
	EQ(info.si_code, SI_USER);
	child_wait(pid);
	// Another signal with a handler interrupts it.
	handle(SIGUSR2, SA_RESTART);
	pid = fork();
	if (!pid) {
		sleep_ms(20);
		kill(me, SIGUSR2);
		_exit(0);
	}
	ERRNO(sigwaitinfo(&set, &info), EINTR);
	EQ(handled_count, 1);
	child_wait(pid);
	ERR(sys(SYS_rt_sigtimedwait, &set, NULL, &zero, 4), EINVAL);
}

TEST(sigsuspend)
{
	sigset_t block = sigset_of(SIGUSR1), none, now;

	sigemptyset(&none);
	handle(SIGUSR1, SA_RESTART);
	sigprocmask(SIG_BLOCK, &block, NULL);
	raise(SIGUSR1);
	ERRNO(sigsuspend(&none), EINTR);
	EQ(handled_count, 1);
	sigprocmask(SIG_BLOCK, NULL, &now);
	EQ(sigismember(&now, SIGUSR1), 1); // the old mask is back
	pid_t me = getpid(), pid = fork();
	if (!pid) {
		sleep_ms(20);
		kill(me, SIGUSR1);
		_exit(0);
	}
	ERRNO(sigsuspend(&none), EINTR);
	EQ(handled_count, 2);
	child_wait(pid);
	ERR(sys(SYS_rt_sigsuspend, &none, 4), EINVAL);
	// pause likewise
	sigprocmask(SIG_SETMASK, &none, NULL);
	pid = fork();
	if (!pid) {
		sleep_ms(20);
		kill(me, SIGUSR1);
		_exit(0);
	}
	ERRNO(pause(), EINTR);
	child_wait(pid);
}

// ppoll and pselect change the mask for the time of the call only.
TEST(mask_of_a_call)
{
	sigset_t block = sigset_of(SIGUSR1), none, now;
	struct timespec ts = {2, 0};

	sigemptyset(&none);
	handle(SIGUSR1, 0);
	sigprocmask(SIG_BLOCK, &block, NULL);
	raise(SIGUSR1);
	ERRNO(ppoll(NULL, 0, &ts, &none), EINTR);
	EQ(handled_count, 1);
	raise(SIGUSR1);
	ERRNO(pselect(0, NULL, NULL, NULL, &ts, &none), EINTR);
	EQ(handled_count, 2);
	sigprocmask(SIG_BLOCK, NULL, &now);
	EQ(sigismember(&now, SIGUSR1), 1);
}

// Stop, continue, and that each throws the other away.
TEST(stop_and_continue)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid)
		for (;;)
			pause();
	kill(pid, SIGSTOP);
	EQ(waitpid(pid, &status, WUNTRACED), pid);
	TRUE(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	EQ(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
	kill(pid, SIGCONT);
	EQ(waitpid(pid, &status, WCONTINUED), pid);
	TRUE(WIFCONTINUED(status));
	kill(pid, SIGTSTP);
	EQ(waitpid(pid, &status, WUNTRACED), pid);
	TRUE(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
	// A stopped process takes a signal only when it goes on, but for SIGKILL.
	kill(pid, SIGTERM);
	sleep_ms(10);
	EQ(waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGCONT);
	ROW("child");
	row_signalled(child_wait(pid), SIGTERM);
	pid = fork();
	if (!pid)
		for (;;)
			pause();
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	kill(pid, SIGKILL);
	ROW("stopped child");
	row_signalled(child_wait(pid), SIGKILL);
}

// Many frames on one stack, and what happens when it ends: SIGSEGV, with or without a handler.
static volatile int levels;

static void recursion(int sig, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	if (++levels < 60)
		raise(sig);
	handled_count++;
}

TEST(nested_frames)
{
	handled_count = levels = 0;
	handle_with(SIGUSR1, SA_NODEFER, recursion);
	raise(SIGUSR1);
	EQ(handled_count, 60);
}

static void endless(int sig, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	raise(sig);
}

static void faulting(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	(void)context;
	*(volatile char *)map_bad() = 1;
}

TEST(frames_without_end)
{
	SIGNALLED(SIGSEGV, {
		handle_with(SIGUSR1, SA_NODEFER, endless);
		raise(SIGUSR1);
	});
	// A handler of SIGSEGV that faults itself: blocked then, so it kills.
	SIGNALLED(SIGSEGV, {
		handle_with(SIGSEGV, 0, faulting);
		*(volatile char *)map_bad() = 1;
	});
	// A blocked or ignored fault kills.
	SIGNALLED(SIGSEGV, {
		sigset_t set = sigset_of(SIGSEGV);
		sigprocmask(SIG_BLOCK, &set, NULL);
		*(volatile char *)map_bad() = 1;
	});
	SIGNALLED(SIGSEGV, {
		signal(SIGSEGV, SIG_IGN);
		*(volatile char *)map_bad() = 1;
	});
}

TEST(exec_keeps_ignored_and_mask)
{
	pid_t pid = fork();

	if (!pid) {
		sigset_t set = sigset_of(SIGHUP);

		signal(SIGUSR1, SIG_IGN);
		handle(SIGUSR2, 0);
		sigprocmask(SIG_BLOCK, &set, NULL);
		raise(SIGHUP);
		execl(self_path(), "guest-tests", "--child", "show_signals", NULL);
		_exit(9);
	}
	ROW("new program");
	row_exited(child_wait(pid), 5);
}

CHILD_PROGRAM(show_signals)
{
	struct sigaction a, b;
	sigset_t mask, pending;
	stack_t alt;

	(void)argc;
	(void)argv;
	sigaction(SIGUSR1, NULL, &a);
	sigaction(SIGUSR2, NULL, &b);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	sigpending(&pending);
	sigaltstack(NULL, &alt);
	return a.sa_handler == SIG_IGN && b.sa_handler == SIG_DFL && sigismember(&mask, SIGHUP) &&
			       sigismember(&pending, SIGHUP) && !sigismember(&mask, SIGUSR1) &&
			       (alt.ss_flags & SS_DISABLE)
		       ? 5
		       : 1;
}

#ifdef __i386__
// The old calls of i386: sigaction, signal, sigprocmask, sigsuspend, sigpending, sgetmask, and
// frames of handlers without SA_SIGINFO, which come back by sigreturn.
static volatile u32 old_arg;
static void old_handler(int sig)
{
	old_arg = (u32)sig;
	handled_count++;
}

TEST_ON(I386, old_calls)
{
	struct {
		void *handler;
		u32 mask, flags;
		void *restorer;
	} act = {old_handler, 1u << (SIGUSR2 - 1), 0, NULL}, old = {0};
	u32 mask = 1u << (SIGUSR1 - 1), got = 0;

	handled_count = 0;
	EQ(sys(SYS_sigaction, SIGUSR1, &act, &old), 0);
	EQ(sys(SYS_sigaction, SIGUSR1, NULL, &old), 0);
	EQ((u32)(uintptr_t)old.handler, (u32)(uintptr_t)old_handler);
	EQ(old.mask, act.mask);
	raise(SIGUSR1);
	EQ(handled_count, 1);
	EQ(old_arg, SIGUSR1);
	EQ(sys(SYS_sigprocmask, SIG_BLOCK, &mask, &got), 0);
	EQ(got, 0);
	raise(SIGUSR1);
	EQ(handled_count, 1);
	EQ(sys(SYS_sigpending, &got), 0);
	EQ(got, mask);
	EQ(sys(SYS_sgetmask), mask);
	EQ(sys(SYS_ssetmask, 0), mask);
	EQ(handled_count, 2);
	EQ(sys(SYS_signal, SIGUSR1, SIG_IGN), (s32)(uintptr_t)old_handler);
	EQ(sys(SYS_signal, SIGUSR1, old_handler), (s32)(uintptr_t)SIG_IGN);
	raise(SIGUSR1); // one shot, as in the old days
	EQ(handled_count, 3);
	EQ(sys(SYS_signal, SIGUSR1, SIG_DFL), 0);
	ERR(sys(SYS_signal, SIGKILL, SIG_IGN), EINVAL);
	ERR(sys(SYS_sigaction, SIGKILL, &act, NULL), EINVAL);
	ERR(sys(SYS_sigaction, 65, &act, NULL), EINVAL);
	ERR(sys(SYS_sigaction, SIGUSR1, map_bad(), NULL), EFAULT);
	sys(SYS_sigaction, SIGUSR1, &act, NULL);
	sys(SYS_ssetmask, mask);
	raise(SIGUSR1);
	EQ(handled_count, 3);
	ERR(sys(SYS_sigsuspend, 0, 0, 0), EINTR);
	EQ(handled_count, 4);
	EQ(sys(SYS_sgetmask), mask);
}

// Handlers take their arguments on the stack and, with regparm, in registers: eax, edx, ecx.
static volatile u32 reg_args[3], stack_args[3];
__asm__(".text\nreg_handler:\n"
	"\tmov %eax,reg_args\n\tmov %edx,reg_args+4\n\tmov %ecx,reg_args+8\n"
	"\tmov 4(%esp),%eax\n\tmov %eax,stack_args\n\tmov 8(%esp),%eax\n\tmov %eax,stack_args+4\n"
	"\tmov 12(%esp),%eax\n\tmov %eax,stack_args+8\n\tret\n");
extern void reg_handler(int, siginfo_t *, void *);

TEST_ON(I386, handler_arguments)
{
	(void)stack_args;
	handle_with(SIGUSR1, 0, reg_handler);
	raise(SIGUSR1);
	EQ(reg_args[0], SIGUSR1);
	EQ(stack_args[0], SIGUSR1);
	EQ(reg_args[1], stack_args[1]);
	EQ(reg_args[2], stack_args[2]);
	TRUE(stack_args[1] != 0 && stack_args[2] != 0);
}
#endif

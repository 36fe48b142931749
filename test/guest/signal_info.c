// SPDX-License-Identifier: MIT
// The siginfo of each cause: who sent it, why, where; and the state that a handler sees of a fault.
#include "test/guest/test.h"

#include <ucontext.h>

TEST(from_kill)
{
	handle(SIGUSR1, 0);
	kill(getpid(), SIGUSR1);
	EQ(handled_info.si_signo, SIGUSR1);
	EQ(handled_info.si_errno, 0);
	EQ(handled_info.si_code, SI_USER);
	EQ(handled_info.si_pid, getpid());
	EQ(handled_info.si_uid, getuid());
	sys(SYS_tgkill, getpid(), sys(SYS_gettid), SIGUSR1);
	EQ(handled_info.si_code, SI_TKILL);
	EQ(handled_info.si_pid, getpid());
	EQ(handled_count, 2);
}

TEST(from_queue)
{
	handle(SIGUSR1, 0);
	OKC(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_ptr = &handled_info}));
	EQ(handled_info.si_code, SI_QUEUE);
	EQ(handled_info.si_pid, getpid());
	EQ(handled_info.si_uid, getuid());
	EQ((uintptr_t)handled_info.si_value.sival_ptr, (uintptr_t)&handled_info);
}

static void wait_for(int count)
{
	for (int i = 0; i < 2000 && handled_count < count; i++)
		sleep_ms(1);
}

TEST(from_children)
{
	handle(SIGCHLD, SA_RESTART);
	pid_t pid = fork();
	if (!pid)
		_exit(42);
	wait_for(1);
	EQ(handled_info.si_signo, SIGCHLD);
	EQ(handled_info.si_code, CLD_EXITED);
	EQ(handled_info.si_status, 42);
	EQ(handled_info.si_pid, pid);
	EQ(handled_info.si_uid, getuid());
	child_wait(pid);
	pid = fork();
	if (!pid)
		raise(SIGTERM);
	wait_for(2);
	EQ(handled_info.si_code, CLD_KILLED);
	EQ(handled_info.si_status, SIGTERM);
	child_wait(pid);
	pid = fork();
	if (!pid) {
		for (;;)
			pause();
	}
	kill(pid, SIGSTOP);
	wait_for(3);
	EQ(handled_info.si_code, CLD_STOPPED);
	EQ(handled_info.si_status, SIGSTOP);
	kill(pid, SIGCONT);
	wait_for(4);
	EQ(handled_info.si_code, CLD_CONTINUED);
	EQ(handled_info.si_status, SIGCONT);
	// SA_NOCLDSTOP: stops tell nothing.
	handle(SIGCHLD, SA_NOCLDSTOP);
	kill(pid, SIGSTOP);
	int status;
	EQ(waitpid(pid, &status, WUNTRACED), pid);
	sleep_ms(5);
	EQ(handled_count, 0);
	kill(pid, SIGKILL);
	wait_for(1);
	EQ(handled_info.si_code, CLD_KILLED);
	child_wait(pid);
}

TEST(from_memory)
{
	char *none = map_pages(1), *ro = map_pages(1);

	mprotect(none, PAGE, PROT_NONE);
	mprotect(ro, PAGE, PROT_READ);
	FAULTS(touch_read, map_bad(), SIGSEGV, SEGV_MAPERR);
	EQ(caught.trapno, 14);
	EQ(caught.error & 7, 4);
	EQ(caught.cr2, (uintptr_t)map_bad());
	FAULTS(touch_write, map_bad(), SIGSEGV, SEGV_MAPERR);
	EQ(caught.error & 7, 6);
	FAULTS(touch_read, none + 5, SIGSEGV, SEGV_ACCERR);
	FAULTS(touch_write, ro + 7, SIGSEGV, SEGV_ACCERR);
	EQ(caught.error & 6, 6);
	EQ(caught.cr2, (uintptr_t)(ro + 7));
	EQ(touch_read(ro), 0);
	FAULTS(touch_exec, ro, SIGSEGV, SEGV_ACCERR);
	EQ(caught.error & 0x14, 0x14);
	FAULTS(touch_exec, map_bad(), SIGSEGV, SEGV_MAPERR);
	FAULTS(touch_read, 0, SIGSEGV, SEGV_MAPERR);
#if defined(__x86_64__) && !defined(__ILP32__)
	// Non-canonical: a general protection fault, of which the address is not known.
	EQ(touch_read(AS_PTR(0x8000000000000000)), SIGSEGV);
	EQ(caught.info.si_code, 0x80);
	EQ((uintptr_t)caught.info.si_addr, 0);
	EQ(caught.trapno, 13);
	// The kernel's half: as if nothing were there.
	FAULTS(touch_read, 0xffffffff81000000, SIGSEGV, SEGV_MAPERR);
	FAULTS(touch_write, 0xffff888000000000, SIGSEGV, SEGV_MAPERR);
#endif
}

TEST(from_files)
{
	int fd = file_with("short", "0123456789");
	char *m = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	MUST(m != MAP_FAILED);
	EQ(touch_read(m + 9), 0);
	EQ(touch_read(m + PAGE - 1), 0);
	FAULTS(touch_read, m + PAGE, SIGBUS, BUS_ADRERR);
	FAULTS(touch_write, m + 2 * PAGE + 1, SIGBUS, BUS_ADRERR);
	OKC(ftruncate(fd, 2 * PAGE));
	EQ(touch_write(m + PAGE), 0);
	OKC(ftruncate(fd, 10));
	FAULTS(touch_read, m + PAGE, SIGBUS, BUS_ADRERR);
}

static void run_divide(void *arg)
{
	(void)arg;
	__asm__ volatile("xor %%edx,%%edx; xor %%ecx,%%ecx; idivl %%ecx" ::: "eax", "ecx", "edx");
}

static void run_overflow(void *arg)
{
	(void)arg;
	// INT_MIN / -1
	__asm__ volatile("mov $0x80000000,%%eax; cltd; mov $-1,%%ecx; idivl %%ecx" ::
				 : "eax", "ecx", "edx");
}

TEST(from_instructions)
{
	EQ(caught_run(run_divide, NULL), SIGFPE);
	EQ(caught.info.si_code, FPE_INTDIV);
	EQ(caught_run(run_overflow, NULL), SIGFPE);
	EQ(caught.info.si_code, FPE_INTDIV);
}

TEST(from_timers)
{
	struct itimerval it = {{0, 0}, {0, 5000}};

	handle(SIGALRM, 0);
	setitimer(ITIMER_REAL, &it, NULL);
	wait_for(1);
	EQ(handled_info.si_signo, SIGALRM);
	EQ(handled_info.si_code, 0x80); // SI_KERNEL
}

TEST(from_pipes)
{
	int fds[2];

	handle(SIGPIPE, 0);
	OKC(pipe(fds));
	close(fds[0]);
	ERRNO((int)write(fds[1], "x", 1), EPIPE);
	EQ(handled_count, 1);
	EQ(handled_info.si_code, SI_USER);
	EQ(handled_info.si_pid, getpid());
	SIGNALLED(SIGPIPE, {
		signal(SIGPIPE, SIG_DFL);
		if (write(fds[1], "x", 1) != 1)
			_exit(1);
	});
}

// The registers of a fault are those of the instruction; changing them moves the program on.
static volatile u64 fault_at;
static char *good_page;

static void repair(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	fault_at = (uintptr_t)info->si_addr;
#ifdef __i386__
	uc->uc_mcontext.gregs[REG_EAX] = (greg_t)(uintptr_t)good_page;
#else
	uc->uc_mcontext.gregs[REG_RAX] = (greg_t)(uintptr_t)good_page;
#endif
	handled_count++;
}

TEST(repair_by_context)
{
	char *bad = map_bad();
	u32 got;

	good_page = map_pages(1);
	strcpy(good_page, "good");
	handled_count = 0;
	handle_with(SIGSEGV, 0, repair);
	// As wide as the register, so that x32's upper half is clean.
	__asm__ volatile("movl (%1),%0" : "=r"(got), "+a"(bad));
	EQ(handled_count, 1);
	EQ(fault_at, (uintptr_t)map_bad());
	EQ(memcmp(&got, "good", 4), 0);
}

// The handler maps what was missing, and the instruction goes through.
static void map_it(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	void *page = AS_PTR((uintptr_t)info->si_addr & ~(uintptr_t)(PAGE - 1));
	if (mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		 0) != page)
		_exit(9);
	handled_count++;
}

TEST(repair_by_mapping)
{
	volatile int *p = map_bad();

	handled_count = 0;
	handle_with(SIGSEGV, 0, map_it);
	p[3] = 1234;
	EQ(p[3], 1234);
	EQ(handled_count, 1);
	munmap((void *)(uintptr_t)p, PAGE);
}

// SPDX-License-Identifier: MIT
// Threads: raw clone with TLS in each ABI's way, and a program with libc's threads.
#include "test/guest/test.h"

#include <asm/ldt.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>

enum { THREADS = 8, ROUNDS = 300 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int counter, turn;
static __thread int mine = 77;

static void *count(void *arg)
{
	if (mine != 77)
		return (void *)1;
	mine = (int)(intptr_t)arg;
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&mutex);
		int c = counter;
		if (i % 50 == 0)
			sched_yield();
		counter = c + 1;
		pthread_mutex_unlock(&mutex);
	}
	return mine == (int)(intptr_t)arg ? NULL : (void *)2;
}

TEST(mutex)
{
	pthread_t t[THREADS];
	void *result;

	for (intptr_t i = 0; i < THREADS; i++)
		EQ(pthread_create(&t[i], NULL, count, (void *)i), 0);
	for (int i = 0; i < THREADS; i++) {
		EQ(pthread_join(t[i], &result), 0);
		EQ((uintptr_t)result, 0);
	}
	EQ(counter, THREADS * ROUNDS);
	EQ(mine, 77);
}

static void *take_turns(void *arg)
{
	int me = (int)(intptr_t)arg;

	for (int i = 0; i < 100; i++) {
		pthread_mutex_lock(&mutex);
		while (turn != me)
			pthread_cond_wait(&cond, &mutex);
		turn = !me;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

TEST(condition)
{
	pthread_t a, b;

	turn = 0;
	EQ(pthread_create(&a, NULL, take_turns, (void *)0), 0);
	EQ(pthread_create(&b, NULL, take_turns, (void *)1), 0);
	EQ(pthread_join(a, NULL), 0);
	EQ(pthread_join(b, NULL), 0);
	EQ(turn, 0);
}

static void *ids(void *arg)
{
	pid_t *out = arg;

	out[0] = getpid();
	out[1] = (pid_t)sys(SYS_gettid);
	out[2] = getppid();
	return NULL;
}

TEST(identity)
{
	pthread_t t;
	pid_t out[3];

	EQ(pthread_create(&t, NULL, ids, out), 0);
	EQ(pthread_join(t, NULL), 0);
	EQ(out[0], getpid());
	TRUE(out[1] != getpid() && out[1] > 0);
	EQ(out[2], getppid());
	EQ(sys(SYS_gettid), getpid());
	// join waits for the cleared word, which comes a moment before the thread is gone.
	for (int i = 0; i < 1000 && sys(SYS_tgkill, getpid(), out[1], 0) == 0; i++)
		sleep_ms(1);
	ERR(sys(SYS_tgkill, getpid(), out[1], 0), ESRCH);
}

static volatile pid_t signalled_tid;
static volatile bool ready, stop;

static void note_tid(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	(void)context;
	signalled_tid = (pid_t)sys(SYS_gettid);
}

static void *wait_for_signal(void *arg)
{
	*(volatile pid_t *)arg = (pid_t)sys(SYS_gettid);
	ready = true;
	while (!stop)
		sleep_ms(1);
	return NULL;
}

// A signal to a thread goes to it; one to the process goes to a thread that does not block it.
TEST(signals)
{
	pthread_t t;
	pid_t tid = 0;
	sigset_t set = sigset_of(SIGUSR1);

	handle_with(SIGUSR1, 0, note_tid);
	EQ(pthread_create(&t, NULL, wait_for_signal, &tid), 0);
	while (!ready)
		sleep_ms(1);
	EQ(sys(SYS_tgkill, getpid(), tid, SIGUSR1), 0);
	for (int i = 0; i < 2000 && !signalled_tid; i++)
		sleep_ms(1);
	EQ(signalled_tid, tid);
	signalled_tid = 0;
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR1);
	for (int i = 0; i < 2000 && !signalled_tid; i++)
		sleep_ms(1);
	EQ(signalled_tid, tid);
	stop = true;
	pthread_join(t, NULL);
}

static void *sleep_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

static void *end_all(void *arg)
{
	sleep_ms(10);
	sys(SYS_exit_group, (int)(intptr_t)arg);
	return NULL;
}

static void *exec_it(void *arg)
{
	(void)arg;
	execl(self_path(), "guest-tests", "--child", "show_pid", NULL);
	return NULL;
}

CHILD_PROGRAM(show_pid)
{
	(void)argc;
	(void)argv;
	return sys(SYS_gettid) == getpid() ? 23 : 1;
}

static void *fault(void *arg)
{
	(void)arg;
	*(volatile char *)map_bad() = 1;
	return NULL;
}

// The end of a process with threads: exit_group from any, a fatal signal to any, exec from any.
TEST(ends)
{
	pthread_t t;

	EXITS(17, {
		for (int i = 0; i < 4; i++)
			pthread_create(&t, NULL, sleep_for_ever, NULL);
		pthread_create(&t, NULL, end_all, (void *)17);
		pause();
	});
	SIGNALLED(SIGSEGV, {
		for (int i = 0; i < 4; i++)
			pthread_create(&t, NULL, sleep_for_ever, NULL);
		pthread_create(&t, NULL, fault, NULL);
		for (;;)
			pause();
	});
	SIGNALLED(SIGKILL, {
		for (int i = 0; i < 4; i++)
			pthread_create(&t, NULL, sleep_for_ever, NULL);
		kill(getpid(), SIGKILL);
		pause();
	});
	EXITS(23, {
		for (int i = 0; i < 4; i++)
			pthread_create(&t, NULL, sleep_for_ever, NULL);
		pthread_create(&t, NULL, exec_it, NULL);
		for (;;)
			pause();
	});
	// The first thread ends by itself; the process goes on until the last does.
	EXITS(0, {
		pthread_create(&t, NULL, sleep_for_ever, NULL);
		pthread_create(&t, NULL, end_all, (void *)0);
		sys(SYS_exit, 9);
	});
}

/* --- raw clone --- */

static u32 raw_tid __attribute__((aligned(64)));
static volatile u32 raw_tls_value;
static char raw_stack[65536] __attribute__((aligned(64)));
static u64 raw_tls[8] = {0, 0x51};

// The child's first steps have no libc below them: its TLS is ours. It reads the second word of it
// by the segment register, stores it, and exits.
static int thread_main(void *arg)
{
	(void)arg;
#ifdef __i386__
	__asm__ volatile("mov %%gs:8,%0" : "=r"(raw_tls_value));
	__asm__ volatile("movl $1,raw_done; int $0x80" ::"a"(SYS_exit), "b"(0));
#else
	__asm__ volatile("mov %%fs:8,%0" : "=r"(raw_tls_value));
	__asm__ volatile("movl $1,raw_done(%%rip); syscall" ::"a"(SYS_exit), "D"(0));
#endif
	__builtin_unreachable();
}

u32 raw_done;

TEST(raw_clone_tls)
{
	void *tls = raw_tls;
	struct timespec ts = {3, 0};
#ifdef __i386__
	// CLONE_SETTLS takes a user_desc there, whose entry the new thread's gs already selects.
	u16 gs;
	__asm__("mov %%gs,%0" : "=r"(gs));
	struct user_desc desc = {.entry_number = gs >> 3,
				 .base_addr = (u32)(uintptr_t)raw_tls,
				 .limit = 0xfffff,
				 .seg_32bit = 1,
				 .limit_in_pages = 1,
				 .useable = 1};
	tls = &desc;
#endif
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
		    CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
	raw_tid = 1;
	int tid = clone(thread_main, raw_stack + sizeof(raw_stack) - 64, flags, NULL, &raw_tid, tls,
			&raw_tid);
	TRUE(tid > 0);
	// The kernel clears the word and wakes who waits on it.
	for (int i = 0; i < 100 && *(volatile u32 *)&raw_tid; i++) {
		u32 seen = *(volatile u32 *)&raw_tid;
		if (seen)
			sys(SYS_futex, &raw_tid, FUTEX_WAIT, seen, &ts, 0, 0);
	}
	EQ(raw_tid, 0);
	EQ(raw_done, 1);
	EQ(raw_tls_value, 0x51);
}

// Creating and joining many, one after another: nothing runs out.
static void *nothing(void *arg)
{
	return arg;
}

TEST(create_and_join)
{
	for (intptr_t i = 0; i < 200; i++) {
		pthread_t t;
		void *r;

		if (pthread_create(&t, NULL, nothing, (void *)i) || pthread_join(t, &r) ||
		    r != (void *)i) {
			test_fail("thread %d", (int)i);
			break;
		}
	}
}

// Faults in several threads at once on the same fresh pages: each page is given once.
static volatile u32 *fresh;

static void *touch_pages(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 256; i++)
		__atomic_fetch_add(&fresh[i * PAGE / 4], 1, __ATOMIC_SEQ_CST);
	return NULL;
}

TEST(parallel_faults)
{
	pthread_t t[4];

	fresh = map_pages(256);
	for (int i = 0; i < 4; i++)
		EQ(pthread_create(&t[i], NULL, touch_pages, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	for (unsigned i = 0; i < 256; i++)
		if (fresh[i * PAGE / 4] != 4) {
			test_fail("page %u counts %u", i, fresh[i * PAGE / 4]);
			break;
		}
}

// munmap while another thread uses the pages: it faults, and nothing stale is left in its TLB.
static volatile bool stop_reading;
static char *volatile shot;

static void *read_on(void *arg)
{
	(void)arg;
	while (!stop_reading)
		(void)*(volatile char *)shot;
	return NULL;
}

TEST(shootdown)
{
	pthread_t t;

	EXITS(5, {
		shot = map_pages(1);
		pthread_create(&t, NULL, read_on, NULL);
		for (int i = 0; i < 100; i++) {
			char *next = map_pages(1);
			char *old = shot;
			*next = 1;
			shot = next;
			sys(SYS_sched_yield);
			mprotect(old, PAGE, PROT_READ);
		}
		stop_reading = true;
		pthread_join(t, NULL);
		_exit(5);
	});
	SIGNALLED(SIGSEGV, {
		stop_reading = false;
		shot = map_pages(1);
		pthread_create(&t, NULL, read_on, NULL);
		sleep_ms(5);
		munmap(shot, PAGE);
		sleep_ms(3000);
		_exit(9);
	});
}

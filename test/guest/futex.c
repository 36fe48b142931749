// SPDX-License-Identifier: MIT
// futex: wait, wake, requeue, bit sets, timeouts, private and shared; robust lists.
#include "test/guest/test.h"

#include <linux/futex.h>

static u32 *word; // shared with children

static sreg_t futex(u32 *at, int op, u32 value, const void *timeout, u32 *second, u32 third)
{
	return sys(SYS_futex, at, op, value, timeout, second, third);
}

static void shared_words(void)
{
	word = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (word == MAP_FAILED)
		test_fail("mmap");
}

// A child that waits on a word and exits with 5 when woken.
static pid_t waiter(u32 *at, int op, u32 value, u32 bits)
{
	pid_t pid = fork();

	if (!pid) {
		sreg_t r = futex(at, op, value, NULL, NULL, bits);
		_exit(r == 0 ? 5 : r == -EAGAIN ? 6 : 7);
	}
	return pid;
}

static void woken(pid_t pid)
{
	ROW("waiter");
	row_exited(child_wait(pid), 5);
}

// Wakes until so many were woken; the waiters may not sleep yet.
static int wake_all(u32 *at, int op, u32 bits, int want)
{
	int total = 0;

	for (int i = 0; i < 2000 && total < want; i++) {
		total += (int)futex(at, op, (u32)(want - total), NULL, NULL, bits);
		if (total < want)
			sleep_ms(1);
	}
	return total;
}

TEST(errnos)
{
	u32 w = 5;
	struct timespec bad = {0, 1000000000}, negative = {-1, 0};

	ERR(futex(&w, FUTEX_WAIT, 6, NULL, NULL, 0), EAGAIN);
	ERR(futex(AS_PTR((uintptr_t)&w + 1), FUTEX_WAIT, 5, NULL, NULL, 0), EINVAL);
	ERR(futex(AS_PTR((uintptr_t)&w + 2), FUTEX_WAKE, 5, NULL, NULL, 0), EINVAL);
	ERR(futex(map_bad(), FUTEX_WAIT, 5, NULL, NULL, 0), EFAULT);
	ERR(futex(map_bad(), FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 5, NULL, NULL, 0), EFAULT);
	ERR(futex(&w, 100, 5, NULL, NULL, 0), ENOSYS);
	ERR(futex(&w, FUTEX_WAIT, 5, &bad, NULL, 0), EINVAL);
	ERR(futex(&w, FUTEX_WAIT, 5, &negative, NULL, 0), EINVAL);
	ERR(futex(&w, FUTEX_WAIT, 5, map_bad(), NULL, 0), EFAULT);
	ERR(futex(&w, FUTEX_WAIT_BITSET, 5, NULL, NULL, 0), EINVAL);
	ERR(futex(&w, FUTEX_WAKE_BITSET, 5, NULL, NULL, 0), EINVAL);
	EQ(futex(&w, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
	EQ(futex(&w, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0), 0);
	ERR(futex(&w, FUTEX_CMP_REQUEUE, 1, AS_PTR(1), &w, 6), EAGAIN);
	ERR(futex(&w, FUTEX_REQUEUE, (u32)-1, AS_PTR(1), &w, 0), EINVAL);
	ERR(futex(&w, FUTEX_REQUEUE, 1, AS_PTR((uintptr_t)-1), &w, 0), EINVAL);
	for (unsigned i = 0; i < hostile_count; i++) {
		sreg_t r = sys(SYS_futex, hostile_addresses[i], FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1);
		// a private key needs no memory below it
		TRUE(r == -EFAULT || r == -EINVAL || r == 0);
		r = sys(SYS_futex, hostile_addresses[i] & ~3ull, FUTEX_WAIT, 1);
		EQ(r, -EFAULT);
	}
}

TEST(timeouts)
{
	u32 w = 5;
	struct timespec ts = {0, 20000000};
	u64 begin = now_ns(CLOCK_MONOTONIC);

	ERR(futex(&w, FUTEX_WAIT, 5, &ts, NULL, 0), ETIMEDOUT);
	BETWEEN((now_ns(CLOCK_MONOTONIC) - begin) / 1000000, 20, 3000);
	// WAIT_BITSET's is absolute, monotonic or real.
	begin = now_ns(CLOCK_MONOTONIC);
	u64 end = begin + 20000000;
	ts = (struct timespec){(time_t)(end / 1000000000), (long)(end % 1000000000)};
	ERR(futex(&w, FUTEX_WAIT_BITSET, 5, &ts, NULL, ~0u), ETIMEDOUT);
	TRUE(now_ns(CLOCK_MONOTONIC) >= end);
	end = now_ns(CLOCK_REALTIME) + 20000000;
	ts = (struct timespec){(time_t)(end / 1000000000), (long)(end % 1000000000)};
	ERR(futex(&w, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 5, &ts, NULL, ~0u), ETIMEDOUT);
	TRUE(now_ns(CLOCK_REALTIME) >= end);
	ts = (struct timespec){1, 0};
	ERR(futex(&w, FUTEX_WAIT_BITSET, 5, &ts, NULL, ~0u), ETIMEDOUT);
}

TEST(wake)
{
	shared_words();
	pid_t a = waiter(word, FUTEX_WAIT, 0, 0), b = waiter(word, FUTEX_WAIT, 0, 0);

	EQ(wake_all(word, FUTEX_WAKE, 0, 1), 1);
	EQ(wake_all(word, FUTEX_WAKE, 0, 1), 1);
	woken(a);
	woken(b);
	EQ(futex(word, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
	// A signal interrupts it; with SA_RESTART it waits on.
	handle(SIGUSR1, 0);
	pid_t me = getpid(), pid = fork();
	if (!pid) {
		sleep_ms(30);
		kill(me, SIGUSR1);
		_exit(0);
	}
	ERR(futex(word, FUTEX_WAIT, 0, NULL, NULL, 0), EINTR);
	child_wait(pid);
	handle(SIGUSR1, SA_RESTART);
	pid = fork();
	if (!pid) {
		sleep_ms(30);
		kill(me, SIGUSR1);
		sleep_ms(20);
		_exit(wake_all(word, FUTEX_WAKE, 0, 1) == 1 ? 0 : 1);
	}
	EQ(futex(word, FUTEX_WAIT, 0, NULL, NULL, 0), 0);
	EQ(handled_count, 1);
	child_wait(pid);
}

TEST(bitset)
{
	shared_words();
	pid_t a = waiter(word, FUTEX_WAIT_BITSET, 0, 1), b = waiter(word, FUTEX_WAIT_BITSET, 0, 2);

	EQ(wake_all(word, FUTEX_WAKE_BITSET, 2, 1), 1);
	woken(b);
	EQ(futex(word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 4), 0);
	EQ(wake_all(word, FUTEX_WAKE_BITSET, 3, 1), 1);
	woken(a);
}

TEST(requeue)
{
	shared_words();
	pid_t pids[4];

	for (int i = 0; i < 4; i++)
		pids[i] = waiter(word, FUTEX_WAIT, 0, 0);
	// Wakes one and moves the others as they come.
	int done = 0, moved = 0;
	for (int i = 0; i < 2000 && done + moved < 4; i++) {
		sreg_t n = futex(word, FUTEX_CMP_REQUEUE, done ? 0 : 1, AS_PTR(10), word + 16, 0);
		if (n < 0) {
			test_fail("requeue: %lld", (s64)n);
			break;
		}
		if (n && !done) {
			done = 1;
			n--;
		}
		moved += (int)n;
		sleep_ms(1);
	}
	EQ(done, 1);
	EQ(moved, 3);
	EQ(futex(word, FUTEX_WAKE, 10, NULL, NULL, 0), 0);
	EQ(futex(word + 16, FUTEX_WAKE, 10, NULL, NULL, 0), 3);
	for (int i = 0; i < 4; i++)
		woken(pids[i]);
	// Hazard 46: to the same address.
	sreg_t same = futex(word, FUTEX_CMP_REQUEUE, 1, AS_PTR(1), word, 0);
	TRUE(same == 0 || same == -EINVAL);
}

TEST(wake_op)
{
	shared_words();
	pid_t a = waiter(word, FUTEX_WAIT, 0, 0), b = waiter(word + 16, FUTEX_WAIT, 0, 0);

	sleep_ms(30);
	// second += 3; the second's waiters too when its old value was 0
	sreg_t n = futex(word, FUTEX_WAKE_OP, 1, AS_PTR(1), word + 16,
			 FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 0));
	EQ(n, 2);
	EQ(word[16], 3);
	woken(a);
	woken(b);
	n = futex(word, FUTEX_WAKE_OP, 1, AS_PTR(1), word + 16,
		  FUTEX_OP(FUTEX_OP_ANDN, 1, FUTEX_OP_CMP_LT, 0));
	EQ(n, 0);
	EQ(word[16], 2);
	futex(word, FUTEX_WAKE_OP, 1, AS_PTR(1), word + 16,
	      FUTEX_OP((FUTEX_OP_OR | FUTEX_OP_OPARG_SHIFT), 4, FUTEX_OP_CMP_GT, 0));
	EQ(word[16], 18);
	ERR(futex(word, FUTEX_WAKE_OP, 1, AS_PTR(1), map_bad(),
		  FUTEX_OP(FUTEX_OP_SET, 1, FUTEX_OP_CMP_EQ, 0)),
	    EFAULT);
}

// A shared futex in a file is found through different mappings; a private one only in its own
// space.
TEST(keys)
{
	int fd = file_with("futex", "0000");
	ftruncate(fd, PAGE);
	u32 zero = 0;
	EQ(pwrite(fd, &zero, 4, 0), 4);
	u32 *a = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	u32 *b = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	MUST(a != MAP_FAILED && b != MAP_FAILED && a != b);
	pid_t pid = waiter(a, FUTEX_WAIT, 0, 0);
	EQ(wake_all(b, FUTEX_WAKE, 0, 1), 1);
	woken(pid);
	shared_words();
	pid = waiter(word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, 0);
	sleep_ms(20);
	EQ(futex(word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0), 0);
	EQ(futex(word, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
	kill(pid, SIGKILL);
	child_wait(pid);
}

// Robust lists: a lock whose owner dies is marked and its waiter woken.
TEST(robust)
{
	struct {
		long next, offset, pending;
	} * head;
	long size = 0;
	void *got = NULL;

	shared_words();
	ERR(sys(SYS_set_robust_list, word, 5), EINVAL);
	EQ(sys(SYS_get_robust_list, 0, &got, &size), 0);
	EQ(size, 3 * sizeof(long));
	ERR(sys(SYS_get_robust_list, 0x3ffffff, &got, &size), ESRCH);
	head = AS_PTR((uintptr_t)word + 1024);
	long *entry = AS_PTR((uintptr_t)word + 2048);
	pid_t pid = fork();
	if (!pid) {
		head->next = (long)(uintptr_t)entry;
		head->offset = 16;
		head->pending = 0;
		*entry = (long)(uintptr_t)head;
		u32 *lock = AS_PTR((uintptr_t)entry + 16);
		*lock = (u32)sys(SYS_gettid) | FUTEX_WAITERS;
		sys(SYS_set_robust_list, head, 3 * sizeof(long));
		sleep_ms(20);
		_exit(0);
	}
	u32 *lock = AS_PTR((uintptr_t)entry + 16);
	while (!*(volatile u32 *)lock)
		sleep_ms(1);
	struct timespec ts = {3, 0};
	sreg_t r = futex(lock, FUTEX_WAIT, (u32)pid | FUTEX_WAITERS, &ts, NULL, 0);
	TRUE(r == 0 || r == -EAGAIN);
	child_wait(pid);
	EQ(*lock & FUTEX_OWNER_DIED, FUTEX_OWNER_DIED);
	EQ(*lock & FUTEX_TID_MASK, 0);
}

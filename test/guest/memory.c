// SPDX-License-Identifier: MIT
// Address spaces: the rows of mmap and its family, copy on write, stack growth, brk, shared memory,
// the ends of user space.
#include "test/guest/test.h"

#include <sys/resource.h>

#define MAP_AP			      (MAP_PRIVATE | MAP_ANONYMOUS)
#define RAW_MMAP(a, n, p, f, fd, off) sys(SYS_MMAP, a, n, p, f, fd, (off) / MMAP_UNIT)
#ifdef __i386__
#define SYS_MMAP  SYS_mmap2
#define MMAP_UNIT PAGE
static const u64 user_end = 0xffffe000; // what an i386 program has on a 64-bit kernel
#else
#define SYS_MMAP  SYS_mmap
#define MMAP_UNIT 1
static const u64 user_end = 0x7ffffffff000;
#endif

static bool failed(sreg_t r)
{
	return r < 0 && r >= -4095;
}

TEST(mmap_errnos)
{
	int file = file_with("f", "content"), wo = open("f", O_WRONLY), ro = open("f", O_RDONLY);
	int fds[2], dir = open(".", O_RDONLY | O_DIRECTORY);

	OKC(pipe(fds));
	ERR(RAW_MMAP(0, 0, PROT_READ, MAP_AP, -1, 0), EINVAL);
	// neither shared nor private
	ERR(RAW_MMAP(0, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL);
	ERR(RAW_MMAP(0, PAGE, PROT_READ, MAP_PRIVATE, -1, 0), EBADF);
	ERR(RAW_MMAP(0, PAGE, PROT_READ, MAP_PRIVATE, 4000, 0), EBADF);
	ERR(RAW_MMAP(1, PAGE, PROT_READ, MAP_AP | MAP_FIXED, -1, 0), EINVAL);
	ERR(RAW_MMAP(0x123, PAGE, PROT_READ, MAP_AP | MAP_FIXED_NOREPLACE, -1, 0), EINVAL);
	ERR(RAW_MMAP(user_end, PAGE, PROT_READ, MAP_AP | MAP_FIXED, -1, 0), ENOMEM);
	ERR(RAW_MMAP(user_end - PAGE, 2 * PAGE, PROT_READ, MAP_AP | MAP_FIXED, -1, 0), ENOMEM);
#ifndef __i386__
	ERR(RAW_MMAP(0, PAGE, PROT_READ, MAP_PRIVATE, file, 1), EINVAL);
	ERR(RAW_MMAP(0xffff800000000000, PAGE, PROT_READ, MAP_AP | MAP_FIXED, -1, 0), ENOMEM);
	ERR(RAW_MMAP(0x800000000000, PAGE, PROT_READ, MAP_AP | MAP_FIXED, -1, 0), ENOMEM);
	ERR(RAW_MMAP(0, 0xfffffffffffff001, PROT_READ, MAP_AP, -1, 0), ENOMEM);
	ERR(RAW_MMAP(0, 1ull << 47, PROT_READ, MAP_AP, -1, 0), ENOMEM);
#endif
	ERR(RAW_MMAP(0, PAGE, PROT_READ, MAP_PRIVATE, wo, 0), EACCES);
	ERR(RAW_MMAP(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, ro, 0), EACCES);
	ERR(RAW_MMAP(0, PAGE, PROT_READ, MAP_SHARED, wo, 0), EACCES);
	ERR(RAW_MMAP(0, PAGE, PROT_READ, MAP_PRIVATE, fds[0], 0), ENODEV);
	ERR(RAW_MMAP(0, PAGE, PROT_READ, MAP_PRIVATE, dir, 0), ENODEV);
	// SHARED_VALIDATE knows no such flag
	ERR(RAW_MMAP(0, PAGE, PROT_READ, 3 | 0x01000000, file, 0), EOPNOTSUPP);
	TRUE(!failed(RAW_MMAP(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, ro, 0)));
	TRUE(!failed(RAW_MMAP(0, PAGE, PROT_READ, MAP_PRIVATE, file, 0)));
}

TEST(mmap_places)
{
	char *a = map_pages(4);

	// A hint is taken when free, not when in use.
	munmap(a + PAGE, PAGE);
	EQ(RAW_MMAP(a + PAGE, PAGE, PROT_READ, MAP_AP, -1, 0), (sreg_t)(uintptr_t)(a + PAGE));
	TRUE(RAW_MMAP(a, PAGE, PROT_READ, MAP_AP, -1, 0) != (sreg_t)(uintptr_t)a);
	ERR(RAW_MMAP(a, PAGE, PROT_READ, MAP_AP | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
	// MAP_FIXED takes what is there.
	a[2 * PAGE] = 7;
	EQ(RAW_MMAP(a + 2 * PAGE, PAGE, PROT_READ, MAP_AP | MAP_FIXED, -1, 0),
	   (sreg_t)(uintptr_t)(a + 2 * PAGE));
	EQ(a[2 * PAGE], 0);
	a[3 * PAGE] = 3; // its neighbour is as before
	EQ(touch_write(a + 2 * PAGE), SIGSEGV);
	// A size is rounded up to pages.
	char *b = AS_PTR(RAW_MMAP(0, 1, PROT_READ, MAP_AP, -1, 0));
	EQ(touch_read(b + PAGE - 1), 0);
#ifdef __LP64__ // x32's calls are 32-bit ones already
	sreg_t low = RAW_MMAP(0, PAGE, PROT_READ, MAP_AP | MAP_32BIT, -1, 0);
	BETWEEN(low, 0x10000, 0x80000000);
#endif
#ifdef __ILP32__
	// x32 and i386 addresses fit their pointers.
	for (int i = 0; i < 20; i++) {
		u64 at = (u64)RAW_MMAP(0, 64 * PAGE, PROT_READ, MAP_AP, -1, 0) &
			 (sizeof(reg_t) == 4 ? 0xffffffff : ~0ull);
		TRUE(at < 0x100000000);
	}
#endif
	// Below mmap_min_addr: for root allowed on Linux; a hint of 0 never gives page 0.
	TRUE(RAW_MMAP(0, PAGE, PROT_READ, MAP_AP, -1, 0) != 0);
}

// Hazard 16: the last page of the user's half can't be had by any call.
TEST(top_page)
{
#ifndef __i386__
	static const u64 top = 0x7ffffffff000;
	char *p = map_pages(1);

	ERR(RAW_MMAP(top, PAGE, PROT_READ | PROT_EXEC, MAP_AP | MAP_FIXED, -1, 0), ENOMEM);
	ERR(RAW_MMAP(top - PAGE, 2 * PAGE, PROT_READ, MAP_AP | MAP_FIXED, -1, 0), ENOMEM);
	ERR(sys(SYS_mremap, p, PAGE, PAGE, 3, top), EINVAL);
	ERR(sys(SYS_mprotect, top, PAGE, PROT_READ), ENOMEM);
	ERR(sys(SYS_munmap, top, PAGE), EINVAL);
	u64 now = (u64)sys(SYS_brk, 0);
	EQ(sys(SYS_brk, top + PAGE), (sreg_t)now);
	EQ(sys(SYS_brk, 0xffffffff81000000), (sreg_t)now);
	sreg_t hint = RAW_MMAP(top, PAGE, PROT_READ, MAP_AP, -1, 0);
	TRUE(!failed(hint) && (u64)hint != top);
#if !defined(__ILP32__)
	EQ(RAW_MMAP(top - PAGE, PAGE, PROT_READ, MAP_AP | MAP_FIXED_NOREPLACE, -1, 0) ==
			   (sreg_t)(top - PAGE) ||
		   touch_read(AS_PTR(top - PAGE)) == 0,
	   1);
#endif
#else
	ERR(RAW_MMAP(0xfffff000, PAGE, PROT_READ, MAP_AP | MAP_FIXED, -1, 0), ENOMEM);
	ERR(RAW_MMAP(0xffffe000, PAGE, PROT_READ, MAP_AP | MAP_FIXED, -1, 0), ENOMEM);
	TRUE(!failed(RAW_MMAP(0xffffd000, PAGE, PROT_READ, MAP_AP | MAP_FIXED_NOREPLACE, -1, 0)) ||
	     touch_read(AS_PTR(0xffffd000)) == 0);
#endif
}

TEST(munmap)
{
	char *a = map_pages(5);

	ERR(sys(SYS_munmap, a + 1, PAGE), EINVAL);
	ERR(sys(SYS_munmap, a, 0), EINVAL);
	ERR(sys(SYS_munmap, user_end, PAGE), EINVAL);
	EQ(sys(SYS_munmap, a + PAGE, PAGE), 0);
	EQ(sys(SYS_munmap, a + PAGE, PAGE), 0); // nothing there: no error
	FAULTS(touch_read, a + PAGE, SIGSEGV, SEGV_MAPERR);
	EQ(touch_write(a), 0);
	EQ(touch_write(a + 2 * PAGE), 0);
	EQ(sys(SYS_munmap, a, 5 * PAGE), 0); // over the hole
	FAULTS(touch_read, a + 4 * PAGE, SIGSEGV, SEGV_MAPERR);
}

TEST(mprotect)
{
	char *a = map_pages(4);
	int ro = open(self_path(), O_RDONLY);

	ERR(sys(SYS_mprotect, a + 1, PAGE, PROT_READ), EINVAL);
	EQ(sys(SYS_mprotect, a, 0, PROT_READ), 0);
	ERR(sys(SYS_mprotect, a, PAGE, 0x100), EINVAL);
	ERR(sys(SYS_mprotect, map_bad(), PAGE, PROT_READ), ENOMEM);
	ERR(sys(SYS_mprotect, a, PAGE, PROT_READ | PROT_GROWSDOWN), EINVAL);
	ERR(sys(SYS_mprotect, a, PAGE, PROT_GROWSDOWN | PROT_GROWSUP), EINVAL);
	a[PAGE] = 5;
	EQ(sys(SYS_mprotect, a + PAGE, PAGE, PROT_READ), 0);
	FAULTS(touch_write, a + PAGE, SIGSEGV, SEGV_ACCERR);
	EQ(touch_write(a), 0);
	EQ(touch_write(a + 2 * PAGE), 0);
	EQ(sys(SYS_mprotect, a + PAGE, PAGE, PROT_NONE), 0);
	FAULTS(touch_read, a + PAGE, SIGSEGV, SEGV_ACCERR);
	EQ(sys(SYS_mprotect, a + PAGE, PAGE, PROT_READ | PROT_WRITE), 0);
	EQ(a[PAGE], 5);
	// Over a hole: what lies before it is changed.
	munmap(a + 2 * PAGE, PAGE);
	ERR(sys(SYS_mprotect, a, 4 * PAGE, PROT_READ), ENOMEM);
	EQ(touch_write(a), SIGSEGV);
	EQ(touch_write(a + 3 * PAGE), 0);
	// PROT_WRITE on a shared mapping of a file opened for reading.
	char *m = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ro, 0);
	MUST(m != MAP_FAILED);
	ERR(sys(SYS_mprotect, m, PAGE, PROT_READ | PROT_WRITE), EACCES);
	// Code that is made executable runs.
	static const u8 code[] = {0xb8, 0x2a, 0, 0, 0, 0xc3}; // mov $42,%eax; ret
	memcpy(a + 3 * PAGE, code, sizeof(code));
	FAULTS(touch_exec, a + 3 * PAGE, SIGSEGV, SEGV_ACCERR);
	EQ(sys(SYS_mprotect, a + 3 * PAGE, PAGE, PROT_READ | PROT_EXEC), 0);
	EQ(((int (*)(void))(uintptr_t)(a + 3 * PAGE))(), 42);
}

TEST(mremap)
{
	char *a = map_pages(4), *b;

	strcpy(a, "first");
	strcpy(a + 3 * PAGE, "fourth");
	ERR(sys(SYS_mremap, a + 1, PAGE, PAGE, 0), EINVAL);
	ERR(sys(SYS_mremap, a, PAGE, 0, 0), EINVAL);
	ERR(sys(SYS_mremap, a, PAGE, PAGE, 8), EINVAL);
	ERR(sys(SYS_mremap, a, PAGE, PAGE, 2, 0), EINVAL); // FIXED without MAYMOVE
	ERR(sys(SYS_mremap, map_bad(), PAGE, 2 * PAGE, 1), EFAULT);
	ERR(sys(SYS_mremap, a, 5 * PAGE, 6 * PAGE, 1), EFAULT); // more than there is
	// Shrink in place.
	EQ(sys(SYS_mremap, a, 4 * PAGE, 3 * PAGE, 0), (sreg_t)(uintptr_t)a);
	FAULTS(touch_read, a + 3 * PAGE, SIGSEGV, SEGV_MAPERR);
	// Grow in place into the hole.
	EQ(sys(SYS_mremap, a, 3 * PAGE, 4 * PAGE, 0), (sreg_t)(uintptr_t)a);
	EQ(a[3 * PAGE], 0);
	// No room, no move.
	b = AS_PTR(RAW_MMAP(a + 4 * PAGE, PAGE, PROT_READ, MAP_AP, -1, 0));
	ERR(sys(SYS_mremap, a, 4 * PAGE, 64 * PAGE, 0), b == a + 4 * PAGE ? ENOMEM : ENOMEM);
	// Move.
	b = AS_PTR(sys(SYS_mremap, a, 4 * PAGE, 64 * PAGE, 1));
	TRUE(b != a && !failed((sreg_t)(uintptr_t)b));
	EQ(strcmp(b, "first"), 0);
	EQ(touch_write(b + 63 * PAGE), 0);
	FAULTS(touch_read, a, SIGSEGV, SEGV_MAPERR);
	// To a place.
	char *place = map_pages(2);
	EQ(sys(SYS_mremap, b, PAGE, PAGE, 3, place), (sreg_t)(uintptr_t)place);
	EQ(strcmp(place, "first"), 0);
	ERR(sys(SYS_mremap, place, PAGE, 2 * PAGE, 3, place), EINVAL); // overlap
	ERR(sys(SYS_mremap, place, PAGE, PAGE, 3, place + 1), EINVAL);
	// A shared mapping by length 0: a second view of it.
	char *s = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *t = AS_PTR(sys(SYS_mremap, s, 0, PAGE, 1));
	TRUE(!failed((sreg_t)(uintptr_t)t));
	strcpy(s, "two views");
	EQ(strcmp(t, "two views"), 0);
}

TEST(brk)
{
	char *start = AS_PTR(sys(SYS_brk, 0));

	EQ(sys(SYS_brk, 1), (sreg_t)(uintptr_t)start); // refused: the old value
	EQ(sys(SYS_brk, start + 10 * PAGE), (sreg_t)(uintptr_t)(start + 10 * PAGE));
	start[9 * PAGE] = 1;
	EQ(sys(SYS_brk, start + PAGE + 5), (sreg_t)(uintptr_t)(start + PAGE + 5));
	EQ(touch_read(start + 9 * PAGE), SIGSEGV);
	EQ(sys(SYS_brk, start + 10 * PAGE), (sreg_t)(uintptr_t)(start + 10 * PAGE));
	EQ(start[9 * PAGE], 0);
	// A mapping in the way.
	char *end = AS_PTR(((uintptr_t)start + 20 * PAGE) & ~(uintptr_t)(PAGE - 1));
	MUST(RAW_MMAP(end, PAGE, PROT_READ, MAP_AP | MAP_FIXED, -1, 0) == (sreg_t)(uintptr_t)end);
	EQ(sys(SYS_brk, end + 4 * PAGE), (sreg_t)(uintptr_t)(start + 10 * PAGE));
	EXITS(5, {
		struct rlimit data = {PAGE, PAGE};
		setrlimit(RLIMIT_DATA, &data);
		_exit(sys(SYS_brk, start + 12 * PAGE) == (sreg_t)(uintptr_t)(start + 10 * PAGE)
			      ? 5
			      : 1);
	});
	EQ(sys(SYS_brk, start), (sreg_t)(uintptr_t)start);
}

TEST(copy_on_write)
{
	enum { N = 32 };
	int *p = map_pages(N);
	int fds[2], c = 0;

	OKC(pipe(fds));
	for (int i = 0; i < N; i++)
		p[i * 1024] = i;
	pid_t pid = fork();
	if (!pid) {
		for (int i = 0; i < N; i += 2)
			p[i * 1024] = 1000 + i;
		if (read(fds[0], &c, 1) != 1)
			_exit(1);
		for (int i = 0; i < N; i++)
			if (p[i * 1024] != (i & 1 ? i : 1000 + i))
				_exit(2);
		_exit(5);
	}
	for (int i = 1; i < N; i += 2)
		p[i * 1024] = 2000 + i;
	EQ(write(fds[1], "x", 1), 1);
	ROW("child");
	row_exited(child_wait(pid), 5);
	for (int i = 0; i < N; i++)
		EQ(p[i * 1024], i & 1 ? 2000 + i : i);
	// By the kernel too: read() into a page that is shared.
	strcpy((char *)p, "old");
	pid = fork();
	if (!pid) {
		sleep_ms(20);
		_exit(strcmp((char *)p, "old") ? 1 : 5);
	}
	EQ(write(fds[1], "new", 4), 4);
	EQ(read(fds[0], p, 4), 4);
	ROW("read into a shared page");
	row_exited(child_wait(pid), 5);
	EQ(strcmp((char *)p, "new"), 0);
	// The zero page: read first, then written.
	char *z = map_pages(2);
	EQ(z[0] + z[PAGE], 0);
	z[0] = 1;
	EQ(z[PAGE], 0);
}

TEST(shared_by_fork)
{
	volatile int *s = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			       -1, 0);

	MUST(s != MAP_FAILED);
	s[0] = 1;
	EXITS(5, {
		s[1] = 2;
		s[1024] = 3; // a page that nobody has touched before
		_exit(s[0] == 1 ? 5 : 1);
	});
	EQ(s[1], 2);
	EQ(s[1024], 3);
}

TEST(files)
{
	int fd = file_with("file", "0123456789");
	char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char *private = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	char buffer[16];

	MUST(shared != MAP_FAILED && private != MAP_FAILED);
	close(fd);
	fd = open("file", O_RDWR);
	EQ(memcmp(shared, "0123456789", 11), 0);
	shared[0] = 's';
	EQ(pread(fd, buffer, 10, 0), 10);
	EQ(buffer[0], 's');
	EQ(private[0], 's');
	private[1] = 'p';
	EQ(pread(fd, buffer, 10, 0), 10);
	EQ(buffer[1], '1');
	EQ(shared[1], '1');
	EQ(pwrite(fd, "w", 1, 2), 1);
	EQ(shared[2], 'w');
	EQ(private[1], 'p');
	// Over the end of the page, within it, zero.
	for (unsigned i = 10; i < PAGE; i++)
		if (shared[i])
			test_fail("byte %u behind the end", i);
	EQ(msync(shared, PAGE, MS_SYNC), 0);
	ERR(sys(SYS_msync, shared + 1, PAGE, MS_SYNC), EINVAL);
	ERR(sys(SYS_msync, shared, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
	ERR(sys(SYS_msync, shared, PAGE, 64), EINVAL);
	ERR(sys(SYS_msync, map_bad(), PAGE, MS_SYNC), ENOMEM);
	// The file lives while it is mapped.
	OKC(unlink("file"));
	close(fd);
	EQ(shared[0], 's');
}

TEST(madvise)
{
	char *a = map_pages(4);
	int fd = file_with("advice", "file data");
	char *m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	ERR(sys(SYS_madvise, a + 1, PAGE, MADV_NORMAL), EINVAL);
	ERR(sys(SYS_madvise, a, PAGE, 9999), EINVAL);
	ERR(sys(SYS_madvise, map_bad(), PAGE, MADV_DONTNEED), ENOMEM);
	EQ(sys(SYS_madvise, a, 0, MADV_DONTNEED), 0);
	a[0] = a[PAGE] = 1;
	EQ(sys(SYS_madvise, a, PAGE, MADV_DONTNEED), 0);
	EQ(a[0], 0);
	EQ(a[PAGE], 1);
	m[0] = 'F';
	EQ(sys(SYS_madvise, m, PAGE, MADV_DONTNEED), 0);
	EQ(m[0], 'f');
	EQ(sys(SYS_madvise, a, 4 * PAGE, MADV_WILLNEED), 0);
	EQ(sys(SYS_madvise, a, 4 * PAGE, MADV_SEQUENTIAL), 0);
	EQ(sys(SYS_madvise, a, 4 * PAGE, MADV_RANDOM), 0);
	EQ(a[PAGE], 1);
}

TEST(mincore)
{
	char *a = map_pages(4);
	unsigned char vec[8] = {0xff, 0xff, 0xff, 0xff, 0xee};

	a[0] = a[2 * PAGE] = 1;
	EQ(sys(SYS_mincore, a, 4 * PAGE, vec), 0);
	EQ(vec[0] & 1, 1);
	EQ(vec[2] & 1, 1);
	EQ(vec[1] & 1, 0);
	EQ(vec[4], 0xee);
	ERR(sys(SYS_mincore, a + 1, PAGE, vec), EINVAL);
	ERR(sys(SYS_mincore, a, PAGE, map_bad()), EFAULT);
	ERR(sys(SYS_mincore, map_bad(), PAGE, vec), ENOMEM);
	EQ(sys(SYS_mincore, a, 1, vec), 0);
}

__attribute__((noinline)) static int grow(int n)
{
	volatile char frame[PAGE];

	frame[0] = frame[PAGE - 1] = (char)n;
	return n ? grow(n - 1) + frame[0] : 0;
}

TEST(stack_growth)
{
	TRUE(grow(1000) != 1); // 4 MiB
	SIGNALLED(SIGSEGV, {
		struct rlimit r = {1 << 20, RLIM_INFINITY};
		setrlimit(RLIMIT_STACK, &r);
		_exit(grow(2000) & 0);
	});
	// Far below the stack pointer is no stack... but Linux since 4.20 lets it grow all the
	// same. MAP_GROWSDOWN grows when touched right below.
	char *g = AS_PTR(RAW_MMAP(0, PAGE, PROT_READ | PROT_WRITE, MAP_AP | MAP_GROWSDOWN, -1, 0));
	TRUE(!failed((sreg_t)(uintptr_t)g));
	EQ(touch_write(g), 0);
	EQ(touch_exec(g), SIGSEGV);
}

TEST(limits)
{
	EXITS(5, {
		struct rlimit as = {256u << 20, 256u << 20};
		setrlimit(RLIMIT_AS, &as);
		TRUE(failed(RAW_MMAP(0, 300u << 20, PROT_READ, MAP_AP, -1, 0)));
		ERR(RAW_MMAP(0, 300u << 20, PROT_READ, MAP_AP, -1, 0), ENOMEM);
		TRUE(!failed(RAW_MMAP(0, 30u << 20, PROT_READ, MAP_AP, -1, 0)));
		_exit(test_failures() ? 1 : 5);
	});
}

// Many small mappings, every second one taken away, and the tree of them holds together.
TEST(many_regions)
{
	enum { N = 500 };
	char *a = map_pages(2 * N);

	for (int i = 0; i < N; i++)
		EQ(sys(SYS_munmap, a + (2 * i + 1) * (int)PAGE, PAGE), 0);
	for (int i = 0; i < N; i++)
		a[2 * i * (int)PAGE] = (char)i;
	for (int i = 0; i < N; i++)
		if (a[2 * i * (int)PAGE] != (char)i)
			test_fail("page %d", i);
	FAULTS(touch_read, a + PAGE, SIGSEGV, SEGV_MAPERR);
	FAULTS(touch_read, a + (2 * N - 1) * PAGE, SIGSEGV, SEGV_MAPERR);
	EXITS(5, { _exit(a[0] == 0 && a[2 * PAGE] == 1 ? 5 : 1); });
	EQ(sys(SYS_munmap, a, 2 * N * PAGE), 0);
}

#ifdef __i386__
// The first mmap of i386: its six arguments in memory.
TEST_ON(I386, old_mmap)
{
	u32 args[6] = {0, PAGE, PROT_READ, MAP_AP, (u32)-1, 0};
	sreg_t r = sys(SYS_mmap, args);

	TRUE(!failed(r));
	EQ(touch_read(AS_PTR(r)), 0);
	args[5] = 1;
	ERR(sys(SYS_mmap, args), EINVAL);
	ERR(sys(SYS_mmap, map_bad()), EFAULT);
}
#endif

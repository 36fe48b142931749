// SPDX-License-Identifier: MIT
// Numbers of calls (hazards 1 to 4): those that don't exist, garbage in high halves, x32's bit.
#include "test/guest/entry.h"

// The first number behind each table of today; none of the calls that Linux adds later are tried.
enum { BEHIND_64 = 548, BEHIND_I386 = 470, BEHIND_SHARED = 470 };

static void refused(const struct way *way, u64 nr)
{
	struct entry_state before, *st = &entry_frame.st;

	entry_set(way, st, nr, (u64[6]){0});
	before = *st;
	way->run(st);
	ROW("ENOSYS");
	if (entry_result(way, st) != -ENOSYS)
		test_fail("%s: number %#llx: expected ENOSYS, got %lld", way->name, nr,
			  entry_result(way, st));
	entry_check_regs(way, &before, st);
}

TEST(none)
{
	static const u64 bad[] = {0xffffffff, BEHIND_64,  BEHIND_64 + 1, 1000,	     1023,
				  1024,	      4095,	  4096,		 0x7fffffff, 0x80000000,
				  0x80000001, 0x3fffffff, 0x20000000,	 65536};

	FOR_WAYS(way)
	{
		for (unsigned i = 0; i < COUNT(bad); i++)
			refused(way, bad[i]);
		for (u64 nr = BEHIND_SHARED; nr < 512; nr++)
			refused(way, nr);
		if (way->table64)
			// Linux 6.11 and 6.17 use 335 and 336 for uprobes, whose answer is SIGILL.
			for (u64 nr = on_postern() ? 335 : 337; nr < 424; nr++)
				refused(way, nr);
		else
			for (u64 nr = 512; nr < 560; nr++)
				refused(way, nr);
	}
}

// Only the low half is the number, sign-extended: Linux, since 5.14 for SYSCALL and for ever for
// INT 0x80 from 64-bit code (hazard 1, CVE-2007-4573).
TEST_ON(ABIS_CODE64, high_half_ignored)
{
	static const u64 high[] = {1ull << 32, 0xffffffffull << 32, 0x80000000ull << 32,
				   0xdeadbeefull << 32, 0x40000000ull << 32};

	FOR_WAYS(way)
	{
		if (!way->code64)
			continue;
		for (unsigned i = 0; i < COUNT(high); i++) {
			ROW("getpid with a dirty high half");
			entry_set(way, &entry_frame.st, high[i] | WAY_NR(way, getpid), NULL);
			way->run(&entry_frame.st);
			row_eq(entry_result(way, &entry_frame.st), getpid());
			refused(way, high[i] | 0xffffffff);
			refused(way, high[i] | 1000);
		}
	}
}

// The six arguments of INT 0x80 with garbage above: as the clean call (hazards 1, 5).
TEST_ON(ABIS_CODE64, int80_dirty_arguments)
{
	static const u64 high = 0xdeadbeefull << 32;
	const struct way *way = way_of(WAY_INT80);
	char *low = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	int fds[2];

	MUST(low != MAP_FAILED && (uintptr_t)low < 0x100000000);
	OKC(pipe(fds));
	strcpy(low, "dirty");
	EQ(entry_call(way, I386_NR_write, high | fds[1], high | (uintptr_t)low, high | 5, high,
		      high, high),
	   5);
	EQ(entry_call(way, I386_NR_read, high | fds[0], high | (uintptr_t)(low + 8), high | 100,
		      high, high, high),
	   5);
	EQ(memcmp(low + 8, "dirty", 5), 0);
	EQ(entry_call(way, I386_NR_close, high | fds[0], high, high, high, high, high), 0);
	EQ(entry_call(way, I386_NR_close, high | fds[0], high, high, high, high, high), -EBADF);
	s64 at = entry_call(way, I386_NR_mmap2, high, high | PAGE, high | 3, high | 0x22,
			    high | 0xffffffff, high);
	TRUE(at > 0 && at < 0x100000000);
	EQ(entry_call(way, I386_NR_munmap, high | (u64)at, high | PAGE, high, high, high, high), 0);
	EQ(touch_read(AS_PTR(at)), SIGSEGV);
}

// Each ABI's numbers through each of its ways mean that ABI's calls.
TEST(right_table)
{
	FOR_WAYS(way)
	{
		EQ(entry_call(way, WAY_NR(way, getpid), 0, 0, 0, 0, 0, 0), getpid());
		EQ(entry_call(way, WAY_NR(way, getppid), 0, 0, 0, 0, 0, 0), getppid());
		EQ(entry_call(way, WAY_NR(way, dup), 4000, 0, 0, 0, 0, 0), -EBADF);
		EQ(entry_call(way, WAY_NR(way, lseek), 4000, 0, 0, 0, 0, 0), -EBADF);
		EQ(entry_call(way, WAY_NR(way, close_range), 5, 4, 0, 0, 0, 0), -EINVAL);
	}
}

static bool have_x32(void)
{
	const struct way *way = way_of(WAY_SYSCALL);

	return entry_call(way, 0x40000000 | X32_NR_getpid, 0, 0, 0, 0, 0, 0) == getpid();
}

// x32's bit from any 64-bit code: 512 to 547 are x32's alone, what x32 has twice is not in its
// table.
TEST(x32_bit)
{
	const struct way *way = way_of(WAY_SYSCALL);
	static const u64 x86_64_only[] = {13,  15,  16,	 19,  20,  45,	46,  47,  54,  55,  59,
					  101, 127, 128, 129, 131, 174, 177, 178, 180, 205, 211,
					  214, 215, 222, 236, 244, 246, 247, 273, 274, 278, 279,
					  295, 296, 297, 299, 307, 310, 311, 322, 327, 328};

	for (u64 nr = 512; nr < 548; nr++)
		refused(way, nr);
	if (!have_x32()) {
		if (on_postern())
			test_fail("no x32");
		test_skip("this kernel has no x32");
	}
	for (unsigned i = 0; i < COUNT(x86_64_only); i++)
		refused(way, 0x40000000 | x86_64_only[i]);
	refused(way, 0x40000000 | 548);
	refused(way, 0x40000000 | 1000);
	refused(way, 0x40000000 | 511);
	refused(way, 0x7fffffff);
	refused(way, 0xc0000000 | X32_NR_getpid);
	u64 high = 0xffffffffull << 32;
	EQ(entry_call(way, high | 0x40000000 | X32_NR_getpid, 0, 0, 0, 0, 0, 0), getpid());
	// rt_sigpending of both: the same call, 8 bytes of signals.
	u64 *set = (u64 *)entry_frame.stack;
	EQ(entry_call(way, 0x40000000 | X32_NR_rt_sigpending, (uintptr_t)set, 8, 0, 0, 0, 0), 0);
	EQ(entry_call(way, X86_64_NR_rt_sigpending, (uintptr_t)set, 8, 0, 0, 0, 0), 0);
	// The bit means nothing to INT 0x80.
	FOR_WAYS(other)
	if (!other->table64)
		refused(other, 0x40000000 | I386_NR_getpid);
}

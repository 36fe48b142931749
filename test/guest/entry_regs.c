// SPDX-License-Identifier: MIT
// getpid by every way in, with every register afterwards (hazards 13, 14, 20, 26): what a call does
// not document as changed has not changed.
#include "test/guest/entry.h"

static void check_way(enum way_id id)
{
	const struct way *way = way_of(id);
	struct entry_state before, *st = &entry_frame.st;

	if (!way)
		test_skip("not a way of %s", ABI_NAME);
	if (!way_usable(way))
		test_skip("this CPU refuses %s", way->name);
	for (int i = 0; i < 3; i++) {
		entry_set(way, st, WAY_NR(way, getpid), NULL);
		before = *st;
		way->run(st);
		EQ(entry_result(way, st), getpid());
		entry_check_regs(way, &before, st);
	}
	// A failing call and one that does not exist leave them alone as well.
	entry_set(way, st, WAY_NR(way, close), (u64[6]){4000, 2, 3, 4, 5, 6});
	before = *st;
	way->run(st);
	EQ(entry_result(way, st), -EBADF);
	entry_check_regs(way, &before, st);
	entry_set(way, st, 999, (u64[6]){1, 2, 3, 4, 5, 6});
	before = *st;
	way->run(st);
	EQ(entry_result(way, st), -ENOSYS);
	entry_check_regs(way, &before, st);
}

TEST(syscall)
{
	check_way(WAY_SYSCALL);
}

TEST(int80)
{
	check_way(WAY_INT80);
}

TEST_ON(ABIS_CODE64, int80_from_32bit_code)
{
	check_way(WAY_INT80_32);
}

TEST_ON(I386, kernel_vsyscall)
{
	check_way(WAY_VSYSCALL);
}

TEST_ON(I386, sysenter)
{
	check_way(WAY_SYSENTER);
}

TEST_ON(I386, compat_syscall)
{
	check_way(WAY_SYSCALL32);
}

#ifdef __i386__
// Hazard 20: r8 to r15 after a call of 32-bit code, seen by a jump to 64-bit code. INT 0x80 keeps
// them; __kernel_vsyscall may clear them, as Linux does (r11: SYSRET's flags), but shows nothing
// else.
TEST_ON(I386, wide_registers)
{
	struct entry_state before, *st = &entry_frame.st;
	const struct way *way = way_of(WAY_INT80);

	for (int i = 0; i < 2; i++) {
		entry_set(way, st, I386_NR_getpid, NULL);
		before = *st;
		(i ? entry_wide_vsyscall : entry_wide_int80)(st);
		EQ((s32)st->rax, getpid());
		const u64 *b = &before.r8, *a = &st->r8;
		for (int r = 0; r < 8; r++)
			if (a[r] != b[r] && !(i && (a[r] == 0 || (r == 3 && a[r] == st->flags))))
				test_fail("%s: r%d was %#llx, is %#llx", i ? "vsyscall" : "int80",
					  r + 8, b[r], a[r]);
	}
}

// SYSENTER in the program's own text, without the vDSO's frame: an errno, a signal, or a return to
// the vDSO, whose pops then take garbage. The kernel stands, and the next call works.
TEST_ON(I386, sysenter_without_frame)
{
	u32 bad[] = {0, 0x1000, 0xfffffffc, 0xffffffff, 0xffffe000};

	for (unsigned i = 0; i < COUNT(bad); i++) {
		pid_t pid = fork();

		if (!pid) {
			entry_set(way_of(WAY_INT80), &entry_frame.st, I386_NR_getpid, NULL);
			entry_frame.st.rbp = bad[i];
			entry_sysenter_raw(&entry_frame.st);
			_exit(0);
		}
		ROW("died or lived");
		row_true(child_wait(pid) != -1);
	}
	EQ(sys(SYS_getpid), getpid());
}
#else
// A 64-bit program's SYSENTER and compat SYSCALL lead nowhere sensible (Linux returns to an offset
// within the 64-bit vDSO): any signal is right, and so is a result; the kernel stands.
TEST_ON(ABIS_CODE64, foreign_entries)
{
	void (*run[])(struct entry_state *) = {entry_sysenter64, entry_sysenter, entry_syscall32};

	for (unsigned i = 0; i < COUNT(run); i++) {
		pid_t pid = fork();

		if (!pid) {
			alarm(2);
			entry_set(way_of(WAY_INT80), &entry_frame.st, I386_NR_getpid, NULL);
			run[i](&entry_frame.st);
			_exit(0);
		}
		ROW("died or lived");
		row_true(child_wait(pid) != -1);
		EQ(sys(SYS_getpid), getpid());
	}
}

// Hazard 11: what a call is does not outlive it. After each call by INT 0x80 (in the child of a
// fork by it too) SYSCALL takes the 64-bit table again.
TEST_ON(ABIS_CODE64, abi_ends_with_the_call)
{
	const struct way *w[] = {way_of(WAY_INT80), way_of(WAY_INT80_32)};

	for (unsigned i = 0; i < COUNT(w); i++) {
		EQ(entry_call(w[i], I386_NR_getppid, 0, 0, 0, 0, 0, 0), getppid());
		EQ(sys(SYS_getpid), getpid());
		EQ(entry_call(w[i], I386_NR_close, 4000, 0, 0, 0, 0, 0), -EBADF);
		EQ(sys(SYS_getpid), getpid());
		pid_t pid = (pid_t)entry_call(w[i], I386_NR_fork, 0, 0, 0, 0, 0, 0);
		if (!pid)
			_exit(sys(SYS_getppid) > 0 && sys(SYS_close, 4000) == -EBADF ? 5 : 6);
		ROW("child of a fork by INT 0x80");
		row_exited(child_wait(pid), 5);
		// An address from its mmap lies below 4 GiB; ours need not.
		u64 a = (u32)entry_call(w[i], I386_NR_mmap2, 0, PAGE, PROT_READ, 0x22, -1, 0);
		TRUE(a >= 0x1000 && a < 0x100000000);
		EQ(touch_read(AS_PTR(a)), 0);
		EQ(sys(SYS_munmap, a, PAGE), 0);
	}
}
#endif

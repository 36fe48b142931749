// SPDX-License-Identifier: MIT
// The vsyscall page (hazard 41): three calls at fixed addresses, executed but never read, for
// 64-bit code only. And the vDSO beside it: present, ELF, random.
#include "test/guest/entry.h"

#include <elf.h>
#include <sched.h>
#include <sys/auxv.h>

#ifndef __i386__
static const u64 page = 0xffffffffff600000;

static void call_time(void *arg)
{
	*(s64 *)arg = entry_vsyscall(page + 0x400, 0, 0, 0);
}

static void need_page(void)
{
	s64 now;

	if (caught_run(call_time, &now) && !on_postern())
		test_skip("no vsyscall page on this kernel");
}

TEST_ON(ABIS_CODE64, calls)
{
	s64 tv[2] = {0}, tz[2], t = 0, mine;
	u32 cpu = 77, node = 77;

	need_page();
	mine = (s64)(now_ns(CLOCK_REALTIME) / 1000000000);
	EQ(entry_vsyscall(page, (uintptr_t)tv, (uintptr_t)tz, 0), 0);
	BETWEEN(tv[0], mine - 1, mine + 2);
	BETWEEN(tv[1], 0, 999999);
	BETWEEN(entry_vsyscall(page + 0x400, (uintptr_t)&t, 0, 0), mine - 1, mine + 2);
	BETWEEN(t, mine - 1, mine + 2);
	BETWEEN(entry_vsyscall(page + 0x400, 0, 0, 0), mine - 1, mine + 2);
	EQ(entry_vsyscall(page + 0x800, (uintptr_t)&cpu, (uintptr_t)&node, 0), 0);
	BETWEEN(cpu, 0, 512);
	BETWEEN(node, 0, 64);
	EQ(entry_vsyscall(page, 0, 0, 0), 0);
}

struct call {
	u64 at, arg;
};

static void call_at(void *arg)
{
	struct call *c = arg;

	entry_vsyscall(c->at, c->arg, 0, 0);
}

// Anything but the three entry points, and a bad pointer in them, is SIGSEGV.
TEST_ON(ABIS_CODE64, bad_calls)
{
	static const struct call bad[] = {{page + 0xc00, 0},
					  {page + 1, 0},
					  {page + 0x3ff, 0},
					  {page + 0x401, 0},
					  {page + 0xfff, 0},
					  {page + 0x1000, 0},
					  {page, 1},
					  {page + 0x400, 1},
					  {page + 0x800, 1},
					  {page, 0xffff800000000000},
					  {page + 0x400, 0xffffffff81000000},
					  {page + 0x800, 0xffffffffff600000},
					  {page - 1, 0}};

	need_page();
	for (unsigned i = 0; i < COUNT(bad); i++) {
		struct call c = bad[i];

		ROW("bad vsyscall");
		if (caught_run(call_at, &c) != SIGSEGV)
			test_fail("vsyscall %#llx(%#llx): %d", c.at, c.arg, caught.sig);
	}
}

// Execute-only: a read is refused, by the program and through a call.
TEST_ON(X86_64, unreadable)
{
	need_page();
	FAULTS(touch_read, page, SIGSEGV, SEGV_MAPERR);
	FAULTS(touch_read, page + 0x400, SIGSEGV, SEGV_MAPERR);
	EQ(touch_write(AS_PTR(page)), SIGSEGV);
	ERR(sys(SYS_write, 1, page, 1), EFAULT);
}
#endif

// From 32-bit code the address does not exist.
#ifdef __i386__
TEST_ON(I386, top_of_32bit)
{
	EQ(touch_exec(AS_PTR(0xff600000)), SIGSEGV);
	EQ(touch_exec(AS_PTR(0xff600400)), SIGSEGV);
	EQ(touch_read(AS_PTR(0xfffff000)), SIGSEGV);
}
#endif

CHILD_PROGRAM(show_vdso)
{
	(void)argc;
	(void)argv;
	u64 at = getauxval(AT_SYSINFO_EHDR), stack = (uintptr_t)&at;
	u64 out[3] = {at, stack,
		      (uintptr_t)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)};
	return write(3, out, sizeof(out)) == sizeof(out) ? 0 : 1;
}

TEST(vdso_is_elf)
{
	const unsigned char *e = AS_PTR(getauxval(AT_SYSINFO_EHDR));

	MUST(e != NULL);
	EQ(memcmp(e, ELFMAG, SELFMAG), 0);
	EQ(e[EI_CLASS], ABI_THIS == X86_64 ? ELFCLASS64 : ELFCLASS32);
	EQ(((const Elf32_Ehdr *)e)->e_type, ET_DYN);
	EQ(((const Elf32_Ehdr *)e)->e_machine, ABI_THIS == I386 ? EM_386 : EM_X86_64);
	EQ(touch_write((void *)(uintptr_t)e), SIGSEGV);
}

// Places that differ from run to run: vDSO, stack, mmap.
TEST(random_places)
{
	enum { RUNS = 12 };
	u64 seen[RUNS][3];

	for (int i = 0; i < RUNS; i++) {
		int fds[2];

		OKC(pipe(fds));
		pid_t pid = fork();
		if (!pid) {
			dup2(fds[1], 3);
			execl(self_path(), "guest-tests", "--child", "show_vdso", NULL);
			_exit(9);
		}
		ROW("program");
		row_exited(child_wait(pid), 0);
		MUST(read(fds[0], seen[i], sizeof(seen[i])) == sizeof(seen[i]));
		close(fds[0]);
		close(fds[1]);
	}
	for (int k = 0; k < 3; k++) {
		int same = 0;

		for (int i = 0; i < RUNS; i++)
			for (int j = 0; j < i; j++)
				same += seen[i][k] == seen[j][k];
		BETWEEN(same, 0, 6);
	}
}

// SPDX-License-Identifier: MIT
// The table of ways into the kernel and what judges the registers that come back from them.
#include "test/guest/entry.h"

#include <sys/auxv.h>

struct entry_frame entry_frame;

const struct way ways[] = {
	{WAY_SYSCALL, "SYSCALL", true, true, entry_syscall, entry_at_syscall},
#ifdef __i386__
	{WAY_INT80, "INT 0x80", false, false, entry_int80, entry_at_int80},
	{WAY_VSYSCALL, "__kernel_vsyscall", false, false, entry_vsyscall, NULL},
	{WAY_SYSENTER, "SYSENTER", false, false, entry_sysenter, NULL},
	{WAY_SYSCALL32, "compat SYSCALL", false, false, entry_syscall32, NULL},
#else
	{WAY_INT80, "INT 0x80 in 64-bit code", false, true, entry_int80, entry_at_int80},
	{WAY_INT80_32, "INT 0x80 in 32-bit code", false, false, entry_int80_32, entry_at_int80_32},
#endif
};
const unsigned ways_count = COUNT(ways);

#ifdef __i386__
__attribute__((constructor)) static void find_vsyscall(void)
{
	kernel_vsyscall = getauxval(AT_SYSINFO);
}
#endif

// A way in that the CPU lacks raises SIGILL (#UD), or SIGSEGV (#GP, when its MSR is 0). Everything
// else that happens is for the tests to judge.
bool way_usable(const struct way *way)
{
	static signed char known[WAYS];

	if (way->id != WAY_SYSENTER && way->id != WAY_SYSCALL32)
		return way->id != WAY_VSYSCALL || getauxval(AT_SYSINFO);
	if (!known[way->id]) {
		pid_t child = fork();

		if (!child)
			_exit(entry_call(way, I386_NR_getpid, 0, 0, 0, 0, 0, 0) > 0 ? 0 : 1);
		int status = child_wait(child);
		known[way->id] = WIFSIGNALED(status) ? -1 : 1;
	}
	return known[way->id] > 0;
}

const struct way *way_of(enum way_id id)
{
	for (unsigned i = 0; i < ways_count; i++)
		if (ways[i].id == id)
			return &ways[i];
	return NULL;
}

void entry_set(const struct way *way, struct entry_state *st, u64 nr, const u64 a[6])
{
	static const u64 high = 0xa5c3ull << 48;
	u64 mark = way->code64 && way->id == WAY_SYSCALL ? high : 0;

	*st = (struct entry_state){
		.rax = nr,
		.rbx = mark | 0x00b0b0b1,
		.rcx = mark | 0x00c0c0c2,
		.rdx = mark | 0x00d0d0d3,
		.rsi = mark | 0x00e0e0e4,
		.rdi = mark | 0x00f0f0f5,
		.rbp = mark | 0x00a0a0a6,
		.r8 = high | 0x8888,
		.r9 = high | 0x9999,
		.r10 = high | 0x1010,
		.r11 = high | 0x1111,
		.r12 = high | 0x1212,
		.r13 = high | 0x1313,
		.r14 = high | 0x1414,
		.r15 = high | 0x1515,
		.flags = FLAG_IF | 2 | FLAG_CF | 0x80 /* SF */,
	};
	if (!a)
		return;
	if (way->table64) {
		st->rdi = a[0];
		st->rsi = a[1];
		st->rdx = a[2];
		st->r10 = a[3];
		st->r8 = a[4];
		st->r9 = a[5];
	} else {
		st->rbx = a[0];
		st->rcx = a[1];
		st->rdx = a[2];
		st->rsi = a[3];
		st->rdi = a[4];
		st->rbp = a[5];
	}
}

s64 entry_result(const struct way *way, const struct entry_state *st)
{
	return way->table64 || way->code64 ? (s64)st->rax : (s64)(s32)st->rax;
}

s64 entry_call(const struct way *way, u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
	u64 args[6] = {a, b, c, d, e, f};

	entry_set(way, &entry_frame.st, nr, args);
	way->run(&entry_frame.st);
	return entry_result(way, &entry_frame.st);
}

static void same(const struct way *way, const char *reg, u64 before, u64 after)
{
	if (before != after)
		test_fail("%s: %s was %#llx, is %#llx", way->name, reg, before, after);
}

void entry_check_regs(const struct way *way, const struct entry_state *b,
		      const struct entry_state *a)
{
	// 32-bit code holds and gets the low halves only.
	u64 m = way->code64 ? ~0ull : 0xffffffff;

	ROW("registers");
	same(way, "rbx", b->rbx & m, a->rbx & m);
	same(way, "rdx", b->rdx & m, a->rdx & m);
	same(way, "rsi", b->rsi & m, a->rsi & m);
	same(way, "rdi", b->rdi & m, a->rdi & m);
	same(way, "rbp", b->rbp & m, a->rbp & m);
	same(way, "rsp", (uintptr_t)&entry_frame.st, a->rsp & m);
	// SYSCALL itself overwrites two (AMD64 manual 3, SYSCALL): the return address and the
	// flags.
	if (way->id == WAY_SYSCALL) {
		same(way, "rcx (the return address)", (uintptr_t)way->at + 2, a->rcx);
		same(way, "r11 (the flags)", b->flags & ~(u64)FLAG_RF, a->r11 & ~(u64)FLAG_RF);
	} else {
		same(way, "rcx", b->rcx & m, a->rcx & m);
	}
	same(way, "flags", b->flags, a->flags);
#ifdef __i386__
	if (way->id != WAY_SYSCALL)
		return; // r8 to r15 are not visible from here; see entry_regs.c, wide
#endif
	same(way, "r8", b->r8, a->r8);
	same(way, "r9", b->r9, a->r9);
	same(way, "r10", b->r10, a->r10);
	if (way->id != WAY_SYSCALL)
		same(way, "r11", b->r11, a->r11);
	same(way, "r12", b->r12, a->r12);
	same(way, "r13", b->r13, a->r13);
	same(way, "r14", b->r14, a->r14);
	same(way, "r15", b->r15, a->r15);
}

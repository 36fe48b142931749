// SPDX-License-Identifier: MIT
// Every way into the kernel as a table, so that a test can try its rows on each of them.
#pragma once

#include "test/guest/test.h"

#include "syscall_numbers.h"

// Loaded before the way in, stored behind it. Offsets are known to entry_asm.S.
struct entry_state {
	u64 rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15;
	u64 flags, saved;
};
_Static_assert(offsetof(struct entry_state, saved) == 136, "entry_asm.S knows the offsets");

// The stack that a way in uses lies below the state; a signal's frame must fit.
struct entry_frame {
	char stack[32768];
	struct entry_state st;
} __attribute__((aligned(64)));
extern struct entry_frame entry_frame;

enum way_id {
	WAY_SYSCALL,   // 64-bit code: SYSCALL
	WAY_INT80,     // INT 0x80 in the program's own code size
	WAY_INT80_32,  // 32-bit code in a 64-bit program: INT 0x80
	WAY_VSYSCALL,  // i386: __kernel_vsyscall
	WAY_SYSENTER,  // i386: SYSENTER in the program's text, with the vDSO's stack frame
	WAY_SYSCALL32, // i386: SYSCALL in the program's text, with the vDSO's stack frame
	WAYS,
};

struct way {
	enum way_id id;
	const char *name;
	bool table64; // takes numbers and registers of x86_64 (x32), else of i386
	bool code64;  // runs in 64-bit code
	void (*run)(struct entry_state *st);
	const char *at; // the instruction; NULL: within the vDSO
};

extern const struct way ways[];
extern const unsigned ways_count;

// Does it work on this CPU? SYSENTER (AMD) and SYSCALL (Intel) may be illegal in 32-bit code.
bool way_usable(const struct way *way);
const struct way *way_of(enum way_id id);
#define FOR_WAYS(w)                                                  \
	for (const struct way *w = ways; w < ways + ways_count; w++) \
		if (way_usable(w))
// The same where a signal comes in between: the frame of an i386 program holds 32-bit registers, so
// those of its 64-bit code are cut.
#define FOR_WAYS_SIGNALS(w) \
	FOR_WAYS(w)         \
	if (ABI_THIS != I386 || !w->code64)

// Number of a call by its name for a way: this program's own ABI for SYSCALL.
#if defined(__i386__)
#define WAY_NR64(name) X86_64_NR_##name
#elif defined(__ILP32__)
#define WAY_NR64(name) (X32_NR_##name | 0x40000000u)
#else
#define WAY_NR64(name) X86_64_NR_##name
#endif
#define WAY_NR(way, name) ((way)->table64 ? WAY_NR64(name) : (u64)I386_NR_##name)

// Fills *st with marks, the number and the arguments in the way's registers.
void entry_set(const struct way *way, struct entry_state *st, u64 nr, const u64 args[6]);
// The result as a signed number of the way's width.
s64 entry_result(const struct way *way, const struct entry_state *st);
// A call by a way: a fresh state, run, result.
s64 entry_call(const struct way *way, u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);
// Rows: all registers but the result are as they were, flags too (documented exceptions apart).
void entry_check_regs(const struct way *way, const struct entry_state *before,
		      const struct entry_state *after);

void entry_syscall(struct entry_state *st);
void entry_int80(struct entry_state *st);
void entry_nothing(struct entry_state *st);
void entry_sysenter(struct entry_state *st);
void entry_syscall32(struct entry_state *st);
#ifdef __i386__
void entry_vsyscall(struct entry_state *st);
void entry_sysenter_raw(struct entry_state *st);
void entry_wide_int80(struct entry_state *st);
void entry_wide_vsyscall(struct entry_state *st);
extern u32 kernel_vsyscall;
#else
void entry_int80_32(struct entry_state *st);
void entry_sysenter64(struct entry_state *st);
s64 entry_vsyscall(u64 address, u64 a, u64 b, u64 c);
#endif
extern const char entry_at_syscall[], entry_at_int80[], entry_at_int80_32[];

enum {
	FLAG_CF = 1,
	FLAG_TF = 0x100,
	FLAG_IF = 0x200,
	FLAG_DF = 0x400,
	FLAG_NT = 0x4000,
	FLAG_RF = 0x10000,
	FLAG_AC = 0x40000,
	FLAG_ID = 0x200000,
	FLAG_ARITH = 0x8d5
};

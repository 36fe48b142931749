// SPDX-License-Identifier: MIT
/*
 * Copying to and from user memory. Each access to a user address stands in inline assembly with an
 * entry in the exception table, between STAC and CLAC; the range is checked against USER_END_64
 * first, for every ABI: 32-bit callers cannot name more. A fix-up continues inside the same
 * assembly, so CLAC is never skipped. Small copies are two overlapping moves, longer ones are REP
 * MOVSQ: one instruction for eight bytes also under -icount.
 */
#include "machine/uaccess.h"
#include "lib/string.h"
#include "machine/cpu.h"
#include "machine/usermem.h"

#include <asm/errno.h>
#include <linux/futex.h>

#define ONES  0x0101010101010101ull
#define HIGHS 0x8080808080808080ull

bool user_range_ok(uptr va, size_t n)
{
	return user_range_inside(va.va, n);
}

// n bytes in either direction; how many were not copied. A fault in the quadwords goes on bytewise,
// so the count is exact to the byte.
static inline size_t copy_raw(void *dst, const void *src, size_t n)
{
	size_t left = n / 8;

	__asm__ volatile(ASM_STAC "1: rep movsq\n\t"
				  "movq %[tail], %%rcx\n"
				  "2: rep movsb\n"
				  "3: " ASM_CLAC ".pushsection .text.fixup,\"ax\"\n"
				  "4: leaq (%[tail],%%rcx,8), %%rcx\n\t"
				  "jmp 2b\n\t"
				  ".popsection\n\t" EX_TABLE("1b", "4b") EX_TABLE("2b", "3b")
			 : "+c"(left), "+D"(dst), "+S"(src)
			 : [tail] "r"(n & 7)
			 : "memory");
	return left;
}

// Two moves of one size that may overlap: all lengths from one to two times the size.
#define USER_STORE_TWICE(insn, size, first, last, va, va_last, err)                           \
	__asm__ volatile(ASM_STAC "1: " insn " %" size "[a], (%[at])\n"                       \
				  "2: " insn " %" size "[b], (%[at2])\n"                      \
				  "3: " ASM_CLAC ".pushsection .text.fixup,\"ax\"\n"          \
				  "4: movl %[efault], %[e]\n\t"                               \
				  "jmp 3b\n\t"                                                \
				  ".popsection\n\t" EX_TABLE("1b", "4b") EX_TABLE("2b", "4b") \
			 : [e] "+r"(err)                                                      \
			 : [a] "r"(first), [b] "r"(last), [at] "r"(va), [at2] "r"(va_last),   \
			   [efault] "i"(-EFAULT)                                              \
			 : "memory")

#define USER_LOAD_TWICE(insn, size, first, last, va, va_last, err)                            \
	__asm__ volatile(ASM_STAC "1: " insn " (%[at]), %" size "[a]\n"                       \
				  "2: " insn " (%[at2]), %" size "[b]\n"                      \
				  "3: " ASM_CLAC ".pushsection .text.fixup,\"ax\"\n"          \
				  "4: movl %[efault], %[e]\n\t"                               \
				  "xorl %k[a], %k[a]\n\t"                                     \
				  "xorl %k[b], %k[b]\n\t"                                     \
				  "jmp 3b\n\t"                                                \
				  ".popsection\n\t" EX_TABLE("1b", "4b") EX_TABLE("2b", "4b") \
			 : [a] "=&r"(first), [b] "=&r"(last), [e] "+r"(err)                   \
			 : [at] "r"(va), [at2] "r"(va_last), [efault] "i"(-EFAULT)            \
			 : "memory")

int copyout(uptr dst, const void *src, size_t n)
{
	const char *s = src;
	int err = 0;

	if (unlikely(!user_range_inside(dst.va, n)))
		return -EFAULT;
	if (n > 16) {
		return copy_raw((void *)dst.va, src, n) ? -EFAULT : 0;
	} else if (n >= 8) {
		u64 a, b;
		memcpy(&a, s, 8);
		memcpy(&b, s + n - 8, 8);
		USER_STORE_TWICE("movq", "q", a, b, dst.va, dst.va + n - 8, err);
	} else if (n >= 4) {
		u32 a, b;
		memcpy(&a, s, 4);
		memcpy(&b, s + n - 4, 4);
		USER_STORE_TWICE("movl", "k", a, b, dst.va, dst.va + n - 4, err);
	} else if (n == 1) {
		USER_STORE("movb", "b", *s, dst.va, err);
	} else if (n) {
		u16 a, b;
		memcpy(&a, s, 2);
		memcpy(&b, s + n - 2, 2);
		USER_STORE_TWICE("movw", "w", a, b, dst.va, dst.va + n - 2, err);
	}
	return err;
}

// Beyond the small sizes, and for a range that is out of bounds.
static NOINLINE int copyin_long(char *dst, u64 va, size_t n)
{
	size_t left = user_range_inside(va, n) ? copy_raw(dst, (const void *)va, n) : n;

	if (likely(!left))
		return 0;
	memset(dst + n - left, 0, left);
	return -EFAULT;
}

int copyin(void *dst, uptr src, size_t n)
{
	char *d = dst;
	int err = 0;

	if (n > 16 || unlikely(!user_range_inside(src.va, n))) {
		return copyin_long(dst, src.va, n);
	} else if (n >= 8) {
		u64 a, b;
		USER_LOAD_TWICE("movq", "q", a, b, src.va, src.va + n - 8, err);
		memcpy(d, &a, 8);
		memcpy(d + n - 8, &b, 8);
	} else if (n >= 4) {
		u32 a, b;
		USER_LOAD_TWICE("movl", "k", a, b, src.va, src.va + n - 4, err);
		memcpy(d, &a, 4);
		memcpy(d + n - 4, &b, 4);
	} else if (n == 1) {
		u32 a;
		USER_LOAD("movzbl", "k", a, src.va, err);
		*d = (char)a;
	} else if (n) {
		u32 a, b;
		USER_LOAD_TWICE("movzwl", "k", a, b, src.va, src.va + n - 2, err);
		memcpy(d, &a, 2);
		memcpy(d + n - 2, &b, 2);
	}
	return err;
}

// A range that reaches beyond user space is copied up to its end: read(2) may succeed in part.
static size_t clip(u64 va, size_t n)
{
	if (likely(user_range_inside(va, n)))
		return n;
	return va < USER_END_64 ? USER_END_64 - va : 0;
}

size_t copyin_part(void *dst, uptr src, size_t n)
{
	size_t can = clip(src.va, n);

	return n - can + copy_raw(dst, (const void *)src.va, can);
}

size_t copyout_part(uptr dst, const void *src, size_t n)
{
	size_t can = clip(dst.va, n);

	return n - can + copy_raw((void *)dst.va, src, can);
}

int user_zero(uptr dst, size_t n)
{
	u64 at = dst.va, left = n / 8;

	if (unlikely(!user_range_inside(dst.va, n)))
		return -EFAULT;
	__asm__ volatile(ASM_STAC "1: rep stosq\n\t"
				  "movq %[tail], %%rcx\n"
				  "2: rep stosb\n"
				  "3: " ASM_CLAC ".pushsection .text.fixup,\"ax\"\n"
				  "4: movl $1, %%ecx\n\t"
				  "jmp 3b\n\t"
				  ".popsection\n\t" EX_TABLE("1b", "4b") EX_TABLE("2b", "3b")
			 : "+c"(left), "+D"(at)
			 : [tail] "r"(n & 7), "a"(0)
			 : "memory");
	return left ? -EFAULT : 0;
}

// Not zero if v has a zero byte; the lowest bit set then lies in the first one.
static inline u64 zero_bytes(u64 v)
{
	return (v - ONES) & ~v & HIGHS;
}

// Eight bytes may be read at once only within a page: the string may end right before an unmapped
// one.
static inline bool word_fits(u64 va, size_t avail)
{
	return likely(avail >= 8 && (va & (PAGE_SIZE - 1)) <= PAGE_SIZE - 8);
}

static size_t room_above(u64 va)
{
	return va < USER_END_64 ? USER_END_64 - va : 0;
}

long copyin_str(char *dst, uptr src, size_t n)
{
	size_t done = 0, max = MIN(n, room_above(src.va));
	u64 v, zero;
	int err = 0;

	while (done < max) {
		if (word_fits(src.va + done, max - done)) {
			USER_LOAD("movq", "q", v, src.va + done, err);
			if (unlikely(err))
				return err;
			memcpy(dst + done, &v, 8);
			zero = zero_bytes(v);
			if (zero)
				return (long)(done + (u32)__builtin_ctzll(zero) / 8);
			done += 8;
		} else {
			USER_LOAD("movzbl", "k", v, src.va + done, err);
			if (err)
				return err;
			dst[done] = (char)v;
			if (!v)
				return (long)done;
			done++;
		}
	}
	return max < n ? -EFAULT : -ENAMETOOLONG;
}

long user_strlen(uptr src, size_t max)
{
	// One more than max: a string of just max bytes must show its NUL.
	size_t done = 0, room = room_above(src.va), limit = MIN(max, room - !!room) + 1;
	u64 v, zero;
	int err = 0;

	while (done < limit && room) {
		if (word_fits(src.va + done, limit - done)) {
			USER_LOAD("movq", "q", v, src.va + done, err);
			zero = zero_bytes(v);
			if (zero && !err)
				return (long)(done + (u32)__builtin_ctzll(zero) / 8);
			done += 8;
		} else {
			USER_LOAD("movzbl", "k", v, src.va + done, err);
			if (!v && !err)
				return (long)done;
			done++;
		}
		if (err)
			return err;
	}
	return done > max ? (long)done : -EFAULT;
}

int get_user_u8(u8 *v, uptr src)
{
	u32 got;
	int err = 0;

	*v = 0;
	if (unlikely(!user_range_inside(src.va, 1)))
		return -EFAULT;
	USER_LOAD("movzbl", "k", got, src.va, err);
	*v = (u8)got;
	return err;
}

int get_user_u32(u32 *v, uptr src)
{
	u32 got;
	int err = 0;

	*v = 0;
	if (unlikely(!user_range_inside(src.va, 4)))
		return -EFAULT;
	USER_LOAD("movl", "k", got, src.va, err);
	*v = got;
	return err;
}

int get_user_u64(u64 *v, uptr src)
{
	u64 got;
	int err = 0;

	*v = 0;
	if (unlikely(!user_range_inside(src.va, 8)))
		return -EFAULT;
	USER_LOAD("movq", "q", got, src.va, err);
	*v = got;
	return err;
}

int get_user_u32_nofault(u32 *v, uptr src)
{
	u32 got;
	int err = 0;

	*v = 0;
	if (unlikely(!user_range_inside(src.va, 4)))
		return -EFAULT;
	// traps.c does not resolve a fault of code that runs with interrupts off.
	u64 irq = irq_save();
	USER_LOAD("movl", "k", got, src.va, err);
	irq_restore(irq);
	*v = got;
	return err;
}

int put_user_u32(uptr dst, u32 v)
{
	int err = 0;

	if (unlikely(!user_range_inside(dst.va, 4)))
		return -EFAULT;
	USER_STORE("movl", "k", v, dst.va, err);
	return err;
}

int put_user_u64(uptr dst, u64 v)
{
	int err = 0;

	if (unlikely(!user_range_inside(dst.va, 8)))
		return -EFAULT;
	USER_STORE("movq", "q", v, dst.va, err);
	return err;
}

int cmpxchg_user_u32(uptr dst, u32 expect, u32 desired, u32 *old)
{
	int err = 0;

	*old = 0;
	if (unlikely(!user_range_inside(dst.va, 4)))
		return -EFAULT;
	__asm__ volatile(ASM_STAC "1: lock cmpxchgl %[new], (%[at])\n"
				  "2: " ASM_CLAC ".pushsection .text.fixup,\"ax\"\n"
				  "3: movl %[efault], %[e]\n\t"
				  "jmp 2b\n\t"
				  ".popsection\n\t" EX_TABLE("1b", "3b")
			 : "+a"(expect), [e] "+r"(err)
			 : [new] "r"(desired), [at] "r"(dst.va), [efault] "i"(-EFAULT)
			 : "memory", "cc");
	if (!err)
		*old = expect;
	return err;
}

static bool futex_op_apply(u32 op, u32 old, u32 arg, u32 *result)
{
	switch (op) {
	case FUTEX_OP_SET:
		*result = arg;
		return true;
	case FUTEX_OP_ADD:
		*result = old + arg;
		return true;
	case FUTEX_OP_OR:
		*result = old | arg;
		return true;
	case FUTEX_OP_ANDN:
		*result = old & ~arg;
		return true;
	case FUTEX_OP_XOR:
		*result = old ^ arg;
		return true;
	}
	return false;
}

int futex_op_user(uptr dst, u32 op, u32 arg, u32 *old)
{
	u32 seen, desired, found;
	int r = get_user_u32(&seen, dst);

	while (!r) {
		if (!futex_op_apply(op, seen, arg, &desired))
			return -ENOSYS;
		r = cmpxchg_user_u32(dst, seen, desired, &found);
		if (!r && found == seen) {
			*old = seen;
			return 0;
		}
		seen = found;
	}
	return r;
}

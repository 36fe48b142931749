/* SPDX-License-Identifier: MIT */
/*
 * Part of <postern/syscall.h>: 64-bit code, x86-64 and x32. See there for the rules.
 * No assembly here touches the stack: below the stack pointer lies the red zone of 128 bytes, which
 * belongs to the compiler [System V ABI, AMD64 supplement, 3.2.2].
 */
#pragma once

#include <postern/syscall.h>

#ifndef POSTERN_ABI_I386

#define POSTERN_SYSCALL_CLOBBERS "rcx", "r11", "memory"
#define POSTERN_INT80_CLOBBERS	 "r8", "r9", "r10", "r11", "memory"

/* --- syscall: number in rax; rdi, rsi, rdx, r10, r8, r9. r10 stands for rcx, which is taken. ---
 */
POSTERN_INLINE postern_word postern_syscall0(postern_word number)
{
	postern_word result;

	__asm__ __volatile__("syscall" : "=a"(result) : "0"(number) : POSTERN_SYSCALL_CLOBBERS);
	return result;
}

POSTERN_INLINE postern_word postern_syscall1(postern_word number, postern_word a)
{
	postern_word result;

	__asm__ __volatile__("syscall"
			     : "=a"(result)
			     : "0"(number), "D"(a)
			     : POSTERN_SYSCALL_CLOBBERS);
	return result;
}

POSTERN_INLINE postern_word postern_syscall2(postern_word number, postern_word a, postern_word b)
{
	postern_word result;

	__asm__ __volatile__("syscall"
			     : "=a"(result)
			     : "0"(number), "D"(a), "S"(b)
			     : POSTERN_SYSCALL_CLOBBERS);
	return result;
}

POSTERN_INLINE postern_word postern_syscall3(postern_word number, postern_word a, postern_word b,
					     postern_word c)
{
	postern_word result;

	__asm__ __volatile__("syscall"
			     : "=a"(result)
			     : "0"(number), "D"(a), "S"(b), "d"(c)
			     : POSTERN_SYSCALL_CLOBBERS);
	return result;
}

POSTERN_INLINE postern_word postern_syscall4(postern_word number, postern_word a, postern_word b,
					     postern_word c, postern_word d)
{
	register postern_word r10 __asm__("r10") = d;
	postern_word result;

	__asm__ __volatile__("syscall"
			     : "=a"(result)
			     : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
			     : POSTERN_SYSCALL_CLOBBERS);
	return result;
}

POSTERN_INLINE postern_word postern_syscall5(postern_word number, postern_word a, postern_word b,
					     postern_word c, postern_word d, postern_word e)
{
	register postern_word r10 __asm__("r10") = d;
	register postern_word r8 __asm__("r8") = e;
	postern_word result;

	__asm__ __volatile__("syscall"
			     : "=a"(result)
			     : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			     : POSTERN_SYSCALL_CLOBBERS);
	return result;
}

POSTERN_INLINE postern_word postern_syscall6(postern_word number, postern_word a, postern_word b,
					     postern_word c, postern_word d, postern_word e,
					     postern_word f)
{
	register postern_word r10 __asm__("r10") = d;
	register postern_word r8 __asm__("r8") = e;
	register postern_word r9 __asm__("r9") = f;
	postern_word result;

	__asm__ __volatile__("syscall"
			     : "=a"(result)
			     : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			     : POSTERN_SYSCALL_CLOBBERS);
	return result;
}

/*
 * --- int $0x80: an i386 call from 64-bit code. Number in eax; ebx, ecx, edx, esi, edi, ebp, of
 * which the kernel takes 32 bits: what they point to must lie below 4 GiB. ---
 */

POSTERN_INLINE postern_word postern_int80_0(postern_word number)
{
	postern_word result;

	__asm__ __volatile__("int $0x80" : "=a"(result) : "0"(number) : POSTERN_INT80_CLOBBERS);
	return result;
}

POSTERN_INLINE postern_word postern_int80_1(postern_word number, postern_word a)
{
	postern_word result;

	__asm__ __volatile__("int $0x80"
			     : "=a"(result)
			     : "0"(number), "b"(a)
			     : POSTERN_INT80_CLOBBERS);
	return result;
}

POSTERN_INLINE postern_word postern_int80_2(postern_word number, postern_word a, postern_word b)
{
	postern_word result;

	__asm__ __volatile__("int $0x80"
			     : "=a"(result)
			     : "0"(number), "b"(a), "c"(b)
			     : POSTERN_INT80_CLOBBERS);
	return result;
}

POSTERN_INLINE postern_word postern_int80_3(postern_word number, postern_word a, postern_word b,
					    postern_word c)
{
	postern_word result;

	__asm__ __volatile__("int $0x80"
			     : "=a"(result)
			     : "0"(number), "b"(a), "c"(b), "d"(c)
			     : POSTERN_INT80_CLOBBERS);
	return result;
}

POSTERN_INLINE postern_word postern_int80_4(postern_word number, postern_word a, postern_word b,
					    postern_word c, postern_word d)
{
	postern_word result;

	__asm__ __volatile__("int $0x80"
			     : "=a"(result)
			     : "0"(number), "b"(a), "c"(b), "d"(c), "S"(d)
			     : POSTERN_INT80_CLOBBERS);
	return result;
}

POSTERN_INLINE postern_word postern_int80_5(postern_word number, postern_word a, postern_word b,
					    postern_word c, postern_word d, postern_word e)
{
	postern_word result;

	__asm__ __volatile__("int $0x80"
			     : "=a"(result)
			     : "0"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			     : POSTERN_INT80_CLOBBERS);
	return result;
}

/* rbp may be the frame pointer, so it cannot be an operand: it changes places with one. */
POSTERN_INLINE postern_word postern_int80_6(postern_word number, postern_word a, postern_word b,
					    postern_word c, postern_word d, postern_word e,
					    postern_word f)
{
	postern_word result;

	__asm__ __volatile__("xchg %%rbp, %q[sixth]\n\tint $0x80\n\txchg %%rbp, %q[sixth]"
			     : "=a"(result), [sixth] "+r"(f)
			     : "0"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			     : POSTERN_INT80_CLOBBERS);
	return result;
}

/* --- The usual entry --- */

POSTERN_INLINE postern_word postern_call0(postern_word number)
{
	return postern_syscall0(number);
}

POSTERN_INLINE postern_word postern_call1(postern_word number, postern_word a)
{
	return postern_syscall1(number, a);
}

POSTERN_INLINE postern_word postern_call2(postern_word number, postern_word a, postern_word b)
{
	return postern_syscall2(number, a, b);
}

POSTERN_INLINE postern_word postern_call3(postern_word number, postern_word a, postern_word b,
					  postern_word c)
{
	return postern_syscall3(number, a, b, c);
}

POSTERN_INLINE postern_word postern_call4(postern_word number, postern_word a, postern_word b,
					  postern_word c, postern_word d)
{
	return postern_syscall4(number, a, b, c, d);
}

POSTERN_INLINE postern_word postern_call5(postern_word number, postern_word a, postern_word b,
					  postern_word c, postern_word d, postern_word e)
{
	return postern_syscall5(number, a, b, c, d, e);
}

POSTERN_INLINE postern_word postern_call6(postern_word number, postern_word a, postern_word b,
					  postern_word c, postern_word d, postern_word e,
					  postern_word f)
{
	return postern_syscall6(number, a, b, c, d, e, f);
}

#endif

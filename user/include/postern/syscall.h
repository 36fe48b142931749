/* SPDX-License-Identifier: MIT */
/*
 * <postern/syscall.h>: system calls of Linux on x86-64, x32 and i386 by every way in, without a C
 * library. Each call is its instruction and the moves that put the arguments into registers.
 *
 *	entry              functions                     offered to        numbers
 *	syscall            postern_syscall0 … 6          x86-64, x32       POSTERN_NR_*
 *	int $0x80          postern_int80_0 … 6           all three         POSTERN_I386_NR_*
 *	sysenter           postern_sysenter_0 … 6        i386              POSTERN_I386_NR_*
 *	syscall (32-bit)   postern_syscall32_0 … 6       i386              POSTERN_I386_NR_*
 *	__kernel_vsyscall  postern_vsyscall_0 … 6        i386              POSTERN_I386_NR_*
 *	the usual one      postern_call0 … 6             all three         POSTERN_NR_*
 *
 * Arguments. They are registers: postern_word is as wide as one. A pointer is passed as
 * postern_ptr(p). 64-bit arguments take two words on i386, the low half first. x32's numbers carry
 * bit 30 (POSTERN_NR_* has it); its arguments are still 64 bits wide.
 *
 * Result. -4095 … -1 is a negated errno, everything else is a success, also when it looks negative
 * (an address on i386). [System V ABI, AMD64 supplement, A.2.1, item 5]
 *
 * Clobbers. The kernel keeps all registers but the result's, and:
 *  - syscall: rcx and r11, where the instruction itself puts rip and rflags [Intel SDM volume 2,
 *    SYSCALL; System V ABI, AMD64 supplement, A.2.1, item 2];
 *  - int $0x80 from 64-bit code: r8 … r11, which Linux before 4.17 set to zero.
 * Memory counts as changed: the compiler cannot see what the kernel writes.
 *
 * Restart. When a signal interrupts a call that is to be restarted, the kernel sets the saved
 * instruction pointer back by two bytes and the number's register to the number again: `syscall`
 * (0f 05), `sysenter` (0f 34) and `int $0x80` (cd 80) are all two bytes long, and all argument
 * registers still hold what they held. So nothing here needs to know. A call entered by sysenter or
 * by 32-bit syscall resumes in the vDSO, whose landing pad has an int $0x80 before it.
 */
#pragma once

#include <postern/numbers.h>
#include <stddef.h>
#include <stdint.h>

#define POSTERN_INLINE static inline __attribute__((always_inline))

#if defined(__i386__)
#define POSTERN_ABI_I386 1
typedef long postern_word;
typedef unsigned long postern_uword;
#elif defined(__x86_64__) && defined(__ILP32__)
#define POSTERN_ABI_X32 1
typedef long long postern_word;
typedef unsigned long long postern_uword;
#elif defined(__x86_64__)
#define POSTERN_ABI_X86_64 1
typedef long postern_word;
typedef unsigned long postern_uword;
#else
#error "postern: x86-64, x32 and i386 only"
#endif

#define POSTERN_ERROR_MAX 4095
#define POSTERN_ENOSYS	  38

/* An address as an argument: extended by zeros, as the kernel expects it of x32. */
POSTERN_INLINE postern_word postern_ptr(const volatile void *pointer)
{
	return (postern_word)(uintptr_t)pointer;
}

/* Whether a result is a negated errno. */
POSTERN_INLINE int postern_is_error(postern_word result)
{
	return (postern_uword)result >= (postern_uword)-POSTERN_ERROR_MAX;
}

/* The C library's convention: -1 and the error in *err, which a success leaves alone. */
POSTERN_INLINE postern_word postern_result(postern_word result, int *err)
{
	if (!postern_is_error(result))
		return result;
	*err = (int)-result;
	return -1;
}

#ifdef POSTERN_ABI_I386
#include <postern/syscall_i386.h> // IWYU pragma: export
#else
#include <postern/syscall_64.h> // IWYU pragma: export
#endif

/* postern_call(number, arguments…): the usual entry, by the count of arguments. */
#define postern_call(...)                                                                     \
	POSTERN_PICK(__VA_ARGS__, postern_call6, postern_call5, postern_call4, postern_call3, \
		     postern_call2, postern_call1, postern_call0, 0)                          \
	(__VA_ARGS__)
#define POSTERN_PICK(n, a, b, c, d, e, f, call, ...) call

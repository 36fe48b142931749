/* SPDX-License-Identifier: MIT */
/*
 * Part of <postern/syscall.h>: i386. See there for the rules. Number in eax; arguments in ebx, ecx,
 * edx, esi, edi, ebp. There is no red zone, so assembly may push. Of seven registers the sixth
 * argument takes the last, ebp, which may be the frame pointer and thus cannot be an operand: eax
 * carries the address of what must be loaded last.
 *
 * SYSENTER and 32-bit SYSCALL do not come back to where they stood: the CPU keeps too little (SDM
 * volume 2, SYSENTER: neither eip nor esp), so the kernel resumes at the vDSO's landing pad. That
 * pops ebp, edx, ecx and returns; the code here pushes them just so, behind a return address. The
 * kernel takes ebp, the sixth argument, from the top of the stack, and 32-bit SYSCALL, which loses
 * ecx, has it in ebp. In a process without a vDSO (no AT_SYSINFO) both end in SIGSEGV.
 */
#pragma once

#include <postern/syscall.h>

#ifdef POSTERN_ABI_I386

#define POSTERN_FRAME(instructions) \
	"call 1f\n\tjmp 2f\n1:\tpushl %%ecx\n\tpushl %%edx\n\tpushl %%ebp\n\t" instructions "\n2:"
#define POSTERN_SYSENTER  POSTERN_FRAME("movl %%esp, %%ebp\n\tsysenter")
#define POSTERN_SYSCALL32 POSTERN_FRAME("movl %%ecx, %%ebp\n\tsyscall")

/* What the sixth argument's variants load: eax points to it. */
struct postern_last {
	postern_word number, sixth;
	uintptr_t entry;
};
#define POSTERN_WITH_SIXTH(instructions)                                              \
	"pushl %%ebp\n\tmovl 4(%%eax), %%ebp\n\tmovl (%%eax), %%eax\n\t" instructions \
	"\n\tpopl %%ebp"

/* --- int $0x80 --- */

POSTERN_INLINE postern_word postern_int80_0(postern_word number)
{
	postern_word result;

	__asm__ __volatile__("int $0x80" : "=a"(result) : "0"(number) : "memory");
	return result;
}

POSTERN_INLINE postern_word postern_int80_1(postern_word number, postern_word a)
{
	postern_word result;

	__asm__ __volatile__("int $0x80" : "=a"(result) : "0"(number), "b"(a) : "memory");
	return result;
}

POSTERN_INLINE postern_word postern_int80_2(postern_word number, postern_word a, postern_word b)
{
	postern_word result;

	__asm__ __volatile__("int $0x80" : "=a"(result) : "0"(number), "b"(a), "c"(b) : "memory");
	return result;
}

POSTERN_INLINE postern_word postern_int80_3(postern_word number, postern_word a, postern_word b,
					    postern_word c)
{
	postern_word result;

	__asm__ __volatile__("int $0x80"
			     : "=a"(result)
			     : "0"(number), "b"(a), "c"(b), "d"(c)
			     : "memory");
	return result;
}

POSTERN_INLINE postern_word postern_int80_4(postern_word number, postern_word a, postern_word b,
					    postern_word c, postern_word d)
{
	postern_word result;

	__asm__ __volatile__("int $0x80"
			     : "=a"(result)
			     : "0"(number), "b"(a), "c"(b), "d"(c), "S"(d)
			     : "memory");
	return result;
}

POSTERN_INLINE postern_word postern_int80_5(postern_word number, postern_word a, postern_word b,
					    postern_word c, postern_word d, postern_word e)
{
	postern_word result;

	__asm__ __volatile__("int $0x80"
			     : "=a"(result)
			     : "0"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			     : "memory");
	return result;
}

POSTERN_INLINE postern_word postern_int80_6(postern_word number, postern_word a, postern_word b,
					    postern_word c, postern_word d, postern_word e,
					    postern_word f)
{
	struct postern_last last = {number, f, 0};
	postern_word result;

	__asm__ __volatile__(POSTERN_WITH_SIXTH("int $0x80")
			     : "=a"(result)
			     : "0"(&last), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			     : "memory");
	return result;
}

/* --- sysenter, by the frame rule of the vDSO --- */

POSTERN_INLINE postern_word postern_sysenter_0(postern_word number)
{
	postern_word result;

	__asm__ __volatile__(POSTERN_SYSENTER : "=a"(result) : "0"(number) : "memory");
	return result;
}

POSTERN_INLINE postern_word postern_sysenter_1(postern_word number, postern_word a)
{
	postern_word result;

	__asm__ __volatile__(POSTERN_SYSENTER : "=a"(result) : "0"(number), "b"(a) : "memory");
	return result;
}

POSTERN_INLINE postern_word postern_sysenter_2(postern_word number, postern_word a, postern_word b)
{
	postern_word result;

	__asm__ __volatile__(POSTERN_SYSENTER
			     : "=a"(result)
			     : "0"(number), "b"(a), "c"(b)
			     : "memory");
	return result;
}

POSTERN_INLINE postern_word postern_sysenter_3(postern_word number, postern_word a, postern_word b,
					       postern_word c)
{
	postern_word result;

	__asm__ __volatile__(POSTERN_SYSENTER
			     : "=a"(result)
			     : "0"(number), "b"(a), "c"(b), "d"(c)
			     : "memory");
	return result;
}

POSTERN_INLINE postern_word postern_sysenter_4(postern_word number, postern_word a, postern_word b,
					       postern_word c, postern_word d)
{
	postern_word result;

	__asm__ __volatile__(POSTERN_SYSENTER
			     : "=a"(result)
			     : "0"(number), "b"(a), "c"(b), "d"(c), "S"(d)
			     : "memory");
	return result;
}

POSTERN_INLINE postern_word postern_sysenter_5(postern_word number, postern_word a, postern_word b,
					       postern_word c, postern_word d, postern_word e)
{
	postern_word result;

	__asm__ __volatile__(POSTERN_SYSENTER
			     : "=a"(result)
			     : "0"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			     : "memory");
	return result;
}

POSTERN_INLINE postern_word postern_sysenter_6(postern_word number, postern_word a, postern_word b,
					       postern_word c, postern_word d, postern_word e,
					       postern_word f)
{
	struct postern_last last = {number, f, 0};
	postern_word result;

	__asm__ __volatile__(POSTERN_WITH_SIXTH(POSTERN_SYSENTER)
			     : "=a"(result)
			     : "0"(&last), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			     : "memory");
	return result;
}

/* --- 32-bit syscall, by the same rule --- */

POSTERN_INLINE postern_word postern_syscall32_0(postern_word number)
{
	postern_word result;

	__asm__ __volatile__(POSTERN_SYSCALL32 : "=a"(result) : "0"(number) : "memory");
	return result;
}

POSTERN_INLINE postern_word postern_syscall32_1(postern_word number, postern_word a)
{
	postern_word result;

	__asm__ __volatile__(POSTERN_SYSCALL32 : "=a"(result) : "0"(number), "b"(a) : "memory");
	return result;
}

POSTERN_INLINE postern_word postern_syscall32_2(postern_word number, postern_word a, postern_word b)
{
	postern_word result;

	__asm__ __volatile__(POSTERN_SYSCALL32
			     : "=a"(result)
			     : "0"(number), "b"(a), "c"(b)
			     : "memory");
	return result;
}

POSTERN_INLINE postern_word postern_syscall32_3(postern_word number, postern_word a, postern_word b,
						postern_word c)
{
	postern_word result;

	__asm__ __volatile__(POSTERN_SYSCALL32
			     : "=a"(result)
			     : "0"(number), "b"(a), "c"(b), "d"(c)
			     : "memory");
	return result;
}

POSTERN_INLINE postern_word postern_syscall32_4(postern_word number, postern_word a, postern_word b,
						postern_word c, postern_word d)
{
	postern_word result;

	__asm__ __volatile__(POSTERN_SYSCALL32
			     : "=a"(result)
			     : "0"(number), "b"(a), "c"(b), "d"(c), "S"(d)
			     : "memory");
	return result;
}

POSTERN_INLINE postern_word postern_syscall32_5(postern_word number, postern_word a, postern_word b,
						postern_word c, postern_word d, postern_word e)
{
	postern_word result;

	__asm__ __volatile__(POSTERN_SYSCALL32
			     : "=a"(result)
			     : "0"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			     : "memory");
	return result;
}

POSTERN_INLINE postern_word postern_syscall32_6(postern_word number, postern_word a, postern_word b,
						postern_word c, postern_word d, postern_word e,
						postern_word f)
{
	struct postern_last last = {number, f, 0};
	postern_word result;

	__asm__ __volatile__(POSTERN_WITH_SIXTH(POSTERN_SYSCALL32)
			     : "=a"(result)
			     : "0"(&last), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			     : "memory");
	return result;
}

/* --- __kernel_vsyscall: `entry` is the value of AT_SYSINFO, whose code picks what the CPU knows
 * --- */

POSTERN_INLINE postern_word postern_vsyscall_0(uintptr_t entry, postern_word number)
{
	postern_word result;

	__asm__ __volatile__("call *%[entry]"
			     : "=a"(result)
			     : "0"(number), [entry] "rm"(entry)
			     : "memory");
	return result;
}

POSTERN_INLINE postern_word postern_vsyscall_1(uintptr_t entry, postern_word number, postern_word a)
{
	postern_word result;

	__asm__ __volatile__("call *%[entry]"
			     : "=a"(result)
			     : "0"(number), "b"(a), [entry] "rm"(entry)
			     : "memory");
	return result;
}

POSTERN_INLINE postern_word postern_vsyscall_2(uintptr_t entry, postern_word number, postern_word a,
					       postern_word b)
{
	postern_word result;

	__asm__ __volatile__("call *%[entry]"
			     : "=a"(result)
			     : "0"(number), "b"(a), "c"(b), [entry] "rm"(entry)
			     : "memory");
	return result;
}

POSTERN_INLINE postern_word postern_vsyscall_3(uintptr_t entry, postern_word number, postern_word a,
					       postern_word b, postern_word c)
{
	postern_word result;

	__asm__ __volatile__("call *%[entry]"
			     : "=a"(result)
			     : "0"(number), "b"(a), "c"(b), "d"(c), [entry] "rm"(entry)
			     : "memory");
	return result;
}

POSTERN_INLINE postern_word postern_vsyscall_4(uintptr_t entry, postern_word number, postern_word a,
					       postern_word b, postern_word c, postern_word d)
{
	postern_word result;

	__asm__ __volatile__("call *%[entry]"
			     : "=a"(result)
			     : "0"(number), "b"(a), "c"(b), "d"(c), "S"(d), [entry] "rm"(entry)
			     : "memory");
	return result;
}

POSTERN_INLINE postern_word postern_vsyscall_6(uintptr_t entry, postern_word number, postern_word a,
					       postern_word b, postern_word c, postern_word d,
					       postern_word e, postern_word f)
{
	struct postern_last last = {number, f, entry};
	postern_word result;

	__asm__ __volatile__("pushl %%ebp\n\t"
			     "pushl 8(%%eax)\n\t"
			     "movl 4(%%eax), %%ebp\n\t"
			     "movl (%%eax), %%eax\n\t"
			     "call *(%%esp)\n\t"
			     "popl %%ebp\n\t"
			     "popl %%ebp"
			     : "=a"(result)
			     : "0"(&last), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			     : "memory");
	return result;
}

/* No register is left for the entry. */
POSTERN_INLINE postern_word postern_vsyscall_5(uintptr_t entry, postern_word number, postern_word a,
					       postern_word b, postern_word c, postern_word d,
					       postern_word e)
{
	return postern_vsyscall_6(entry, number, a, b, c, d, e, 0);
}

/* --- The usual entry --- */

POSTERN_INLINE postern_word postern_call0(postern_word number)
{
	return postern_int80_0(number);
}

POSTERN_INLINE postern_word postern_call1(postern_word number, postern_word a)
{
	return postern_int80_1(number, a);
}

POSTERN_INLINE postern_word postern_call2(postern_word number, postern_word a, postern_word b)
{
	return postern_int80_2(number, a, b);
}

POSTERN_INLINE postern_word postern_call3(postern_word number, postern_word a, postern_word b,
					  postern_word c)
{
	return postern_int80_3(number, a, b, c);
}

POSTERN_INLINE postern_word postern_call4(postern_word number, postern_word a, postern_word b,
					  postern_word c, postern_word d)
{
	return postern_int80_4(number, a, b, c, d);
}

POSTERN_INLINE postern_word postern_call5(postern_word number, postern_word a, postern_word b,
					  postern_word c, postern_word d, postern_word e)
{
	return postern_int80_5(number, a, b, c, d, e);
}

POSTERN_INLINE postern_word postern_call6(postern_word number, postern_word a, postern_word b,
					  postern_word c, postern_word d, postern_word e,
					  postern_word f)
{
	return postern_int80_6(number, a, b, c, d, e, f);
}

#endif

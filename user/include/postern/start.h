/* SPDX-License-Identifier: MIT */
/*
 * <postern/start.h>: the start of a program without a C library. Include it in one file, which
 * defines
 *
 *	int postern_main(int argc, char **argv, char **envp, const struct postern_auxv *auxv);
 *
 * whose result is the exit status. With POSTERN_START_MAIN defined before the include, the usual
 * main(argc, argv, envp) is called instead; with POSTERN_START_MEMORY, memcpy, memmove, memset and
 * memcmp, which compilers may call, are defined here.
 *
 * Compile with -ffreestanding -fno-stack-protector (nobody sets up the canary) and link with
 * -nostdlib -static, not as a PIE (nobody relocates it).
 *
 * At the start the stack pointer points to argc; argv, NULL, envp, NULL and the auxiliary vector
 * follow, in words of the ABI's pointers. Below a call the stack is aligned to 16 bytes. [System V
 * ABI, AMD64 supplement, 3.4.1; i386 supplement, 2.3.1]
 */
#pragma once

#include <postern/auxv.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef POSTERN_START_MAIN
int main(int argc, char **argv, char **envp);
#else
int postern_main(int argc, char **argv, char **envp, const struct postern_auxv *auxv);
#endif
void _start(void);
void postern_start(uintptr_t *stack) __attribute__((noreturn, used));

/* 0 in the frame pointer ends the chain of frames. */
#ifdef POSTERN_ABI_I386
__asm__(".pushsection .text.postern_start, \"ax\", @progbits\n"
	".globl _start\n"
	".type _start, @function\n"
	"_start:\n\t"
	"xorl %ebp, %ebp\n\t"
	"movl %esp, %eax\n\t"
	"andl $-16, %esp\n\t"
	"subl $12, %esp\n\t"
	"pushl %eax\n\t"
	"call postern_start\n"
	".size _start, . - _start\n"
	".popsection");
#else
__asm__(".pushsection .text.postern_start, \"ax\", @progbits\n"
	".globl _start\n"
	".type _start, @function\n"
	"_start:\n\t"
	"xorl %ebp, %ebp\n\t"
	"movq %rsp, %rdi\n\t"
	"andq $-16, %rsp\n\t"
	"call postern_start\n"
	".size _start, . - _start\n"
	".popsection");
#endif

/* Ends the whole process. */
static inline __attribute__((noreturn)) void postern_exit(int status)
{
	for (;;)
		postern_call1(POSTERN_NR_exit_group, status);
}

void postern_start(uintptr_t *stack)
{
	char **argv = (char **)(void *)(stack + 1);
	char **envp = argv + *stack + 1;

#ifdef POSTERN_START_MAIN
	postern_exit(main((int)*stack, argv, envp));
#else
	postern_exit(postern_main((int)*stack, argv, envp, postern_auxv_behind(envp)));
#endif
}

#ifdef POSTERN_START_MEMORY
/* In string instructions, which no compiler takes for a call of the function itself. */
__attribute__((weak)) void *memcpy(void *to, const void *from, size_t length)
{
	postern_word rdi = postern_ptr(to), rsi = postern_ptr(from), rcx = (postern_word)length;

	__asm__ __volatile__("rep movsb" : "+D"(rdi), "+S"(rsi), "+c"(rcx) : : "memory");
	return to;
}

__attribute__((weak)) void *memset(void *to, int byte, size_t length)
{
	postern_word rdi = postern_ptr(to), rcx = (postern_word)length;

	__asm__ __volatile__("rep stosb" : "+D"(rdi), "+c"(rcx) : "a"(byte) : "memory");
	return to;
}

/* Backwards where the end would be overwritten; elsewhere the direction flag is clear [System V
 * ABI, AMD64 supplement, 3.2.1]. */
__attribute__((weak)) void *memmove(void *to, const void *from, size_t length)
{
	postern_word rdi = postern_ptr(to), rsi = postern_ptr(from), rcx = (postern_word)length;

	if ((uintptr_t)to - (uintptr_t)from >= length)
		return memcpy(to, from, length);
	rdi += rcx - 1;
	rsi += rcx - 1;
	__asm__ __volatile__("std\n\trep movsb\n\tcld"
			     : "+D"(rdi), "+S"(rsi), "+c"(rcx)
			     :
			     : "memory");
	return to;
}

__attribute__((weak)) int memcmp(const void *one, const void *other, size_t length)
{
	const volatile unsigned char *a = (const volatile unsigned char *)one;
	const volatile unsigned char *b = (const volatile unsigned char *)other;

	for (; length; length--, a++, b++)
		if (*a != *b)
			return *a - *b;
	return 0;
}
#endif

#ifdef __cplusplus
}
#endif

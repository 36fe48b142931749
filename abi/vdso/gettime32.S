// SPDX-License-Identifier: MIT
/*
 * clock_gettime of the i386 image: vdso.c's C again, for the case without surprises, in half of the
 * instructions that compilers need with i386's few registers. Whatever is unusual (no such clock
 * here, a write in between, the year 2106) leaves by a jump to the C function, which starts over.
 */
#include "abi/vdso/data.h"

	.text

/* The stack: arguments at 12(%esp) once ebp and ebx are saved. ebp: address of label 1. */
#define DATA(member) (vdso_page + (member) - 1b)

	.macro	saved register
	push	%\register
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset \register, 0
	.endm

	.macro	restored register
	pop	%\register
	.cfi_adjust_cfa_offset -4
	.cfi_restore \register
	.endm

	.macro	gettime name, slow, wide
	.balign	16
	.globl	\name
	.type	\name, @function
\name:
	.cfi_startproc
	saved	ebp
	saved	ebx
	call	1f			/* return predictors know this pair */
	.cfi_adjust_cfa_offset 4
1:	pop	%ebp
	.cfi_adjust_cfa_offset -4
	mov	12(%esp), %ecx
	cmp	$VDSO_CLOCKS, %ecx
	jae	9f
	pushl	DATA(VDSO_DATA_DONE)(%ebp)
	.cfi_adjust_cfa_offset 4
	lfence				/* RDTSC not before the load above */
	rdtsc

	/* ebx:edx:eax = edx:eax * mult, then edx:eax = that >> shift */
	mov	%eax, %ecx
	mov	%edx, %eax
	mull	DATA(VDSO_DATA_MULT)(%ebp)
	xchg	%eax, %ecx		/* the upper product's lower half; the counter's */
	mov	%edx, %ebx
	mull	DATA(VDSO_DATA_MULT)(%ebp)
	add	%ecx, %edx
	adc	$0, %ebx
	mov	DATA(VDSO_DATA_SHIFT)(%ebp), %ecx
	shrd	%cl, %edx, %eax
	shrd	%cl, %ebx, %edx

	/* Bit 31 of a mask is set: the upper half stays. Zero: not served, or a rare true zero. */
	mov	16(%esp), %ecx
	and	DATA(VDSO_DATA_KEEP)(%ebp, %ecx, 4), %eax
	jz	8f
	add	DATA(VDSO_DATA_OFFSET)(%ebp, %ecx, 8), %eax
	adc	DATA(VDSO_DATA_OFFSET + 4)(%ebp, %ecx, 8), %edx
	pop	%ecx
	.cfi_adjust_cfa_offset -4
	cmp	DATA(VDSO_DATA_BEGUN)(%ebp), %ecx
	jne	9f
	cmp	$VDSO_NSEC_PER_SEC, %edx	/* the quotient must fit eax */
	jae	9f
	divl	nsec_per_sec - 1b(%ebp)
	mov	16(%esp), %ecx
	mov	%eax, (%ecx)
	.if	\wide
	movl	$0, 4(%ecx)
	mov	%edx, 8(%ecx)
	movl	$0, 12(%ecx)
	.else
	mov	%edx, 4(%ecx)
	.endif
	xor	%eax, %eax
	.cfi_remember_state
	restored ebx
	restored ebp
	ret

	.cfi_restore_state
	.cfi_adjust_cfa_offset 4
8:	pop	%ecx
	.cfi_adjust_cfa_offset -4
9:	restored ebx
	restored ebp
	jmp	\slow
	.cfi_endproc
	.size	\name, . - \name
	.endm

	gettime	__vdso_clock_gettime, vdso_gettime_slow, 0
	gettime	__vdso_clock_gettime64, vdso_gettime64_slow, 1

	.balign	4
nsec_per_sec:
	.long	VDSO_NSEC_PER_SEC

	.section .note.GNU-stack, "", @progbits

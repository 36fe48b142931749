// SPDX-License-Identifier: MIT
/*
 * What only the i386 image has: the way into the kernel that suits the CPU, and the two signal
 * trampolines. The stack at vdso_fast_entry (ebp, edx, ecx, return address) is fixed by the
 * programs that issue SYSENTER themselves and by the kernel, which reads the sixth argument at its
 * top and always returns to vdso_landing_pad. The trampolines' bytes are fixed too: debuggers and
 * unwinders recognise them.
 */
#include <asm/unistd_32.h>

	.text

/*
 * eax number, ebx ecx edx esi edi ebp arguments. All registers but eax survive. As built, it uses
 * INT 0x80; at boot the kernel replaces the four bytes at vdso_fast_entry (abi/vdso/entry32.h) by
 *	mov %esp, %ebp; sysenter	Intel: the CPU keeps neither eip nor esp, so ebp carries esp
 *	mov %ecx, %ebp; syscall		AMD: the CPU puts eip into ecx, so ebp carries that argument
 * A restarted call resumes two bytes before the landing pad, at INT 0x80, with the six arguments in
 * place.
 */
	.balign	16
	.globl	__kernel_vsyscall
	.type	__kernel_vsyscall, @function
__kernel_vsyscall:
	.cfi_startproc
	push	%ecx
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset ecx, 0
	push	%edx
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset edx, 0
	push	%ebp
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset ebp, 0
vdso_fast_entry:
	.byte	0x0f, 0x1f, 0x40, 0x00	/* nopl 0(%eax) */
	int	$0x80
vdso_landing_pad:
	pop	%ebp
	.cfi_restore ebp
	.cfi_adjust_cfa_offset -4
	pop	%edx
	.cfi_restore edx
	.cfi_adjust_cfa_offset -4
	pop	%ecx
	.cfi_restore ecx
	.cfi_adjust_cfa_offset -4
	ret
	.cfi_endproc
	.size	__kernel_vsyscall, . - __kernel_vsyscall

/*
 * DWARF for a signal frame. The interrupted registers lie in a struct sigcontext at esp + \at;
 * offsets in it are <asm/sigcontext.h>'s for i386. An operand is DW_OP_breg4 (esp) with a two-byte
 * SLEB128, enough for 0 … 8191. The eh_frame numbers: eax 0, ecx 1, edx 2, ebx 3, esp 4, ebp 5, esi
 * 6, edi 7, eip 8.
 */
#define BREG_ESP(offset)	0x74, (((offset) & 0x7f) | 0x80), (((offset) >> 7) & 0x7f)

	/* DW_CFA_expression: the address where the register is saved. */
	.macro	saved_at register, offset
	.cfi_escape 0x10, \register, 3, BREG_ESP(\offset)
	.endm

	/* DW_CFA_def_cfa_expression: the word at sigcontext.sp. Then the registers. */
	.macro	sigframe_at at
	.cfi_escape 0x0f, 4, BREG_ESP(\at + 28), 0x06
	saved_at 7, \at + 16
	saved_at 6, \at + 20
	saved_at 5, \at + 24
	saved_at 3, \at + 32
	saved_at 2, \at + 36
	saved_at 1, \at + 40
	saved_at 0, \at + 44
	saved_at 8, \at + 56
	.endm

/*
 * Reached by the handler's RET, which took the first word of the frame. An unwinder that does not
 * know 'S' looks one byte before the return address up, so each description starts one byte (of
 * padding) early.
 */
	.balign	16
	nop
	.cfi_startproc simple
	.cfi_signal_frame
	sigframe_at 4				/* above the signal number */
	nop
	.globl	__kernel_sigreturn
	.type	__kernel_sigreturn, @function
__kernel_sigreturn:
	pop	%eax
	sigframe_at 0
	movl	$__NR_sigreturn, %eax
	int	$0x80
	.cfi_endproc
	.size	__kernel_sigreturn, . - __kernel_sigreturn

	.balign	16
	nop
	.cfi_startproc simple
	.cfi_signal_frame
	sigframe_at 160			/* number, two pointers, siginfo (128), 20 bytes of ucontext */
	nop
	.globl	__kernel_rt_sigreturn
	.type	__kernel_rt_sigreturn, @function
__kernel_rt_sigreturn:
	movl	$__NR_rt_sigreturn, %eax
	int	$0x80
	.cfi_endproc
	.size	__kernel_rt_sigreturn, . - __kernel_rt_sigreturn

	.section .note.GNU-stack, "", @progbits

// SPDX-License-Identifier: MIT
// The code of the tiny programs: position-independent, no data. What a new program starts with is
// checked, and a bit set in the exit status, 64 + bits, for what is wrong:
//   1 a general register is not 0    2 flags are not 0x202      4 the stack is not aligned to 16
//   8 FPU control words              16 FPU or SSE registers    32 FS or GS holds a selector

.macro CODE64 name, exit
	.globl	\name, \name\()_end
	.code64
\name:
	pushfq
	orq	%rbx, %rax
	orq	%rcx, %rax
	orq	%rdx, %rax
	orq	%rsi, %rax
	orq	%rdi, %rax
	orq	%rbp, %rax
	orq	%r8, %rax
	orq	%r9, %rax
	orq	%r10, %rax
	orq	%r11, %rax
	orq	%r12, %rax
	orq	%r13, %rax
	orq	%r14, %rax
	orq	%r15, %rax
	movl	$64, %ebp
	testq	%rax, %rax
	je	1f
	orl	$1, %ebp
1:	popq	%rcx
	cmpq	$0x202, %rcx
	je	1f
	orl	$2, %ebp
1:	testl	$15, %esp
	je	1f
	orl	$4, %ebp
1:	movl	%fs, %eax
	movl	%gs, %edx
	orl	%edx, %eax
	je	1f
	orl	$32, %ebp
1:	subq	$1024, %rsp
	andq	$-64, %rsp
	fxsave	(%rsp)
	cmpw	$0x37f, (%rsp)
	jne	2f
	cmpl	$0x1f80, 24(%rsp)
	je	1f
2:	orl	$8, %ebp
1:	xorl	%eax, %eax
	movl	$2, %ecx
3:	orb	(%rsp,%rcx), %al
	incl	%ecx
	cmpl	$24, %ecx
	jne	4f
	movl	$32, %ecx
4:	cmpl	$416, %ecx
	jne	3b
	testb	%al, %al
	je	1f
	orl	$16, %ebp
1:	movl	%ebp, %edi
	movl	$\exit, %eax
	syscall
	ud2
\name\()_end:
.endm

	.section .rodata
	CODE64	tiny_x86_64, 60
	CODE64	tiny_x32, 0x4000003c

	.globl	tiny_i386, tiny_i386_end
	.code32
tiny_i386:
	pushfl
	orl	%ebx, %eax
	orl	%ecx, %eax
	orl	%edx, %eax
	orl	%esi, %eax
	orl	%edi, %eax
	orl	%ebp, %eax
	movl	$64, %ebp
	testl	%eax, %eax
	je	1f
	orl	$1, %ebp
1:	popl	%ecx
	cmpl	$0x202, %ecx
	je	1f
	orl	$2, %ebp
1:	testl	$15, %esp
	je	1f
	orl	$4, %ebp
1:	movl	%fs, %eax
	movl	%gs, %edx
	orl	%edx, %eax
	je	1f
	orl	$32, %ebp
1:	subl	$1024, %esp
	andl	$-64, %esp
	fxsave	(%esp)
	cmpw	$0x37f, (%esp)
	jne	2f
	cmpl	$0x1f80, 24(%esp)
	je	1f
2:	orl	$8, %ebp
1:	xorl	%eax, %eax
	movl	$2, %ecx
3:	orb	(%esp,%ecx), %al
	incl	%ecx
	cmpl	$24, %ecx
	jne	4f
	movl	$32, %ecx
4:	cmpl	$288, %ecx
	jne	3b
	testb	%al, %al
	je	1f
	orl	$16, %ebp
1:	movl	%ebp, %ebx
	movl	$1, %eax
	int	$0x80
	ud2
tiny_i386_end:

	.section .note.GNU-stack, "", @progbits

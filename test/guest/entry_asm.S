// SPDX-License-Identifier: MIT
// Every way into the kernel, with all registers loaded from and stored to a struct entry_state
// (entry.h). The stack pointer is the address of that structure while the call is made, which leaves
// no register aside: what comes back is exactly what the kernel gave. All of it lies below 4 GiB.

#define RAX 0
#define RBX 8
#define RCX 16
#define RDX 24
#define RSI 32
#define RDI 40
#define RBP 48
#define RSP 56
#define R8  64
#define R9  72
#define R10 80
#define R11 88
#define R12 96
#define R13 104
#define R14 112
#define R15 120
#define FLAGS 128
#define SAVED 136

	.text

.macro LOAD64
	movq	RAX(%rsp), %rax
	movq	RBX(%rsp), %rbx
	movq	RCX(%rsp), %rcx
	movq	RDX(%rsp), %rdx
	movq	RSI(%rsp), %rsi
	movq	RDI(%rsp), %rdi
	movq	RBP(%rsp), %rbp
	movq	R8(%rsp), %r8
	movq	R9(%rsp), %r9
	movq	R10(%rsp), %r10
	movq	R11(%rsp), %r11
	movq	R12(%rsp), %r12
	movq	R13(%rsp), %r13
	movq	R14(%rsp), %r14
	movq	R15(%rsp), %r15
	pushq	FLAGS(%rsp)
	popfq
.endm

// popq to memory takes the stack pointer after its increment, so FLAGS(%rsp) is the structure's.
.macro SAVE64
	pushfq
	popq	FLAGS(%rsp)
	movq	%rax, RAX(%rsp)
	movq	%rbx, RBX(%rsp)
	movq	%rcx, RCX(%rsp)
	movq	%rdx, RDX(%rsp)
	movq	%rsi, RSI(%rsp)
	movq	%rdi, RDI(%rsp)
	movq	%rbp, RBP(%rsp)
	movq	%rsp, RSP(%rsp)
	movq	%r8, R8(%rsp)
	movq	%r9, R9(%rsp)
	movq	%r10, R10(%rsp)
	movq	%r11, R11(%rsp)
	movq	%r12, R12(%rsp)
	movq	%r13, R13(%rsp)
	movq	%r14, R14(%rsp)
	movq	%r15, R15(%rsp)
	pushq	$0x202
	popfq
.endm

.macro LOAD32
	movl	RAX(%esp), %eax
	movl	RBX(%esp), %ebx
	movl	RCX(%esp), %ecx
	movl	RDX(%esp), %edx
	movl	RSI(%esp), %esi
	movl	RDI(%esp), %edi
	movl	RBP(%esp), %ebp
	pushl	FLAGS(%esp)
	popfl
.endm

.macro SAVE32
	pushfl
	popl	FLAGS(%esp)
	movl	%eax, RAX(%esp)
	movl	%ebx, RBX(%esp)
	movl	%ecx, RCX(%esp)
	movl	%edx, RDX(%esp)
	movl	%esi, RSI(%esp)
	movl	%edi, RDI(%esp)
	movl	%ebp, RBP(%esp)
	movl	%esp, RSP(%esp)
	pushl	$0x202
	popfl
.endm

#ifdef __x86_64__

.macro SAVE_CALLER
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movl	%edi, %edi
	movq	%rsp, SAVED(%rdi)
	movq	%rdi, %rsp
.endm

.macro LOAD_CALLER
	movq	SAVED(%rsp), %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret
.endm

// A way in from 64-bit code. entry_at_NAME is the instruction.
.macro WAY64 name, insn:vararg
	.globl	entry_\name, entry_at_\name
	.type	entry_\name, @function
entry_\name:
	SAVE_CALLER
	LOAD64
entry_at_\name:
	\insn
	SAVE64
	LOAD_CALLER
	.size	entry_\name, . - entry_\name
.endm

	WAY64	syscall, syscall
	WAY64	int80, int $0x80
	WAY64	sysenter64, sysenter
	WAY64	nothing, nop; nop

// A way in from 32-bit code of a 64-bit program: far jumps to CS 0x23 and back. DS is null in
// 64-bit programs, so only the stack segment is used while there.
.macro WAY32 name, insn:vararg
	.globl	entry_\name, entry_at_\name
	.type	entry_\name, @function
entry_\name:
	SAVE_CALLER
	movq	R8(%rsp), %r8
	movq	R9(%rsp), %r9
	movq	R10(%rsp), %r10
	movq	R11(%rsp), %r11
	movq	R12(%rsp), %r12
	movq	R13(%rsp), %r13
	movq	R14(%rsp), %r14
	movq	R15(%rsp), %r15
	ljmp	*far_\name(%rip)
	.section .rodata
	.balign	8
far_\name:
	.long	1f
	.word	0x23
	.text
	.code32
1:	LOAD32
entry_at_\name:
	\insn
	SAVE32
	ljmp	$0x33, $2f
	.code64
2:	movl	%esp, %esp
	movq	%r8, R8(%rsp)
	movq	%r9, R9(%rsp)
	movq	%r10, R10(%rsp)
	movq	%r11, R11(%rsp)
	movq	%r12, R12(%rsp)
	movq	%r13, R13(%rsp)
	movq	%r14, R14(%rsp)
	movq	%r15, R15(%rsp)
	LOAD_CALLER
	.size	entry_\name, . - entry_\name
.endm

	WAY32	int80_32, int $0x80
	WAY32	sysenter, sysenter
	WAY32	syscall32, syscall

// long entry_vsyscall(u64 address, u64 arg1, u64 arg2, u64 arg3): calls it, also from x32.
	.globl	entry_vsyscall
	.type	entry_vsyscall, @function
entry_vsyscall:
	movq	%rdi, %rax
	movq	%rsi, %rdi
	movq	%rdx, %rsi
	movq	%rcx, %rdx
	jmp	*%rax
	.size	entry_vsyscall, . - entry_vsyscall

#else

.macro SAVE_CALLER
	pushl	%ebx
	pushl	%ebp
	pushl	%esi
	pushl	%edi
	movl	20(%esp), %eax
	movl	%esp, SAVED(%eax)
	movl	%eax, %esp
.endm

.macro LOAD_CALLER
	movl	SAVED(%esp), %esp
	popl	%edi
	popl	%esi
	popl	%ebp
	popl	%ebx
	ret
.endm

.macro WAY32 name, insn:vararg
	.globl	entry_\name, entry_at_\name
	.type	entry_\name, @function
entry_\name:
	SAVE_CALLER
	LOAD32
entry_at_\name:
	\insn
	SAVE32
	LOAD_CALLER
	.size	entry_\name, . - entry_\name
.endm

	WAY32	int80, int $0x80
	WAY32	vsyscall, call *kernel_vsyscall
	WAY32	sysenter, call call_sysenter
	WAY32	syscall32, call call_syscall32
	WAY32	sysenter_raw, sysenter
	WAY32	nothing, nop; nop

// What the vDSO does: the kernel returns into the vDSO, which pops the three and returns to us.
call_sysenter:
	pushl	%ecx
	pushl	%edx
	pushl	%ebp
	movl	%esp, %ebp
	sysenter
	ud2

call_syscall32:
	pushl	%ecx
	pushl	%edx
	pushl	%ebp
	movl	%ecx, %ebp
	syscall
	ud2

// From 64-bit back to 32-bit code: ljmp *(address), encoded by hand, because the assembler has no
// relocation for it in a 32-bit object. (lretq would do, but TCG 7.2 reads its stack as the kernel, which
// SMAP forbids: hazard 34.)
.macro TO_32 label:vararg
	.byte	0xff, 0x2c, 0x25
	.long	8f
	.section .rodata
	.balign	8
8:	.long	\label
	.word	0x23
	.text
.endm

// SYSCALL from 64-bit code of a 32-bit program: far jumps to CS 0x33 and back.
	.globl	entry_syscall, entry_at_syscall
	.type	entry_syscall, @function
entry_syscall:
	SAVE_CALLER
	ljmp	$0x33, $1f
	.code64
1:	movl	%esp, %esp
	LOAD64
entry_at_syscall:
	syscall
	SAVE64
	TO_32	2f
	.code32
2:	LOAD_CALLER
	.size	entry_syscall, . - entry_syscall

// As LOAD64 and SAVE64 around a 32-bit way, to see what a call leaves in r8 to r15.
	.globl	entry_wide_int80, entry_wide_vsyscall
.macro WIDE name, insn:vararg
	.type	entry_\name, @function
	.globl	entry_\name
entry_\name:
	SAVE_CALLER
	ljmp	$0x33, $1f
	.code64
1:	movl	%esp, %esp
	LOAD64
	TO_32	2f
	.code32
2:	\insn
	ljmp	$0x33, $3f
	.code64
3:	SAVE64
	TO_32	4f
	.code32
4:	LOAD_CALLER
	.size	entry_\name, . - entry_\name
.endm
	WIDE	wide_int80, int $0x80
	WIDE	wide_vsyscall, call *kernel_vsyscall

	.data
	.globl	kernel_vsyscall
kernel_vsyscall:
	.long	0
	.text
#endif

	.section .note.GNU-stack, "", @progbits

// SPDX-License-Identifier: MIT
// Changing kernel stacks, and the first steps of a kernel task.

	.text

// struct task *context_switch_stack(u64 *save_rsp, u64 load_rsp, struct task *prev)
// Keeps what the C calling convention says a call preserves; everything else is dead here. Returns `prev`
// on the stack of the task switched to, so that it can be finished there.
	.globl	context_switch_stack
context_switch_stack:
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	movq	%rdx, %rax
	ret

// A kernel task begins here, with fn in RBX, its argument in R12 and a zeroed struct regs above the stack pointer. If
// fn returns after an exec, the frame holds the program's first registers: leave through it.
	.globl	context_kernel_entry
context_kernel_entry:
	movq	%rax, %rdi
	call	sched_finish_switch
	sti
	movq	%r12, %rdi
	call	*%rbx
	call	context_kernel_returned	// does not return for a task that is still the kernel's
	movq	%rsp, %rdi
	call	gate_exit
	jmp	return_user

	.section .note.GNU-stack, "", @progbits

// SPDX-License-Identifier: MIT
// Every way into the kernel and out of it. Each entry builds a struct regs at the top of the task's
// kernel stack, clears the registers it saved, and calls C, which decides everything else: there is
// no policy here. GS_BASE is the user's outside and the CPU's struct cpu inside.

#include "asm_offsets.h"
#include "machine/layout.h"

#define CALL_WORD(kind, abi) ((kind) | ENTRY_IS_CALL | ((abi) << ENTRY_ABI_SHIFT))

// The fifteen general registers, in the order of struct regs from its end. Cleared once saved, so
// that no user value reaches a speculated kernel load; rsp is left pointing at the frame.
.macro SAVE_REGS
	pushq	%rcx
	pushq	%r11
	pushq	%rax
	pushq	%r9
	pushq	%r8
	pushq	%r10
	pushq	%rdx
	pushq	%rsi
	pushq	%rdi
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	xorl	%ecx, %ecx
	xorl	%r11d, %r11d
	xorl	%eax, %eax
	xorl	%r9d, %r9d
	xorl	%r8d, %r8d
	xorl	%r10d, %r10d
	xorl	%edx, %edx
	xorl	%esi, %esi
	xorl	%ebx, %ebx
	xorl	%ebp, %ebp
	xorl	%r12d, %r12d
	xorl	%r13d, %r13d
	xorl	%r14d, %r14d
	xorl	%r15d, %r15d
	movq	%rsp, %rdi		// argument of every C function called from here
.endm

.macro RESTORE_REGS
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	popq	%rdi
	popq	%rsi
	popq	%rdx
	popq	%r10
	popq	%r8
	popq	%r9
	popq	%rax
	popq	%r11
	popq	%rcx
.endm

	.text

// SYSCALL from 64-bit code (SDM vol. 2, SYSCALL): RCX = return RIP, R11 = RFLAGS; RFLAGS &= ~FMASK,
// so IF TF DF AC NT are 0. CS and SS are the kernel's, but RSP is still the user's and GS too.
	.globl	entry_syscall64
entry_syscall64:
	swapgs
	movq	%rsp, %gs:CPU_SCRATCH
	movq	%gs:CPU_KSTACK_TOP, %rsp
	pushq	$SEL_USER_DS		// ss
	pushq	%gs:CPU_SCRATCH		// rsp
	pushq	%r11			// rflags
	pushq	$SEL_USER_CS		// cs
	pushq	%rcx			// rip
	pushq	%rax			// orig: the number
	pushq	$CALL_WORD(ENTRY_SYSCALL64, ABI_X86_64)
	SAVE_REGS
	call	gate_syscall64
	testb	%al, %al
	jz	return_user
	RESTORE_REGS			// rcx = rip and r11 = rflags: gate_syscall64 has checked
	movq	(REGS_RSP - REGS_ENTRY)(%rsp), %rsp
	swapgs
	sysretq

// SYSCALL from compatibility mode, through CSTAR. As above, but the upper halves of all registers
// are whatever earlier 64-bit code left there; ECX (argument 2) was moved to EBP by the caller.
	.globl	entry_syscall32
entry_syscall32:
	swapgs
	movq	%rsp, %gs:CPU_SCRATCH
	movq	%gs:CPU_KSTACK_TOP, %rsp
	pushq	$SEL_USER_DS		// ss
	pushq	%gs:CPU_SCRATCH		// rsp
	pushq	%r11			// rflags
	pushq	$SEL_USER32_CS		// cs
	movl	%ecx, %ecx
	pushq	%rcx			// rip
	movl	%eax, %eax
	pushq	%rax			// orig
	pushq	$CALL_WORD(ENTRY_SYSCALL32, ABI_I386)
	SAVE_REGS
	call	gate_syscall32
	jmp	return_compat

// SYSENTER (SDM vol. 2): RIP, CS, SS, RSP from MSRs; IF and VM cleared and nothing else, so TF, NT,
// AC and DF are the user's (hazards 23, 25, 26, 27) and neither EIP nor ESP was kept anywhere. The
// caller's convention (the vDSO's) has ESP in EBP; the return address is the vDSO's landing pad.
	.globl	entry_sysenter
entry_sysenter:
	swapgs
	movq	%gs:CPU_KSTACK_TOP, %rsp
	pushq	$SEL_USER_DS		// ss
	movl	%ebp, %ebp
	pushq	%rbp			// rsp
	pushfq				// rflags, but with IF as the user must have had it
	orl	$0x200, (%rsp)
	pushq	$2
	popfq				// clears TF, NT, AC and DF before anything depends on them
	.globl	entry_sysenter_end
entry_sysenter_end:
	pushq	$SEL_USER32_CS		// cs
	pushq	$0			// rip: gate_sysenter knows
	movl	%eax, %eax
	pushq	%rax			// orig
	pushq	$CALL_WORD(ENTRY_SYSENTER, ABI_I386)
	SAVE_REGS
	call	gate_sysenter
	// fall through

// The way back to compatibility mode. SYSEXIT would enable interrupts one instruction late and
// needs ECX and EDX; SYSRETL serves both entries and restores all flags. al: safe to use it.
return_compat:
	testb	%al, %al
	jz	return_user
	RESTORE_REGS			// gate_* has put rip into rcx and rflags into r11
	movl	(REGS_RSP - REGS_ENTRY)(%rsp), %esp
	swapgs
	sysretl

// INT 0x80 from 32-bit or 64-bit code: an interrupt gate, so the CPU has pushed ss … rip on the
// task's kernel stack and cleared IF and TF. AC and DF are the user's. No error code. The vector
// cannot be an external interrupt: the local APIC's task priority masks it (hazard 12, apic.c).
	.globl	entry_int80
entry_int80:
	swapgs
	movl	%eax, %eax
	pushq	%rax			// orig: the number
	pushq	$CALL_WORD(ENTRY_INT80, ABI_I386)
	pushq	$2
	popfq
	SAVE_REGS
	call	gate_int80
	// fall through

// Everything that was not proved safe for SYSRET leaves by IRET. Interrupts are off.
	.globl	return_user
return_user:
	RESTORE_REGS
	addq	$(REGS_RIP - REGS_ENTRY), %rsp
	swapgs
	.globl	return_user_iret
return_user_iret:
	iretq				// may fault on the user's CS, SS or RIP: see trap_kernel

// A new task's first steps: switch.S comes here on its fresh stack with the frame above it.
	.globl	ret_from_fork
ret_from_fork:
	movq	%rax, %rdi		// the task switched away from
	call	sched_finish_switch
	movq	%rsp, %rdi
	call	gate_exit
	jmp	return_user

// Traps and interrupts. Each stub pushes an error code where the CPU does not, and its vector.
	.macro TRAP vector, has_error=0, kind=trap_common
	.balign 16
trap_\vector:
	.if !\has_error
	pushq	$0
	.endif
	pushq	$\vector
	jmp	\kind
	.endm

trap_common:
	testb	$3, (REGS_CS - REGS_ENTRY)(%rsp)
	jz	trap_kernel
	swapgs
	lfence				// no speculation past the conditional swapgs (hazard 33)
	pushq	$2
	popfq				// AC and NT are the user's; IF is off anyway
	SAVE_REGS
	call	trap_user
	jmp	return_user

trap_kernel:
	lfence
	pushq	$2
	popfq				// AC may be open for a user copy: IRET reopens it
	SAVE_REGS
	leaq	return_user_iret(%rip), %rax
	cmpq	%rax, REGS_RIP(%rsp)
	je	trap_bad_iret
	call	trap_from_kernel
	RESTORE_REGS
	addq	$(REGS_RIP - REGS_ENTRY), %rsp
	iretq

// The IRET to user mode itself faulted: at CPL 0, but with the user's GS already in place (hazard
// 18). The frame of the failed return is rebuilt at the top of the stack and the fault is the user's.
trap_bad_iret:
	swapgs
	lfence
	call	trap_iret_fault		// returns the rebuilt frame
	movq	%rax, %rsp
	movq	%rsp, %rdi
	call	trap_user
	jmp	return_user

// #DB, NMI, #DF and #MC run on stacks of their own, because they may arrive before an entry has
// a stack or after an exit has left it. GS may be either's and user code can write any base
// (hazards 28, 30, 31), so neither CS nor its sign is believed: the word at the top of each IST
// stack is this CPU's struct cpu, and the old base is put back afterwards.
trap_ist:
	pushq	$2
	popfq
	SAVE_REGS
	movl	$0xc0000101, %ecx	// MSR_GS_BASE
	rdmsr
	movl	%eax, %r12d
	movl	%edx, %r13d
	movl	REGS_SIZE(%rsp), %eax
	movl	REGS_SIZE+4(%rsp), %edx
	wrmsr
	call	trap_from_ist
	testq	%rax, %rax
	jnz	trap_ist_to_task
	movl	$0xc0000101, %ecx
	movl	%r12d, %eax
	movl	%r13d, %edx
	wrmsr
	RESTORE_REGS
	addq	$(REGS_RIP - REGS_ENTRY), %rsp
	iretq

// A #DB of user mode: the frame was copied to the task's stack, where handling it may sleep.
// The user's base goes where SWAPGS left it for every other entry: into KERNEL_GS_BASE.
trap_ist_to_task:
	movq	%rax, %rsp
	movl	$0xc0000102, %ecx	// MSR_KERNEL_GS_BASE
	movl	%r12d, %eax
	movl	%r13d, %edx
	wrmsr
	movq	%rsp, %rdi
	call	trap_user
	jmp	return_user

	TRAP 0
	TRAP 1, 0, trap_ist
	TRAP 2, 0, trap_ist
	TRAP 3
	TRAP 4
	TRAP 5
	TRAP 6
	TRAP 7
	TRAP 8, 1, trap_ist
	TRAP 9
	TRAP 10, 1
	TRAP 11, 1
	TRAP 12, 1
	TRAP 13, 1
	TRAP 14, 1
	TRAP 15
	TRAP 16
	TRAP 17, 1
	TRAP 18, 0, trap_ist
	TRAP 19
	TRAP 20
	TRAP 21, 1
	.altmacro
	.macro TRAP_NUMBERED n
	TRAP \n
	.endm
	.set	n, 22
	.rept	256 - 22
	TRAP_NUMBERED %n
	.set	n, n + 1
	.endr

	.section .rodata
	.balign 8
	.globl	trap_stubs
trap_stubs:
	.macro TRAP_ADDRESS n
	.quad	trap_\n
	.endm
	.set	n, 0
	.rept	256
	TRAP_ADDRESS %n
	.set	n, n + 1
	.endr

	.section .note.GNU-stack, "", @progbits

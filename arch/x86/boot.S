// SPDX-License-Identifier: MIT
// From the loader to C. The boot CPU arrives by the PVH protocol: 32-bit protected mode, flat segments, no paging,
// interrupts off, EBX = physical address of struct hvm_start_info. The others arrive in real mode on the trampoline.
// Both meet at start32, and run on early_pml4 (first GiB at 0, DIRECT_BASE and KERNEL_BASE) until C loads the final
// tables (start.c holds the early ones). Everything here is boot-only memory, given back by arch_boot_done().

#include "machine/layout.h"

#define PHYS(symbol) ((symbol) - KERNEL_BASE)
#define SEL_BOOT_CS32 0x08
#define CR0_BOOT 0x80050033 // PG AM WP NE ET MP PE; CD and NW, set by INIT, become 0
#define CR4_BOOT 0xa0	    // PGE PAE
#define EFER_BOOT 0x901	    // NXE LME SCE
#define MSR_EFER 0xc0000080

	.section .note.pvh, "a", @note
	.balign 4
	.long	4, 8, 18		// sizes of name and value; XEN_ELFNOTE_PHYS32_ENTRY
	.asciz	"Xen"
	.quad	PHYS(pvh_start)

	.section .init.text, "ax", @progbits
	.code32
	.globl	pvh_start
pvh_start:
	cld
	movl	%ebx, %edi		// first argument of arch_start; ESI = 0 marks the boot CPU
	xorl	%esi, %esi

start32:
	lgdt	PHYS(boot_gdt_pointer)
	movl	$CR4_BOOT, %eax
	movl	%eax, %cr4
	movl	$PHYS(early_pml4), %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	rdmsr
	orl	$EFER_BOOT, %eax
	wrmsr
	movl	$CR0_BOOT, %eax		// paging on with LME set: compatibility mode (SDM vol. 3, 10.8.5)
	movl	%eax, %cr0
	ljmpl	$SEL_KERNEL_CS, $PHYS(start64)

	.code64
start64:
	movl	$SEL_KERNEL_DS, %eax
	movl	%eax, %ss
	movl	%eax, %ds
	movl	%eax, %es
	xorl	%eax, %eax		// null FS and GS, as a switch between 64-bit tasks expects them
	movl	%eax, %fs
	movl	%eax, %gs
	movq	$start_high, %rax
	jmp	*%rax			// leave the identity map
start_high:
	xorl	%ebp, %ebp		// ends every backtrace
	testl	%esi, %esi
	jnz	start_ap
	movl	%edi, %edi
	movq	$boot_stack + PAGE_SIZE + KSTACK_SIZE, %rsp
	call	arch_start

// Another CPU: looks for its row in smp_boot_table by its initial APIC ID (CPUID.1:EBX[31:24]).
start_ap:
	movq	$PHYS(kernel_pml4), %rax
	movq	%rax, %cr3		// the stack lies in the final map only
	movl	$1, %eax
	cpuid
	shrl	$24, %ebx
	movq	$smp_boot_table, %rdi
1:	cmpl	%ebx, (%rdi)
	leaq	24(%rdi), %rdi
	jne	1b
	movq	-16(%rdi), %rsp
	movq	-8(%rdi), %rdi		// struct cpu
	call	smp_ap_start

	.code32
ap_start32:
	movl	$SEL_KERNEL_DS, %eax
	movl	%eax, %ds
	movl	$1, %esi
	jmp	start32

// Copied to TRAMPOLINE_PHYS. A startup IPI enters it in real mode with CS:IP = TRAMPOLINE_PHYS >> 4 : 0.
	.code16
	.globl	trampoline, trampoline_end
trampoline:
	cli
	movw	%cs, %ax
	movw	%ax, %ds
	lgdtl	trampoline_gdt - trampoline
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	ljmpl	$SEL_BOOT_CS32, $PHYS(ap_start32)
trampoline_gdt:
	.word	4 * 8 - 1		// boot_gdt has four descriptors
	.long	PHYS(boot_gdt)
trampoline_end:

	.section .init.data, "aw", @progbits
boot_gdt_pointer:
	.word	4 * 8 - 1
	.long	PHYS(boot_gdt)

	.section .note.GNU-stack, "", @progbits

// SPDX-License-Identifier: MIT
// Where everything lies in the 48-bit address space. Also included by assembly: only #defines.
//
//   0000000000000000  user space, up to USER_END (47 bits less one guard page: hazard row 16)
//   ffff800000000000  DIRECT_BASE   all of physical memory, NX, 2 MiB pages
//   ffffc00000000000  KVM_BASE      kernel stacks and MMIO windows, 4 KiB pages
//   ffffffff80000000  KERNEL_BASE   the kernel image, at physical address + KERNEL_BASE
//   ffffffffff600000  VSYSCALL_PAGE never mapped: a fetch there faults and is emulated
#pragma once

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096

#define USER_END_64 0x00007ffffffff000
#define USER_END_32 0x00000000ffffe000

#define DIRECT_BASE   0xffff800000000000
#define KVM_BASE      0xffffc00000000000
#define KVM_END	      0xffffc08000000000
#define KERNEL_BASE   0xffffffff80000000
#define VSYSCALL_PAGE 0xffffffffff600000

#define KSTACK_SIZE 16384

// Physical page below 1 MiB to which a starting CPU is pointed.
#define TRAMPOLINE_PHYS 0x8000

// GDT selectors. SYSRET wants user32 CS, user DS, user64 CS in a row (SDM vol. 2, SYSRET);
// the values are also Linux's, because programs look at them.
#define SEL_KERNEL_CS 0x10
#define SEL_KERNEL_DS 0x18
#define SEL_USER32_CS 0x23
#define SEL_USER_DS   0x2b
#define SEL_USER_CS   0x33
#define SEL_TSS	      0x40
#define SEL_LDT	      0x50
#define GDT_TLS_FIRST 12 // three TLS entries, set_thread_area(2)
#define GDT_TLS_COUNT 3
#define SEL_CPUNODE   0x7b // limit = CPU number, read by the vDSO with LSL
#define GDT_ENTRIES   16

#define STAR_SYSCALL_CS SEL_KERNEL_CS
#define STAR_SYSRET_CS	SEL_USER32_CS

// What entry.S pushes into regs->entry as one word: kind, "is a call" bit, ABI.
#define ENTRY_IS_CALL	0x100
#define ENTRY_ABI_SHIFT 16
#define ENTRY_SYSCALL64 0x01
#define ENTRY_SYSCALL32 0x02
#define ENTRY_SYSENTER	0x03
#define ENTRY_INT80	0x04
#define ENTRY_VSYSCALL	0x05

#define ABI_X86_64 0
#define ABI_I386   1
#define ABI_X32	   2
#define ABI_COUNT  3

// Vectors above the CPU's own 32. The local APIC's task priority is held at 0x80, so that no
// interrupt, whoever sends it, arrives as vector 0x80 … 0x8f and could pass for a call (hazard 12):
// all of ours are above.
#define APIC_TPR	0x80
#define VECTOR_SYSCALL	0x80
#define VECTOR_TIMER	0xf0
#define VECTOR_RESCHED	0xf1
#define VECTOR_TLB	0xf2
#define VECTOR_STOP	0xf3
#define VECTOR_IRQ_BASE 0x90 // device interrupt line n arrives as VECTOR_IRQ_BASE + n, n < 32
#define VECTOR_SPURIOUS 0xff

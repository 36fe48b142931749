// SPDX-License-Identifier: MIT
// The interrupt descriptor table, the system call MSRs, and what traps.c needs of its neighbours.
#pragma once

#include "lib/types.h"

struct regs;

// IST stack numbers in the TSS (1-based, as the gate descriptors hold them). Each CPU's stack ends
// 16 bytes below its real top; the word at that end is the CPU's struct cpu *, by which trap_ist in
// entry.S finds GS (hazards 30, 31).
#define IST_DEBUG	  1
#define IST_NMI		  2
#define IST_DOUBLE_FAULT  3
#define IST_MACHINE_CHECK 4
#define IST_COUNT	  4
#define IST_TOP_GAP	  16

void trap_init(void);	  // once: fills the IDT
void trap_init_cpu(void); // each CPU: loads IDT, STAR, LSTAR, CSTAR, FMASK, SYSENTER MSRs

// arch/x86/apic.c: everything from vector 0x90 on, acknowledged there.
void irq_dispatch(u32 vector);

// An exception table entry: a kernel instruction that may fault on user memory, and where to go on.
struct ex_entry {
	u64 ip, fixup;
};

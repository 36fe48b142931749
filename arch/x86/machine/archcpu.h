// SPDX-License-Identifier: MIT
// A CPU's tables and TLB state, behind struct cpu's c_arch. Only arch/x86 looks inside.
#pragma once

#include "lib/types.h"
#include "machine/cpu.h"
#include "machine/layout.h"
#include "machine/trap.h"

#define IST_PAGES 2 // per interrupt stack; which is which: machine/trap.h

struct tss {
	u32 reserved0;
	u64 rsp0, rsp1, rsp2;
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3;
	u16 iomap_base; // beyond the segment limit: every I/O port is refused (hazard 35)
} PACKED;

BUILD_ASSERT(sizeof(struct tss) == 104);

#define PCID_SLOTS \
	6 // address spaces that a CPU's TLB remembers; PCID 0 is for the kernel's own tables

struct mm;

// A flush that this CPU asks others for. One at a time: the asker waits.
struct tlb_request {
	struct mm *r_mm; // NULL: kernel addresses
	u64 r_start, r_end;
	u64 r_gen;     // mm_tlb_gen that this flush establishes
	u64 r_root;    // not 0: stop using these tables (pt_destroy)
	u64 r_waiting; // [A] mask of CPUs that have not answered
};

struct arch_cpu {
	u64 a_gdt[GDT_ENTRIES];
	struct tss a_tss ALIGNED(16);
	u64 a_cr3_root;	   // [A] physical top table in CR3; written by this CPU alone
	bool a_lazy;	   // runs a kernel task on a user's tables
	bool a_debug_live; // DR7 has a breakpoint of the last user task enabled
	bool a_notsc;	   // CR4.TSD is set, for the last user task
	u32 a_pcid_next;
	struct {
		u64 id;	 // mm_context_id, 0: free
		u64 gen; // the TLB knows nothing older than this mm_tlb_gen
	} a_pcid[PCID_SLOTS];
	u32 a_pcid_current; // slot of c_mm
	u64 a_tlb_from;	    // [A] mask of CPUs whose a_request is meant for this one
	struct tlb_request a_request;
} ALIGNED(64);

extern struct arch_cpu arch_cpus[CPU_MAX];

// cpu.c: finds features (boot CPU), then tables, control registers and GS of the CPU that calls it.
void cpu_features_init(void);
void cpu_init_tables(struct cpu *c, u64 ist_top[IST_COUNT]);
void cpu_init_control(void);

// SPDX-License-Identifier: MIT
// What the boot loader left, and the order of start-up. arch_start() (start.c) fills one struct
// boot_info, builds the final page tables and calls kernel_main(), which calls, in this order:
//	page_init(bi), slab_init(), …
//	arch_init(bi)     tables of the firmware, interrupt controllers, FPU; needs page_alloc
//	(tasks, scheduler, file systems, unpacking of the initrd)
//	clock_init()      as late as possible: the time since arch_start() is the calibration
//	                  window; clock_ns() is 0 before
//	smp_start()       the other CPUs; needs task_create_idle() and sched_init_cpu()
//	arch_boot_done()  gives boot-only memory to the page allocator
#pragma once

#include "lib/types.h"

#define BOOT_RANGES_MAX 64

struct boot_range {
	u64 start, end; // physical, page aligned, end exclusive
};

struct boot_info {
	// Usable memory that nobody owns: ascending, disjoint. Holds neither the first MiB, the
	// kernel image, the initrd nor what boot_alloc() has taken, so page_init() may hand all of
	// it out after its own last boot_alloc().
	u32 nfree;
	struct boot_range free[BOOT_RANGES_MAX];
	u64 ram_bytes; // all usable memory the firmware reported
	// End of the highest usable byte: the direct map covers [0, ram_end) where there is memory.
	u64 ram_end;
	u64 initrd_phys, initrd_len; // 0, 0: none. Bytes; the pages around them are not in free[]
	u64 rsdp;		     // 0: search
	const char *cmdline;	     // never NULL
};

// Physically contiguous memory for ever, by its direct-map address; contents undefined (zero on a
// machine that no firmware has written there). Only until page_init() has taken free[]. Panics when
// there is none: see "--mem too small".
void *boot_alloc(u64 size, u64 align);
void *boot_zalloc(u64 size, u64 align);

void arch_init(const struct boot_info *bi);
void clock_init(void);
void smp_start(void);
void arch_boot_done(void);

// kern/main.c
NORETURN void kernel_main(const struct boot_info *bi);

// SPDX-License-Identifier: MIT
// The ends of the kernel image's parts, from kernel.lds: all page aligned.
#pragma once

#include "lib/types.h"
#include "machine/archcpu.h"
#include "machine/layout.h"

extern const char image_start[], image_end[];
extern const char init_text_start[], init_text_end[], text_start[], text_end[], rodata_end[];
extern const char init_data_start[], init_data_end[];

// The page tables that hold the kernel half alone; every address space shares its entries from 256
// on.
extern u64 kernel_pml4[512];

struct boot_range;
// paging.c: builds the final tables and loads them. `ram` are the ranges to map directly.
void paging_init(const struct boot_range *ram, u32 nram);

// The static stacks of the boot CPU, each with the page below it that paging_init() leaves
// unmapped.
struct boot_stack {
	u8 guard[PAGE_SIZE];
	u8 stack[KSTACK_SIZE];
};
struct boot_ist {
	u8 guard[PAGE_SIZE];
	u8 stack[IST_PAGES * PAGE_SIZE];
};
extern struct boot_stack boot_stack;
extern struct boot_ist boot_ist[IST_COUNT];

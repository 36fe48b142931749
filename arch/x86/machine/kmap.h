// SPDX-License-Identifier: MIT
// The window region [KVM_BASE, KVM_END) inside arch/x86.
#pragma once

#include "lib/types.h"
#include "machine/layout.h"

#define KMAP_LAPIC (KVM_BASE + PAGE_SIZE) // fixed; mapped by paging.c

// The 4 KiB entry of a kernel address, NULL where there is a larger page or none.
u64 *kpt_lookup(u64 va);
// Whether a kernel address can be read without a fault.
bool kernel_mapped(u64 va);

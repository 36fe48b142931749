// SPDX-License-Identifier: MIT
// TLB maintenance inside arch/x86; portable code sees machine/pt.h.
#pragma once

#include "lib/types.h"

// Carries out what other CPUs have asked of this one. Interrupts may be on or off.
void tlb_serve(void);
// Drops kernel translations of [start, end) on every CPU; the entries are gone already. Same rules
// as tlb_flush_range.
void tlb_flush_kernel(u64 start, u64 end);
// No CPU uses these tables when it returns; no task may begin to.
void tlb_drop_root(u64 root);

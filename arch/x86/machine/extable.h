// SPDX-License-Identifier: MIT
// The exception table: kernel instructions that may fault on a user address, and where each one
// goes on then. An access that must not sleep runs with interrupts off: traps.c then takes the
// fix-up at once.
#pragma once

#include "lib/types.h"
#include "machine/trap.h"

extern struct ex_entry ex_table_start[], ex_table_end[];

// By the kernel's RIP; the caller has made sure that CS was the kernel's (hazard 32). NULL: it may
// not fault.
const struct ex_entry *extable_find(u64 rip);
void extable_sort(void); // once, before the table becomes read-only

// For inline assembly: an access at label `at` that continues at label `to`.
#define EX_TABLE(at, to) \
	".pushsection .ex_table,\"a\"\n\t.balign 8\n\t.quad " at ", " to "\n\t.popsection\n\t"

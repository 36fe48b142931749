// SPDX-License-Identifier: MIT
/*
 * The Intel MultiProcessor table (MP specification 1.4 §4), where a machine without ACPI lists its
 * CPUs.
 */
#pragma once

#include "lib/physmap.h"
#include "lib/types.h"

#define MPTABLE_CPUS_MAX 255

struct mptable_info {
	u32 lapic_addr;
	u32 ncpus; /* enabled ones, in the table's order */
	u8 apic_id[MPTABLE_CPUS_MAX];
	u8 bsp_apic_id; /* the boot CPU's, valid with has_bsp */
	bool has_bsp;
	u32 ioapic_addr; /* the first enabled one, 0: none */
	u8 ioapic_id;
	const char *error;
};

/* Searches the EBDA, the end of base memory and 0xf0000–0xfffff. -ENOENT: none there; -EINVAL:
 * malformed (error). */
int mptable_parse(struct mptable_info *info, const struct physmap *map) MUST_CHECK;

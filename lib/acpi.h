// SPDX-License-Identifier: MIT
/*
 * The few ACPI facts that the kernel needs (ACPI 6.4): which CPUs there are (MADT), and how to
 * power the machine off and read the PM timer (FADT, and the \_S5_ package of the DSDT). No AML is
 * run: \_S5_ is found by its bytes. Each table's bounds and checksum are verified before use.
 */
#pragma once

#include "lib/physmap.h"
#include "lib/types.h"

#define ACPI_CPUS_MAX	 256
#define ACPI_IOAPICS_MAX 8

/* Generic address: space 0 memory, 1 I/O port (ACPI 6.4 §5.2.3.2); addr 0: absent. */
struct acpi_gas {
	u8 space;
	u8 bits;
	u64 addr;
};

struct acpi_info {
	u64 lapic_addr; /* 0: no MADT */
	u32 ncpus;	/* enabled ones, in the table's order */
	u32 apic_id[ACPI_CPUS_MAX];
	u32 ncpus_skipped; /* enabled, but beyond ACPI_CPUS_MAX */
	u32 nioapics;
	struct {
		u32 addr;
		u32 gsi_base;
	} ioapic[ACPI_IOAPICS_MAX];

	bool has_fadt;
	bool hw_reduced; /* no PM1 registers and no PM timer: sleep_control is used */
	u32 pm1a_cnt;	 /* I/O port, 0: none */
	u32 pm1b_cnt;
	u32 pm_timer;	  /* I/O port, 0: none */
	bool pm_timer_32; /* counts 32 bits, else 24 */
	struct acpi_gas sleep_control;
	struct acpi_gas sleep_status;
	struct acpi_gas reset; /* write reset_value there, when addr is not 0 */
	u8 reset_value;

	bool has_s5;
	u8 s5_typ_a; /* SLP_TYP for pm1a_cnt or sleep_control */
	u8 s5_typ_b;
	const char *error; /* the last table that was left out, and why; static; NULL: none */
};

/*
 * `rsdp`: its physical address (PVH start info), or 0 to search the EBDA and 0xe0000–0xfffff.
 * Returns 0 with all that could be had, -ENOENT without a valid RSDP or root table. A broken table
 * is skipped, with info->error.
 */
int acpi_parse(struct acpi_info *info, const struct physmap *map, u64 rsdp) MUST_CHECK;

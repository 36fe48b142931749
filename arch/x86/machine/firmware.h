// SPDX-License-Identifier: MIT
// Facts from ACPI or the MP table inside arch/x86.
#pragma once

#include "lib/types.h"
#include "machine/cpu.h"

struct firmware {
	const char *fw_source;
	u32 fw_ncpus; // at most CPU_MAX; the boot CPU is the first
	u32 fw_apic_id[CPU_MAX];
};

extern struct firmware firmware;

// Both return when the firmware offers no way.
void firmware_poweroff(void);
void firmware_reset(void);

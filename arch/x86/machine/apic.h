// SPDX-License-Identifier: MIT
// The local APIC (xAPIC or x2APIC) and the I/O APICs inside arch/x86.
#pragma once

#include "lib/types.h"

u64 apic_phys(void);	    // of the register page
void apic_init_early(void); // boot CPU: decides the mode
void apic_init_cpu(void);
u32 apic_id(void);
void apic_eoi(void);
void apic_send(u32 apic_id, u32 vector); // fixed IPI
void apic_send_init(u32 apic_id);
void apic_send_startup(u32 apic_id, u64 phys);

// The timer, in ticks; vector VECTOR_TIMER.
void apic_timer_setup(bool tsc_deadline);
void apic_timer_count(u32 ticks); // one shot; 0 stops it
u32 apic_timer_left(void);

void ioapic_add(u64 phys, u32 gsi_base); // maps and masks all inputs
void irq_run_slot(u32 slot);

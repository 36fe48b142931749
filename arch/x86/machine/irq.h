// SPDX-License-Identifier: MIT
// Interrupts from devices and CPUs.
#pragma once

#include "lib/types.h"

// Routes an I/O APIC input (GSI; on an ISA bus the IRQ number after the firmware's overrides) to
// this CPU and enables it: level triggered, active high. fn runs with interrupts off on an
// interrupt's stack; it must quiet the device. 0, -EBUSY (line taken), -ENXIO (no such input),
// -ENOSPC (more than 32 lines).
int irq_enable_line(u32 line, void (*fn)(void *arg), void *arg);
void irq_disable_line(u32 line);

// From traps.c for every vector that is neither an exception nor a call: runs its handler and
// acknowledges it.
void irq_dispatch(u32 vector);

// Set once a CPU has panicked. An NMI handler that sees it calls cpu_halt().
extern bool cpu_stopping;
NORETURN void cpu_halt(void);

// SPDX-License-Identifier: MIT
/*
 * The end of the machine. Each way is tried in turn, from the polite to the certain: a triple fault
 * cannot fail.
 */
#include "machine/cpu.h"
#include "machine/firmware.h"
#include "machine/io.h"

#define KBD_STATUS	0x64
#define KBD_FULL	2
#define KBD_PULSE_RESET 0xfe
#define RESET_PORT	0xcf9 // of PCI chip sets
#define SETTLE		10000 // polls for a request to take effect

static void settle(void)
{
	for (u32 i = 0; i < SETTLE; i++)
		cpu_relax();
}

void cpu_poweroff(void)
{
	irq_disable();
	firmware_poweroff();
	settle();
	// A machine without ACPI (microvm,acpi=off) ends by a reset under -no-reboot.
	cpu_reset();
}

void cpu_reset(void)
{
	struct {
		u16 limit;
		u64 base;
	} PACKED no_idt = {0, 0};

	irq_disable();
	firmware_reset();
	outb(RESET_PORT, 2);
	outb(RESET_PORT, 6);
	if (!(inb(KBD_STATUS) & KBD_FULL))
		outb(KBD_STATUS, KBD_PULSE_RESET);
	settle();
	for (;;)
		__asm__ volatile("lidt %0; ud2" ::"m"(no_idt));
}

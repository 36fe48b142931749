// SPDX-License-Identifier: MIT
/*
 * What an interrupt vector means, and the interrupts that CPUs send each other. Handlers run with
 * interrupts off on the interrupted task's kernel stack; rescheduling happens on the exit path,
 * never here.
 */
#include "machine/irq.h"
#include "kern/log.h"
#include "kern/time.h"
#include "machine/apic.h"
#include "machine/cpu.h"
#include "machine/layout.h"
#include "machine/tlb.h"

#define STOP_SPINS 200000 // some milliseconds for other CPUs to answer a panic

bool cpu_stopping;
static u32 cpus_stopped;

void irq_dispatch(u32 vector)
{
	struct cpu *c = this_cpu();

	c->c_irq_depth++;
	switch (vector) {
	case VECTOR_TIMER:
		apic_eoi();
		timer_interrupt();
		break;
	case VECTOR_RESCHED: // the exit path does the rest
		apic_eoi();
		break;
	case VECTOR_TLB:
		apic_eoi();
		tlb_serve();
		break;
	case VECTOR_STOP:
		cpu_halt();
	case VECTOR_SPURIOUS: // not in service: no EOI (SDM vol. 3, 11.9)
		break;
	default:
		// A level-triggered line is quiet before its EOI, or it would come again at once.
		if (vector >= VECTOR_IRQ_BASE && vector < VECTOR_IRQ_BASE + 32)
			irq_run_slot(vector - VECTOR_IRQ_BASE);
		apic_eoi();
	}
	c->c_irq_depth--;
}

void cpu_kick(u32 cpu)
{
	// This CPU is in the kernel, so it passes its own exit path anyway.
	if (cpu != this_cpu()->c_id)
		apic_send(cpus[cpu].c_apic_id, VECTOR_RESCHED);
}

void cpu_halt(void)
{
	irq_disable();
	__atomic_fetch_add(&cpus_stopped, 1, __ATOMIC_RELAXED);
	for (;;)
		__asm__ volatile("cli; hlt");
}

// A CPU that spins with interrupts off does not answer; the panic goes on without it.
void cpu_stop_others(void)
{
	u32 others = 0;

	cpu_stopping = true;
	for (u32 i = 0; i < CPU_MAX; i++) {
		if (!cpus[i].c_online || i == this_cpu()->c_id)
			continue;
		apic_send(cpus[i].c_apic_id, VECTOR_STOP);
		others++;
	}
	for (u32 n = 0; n < STOP_SPINS && READ_ONCE(cpus_stopped) < others; n++)
		cpu_relax();
}

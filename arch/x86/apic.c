// SPDX-License-Identifier: MIT
/*
 * Local APIC (SDM vol. 3, ch. 11) and I/O APICs (82093AA). The task priority is 0x80 for ever,
 * which keeps external interrupts off vector 0x80 and everything below 0x90: INT 0x80's gate is for
 * user code alone (hazard 12).
 */
#include "machine/apic.h"
#include "kern/lock.h"
#include "lib/types.h"
#include "machine/archcpu.h"
#include "machine/features.h"
#include "machine/io.h"
#include "machine/irq.h"
#include "machine/kmap.h"
#include "machine/msr.h"
#include "machine/pt.h"

#include <asm/errno.h>

// Register offsets in the MMIO page; the x2APIC's MSR is 0x800 + offset / 16.
#define APIC_ID		   0x20
#define APIC_TPR	   0x80
#define APIC_EOI	   0xb0
#define APIC_SVR	   0xf0
#define APIC_ICR	   0x300
#define APIC_ICR_HIGH	   0x310
#define APIC_LVT_TIMER	   0x320
#define APIC_LVT_LINT0	   0x350
#define APIC_LVT_LINT1	   0x360
#define APIC_LVT_ERROR	   0x370
#define APIC_TIMER_INITIAL 0x380
#define APIC_TIMER_CURRENT 0x390
#define APIC_TIMER_DIVIDE  0x3e0

#define SVR_ENABLE	 0x100
#define LVT_MASKED	 0x10000
#define LVT_NMI		 0x400
#define LVT_TSC_DEADLINE 0x40000
#define DIVIDE_BY_1	 0xb
#define ICR_INIT	 0x4500 // assert
#define ICR_STARTUP	 0x4600 // assert; low byte: page number
#define ICR_FIXED	 0x4000
#define ICR_BUSY	 0x1000

#define TASK_PRIORITY 0x80

static bool x2apic;

static u32 apic_read(u32 reg)
{
	return x2apic ? (u32)rdmsr(MSR_X2APIC_BASE + reg / 16)
		      : mmio_read32((void *)(KMAP_LAPIC + reg));
}

static void apic_write(u32 reg, u32 v)
{
	if (x2apic)
		wrmsr(MSR_X2APIC_BASE + reg / 16, v);
	else
		mmio_write32((void *)(KMAP_LAPIC + reg), v);
}

u64 apic_phys(void)
{
	return rdmsr(MSR_APIC_BASE) & PTE_ADDR;
}

void apic_init_cpu(void)
{
	u64 base = rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE;

	// x2APIC can be entered from xAPIC mode only, so in two steps (SDM vol. 3, 11.12.5).
	wrmsr(MSR_APIC_BASE, base);
	if (x2apic)
		wrmsr(MSR_APIC_BASE, base | APIC_BASE_X2);
	apic_write(APIC_SVR, SVR_ENABLE | VECTOR_SPURIOUS);
	apic_write(APIC_TPR, TASK_PRIORITY);
	apic_write(APIC_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
	apic_write(APIC_LVT_LINT0, LVT_MASKED); // the 8259's line
	apic_write(APIC_LVT_LINT1, LVT_NMI);
	apic_write(APIC_LVT_ERROR, LVT_MASKED | VECTOR_SPURIOUS);
	apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_1);
}

void apic_init_early(void)
{
	x2apic = cpu_features.f_x2apic;
	// Both 8259s masked for good; all device interrupts come by the I/O APIC.
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
	apic_init_cpu();
}

u32 apic_id(void)
{
	return x2apic ? apic_read(APIC_ID) : apic_read(APIC_ID) >> 24;
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

static void apic_command(u32 target, u32 command)
{
	if (x2apic) {
		// The MSR write orders nothing by itself (SDM vol. 3, 11.12.3).
		__asm__ volatile("mfence; lfence" ::: "memory");
		wrmsr(MSR_X2APIC_BASE + APIC_ICR / 16, (u64)target << 32 | command);
		return;
	}
	u64 irq = irq_save(); // two writes that belong together
	apic_write(APIC_ICR_HIGH, target << 24);
	apic_write(APIC_ICR, command);
	while (apic_read(APIC_ICR) & ICR_BUSY)
		cpu_relax();
	irq_restore(irq);
}

void apic_send(u32 target, u32 vector)
{
	apic_command(target, ICR_FIXED | vector);
}

void apic_send_init(u32 target)
{
	apic_command(target, ICR_INIT);
}

void apic_send_startup(u32 target, u64 phys)
{
	apic_command(target, ICR_STARTUP | (u32)(phys >> PAGE_SHIFT));
}

void apic_timer_setup(bool tsc_deadline)
{
	apic_write(APIC_LVT_TIMER, VECTOR_TIMER | (tsc_deadline ? LVT_TSC_DEADLINE : 0));
	// The mode must be visible before the first deadline (SDM vol. 3, 11.5.4.1).
	__asm__ volatile("mfence" ::: "memory");
}

void apic_timer_count(u32 ticks)
{
	apic_write(APIC_TIMER_INITIAL, ticks);
}

u32 apic_timer_left(void)
{
	return apic_read(APIC_TIMER_CURRENT);
}

// --- I/O APICs ---

#define IOAPIC_MAX	8
#define IOAPIC_VERSION	1
#define IOAPIC_REDIRECT 0x10 // two words an input
#define REDIRECT_LEVEL	0x8000
#define REDIRECT_MASKED 0x10000
#define IRQ_SLOTS	32

struct ioapic {
	volatile u8 *regs;
	u32 gsi_base, inputs;
};

// A routed line; its vector is VECTOR_IRQ_BASE + slot.
struct irq_slot {
	void (*fn)(void *arg); // NULL: free
	void *arg;
	u32 line;
};

static struct ioapic ioapics[IOAPIC_MAX];
static u32 nioapics;
static struct irq_slot irq_slots[IRQ_SLOTS];
static struct spinlock irq_lock = SPINLOCK("irq", RANK_LEAF);

static u32 ioapic_read(const struct ioapic *io, u32 reg)
{
	mmio_write32(io->regs, reg);
	return mmio_read32(io->regs + 0x10);
}

static void ioapic_write(const struct ioapic *io, u32 reg, u32 v)
{
	mmio_write32(io->regs, reg);
	mmio_write32(io->regs + 0x10, v);
}

void ioapic_add(u64 phys, u32 gsi_base)
{
	if (nioapics == IOAPIC_MAX)
		return;
	struct ioapic *io = &ioapics[nioapics];
	io->regs = kmap_mmio(phys, 0x20);
	if (!io->regs)
		return;
	io->gsi_base = gsi_base;
	io->inputs = (ioapic_read(io, IOAPIC_VERSION) >> 16 & 0xff) + 1;
	for (u32 i = 0; i < io->inputs; i++)
		ioapic_write(io, IOAPIC_REDIRECT + 2 * i, REDIRECT_MASKED);
	nioapics++;
}

static const struct ioapic *ioapic_of(u32 line)
{
	for (u32 i = 0; i < nioapics; i++)
		if (line >= ioapics[i].gsi_base && line - ioapics[i].gsi_base < ioapics[i].inputs)
			return &ioapics[i];
	return NULL;
}

static void redirect(u32 line, u32 target, u32 word)
{
	const struct ioapic *io = ioapic_of(line);
	u32 reg = IOAPIC_REDIRECT + 2 * (line - io->gsi_base);

	ioapic_write(io, reg, REDIRECT_MASKED);
	ioapic_write(io, reg + 1, target << 24);
	ioapic_write(io, reg, word);
}

static int irq_find(u32 line)
{
	for (int i = 0; i < IRQ_SLOTS; i++)
		if (irq_slots[i].fn && irq_slots[i].line == line)
			return i;
	return -1;
}

static int irq_enable_locked(u32 line, void (*fn)(void *arg), void *arg)
{
	if (irq_find(line) >= 0)
		return -EBUSY;
	for (u32 i = 0; i < IRQ_SLOTS; i++) {
		if (irq_slots[i].fn)
			continue;
		irq_slots[i] = (struct irq_slot){fn, arg, line};
		redirect(line, this_cpu()->c_apic_id, (VECTOR_IRQ_BASE + i) | REDIRECT_LEVEL);
		return 0;
	}
	return -ENOSPC;
}

int irq_enable_line(u32 line, void (*fn)(void *arg), void *arg)
{
	if (!ioapic_of(line))
		return -ENXIO;
	u64 irq = spin_lock_irq(&irq_lock);
	int r = irq_enable_locked(line, fn, arg);
	spin_unlock_irq(&irq_lock, irq);
	return r;
}

void irq_disable_line(u32 line)
{
	u64 irq = spin_lock_irq(&irq_lock);
	int slot = irq_find(line);
	if (slot >= 0) {
		redirect(line, 0, REDIRECT_MASKED);
		irq_slots[slot].fn = NULL;
	}
	spin_unlock_irq(&irq_lock, irq);
}

// A line disabled meanwhile may still have one interrupt on its way: it is acknowledged and
// forgotten.
void irq_run_slot(u32 slot)
{
	void (*fn)(void *arg) = READ_ONCE(irq_slots[slot].fn);

	if (fn)
		fn(irq_slots[slot].arg);
}

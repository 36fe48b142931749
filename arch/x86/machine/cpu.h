// SPDX-License-Identifier: MIT
// Per-CPU data and the CPU primitives that portable code uses. GS points at struct cpu while in
// the kernel; `current` and `this_cpu()` are one load each. The kernel is not preemptible, so a
// value read from this_cpu() stays true until the caller sleeps.
#pragma once

#include "lib/types.h"
#include "machine/layout.h"

struct task;
struct mm;
struct runqueue;

#define CPU_MAX 8

struct cpu {
	struct cpu *c_self;
	struct task *c_current;
	u64 c_kstack_top; // where the running task's kernel stack begins (also TSS.RSP0)
	u64 c_scratch;	  // entry.S: user RSP before there is a stack
	struct task *c_idle;
	struct mm *c_mm; // whose page tables CR3 holds
	struct runqueue *c_rq;
	u32 c_id; // 0 … cpu_count-1
	u32 c_apic_id;
	u32 c_irq_depth;  // > 0 inside an interrupt handler
	u32 c_lock_depth; // debug: spinlocks held
	u32 c_kicks;	  // CPUs to be kicked once no lock is held: kern/sched.c
	bool c_online;
	struct arch_cpu *c_arch; // GDT, TSS, IST stacks, PCID state: arch/x86 only
	void *c_page_cache;	 // vm/page.c: per-CPU free pages
	void *c_debug;		 // kern/lock.c: held locks, debug build
};

extern struct cpu cpus[CPU_MAX];
extern u32 cpu_count; // CPUs started and online

// The input makes it depend on memory that any call may change: without it the compiler may keep
// the value across a sleep, after which the task can be on another CPU.
static inline struct cpu *this_cpu(void)
{
	struct cpu *c;
	__asm__("movq %%gs:0, %0" : "=r"(c) : "m"(cpus[0]));
	return c;
}

// Not volatile: the value cannot change under a running task.
static inline struct task *current_task(void)
{
	struct task *t;
	__asm__("movq %%gs:8, %0" : "=r"(t));
	return t;
}
#define current current_task()

static inline void cpu_relax(void)
{
	__asm__ volatile("pause" ::: "memory");
}

static inline void irq_enable(void)
{
	__asm__ volatile("sti" ::: "memory");
}

static inline void irq_disable(void)
{
	__asm__ volatile("cli" ::: "memory");
}

// Returns whether interrupts were enabled, for irq_restore().
static inline u64 irq_save(void)
{
	u64 flags;
	__asm__ volatile("pushfq; popq %0; cli" : "=r"(flags)::"memory");
	return flags & 0x200;
}

static inline void irq_restore(u64 was_enabled)
{
	if (was_enabled)
		irq_enable();
}

static inline bool irq_enabled(void)
{
	u64 flags;
	__asm__ volatile("pushfq; popq %0" : "=r"(flags));
	return flags & 0x200;
}

// Enables interrupts and halts without a gap between the two (SDM vol. 2, STI).
static inline void cpu_wait(void)
{
	__asm__ volatile("sti; hlt" ::: "memory");
}

// Inter-processor interrupts. cpu_kick() makes the CPU pass through its exit path soon.
void cpu_kick(u32 cpu);
void cpu_stop_others(void); // panic and power off: no return for them

// Ends the machine. cpu_poweroff() tries ACPI, then a reset; neither returns.
NORETURN void cpu_poweroff(void);
NORETURN void cpu_reset(void);

// TSC-based clock: monotonic nanoseconds since boot, cheap, callable anywhere.
u64 clock_ns(void);
// Programs this CPU's one-shot timer; ns is absolute clock_ns() time, 0 stops it.
void clock_arm(u64 ns);
// CMOS time at boot in ns since 1970, or 0.
u64 clock_rtc_ns(void);

// Hardware randomness: fills buf as far as RDSEED/RDRAND and TSC jitter give.
void cpu_entropy(void *buf, size_t n);

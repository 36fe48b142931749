// SPDX-License-Identifier: MIT
// One CPU without interrupts, for the host tests of vm/.
#pragma once

#include "lib/types.h"
#include "machine/layout.h"

struct task;

#define CPU_MAX 8

struct cpu {
	struct task *c_current;
	u32 c_id;
	u32 c_kicks;	  // never any
	u64 c_kstack_top; // named by headers only
	void *c_page_cache;
};

extern struct cpu cpus[CPU_MAX];
extern u32 test_cpu; // which one runs
u64 clock_ns(void);  // as above

static inline struct cpu *this_cpu(void)
{
	return &cpus[test_cpu];
}
#define current (this_cpu()->c_current)

static inline void cpu_relax(void)
{
}
static inline void irq_enable(void)
{
}
static inline u64 irq_save(void)
{
	return 0;
}
static inline void irq_restore(u64 was_enabled)
{
	(void)was_enabled;
}

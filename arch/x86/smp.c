// SPDX-License-Identifier: MIT
/*
 * Starting the other CPUs: all at once, each with an idle task, interrupt stacks and a row in
 * smp_boot_table by which boot.S tells them apart. INIT, then a startup IPI (SDM vol. 3, 9.4.4);
 * the delays that the manual gives are for machines older than the local APIC inside the CPU, a
 * second startup IPI comes only when it is needed.
 */
#include "kern/log.h"
#include "kern/sched.h"
#include "kern/task.h"
#include "lib/string.h"
#include "machine/apic.h"
#include "machine/archcpu.h"
#include "machine/boot.h"
#include "machine/clock.h"
#include "machine/firmware.h"
#include "machine/image.h"
#include "machine/pt.h"
#include "vm/page.h"

#define RETRY_NS 20000000ull // again a startup IPI
#define GIVE_UP_NS \
	10000000000ull // the host may be busy: a vCPU that has not run for ten seconds never will

// Read by boot.S: offsets 0, 8, 16; 24 bytes a row.
struct smp_boot {
	u32 apic_id, pad;
	u64 stack;
	struct cpu *cpu;
};

extern struct smp_boot smp_boot_table[CPU_MAX];
struct smp_boot smp_boot_table[CPU_MAX];
extern const char trampoline[], trampoline_end[];

static u64 ist_tops[CPU_MAX][IST_COUNT];

NORETURN void smp_ap_start(struct cpu *c);

static u64 ist_alloc(void)
{
	u64 phys[IST_PAGES];

	for (u32 i = 0; i < IST_PAGES; i++) {
		struct page *p = page_alloc(0);
		if (!p)
			return 0;
		phys[i] = page_phys(p);
	}
	void *va = kmap_pages(phys, IST_PAGES);
	return va ? (u64)va + IST_PAGES * PAGE_SIZE : 0;
}

static void prepare(u32 id, u32 apic)
{
	struct cpu *c = &cpus[id];
	struct task *idle = task_create_idle(id);

	if (!idle)
		panic("no memory to start CPU %u", id);
	for (u32 i = 0; i < IST_COUNT; i++) {
		ist_tops[id][i] = ist_alloc();
		if (!ist_tops[id][i])
			panic("no memory to start CPU %u", id);
	}
	c->c_id = id;
	c->c_apic_id = apic;
	c->c_idle = idle;
	c->c_current = idle;
	c->c_kstack_top = idle->t_kstack + KSTACK_SIZE;
	arch_cpus[id].a_cr3_root = virt_to_phys(kernel_pml4);
	smp_boot_table[id] = (struct smp_boot){.apic_id = apic, .stack = c->c_kstack_top, .cpu = c};
}

// The first C of another CPU, on its idle task's stack and the kernel's own page tables.
void smp_ap_start(struct cpu *c)
{
	cpu_init_tables(c, ist_tops[c - cpus]);
	trap_init_cpu();
	cpu_init_control();
	apic_init_cpu();
	clock_init_cpu();
	sched_init_cpu();
	__atomic_store_n(&c->c_online, true, __ATOMIC_RELEASE);
	sched_idle();
}

static u32 count_missing(u32 n)
{
	u32 missing = 0;

	for (u32 i = 1; i < n; i++)
		missing += !__atomic_load_n(&cpus[i].c_online, __ATOMIC_ACQUIRE);
	return missing;
}

static void wait_for_all(u32 n)
{
	u64 start = clock_ns(), retry = start + RETRY_NS;

	while (count_missing(n)) {
		u64 now = clock_ns();
		if (now > start + GIVE_UP_NS)
			panic("%u CPUs did not start", count_missing(n));
		if (now > retry) {
			for (u32 i = 1; i < n; i++)
				if (!READ_ONCE(cpus[i].c_online))
					apic_send_startup(cpus[i].c_apic_id, TRAMPOLINE_PHYS);
			retry = now + RETRY_NS;
		}
		cpu_relax();
	}
}

void smp_start(void)
{
	u32 n = firmware.fw_ncpus;

	if (n == 1)
		return;
	for (u32 i = 1; i < n; i++)
		prepare(i, firmware.fw_apic_id[i]);
	memcpy(phys_to_virt(TRAMPOLINE_PHYS), trampoline, (size_t)(trampoline_end - trampoline));
	for (u32 i = 1; i < n; i++) {
		apic_send_init(cpus[i].c_apic_id);
		apic_send_startup(cpus[i].c_apic_id, TRAMPOLINE_PHYS);
	}
	wait_for_all(n);
	cpu_count = n;
	log_printf("smp: %u CPUs online", n);
}

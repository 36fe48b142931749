// SPDX-License-Identifier: MIT
/*
 * Which address space each CPU's CR3 holds, and keeping TLBs true.
 *
 * An address space has a generation, raised by every flush, and a mask of the CPUs that have it
 * loaded. A flusher changes entries, raises the generation, then reads the mask; a CPU that loads
 * the address space sets its bit, then reads the generation (both with full barriers). So either
 * the flusher sees the bit and interrupts the CPU, or the CPU sees the new generation and drops
 * what its TLB kept under that PCID.
 *
 * A CPU that goes over to a kernel task stays on the user's tables ("lazy"): coming back costs
 * nothing. The first flush that reaches it moves it to the kernel's own tables and out of the mask,
 * so an idle CPU is interrupted once at most.
 */
#include "machine/tlb.h"
#include "kern/log.h"
#include "machine/apic.h"
#include "machine/archcpu.h"
#include "machine/features.h"
#include "machine/image.h"
#include "machine/msr.h"
#include "machine/pt.h"
#include "vm/mm.h"

#define FLUSH_PAGES_MAX 32 // beyond: everything of the address space

static u64 kernel_root(void)
{
	return virt_to_phys(kernel_pml4);
}

// Loads CR3 and only then says so: tlb_drop_root() relies on a_cr3_root for both the old tables and
// the old struct mm, which may be freed as soon as it shows something else.
static void load_root(struct cpu *c, struct mm *mm, u64 root, u64 cr3)
{
	struct mm *old = c->c_mm;

	write_cr3(cr3);
	c->c_mm = mm;
	c->c_arch->a_lazy = false;
	if (old)
		__atomic_fetch_and(&old->mm_cpus, ~BIT(c->c_id), __ATOMIC_SEQ_CST);
	__atomic_store_n(&c->c_arch->a_cr3_root, root, __ATOMIC_RELEASE);
}

// PCID 0 holds no user translation, so it never needs a flush.
static void load_kernel_tables(struct cpu *c)
{
	load_root(c, NULL, kernel_root(), kernel_root() | (cpu_features.f_pcid ? CR3_NOFLUSH : 0));
}

// The slot that remembers mm, or the next one to be reused. Without PCIDs there is one.
static u32 pcid_slot(struct arch_cpu *a, u64 id)
{
	if (!cpu_features.f_pcid)
		return 0;
	for (u32 i = 0; i < PCID_SLOTS; i++)
		if (a->a_pcid[i].id == id)
			return i;
	a->a_pcid_next = (a->a_pcid_next + 1) % PCID_SLOTS;
	return a->a_pcid_next;
}

static void load_tables(struct cpu *c, struct mm *mm)
{
	struct arch_cpu *a = c->c_arch;

	__atomic_fetch_or(&mm->mm_cpus, BIT(c->c_id), __ATOMIC_SEQ_CST);
	u64 gen = __atomic_load_n(&mm->mm_tlb_gen, __ATOMIC_SEQ_CST);
	u32 slot = pcid_slot(a, mm->mm_context_id);
	u64 cr3 = mm->mm_pt.pt_root;
	if (cpu_features.f_pcid) {
		cr3 |= slot + 1;
		if (a->a_pcid[slot].id == mm->mm_context_id && a->a_pcid[slot].gen == gen)
			cr3 |= CR3_NOFLUSH;
	}
	a->a_pcid[slot].id = mm->mm_context_id;
	a->a_pcid[slot].gen = gen;
	a->a_pcid_current = slot;
	load_root(c, mm, mm->mm_pt.pt_root, cr3);
}

void mm_switch(struct mm *mm)
{
	u64 irq = irq_save();
	struct cpu *c = this_cpu();

	if (mm == c->c_mm)
		c->c_arch->a_lazy = false;
	else if (mm)
		load_tables(c, mm);
	else
		c->c_arch->a_lazy = true;
	irq_restore(irq);
}

// Brings this CPU's TLB from the generation it knows to `gen`. Interrupts are off. A range will do
// if it is the only change missing; else the whole PCID goes, which brings it to whatever
// generation there is by now.
static void flush_user(struct arch_cpu *a, struct mm *mm, u64 start, u64 end, u64 gen)
{
	u64 *known = &a->a_pcid[a->a_pcid_current].gen;

	if (*known >= gen)
		return;
	if (*known + 1 == gen && end - start <= FLUSH_PAGES_MAX * PAGE_SIZE) {
		for (u64 va = start; va < end; va += PAGE_SIZE)
			invlpg(va);
		*known = gen;
		return;
	}
	*known = __atomic_load_n(&mm->mm_tlb_gen, __ATOMIC_SEQ_CST);
	write_cr3(read_cr3());
}

static void flush_kernel(u64 start, u64 end)
{
	if (end - start <= FLUSH_PAGES_MAX * PAGE_SIZE) {
		for (u64 va = start; va < end; va += PAGE_SIZE)
			invlpg(va);
		return;
	}
	write_cr4(read_cr4() & ~CR4_PGE); // all PCIDs, global entries too (SDM vol. 3, 4.10.4.1)
	write_cr4(read_cr4() | CR4_PGE);
}

static void answer(struct cpu *c, struct tlb_request *r)
{
	struct arch_cpu *a = c->c_arch;

	if (r->r_root) {
		if (a->a_cr3_root == r->r_root)
			load_kernel_tables(c);
	} else if (!r->r_mm) {
		flush_kernel(r->r_start, r->r_end);
	} else if (c->c_mm == r->r_mm) {
		if (a->a_lazy)
			load_kernel_tables(c);
		else
			flush_user(a, r->r_mm, r->r_start, r->r_end, r->r_gen);
	}
	// Past this the request is the asker's again.
	__atomic_fetch_and(&r->r_waiting, ~BIT(c->c_id), __ATOMIC_SEQ_CST);
}

void tlb_serve(void)
{
	u64 irq = irq_save();
	struct cpu *c = this_cpu();
	u64 from = __atomic_exchange_n(&c->c_arch->a_tlb_from, 0, __ATOMIC_SEQ_CST);

	for (; from; from &= from - 1)
		answer(c, &arch_cpus[__builtin_ctzll(from)].a_request);
	irq_restore(irq);
}

// Has the CPUs in `mask` carry out a_request, and waits. Serves others meanwhile: two CPUs may ask
// each other.
static void ask(struct cpu *c, u64 mask)
{
	struct tlb_request *r = &c->c_arch->a_request;

	__atomic_store_n(&r->r_waiting, mask, __ATOMIC_SEQ_CST);
	for (u64 m = mask; m; m &= m - 1) {
		u32 i = (u32)__builtin_ctzll(m);
		// A bit that is there already has its interrupt under way.
		if (!__atomic_fetch_or(&arch_cpus[i].a_tlb_from, BIT(c->c_id), __ATOMIC_SEQ_CST))
			apic_send(cpus[i].c_apic_id, VECTOR_TLB);
	}
	while (__atomic_load_n(&r->r_waiting, __ATOMIC_ACQUIRE)) {
		if (READ_ONCE(c->c_arch->a_tlb_from))
			tlb_serve();
		cpu_relax();
	}
}

void tlb_flush_range(struct mm *mm, u64 start, u64 end)
{
	struct cpu *c = this_cpu();
	u64 gen = __atomic_add_fetch(&mm->mm_tlb_gen, 1, __ATOMIC_SEQ_CST);

	if (c->c_mm == mm) {
		u64 irq = irq_save();
		if (c->c_mm == mm)
			flush_user(c->c_arch, mm, start, end, gen);
		irq_restore(irq);
	}
	u64 others = __atomic_load_n(&mm->mm_cpus, __ATOMIC_SEQ_CST) & ~BIT(c->c_id);
	if (likely(!others))
		return;
	struct tlb_request *r = &c->c_arch->a_request;
	r->r_mm = mm;
	r->r_start = start;
	r->r_end = end;
	r->r_gen = gen;
	r->r_root = 0;
	ask(c, others);
}

void tlb_flush_mm(struct mm *mm)
{
	tlb_flush_range(mm, 0, USER_END_64);
}

void tlb_flush_local(u64 va)
{
	invlpg(va);
}

static u64 others_online(const struct cpu *c)
{
	u64 mask = 0;

	for (u32 i = 0; i < CPU_MAX; i++)
		if (READ_ONCE(cpus[i].c_online) && i != c->c_id)
			mask |= BIT(i);
	return mask;
}

void tlb_flush_kernel(u64 start, u64 end)
{
	struct cpu *c = this_cpu();
	u64 others = others_online(c);

	flush_kernel(start, end);
	if (!others)
		return;
	struct tlb_request *r = &c->c_arch->a_request;
	r->r_mm = NULL;
	r->r_start = start;
	r->r_end = end;
	r->r_root = 0;
	ask(c, others);
}

void tlb_drop_root(u64 root)
{
	struct cpu *c = this_cpu();
	u64 others = 0;
	u64 irq = irq_save();

	if (c->c_arch->a_cr3_root == root)
		load_kernel_tables(c);
	irq_restore(irq);
	for (u32 i = 0; i < CPU_MAX; i++)
		if (i != c->c_id &&
		    __atomic_load_n(&arch_cpus[i].a_cr3_root, __ATOMIC_ACQUIRE) == root)
			others |= BIT(i);
	if (!others)
		return;
	c->c_arch->a_request.r_root = root;
	ask(c, others);
}

void tlb_forget(struct mm *mm)
{
	// Context ids are never used twice, so what the PCID slots remember of it is harmless.
	tlb_drop_root(mm->mm_pt.pt_root);
}

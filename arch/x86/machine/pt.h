// SPDX-License-Identifier: MIT
// Page tables of a user address space, as the vm/ code sees them: a leaf entry per 4 KiB page.
// The caller holds the address space's mm_pt_lock around everything that touches entries.
#pragma once

#include "lib/types.h"
#include "machine/layout.h"

typedef u64 pte_t;

// Protection bits, portable.
#define PT_READ	 1
#define PT_WRITE 2
#define PT_EXEC	 4

// Hardware bits that vm/ tests through the helpers below.
#define PTE_P	BIT(0)
#define PTE_W	BIT(1)
#define PTE_U	BIT(2)
#define PTE_PCD BIT(4)
#define PTE_A	BIT(5)
#define PTE_D	BIT(6)
#define PTE_PS	BIT(7)
#define PTE_G	BIT(8)
// Free for software (SDM vol. 3, 4.5.4). A PROT_NONE page keeps its frame but has PTE_P clear.
#define PTE_SOFT_NONE  BIT(9)  // frame present, access refused
#define PTE_SOFT_ANON  BIT(10) // frame belongs to an anonymous mapping, counted by refs
#define PTE_SOFT_NOREF BIT(11) // frame is not counted (zero page, vDSO, device)
#define PTE_NX	       BIT(63)
#define PTE_ADDR       0x000ffffffffff000
// What one leaf table maps: entries of one aligned span are neighbours in memory.
#define PT_TABLE_SPAN BIT(21)

struct pt {
	u64 pt_root;   // physical address of the top table
	u64 pt_tables; // table pages owned, all levels, for accounting
};

int pt_create(struct pt *pt); // 0, -ENOMEM; kernel half shared
// Frees every user table page. All leaf entries must have been taken out before.
void pt_destroy(struct pt *pt);

pte_t *pt_lookup(const struct pt *pt, u64 va); // NULL where a table is missing
// Makes missing tables; NULL when out of memory. May be called with the mm_pt_lock held (does not
// sleep).
pte_t *pt_make(struct pt *pt, u64 va);
// The first leaf entry that is not zero in [*va, end); sets *va to its address. NULL: none.
pte_t *pt_next(const struct pt *pt, u64 *va, u64 end);
// Frees table pages wholly inside [start, end) that hold no entry. TLBs are flushed by the caller
// before the pages are reused: the pages go onto `batch` (struct page list) for the caller to free
// after tlb_flush.
struct list;
void pt_prune(struct pt *pt, u64 start, u64 end, struct list *batch);

static inline pte_t pte_make(u64 phys, u32 prot, u64 soft)
{
	pte_t e = phys | PTE_U | PTE_A | soft;
	e |= (prot & (PT_READ | PT_WRITE | PT_EXEC)) ? PTE_P : PTE_SOFT_NONE;
	if (prot & PT_WRITE)
		e |= PTE_W | PTE_D;
	if (!(prot & PT_EXEC))
		e |= PTE_NX;
	return e;
}
static inline bool pte_present(pte_t e)
{
	return e & PTE_P;
}
static inline bool pte_has_frame(pte_t e)
{
	return e & (PTE_P | PTE_SOFT_NONE);
}
static inline u64 pte_phys(pte_t e)
{
	return e & PTE_ADDR;
}

// Local and remote TLB maintenance. Remote CPUs are interrupted only if they run `mm`.
// Must be called with interrupts enabled and no spinlock held that an interrupt handler or another
// flusher may want.
struct mm;
void tlb_flush_range(struct mm *mm, u64 start, u64 end);
void tlb_flush_mm(struct mm *mm);
// Flushes one page on this CPU only: for a permission that was widened.
void tlb_flush_local(u64 va);
// Loads mm's tables on this CPU (scheduler). NULL: kernel-only tables.
void mm_switch(struct mm *mm);
// Forgets a dying address space's PCID everywhere.
void tlb_forget(struct mm *mm);

static inline void *phys_to_virt(u64 phys)
{
	return (void *)(phys + DIRECT_BASE);
}
static inline u64 virt_to_phys(const void *p)
{
	u64 va = (u64)p;
	return va >= KERNEL_BASE ? va - KERNEL_BASE : va - DIRECT_BASE;
}

// Kernel mappings in [KVM_BASE, KVM_END): `kmap_pages` for stacks, `kmap_mmio` uncached for
// devices. NULL: no memory.
void *kmap_mmio(u64 phys, size_t len);
// Maps n separate page frames with an unmapped guard page before and behind. kunmap_pages also
// flushes.
void *kmap_pages(const u64 *phys, u32 n);
void kunmap_pages(void *va, u32 n);

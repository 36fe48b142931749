// SPDX-License-Identifier: MIT
/*
 * Kernel mappings in [KVM_BASE, KVM_END): device windows and kernel stacks, each between unmapped
 * guard pages. A freed run of n pages is kept for the next request of n; the link to the next free
 * run stands in its first, absent, entry.
 */
#include "machine/kmap.h"
#include "kern/lock.h"
#include "machine/image.h"
#include "machine/pt.h"
#include "machine/tlb.h"
#include "vm/page.h"

#define TABLE_FLAGS (PTE_P | PTE_W | PTE_A)
#define LEAF_FLAGS  (PTE_P | PTE_W | PTE_A | PTE_D | PTE_G | PTE_NX)
#define RUN_MAX	    16 // longer runs are not reused; the region has room for millions

static struct spinlock kmap_lock = SPINLOCK("kmap", RANK_PT);
static u64 kmap_next = KMAP_LAPIC + 2 * PAGE_SIZE; // the local APIC's page and a guard come first
static u64 kmap_free[RUN_MAX + 1];		   // by length: first free run, 0: none

u64 *kpt_lookup(u64 va)
{
	u64 *table = kernel_pml4;

	for (u32 shift = 39; shift > PAGE_SHIFT; shift -= 9) {
		u64 e = table[va >> shift & 511];
		if (!(e & PTE_P) || e & PTE_PS)
			return NULL;
		table = phys_to_virt(e & PTE_ADDR);
	}
	return &table[va >> PAGE_SHIFT & 511];
}

bool kernel_mapped(u64 va)
{
	const u64 *table = kernel_pml4;

	// Bits 63:47 are equal in a canonical address; the kernel's are ones.
	if (va < DIRECT_BASE)
		return false;
	for (u32 shift = 39;; shift -= 9) {
		u64 e = table[va >> shift & 511];
		if (!(e & PTE_P))
			return false;
		if (shift == PAGE_SHIFT || e & PTE_PS)
			return true;
		table = phys_to_virt(e & PTE_ADDR);
	}
}

static u64 *kpt_make(u64 va)
{
	u64 *table = kernel_pml4;

	for (u32 shift = 39; shift > PAGE_SHIFT; shift -= 9) {
		u64 *e = &table[va >> shift & 511];
		if (!*e) {
			struct page *p = page_alloc(PAGE_ZERO | PAGE_NOWAIT);
			if (!p)
				return NULL;
			WRITE_ONCE(*e, page_phys(p) | TABLE_FLAGS);
		}
		table = phys_to_virt(*e & PTE_ADDR);
	}
	return &table[va >> PAGE_SHIFT & 511];
}

// A run of n pages whose entries exist and are 0, with a guard page behind it. 0: no memory.
static u64 run_alloc(u32 n)
{
	u64 va = n <= RUN_MAX ? kmap_free[n] : 0;

	if (va) {
		u64 *link = kpt_lookup(va);
		kmap_free[n] = *link; // page aligned: never looks present
		*link = 0;
		return va;
	}
	va = kmap_next;
	if (va + (n + 1) * (u64)PAGE_SIZE > KVM_END)
		return 0;
	for (u32 i = 0; i < n; i++)
		if (!kpt_make(va + i * (u64)PAGE_SIZE))
			return 0;
	kmap_next += (n + 1) * (u64)PAGE_SIZE;
	return va;
}

void *kmap_mmio(u64 phys, size_t len)
{
	u64 base = ALIGN_DOWN(phys, PAGE_SIZE);
	u32 n = (u32)((ALIGN_UP(phys + len, PAGE_SIZE) - base) >> PAGE_SHIFT);

	spin_lock(&kmap_lock);
	u64 va = run_alloc(n);
	for (u32 i = 0; va && i < n; i++)
		*kpt_lookup(va + i * (u64)PAGE_SIZE) = (base + i * (u64)PAGE_SIZE) | LEAF_FLAGS |
						       PTE_PCD;
	spin_unlock(&kmap_lock);
	return va ? (void *)(va + (phys - base)) : NULL;
}

void *kmap_pages(const u64 *phys, u32 n)
{
	spin_lock(&kmap_lock);
	u64 va = run_alloc(n);
	for (u32 i = 0; va && i < n; i++)
		*kpt_lookup(va + i * (u64)PAGE_SIZE) = phys[i] | LEAF_FLAGS;
	spin_unlock(&kmap_lock);
	return (void *)va;
}

void kunmap_pages(void *p, u32 n)
{
	u64 va = (u64)p;

	for (u32 i = 0; i < n; i++)
		WRITE_ONCE(*kpt_lookup(va + i * (u64)PAGE_SIZE), 0);
	tlb_flush_kernel(va, va + n * (u64)PAGE_SIZE);
	// Only now may the addresses be used again.
	if (n > RUN_MAX)
		return;
	spin_lock(&kmap_lock);
	*kpt_lookup(va) = kmap_free[n];
	kmap_free[n] = va;
	spin_unlock(&kmap_lock);
}

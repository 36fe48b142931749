// SPDX-License-Identifier: MIT
/*
 * Page tables of user address spaces: four levels, 4 KiB leaves. The kernel half of every top table
 * is a copy of kernel_pml4's entries, which never change after boot. The table pages of an address
 * space are on one list, headed by the struct page of its top table, so that taking it down needs
 * no search.
 */
#include "machine/pt.h"
#include "lib/list.h"
#include "lib/string.h"
#include "machine/image.h"
#include "machine/tlb.h"
#include "vm/page.h"

#include <asm/errno.h>

#define TABLE_FLAGS  (PTE_P | PTE_W | PTE_U | PTE_A)
#define TOP_SHIFT    39
#define ENTRIES	     512
#define USER_ENTRIES 256

static u64 *table_of(u64 entry)
{
	return phys_to_virt(entry & PTE_ADDR);
}

static u32 index_of(u64 va, u32 shift)
{
	return va >> shift & (ENTRIES - 1);
}

int pt_create(struct pt *pt)
{
	struct page *p = page_alloc(0);

	if (!p)
		return -ENOMEM;
	u64 *top = page_address(p);
	memset(top, 0, USER_ENTRIES * sizeof(*top));
	memcpy(top + USER_ENTRIES, kernel_pml4 + USER_ENTRIES, USER_ENTRIES * sizeof(*top));
	list_init(&p->pg_list);
	pt->pt_root = page_phys(p);
	pt->pt_tables = 1;
	return 0;
}

void pt_destroy(struct pt *pt)
{
	struct page *top = phys_page(pt->pt_root), *p, *tmp;

	// A CPU may still be lazily on these tables.
	tlb_drop_root(pt->pt_root);
	list_for_each_entry_safe (p, tmp, &top->pg_list, pg_list) {
		list_del(&p->pg_list);
		page_put(p);
	}
	page_put(top);
	pt->pt_root = 0;
	pt->pt_tables = 0;
}

pte_t *pt_lookup(const struct pt *pt, u64 va)
{
	u64 *table = phys_to_virt(pt->pt_root);

	for (u32 shift = TOP_SHIFT; shift > PAGE_SHIFT; shift -= 9) {
		u64 e = table[index_of(va, shift)];
		if (!e)
			return NULL;
		table = table_of(e);
	}
	return &table[index_of(va, PAGE_SHIFT)];
}

static u64 table_alloc(struct pt *pt)
{
	struct page *p = page_alloc(PAGE_ZERO | PAGE_NOWAIT | PAGE_MODEST);

	if (!p)
		return 0;
	list_add(&phys_page(pt->pt_root)->pg_list, &p->pg_list);
	pt->pt_tables++;
	return page_phys(p);
}

pte_t *pt_make(struct pt *pt, u64 va)
{
	u64 *table = phys_to_virt(pt->pt_root);

	for (u32 shift = TOP_SHIFT; shift > PAGE_SHIFT; shift -= 9) {
		u64 *e = &table[index_of(va, shift)];
		if (unlikely(!*e)) {
			u64 phys = table_alloc(pt);
			if (!phys)
				return NULL;
			// The CPU walks these tables without our lock: the zeros come first, which
			// x86 promises.
			WRITE_ONCE(*e, phys | TABLE_FLAGS);
		}
		table = table_of(*e);
	}
	return &table[index_of(va, PAGE_SHIFT)];
}

// Walks down to the leaf table of va; where one is missing, *skip is the size of the hole's table
// entry.
static u64 *leaf_table(const struct pt *pt, u64 va, u64 *skip)
{
	u64 *table = phys_to_virt(pt->pt_root);

	for (u32 shift = TOP_SHIFT; shift > PAGE_SHIFT; shift -= 9) {
		u64 e = table[index_of(va, shift)];
		if (!e) {
			*skip = 1ull << shift;
			return NULL;
		}
		table = table_of(e);
	}
	return table;
}

pte_t *pt_next(const struct pt *pt, u64 *va, u64 end)
{
	u64 at = *va, skip = 0;

	while (at < end) {
		u64 *table = leaf_table(pt, at, &skip);
		if (!table) {
			at = ALIGN_DOWN(at, skip) + skip;
			continue;
		}
		for (u32 i = index_of(at, PAGE_SHIFT); i < ENTRIES && at < end;
		     i++, at += PAGE_SIZE) {
			if (table[i]) {
				*va = at;
				return &table[i];
			}
		}
	}
	return NULL;
}

static bool table_empty(const u64 *table)
{
	for (u32 i = 0; i < ENTRIES; i++)
		if (table[i])
			return false;
	return true;
}

// One level: unhooks the empty tables that entries of 2^shift bytes in [start, end) point to.
static void prune_level(struct pt *pt, u64 start, u64 end, u32 level_shift, struct list *batch)
{
	u64 size = 1ull << level_shift;

	for (u64 va = ALIGN_UP(start, size); va < end && end - va >= size; va += size) {
		u64 *table = phys_to_virt(pt->pt_root), *e = NULL;
		for (u32 shift = TOP_SHIFT; shift >= level_shift; shift -= 9) {
			e = &table[index_of(va, shift)];
			if (!*e) {
				// Nothing below this entry: go on behind it.
				va = ALIGN_DOWN(va, 1ull << shift) + (1ull << shift) - size;
				break;
			}
			table = table_of(*e);
		}
		if (!*e || !table_empty(table))
			continue;
		struct page *p = phys_page(*e & PTE_ADDR);
		WRITE_ONCE(*e, 0);
		list_move_tail(batch, &p->pg_list);
		pt->pt_tables--;
	}
}

void pt_prune(struct pt *pt, u64 start, u64 end, struct list *batch)
{
	// Leaf tables first: they empty the tables above.
	prune_level(pt, start, end, 21, batch);
	prune_level(pt, start, end, 30, batch);
	prune_level(pt, start, end, 39, batch);
}

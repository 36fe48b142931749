// SPDX-License-Identifier: MIT
// Physical pages. Blocks of 2^order pages lie on free lists (buddy system) under one lock; each CPU
// keeps a stack of single pages of its own, which only that CPU touches, with interrupts off.
// Always true: pg_kind is PAGE_FREE exactly for the first page of a block on a free list. Pages
// inside a block are never looked at, so that boot touches a struct page per 64 MiB and not the
// whole array.
#include "vm/page.h"

#include "kern/log.h"
#include "lib/string.h"
#include "machine/boot.h"
#include "machine/cpu.h"
#include "machine/pageops.h"
#include "vm/slab.h"

#define CPU_PAGES 128
#define CPU_BATCH 32

struct page_cpu {
	u32 count;
	s64 kinds[PAGE_KINDS]; // pages in use; a CPU's figure may be negative, the sum is not
	struct page *pages[CPU_PAGES];
} ALIGNED(64);

static struct page_cpu page_cpus[CPU_MAX];

static struct {
	struct spinlock lock;
	u32 nonempty; // bit per order
	struct list free[PAGE_MAX_ORDER + 1];
	u64 free_pages;
	u64 total;
	u64 reserve; // user memory stops here
} buddy = {.lock = SPINLOCK("buddy", RANK_PAGE)};

struct page *page_array;
u64 page_count_max;
struct page *zero_page;

static void buddy_link(struct page *p, u32 order)
{
	p->pg_kind = PAGE_FREE;
	p->pg_order = (u8)order;
	list_add(&buddy.free[order], &p->pg_list);
	buddy.nonempty |= 1u << order;
}

static void buddy_unlink(struct page *p, u32 order)
{
	p->pg_kind = PAGE_IDLE;
	list_del(&p->pg_list);
	if (list_empty(&buddy.free[order]))
		buddy.nonempty &= ~(1u << order);
}

// Lock held. NULL: no block is large enough.
static struct page *buddy_take(u32 order)
{
	u32 fit = buddy.nonempty >> order << order;
	struct page *p;
	u32 o;

	if (!fit)
		return NULL;
	o = (u32)__builtin_ctz(fit);
	p = list_first_entry(&buddy.free[o], struct page, pg_list);
	buddy_unlink(p, o);
	// The upper halves go back; the block handed out is the lowest, so memory fills from below.
	while (o > order) {
		o--;
		buddy_link(p + (1u << o), o);
	}
	buddy.free_pages -= 1ull << order;
	return p;
}

// Lock held.
static void buddy_give(struct page *p, u32 order)
{
	u64 pfn = (u64)(p - page_array);

	buddy.free_pages += 1ull << order;
	while (order < PAGE_MAX_ORDER) {
		u64 mate = pfn ^ (1ull << order);
		struct page *m = page_array + mate;

		if (mate >= page_count_max || m->pg_kind != PAGE_FREE || m->pg_order != order)
			break;
		buddy_unlink(m, order);
		pfn &= mate;
		order++;
	}
	buddy_link(page_array + pfn, order);
}

static bool page_for_user(u32 flags)
{
	return (flags >= PAGE_AS(PAGE_ANON) || (flags & PAGE_MODEST)) && !(flags & PAGE_URGENT);
}

// Interrupts off. Fills this CPU's stack with a batch; false: no memory.
static NOINLINE bool page_refill(struct page_cpu *pc, u32 flags)
{
	spin_lock(&buddy.lock);
	if (!page_for_user(flags) || buddy.free_pages > buddy.reserve + CPU_BATCH) {
		while (pc->count < CPU_BATCH) {
			struct page *p = buddy_take(0);

			if (!p)
				break;
			pc->pages[pc->count++] = p;
		}
	}
	spin_unlock(&buddy.lock);
	return pc->count;
}

// Interrupts off. Lower pages stay for the next use: they are warm.
static NOINLINE void page_drain(struct page_cpu *pc)
{
	spin_lock(&buddy.lock);
	for (u32 i = 0; i < CPU_BATCH; i++)
		buddy_give(pc->pages[i], 0);
	spin_unlock(&buddy.lock);
	pc->count -= CPU_BATCH;
	for (u32 i = 0; i < pc->count; i++)
		pc->pages[i] = pc->pages[i + CPU_BATCH];
}

static u32 page_flags_kind(u32 flags)
{
	u32 kind = flags >> 8;

	return kind ? kind : PAGE_KERNEL;
}

static void page_set_new(struct page *p, u32 order, u32 flags)
{
	p->pg_ref.r_n = 1;
	p->pg_kind = (u8)page_flags_kind(flags);
	p->pg_order = (u8)order;
	p->pg_flags = 0;
}

struct page *page_alloc(u32 flags)
{
	u64 irq = irq_save();
	struct page_cpu *pc = this_cpu()->c_page_cache;
	struct page *p;

	if (unlikely(!pc->count) && !page_refill(pc, flags)) {
		irq_restore(irq);
		return NULL;
	}
	p = pc->pages[--pc->count];
	pc->kinds[page_flags_kind(flags)]++;
	irq_restore(irq);
	page_set_new(p, 0, flags);
	if (flags & PAGE_ZERO)
		page_clear(page_address(p));
	return p;
}

struct page *page_alloc_order(u32 order, u32 flags)
{
	struct page_cpu *pc;
	struct page *p;
	u64 irq;

	if (!order)
		return page_alloc(flags);
	if (order > PAGE_MAX_ORDER)
		return NULL;
	irq = spin_lock_irq(&buddy.lock);
	pc = this_cpu()->c_page_cache;
	p = buddy_take(order);
	if (p)
		pc->kinds[page_flags_kind(flags)] += 1ll << order;
	spin_unlock_irq(&buddy.lock, irq);
	if (!p)
		return NULL;
	page_set_new(p, order, flags);
	if (flags & PAGE_ZERO)
		for (u32 i = 0; i < 1u << order; i++)
			page_clear(page_address(p + i));
	return p;
}

void page_free_order(struct page *p, u32 order)
{
	u64 irq = irq_save();
	struct page_cpu *pc = this_cpu()->c_page_cache;

	DEBUG_ASSERT(p->pg_kind > PAGE_IDLE && p->pg_kind < PAGE_KINDS && p->pg_order == order);
	pc->kinds[p->pg_kind] -= 1ll << order;
	p->pg_kind = PAGE_IDLE;
	if (likely(!order)) {
		if (unlikely(pc->count == CPU_PAGES))
			page_drain(pc);
		pc->pages[pc->count++] = p;
	} else {
		spin_lock(&buddy.lock);
		buddy_give(p, order);
		spin_unlock(&buddy.lock);
	}
	irq_restore(irq);
}

void page_free_last(struct page *p)
{
	page_free_order(p, p->pg_order);
}

void page_set_kind(struct page *p, enum page_kind kind)
{
	u64 irq = irq_save();
	struct page_cpu *pc = this_cpu()->c_page_cache;

	pc->kinds[p->pg_kind]--;
	pc->kinds[kind]++;
	p->pg_kind = (u8)kind;
	irq_restore(irq);
}

struct page *page_adopt(u64 phys)
{
	struct page *p = phys_page(phys);
	u64 irq = spin_lock_irq(&buddy.lock);
	struct page_cpu *pc = this_cpu()->c_page_cache;

	if (p >= page_array + page_count_max || p->pg_kind != PAGE_RESERVED) {
		spin_unlock_irq(&buddy.lock, irq);
		return NULL;
	}
	page_set_new(p, 0, 0);
	pc->kinds[PAGE_KERNEL]++;
	buddy.total++;
	spin_unlock_irq(&buddy.lock, irq);
	return p;
}

void page_release_range(u64 phys_start, u64 phys_end)
{
	u64 end = MIN(phys_end >> PAGE_SHIFT, page_count_max);

	for (u64 pfn = (phys_start + PAGE_SIZE - 1) >> PAGE_SHIFT; pfn < end; pfn++) {
		u64 irq = spin_lock_irq(&buddy.lock);

		if (page_array[pfn].pg_kind == PAGE_RESERVED) {
			buddy.total++;
			buddy_give(page_array + pfn, 0);
		}
		spin_unlock_irq(&buddy.lock, irq);
	}
}

// Boot: [start, end) in the largest naturally aligned blocks.
static void page_add_range(u64 start, u64 end)
{
	u64 pfn = start >> PAGE_SHIFT, last = end >> PAGE_SHIFT;

	while (pfn < last) {
		u32 order = 0;

		while (order < PAGE_MAX_ORDER && !(pfn & (1ull << order)) &&
		       pfn + (2ull << order) <= last)
			order++;
		buddy.total += 1ull << order;
		buddy_give(page_array + pfn, order);
		pfn += 1ull << order;
	}
}

// Boot: the entries of [start, end), which is not free, say "reserved". Of a very large hole (below
// 4 GiB) only what the merging of blocks or anybody else may ever look at.
static void page_reserve_gap(u64 start, u64 end)
{
	u64 pfn = start >> PAGE_SHIFT, last = end >> PAGE_SHIFT, edge = 1ull << PAGE_MAX_ORDER;

	if (last - pfn > 4 * edge) {
		memset(page_array + pfn, 0, edge * sizeof(struct page));
		pfn = last - edge;
	}
	memset(page_array + pfn, 0, (last - pfn) * sizeof(struct page));
}

void page_init(const struct boot_info *bi)
{
	u64 at = 0;

	page_count_max = bi->ram_end >> PAGE_SHIFT;
	// Not cleared as a whole: it would make 1/128 of the memory resident in the host.
	page_array = boot_alloc(page_count_max * sizeof(struct page), PAGE_SIZE);
	for (u32 i = 0; i < bi->nfree; i++) {
		page_reserve_gap(at, bi->free[i].start);
		at = bi->free[i].end;
	}
	page_reserve_gap(at, bi->ram_end);
	for (u32 i = 0; i < CPU_MAX; i++)
		cpus[i].c_page_cache = &page_cpus[i];
	for (u32 i = 0; i <= PAGE_MAX_ORDER; i++)
		list_init(&buddy.free[i]);
	// From the top down: lists are stacks, so low memory is handed out first.
	for (u32 i = bi->nfree; i-- > 0;)
		page_add_range(bi->free[i].start, bi->free[i].end);
	buddy.reserve = MIN(buddy.total / 64, (u64)2048);
	zero_page = page_alloc(PAGE_ZERO);
	ASSERT(zero_page);
}

u64 page_total(void)
{
	return READ_ONCE(buddy.total);
}

void page_stats(struct page_stats *s)
{
	s64 kinds[PAGE_KINDS] = {0};

	s->total = buddy.total;
	s->free = buddy.free_pages;
	for (u32 i = 0; i < CPU_MAX; i++) {
		s->free += READ_ONCE(page_cpus[i].count);
		for (u32 k = 0; k < PAGE_KINDS; k++)
			kinds[k] += READ_ONCE(page_cpus[i].kinds[k]);
	}
	s->kernel = (u64)MAX(kinds[PAGE_KERNEL], 0);
	s->anon = (u64)MAX(kinds[PAGE_ANON], 0);
	s->cache = (u64)MAX(kinds[PAGE_CACHE], 0);
	s->slab = slab_pages();
}

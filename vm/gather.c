// SPDX-License-Identifier: MIT
// Unmapping in three steps: entries are cleared under mm_pt_lock, TLBs are flushed once for the
// batch, and only then pages and table pages are given up, so that no CPU can reach a page through
// a stale translation after it has a new owner.
#include "vm/vm.h"

#include "kern/log.h"

// Ranges beyond this many pages get a whole page as the batch's array.
#define GATHER_PAGE_SLOTS (PAGE_SIZE / sizeof(struct page *))

void gather_init(struct gather *g, struct mm *mm)
{
	g->g_mm = mm;
	g->g_start = ~0ull;
	g->g_end = 0;
	g->g_count = 0;
	g->g_room = GATHER_FEW;
	g->g_pages = g->g_few;
	g->g_buffer = NULL;
	g->g_dead = NULL;
	list_init(&g->g_tables);
}

void gather_touch(struct gather *g, u64 start, u64 end)
{
	g->g_start = MIN(g->g_start, start);
	g->g_end = MAX(g->g_end, end);
}

void gather_flush(struct gather *g)
{
	if (g->g_start < g->g_end)
		tlb_flush_range(g->g_mm, g->g_start, g->g_end);
	gather_drop(g);
}

void gather_drop(struct gather *g)
{
	struct page *p, *tmp;

	g->g_start = ~0ull;
	g->g_end = 0;
	for (u32 i = 0; i < g->g_count; i++)
		page_put(g->g_pages[i]);
	g->g_count = 0;
	list_for_each_entry_safe (p, tmp, &g->g_tables, pg_list)
		page_put(p);
	list_init(&g->g_tables);
}

void gather_finish(struct gather *g)
{
	DEBUG_ASSERT(!g->g_count && list_empty(&g->g_tables));
	if (g->g_buffer)
		page_put(g->g_buffer);
	g->g_buffer = NULL;
	vma_free_chain(g->g_dead);
	g->g_dead = NULL;
}

// More room, once, when a batch overflows; without memory the small array does it.
static void gather_enlarge(struct gather *g)
{
	if (g->g_buffer)
		return;
	g->g_buffer = page_alloc(PAGE_NOWAIT);
	if (!g->g_buffer)
		return;
	g->g_pages = page_address(g->g_buffer);
	g->g_room = GATHER_PAGE_SLOTS;
}

// Clears neighbouring entries from *va on, up to end, the table's end, a hole, or a full batch.
// mm_pt_lock held.
static void zap_run(struct gather *g, pte_t *pte, u64 *va, u64 end, enum zap_mode mode)
{
	u64 stop = MIN(end, (*va | (PT_TABLE_SPAN - 1)) + 1);
	s64 anon = 0, file = 0;
	u64 at = *va;

	for (; at < stop && *pte && g->g_count < g->g_room; at += PAGE_SIZE, pte++) {
		pte_t e = *pte;

		if (mode == ZAP_FILE_ONLY && (e & PTE_SOFT_ANON))
			continue;
		*pte = 0;
		gather_touch(g, at, at + PAGE_SIZE);
		if (e & PTE_SOFT_NOREF)
			continue;
		if (e & PTE_SOFT_ANON)
			anon--;
		else
			file--;
		g->g_pages[g->g_count++] = phys_page(pte_phys(e));
	}
	mm_rss_add(g->g_mm, anon, file);
	*va = at;
}

bool gather_zap_some(struct gather *g, u64 start, u64 end, enum zap_mode mode)
{
	struct mm *mm = g->g_mm;
	bool room = true;
	pte_t *pte;

	spin_lock(&mm->mm_pt_lock);
	while (room && (pte = pt_next(&mm->mm_pt, &start, end))) {
		room = g->g_count < g->g_room;
		if (room)
			zap_run(g, pte, &start, end, mode);
	}
	spin_unlock(&mm->mm_pt_lock);
	return room;
}

void gather_zap(struct gather *g, u64 start, u64 end, enum zap_mode mode)
{
	while (!gather_zap_some(g, start, end, mode)) {
		gather_flush(g);
		gather_enlarge(g);
	}
}

void gather_prune(struct gather *g, u64 start, u64 end)
{
	struct mm *mm = g->g_mm;

	spin_lock(&mm->mm_pt_lock);
	pt_prune(&mm->mm_pt, start, end, &g->g_tables);
	spin_unlock(&mm->mm_pt_lock);
	// The paging-structure caches must forget the tables too; any flush does that (SDM vol.
	// 3, 4.10.4.1).
	if (!list_empty(&g->g_tables))
		gather_touch(g, start, MIN(end, start + PAGE_SIZE));
}

void mm_rss_add(struct mm *mm, s64 anon, s64 file)
{
	u64 total;

	WRITE_ONCE(mm->mm_rss_anon, mm->mm_rss_anon + anon);
	WRITE_ONCE(mm->mm_rss_file, mm->mm_rss_file + file);
	total = (u64)(mm->mm_rss_anon + mm->mm_rss_file);
	if (total > mm->mm_rss_peak)
		WRITE_ONCE(mm->mm_rss_peak, total);
}

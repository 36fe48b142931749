// SPDX-License-Identifier: MIT
// Page faults. Each looks at the entry without a lock (tables are only freed under mm_lock for
// writing, which a fault holds for reading), prepares a page without a lock, then takes mm_pt_lock
// and commits only if the entry is still what it saw; else the access is simply tried again. So
// nothing is copied or cleared with the lock held. A private page may be written in place by its
// sole owner: pg_ref 1 is this entry's own reference.
#include "vm/vm.h"

#include "fs/vfs.h"
#include "kern/log.h"
#include "kern/sched.h"
#include "kern/task.h"
#include "machine/pageops.h"

#include <asm-generic/errno.h>

// Pages around a file fault that are mapped along if the cache has them: one aligned block, so
// always in one table.
#define AROUND_PAGES 16
#define AROUND_BYTES (AROUND_PAGES * (u64)PAGE_SIZE)

// PT_* of a region's entries. What may be written or executed can be read as well (SDM vol.
// 3, 4.6).
static u32 vma_prot(const struct vma *v)
{
	u32 prot = v->v_flags & VMA_ACCESS;

	return prot ? prot | PT_READ : 0;
}

static u64 vma_index(const struct vma *v, u64 addr)
{
	return v->v_pgoff + ((addr - v->v_start) >> PAGE_SHIFT);
}

static struct page *anon_page(u32 flags)
{
	// A task that was told to end may need pages to get there (robust futexes,
	// clear_child_tid).
	if (unlikely(task_dying()))
		flags |= PAGE_URGENT;
	return page_alloc(PAGE_AS(PAGE_ANON) | flags);
}

// Puts a page of the task's own where no entry was. Consumes p. `source`: the cache page it was
// copied from, or NULL.
static int commit_new(struct vma *v, u64 addr, struct page *p, const struct page *source)
{
	struct mm *mm = v->v_mm;
	pte_t *pte;

	spin_lock(&mm->mm_pt_lock);
	pte = pt_make(&mm->mm_pt, addr);
	// A truncate that took the source out of the cache unmaps after that: it either finds this
	// entry or we see it here.
	if (unlikely(!pte || *pte || (source && READ_ONCE(source->pg_cache) != v->v_cache))) {
		spin_unlock(&mm->mm_pt_lock);
		page_put(p);
		return pte ? 0 : -ENOMEM;
	}
	*pte = pte_make(page_phys(p), vma_prot(v), PTE_SOFT_ANON);
	v->v_anon = true;
	mm_rss_add(mm, 1, 0);
	spin_unlock(&mm->mm_pt_lock);
	return 0;
}

// An uncounted frame (zero page, vDSO) for reading.
static int commit_fixed(struct vma *v, u64 addr, u64 phys)
{
	struct mm *mm = v->v_mm;
	pte_t *pte;

	spin_lock(&mm->mm_pt_lock);
	pte = pt_make(&mm->mm_pt, addr);
	if (pte && !*pte)
		*pte = pte_make(phys, vma_prot(v) & ~PT_WRITE, PTE_SOFT_NOREF);
	spin_unlock(&mm->mm_pt_lock);
	return pte ? 0 : -ENOMEM;
}

static int fault_anon(struct vma *v, u64 addr, u32 access)
{
	struct page *p;

	if (!(access & FAULT_WRITE))
		return commit_fixed(v, addr, page_phys(zero_page));
	p = anon_page(PAGE_ZERO);
	return p ? commit_new(v, addr, p, NULL) : -ENOMEM;
}

// Maps what the cache has around addr. The lookup happens under mm_pt_lock, so that a truncate,
// which empties the cache before it unmaps, cannot slip in between. 0: addr itself is mapped;
// -ENOENT: not cached.
static int map_around(struct vma *v, u64 addr, u64 size)
{
	struct mm *mm = v->v_mm;
	struct page *pages[AROUND_PAGES];
	u64 start = MAX(ALIGN_DOWN(addr, AROUND_BYTES), v->v_start);
	u64 end = MIN(ALIGN_DOWN(addr, AROUND_BYTES) + AROUND_BYTES, v->v_end),
	    first = vma_index(v, start);
	u32 n = (u32)MIN((end - start) >> PAGE_SHIFT, size - first);
	u32 prot = vma_prot(v) & (v->v_flags & VMA_SHARED ? ~0u : ~(u32)PT_WRITE);
	s64 mapped = 0;
	pte_t *pte;
	bool there;

	spin_lock(&mm->mm_pt_lock);
	pte = pt_make(&mm->mm_pt, start);
	if (!pte) {
		spin_unlock(&mm->mm_pt_lock);
		return -ENOMEM;
	}
	pagecache_find_many(v->v_cache, first, n, pages);
	for (u32 i = 0; i < n; i++) {
		if (!pages[i])
			continue;
		if (pte[i]) {
			page_put(pages[i]);
			continue;
		}
		pte[i] = pte_make(page_phys(pages[i]), prot, 0);
		mapped++;
	}
	there = pte[(addr - start) >> PAGE_SHIFT];
	mm_rss_add(mm, 0, mapped);
	spin_unlock(&mm->mm_pt_lock);
	return there ? 0 : -ENOENT;
}

// Has the cache hold the page: 0, -ENOMEM, -SIGBUS (beyond the end, I/O error, no room in the file
// system).
static int cache_fault_in(struct vma *v, u64 index, struct page **out)
{
	int r;

	if (index >= vma_cache_pages(v))
		return -SIGBUS;
	r = pagecache_get(v->v_cache, index, true, out);
	if (!r && v->v_cache->pc_ops && v->v_cache->pc_ops->fill)
		current->t_majflt++;
	return r && r != -ENOMEM ? -SIGBUS : r;
}

static int fault_file(struct vma *v, u64 addr)
{
	u64 index = vma_index(v, addr);

	for (;;) {
		u64 size = vma_cache_pages(v);
		struct page *p;
		int r;

		if (index >= size)
			return -SIGBUS;
		r = map_around(v, addr, size);
		if (r != -ENOENT)
			return r;
		r = cache_fault_in(v, index, &p);
		if (r)
			return r;
		page_put(p);
	}
}

// A first write to a private file page copies straight from the cache.
static int fault_file_copy(struct vma *v, u64 addr)
{
	u64 index = vma_index(v, addr);
	struct page *source = NULL, *p;
	int r;

	if (index < vma_cache_pages(v))
		source = pagecache_find(v->v_cache, index);
	if (!source) {
		r = cache_fault_in(v, index, &source);
		if (r)
			return r;
	}
	p = anon_page(0);
	if (p) {
		page_copy(page_address(p), page_address(source));
		r = commit_new(v, addr, p, source);
	} else {
		r = -ENOMEM;
	}
	page_put(source);
	return r;
}

static int fault_missing(struct vma *v, u64 addr, u32 access)
{
	if (v->v_flags & VMA_SPECIAL)
		return commit_fixed(v, addr, v->v_special_frames[vma_index(v, addr)]);
	if (!v->v_cache)
		return fault_anon(v, addr, access);
	if ((access & FAULT_WRITE) && !(v->v_flags & VMA_SHARED))
		return fault_file_copy(v, addr);
	return fault_file(v, addr);
}

// Replaces the frame of a present entry. Consumes p, and the old entry's reference. With other
// threads about, the entry first refuses every access until all CPUs have forgotten the old frame:
// else one of them could still read old data after another has written new. A fault on such an
// entry finds nothing to do and tries again.
static int replace_frame(struct vma *v, u64 addr, pte_t old, struct page *p)
{
	struct mm *mm = v->v_mm;
	bool threads = READ_ONCE(mm->mm_ref.r_n) > 1;
	pte_t *pte, busy = (old & ~(PTE_P | PTE_W)) | PTE_SOFT_NONE;

	spin_lock(&mm->mm_pt_lock);
	pte = pt_lookup(&mm->mm_pt, addr);
	if (*pte == old && threads) {
		*pte = busy;
		spin_unlock(&mm->mm_pt_lock);
		tlb_flush_range(mm, addr, addr + PAGE_SIZE);
		spin_lock(&mm->mm_pt_lock);
		if (*pte == busy)
			old = busy;
	}
	if (*pte != old) {
		spin_unlock(&mm->mm_pt_lock);
		page_put(p);
		return 0;
	}
	*pte = pte_make(page_phys(p), vma_prot(v), PTE_SOFT_ANON);
	v->v_anon = true;
	if (!(old & PTE_SOFT_ANON))
		mm_rss_add(mm, 1, old & PTE_SOFT_NOREF ? 0 : -1);
	spin_unlock(&mm->mm_pt_lock);
	if (!threads)
		tlb_flush_range(mm, addr, addr + PAGE_SIZE);
	if (!(old & PTE_SOFT_NOREF))
		page_put(phys_page(pte_phys(old)));
	return 0;
}

// Widens an entry in place when nothing needs copying: shared memory, or a private page that nobody
// else refers to. Otherwise the frame is counted for the copy (unless it never is). 1: done or
// changed meanwhile; 0: copy.
static int write_in_place(struct vma *v, u64 addr, pte_t old)
{
	struct mm *mm = v->v_mm;
	struct page *source = phys_page(pte_phys(old));
	pte_t *pte;
	int done = 1;

	spin_lock(&mm->mm_pt_lock);
	pte = pt_lookup(&mm->mm_pt, addr);
	if (*pte == old) {
		bool sole = (old & PTE_SOFT_ANON) && READ_ONCE(source->pg_ref.r_n) == 1;

		if (sole || (v->v_flags & VMA_SHARED)) {
			// Other CPUs that still know it read-only fault once more: no flush (SDM
			// vol. 3, 4.10.4.3).
			*pte = pte_make(pte_phys(old), vma_prot(v), old & PTE_SOFT_ANON);
		} else {
			done = 0;
			if (!(old & PTE_SOFT_NOREF))
				page_get(source);
		}
	}
	spin_unlock(&mm->mm_pt_lock);
	return done;
}

static int fault_copy(struct vma *v, u64 addr, pte_t old)
{
	bool zero = pte_phys(old) == page_phys(zero_page);
	struct page *p, *source = phys_page(pte_phys(old));
	int r = -ENOMEM;

	if (write_in_place(v, addr, old))
		return 0;
	p = anon_page(zero ? PAGE_ZERO : 0);
	if (p) {
		if (!zero)
			page_copy(page_address(p), page_address(source));
		r = replace_frame(v, addr, old, p);
	}
	if (!(old & PTE_SOFT_NOREF))
		page_put(source);
	return r;
}

int vma_fault(struct vma *v, u64 addr, u32 access)
{
	const pte_t *pte = pt_lookup(&v->v_mm->mm_pt, addr);
	pte_t e = pte ? READ_ONCE(*pte) : 0;

	if (!pte_has_frame(e))
		return fault_missing(v, addr, access);
	if (!(access & FAULT_WRITE) || (e & PTE_W))
		return 0;
	// Refusing although the region allows: replace_frame is at it on another CPU.
	if (!pte_present(e) && vma_prot(v)) {
		cpu_relax();
		return 0;
	}
	return fault_copy(v, addr, e);
}

static int fault_find(struct mm *mm, u64 addr, struct vma **out)
{
	for (;;) {
		struct vma *v;

		rw_lock_read(&mm->mm_lock);
		v = mm_find_vma(mm, addr);
		if (likely(v && v->v_start <= addr)) {
			*out = v;
			return 0;
		}
		rw_unlock_read(&mm->mm_lock);
		if (!v || !(v->v_flags & VMA_GROWSDOWN) || mm_grow_stack(mm, addr))
			return -SIGSEGV;
	}
}

int mm_fault(struct mm *mm, u64 addr, u32 access, int *si_code)
{
	struct vma *v;
	int r;

	addr = ALIGN_DOWN(addr, (u64)PAGE_SIZE);
	if (unlikely(fault_find(mm, addr, &v))) {
		*si_code = SEGV_MAPERR;
		return -SIGSEGV;
	}
	if (unlikely(!vma_allows(v, access))) {
		rw_unlock_read(&mm->mm_lock);
		*si_code = SEGV_ACCERR;
		return -SIGSEGV;
	}
	r = vma_fault(v, addr, access);
	rw_unlock_read(&mm->mm_lock);
	current->t_minflt++;
	if (likely(!r))
		return 0;
	*si_code = BUS_ADRERR;
	if (r == -ENOMEM)
		return oom_handle() ? 0 : -ENOMEM;
	return r;
}

int mm_populate(struct mm *mm, u64 start, u64 end, u32 access)
{
	for (u64 addr = start; addr < end; addr += PAGE_SIZE) {
		struct vma *v;
		u32 want = access;
		int r;

		rw_lock_read(&mm->mm_lock);
		v = mm_find_vma(mm, addr);
		if (!v || v->v_start > addr) {
			r = -ENOMEM;
		} else {
			// As Linux's mlock: private writable pages are broken out at once, so that
			// later writes do not fault.
			if (want == POPULATE_LOCK)
				want = (v->v_flags & (VMA_WRITE | VMA_SHARED)) == VMA_WRITE
					       ? FAULT_WRITE
					       : 0;
			r = vma_allows(v, want) ? vma_fault(v, addr, want) : -EFAULT;
		}
		rw_unlock_read(&mm->mm_lock);
		if (r == -ENOMEM && v && v->v_start <= addr && oom_handle()) {
			addr -= PAGE_SIZE;
			continue;
		}
		if (r)
			return r;
		if (task_dying())
			return -EINTR;
		sched_point();
	}
	return 0;
}

void mm_populate_all(struct mm *mm)
{
	u64 at = 0;

	for (;;) {
		struct vma *v, *prev;
		u64 start = 0, end = 0;

		rw_lock_read(&mm->mm_lock);
		v = vma_find(mm, at, &prev);
		if (v) {
			start = MAX(at, v->v_start);
			end = v->v_end;
		}
		rw_unlock_read(&mm->mm_lock);
		if (!v || task_dying())
			return;
		(void)mm_populate(mm, start, end, POPULATE_LOCK);
		at = end;
	}
}

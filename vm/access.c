// SPDX-License-Identifier: MIT
// Kernel access to the memory of an address space that need not be the running one: exec's stack,
// ptrace, /proc/PID/mem, futex keys; and the unmapping of a page cache from all address spaces that
// map it.
#include "vm/vm.h"

#include "fs/vfs.h"
#include "kern/log.h"
#include "lib/string.h"

#include <asm-generic/errno.h>

// Finds the frame of addr for this access, if the entry allows it now. mm_pt_lock held. 0: fault it
// in first.
static u64 frame_ready(const struct vma *v, u64 addr, bool write)
{
	const pte_t *pte = pt_lookup(&v->v_mm->mm_pt, addr);
	pte_t e = pte ? *pte : 0;

	if (!pte_has_frame(e))
		return 0;
	if (!write || (e & PTE_W))
		return pte_phys(e);
	// The region may be read-only (a breakpoint in code): a private page of its own can be
	// written all the same.
	if ((e & PTE_SOFT_ANON) && READ_ONCE(phys_page(pte_phys(e))->pg_ref.r_n) == 1)
		return pte_phys(e);
	return 0;
}

// The region of addr, as far as this access may go there. mm_lock held for reading.
static int access_region(struct mm *mm, u64 addr, u32 access, struct vma **out)
{
	struct vma *v = mm_find_vma(mm, addr);

	if (!v || v->v_start > addr || !vma_allows(v, access))
		return -EFAULT;
	*out = v;
	return 0;
}

// Copies inside one page, with mm_pt_lock held so that the entry stays: a fork cannot come between
// either (mm_lock).
static int access_page(struct mm *mm, u64 addr, void *buf, size_t n, bool write)
{
	u64 page = ALIGN_DOWN(addr, (u64)PAGE_SIZE);
	u32 access = FAULT_FORCE | (write ? FAULT_WRITE : 0);
	struct vma *v;
	int r;

	rw_lock_read(&mm->mm_lock);
	while (!(r = access_region(mm, page, access, &v))) {
		u64 phys;

		spin_lock(&mm->mm_pt_lock);
		phys = frame_ready(v, page, write);
		if (phys) {
			u8 *at = (u8 *)phys_to_virt(phys) + (addr - page);

			if (write)
				memcpy(at, buf, n);
			else
				memcpy(buf, at, n);
		}
		spin_unlock(&mm->mm_pt_lock);
		if (phys)
			break;
		r = vma_fault(v, page, access);
		if (r)
			break;
	}
	rw_unlock_read(&mm->mm_lock);
	return r;
}

long mm_access(struct mm *mm, u64 addr, void *buf, size_t n, bool write)
{
	size_t done = 0;

	while (done < n) {
		u64 at = addr + done;
		size_t part = MIN(n - done, PAGE_SIZE - at % PAGE_SIZE);
		int r = at < mm->mm_user_end ? access_page(mm, at, (u8 *)buf + done, part, write)
					     : -EFAULT;

		if (r == -ENOMEM && oom_handle())
			continue;
		if (r)
			return done ? (long)done : -EFAULT;
		done += part;
	}
	return (long)done;
}

// Takes a reference on the frame of an entry that is ready. NULL: not ready, or a frame that nobody
// counts.
static struct page *page_ready(const struct vma *v, u64 addr, bool write, bool *fixed)
{
	struct mm *mm = v->v_mm;
	struct page *p = NULL;
	const pte_t *pte;

	spin_lock(&mm->mm_pt_lock);
	pte = pt_lookup(&mm->mm_pt, addr);
	if (pte && pte_present(*pte) && (!write || (*pte & PTE_W))) {
		p = phys_page(pte_phys(*pte));
		*fixed = (*pte & PTE_SOFT_NOREF) && p != zero_page;
		if (!*fixed)
			page_get(p);
	}
	spin_unlock(&mm->mm_pt_lock);
	return p;
}

int mm_get_page(struct mm *mm, u64 addr, bool write, struct page **out)
{
	u64 page = ALIGN_DOWN(addr, (u64)PAGE_SIZE);
	u32 access = write ? FAULT_WRITE : 0;
	struct vma *v;
	int r;

	rw_lock_read(&mm->mm_lock);
	while (!(r = access_region(mm, page, access, &v))) {
		bool fixed = false;

		*out = page_ready(v, page, write, &fixed);
		if (*out) {
			r = fixed ? -EFAULT : 0;
			break;
		}
		r = vma_fault(v, page, access);
		if (r)
			break;
	}
	rw_unlock_read(&mm->mm_lock);
	return r && r != -ENOMEM ? -EFAULT : r;
}

// --- unmapping a cache ---

// One batch from one region. pc_map_lock held. True: something was taken out, g must be flushed.
static bool unmap_some(struct vma *v, u64 first, u64 last, enum zap_mode mode, struct gather *g)
{
	u64 pages = vma_pages(v), from, to;

	if (last < v->v_pgoff || first >= v->v_pgoff + pages)
		return false;
	from = first > v->v_pgoff ? first - v->v_pgoff : 0;
	to = MIN(last - v->v_pgoff, pages - 1) + 1;
	gather_init(g, v->v_mm);
	gather_zap_some(g, v->v_start + from * PAGE_SIZE, v->v_start + to * PAGE_SIZE, mode);
	return g->g_start < g->g_end;
}

// Finds a region with something to unmap, takes a batch out and counts its address space for the
// flush.
static bool unmap_batch(struct pagecache *pc, u64 first, u64 last, enum zap_mode mode,
			struct gather *g)
{
	struct vma *v;
	bool found = false;

	spin_lock(&pc->pc_map_lock);
	list_for_each_entry (v, &pc->pc_mappings, v_cache_link) {
		// A copy that fork has not finished, or an address space that is being taken down
		// and drops its pages itself.
		if (!READ_ONCE(v->v_mm->mm_ref.r_n) || !unmap_some(v, first, last, mode, g))
			continue;
		found = ref_get_unless_zero(&v->v_mm->mm_ref);
		if (found)
			break;
		// It went down just now: nobody runs it, so there is nothing to flush.
		gather_drop(g);
	}
	spin_unlock(&pc->pc_map_lock);
	return found;
}

void mm_unmap_cache(struct pagecache *pc, u64 first, u64 last)
{
	enum zap_mode mode = last == ~0ull ? ZAP_ALL : ZAP_FILE_ONLY;
	struct gather g;

	if (list_empty(&pc->pc_mappings))
		return;
	// From the list's head again after each batch: the lock was open. It ends, because nothing
	// that is unmapped can come back: the cache does not have the pages any more.
	while (unmap_batch(pc, first, last, mode, &g)) {
		gather_flush(&g);
		gather_finish(&g);
		mm_put(g.g_mm);
	}
}

// SPDX-License-Identifier: MIT
// fork's copy of an address space. Regions are copied; of the pages only those that hold data of
// their own (private pages once written), which from then on are shared read-only until one side
// writes. Pages of files are found again by faults, which is cheaper than to count each of them
// here and at the child's exit.
#include "vm/vm.h"

#include "fs/vfs.h"
#include "kern/log.h"
#include "lib/string.h"

#include <asm-generic/errno.h>

// One table's worth of entries: [va, stop). Returns -ENOMEM when the child's table cannot be made.
// Both tables are locked or private: the child is not published and its reference count is 0, so
// that no truncate walks it.
static int copy_table(struct mm *child, pte_t *from, u64 va, u64 stop, bool *protected)
{
	pte_t *to = NULL;
	s64 copied = 0;

	for (; va < stop; va += PAGE_SIZE, from++) {
		pte_t e = *from;

		if (!(e & PTE_SOFT_ANON)) {
			if (to)
				to++;
			continue;
		}
		if (!to) {
			to = pt_make(&child->mm_pt, va);
			if (!to)
				return -ENOMEM;
		}
		if (e & PTE_W) {
			e &= ~PTE_W;
			*from = e;
			*protected = true;
		}
		page_get(phys_page(pte_phys(e)));
		*to++ = e;
		copied++;
	}
	child->mm_rss_anon += copied;
	return 0;
}

static int copy_pages(struct mm *parent, struct mm *child, const struct vma *v, bool *protected)
{
	u64 va = v->v_start;
	pte_t *pte;
	int r = 0;

	spin_lock(&parent->mm_pt_lock);
	while (!r && (pte = pt_next(&parent->mm_pt, &va, v->v_end))) {
		u64 stop = MIN(v->v_end, ALIGN_DOWN(va, PT_TABLE_SPAN) + PT_TABLE_SPAN);

		r = copy_table(child, pte, va, stop, protected);
		va = stop;
	}
	spin_unlock(&parent->mm_pt_lock);
	return r;
}

static struct vma *copy_region(const struct vma *v)
{
	struct vma *n = slab_alloc(&vma_cache);

	if (!n)
		return NULL;
	*n = *v;
	// Locks on memory are not inherited (mlock(2)).
	n->v_flags &= ~(u32)VMA_LOCKED;
	if (n->v_file)
		file_get(n->v_file);
	if (vma_object(n))
		ref_get(&vma_object(n)->o_ref);
	return n;
}

static int copy_regions(struct mm *parent, struct mm *child, bool *protected)
{
	struct vma *v, *last = NULL;

	rb_for_each_entry (v, &parent->mm_vmas, v_node) {
		struct vma *n;
		int r;

		if (v->v_flags & VMA_DONTFORK)
			continue;
		n = copy_region(v);
		if (!n)
			return -ENOMEM;
		// On the cache's list before any page is copied: a truncate then meets the page in
		// one of the two.
		vma_append(child, n, last);
		last = n;
		if (v->v_flags & VMA_WIPEONFORK) {
			n->v_anon = false;
			continue;
		}
		r = v->v_anon ? copy_pages(parent, child, v, protected) : 0;
		if (r)
			return r;
	}
	return 0;
}

struct mm *mm_fork(struct mm *parent)
{
	struct mm *child = mm_alloc();
	bool protected = false;
	int r;

	if (!child)
		return NULL;
	rw_lock_write(&parent->mm_lock);
	*child = *parent;
	if (mm_setup(child)) {
		rw_unlock_write(&parent->mm_lock);
		mm_free(child);
		return NULL;
	}
	child->mm_ref.r_n = 0;
	if (child->mm_exe)
		file_get(child->mm_exe);
	r = copy_regions(parent, child, &protected);
	child->mm_rss_peak = (u64)child->mm_rss_anon;
	// Before anybody can write: other threads of the parent may still know their pages as
	// writable.
	if (protected)
		tlb_flush_mm(parent);
	rw_unlock_write(&parent->mm_lock);
	if (r) {
		mm_destroy(child);
		return NULL;
	}
	ref_init(&child->mm_ref);
	return child;
}

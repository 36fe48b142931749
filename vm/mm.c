// SPDX-License-Identifier: MIT
// The life of an address space, and its limits. mm_ref counts the tasks that run it and who else
// holds it for a moment; at zero nobody can fault in it any more, so it is taken down without its
// lock.
#include "vm/vm.h"

#include "fs/vfs.h"
#include "kern/log.h"
#include "lib/string.h"

#include <asm-generic/errno.h>
#include <linux/capability.h>

static struct slab_cache mm_cache = SLAB_CACHE(mm_cache, "mm", struct mm);

// Fresh for every address space; PCIDs are handed out by it.
static u64 mm_next_context = 1;

// What no copy may inherit.
int mm_setup(struct mm *mm)
{
	ref_init(&mm->mm_ref);
	rw_init(&mm->mm_lock, "mm", RANK_MMAP);
	rb_root_init(&mm->mm_vmas);
	mm->mm_cached = NULL;
	mm->mm_vma_count = 0;
	spin_init(&mm->mm_pt_lock, "page tables", RANK_PT);
	mm->mm_cpus = 0;
	mm->mm_tlb_gen = 0;
	mm->mm_context_id = __atomic_fetch_add(&mm_next_context, 1, __ATOMIC_RELAXED);
	mm->mm_total_pages = mm->mm_locked_pages = mm->mm_data_pages = mm->mm_stack_pages = 0;
	mm->mm_def_flags = 0;
	mm->mm_prune_limit = 64;
	mm->mm_rss_anon = mm->mm_rss_file = mm->mm_rss_peak = 0;
	mm->mm_ldt = NULL;
	mm->mm_oom_killed = false;
	return pt_create(&mm->mm_pt);
}

struct mm *mm_alloc(void)
{
	return slab_alloc(&mm_cache);
}

void mm_free(struct mm *mm)
{
	slab_free(&mm_cache, mm);
}

struct mm *mm_create(u64 user_end)
{
	struct mm *mm = slab_zalloc(&mm_cache);

	if (!mm)
		return NULL;
	mm->mm_user_end = user_end;
	mm->mm_mmap_base = user_end;
	mm->mm_mmap_min = MMAP_MIN_ADDR;
	if (!mm_setup(mm))
		return mm;
	mm_free(mm);
	return NULL;
}

// Drops every page. No TLB is flushed: no CPU has the tables, and the PCID is never used again.
// Region by region, because most of a table is empty.
static void mm_drop_pages(struct mm *mm)
{
	struct vma *v;

	spin_lock(&mm->mm_pt_lock);
	rb_for_each_entry (v, &mm->mm_vmas, v_node) {
		u64 va = v->v_start;
		pte_t *pte;

		while ((pte = pt_next(&mm->mm_pt, &va, v->v_end))) {
			u64 stop = MIN(v->v_end, ALIGN_DOWN(va, PT_TABLE_SPAN) + PT_TABLE_SPAN);

			for (; va < stop; va += PAGE_SIZE, pte++) {
				pte_t e = *pte;

				if (!e)
					continue;
				*pte = 0;
				if (!(e & PTE_SOFT_NOREF))
					page_put(phys_page(pte_phys(e)));
			}
		}
	}
	spin_unlock(&mm->mm_pt_lock);
}

// A truncate elsewhere may still walk our regions (it cannot take a reference any more): tables
// outlive the regions.
void mm_destroy(struct mm *mm)
{
	tlb_forget(mm);
	mm_drop_pages(mm);
	vma_free_chain(vma_remove_all(mm));
	pt_destroy(&mm->mm_pt);
	if (mm->mm_exe)
		file_put(mm->mm_exe);
	mm_free(mm);
}

void mm_put(struct mm *mm)
{
	if (ref_put(&mm->mm_ref))
		mm_destroy(mm);
}

void vm_init(void)
{
	pagecache_setup();
}

// --- limits ---

int mm_may_expand(struct mm *mm, u32 vma_flags, u64 pages)
{
	if (mm->mm_total_pages + pages > rlimit_current(RLIMIT_AS) >> PAGE_SHIFT)
		return -ENOMEM;
	// Private writable memory that is no stack is data since Linux 4.7.
	if ((vma_flags & (VMA_WRITE | VMA_SHARED | VMA_STACK | VMA_GROWSDOWN)) == VMA_WRITE &&
	    mm->mm_data_pages + pages > rlimit_current(RLIMIT_DATA) >> PAGE_SHIFT)
		return -ENOMEM;
	return 0;
}

int mm_may_lock(struct mm *mm, u64 pages)
{
	if (mm->mm_locked_pages + pages > rlimit_current(RLIMIT_MEMLOCK) >> PAGE_SHIFT &&
	    !capable(CAP_IPC_LOCK))
		return -EAGAIN;
	return 0;
}

// Linux's default overcommit: only what could never fit is refused.
int mm_may_commit(u32 vma_flags, u64 pages)
{
	if ((vma_flags & (VMA_WRITE | VMA_SHARED | VMA_NORESERVE)) == VMA_WRITE &&
	    pages > page_total())
		return -ENOMEM;
	return 0;
}

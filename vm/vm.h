// SPDX-License-Identifier: MIT
// What the files of vm/ share among themselves: the tree of regions, the batch of an unmapping,
// limits.
#pragma once

#include "kern/task.h"
#include "vm/mm.h"
#include "vm/pagecache.h"
#include "vm/slab.h"

#define VMA_ACCESS	(VMA_READ | VMA_WRITE | VMA_EXEC)
#define VMA_MAX		65530		       // vm.max_map_count
#define STACK_GUARD_GAP (256 * (u64)PAGE_SIZE) // kept free below a region that grows down
#define MMAP_MIN_ADDR	65536		       // vm.mmap_min_addr

// PROT_* and the PT_* of a page-table entry are the low three bits of v_flags.
BUILD_ASSERT(VMA_READ == PT_READ && VMA_WRITE == PT_WRITE && VMA_EXEC == PT_EXEC);

// --- shared anonymous memory (vm/shm.c): a page cache without an inode ---
struct shm_object {
	struct pagecache o_cache;
	struct ref o_ref; // regions
	u64 o_pages;	  // its size never changes: beyond is SIGBUS
};
struct shm_object *shm_create(u64 pages); // one reference; NULL
void shm_put(struct shm_object *o);
// Of a region whose v_cache has no inode.
static inline struct shm_object *vma_object(const struct vma *v)
{
	return v->v_cache && !v->v_cache->pc_inode
		       ? container_of(v->v_cache, struct shm_object, o_cache)
		       : NULL;
}
// Pages of the object behind v_cache: beyond is SIGBUS.
u64 vma_cache_pages(const struct vma *v);

// --- regions (vm/vma.c); mm_lock held for writing unless said ---
extern struct slab_cache vma_cache;

static inline u64 vma_pages(const struct vma *v)
{
	return (v->v_end - v->v_start) >> PAGE_SHIFT;
}
static inline struct vma *vma_next(const struct vma *v)
{
	return rb_entry_or_null(rb_next(&v->v_node), struct vma, v_node);
}
static inline struct vma *vma_prev(const struct vma *v)
{
	return rb_entry_or_null(rb_prev(&v->v_node), struct vma, v_node);
}
static inline struct vma *vma_first(const struct mm *mm)
{
	return rb_entry_or_null(rb_first(&mm->mm_vmas), struct vma, v_node);
}
// First region with v_end > addr, and the one before it. Reading suffices.
struct vma *vma_find(struct mm *mm, u64 addr, struct vma **prev);
// Links a filled-in region between its neighbours: tree, gaps, list of its cache, count,
// accounting. Never fails.
void vma_insert(struct mm *mm, struct vma *v);
// The reverse. The region's references stay with it: vma_free, without locks.
void vma_remove(struct mm *mm, struct vma *v);
void vma_free(struct vma *v);
// Moves the bounds of a linked region, v_pgoff with the start. It may not come to overlap another
// one.
void vma_resize(struct vma *v, u64 start, u64 end);
// Makes the region end at addr and a new one begin there: 0 or -ENOMEM (also: too many regions).
int vma_split(struct mm *mm, struct vma *v, u64 addr);
// Splits so that [start, end) of v is a region of its own: 0, -ENOMEM. *out is that region.
int vma_isolate(struct mm *mm, struct vma *v, u64 start, u64 end, struct vma **out);
// Joins v with neighbours that continue it. Swallowed regions are chained to *dead (through
// v_cache_link.next) for vma_free. Returns the region that now covers v.
struct vma *vma_merge(struct mm *mm, struct vma *v, struct vma **dead);
// Covers the free range of `like` (not linked) by growing a neighbour that it continues. False:
// none.
bool vma_extend(struct mm *mm, const struct vma *like, struct vma **dead);
// Links a region behind all others: building a copy in order.
void vma_append(struct mm *mm, struct vma *v, struct vma *last);
// Takes all regions off everything but the tree, which is dead then: the address space ends.
struct vma *vma_remove_all(struct mm *mm);
void vma_free_chain(struct vma *dead);
// Changes flags with the accounting that goes with them.
void vma_set_flags(struct vma *v, u32 flags);
// Can anonymous private memory with these flags extend v?
static inline bool vma_is_anon(const struct vma *v)
{
	return !v->v_cache && !(v->v_flags & VMA_SPECIAL);
}
u64 vma_guard(const struct vma *v); // bytes that must stay free below it

// --- address spaces (vm/mm.c) ---
struct mm *mm_alloc(void);   // uninitialised
int mm_setup(struct mm *mm); // everything that is not a plain value: 0, -ENOMEM
void mm_free(struct mm *mm);
void mm_destroy(struct mm *mm); // the last reference is gone, or there was none

// --- limits (vm/mm.c): 0 or the errno that Linux gives ---
int mm_may_expand(struct mm *mm, u32 vma_flags, u64 pages); // RLIMIT_AS, RLIMIT_DATA: -ENOMEM
int mm_may_lock(struct mm *mm, u64 pages);		    // RLIMIT_MEMLOCK: -EAGAIN
int mm_may_commit(u32 vma_flags, u64 pages);		    // more than the machine has: -ENOMEM

// --- unmapping in batches (vm/gather.c) ---
#define GATHER_FEW 24
struct gather {
	struct mm *g_mm;
	u64 g_start, g_end; // to flush; empty when start >= end
	u32 g_count, g_room;
	struct page **g_pages; // to be put after the flush
	struct page *g_buffer; // page that g_pages lies in, or NULL
	struct list g_tables;  // table pages to be freed after the flush
	struct vma *g_dead;    // regions to be freed without locks, a chain
	struct page *g_few[GATHER_FEW];
};
enum zap_mode {
	ZAP_ALL,
	ZAP_FILE_ONLY, // leaves private copies
};
void gather_init(struct gather *g, struct mm *mm);
// Takes the pages of [start, end) out of the tables. Takes mm_pt_lock, may flush on the way.
void gather_zap(struct gather *g, u64 start, u64 end, enum zap_mode mode);
// The same for one batch: false when it was full before the end. Never flushes, may be called under
// a spinlock.
bool gather_zap_some(struct gather *g, u64 start, u64 end, enum zap_mode mode);
// Notes that entries of the range have been changed.
void gather_touch(struct gather *g, u64 start, u64 end);
// Frees table pages of [start, end), which must hold no entry.
void gather_prune(struct gather *g, u64 start, u64 end);
// Flushes TLBs, then drops the pages. mm_lock still held, no spinlock.
void gather_flush(struct gather *g);
// gives the pages up without a flush: nobody runs the address space
void gather_drop(struct gather *g);
// The end, after mm_lock was released: frees the dead regions. gather_flush must have been called.
void gather_finish(struct gather *g);

// Unmaps whole regions and parts of them: 0 or -ENOMEM with nothing changed. The caller flushes and
// finishes g.
int mm_unmap_locked(struct mm *mm, u64 start, u64 end, struct gather *g);
// Where a mapping of len bytes goes when the hint (or 0) does not hold: address or -ENOMEM.
long mm_place(struct mm *mm, u64 hint, u64 len, bool limit_32bit, u32 map_flags);
// Is [addr, addr + len) free of regions and their guard gaps?
bool mm_range_free(struct mm *mm, u64 addr, u64 len);
// Faults in what [start, end) maps; mm_lock not held. 0, -ENOMEM (a hole, no memory), -EFAULT,
// -SIGBUS, -EINTR.
#define POPULATE_LOCK ~0u // FAULT_WRITE where that breaks a private page out, else reading
int mm_populate(struct mm *mm, u64 start, u64 end, u32 access);
void mm_populate_all(struct mm *mm); // mlockall; failures do not count
// Grows the stack region down to addr: 0, -SIGSEGV/-ENOMEM… mm_lock not held.
int mm_grow_stack(struct mm *mm, u64 addr);

// --- faults (vm/fault.c); mm_lock held for reading ---
#define FAULT_FORCE 0x100 // ptrace: the region's protection does not count, only what it may be
// Makes the page of addr present in v for this access. 0: look at the entry again; -EAGAIN: memory
// ran out; -SIGBUS.
int vma_fault(struct vma *v, u64 addr, u32 access);
// What Linux's fault handler asks of a region: may it be accessed so?
static inline bool vma_allows(const struct vma *v, u32 access)
{
	if (access & FAULT_FORCE)
		return access & FAULT_WRITE
			       ? (v->v_flags & VMA_WRITE) ||
					 ((v->v_flags & VMA_MAYWRITE) && !(v->v_flags & VMA_SHARED))
			       : v->v_flags & (VMA_ACCESS | VMA_MAYREAD);
	if (access & FAULT_WRITE)
		return v->v_flags & VMA_WRITE;
	if (access & FAULT_EXEC)
		return v->v_flags & VMA_EXEC;
	return v->v_flags & VMA_ACCESS;
}
void mm_rss_add(struct mm *mm, s64 anon, s64 file); // mm_pt_lock held

// --- out of memory (vm/oom.c) ---
// current was told to end: it gets what it needs to do so, and nothing waits for it.
static inline bool task_dying(void)
{
	return READ_ONCE(current->t_proc->p_exiting);
}
// Kills the biggest process. Returns true when the caller should try again (perhaps after a sleep),
// false when it is the one to die.
bool oom_handle(void);

void pagecache_setup(void);

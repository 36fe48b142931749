// SPDX-License-Identifier: MIT
// Address spaces: ordered regions (VMAs), page tables, and what mmap and friends do to them.
// Locks: [M] mm_lock (write to change, read to look), [P] mm_pt_lock, [A] atomic.
#pragma once

#include "kern/lock.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "lib/types.h"
#include "machine/pt.h"

struct exec_image;
struct file;
struct page;
struct pagecache;
struct regs;
struct vma;

#define VMA_READ       0x1
#define VMA_WRITE      0x2
#define VMA_EXEC       0x4
#define VMA_SHARED     0x8
#define VMA_MAYREAD    0x10 // mprotect may grant (shared file opened read-only has no MAYWRITE)
#define VMA_MAYWRITE   0x20
#define VMA_MAYEXEC    0x40
#define VMA_GROWSDOWN  0x100
#define VMA_LOCKED     0x200
#define VMA_DONTFORK   0x400
#define VMA_WIPEONFORK 0x800
#define VMA_NORESERVE  0x1000
#define VMA_SPECIAL    0x2000 // vDSO, vvar: pages fixed by v_pages, not counted
#define VMA_DONTDUMP   0x4000
#define VMA_STACK      0x8000
#define VMA_HEAP       0x10000

struct vma {
	struct rb_node v_node;
	u64 v_start, v_end; // page aligned; [start, end)
	u64 v_gap;	    // augment: largest free gap in the subtree
	u64 v_gap_own; // bytes free below v_start (less the stack guard) down to the region before
	u32 v_flags;
	bool v_anon; // [P] may hold private pages of its own, which fork must copy; only ever set
	struct mm *v_mm;
	struct file *v_file;	   // counted; NULL for anonymous private memory
	struct pagecache *v_cache; // of v_file, or of a shared anonymous object
	u64 v_pgoff;		   // page index in v_cache (or v_special_frames) of v_start
	union {
		struct list v_cache_link; // pc_mappings, under pc_map_lock, as v_start, v_end and
					  // v_pgoff then are
		struct vma *v_dead_next;  // taken out, waits to be freed
	};
	const u64 *v_special_frames; // VMA_SPECIAL: physical address per page
	const char *v_name;	     // "[stack]", "[heap]", "[vdso]", "[vvar]", or NULL
};

struct mm {
	struct ref mm_ref; // users: tasks
	struct rwlock mm_lock;
	struct rb_root mm_vmas; // [M]
	struct vma *mm_cached;	// [M] last hit; a hint, checked
	u32 mm_vma_count;	// [M] at most 65,530
	struct spinlock mm_pt_lock;
	struct pt mm_pt;	       // [P]
	u64 mm_cpus;		       // [A] mask of CPUs that run it
	u64 mm_tlb_gen;		       // [A]
	u64 mm_context_id;	       // unique, for PCID
	u64 mm_user_end;	       // end of the user half for this image
	u64 mm_mmap_base, mm_mmap_min; // top of the mmap area, growing down
	bool mm_mmap_32bit_only;
	u64 mm_brk_start, mm_brk; // [M]
	u64 mm_start_code, mm_end_code, mm_start_data, mm_end_data, mm_start_stack;
	u64 mm_arg_start, mm_arg_end, mm_env_start, mm_env_end;
	u64 mm_vdso;							    // base, 0: unmapped
	u64 mm_total_pages, mm_locked_pages, mm_data_pages, mm_stack_pages; // [M]
	u32 mm_def_flags;	      // [M] VMA_LOCKED for every new region (mlockall(MCL_FUTURE))
	u64 mm_prune_limit;	      // [M] more table pages than this: look for empty ones
	s64 mm_rss_anon, mm_rss_file; // [P]; readers may look without
	u64 mm_rss_peak;	      // [P]
	u64 mm_auxv[48];	      // as on the stack, for /proc/self/auxv; in image's word size
	u32 mm_auxv_bytes;
	struct file *mm_exe; // counted
	void *mm_ldt;	     // arch: modify_ldt
	bool mm_oom_killed;
	bool mm_read_implies_exec; // old i386 images: PROT_READ grants PROT_EXEC too
};

struct mm *mm_create(u64 user_end); // empty, reference 1; NULL
struct mm *mm_fork(struct mm *parent);
static inline void mm_get(struct mm *mm)
{
	ref_get(&mm->mm_ref);
}
void mm_put(struct mm *mm);

// What mmap does after decoding. addr is a hint unless fixed. Result address, or negative errno.
struct map_request {
	struct mm *mm;
	u64 addr, len, pgoff; // len in bytes, > 0
	u32 prot;	      // PROT_*
	u32 flags;	      // MAP_*
	struct file *file;    // counted reference is taken by the mapping; NULL: anonymous
	const char *name;
	u32 vma_flags;	  // extra VMA_*
	bool limit_32bit; // stay below 4 GiB (i386 and x32 calls, MAP_32BIT is 2 GiB)
};
long mm_map(const struct map_request *rq); // takes mm_lock itself
int mm_unmap(struct mm *mm, u64 addr, u64 len);
int mm_protect(struct mm *mm, u64 addr, u64 len, u32 prot);
long mm_remap(struct mm *mm, u64 old, u64 old_len, u64 new_len, u32 flags, u64 new_addr,
	      bool limit_32bit);
u64 mm_brk(struct mm *mm, u64 brk); // the new (or unchanged) break
int mm_advise(struct mm *mm, u64 addr, u64 len, int advice);
// populate: not MLOCK_ONFAULT
int mm_lock_range(struct mm *mm, u64 addr, u64 len, bool lock, bool populate);
int mm_lock_all(struct mm *mm, u32 flags);		    // MCL_*; 0: munlockall
int mm_incore(struct mm *mm, u64 addr, u32 pages, u8 *vec); // a byte per page, or -ENOMEM
int mm_sync(struct mm *mm, u64 addr, u64 len, u32 flags);   // MS_*
int mm_map_special(struct mm *mm, u64 addr, const u64 *frames, u32 n, u32 vma_flags,
		   const char *name);
// page aligned; 0: none. mm_lock held
u64 mm_find_gap(struct mm *mm, u64 len, u64 low, u64 high, bool top_down);
struct vma *mm_find_vma(struct mm *mm, u64 addr); // first VMA with v_end > addr; mm_lock held

// A page fault of user mode, or of a uaccess routine. 0: retry the access. Otherwise
// -SIGSEGV/-SIGBUS with *code (SEGV_MAPERR …), or -ENOMEM after the task was marked for the OOM
// killer. May sleep; interrupts enabled.
#define FAULT_WRITE 0x1
#define FAULT_EXEC  0x2
#define FAULT_USER  0x4 // in user mode (stack growth rules are the same)
int mm_fault(struct mm *mm, u64 addr, u32 access, int *si_code);
// Kernel access to another (or own) address space: ptrace, /proc/PID/mem, exec's stack. Bytes
// copied or -EFAULT.
long mm_access(struct mm *mm, u64 addr, void *buf, size_t n, bool write);
// Faults the range in and pins it: for futex on shared memory. Gives counted page.
int mm_get_page(struct mm *mm, u64 addr, bool write, struct page **out);
// Unmaps [first,last] of a page cache from every address space (truncate).
void mm_unmap_cache(struct pagecache *pc, u64 first, u64 last);

void vm_init(void); // after page_init and slab_init, once

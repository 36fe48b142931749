// SPDX-License-Identifier: MIT
// Physical pages: buddy allocator with a small per-CPU cache of single pages. A zeroed struct page
// is one that the allocator never owned (reserved), so that boot need not touch the array.
#pragma once

#include "kern/lock.h"
#include "lib/list.h"
#include "lib/types.h"
#include "machine/layout.h"
#include "machine/pt.h"

struct boot_info;
struct pagecache;

enum page_kind {
	PAGE_RESERVED, // never the allocator's: kernel image, firmware, the initrd until adopted;
		       // also untouched free memory
	PAGE_FREE,   // first page of a block on a free list
	PAGE_IDLE,   // the allocator's, but not such a first page: inside a block, on a CPU's stack
	PAGE_KERNEL, // slab, stacks, tables
	PAGE_ANON,   // private anonymous memory; pg_ref counts mappings and users
	PAGE_CACHE,  // in a page cache; the cache holds one reference
	PAGE_KINDS
};

struct page {
	struct ref pg_ref;
	u8 pg_kind;
	u8 pg_order;  // of a free or allocated block's first page
	u16 pg_flags; // PG_*; of a slab page the number of its cache
	union {
		struct list pg_list; // free list, slab's partial list, batches of table pages
		struct {
			struct pagecache *pg_cache; // NULL once truncated
			u64 pg_index;
		};
	};
	u32 pg_free;  // slab: byte offset of the first free object
	u32 pg_inuse; // slab: objects in use
};

BUILD_ASSERT(sizeof(struct page) == 32);

#define PG_DIRTY    BIT(0)
#define PG_UPTODATE BIT(1) // contents valid
#define PG_LOCKED   BIT(2) // being filled: wait for it through pagecache_get

// Allocation flags.
#define PAGE_ZERO BIT(0) // filled with zeros
#define PAGE_NOWAIT \
	BIT(1) // never reclaim or kill for it (the allocator itself never does; mm_fault may)
#define PAGE_URGENT    BIT(2) // may use the reserve even for user memory: the caller is being killed
#define PAGE_MODEST    BIT(3) // kernel memory that programs make grow: leaves the reserve alone too
#define PAGE_AS(kind)  ((u32)(kind) << 8) // what the page becomes; PAGE_KERNEL without it
#define PAGE_MAX_ORDER 14		  // 64 MiB blocks: few struct pages are touched at boot

// Takes over what boot_info says is free. Runs once, on the boot CPU.
void page_init(const struct boot_info *bi);
// One page with one reference. NULL: no memory. Never sleeps, may be called from interrupts. Pages
// for user memory (PAGE_AS(PAGE_ANON) or PAGE_CACHE) leave a reserve to the kernel, so that a
// killed task can still exit.
struct page *page_alloc(u32 flags);
struct page *page_alloc_order(u32 order, u32 flags); // 2^order contiguous, naturally aligned pages
void page_free_order(struct page *p, u32 order);     // the count is ignored
static inline void page_get(struct page *p)
{
	ref_get(&p->pg_ref);
}
void page_free_last(struct page *p); // the count has reached 0
// Drops a reference; frees at zero.
static inline void page_put(struct page *p)
{
	if (ref_put(&p->pg_ref))
		page_free_last(p);
}
// A page changes its kind (statistics follow).
void page_set_kind(struct page *p, enum page_kind kind);
// Gives what is still reserved in a range (the initrd after unpacking, init memory) to the
// allocator; pages in it that were adopted are left alone. Partial pages at the ends are not
// touched.
void page_release_range(u64 phys_start, u64 phys_end);
// A reserved page (initrd) becomes an ordinary counted page with one reference, in place. NULL: not
// a reserved page.
struct page *page_adopt(u64 phys);

extern struct page *page_array; // by page frame number
extern u64 page_count_max;	// entries of the array
static inline u64 page_phys(const struct page *p)
{
	return (u64)(p - page_array) << PAGE_SHIFT;
}
static inline struct page *phys_page(u64 phys)
{
	return page_array + (phys >> PAGE_SHIFT);
}
static inline void *page_address(const struct page *p)
{
	return phys_to_virt(page_phys(p));
}
extern struct page *zero_page; // one frame of zeros, mapped read-only, never counted

struct page_stats {
	u64 total, free, cache, anon, kernel, slab; // pages; slab is part of kernel
};
void page_stats(struct page_stats *s);
u64 page_total(void); // pages the allocator owns

// Kernel stacks: KSTACK_SIZE with guard pages, recycled. 0: no memory. kstack_free may be called
// with interrupts off; it then only keeps the stack for the next kstack_alloc.
u64 kstack_alloc(void);
void kstack_free(u64 stack);

// SPDX-License-Identifier: MIT
// The page cache: the pages of one inode (or shared anonymous object) by index. read, write, mmap
// and exec share it.
#pragma once

#include "kern/lock.h"
#include "lib/types.h"
#include "vm/page.h"

struct inode;
struct pagecache;

struct pagecache_ops {
	// Fills a fresh, locked page; NULL means zero fill (tmpfs). May sleep. 0 or negative errno.
	int (*fill)(struct pagecache *pc, struct page *p, u64 index);
	// Asked before a page is added (pages = 1), told after pages were dropped (pages < 0). May
	// refuse for a size limit (tmpfs): 0, -ENOSPC. Called without locks of the cache; must not
	// sleep. May be NULL.
	int (*charge)(struct pagecache *pc, s64 pages);
};

struct pagecache {
	struct spinlock pc_lock; // RANK_PAGES: the tree, and pg_cache/pg_index of its pages
	void *pc_root;		 // radix tree of 64-way nodes, or a single page when pc_height is 0
	u32 pc_height;		 // levels of nodes
	u64 pc_pages;
	const struct pagecache_ops *pc_ops; // NULL: zero fill, no limit
	struct inode *pc_inode;		    // NULL: a shared anonymous object (vm/shm.h)
	struct list pc_mappings;	    // VMAs that map it, for truncate
	struct spinlock
		pc_map_lock; // RANK_MAPPING: that list, and bounds and offsets of the VMAs on it
};

void pagecache_init(struct pagecache *pc, const struct pagecache_ops *ops, struct inode *inode);
// The page at index, counted, filled; made when missing if `create`. 0, -ENOMEM, -ENOENT (absent
// and !create), or ops' errno. May sleep.
int pagecache_get(struct pagecache *pc, u64 index, bool create, struct page **out);
// Only if present and filled: counted page or NULL. Never sleeps. For fault-around and holes.
struct page *pagecache_find(struct pagecache *pc, u64 index);
// The same for n ≤ 16 neighbours: out[i] counted or NULL. Returns how many are there.
u32 pagecache_find_many(struct pagecache *pc, u64 index, u32 n, struct page **out);
// Adds a page (e.g. adopted from the initrd) at an empty index; takes over the reference on
// success. It is charged too. 0, -ENOMEM, -EEXIST, or the charge's errno.
int pagecache_add(struct pagecache *pc, u64 index, struct page *p);
// Drops pages [first, last], unmapping them everywhere; zeroing the tail of a partial page is the
// caller's business. Up to the end (last == ~0) private copies go too, as truncate does; a hole
// punched in the middle leaves them. May sleep.
void pagecache_truncate(struct pagecache *pc, u64 first, u64 last);
void pagecache_destroy(struct pagecache *pc);
// Next present index >= index, or ~0.
u64 pagecache_next(struct pagecache *pc, u64 index);
// Next absent index >= index.
u64 pagecache_next_hole(struct pagecache *pc, u64 index);

// SPDX-License-Identifier: MIT
// The page cache: a radix tree of pages per inode. A page that the tree holds has pg_cache and
// pg_index set and one reference for it; pg_cache is NULL from the moment the page is taken out,
// which is how a filler and a fault notice a truncate that overtook them. Order against page
// tables: truncate takes pages out first and unmaps them second, and a fault looks the page up
// while it holds mm_pt_lock, so no mapping of a dropped page can stay behind.
#include "vm/pagecache.h"

#include "kern/log.h"
#include "kern/wait.h"
#include "lib/string.h"
#include "vm/mm.h"
#include "vm/slab.h"
#include "vm/vm.h"

#include <asm-generic/errno.h>

#define NODE_BITS  6
#define NODE_SLOTS 64
#define HEIGHT_MAX 11 // 64^11 > 2^64

struct pc_node {
	u64 present; // bit per slot that is not NULL
	void *slot[NODE_SLOTS];
};

static struct slab_cache node_cache = SLAB_CACHE(node_cache, "pagecache node", struct pc_node);

// Sleepers that wait for a page to be filled, hashed by page.
#define FILL_QUEUES 16
static struct waitqueue fill_queues[FILL_QUEUES];

static struct waitqueue *fill_queue(const struct page *p)
{
	return &fill_queues[(p - page_array) % FILL_QUEUES];
}

void pagecache_setup(void)
{
	for (u32 i = 0; i < FILL_QUEUES; i++)
		wait_init(&fill_queues[i]);
}

void pagecache_init(struct pagecache *pc, const struct pagecache_ops *ops, struct inode *inode)
{
	spin_init(&pc->pc_lock, "pagecache", RANK_PAGES);
	spin_init(&pc->pc_map_lock, "mappings", RANK_MAPPING);
	pc->pc_root = NULL;
	pc->pc_height = 0;
	pc->pc_pages = 0;
	pc->pc_ops = ops;
	pc->pc_inode = inode;
	list_init(&pc->pc_mappings);
}

// --- the tree; pc_lock held ---

static u32 node_shift(u32 level)
{
	return (level - 1) * NODE_BITS;
}

static u32 node_slot(u64 index, u32 level)
{
	return (u32)(index >> node_shift(level)) % NODE_SLOTS;
}

// Does a tree of this height reach index?
static bool tree_covers(u32 height, u64 index)
{
	return height >= HEIGHT_MAX || !(index >> (height * NODE_BITS));
}

// The node of level 1 that index belongs to, or NULL. The tree has at least one level.
static struct pc_node *tree_leaf(const struct pagecache *pc, u64 index)
{
	struct pc_node *n = pc->pc_root;

	if (!tree_covers(pc->pc_height, index))
		return NULL;
	for (u32 level = pc->pc_height; n && level > 1; level--)
		n = n->slot[node_slot(index, level)];
	return n;
}

static struct page *tree_lookup(const struct pagecache *pc, u64 index)
{
	struct pc_node *n;

	if (!pc->pc_height)
		return index ? NULL : pc->pc_root;
	n = tree_leaf(pc, index);
	return n ? n->slot[index % NODE_SLOTS] : NULL;
}

// Adds levels until index fits. An empty tree just becomes tall.
static int tree_grow(struct pagecache *pc, u64 index)
{
	while (!tree_covers(pc->pc_height, index)) {
		if (pc->pc_root) {
			struct pc_node *n = slab_zalloc(&node_cache);

			if (!n)
				return -ENOMEM;
			n->slot[0] = pc->pc_root;
			n->present = 1;
			pc->pc_root = n;
		}
		pc->pc_height++;
	}
	return 0;
}

// Frees the nodes on the way to index that hold nothing.
static void tree_prune(struct pagecache *pc, u64 index)
{
	struct pc_node *path[HEIGHT_MAX + 1], *n = pc->pc_root;
	u32 level = pc->pc_height, top = level;

	for (; level > 0 && n; level--) {
		path[level] = n;
		n = level > 1 ? n->slot[node_slot(index, level)] : NULL;
	}
	// cppcheck-suppress uninitvar // the walk starts where the descent ended
	while (++level <= top && !path[level]->present) {
		slab_free(&node_cache, path[level]);
		if (level < top) {
			path[level + 1]->slot[node_slot(index, level + 1)] = NULL;
			path[level + 1]->present &= ~BIT(node_slot(index, level + 1));
		} else {
			pc->pc_root = NULL;
			pc->pc_height = 0;
		}
	}
}

// The slot for index, with the nodes above it. NULL: no memory.
static void **tree_make_slot(struct pagecache *pc, u64 index, struct pc_node **leaf)
{
	void **link = &pc->pc_root;

	*leaf = NULL;
	for (u32 level = pc->pc_height; level > 0; level--) {
		struct pc_node *n = *link;

		if (!n) {
			n = slab_zalloc(&node_cache);
			if (!n)
				return NULL;
			*link = n;
			if (*leaf)
				(*leaf)->present |= BIT(node_slot(index, level + 1));
		}
		*leaf = n;
		link = &n->slot[node_slot(index, level)];
	}
	return link;
}

static int tree_insert(struct pagecache *pc, u64 index, struct page *p)
{
	struct pc_node *leaf;
	void **link;
	int r = tree_grow(pc, index);

	if (r)
		return r;
	link = tree_make_slot(pc, index, &leaf);
	if (!link) {
		tree_prune(pc, index);
		return -ENOMEM;
	}
	if (*link)
		return -EEXIST;
	*link = p;
	if (leaf)
		leaf->present |= BIT(index % NODE_SLOTS);
	p->pg_cache = pc;
	p->pg_index = index;
	pc->pc_pages++;
	return 0;
}

// Takes the page at index out, and every node that this empties.
static struct page *tree_remove(struct pagecache *pc, u64 index)
{
	struct page *p = tree_lookup(pc, index);
	struct pc_node *leaf;

	if (!p)
		return NULL;
	if (pc->pc_height) {
		leaf = tree_leaf(pc, index);
		leaf->slot[index % NODE_SLOTS] = NULL;
		leaf->present &= ~BIT(index % NODE_SLOTS);
		tree_prune(pc, index);
	} else {
		pc->pc_root = NULL;
	}
	p->pg_cache = NULL;
	pc->pc_pages--;
	return p;
}

// First index >= `index` with a page, or ~0. A node without a later slot sends us to its right
// neighbour, from the top.
static u64 tree_next(const struct pagecache *pc, u64 index)
{
	if (!pc->pc_height)
		return pc->pc_root && !index ? 0 : ~0ull;
	while (tree_covers(pc->pc_height, index)) {
		struct pc_node *n = pc->pc_root;
		u32 level = pc->pc_height;

		while (n) {
			u32 slot = node_slot(index, level);
			u64 later = n->present >> slot << slot;
			u32 found;

			if (!later)
				break;
			found = (u32)__builtin_ctzll(later);
			if (found != slot)
				index = ((index >> node_shift(level)) + (found - slot))
					<< node_shift(level);
			if (level == 1)
				return index;
			n = n->slot[found];
			level--;
		}
		if (!n || level == HEIGHT_MAX)
			return ~0ull;
		index = ((index >> (node_shift(level) + NODE_BITS)) + 1)
			<< (node_shift(level) + NODE_BITS);
		if (!index)
			return ~0ull;
	}
	return ~0ull;
}

// --- lookups ---

struct page *pagecache_find(struct pagecache *pc, u64 index)
{
	struct page *p;

	spin_lock(&pc->pc_lock);
	p = tree_lookup(pc, index);
	if (p && !(p->pg_flags & PG_UPTODATE))
		p = NULL;
	if (p)
		page_get(p);
	spin_unlock(&pc->pc_lock);
	return p;
}

u32 pagecache_find_many(struct pagecache *pc, u64 index, u32 n, struct page **out)
{
	struct pc_node *leaf = NULL;
	u32 found = 0;

	spin_lock(&pc->pc_lock);
	for (u32 i = 0; i < n; i++, index++) {
		struct page *p;

		if (!pc->pc_height) {
			p = index ? NULL : pc->pc_root;
		} else {
			if (!i || !(index % NODE_SLOTS))
				leaf = tree_leaf(pc, index);
			p = leaf ? leaf->slot[index % NODE_SLOTS] : NULL;
		}
		if (p && (p->pg_flags & PG_UPTODATE)) {
			page_get(p);
			found++;
		} else {
			p = NULL;
		}
		out[i] = p;
	}
	spin_unlock(&pc->pc_lock);
	return found;
}

u64 pagecache_next(struct pagecache *pc, u64 index)
{
	spin_lock(&pc->pc_lock);
	index = tree_next(pc, index);
	spin_unlock(&pc->pc_lock);
	return index;
}

u64 pagecache_next_hole(struct pagecache *pc, u64 index)
{
	spin_lock(&pc->pc_lock);
	if (!pc->pc_height) {
		if (!index && pc->pc_root)
			index = 1;
	} else {
		struct pc_node *n;

		while ((n = tree_leaf(pc, index))) {
			u64 absent = ~n->present >> index % NODE_SLOTS;

			if (absent) {
				index += (u32)__builtin_ctzll(absent);
				break;
			}
			index = (index | (NODE_SLOTS - 1)) + 1;
		}
	}
	spin_unlock(&pc->pc_lock);
	return index;
}

// --- adding ---

static int pagecache_charge(struct pagecache *pc, s64 pages)
{
	if (!pc->pc_ops || !pc->pc_ops->charge)
		return 0;
	return pc->pc_ops->charge(pc, pages);
}

static int pagecache_insert(struct pagecache *pc, u64 index, struct page *p)
{
	int r = pagecache_charge(pc, 1);

	if (r)
		return r;
	spin_lock(&pc->pc_lock);
	r = tree_insert(pc, index, p);
	spin_unlock(&pc->pc_lock);
	if (r)
		pagecache_charge(pc, -1);
	return r;
}

int pagecache_add(struct pagecache *pc, u64 index, struct page *p)
{
	int r;

	p->pg_flags = PG_UPTODATE;
	r = pagecache_insert(pc, index, p);
	if (!r)
		page_set_kind(p, PAGE_CACHE);
	return r;
}

// The page is in the tree, locked, and this task fills it. A page that was truncated meanwhile is
// given up.
static int pagecache_fill(struct pagecache *pc, u64 index, struct page *p)
{
	int r = pc->pc_ops->fill(pc, p, index);
	bool dropped = false;

	spin_lock(&pc->pc_lock);
	if (p->pg_cache != pc)
		r = r ? r : -EAGAIN;
	else if (r)
		dropped = tree_remove(pc, index);
	p->pg_flags = r ? 0 : PG_UPTODATE;
	spin_unlock(&pc->pc_lock);
	wait_wake_all(fill_queue(p));
	if (dropped) {
		pagecache_charge(pc, -1);
		page_put(p);
	}
	return r;
}

// Adds a page of its own at an index that was empty a moment ago. -EEXIST, -EAGAIN: look again.
static int pagecache_make(struct pagecache *pc, u64 index, struct page **out)
{
	bool fill = pc->pc_ops && pc->pc_ops->fill;
	struct page *p = page_alloc(PAGE_AS(PAGE_CACHE) | (fill ? 0 : PAGE_ZERO));
	int r;

	if (!p)
		return -ENOMEM;
	p->pg_flags = fill ? PG_LOCKED : PG_UPTODATE;
	page_get(p); // the caller's; the first one becomes the tree's
	r = pagecache_insert(pc, index, p);
	if (r)
		page_put(p);
	else if (fill)
		r = pagecache_fill(pc, index, p);
	if (r) {
		page_put(p);
		return r;
	}
	*out = p;
	return 0;
}

int pagecache_get(struct pagecache *pc, u64 index, bool create, struct page **out)
{
	for (;;) {
		struct page *p;
		int r;

		spin_lock(&pc->pc_lock);
		p = tree_lookup(pc, index);
		if (p)
			page_get(p);
		if (p && (p->pg_flags & PG_UPTODATE)) {
			spin_unlock(&pc->pc_lock);
			*out = p;
			return 0;
		}
		spin_unlock(&pc->pc_lock);
		if (p) {
			// Another task fills it. When it failed, the tree is empty there and this
			// task tries itself.
			wait_event_uninterruptible(fill_queue(p),
						   !(READ_ONCE(p->pg_flags) & PG_LOCKED));
			page_put(p);
			continue;
		}
		if (!create)
			return -ENOENT;
		r = pagecache_make(pc, index, out);
		if (r != -EEXIST && r != -EAGAIN)
			return r;
	}
}

// --- removing ---

#define DROP_BATCH 32

// Takes out up to a batch of pages from *index on, to `last`. Returns how many.
static u32 pagecache_drop(struct pagecache *pc, u64 *index, u64 last, struct page **out)
{
	u32 n = 0;

	spin_lock(&pc->pc_lock);
	while (n < DROP_BATCH) {
		u64 i = tree_next(pc, *index);

		if (i == ~0ull || i > last)
			break;
		out[n++] = tree_remove(pc, i);
		*index = i + 1;
	}
	spin_unlock(&pc->pc_lock);
	return n;
}

static void pagecache_drop_all(struct pagecache *pc, u64 first, u64 last)
{
	struct page *batch[DROP_BATCH];
	u32 n;

	while ((n = pagecache_drop(pc, &first, last, batch))) {
		pagecache_charge(pc, -(s64)n);
		for (u32 i = 0; i < n; i++)
			page_put(batch[i]);
	}
}

void pagecache_truncate(struct pagecache *pc, u64 first, u64 last)
{
	// Mappings hold references of their own, so the cache's may go before the page tables are
	// looked at.
	pagecache_drop_all(pc, first, last);
	mm_unmap_cache(pc, first, last);
}

void pagecache_destroy(struct pagecache *pc)
{
	DEBUG_ASSERT(list_empty(&pc->pc_mappings));
	pagecache_drop_all(pc, 0, ~0ull - 1);
	pc->pc_root = NULL;
	pc->pc_height = 0;
}

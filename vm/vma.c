// SPDX-License-Identifier: MIT
// The ordered set of regions of an address space: a red-black tree by address, in which each node
// also knows the largest free gap below any region of its subtree. Always true: regions do not
// overlap; v_gap_own is the distance to the region before (less the guard of a stack); a region
// with a cache is on the cache's list, and every page that is mapped through the cache is covered
// by a region on that list at every moment.
#include "vm/vm.h"

#include "fs/vfs.h"
#include "kern/log.h"

#include <asm-generic/errno.h>

struct slab_cache vma_cache = SLAB_CACHE(vma_cache, "vma", struct vma);

// --- gaps ---

u64 vma_guard(const struct vma *v)
{
	return v->v_flags & VMA_GROWSDOWN ? MIN(STACK_GUARD_GAP, v->v_start) : 0;
}

static bool vma_gap_update(struct rb_node *node)
{
	struct vma *v = rb_entry(node, struct vma, v_node);
	u64 gap = v->v_gap_own;

	if (node->left)
		gap = MAX(gap, rb_entry(node->left, struct vma, v_node)->v_gap);
	if (node->right)
		gap = MAX(gap, rb_entry(node->right, struct vma, v_node)->v_gap);
	if (v->v_gap == gap)
		return false;
	v->v_gap = gap;
	return true;
}

static void vma_set_own_gap(struct vma *v, const struct vma *prev)
{
	u64 floor = prev ? prev->v_end : 0, top = v->v_start - vma_guard(v);

	v->v_gap_own = top > floor ? top - floor : 0;
}

// Its bounds or those of the region before changed.
static void vma_refresh_gap(struct vma *v)
{
	vma_set_own_gap(v, vma_prev(v));
	rb_augment_up(&v->v_node, vma_gap_update);
}

// The part of the gap below v that lies in [low, high) and is at least len long: its bounds.
static bool gap_fits(const struct vma *v, u64 len, u64 low, u64 high, u64 *start, u64 *end)
{
	u64 top = v->v_start - vma_guard(v);

	*start = MAX(top - MIN(v->v_gap_own, top), low);
	*end = MIN(top, high);
	return v->v_gap_own && *end > *start && *end - *start >= len;
}

static struct vma *gap_child(struct rb_node *child, u64 len)
{
	struct vma *v = rb_entry_or_null(child, struct vma, v_node);

	return v && v->v_gap >= len ? v : NULL;
}

static u64 gap_top_down(struct mm *mm, u64 len, u64 low, u64 high)
{
	struct vma *v = rb_entry_or_null(rb_last(&mm->mm_vmas), struct vma, v_node), *child;
	u64 start = v ? MAX(v->v_end, low) : low, end;

	if (high > start && high - start >= len)
		return high - len;
	v = rb_entry_or_null(mm->mm_vmas.node, struct vma, v_node);
	// Right subtree, own gap, left subtree; subtrees without a large enough gap are skipped.
	while (v) {
		struct rb_node *node;

		child = gap_child(v->v_node.right, len);
		if (child && v->v_end < high) {
			v = child;
			continue;
		}
		for (;;) {
			if (gap_fits(v, len, low, high, &start, &end))
				return end - len;
			child = gap_child(v->v_node.left, len);
			if (child && v->v_start > low) {
				v = child;
				break;
			}
			// Up to the first ancestor whose right subtree this was.
			do {
				node = &v->v_node;
				v = rb_entry_or_null(rb_parent(node), struct vma, v_node);
			} while (v && v->v_node.left == node);
			if (!v)
				return 0;
		}
	}
	return 0;
}

static u64 gap_bottom_up(struct mm *mm, u64 len, u64 low, u64 high)
{
	struct vma *v = rb_entry_or_null(mm->mm_vmas.node, struct vma, v_node), *child;
	u64 start = low, end;

	while (v) {
		struct rb_node *node;

		child = gap_child(v->v_node.left, len);
		if (child && v->v_start > low) {
			v = child;
			continue;
		}
		for (;;) {
			if (gap_fits(v, len, low, high, &start, &end))
				return start;
			child = gap_child(v->v_node.right, len);
			if (child && v->v_end < high) {
				v = child;
				break;
			}
			do {
				node = &v->v_node;
				v = rb_entry_or_null(rb_parent(node), struct vma, v_node);
			} while (v && v->v_node.right == node);
			if (!v)
				goto above;
		}
	}
above:
	v = rb_entry_or_null(rb_last(&mm->mm_vmas), struct vma, v_node);
	start = v ? MAX(v->v_end, low) : low;
	return high > start && high - start >= len ? start : 0;
}

u64 mm_find_gap(struct mm *mm, u64 len, u64 low, u64 high, bool top_down)
{
	return top_down ? gap_top_down(mm, len, low, high) : gap_bottom_up(mm, len, low, high);
}

// --- finding ---

struct vma *vma_find(struct mm *mm, u64 addr, struct vma **prev)
{
	struct rb_node *node = mm->mm_vmas.node;
	struct vma *found = NULL;

	*prev = NULL;
	while (node) {
		struct vma *v = rb_entry(node, struct vma, v_node);

		if (v->v_end > addr) {
			found = v;
			node = node->left;
		} else {
			*prev = v;
			node = node->right;
		}
	}
	return found;
}

struct vma *mm_find_vma(struct mm *mm, u64 addr)
{
	struct vma *v = READ_ONCE(mm->mm_cached), *prev;

	if (v && v->v_start <= addr && addr < v->v_end)
		return v;
	v = vma_find(mm, addr, &prev);
	// Readers race to write the hint; whichever wins is a region that lives at least until the
	// next writer.
	if (v)
		WRITE_ONCE(mm->mm_cached, v);
	return v;
}

// --- accounting ---

static void vma_account(const struct vma *v, s64 pages)
{
	struct mm *mm = v->v_mm;

	mm->mm_total_pages += (u64)pages;
	if (v->v_flags & VMA_LOCKED)
		mm->mm_locked_pages += (u64)pages;
	if (v->v_flags & (VMA_STACK | VMA_GROWSDOWN))
		mm->mm_stack_pages += (u64)pages;
	else if ((v->v_flags & (VMA_WRITE | VMA_SHARED)) == VMA_WRITE)
		mm->mm_data_pages += (u64)pages;
}

void vma_set_flags(struct vma *v, u32 flags)
{
	vma_account(v, -(s64)vma_pages(v));
	v->v_flags = flags;
	vma_account(v, (s64)vma_pages(v));
}

// --- linking ---

static void tree_link(struct mm *mm, struct vma *v)
{
	struct rb_node **link = &mm->mm_vmas.node, *parent = NULL;
	struct vma *prev = NULL, *next = NULL;

	while (*link) {
		struct vma *at = rb_entry(*link, struct vma, v_node);

		parent = *link;
		if (v->v_start < at->v_start) {
			next = at;
			link = &parent->left;
		} else {
			prev = at;
			link = &parent->right;
		}
	}
	DEBUG_ASSERT(!prev || prev->v_end <= v->v_start);
	DEBUG_ASSERT(!next || next->v_start >= v->v_end);
	vma_set_own_gap(v, prev);
	v->v_gap = v->v_gap_own;
	rb_insert_at_aug(&mm->mm_vmas, &v->v_node, parent, link, vma_gap_update);
	if (next) {
		vma_set_own_gap(next, v);
		rb_augment_up(&next->v_node, vma_gap_update);
	}
	mm->mm_vma_count++;
}

static void tree_unlink(struct mm *mm, struct vma *v)
{
	struct vma *next = vma_next(v);

	rb_erase_aug(&mm->mm_vmas, &v->v_node, vma_gap_update);
	if (next)
		vma_refresh_gap(next);
	mm->mm_vma_count--;
	if (mm->mm_cached == v)
		mm->mm_cached = NULL;
}

static void cache_link(struct vma *v)
{
	if (!v->v_cache)
		return;
	spin_lock(&v->v_cache->pc_map_lock);
	list_add(&v->v_cache->pc_mappings, &v->v_cache_link);
	spin_unlock(&v->v_cache->pc_map_lock);
}

static void cache_unlink(struct vma *v)
{
	if (!v->v_cache)
		return;
	spin_lock(&v->v_cache->pc_map_lock);
	list_del(&v->v_cache_link);
	spin_unlock(&v->v_cache->pc_map_lock);
}

void vma_insert(struct mm *mm, struct vma *v)
{
	v->v_mm = mm;
	tree_link(mm, v);
	cache_link(v);
	vma_account(v, (s64)vma_pages(v));
}

void vma_remove(struct mm *mm, struct vma *v)
{
	vma_account(v, -(s64)vma_pages(v));
	tree_unlink(mm, v);
	cache_unlink(v);
}

void vma_free(struct vma *v)
{
	struct shm_object *o = vma_object(v);

	if (v->v_file)
		file_put(v->v_file);
	if (o)
		shm_put(o);
	slab_free(&vma_cache, v);
}

void vma_free_chain(struct vma *dead)
{
	while (dead) {
		struct vma *next = dead->v_dead_next;

		vma_free(dead);
		dead = next;
	}
}

// --- changing bounds ---

static void vma_set_bounds(struct vma *v, u64 start, u64 end)
{
	if (v->v_cache)
		spin_lock(&v->v_cache->pc_map_lock);
	if (v->v_cache || (v->v_flags & VMA_SPECIAL))
		v->v_pgoff += (u64)((s64)(start - v->v_start) >> PAGE_SHIFT);
	v->v_start = start;
	v->v_end = end;
	if (v->v_cache)
		spin_unlock(&v->v_cache->pc_map_lock);
}

void vma_resize(struct vma *v, u64 start, u64 end)
{
	bool start_moved = start != v->v_start, end_moved = end != v->v_end;
	struct vma *next;

	vma_account(v, (s64)((end - start) >> PAGE_SHIFT) - (s64)vma_pages(v));
	vma_set_bounds(v, start, end);
	if (start_moved)
		vma_refresh_gap(v);
	if (end_moved && (next = vma_next(v)))
		vma_refresh_gap(next);
}

int vma_split(struct mm *mm, struct vma *v, u64 addr)
{
	struct vma *n;
	u64 end = v->v_end;

	DEBUG_ASSERT(v->v_start < addr && addr < end);
	if (mm->mm_vma_count >= VMA_MAX)
		return -ENOMEM;
	n = slab_alloc(&vma_cache);
	if (!n)
		return -ENOMEM;
	*n = *v;
	if (n->v_file)
		file_get(n->v_file);
	if (vma_object(n))
		ref_get(&vma_object(n)->o_ref);
	n->v_start = addr;
	if (n->v_cache || (n->v_flags & VMA_SPECIAL))
		n->v_pgoff += (addr - v->v_start) >> PAGE_SHIFT;
	// The upper half is on the cache's list before the lower one gives it up.
	cache_link(n);
	vma_set_bounds(v, v->v_start, addr);
	tree_link(mm, n);
	return 0;
}

int vma_isolate(struct mm *mm, struct vma *v, u64 start, u64 end, struct vma **out)
{
	int r;

	if (v->v_start < start) {
		r = vma_split(mm, v, start);
		if (r)
			return r;
		v = vma_next(v);
	}
	if (v->v_end > end) {
		r = vma_split(mm, v, end);
		if (r)
			return r;
	}
	*out = v;
	return 0;
}

// --- joining ---

static bool vma_continues(const struct vma *a, const struct vma *b)
{
	if (a->v_end != b->v_start || a->v_flags != b->v_flags || a->v_file != b->v_file ||
	    a->v_cache != b->v_cache || a->v_name != b->v_name || (a->v_flags & VMA_SPECIAL))
		return false;
	return !a->v_cache || a->v_pgoff + vma_pages(a) == b->v_pgoff;
}

// b's range becomes a's; b is chained to *dead. Its place on the cache's list is given up last.
static void vma_swallow(struct mm *mm, struct vma *a, struct vma *b, struct vma **dead)
{
	u64 end = b->v_end;

	vma_account(b, -(s64)vma_pages(b));
	tree_unlink(mm, b);
	a->v_anon |= b->v_anon;
	vma_resize(a, a->v_start, end);
	cache_unlink(b);
	b->v_dead_next = *dead;
	*dead = b;
}

struct vma *vma_merge(struct mm *mm, struct vma *v, struct vma **dead)
{
	struct vma *prev = vma_prev(v), *next = vma_next(v);

	if (next && vma_continues(v, next))
		vma_swallow(mm, v, next, dead);
	if (prev && vma_continues(prev, v)) {
		vma_swallow(mm, prev, v, dead);
		v = prev;
	}
	return v;
}

bool vma_extend(struct mm *mm, const struct vma *like, struct vma **dead)
{
	struct vma *prev, *next = vma_find(mm, like->v_start, &prev);

	if (prev && vma_continues(prev, like)) {
		vma_resize(prev, prev->v_start, like->v_end);
		if (next && vma_continues(prev, next))
			vma_swallow(mm, prev, next, dead);
		return true;
	}
	if (next && vma_continues(like, next)) {
		vma_resize(next, like->v_start, next->v_end);
		return true;
	}
	return false;
}

// --- whole address spaces ---

void vma_append(struct mm *mm, struct vma *v, struct vma *last)
{
	struct rb_node **link = last ? &last->v_node.right : &mm->mm_vmas.node;

	v->v_mm = mm;
	vma_set_own_gap(v, last);
	v->v_gap = v->v_gap_own;
	rb_insert_at_aug(&mm->mm_vmas, &v->v_node, last ? &last->v_node : NULL, link,
			 vma_gap_update);
	mm->mm_vma_count++;
	cache_link(v);
	vma_account(v, (s64)vma_pages(v));
}

struct vma *vma_remove_all(struct mm *mm)
{
	struct vma *v, *dead = NULL;

	rb_for_each_entry (v, &mm->mm_vmas, v_node) {
		cache_unlink(v);
		v->v_dead_next = dead;
		dead = v;
	}
	rb_root_init(&mm->mm_vmas);
	return dead;
}

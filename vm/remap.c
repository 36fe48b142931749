// SPDX-License-Identifier: MIT
// mremap: growing in place, shrinking, moving. A move makes the new region and all tables it needs
// first, then carries the entries over table by table; a file's region is moved under its
// pc_map_lock, so that a truncate meets each page in either the old or the new region.
#include "vm/vm.h"

#include "fs/vfs.h"
#include "kern/log.h"

#include <asm-generic/errno.h>
#include <linux/mman.h>

struct remap {
	struct mm *mm;
	u64 old, old_len, new_len, new_addr;
	u32 flags;
	bool limit_32bit;
	struct gather g;
};

// May the region at `old` become new_len long? *out is the region.
static int remap_check(struct remap *m, struct vma **out)
{
	struct vma *prev, *v = vma_find(m->mm, m->old, &prev);
	u64 pages = (m->new_len - m->old_len) >> PAGE_SHIFT;

	if (!v || v->v_start > m->old)
		return -EFAULT;
	*out = v;
	// Length 0 duplicates shared memory; of private memory there is nothing to share.
	if (!m->old_len && !(v->v_flags & VMA_SHARED))
		return -EINVAL;
	if ((m->flags & MREMAP_DONTUNMAP) && (v->v_flags & VMA_SPECIAL))
		return -EINVAL;
	if (m->old_len > v->v_end - m->old)
		return -EFAULT;
	if (m->new_len == m->old_len)
		return 0;
	if (v->v_pgoff + ((m->old - v->v_start) >> PAGE_SHIFT) + (m->new_len >> PAGE_SHIFT) <
	    v->v_pgoff)
		return -EINVAL;
	if (v->v_flags & VMA_SPECIAL)
		return -EFAULT;
	if ((v->v_flags & VMA_LOCKED) && mm_may_lock(m->mm, pages))
		return -EAGAIN;
	return mm_may_expand(m->mm, v->v_flags, pages) || mm_may_commit(v->v_flags, pages) ? -ENOMEM
											   : 0;
}

// Tables at `to` for what [from, from + len) has pages in: a region may be far larger than that. A
// table's span there may lie across two here.
static int make_tables(struct mm *mm, u64 from, u64 to, u64 len)
{
	u64 va = from, end = from + len;
	int r = 0;

	spin_lock(&mm->mm_pt_lock);
	while (!r && pt_next(&mm->mm_pt, &va, end)) {
		u64 stop = MIN(end, ALIGN_DOWN(va, PT_TABLE_SPAN) + PT_TABLE_SPAN);

		if (!pt_make(&mm->mm_pt, va - from + to) ||
		    !pt_make(&mm->mm_pt, stop - PAGE_SIZE - from + to))
			r = -ENOMEM;
		va = stop;
	}
	spin_unlock(&mm->mm_pt_lock);
	return r;
}

// Carries the entries of [from, from + len) to `to`; tables are there.
static void move_pages(struct vma *v, u64 from, u64 to, u64 len, struct gather *g)
{
	struct mm *mm = v->v_mm;
	u64 end = from + len;

	for (u64 va = from; va < end;) {
		u64 stop = MIN(end, ALIGN_DOWN(va, PT_TABLE_SPAN) + PT_TABLE_SPAN);
		pte_t *pte;

		if (v->v_cache)
			spin_lock(&v->v_cache->pc_map_lock);
		spin_lock(&mm->mm_pt_lock);
		for (; (pte = pt_next(&mm->mm_pt, &va, stop)); va += PAGE_SIZE) {
			*pt_lookup(&mm->mm_pt, va - from + to) = *pte;
			*pte = 0;
			gather_touch(g, va, va + PAGE_SIZE);
		}
		spin_unlock(&mm->mm_pt_lock);
		if (v->v_cache)
			spin_unlock(&v->v_cache->pc_map_lock);
		va = stop;
	}
}

static struct vma *copy_region_at(const struct vma *v, u64 old, u64 addr, u64 len)
{
	struct vma *n = slab_alloc(&vma_cache);

	if (!n)
		return NULL;
	*n = *v;
	n->v_start = addr;
	n->v_end = addr + len;
	if (v->v_cache || (v->v_flags & VMA_SPECIAL))
		n->v_pgoff += (old - v->v_start) >> PAGE_SHIFT;
	if (n->v_file)
		file_get(n->v_file);
	if (vma_object(n))
		ref_get(&vma_object(n)->o_ref);
	return n;
}

// The old region keeps its place without its pages (MREMAP_DONTUNMAP), and is no longer locked.
static void move_leave(struct remap *m, struct vma *v)
{
	struct vma *part;

	if (!vma_isolate(m->mm, v, m->old, m->old + m->old_len, &part)) {
		vma_set_flags(part, part->v_flags & ~(u32)VMA_LOCKED);
		vma_merge(m->mm, part, &m->g.g_dead);
	}
}

// To m->new_addr, which is free.
static long remap_move(struct remap *m, struct vma *v)
{
	struct mm *mm = m->mm;
	struct vma *n;
	u32 splits = (v->v_start < m->old) + (m->old + m->old_len < v->v_end);

	if (mm->mm_vma_count + 1 + splits > VMA_MAX)
		return -ENOMEM;
	n = copy_region_at(v, m->old, m->new_addr, m->new_len);
	if (!n)
		return -ENOMEM;
	// What unmapping will need is made sure of first: its only failure is a split in the
	// middle.
	if (splits == 2 && m->old_len && !(m->flags & MREMAP_DONTUNMAP) &&
	    vma_split(mm, v, m->old + m->old_len))
		goto fail;
	if (make_tables(mm, m->old, m->new_addr, m->old_len))
		goto fail;
	vma_insert(mm, n);
	move_pages(v, m->old, m->new_addr, m->old_len, &m->g);
	if (m->flags & MREMAP_DONTUNMAP)
		move_leave(m, v);
	else if (m->old_len)
		(void)mm_unmap_locked(mm, m->old, m->old + m->old_len, &m->g);
	vma_merge(mm, n, &m->g.g_dead);
	return (long)m->new_addr;
fail:
	vma_free(n);
	return -ENOMEM;
}

// In place, when what lies above is free.
static bool remap_extend(struct remap *m, struct vma *v)
{
	struct vma *next = vma_next(v);
	u64 end = m->old + m->new_len;

	if (m->old + m->old_len != v->v_end || end < m->old || end > m->mm->mm_user_end ||
	    (next && next->v_start < end))
		return false;
	vma_resize(v, v->v_start, end);
	vma_merge(m->mm, v, &m->g.g_dead);
	return true;
}

// MREMAP_FIXED, MREMAP_DONTUNMAP: the caller may say where.
static long remap_to(struct remap *m)
{
	struct mm *mm = m->mm;
	struct vma *v;
	long r;

	if (!IS_ALIGNED(m->new_addr, PAGE_SIZE) || m->new_len > mm->mm_user_end ||
	    m->new_addr > mm->mm_user_end - m->new_len)
		return -EINVAL;
	if (m->old + m->old_len > m->new_addr && m->new_addr + m->new_len > m->old)
		return -EINVAL;
	if (mm->mm_vma_count + 2 >= VMA_MAX - 3)
		return -ENOMEM;
	if (m->flags & MREMAP_FIXED) {
		if (m->new_addr < MMAP_MIN_ADDR)
			return -EPERM;
		r = mm_unmap_locked(mm, m->new_addr, m->new_addr + m->new_len, &m->g);
		if (r)
			return r;
	}
	if (m->old_len > m->new_len) {
		r = mm_unmap_locked(mm, m->old + m->new_len, m->old + m->old_len, &m->g);
		if (r)
			return r;
		m->old_len = m->new_len;
	}
	r = remap_check(m, &v);
	if (r)
		return r;
	if ((m->flags & MREMAP_DONTUNMAP) &&
	    mm_may_expand(mm, v->v_flags, m->old_len >> PAGE_SHIFT))
		return -ENOMEM;
	if (!(m->flags & MREMAP_FIXED)) {
		r = mm_place(mm, m->new_addr, m->new_len, m->limit_32bit, 0);
		if (r < 0)
			return r;
		m->new_addr = (u64)r;
	}
	return remap_move(m, v);
}

static long remap_locked(struct remap *m)
{
	struct vma *prev, *v = vma_find(m->mm, m->old, &prev);
	long r;

	if (!v || v->v_start > m->old)
		return -EFAULT;
	if (m->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		return remap_to(m);
	if (m->old_len >= m->new_len) {
		r = m->old_len > m->new_len ? mm_unmap_locked(m->mm, m->old + m->new_len,
							      m->old + m->old_len, &m->g)
					    : 0;
		return r ? r : (long)m->old;
	}
	r = remap_check(m, &v);
	if (r)
		return r;
	if (remap_extend(m, v))
		return (long)m->old;
	if (!(m->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	r = mm_place(m->mm, 0, m->new_len, m->limit_32bit, 0);
	if (r < 0)
		return r;
	m->new_addr = (u64)r;
	return remap_move(m, v);
}

long mm_remap(struct mm *mm, u64 old, u64 old_len, u64 new_len, u32 flags, u64 new_addr,
	      bool limit_32bit)
{
	struct remap m = {.mm = mm,
			  .old = old,
			  .new_addr = new_addr,
			  .flags = flags,
			  .limit_32bit = limit_32bit};
	struct vma *prev, *v;
	bool locked;
	long r;

	m.old_len = ALIGN_UP(old_len, (u64)PAGE_SIZE);
	m.new_len = ALIGN_UP(new_len, (u64)PAGE_SIZE);
	if (flags & ~(u32)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
		return -EINVAL;
	if ((flags & MREMAP_FIXED) && !(flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if ((flags & MREMAP_DONTUNMAP) && (!(flags & MREMAP_MAYMOVE) || old_len != new_len))
		return -EINVAL;
	if (!IS_ALIGNED(old, PAGE_SIZE) || !m.new_len)
		return -EINVAL;
	gather_init(&m.g, mm);
	rw_lock_write(&mm->mm_lock);
	r = remap_locked(&m);
	gather_flush(&m.g);
	v = r >= 0 ? vma_find(mm, (u64)r, &prev) : NULL;
	locked = v && (v->v_flags & VMA_LOCKED);
	rw_unlock_write(&mm->mm_lock);
	gather_finish(&m.g);
	if (locked && m.new_len > m.old_len)
		(void)mm_populate(mm, (u64)r + m.old_len, (u64)r + m.new_len, POPULATE_LOCK);
	return r;
}

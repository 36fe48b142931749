// SPDX-License-Identifier: MIT
// madvise, mincore and msync over ranges of regions. A hole does not stop madvise or msync: the
// rest is done, and the result is -ENOMEM.
#include "vm/vm.h"

#include "fs/vfs.h"
#include "kern/log.h"

#include <asm-generic/errno.h>
#include <linux/capability.h>
#include <linux/falloc.h>
#include <linux/mman.h>

// --- madvise ---

enum advice_kind {
	ADVICE_NONE,	 // accepted, nothing to do: a hint about paging
	ADVICE_FLAGS,	 // changes the region's flags
	ADVICE_DROP,	 // gives up pages
	ADVICE_REMOVE,	 // punches a hole into what is mapped
	ADVICE_POPULATE, // faults in
	ADVICE_POISON,	 // for CAP_SYS_ADMIN, and not built in
	ADVICE_BAD,
};

static enum advice_kind advice_kind(int advice)
{
	switch (advice) {
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_WILLNEED:
	case MADV_COLD:
	case MADV_PAGEOUT:
	case MADV_MERGEABLE:
	case MADV_UNMERGEABLE:
	case MADV_HUGEPAGE:
	case MADV_NOHUGEPAGE:
		return ADVICE_NONE;
	case MADV_DONTFORK:
	case MADV_DOFORK:
	case MADV_WIPEONFORK:
	case MADV_KEEPONFORK:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
		return ADVICE_FLAGS;
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_FREE:
		return ADVICE_DROP;
	case MADV_REMOVE:
		return ADVICE_REMOVE;
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		return ADVICE_POPULATE;
	case MADV_HWPOISON:
	case MADV_SOFT_OFFLINE:
		return ADVICE_POISON;
	default:
		return ADVICE_BAD;
	}
}

static int advise_flags(struct mm *mm, struct vma *v, u64 start, u64 end, int advice,
			struct gather *g)
{
	u32 flags = v->v_flags;
	int r;

	if (advice == MADV_DONTFORK)
		flags |= VMA_DONTFORK;
	else if (advice == MADV_DOFORK)
		flags &= ~(u32)VMA_DONTFORK;
	else if (advice == MADV_KEEPONFORK)
		flags &= ~(u32)VMA_WIPEONFORK;
	else if (advice == MADV_DONTDUMP)
		flags |= VMA_DONTDUMP;
	else if (advice == MADV_DODUMP)
		flags &= ~(u32)VMA_DONTDUMP;
	else if (v->v_file || (v->v_flags & VMA_SHARED))
		return -EINVAL; // only private anonymous memory can be wiped
	else
		flags |= VMA_WIPEONFORK;
	if (advice == MADV_DODUMP && (v->v_flags & VMA_SPECIAL))
		return -EINVAL;
	if (flags == v->v_flags)
		return 0;
	r = vma_isolate(mm, v, start, end, &v);
	if (r)
		return r;
	vma_set_flags(v, flags);
	vma_merge(mm, v, &g->g_dead);
	return 0;
}

static int advise_drop(struct vma *v, u64 start, u64 end, int advice, struct gather *g)
{
	if (v->v_flags & VMA_SPECIAL)
		return -EINVAL;
	if ((v->v_flags & VMA_LOCKED) && advice != MADV_DONTNEED_LOCKED)
		return -EINVAL;
	// MADV_FREE lets the kernel choose when: at once.
	if (advice == MADV_FREE && !vma_is_anon(v))
		return -EINVAL;
	gather_zap(g, start, end, ZAP_ALL);
	return 0;
}

// MADV_REMOVE of [start, end) of v. Leaves and takes mm_lock again, since a file's own locks come
// before it: the caller looks its region up anew.
static int advise_remove(struct mm *mm, struct vma *v, u64 start, u64 end)
{
	u64 off = (v->v_pgoff << PAGE_SHIFT) + (start - v->v_start);
	struct shm_object *o = vma_object(v);
	struct file *f = v->v_file;
	int r = 0;

	if ((v->v_flags & VMA_LOCKED) || !v->v_cache)
		return -EINVAL;
	if ((v->v_flags & (VMA_SHARED | VMA_WRITE)) != (VMA_SHARED | VMA_WRITE))
		return -EACCES;
	if (f)
		file_get(f);
	if (o)
		ref_get(&o->o_ref);
	rw_unlock_write(&mm->mm_lock);
	if (o)
		pagecache_truncate(&o->o_cache, off >> PAGE_SHIFT,
				   ((off + (end - start)) >> PAGE_SHIFT) - 1);
	else if (f->f_ops->fallocate)
		r = (int)f->f_ops->fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off,
					     end - start);
	else
		r = -EOPNOTSUPP;
	if (f)
		file_put(f);
	if (o)
		shm_put(o);
	rw_lock_write(&mm->mm_lock);
	return r;
}

static int advise_one(struct mm *mm, struct vma *v, u64 start, u64 end, int advice,
		      struct gather *g)
{
	switch (advice_kind(advice)) {
	case ADVICE_FLAGS:
		return advise_flags(mm, v, start, end, advice, g);
	case ADVICE_DROP:
		return advise_drop(v, start, end, advice, g);
	case ADVICE_REMOVE:
		return advise_remove(mm, v, start, end);
	default:
		return 0;
	}
}

static int advise_locked(struct mm *mm, u64 start, u64 end, int advice, struct gather *g)
{
	bool hole = false;

	for (u64 at = start; at < end;) {
		struct vma *prev, *v = vma_find(mm, at, &prev);
		u64 stop;
		int r;

		if (!v || v->v_start >= end)
			return -ENOMEM;
		hole |= v->v_start > at;
		at = MAX(at, v->v_start);
		stop = MIN(end, v->v_end);
		r = advise_one(mm, v, at, stop, advice, g);
		if (r)
			return r;
		at = stop;
	}
	return hole ? -ENOMEM : 0;
}

static int advise_populate(struct mm *mm, u64 start, u64 end, int advice)
{
	bool write = advice == MADV_POPULATE_WRITE;
	int r = mm_populate(mm, start, end, write ? FAULT_WRITE : 0);

	if (r == -EFAULT)
		return -EINVAL; // the region's protection
	return r == -SIGBUS ? -EFAULT : r;
}

int mm_advise(struct mm *mm, u64 addr, u64 len, int advice)
{
	enum advice_kind kind = advice_kind(advice);
	u64 end = addr + ALIGN_UP(len, (u64)PAGE_SIZE);
	struct gather g;
	int r;

	if (kind == ADVICE_POISON && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (kind == ADVICE_BAD || kind == ADVICE_POISON)
		return -EINVAL;
	if (!IS_ALIGNED(addr, PAGE_SIZE) || (len && !ALIGN_UP(len, (u64)PAGE_SIZE)) || end < addr)
		return -EINVAL;
	if (end == addr)
		return 0;
	if (kind == ADVICE_POPULATE)
		return advise_populate(mm, addr, end, advice);
	gather_init(&g, mm);
	rw_lock_write(&mm->mm_lock);
	r = advise_locked(mm, addr, end, advice, &g);
	gather_flush(&g);
	rw_unlock_write(&mm->mm_lock);
	gather_finish(&g);
	return r;
}

// --- mincore ---

static bool page_in_core(const struct vma *v, u64 addr)
{
	struct mm *mm = v->v_mm;
	const pte_t *pte;
	bool there;
	u64 index;

	spin_lock(&mm->mm_pt_lock);
	pte = pt_lookup(&mm->mm_pt, addr);
	there = pte && pte_has_frame(*pte);
	spin_unlock(&mm->mm_pt_lock);
	if (there || !v->v_cache)
		return there;
	index = v->v_pgoff + ((addr - v->v_start) >> PAGE_SHIFT);
	return pagecache_next(v->v_cache, index) == index;
}

int mm_incore(struct mm *mm, u64 addr, u32 pages, u8 *vec)
{
	int r = 0;

	rw_lock_read(&mm->mm_lock);
	for (u32 i = 0; i < pages; i++) {
		struct vma *v = mm_find_vma(mm, addr + i * (u64)PAGE_SIZE);

		if (!v || v->v_start > addr + i * (u64)PAGE_SIZE) {
			r = -ENOMEM;
			break;
		}
		vec[i] = page_in_core(v, addr + i * (u64)PAGE_SIZE);
	}
	rw_unlock_read(&mm->mm_lock);
	return r;
}

// --- msync: the cache is the file for mappings too, so only a synchronous one has something to ask
// of the file ---

int mm_sync(struct mm *mm, u64 addr, u64 len, u32 flags)
{
	u64 end = addr + ALIGN_UP(len, (u64)PAGE_SIZE);
	bool hole = false;
	int r = 0;

	if (flags & ~(u32)(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || !IS_ALIGNED(addr, PAGE_SIZE) ||
	    (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
		return -EINVAL;
	if (end < addr)
		return -ENOMEM;
	rw_lock_read(&mm->mm_lock);
	while (addr < end && !r) {
		struct vma *v = mm_find_vma(mm, addr);
		struct file *f = NULL;

		if (!v || v->v_start >= end) {
			hole = true;
			break;
		}
		hole |= v->v_start > addr;
		addr = v->v_end;
		if ((flags & MS_INVALIDATE) && (v->v_flags & VMA_LOCKED))
			r = -EBUSY;
		else if ((flags & MS_SYNC) && (v->v_flags & VMA_SHARED) && v->v_file &&
			 v->v_file->f_ops->fsync)
			f = v->v_file;
		if (!f)
			continue;
		// The file's locks come before mm_lock.
		file_get(f);
		rw_unlock_read(&mm->mm_lock);
		r = f->f_ops->fsync(f, true);
		file_put(f);
		rw_lock_read(&mm->mm_lock);
	}
	rw_unlock_read(&mm->mm_lock);
	return r ? r : hole ? -ENOMEM : 0;
}

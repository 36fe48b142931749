// SPDX-License-Identifier: MIT
// mprotect and mlock: walks over regions that change flags, splitting and joining as needed. As on
// Linux, a hole or a refusal ends the walk with what lies before it already changed.
#include "vm/vm.h"

#include "fs/vfs.h"
#include "kern/log.h"

#include <asm-generic/errno.h>
#include <linux/capability.h>
#include <linux/mman.h>

// The new entry for a changed region. A private page becomes writable here only if nobody shares
// its frame.
static pte_t protect_entry(const struct vma *v, pte_t e)
{
	u32 prot = v->v_flags & VMA_ACCESS;
	pte_t soft = e & (PTE_SOFT_ANON | PTE_SOFT_NOREF);

	if (prot)
		prot |= PT_READ;
	if (!(v->v_flags & VMA_SHARED) &&
	    (!(soft & PTE_SOFT_ANON) || READ_ONCE(phys_page(pte_phys(e))->pg_ref.r_n) != 1))
		prot &= ~(u32)PT_WRITE;
	return pte_make(pte_phys(e), prot, soft);
}

static void protect_pages(const struct vma *v, struct gather *g)
{
	struct mm *mm = v->v_mm;
	u64 va = v->v_start;
	pte_t *pte;

	spin_lock(&mm->mm_pt_lock);
	while ((pte = pt_next(&mm->mm_pt, &va, v->v_end))) {
		u64 stop = MIN(v->v_end, ALIGN_DOWN(va, PT_TABLE_SPAN) + PT_TABLE_SPAN);

		for (; va < stop && *pte; va += PAGE_SIZE, pte++) {
			pte_t e = protect_entry(v, *pte);

			if (e == *pte)
				continue;
			*pte = e;
			gather_touch(g, va, va + PAGE_SIZE);
		}
	}
	spin_unlock(&mm->mm_pt_lock);
}

// Gives v's part of [start, end) new flags. *at: up to where regions are as wanted now. Joining may
// swallow what follows, but only regions that the call would have left as they are.
static int change_flags(struct vma *v, u64 start, u64 end, u32 flags, struct gather *g, u64 *at)
{
	struct mm *mm = v->v_mm;
	bool access = (flags ^ v->v_flags) & VMA_ACCESS;
	int r;

	*at = v->v_end;
	if (flags == v->v_flags)
		return 0;
	r = vma_isolate(mm, v, MAX(start, v->v_start), MIN(end, v->v_end), &v);
	if (r)
		return r;
	vma_set_flags(v, flags);
	if (access)
		protect_pages(v, g);
	*at = vma_merge(mm, v, &g->g_dead)->v_end;
	return 0;
}

static int protect_one(struct vma *v, u64 start, u64 end, u32 prot, struct gather *g, u64 *at)
{
	u32 flags = (v->v_flags & ~(u32)VMA_ACCESS) | (prot & (PROT_READ | PROT_WRITE | PROT_EXEC));
	u64 pages = (MIN(end, v->v_end) - MAX(start, v->v_start)) >> PAGE_SHIFT;

	if ((prot & PROT_READ) && v->v_mm->mm_read_implies_exec && (v->v_flags & VMA_MAYEXEC))
		flags |= VMA_EXEC;
	if (((flags & VMA_READ) && !(flags & VMA_MAYREAD)) ||
	    ((flags & VMA_WRITE) && !(flags & VMA_MAYWRITE)) ||
	    ((flags & VMA_EXEC) && !(flags & VMA_MAYEXEC)))
		return -EACCES;
	// Turning into data must stay within RLIMIT_DATA, unless the region is over a limit as it
	// is.
	if ((flags & VMA_WRITE) && !(v->v_flags & VMA_WRITE) &&
	    ((mm_may_expand(v->v_mm, flags, pages) && !mm_may_expand(v->v_mm, v->v_flags, pages)) ||
	     mm_may_commit(flags, pages)))
		return -ENOMEM;
	return change_flags(v, start, end, flags, g, at);
}

// mm_lock held for writing.
static int protect_locked(struct mm *mm, u64 start, u64 end, u32 prot, struct gather *g)
{
	struct vma *prev, *v = vma_find(mm, start, &prev);

	if (!v)
		return -ENOMEM;
	if (prot & PROT_GROWSDOWN) {
		if (v->v_start >= end)
			return -ENOMEM;
		start = MIN(start, v->v_start);
		if (!(v->v_flags & VMA_GROWSDOWN))
			return -EINVAL;
	}
	for (u64 at = start; at < end; v = vma_find(mm, at, &prev)) {
		int r;

		if (!v || v->v_start > at)
			return -ENOMEM;
		r = protect_one(v, at, end, prot, g, &at);
		if (r)
			return r;
	}
	return 0;
}

int mm_protect(struct mm *mm, u64 addr, u64 len, u32 prot)
{
	u32 grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
	struct gather g;
	int r;

	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || !IS_ALIGNED(addr, PAGE_SIZE))
		return -EINVAL;
	if (!len)
		return 0;
	len = ALIGN_UP(len, (u64)PAGE_SIZE);
	if (addr + len <= addr)
		return -ENOMEM;
	if (prot &
	    ~(u32)(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM | PROT_GROWSDOWN | PROT_GROWSUP))
		return -EINVAL;
	if (grows == PROT_GROWSUP)
		return -EINVAL; // no stack grows up here
	gather_init(&g, mm);
	rw_lock_write(&mm->mm_lock);
	r = protect_locked(mm, addr, addr + len, prot, &g);
	gather_flush(&g);
	rw_unlock_write(&mm->mm_lock);
	gather_finish(&g);
	return r;
}

// --- mlock: accounting, and the pages brought in; nothing is ever paged out ---

static int lock_locked(struct mm *mm, u64 start, u64 end, bool lock, struct gather *g)
{
	struct vma *prev, *v = vma_find(mm, start, &prev);

	for (u64 at = start; at < end; v = vma_find(mm, at, &prev)) {
		u32 flags;
		int r;

		if (!v || v->v_start > at)
			return -ENOMEM;
		flags = v->v_flags & ~(u32)VMA_LOCKED;
		if (lock && !(v->v_flags & VMA_SPECIAL))
			flags |= VMA_LOCKED;
		r = change_flags(v, at, end, flags, g, &at);
		if (r)
			return r;
	}
	return 0;
}

// Pages of [start, end) that are locked already.
static u64 locked_in(struct mm *mm, u64 start, u64 end)
{
	struct vma *prev, *v = vma_find(mm, start, &prev);
	u64 n = 0;

	for (; v && v->v_start < end; v = vma_next(v))
		if (v->v_flags & VMA_LOCKED)
			n += (MIN(v->v_end, end) - MAX(v->v_start, start)) >> PAGE_SHIFT;
	return n;
}

int mm_lock_range(struct mm *mm, u64 addr, u64 len, bool lock, bool populate)
{
	u64 limit = rlimit_current(RLIMIT_MEMLOCK) >> PAGE_SHIFT,
	    start = ALIGN_DOWN(addr, (u64)PAGE_SIZE), end, pages;
	bool free_of_limit = capable(CAP_IPC_LOCK);
	struct gather g;
	int r;

	if (lock && !limit && !free_of_limit)
		return -EPERM;
	len = ALIGN_UP(len + (addr - start), (u64)PAGE_SIZE);
	end = start + len;
	pages = len >> PAGE_SHIFT;
	gather_init(&g, mm);
	rw_lock_write(&mm->mm_lock);
	if (lock && !free_of_limit && mm->mm_locked_pages + pages > limit &&
	    mm->mm_locked_pages + pages - locked_in(mm, start, end) > limit)
		r = -ENOMEM;
	else if (end < start)
		r = -EINVAL;
	else
		r = lock_locked(mm, start, end, lock, &g);
	gather_flush(&g);
	rw_unlock_write(&mm->mm_lock);
	gather_finish(&g);
	if (r || !lock || !populate)
		return r;
	r = mm_populate(mm, start, end, POPULATE_LOCK);
	// mlock(2): what cannot be accessed is ENOMEM, what could not be brought in EAGAIN.
	return r == -EFAULT || r == -SIGBUS ? -ENOMEM : r == -ENOMEM ? -EAGAIN : r;
}

int mm_lock_all(struct mm *mm, u32 flags)
{
	u64 limit = rlimit_current(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	struct gather g;
	struct vma *v;
	int r = 0;

	if (flags && !limit && !capable(CAP_IPC_LOCK))
		return -EPERM;
	gather_init(&g, mm);
	rw_lock_write(&mm->mm_lock);
	if ((flags & MCL_CURRENT) && mm->mm_total_pages > limit && !capable(CAP_IPC_LOCK)) {
		r = -ENOMEM;
		goto out;
	}
	mm->mm_def_flags = flags & MCL_FUTURE ? VMA_LOCKED : 0;
	if (flags && !(flags & MCL_CURRENT))
		goto out;
	for (v = vma_first(mm); v; v = vma_next(v)) {
		u32 f = v->v_flags & ~(u32)VMA_LOCKED;

		if ((flags & MCL_CURRENT) && !(v->v_flags & VMA_SPECIAL))
			f |= VMA_LOCKED;
		vma_set_flags(v, f);
		v = vma_merge(mm, v, &g.g_dead);
	}
out:
	gather_flush(&g);
	rw_unlock_write(&mm->mm_lock);
	gather_finish(&g);
	if (!r && (flags & MCL_CURRENT) && !(flags & MCL_ONFAULT))
		mm_populate_all(mm);
	return r;
}

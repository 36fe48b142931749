// SPDX-License-Identifier: MIT
// mmap, munmap and brk behind their decoding. Everything that can fail is done before the first
// change; the order of the checks is Linux's, because it decides which errno a call with several
// faults gets.
#include "vm/vm.h"

#include "fs/vfs.h"
#include "kern/log.h"

#include <asm-generic/errno.h>
#include <linux/capability.h>
#include <linux/mman.h>
#include <linux/mount.h>

// Where MAP_32BIT puts things (mmap(2)).
#define LOW_START 0x40000000ull
#define LOW_END	  0x80000000ull

// --- places ---

bool mm_range_free(struct mm *mm, u64 addr, u64 len)
{
	struct vma *prev, *next = vma_find(mm, addr, &prev);

	return !next || addr + len <= next->v_start - vma_guard(next);
}

long mm_place(struct mm *mm, u64 hint, u64 len, bool limit_32bit, u32 map_flags)
{
	u64 end = limit_32bit ? MIN(mm->mm_user_end, (u64)USER_END_32) : mm->mm_user_end;
	u64 addr;

	if (len > end)
		return -ENOMEM;
	hint = ALIGN_DOWN(hint, (u64)PAGE_SIZE);
	if (hint && hint < MMAP_MIN_ADDR)
		hint = MMAP_MIN_ADDR;
	if (hint && hint <= end - len && mm_range_free(mm, hint, len))
		return (long)hint;
	if ((map_flags & MAP_32BIT) && !limit_32bit) {
		addr = mm_find_gap(mm, len, LOW_START, MIN(end, LOW_END), false);
		return addr ? (long)addr : -ENOMEM;
	}
	addr = mm_find_gap(mm, len, MAX(mm->mm_mmap_min, (u64)MMAP_MIN_ADDR),
			   MIN(end, mm->mm_mmap_base), true);
	// The area below the stack is full: anywhere.
	if (!addr)
		addr = mm_find_gap(mm, len, MMAP_MIN_ADDR, end, false);
	return addr ? (long)addr : -ENOMEM;
}

int mm_grow_stack(struct mm *mm, u64 addr)
{
	struct vma *v, *prev;
	int r = -SIGSEGV;
	u64 grow;

	addr = ALIGN_DOWN(addr, (u64)PAGE_SIZE);
	rw_lock_write(&mm->mm_lock);
	v = vma_find(mm, addr, &prev);
	if (!v || !(v->v_flags & VMA_GROWSDOWN))
		goto out;
	r = 0;
	if (v->v_start <= addr)
		goto out; // another thread was faster
	grow = (v->v_start - addr) >> PAGE_SHIFT;
	r = -ENOMEM;
	if (addr < MMAP_MIN_ADDR || v->v_end - addr > rlimit_current(RLIMIT_STACK))
		goto out;
	// The gap keeps a stack from running into its neighbour unnoticed; what cannot be accessed
	// is as good as a gap.
	if (prev && !(prev->v_flags & VMA_GROWSDOWN) && (prev->v_flags & VMA_ACCESS) &&
	    addr - prev->v_end < STACK_GUARD_GAP)
		goto out;
	if (mm_may_expand(mm, v->v_flags, grow) || mm_may_commit(v->v_flags, grow))
		goto out;
	if ((v->v_flags & VMA_LOCKED) && mm_may_lock(mm, grow))
		goto out;
	vma_resize(v, addr, v->v_end);
	r = 0;
out:
	rw_unlock_write(&mm->mm_lock);
	return r;
}

// --- unmapping ---

// Table pages that the regions around no longer need. An empty one costs a scan to recognise, so
// small unmappings leave it until there are many: then all gaps are gone through.
static void prune_tables(struct mm *mm, u64 start, u64 end, struct gather *g)
{
	struct vma *prev, *next = vma_find(mm, start, &prev);
	struct vma *v;
	u64 floor = 0;

	if (end - start >= PT_TABLE_SPAN) {
		gather_prune(g, prev ? prev->v_end : 0, next ? next->v_start : USER_END_64);
		return;
	}
	if (mm->mm_pt.pt_tables <= mm->mm_prune_limit)
		return;
	rb_for_each_entry (v, &mm->mm_vmas, v_node) {
		gather_prune(g, floor, v->v_start);
		floor = v->v_end;
	}
	gather_prune(g, floor, USER_END_64);
	mm->mm_prune_limit = 64 + 2 * mm->mm_pt.pt_tables;
}

// v overlaps [start, end): takes that part away. Splitting has been done where it was needed.
// Returns the next region.
static struct vma *unmap_part(struct mm *mm, struct vma *v, u64 start, u64 end, struct gather *g)
{
	struct vma *next = vma_next(v);
	u64 from = MAX(start, v->v_start), to = MIN(end, v->v_end);

	// Pages first: while they are mapped, their region stays on the list that truncate walks.
	gather_zap(g, from, to, ZAP_ALL);
	if (v->v_start < from) {
		vma_resize(v, v->v_start, from);
	} else if (v->v_end > to) {
		vma_resize(v, to, v->v_end);
	} else {
		vma_remove(mm, v);
		v->v_dead_next = g->g_dead;
		g->g_dead = v;
	}
	return next;
}

int mm_unmap_locked(struct mm *mm, u64 start, u64 end, struct gather *g)
{
	struct vma *prev, *v = vma_find(mm, start, &prev);
	int r;

	if (!v || v->v_start >= end)
		return 0;
	// Only a hole in the middle of one region needs a new one; the ends of others just move.
	if (v->v_start < start && v->v_end > end) {
		r = vma_split(mm, v, end);
		if (r)
			return r;
	}
	while (v && v->v_start < end)
		v = unmap_part(mm, v, start, end, g);
	prune_tables(mm, start, end, g);
	return 0;
}

int mm_unmap(struct mm *mm, u64 addr, u64 len)
{
	struct gather g;
	int r;

	if (!IS_ALIGNED(addr, PAGE_SIZE) || addr > mm->mm_user_end || len > mm->mm_user_end - addr)
		return -EINVAL;
	len = ALIGN_UP(len, (u64)PAGE_SIZE);
	if (!len)
		return -EINVAL;
	gather_init(&g, mm);
	rw_lock_write(&mm->mm_lock);
	r = mm_unmap_locked(mm, addr, addr + len, &g);
	gather_flush(&g);
	rw_unlock_write(&mm->mm_lock);
	gather_finish(&g);
	return r;
}

// --- mapping ---

// Address: as asked for (MAP_FIXED) or found. Page-aligned length, at most the user half.
static long map_address(const struct map_request *rq, u64 len)
{
	struct mm *mm = rq->mm;
	struct vma *prev, *next;
	bool fixed = rq->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);

	if (!fixed)
		return mm_place(mm, rq->addr, len, rq->limit_32bit, rq->flags);
	if (len > mm->mm_user_end || rq->addr > mm->mm_user_end - len)
		return -ENOMEM;
	if (!IS_ALIGNED(rq->addr, PAGE_SIZE))
		return -EINVAL;
	if (rq->addr < MMAP_MIN_ADDR && !capable(CAP_SYS_RAWIO))
		return -EPERM;
	next = vma_find(mm, rq->addr, &prev);
	if ((rq->flags & MAP_FIXED_NOREPLACE) && next && next->v_start < rq->addr + len)
		return -EEXIST;
	return (long)rq->addr;
}

static bool file_is_noexec(const struct file *f)
{
	return f->f_path.mnt && (f->f_path.mnt->mnt_flags & MS_NOEXEC);
}

static u32 map_vma_flags(const struct map_request *rq)
{
	u32 flags = rq->vma_flags | rq->mm->mm_def_flags | VMA_MAYREAD | VMA_MAYWRITE | VMA_MAYEXEC;

	flags |= rq->prot & (PROT_READ | PROT_WRITE | PROT_EXEC);
	if ((rq->prot & PROT_READ) && rq->mm->mm_read_implies_exec &&
	    !(rq->file && file_is_noexec(rq->file)))
		flags |= VMA_EXEC;
	if (rq->flags & MAP_GROWSDOWN)
		flags |= VMA_GROWSDOWN;
	if (rq->flags & MAP_LOCKED)
		flags |= VMA_LOCKED;
	if (rq->flags & MAP_NORESERVE)
		flags |= VMA_NORESERVE;
	return flags;
}

// What MAP_SHARED_VALIDATE knows of (linux/mman.h's LEGACY_MAP_MASK); MAP_SYNC needs a DAX file.
#define MAP_KNOWN                                                                                \
	(MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE | \
	 MAP_UNINITIALIZED | MAP_GROWSDOWN | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE |         \
	 MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | MAP_32BIT)

static int map_check_file(const struct map_request *rq, u32 *flags)
{
	const struct file *f = rq->file;
	u32 type = rq->flags & MAP_TYPE;
	u64 len = ALIGN_UP(rq->len, (u64)PAGE_SIZE);

	// Bytes of a file are counted by a signed 64-bit offset.
	if (len > INT64_MAX || rq->pgoff > (INT64_MAX - len) >> PAGE_SHIFT)
		return -EOVERFLOW;
	if (type != MAP_SHARED && type != MAP_SHARED_VALIDATE && type != MAP_PRIVATE)
		return -EINVAL;
	if (type == MAP_SHARED_VALIDATE && (rq->flags & ~(u32)MAP_KNOWN & ~(u32)MAP_TYPE))
		return -EOPNOTSUPP;
	if (type != MAP_PRIVATE) {
		if ((rq->prot & PROT_WRITE) && !(f->f_mode & FMODE_WRITE))
			return -EACCES;
		*flags |= VMA_SHARED;
		if (!(f->f_mode & FMODE_WRITE))
			*flags &= ~(u32)VMA_MAYWRITE;
	}
	if (!(f->f_mode & FMODE_READ))
		return -EACCES;
	if (file_is_noexec(f)) {
		if (*flags & VMA_EXEC)
			return -EPERM;
		*flags &= ~(u32)VMA_MAYEXEC;
	}
	if (!f->f_ops->mmap)
		return -ENODEV;
	return *flags & VMA_GROWSDOWN ? -EINVAL : 0;
}

static int map_check_anon(const struct map_request *rq, u32 *flags)
{
	switch (rq->flags & MAP_TYPE) {
	case MAP_SHARED:
		if (*flags & VMA_GROWSDOWN)
			return -EINVAL;
		*flags |= VMA_SHARED;
		return 0;
	case MAP_PRIVATE:
		return 0;
	default:
		return -EINVAL;
	}
}

static int map_check_limits(const struct map_request *rq, u32 flags, u64 addr, u64 len)
{
	struct mm *mm = rq->mm;
	u64 pages = len >> PAGE_SHIFT, replaced = 0;

	if (rq->flags & MAP_FIXED) {
		struct vma *prev, *v = vma_find(mm, addr, &prev);

		// What the call itself unmaps does not count.
		for (; v && v->v_start < addr + len; v = vma_next(v))
			replaced += (MIN(v->v_end, addr + len) - MAX(v->v_start, addr)) >>
				    PAGE_SHIFT;
	}
	if (mm_may_expand(mm, flags, pages - replaced))
		return -ENOMEM;
	return mm_may_commit(flags, pages);
}

// A region for the request, with all it refers to, not linked yet.
static int map_prepare(const struct map_request *rq, u32 flags, u64 addr, u64 len, struct vma **out)
{
	struct vma *v = slab_zalloc(&vma_cache);
	int r = 0;

	if (!v)
		return -ENOMEM;
	v->v_mm = rq->mm;
	v->v_start = addr;
	v->v_end = addr + len;
	v->v_flags = flags;
	v->v_name = rq->name;
	if (rq->file) {
		v->v_file = rq->file;
		file_get(rq->file);
		v->v_pgoff = rq->pgoff;
		r = rq->file->f_ops->mmap(rq->file, v);
	}
	// Shared memory without a cache of its own: MAP_ANONYMOUS, /dev/zero.
	if (!r && (flags & VMA_SHARED) && !v->v_cache) {
		struct shm_object *o = shm_create(len >> PAGE_SHIFT);

		if (o)
			v->v_cache = &o->o_cache;
		else
			r = -ENOMEM;
		v->v_pgoff = 0;
		if (!v->v_name)
			v->v_name = "/dev/zero (deleted)";
	}
	if (r) {
		vma_free(v);
		return r;
	}
	*out = v;
	return 0;
}

static bool map_try_extend(const struct map_request *rq, u32 flags, u64 addr, u64 len,
			   struct gather *g)
{
	struct vma like = {
		.v_start = addr, .v_end = addr + len, .v_flags = flags, .v_name = rq->name};

	if (rq->file || (flags & VMA_SHARED) || (rq->flags & MAP_FIXED))
		return false;
	return vma_extend(rq->mm, &like, &g->g_dead);
}

// mm_lock held for writing. Address, or negative errno with nothing changed.
static long map_locked(const struct map_request *rq, u64 len, struct gather *g)
{
	struct mm *mm = rq->mm;
	u32 flags;
	struct vma *v;
	long addr;
	int r;

	if (mm->mm_vma_count > VMA_MAX)
		return -ENOMEM;
	addr = map_address(rq, len);
	if (addr < 0)
		return addr;
	flags = map_vma_flags(rq);
	if ((rq->flags & MAP_LOCKED) && !rlimit_current(RLIMIT_MEMLOCK) && !capable(CAP_IPC_LOCK))
		return -EPERM;
	if ((flags & VMA_LOCKED) && mm_may_lock(mm, len >> PAGE_SHIFT))
		return -EAGAIN;
	r = rq->file ? map_check_file(rq, &flags) : map_check_anon(rq, &flags);
	if (!r)
		r = map_check_limits(rq, flags, (u64)addr, len);
	if (r)
		return r;
	if (map_try_extend(rq, flags, (u64)addr, len, g))
		return addr;
	r = map_prepare(rq, flags, (u64)addr, len, &v);
	if (r)
		return r;
	if (rq->flags & MAP_FIXED)
		r = mm_unmap_locked(mm, (u64)addr, (u64)addr + len, g);
	if (r) {
		v->v_dead_next = g->g_dead;
		g->g_dead = v;
		return r;
	}
	vma_insert(mm, v);
	vma_merge(mm, v, &g->g_dead);
	return addr;
}

long mm_map(const struct map_request *rq)
{
	u64 len = ALIGN_UP(rq->len, (u64)PAGE_SIZE);
	struct gather g;
	bool populate;
	long addr;

	if (!rq->len)
		return -EINVAL;
	if (!len)
		return -ENOMEM;
	if (rq->pgoff + (len >> PAGE_SHIFT) < rq->pgoff)
		return -EOVERFLOW;
	gather_init(&g, rq->mm);
	rw_lock_write(&rq->mm->mm_lock);
	addr = map_locked(rq, len, &g);
	gather_flush(&g);
	populate = (rq->flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE ||
		   (rq->flags & MAP_LOCKED) || (rq->mm->mm_def_flags & VMA_LOCKED);
	rw_unlock_write(&rq->mm->mm_lock);
	gather_finish(&g);
	// As on Linux, what cannot be brought in is not an error of mmap.
	if (populate && addr >= 0)
		(void)mm_populate(rq->mm, (u64)addr, (u64)addr + len, POPULATE_LOCK);
	return addr;
}

int mm_map_special(struct mm *mm, u64 addr, const u64 *frames, u32 n, u32 vma_flags,
		   const char *name)
{
	struct vma *v = slab_zalloc(&vma_cache);
	u64 len = (u64)n * PAGE_SIZE;
	int r = 0;

	if (!v)
		return -ENOMEM;
	v->v_start = addr;
	v->v_end = addr + len;
	v->v_flags = vma_flags | VMA_SPECIAL;
	v->v_special_frames = frames;
	v->v_name = name;
	rw_lock_write(&mm->mm_lock);
	if (!IS_ALIGNED(addr, PAGE_SIZE) || len > mm->mm_user_end || addr > mm->mm_user_end - len)
		r = -EINVAL;
	else if (!mm_range_free(mm, addr, len) || mm->mm_vma_count >= VMA_MAX)
		r = -ENOMEM;
	else
		vma_insert(mm, v);
	rw_unlock_write(&mm->mm_lock);
	if (r)
		vma_free(v);
	return r;
}

// --- brk ---

static u32 brk_flags(const struct mm *mm)
{
	return VMA_READ | VMA_WRITE | VMA_MAYREAD | VMA_MAYWRITE | VMA_MAYEXEC | VMA_HEAP |
	       mm->mm_def_flags | (mm->mm_read_implies_exec ? VMA_EXEC : 0);
}

// [from, to) becomes heap: false when anything is in the way.
static bool brk_grow(struct mm *mm, u64 from, u64 to, struct gather *g)
{
	struct vma like = {.v_start = from,
			   .v_end = to,
			   .v_flags = brk_flags(mm),
			   .v_name = "[heap]"},
		   *v, *prev;
	u64 pages = (to - from) >> PAGE_SHIFT;

	v = vma_find(mm, from, &prev);
	// One page of distance to what lies above, beside a stack's own gap.
	if (to > mm->mm_user_end || (v && to + PAGE_SIZE > v->v_start - vma_guard(v)))
		return false;
	if (mm_may_expand(mm, like.v_flags, pages) || mm_may_commit(like.v_flags, pages))
		return false;
	if ((like.v_flags & VMA_LOCKED) && mm_may_lock(mm, pages))
		return false;
	if (vma_extend(mm, &like, &g->g_dead))
		return true;
	v = mm->mm_vma_count < VMA_MAX ? slab_alloc(&vma_cache) : NULL;
	if (!v)
		return false;
	*v = like;
	vma_insert(mm, v);
	return true;
}

u64 mm_brk(struct mm *mm, u64 brk)
{
	u64 data = mm->mm_end_data - mm->mm_start_data, limit = rlimit_current(RLIMIT_DATA), from,
	    to, locked = 0;
	struct gather g;
	bool ok = true;

	gather_init(&g, mm);
	rw_lock_write(&mm->mm_lock);
	if (brk < mm->mm_brk_start || brk > mm->mm_user_end || brk - mm->mm_brk_start > limit ||
	    data > limit - (brk - mm->mm_brk_start))
		goto out;
	from = ALIGN_UP(mm->mm_brk, (u64)PAGE_SIZE);
	to = ALIGN_UP(brk, (u64)PAGE_SIZE);
	if (to > from) {
		ok = brk_grow(mm, from, to, &g);
		locked = ok && (mm->mm_def_flags & VMA_LOCKED) ? to : 0;
	} else if (to < from) {
		ok = !mm_unmap_locked(mm, to, from, &g);
	}
	if (ok)
		mm->mm_brk = brk;
out:
	brk = mm->mm_brk;
	gather_flush(&g);
	rw_unlock_write(&mm->mm_lock);
	gather_finish(&g);
	if (locked)
		(void)mm_populate(mm, from, to, POPULATE_LOCK);
	return brk;
}

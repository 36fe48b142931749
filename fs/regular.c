// SPDX-License-Identifier: MIT
/*
 * Files that live in the page cache: read, write, seek, truncate, preallocate, map. Writers hold
 * i_lock; readers do not, they look at the size once a page. Bytes of the last page behind the end
 * are kept 0, so that growth shows zeros.
 */
#include "fs/vfs.h"
#include "kern/sched.h"
#include "kern/signal.h"
#include "kern/task.h"
#include "lib/string.h"
#include "vm/mm.h"
#include "vm/page.h"

#include <linux/errno.h>
#include <linux/falloc.h>

/* A cache without fill is the file itself (tmpfs): what is not in it is a hole. */
static bool has_holes(const struct inode *i)
{
	return !i->i_cache.pc_ops->fill;
}

static long regular_read(struct file *f, struct uio *u, u64 *pos)
{
	struct inode *i = f->f_inode;
	size_t done = 0;
	int err = 0;

	while (u->resid) {
		u64 size = READ_ONCE(i->i_size);
		size_t off = *pos % PAGE_SIZE, n, moved;
		struct page *page;

		if (*pos >= size)
			break;
		n = MIN(MIN(u->resid, PAGE_SIZE - off), size - *pos);
		page = pagecache_find(&i->i_cache, *pos / PAGE_SIZE);
		if (unlikely(!page) && !has_holes(i)) {
			err = pagecache_get(&i->i_cache, *pos / PAGE_SIZE, true, &page);
			if (err)
				break;
		}
		if (likely(page)) {
			moved = uio_put(u, (char *)page_address(page) + off, n);
			page_put(page);
		} else {
			moved = uio_zero(u, n);
		}
		done += moved;
		*pos += moved;
		if (moved < n) {
			err = -EFAULT;
			break;
		}
		sched_point();
	}
	inode_atime(f);
	return done ? (long)done : err;
}

/* RLIMIT_FSIZE (setrlimit(2)): SIGXFSZ and EFBIG at the limit, a short write before it. The new
 * length, or negative. */
static s64 write_limit(const struct file *f, u64 pos, size_t n)
{
	u64 limit = rlimit_current(RLIMIT_FSIZE);
	u64 max = f->f_flags & O_LARGEFILE ? VFS_SIZE_MAX : 0x7fffffff;

	if (unlikely(limit < VFS_SIZE_MAX)) {
		if (pos >= limit) {
			signal_send_self(SIGXFSZ);
			return -EFBIG;
		}
		n = MIN(n, limit - pos);
	}
	if (pos >= max)
		return -EFBIG;
	return (s64)MIN(n, max - pos);
}

/* [from, to) of one page becomes 0, if the page is there. */
static void zero_in_page(struct inode *i, u64 from, u64 to)
{
	struct page *page;

	if (from == to)
		return;
	page = pagecache_find(&i->i_cache, from / PAGE_SIZE);
	if (!page)
		return;
	memset((char *)page_address(page) + from % PAGE_SIZE, 0, to - from);
	page_put(page);
}

/* i_lock held, the size is about to grow to `size` or data to be written there. What a shared
 * mapping left behind the end of the last page must not become content. */
static void zero_behind_end(struct inode *i, u64 size)
{
	u64 end = i->i_size;

	if (size > end)
		zero_in_page(i, end, MIN(size, ALIGN_UP(end, PAGE_SIZE)));
}

/* i_lock held. Bytes written, or the error if there are none. */
static long write_pages(struct inode *i, struct uio *u, u64 *pos, size_t n)
{
	size_t done = 0;

	while (done < n) {
		size_t off = *pos % PAGE_SIZE, want = MIN(n - done, PAGE_SIZE - off), moved;
		struct page *page;
		int err = pagecache_get(&i->i_cache, *pos / PAGE_SIZE, true, &page);

		if (err)
			return done ? (long)done : err;
		moved = uio_take(u, (char *)page_address(page) + off, want);
		if (!(page->pg_flags & PG_DIRTY))
			__atomic_fetch_or(&page->pg_flags, PG_DIRTY, __ATOMIC_RELAXED);
		page_put(page);
		done += moved;
		*pos += moved;
		if (*pos > i->i_size)
			WRITE_ONCE(i->i_size, *pos);
		if (moved < want)
			return done ? (long)done : -EFAULT;
		sched_point();
	}
	return (long)done;
}

static long regular_write(struct file *f, struct uio *u, u64 *pos)
{
	struct inode *i = f->f_inode;
	s64 n;
	long r;

	if (!u->resid)
		return 0;
	mutex_lock(&i->i_lock);
	if ((f->f_flags & O_APPEND) || u->append)
		*pos = i->i_size;
	n = write_limit(f, *pos, u->resid);
	r = n < 0 ? (long)n : inode_remove_privs(i);
	if (!r) {
		inode_touch(i);
		zero_behind_end(i, *pos);
		r = write_pages(i, u, pos, (size_t)n);
	}
	mutex_unlock(&i->i_lock);
	return r;
}

/* --- size --- */

/* i_lock held. The size falls first, so that no reader finds a page that is about to go. */
void inode_set_size(struct inode *i, u64 size)
{
	u64 old = i->i_size;

	zero_behind_end(i, size);
	WRITE_ONCE(i->i_size, size);
	if (size >= old)
		return;
	pagecache_truncate(&i->i_cache, DIV_ROUND_UP(size, PAGE_SIZE), ~0ull);
	/* Also what a shared mapping wrote behind the end of the last page. */
	zero_in_page(i, size, DIV_ROUND_UP(size, PAGE_SIZE) * PAGE_SIZE);
}

int vfs_truncate(struct inode *i, u64 size)
{
	struct iattr a = {.valid = ATTR_SIZE | ATTR_MTIME_NOW, .size = size};
	int err = 0;

	mutex_lock(&i->i_lock);
	if (size > i->i_size && size > rlimit_current(RLIMIT_FSIZE)) {
		signal_send_self(SIGXFSZ);
		err = -EFBIG;
	}
	if (!err)
		err = inode_remove_privs(i);
	if (!err && i->i_ops->setattr) {
		err = i->i_ops->setattr(i, &a);
	} else if (!err) {
		inode_set_size(i, size);
		inode_setattr(i, &a);
	}
	mutex_unlock(&i->i_lock);
	return err;
}

/* --- lseek --- */

/* SEEK_DATA and SEEK_HOLE (lseek(2)): the file ends with a hole. */
static s64 seek_data(struct inode *i, u64 off, bool hole)
{
	u64 size = i->i_size, found;

	if (off >= size)
		return -ENXIO;
	if (!has_holes(i))
		return (s64)(hole ? size : off);
	found = hole ? pagecache_next_hole(&i->i_cache, off / PAGE_SIZE)
		     : pagecache_next(&i->i_cache, off / PAGE_SIZE);
	if (found > size / PAGE_SIZE)
		return hole ? (s64)size : -ENXIO;
	found = MAX(found * PAGE_SIZE, off);
	if (found >= size)
		return hole ? (s64)size : -ENXIO;
	return (s64)found;
}

static s64 regular_seek(struct file *f, s64 off, int whence)
{
	u64 base = 0;
	s64 pos;

	switch (whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		base = f->f_pos;
		break;
	case SEEK_END:
		base = READ_ONCE(f->f_inode->i_size);
		break;
	case SEEK_DATA:
	case SEEK_HOLE:
		if (off < 0)
			return -ENXIO;
		pos = seek_data(f->f_inode, (u64)off, whence == SEEK_HOLE);
		if (pos >= 0)
			f->f_pos = (u64)pos;
		return pos;
	default:
		return -EINVAL;
	}
	pos = (s64)(base + (u64)off);
	if (pos < 0)
		return -EINVAL;
	f->f_pos = (u64)pos;
	return pos;
}

/* --- fallocate --- */

/* Space for every page of [off, end): asked for first, so that a refusal changes nothing. */
static int preallocate(struct inode *i, u64 off, u64 end)
{
	u64 first = off / PAGE_SIZE, last = (end - 1) / PAGE_SIZE;
	struct pagecache *pc = &i->i_cache;
	u64 missing = 0;

	for (u64 at = pagecache_next_hole(pc, first); at <= last;) {
		u64 next = pagecache_next(pc, at);

		missing += MIN(next, last + 1) - at;
		if (next > last)
			break;
		at = pagecache_next_hole(pc, next);
	}
	if (i->i_super->s_pages_max && i->i_super->s_pages + missing > i->i_super->s_pages_max)
		return -ENOSPC;
	for (u64 at = pagecache_next_hole(pc, first); at <= last;
	     at = pagecache_next_hole(pc, at + 1)) {
		struct page *page;
		int err = pagecache_get(pc, at, true, &page);

		if (err)
			return err;
		page_put(page);
		if (signal_pending(current))
			return -EINTR;
		sched_point();
	}
	return 0;
}

static void punch(struct inode *i, u64 off, u64 end)
{
	u64 first = DIV_ROUND_UP(off, PAGE_SIZE), past = end / PAGE_SIZE;

	if (first > past) { /* inside one page */
		zero_in_page(i, off, end);
		return;
	}
	zero_in_page(i, off, first * PAGE_SIZE);
	zero_in_page(i, past * PAGE_SIZE, end);
	if (past > first)
		pagecache_truncate(&i->i_cache, first, past - 1);
}

static long regular_fallocate(struct file *f, u32 mode, u64 off, u64 len)
{
	struct inode *i = f->f_inode;
	u64 end = off + len;
	int err = 0;

	if (!has_holes(i) || mode & ~(u32)(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	mutex_lock(&i->i_lock);
	if (!(mode & FALLOC_FL_KEEP_SIZE) && end > i->i_size &&
	    end > rlimit_current(RLIMIT_FSIZE)) {
		signal_send_self(SIGXFSZ);
		err = -EFBIG;
	} else if (mode & FALLOC_FL_PUNCH_HOLE) {
		punch(i, off, end);
		inode_touch(i);
	} else {
		err = preallocate(i, off, end);
		if (!err && !(mode & FALLOC_FL_KEEP_SIZE) && end > i->i_size)
			inode_set_size(i, end);
		if (!err)
			inode_touch(i);
	}
	mutex_unlock(&i->i_lock);
	return err;
}

/* --- the rest --- */

int file_mmap_cache(struct file *f, struct vma *v)
{
	v->v_cache = &f->f_inode->i_cache;
	inode_atime(f);
	return 0;
}

/* Memory is where these files are; a file system with a store behind it brings operations of its
 * own. */
static int regular_fsync(struct file *f, bool data_only)
{
	(void)f;
	(void)data_only;
	return 0;
}

const struct file_ops regular_file_ops = {
	.read = regular_read,
	.write = regular_write,
	.seek = regular_seek,
	.mmap = file_mmap_cache,
	.fsync = regular_fsync,
	.fallocate = regular_fallocate,
};

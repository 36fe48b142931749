// SPDX-License-Identifier: MIT
/*
 * Open files: counts, positions, and the way from a call to the file's operations. What is checked
 * here (mode, position range, position lock) no operation checks again.
 */
#include "fs/namei.h"
#include "fs/poll.h"
#include "kern/sched.h"
#include "kern/task.h"
#include "vm/page.h"
#include "vm/slab.h"

#include <linux/errno.h>
#include <linux/falloc.h>

#define ANON_MAGIC 0x09041934 /* ANON_INODE_FS_MAGIC */

static struct slab_cache file_slab = SLAB_CACHE(file_slab, "file", struct file);

struct file *file_alloc(const struct file_ops *ops, const struct path *p, u32 oflags, u32 mode)
{
	struct file *f = slab_zalloc(&file_slab);

	if (!f)
		return NULL;
	f->f_ops = ops;
	f->f_path = *p;
	path_get(p);
	f->f_inode = p->dentry->d_inode;
	ref_init(&f->f_ref);
	// A terminal's open still looks at O_NOCTTY; file_open drops it afterwards.
	f->f_flags = oflags & ~(u32)(O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC);
	f->f_mode = mode;
	if (!ops->seek)
		f->f_mode |= FMODE_STREAM;
	mutex_init(&f->f_pos_lock, "file position", RANK_FILE);
	list_init(&f->f_epoll);
	return f;
}

void file_get(struct file *f)
{
	ref_get(&f->f_ref);
}

void file_put(struct file *f)
{
	struct inode *i = f->f_inode;

	if (!ref_put(&f->f_ref))
		return;
	if (!list_empty(&i->i_locks)) {
		file_locks_remove(f, f, FILE_LOCK_OFD);
		file_locks_remove(f, f, FILE_LOCK_FLOCK);
	}
	if (f->f_ops->release)
		f->f_ops->release(f);
	if (f->f_mode & FMODE_WRITER) {
		inode_write_put(i);
		__atomic_fetch_sub(&f->f_path.mnt->mnt_writers, 1, __ATOMIC_SEQ_CST);
	}
	if (f->f_mode & FMODE_EXEC)
		__atomic_fetch_add(&i->i_writers, 1, __ATOMIC_ACQ_REL);
	path_put(&f->f_path);
	slab_free(&file_slab, f);
}

/* POSIX: any close of a file by a process drops all its record locks there (fcntl(2)). */
int file_flush(struct file *f, const void *owner)
{
	if (!list_empty(&f->f_inode->i_locks))
		file_locks_remove(f, owner, FILE_LOCK_POSIX);
	return f->f_ops->flush ? f->f_ops->flush(f) : 0;
}

/* --- read, write, seek --- */

static bool position_ok(u64 pos, size_t n)
{
	return (s64)pos >= 0 && (s64)(pos + n) >= 0;
}

long file_read(struct file *f, struct uio *u, u64 *pos)
{
	const struct file_ops *ops = f->f_ops;
	u64 none = 0;
	long n;

	if (unlikely(!(f->f_mode & FMODE_READ)))
		return -EBADF;
	if (unlikely(!ops->read))
		return S_ISDIR(f->f_inode->i_mode) ? -EISDIR : -EINVAL;
	if (f->f_mode & FMODE_STREAM)
		return pos ? -ESPIPE : ops->read(f, u, &none);
	if (pos)
		return position_ok(*pos, u->resid) ? ops->read(f, u, pos) : -EINVAL;
	mutex_lock(&f->f_pos_lock);
	n = position_ok(f->f_pos, u->resid) ? ops->read(f, u, &f->f_pos) : -EINVAL;
	mutex_unlock(&f->f_pos_lock);
	return n;
}

static long write_at(struct file *f, struct uio *u, u64 *pos)
{
	long n;

	if (!position_ok(*pos, 0))
		return -EINVAL;
	n = f->f_ops->write(f, u, pos);
	if (n > 0 && unlikely(f->f_flags & O_DSYNC)) { /* O_SYNC holds this bit too */
		int err = file_fsync(f, (f->f_flags & O_SYNC) != O_SYNC);

		if (err && err != -EINVAL) /* -EINVAL: nothing to sync behind it */
			return err;
	}
	return n;
}

long file_write(struct file *f, struct uio *u, u64 *pos)
{
	u64 none = 0;
	long n;

	if (unlikely(!(f->f_mode & FMODE_WRITE)))
		return -EBADF;
	if (unlikely(!f->f_ops->write))
		return -EINVAL;
	if (f->f_mode & FMODE_STREAM)
		return pos ? -ESPIPE : f->f_ops->write(f, u, &none);
	if (pos)
		return write_at(f, u, pos);
	mutex_lock(&f->f_pos_lock);
	n = write_at(f, u, &f->f_pos);
	mutex_unlock(&f->f_pos_lock);
	return n;
}

long file_read_kernel(struct file *f, void *buf, size_t n, u64 off)
{
	size_t done = 0;

	while (done < n) {
		struct uio u;
		u64 pos = off + done;
		long r;

		uio_init_kernel(&u, (char *)buf + done, n - done);
		r = file_read(f, &u, &pos);
		if (r < 0)
			return r;
		if (r == 0)
			break;
		done += (size_t)r;
	}
	return (long)done;
}

s64 file_seek(struct file *f, s64 off, int whence)
{
	s64 pos;

	if (!f->f_ops->seek)
		return -ESPIPE;
	mutex_lock(&f->f_pos_lock);
	pos = f->f_ops->seek(f, off, whence);
	mutex_unlock(&f->f_pos_lock);
	return pos;
}

s64 file_seek_plain(struct file *f, s64 off, int whence)
{
	s64 pos = whence == SEEK_CUR ? (s64)((u64)off + f->f_pos) : off;

	if ((whence != SEEK_CUR && whence != SEEK_SET) || pos < 0)
		return -EINVAL;
	f->f_pos = (u64)pos;
	return pos;
}

/* --- the rest of the operations --- */

long file_ioctl(struct file *f, u32 cmd, u64 arg)
{
	return f->f_ops->ioctl ? f->f_ops->ioctl(f, cmd, arg) : -ENOTTY;
}

u32 file_poll(struct file *f, struct poll_table *pt)
{
	if (!f->f_ops->poll)
		return EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM;
	return f->f_ops->poll(f, pt);
}

/* -EINVAL where there is nothing to sync: pipes, devices (fsync(2)). */
int file_fsync(struct file *f, bool data_only)
{
	return f->f_ops->fsync ? f->f_ops->fsync(f, data_only) : -EINVAL;
}

int file_getdents(struct file *f, struct dir_emit *e)
{
	struct inode *dir = f->f_inode;
	int err = -ENOENT;

	if (!f->f_ops->readdir)
		return -ENOTDIR;
	mutex_lock(&f->f_pos_lock);
	mutex_lock(&dir->i_lock);
	if (dir->i_nlink) /* 0: removed, as Linux's IS_DEADDIR */
		err = f->f_ops->readdir(f, e);
	mutex_unlock(&dir->i_lock);
	inode_atime(f);
	mutex_unlock(&f->f_pos_lock);
	return err;
}

static int fallocate_check(const struct file *f, u32 mode, u64 off, u64 len)
{
	const u32 known = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE |
			  FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE |
			  FALLOC_FL_UNSHARE_RANGE;
	u32 type = f->f_inode->i_mode;

	if ((s64)off < 0 || (s64)len <= 0)
		return -EINVAL;
	if (mode & ~known)
		return -EOPNOTSUPP;
	if (mode & FALLOC_FL_PUNCH_HOLE &&
	    (mode & FALLOC_FL_ZERO_RANGE || !(mode & FALLOC_FL_KEEP_SIZE)))
		return -EOPNOTSUPP;
	if (!(f->f_mode & FMODE_WRITE))
		return -EBADF;
	if (S_ISFIFO(type))
		return -ESPIPE;
	if (S_ISDIR(type))
		return -EISDIR;
	if (!S_ISREG(type) && !S_ISBLK(type))
		return -ENODEV;
	return (s64)(off + len) < 0 ? -EFBIG : 0;
}

long file_fallocate(struct file *f, u32 mode, u64 off, u64 len)
{
	int err = fallocate_check(f, mode, off, len);

	if (err)
		return err;
	return f->f_ops->fallocate ? f->f_ops->fallocate(f, mode, off, len) : -EOPNOTSUPP;
}

/* --- sendfile --- */

/* One piece, at most a page, of `in` at *pos into `out`: straight from the page cache where there
 * is one. */
static long send_piece(struct file *out, struct file *in, u64 *pos, size_t n, void *bounce)
{
	size_t off = *pos % PAGE_SIZE;
	struct page *page = NULL;
	struct uio u;
	long r;

	n = MIN(n, PAGE_SIZE - off);
	if (in->f_ops == &regular_file_ops) {
		u64 size = READ_ONCE(in->f_inode->i_size);

		if (*pos >= size)
			return 0;
		n = MIN(n, size - *pos);
		page = pagecache_find(&in->f_inode->i_cache, *pos / PAGE_SIZE);
	}
	if (page) {
		uio_init_kernel(&u, (char *)page_address(page) + off, n);
	} else {
		r = file_read_kernel(in, bounce, n, *pos);
		if (r <= 0)
			return r;
		uio_init_kernel(&u, bounce, (size_t)r);
	}
	r = file_write(out, &u, NULL);
	if (r > 0)
		*pos += (u64)r;
	if (page)
		page_put(page);
	return r;
}

static long send_pieces(struct file *out, struct file *in, u64 *pos, size_t n, void *bounce)
{
	size_t done = 0;
	long r = 0;

	while (done < n) {
		size_t want = MIN(n - done, PAGE_SIZE - *pos % PAGE_SIZE);

		r = send_piece(out, in, pos, want, bounce);
		if (r <= 0)
			break;
		done += (size_t)r;
		if (signal_pending(current))
			break;
		sched_point();
	}
	return done ? (long)done : r;
}

long file_sendfile(struct file *out, struct file *in, u64 *in_pos, size_t n)
{
	struct page *bounce;
	u64 pos;
	long r;

	if (!(in->f_mode & FMODE_READ) || !(out->f_mode & FMODE_WRITE))
		return -EBADF;
	if (in->f_mode & FMODE_STREAM)
		return in_pos ? -ESPIPE : -EINVAL;
	if (!in->f_ops->read || !out->f_ops->write || out->f_flags & O_APPEND)
		return -EINVAL;
	/* The position is copied: holding it would order two position locks. */
	pos = in_pos ? *in_pos : READ_ONCE(in->f_pos);
	if (!position_ok(pos, n))
		return -EINVAL;
	bounce = page_alloc(0);
	if (!bounce)
		return -ENOMEM;
	r = send_pieces(out, in, &pos, n, page_address(bounce));
	page_put(bounce);
	if (r > 0 && in_pos)
		*in_pos = pos;
	else if (r > 0)
		WRITE_ONCE(in->f_pos, pos);
	return r;
}

/* --- files without a name --- */

static struct super *pseudo;
static struct mount pseudo_mount;
static struct inode *anon_inode;
static const struct super_ops pseudo_ops;

struct super *anon_super(void)
{
	return pseudo;
}

int anon_file_create_inode(const char *name, struct inode *i, const struct file_ops *ops,
			   void *priv, u32 oflags, struct file **out)
{
	static const u32 modes[] = {FMODE_READ, FMODE_WRITE, FMODE_READ | FMODE_WRITE, 0};
	struct path p = {&pseudo_mount, dentry_create_pseudo(pseudo, name, i)};

	if (!p.dentry)
		return -ENOMEM;
	*out = file_alloc(ops, &p, oflags, modes[oflags & O_ACCMODE]);
	if (!*out)
		inode_get(i); /* the dentry's reference goes, the caller's stays */
	dentry_put(p.dentry);
	if (!*out)
		return -ENOMEM;
	(*out)->f_private = priv;
	return 0;
}

int anon_file_create(const char *name, const struct file_ops *ops, void *priv, u32 oflags,
		     struct file **out)
{
	int err;

	inode_get(anon_inode);
	err = anon_file_create_inode(name, anon_inode, ops, priv, oflags, out);
	if (err)
		inode_put(anon_inode);
	return err;
}

int anon_init(void)
{
	struct inode *root;

	pseudo = super_create("anon_inodefs", &pseudo_ops, ANON_MAGIC);
	if (!pseudo)
		return -ENOMEM;
	pseudo->s_flags = SUPER_PSEUDO;
	root = inode_create(pseudo, S_IFDIR | 0555);
	anon_inode = inode_create(pseudo, 0600); /* no type, as Linux shows it */
	if (!root || !anon_inode)
		return -ENOMEM;
	pseudo->s_root = dentry_create_root(pseudo, root);
	if (!pseudo->s_root)
		return -ENOMEM;
	pseudo_mount.mnt_super = pseudo;
	pseudo_mount.mnt_root = pseudo->s_root;
	ref_init(&pseudo_mount.mnt_ref); /* never falls to 0 */
	return 0;
}

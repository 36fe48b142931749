// SPDX-License-Identifier: MIT
/*
 * Bytes through descriptors: read and write in all forms, seek, sendfile, truncate, allocate, sync.
 * Counts are cut to what one call may move; a user range that leaves the user half fails as a
 * whole, as Linux checks it first.
 */
#include "abi/layout.h"
#include "kern/files.h"
#include "kern/task.h"
#include "machine/uaccess.h"
#include "sys/fs.h"
#include "sys_proto.h"
#include "vm/slab.h"

#include <linux/errno.h>
#include <linux/fadvise.h>
#include <linux/uio.h>

#define RW_MAX	  0x7ffff000 /* MAX_RW_COUNT: write(2) */
#define SEGS_FAST 8

enum { READ, WRITE };

/* What Linux's vfs_read and vfs_write check, in their order, before the file is asked. */
static ALWAYS_INLINE int transfer_check(const struct file *f, int op, uptr buf, size_t n)
{
	if (!(f->f_mode & (op == READ ? FMODE_READ : FMODE_WRITE)))
		return -EBADF;
	if (op == READ ? !f->f_ops->read : !f->f_ops->write)
		return S_ISDIR(f->f_inode->i_mode) && op == READ ? -EISDIR : -EINVAL;
	if (unlikely(!user_range_ok(buf, n)))
		return -EFAULT;
	return (s64)n < 0 ? -EINVAL : 0;
}

static ALWAYS_INLINE void one_segment(struct uio *u, uptr buf, size_t n)
{
	u->one.user = buf;
	u->one.len = n;
	u->segs = &u->one;
	u->nsegs = 1;
	u->kernel = false;
	u->append = false;
	u->seg_off = 0;
	u->resid = n;
}

/* With the file's own position. Streams have none, so they are asked without the lock around it. */
static ALWAYS_INLINE long transfer(int fd, int op, uptr buf, size_t n)
{
	struct fdref r = fd_get(fd);
	struct file *f = r.file;
	u64 none = 0;
	struct uio u;
	long ret;

	if (unlikely(!f))
		return -EBADF;
	ret = transfer_check(f, op, buf, n);
	if (likely(!ret)) {
		one_segment(&u, buf, MIN(n, (size_t)RW_MAX));
		if (f->f_mode & FMODE_STREAM)
			ret = op == READ ? f->f_ops->read(f, &u, &none)
					 : f->f_ops->write(f, &u, &none);
		else
			ret = op == READ ? file_read(f, &u, NULL) : file_write(f, &u, NULL);
	}
	if (r.counted)
		fd_put(r);
	return ret;
}

long sys_read(int fd, uptr buf, size_t n)
{
	return transfer(fd, READ, buf, n);
}

long sys_write(int fd, uptr buf, size_t n)
{
	return transfer(fd, WRITE, buf, n);
}

static long transfer_at(int fd, int op, uptr buf, size_t n, s64 pos)
{
	u64 at = (u64)pos;
	struct fdref r;
	struct uio u;
	long ret;

	if (pos < 0)
		return -EINVAL;
	r = fd_get(fd);
	if (!r.file)
		return -EBADF;
	ret = r.file->f_mode & FMODE_STREAM ? -ESPIPE : transfer_check(r.file, op, buf, n);
	if (!ret) {
		one_segment(&u, buf, MIN(n, (size_t)RW_MAX));
		ret = op == READ ? file_read(r.file, &u, &at) : file_write(r.file, &u, &at);
	}
	fd_put(r);
	return ret;
}

long sys_pread64(int fd, uptr buf, size_t n, s64 pos)
{
	return transfer_at(fd, READ, buf, n, pos);
}

long sys_pwrite64(int fd, uptr buf, size_t n, s64 pos)
{
	return transfer_at(fd, WRITE, buf, n, pos);
}

/* --- vectors --- */

static long transfer_segs(struct file *f, int op, struct uio *u, u64 *pos)
{
	for (u32 k = 0; k < u->nsegs; k++)
		if (!user_range_ok(u->segs[k].user, u->segs[k].len))
			return -EFAULT;
	if (!u->resid) /* no bytes: the mode counts all the same */
		return f->f_mode & (op == READ ? FMODE_READ : FMODE_WRITE) ? 0 : -EBADF;
	u->resid = MIN(u->resid, (size_t)RW_MAX);
	return op == READ ? file_read(f, u, pos) : file_write(f, u, pos);
}

static long transfer_vec(struct file *f, int op, uptr vec, unsigned long vlen, u64 *pos, u32 rwf)
{
	struct uio_seg fast[SEGS_FAST], *segs = fast;
	struct uio u;
	long total;

	if (!(f->f_mode & (op == READ ? FMODE_READ : FMODE_WRITE)))
		return -EBADF;
	if (op == READ ? !f->f_ops->read : !f->f_ops->write)
		return S_ISDIR(f->f_inode->i_mode) && op == READ ? -EISDIR : -EINVAL;
	if (vlen > UIO_MAXIOV)
		return -EINVAL;
	if (vlen > SEGS_FAST) {
		segs = kmalloc(vlen * sizeof(*segs));
		if (!segs)
			return -ENOMEM;
	}
	total = abi_copyin_iovec(segs, vec, (u32)vlen);
	if (total >= 0) {
		uio_init_segs(&u, segs, (u32)vlen, (size_t)total);
		u.append = rwf & RWF_APPEND;
		total = transfer_segs(f, op, &u, pos);
	}
	if (segs != fast)
		kfree(segs);
	return total;
}

static long vec_call(int fd, int op, uptr vec, unsigned long vlen, u64 *pos, u32 rwf)
{
	struct fdref r = fd_get(fd);
	long ret;

	if (!r.file)
		return -EBADF;
	if (pos && r.file->f_mode & FMODE_STREAM)
		ret = -ESPIPE;
	else
		ret = transfer_vec(r.file, op, vec, vlen, pos, rwf);
	if (ret > 0 && op == WRITE && rwf & (RWF_DSYNC | RWF_SYNC)) {
		int err = file_fsync(r.file, true);

		if (err && err != -EINVAL)
			ret = err;
	}
	fd_put(r);
	return ret;
}

long sys_readv(int fd, uptr vec, unsigned long vlen)
{
	return vec_call(fd, READ, vec, vlen, NULL, 0);
}

long sys_writev(int fd, uptr vec, unsigned long vlen)
{
	return vec_call(fd, WRITE, vec, vlen, NULL, 0);
}

static long vec_at(int fd, int op, uptr vec, unsigned long vlen, s64 pos)
{
	u64 at = (u64)pos;

	return pos < 0 ? -EINVAL : vec_call(fd, op, vec, vlen, &at, 0);
}

long sys_preadv(int fd, uptr vec, unsigned long vlen, s64 pos)
{
	return vec_at(fd, READ, vec, vlen, pos);
}

long sys_pwritev(int fd, uptr vec, unsigned long vlen, s64 pos)
{
	return vec_at(fd, WRITE, vec, vlen, pos);
}

/* Position -1 stands for the file's own. RWF_HIPRI is a hint; what cannot be kept is refused. */
static long vec_flags(int fd, int op, uptr vec, unsigned long vlen, s64 pos, u32 flags)
{
	u64 at = (u64)pos;

	if (flags & ~(u32)(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_APPEND))
		return -EOPNOTSUPP;
	if (pos < -1)
		return -EINVAL;
	return vec_call(fd, op, vec, vlen, pos == -1 ? NULL : &at, flags);
}

long sys_preadv2(int fd, uptr vec, unsigned long vlen, s64 pos, unsigned int flags)
{
	return vec_flags(fd, READ, vec, vlen, pos, flags);
}

long sys_pwritev2(int fd, uptr vec, unsigned long vlen, s64 pos, unsigned int flags)
{
	return vec_flags(fd, WRITE, vec, vlen, pos, flags);
}

/* --- positions --- */

static s64 seek_call(int fd, s64 off, int whence)
{
	struct fdref r = fd_get(fd);
	s64 pos = -EINVAL;

	if (!r.file)
		return -EBADF;
	if ((unsigned int)whence <= SEEK_HOLE)
		pos = file_seek(r.file, off, whence);
	fd_put(r);
	return pos;
}

// A position that the caller's off_t cannot show is cut to the register, as Linux's 64-bit kernels
// do.
long sys_lseek(int fd, s64 offset, int whence)
{
	return seek_call(fd, offset, whence);
}

long sys_llseek(int fd, unsigned long high, unsigned long low, uptr result, int whence)
{
	s64 pos = seek_call(fd, (s64)(high << 32 | (u32)low), whence);

	return pos < 0 ? pos : put_user_u64(result, (u64)pos);
}

/* --- sendfile --- */

static long do_sendfile(int outfd, int infd, u64 *pos, size_t n)
{
	struct fdref in = fd_get(infd), out;
	long ret = -EBADF;

	if (!in.file)
		return -EBADF;
	out = fd_get(outfd);
	if (out.file) {
		ret = (s64)n < 0 ? -EINVAL
				 : file_sendfile(out.file, in.file, pos, MIN(n, (size_t)RW_MAX));
		fd_put(out);
	}
	fd_put(in);
	return ret;
}

long sys_sendfile32(int outfd, int infd, uptr offset, size_t count)
{
	u64 pos;
	s64 off;
	long ret;
	int err;

	if (uptr_is_null(offset))
		return do_sendfile(outfd, infd, NULL, count);
	err = abi_copyin_long(&off, offset);
	if (err)
		return err;
	pos = (u64)off;
	ret = do_sendfile(outfd, infd, &pos, count);
	err = abi_copyout_long(offset, (s64)pos);
	return err ? err : ret;
}

long sys_sendfile(int outfd, int infd, uptr offset, size_t count)
{
	u64 pos;
	long ret;
	int err;

	if (uptr_is_null(offset))
		return do_sendfile(outfd, infd, NULL, count);
	err = get_user_u64(&pos, offset);
	if (err)
		return err;
	ret = do_sendfile(outfd, infd, &pos, count);
	err = put_user_u64(offset, pos);
	return err ? err : ret;
}

/* --- size and storage --- */

long sys_truncate(uptr path, s64 length)
{
	struct path p;
	int err;

	if (length < 0)
		return -EINVAL;
	err = user_path(AT_FDCWD, path, LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	err = vfs_truncate_path(&p, (u64)length);
	path_put(&p);
	return err;
}

long sys_ftruncate(int fd, s64 length)
{
	struct fdref r;
	int err;

	if (length < 0)
		return -EINVAL;
	r = fd_get(fd);
	if (!r.file)
		return -EBADF;
	if (!S_ISREG(r.file->f_inode->i_mode) || !(r.file->f_mode & FMODE_WRITE))
		err = -EINVAL;
	else if (!(r.file->f_flags & O_LARGEFILE) && length > INT32_MAX)
		err = -EINVAL;
	else
		err = vfs_truncate(r.file->f_inode, (u64)length);
	fd_put(r);
	return err;
}

long sys_fallocate(int fd, unsigned int mode, s64 offset, s64 len)
{
	struct fdref r = fd_get(fd);
	long ret;

	if (!r.file)
		return -EBADF;
	ret = file_fallocate(r.file, mode, (u64)offset, (u64)len);
	fd_put(r);
	return ret;
}

static long sync_call(int fd, bool data_only)
{
	struct fdref r = fd_get(fd);
	int err;

	if (!r.file)
		return -EBADF;
	err = file_fsync(r.file, data_only);
	fd_put(r);
	return err;
}

long sys_fsync(int fd)
{
	return sync_call(fd, false);
}

long sys_fdatasync(int fd)
{
	return sync_call(fd, true);
}

long sys_sync(void)
{
	vfs_sync();
	return 0;
}

long sys_syncfs(int fd)
{
	struct fdref r = fd_get(fd);
	int err;

	if (!r.file)
		return -EBADF;
	err = super_sync(r.file->f_path.mnt->mnt_super);
	fd_put(r);
	return err;
}

/* Advice about what is all in memory: only its arguments matter. */
static long advise(int fd, s64 len, int advice)
{
	struct fdref r = fd_get(fd);
	int err = 0;

	if (!r.file)
		return -EBADF;
	if (S_ISFIFO(r.file->f_inode->i_mode))
		err = -ESPIPE;
	else if (len < 0 || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE)
		err = -EINVAL;
	fd_put(r);
	return err;
}

long sys_fadvise64(int fd, s64 offset, size_t len, int advice)
{
	(void)offset;
	return advise(fd, (s64)len, advice);
}

long sys_fadvise64_64(int fd, s64 offset, s64 len, int advice)
{
	(void)offset;
	return advise(fd, len, advice);
}

long sys_readahead(int fd, s64 offset, size_t count)
{
	struct fdref r = fd_get(fd);
	int err = 0;

	(void)offset;
	(void)count;
	if (!r.file)
		return -EBADF;
	if (!(r.file->f_mode & FMODE_READ))
		err = -EBADF;
	else if (!S_ISREG(r.file->f_inode->i_mode))
		err = -EINVAL;
	fd_put(r);
	return err;
}

// SPDX-License-Identifier: MIT
/*
 * Looking at files: the stat family, statfs, access, readlink.
 */
#include "abi/layout.h"
#include "kern/files.h"
#include "kern/task.h"
#include "lib/string.h"
#include "machine/uaccess.h"
#include "sys/fs.h"
#include "sys_proto.h"

#include <linux/errno.h>
#include <linux/mount.h>
#include <linux/stat.h>

#define STAT_AT_FLAGS (AT_LOOKUP_FLAGS | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE)

typedef int (*put_stat)(uptr dst, const struct kstat *st);

static long stat_path(int dirfd, uptr name, u32 lookup, uptr dst, put_stat put)
{
	struct kstat st;
	struct path p;
	int err = user_path(dirfd, name, lookup, &p);

	if (err)
		return err;
	err = vfs_getattr(&p, &st);
	path_put(&p);
	return err ? err : put(dst, &st);
}

static long stat_fd(int fd, uptr dst, put_stat put)
{
	struct fdref r = fd_get_path(fd);
	struct kstat st;
	int err;

	if (!r.file)
		return -EBADF;
	err = vfs_getattr(&r.file->f_path, &st);
	fd_put(r);
	return err ? err : put(dst, &st);
}

long sys_stat(uptr path, uptr st)
{
	return stat_path(AT_FDCWD, path, LOOKUP_FOLLOW, st, abi_copyout_stat);
}

long sys_lstat(uptr path, uptr st)
{
	return stat_path(AT_FDCWD, path, 0, st, abi_copyout_stat);
}

long sys_fstat(int fd, uptr st)
{
	return stat_fd(fd, st, abi_copyout_stat);
}

long sys_stat64(uptr path, uptr st)
{
	return stat_path(AT_FDCWD, path, LOOKUP_FOLLOW, st, abi_copyout_stat64);
}

long sys_lstat64(uptr path, uptr st)
{
	return stat_path(AT_FDCWD, path, 0, st, abi_copyout_stat64);
}

long sys_fstat64(int fd, uptr st)
{
	return stat_fd(fd, st, abi_copyout_stat64);
}

long sys_oldstat(uptr path, uptr st)
{
	return stat_path(AT_FDCWD, path, LOOKUP_FOLLOW, st, abi_copyout_oldstat);
}

long sys_oldlstat(uptr path, uptr st)
{
	return stat_path(AT_FDCWD, path, 0, st, abi_copyout_oldstat);
}

long sys_oldfstat(int fd, uptr st)
{
	return stat_fd(fd, st, abi_copyout_oldstat);
}

long sys_newfstatat(int dirfd, uptr path, uptr st, unsigned int flags)
{
	if (flags & ~(u32)STAT_AT_FLAGS)
		return -EINVAL;
	return stat_path(dirfd, path, at_lookup(flags), st, abi_copyout_stat);
}

long sys_fstatat64(int dirfd, uptr path, uptr st, unsigned int flags)
{
	if (flags & ~(u32)STAT_AT_FLAGS)
		return -EINVAL;
	return stat_path(dirfd, path, at_lookup(flags), st, abi_copyout_stat64);
}

long sys_statx(int dirfd, uptr path, unsigned int flags, unsigned int mask, uptr dst)
{
	struct kstat st;
	struct path p;
	int err;

	if (mask & STATX__RESERVED || flags & ~(u32)STAT_AT_FLAGS ||
	    (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	/* A missing name with AT_EMPTY_PATH means the descriptor (Linux 6.11). */
	if (flags & AT_EMPTY_PATH && uptr_is_null(path))
		err = fd_path(dirfd, &p);
	else
		err = user_path(dirfd, path, at_lookup(flags), &p);
	if (err)
		return err;
	err = vfs_getattr(&p, &st);
	path_put(&p);
	return err ? err : abi_copyout_statx(dst, &st, mask);
}

/* --- statfs --- */

static int statfs_path(uptr name, struct kstatfs *out)
{
	struct path p;
	int err = user_path(AT_FDCWD, name, LOOKUP_FOLLOW, &p);

	if (err)
		return err;
	err = vfs_statfs(&p, out);
	path_put(&p);
	return err;
}

static int statfs_fd(int fd, struct kstatfs *out)
{
	struct path p;
	int err = fd_path(fd, &p);

	if (err)
		return err;
	err = vfs_statfs(&p, out);
	path_put(&p);
	return err;
}

long sys_statfs(uptr path, uptr buf)
{
	struct kstatfs st;
	int err = statfs_path(path, &st);

	return err ? err : abi_copyout_statfs(buf, &st);
}

long sys_fstatfs(int fd, uptr buf)
{
	struct kstatfs st;
	int err = statfs_fd(fd, &st);

	return err ? err : abi_copyout_statfs(buf, &st);
}

long sys_statfs64(uptr path, size_t n, uptr buf)
{
	struct kstatfs st;
	int err = statfs_path(path, &st);

	return err ? err : abi_copyout_statfs64(buf, &st, n);
}

long sys_fstatfs64(int fd, size_t n, uptr buf)
{
	struct kstatfs st;
	int err = statfs_fd(fd, &st);

	return err ? err : abi_copyout_statfs64(buf, &st, n);
}

/* --- access --- */

/* Credentials as access(2) wants them: the real ids, and capabilities that go with the real user.
 * NULL: no memory. */
static struct cred *real_cred(void)
{
	struct cred *c = cred_copy(cred_current());

	if (!c)
		return NULL;
	c->c_fsuid = c->c_uid;
	c->c_fsgid = c->c_gid;
	c->c_cap_effective = c->c_uid ? 0 : c->c_cap_permitted;
	return c;
}

static bool real_is_effective(const struct cred *c)
{
	return c->c_fsuid == c->c_uid && c->c_fsgid == c->c_gid &&
	       c->c_cap_effective == (c->c_uid ? 0 : c->c_cap_permitted);
}

static int access_path(const struct path *p, u32 may, const struct cred *c)
{
	struct inode *i = p->dentry->d_inode;
	u32 type = i->i_mode;
	int err;

	if (may & MAY_EXEC && S_ISREG(type) && p->mnt->mnt_flags & MS_NOEXEC)
		return -EACCES;
	err = inode_access(i, may, c);
	if (err)
		return err;
	if (may & MAY_WRITE && mount_readonly(p->mnt) &&
	    (S_ISREG(type) || S_ISDIR(type) || S_ISLNK(type)))
		return -EROFS;
	return 0;
}

long sys_faccessat2(int dirfd, uptr name, unsigned int mode, unsigned int flags)
{
	const struct cred *c = cred_current();
	struct cred *own = NULL;
	struct path p;
	char *path;
	int err;

	if (mode & ~7u || flags & ~(u32)(AT_LOOKUP_FLAGS | AT_EACCESS))
		return -EINVAL;
	if (!(flags & AT_EACCESS) && !real_is_effective(c)) {
		c = own = real_cred();
		if (!own)
			return -ENOMEM;
	}
	err = user_name(&path, name);
	if (!err) {
		err = path_lookup_cred(dirfd, path, at_lookup(flags), c, &p);
		name_free(path);
	}
	if (!err) {
		err = mode ? access_path(&p, mode, c) : 0;
		path_put(&p);
	}
	if (own)
		cred_put(own);
	return err;
}

long sys_faccessat(int dirfd, uptr path, unsigned int mode)
{
	return sys_faccessat2(dirfd, path, mode, 0);
}

long sys_access(uptr path, unsigned int mode)
{
	return sys_faccessat2(AT_FDCWD, path, mode, 0);
}

/* --- readlink --- */

static long readlink_name(int dirfd, const char *name, uptr buf, size_t size)
{
	char *text = name_alloc();
	long n;

	if (!text)
		return -ENOMEM;
	n = vfs_readlink(dirfd, name, text, PATH_MAX_LEN);
	if (n > 0) {
		n = MIN(n, (long)size);
		if (copyout(buf, text, (size_t)n))
			n = -EFAULT;
	}
	name_free(text);
	return n;
}

long sys_readlinkat(int dirfd, uptr path, uptr buf, int n)
{
	char *name;
	long ret;

	if (n <= 0)
		return -EINVAL;
	ret = user_name(&name, path);
	if (ret)
		return ret;
	ret = readlink_name(dirfd, name, buf, (size_t)n);
	name_free(name);
	return ret;
}

long sys_readlink(uptr path, uptr buf, int n)
{
	return sys_readlinkat(AT_FDCWD, path, buf, n);
}

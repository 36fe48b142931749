// SPDX-License-Identifier: MIT
/*
 * Names: make, link, rename, remove, list; where a process stands.
 */
#include "abi/layout.h"
#include "kern/files.h"
#include "kern/task.h"
#include "lib/string.h"
#include "machine/uaccess.h"
#include "sys/fs.h"
#include "sys_proto.h"

#include <linux/errno.h>

/* --- making --- */

static long create_at(int dirfd, uptr path, u32 mode, kdev dev)
{
	char *name;
	int err = user_name(&name, path);

	if (err)
		return err;
	err = vfs_create(dirfd, name, mode, dev);
	name_free(name);
	return err;
}

long sys_mkdirat(int dirfd, uptr path, u32 mode)
{
	return create_at(dirfd, path, S_IFDIR | (mode & (S_ISVTX | 0777)), 0);
}

long sys_mkdir(uptr path, u32 mode)
{
	return sys_mkdirat(AT_FDCWD, path, mode);
}

/* The 32-bit encoding of mknod(2): 12 bits of major, 20 of minor, the low byte of the minor first.
 */
static kdev decode_dev(u32 dev)
{
	return KDEV((dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xfff00));
}

long sys_mknodat(int dirfd, uptr path, u32 mode, u32 dev)
{
	switch (mode & S_IFMT) {
	case 0:
		mode |= S_IFREG;
		FALLTHROUGH;
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK:
		return create_at(dirfd, path, mode & (S_IFMT | 07777), 0);
	case S_IFCHR:
	case S_IFBLK:
		return create_at(dirfd, path, mode & (S_IFMT | 07777), decode_dev(dev));
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
}

long sys_mknod(uptr path, u32 mode, u32 dev)
{
	return sys_mknodat(AT_FDCWD, path, mode, dev);
}

/* --- two names --- */

static int two_names(uptr a, uptr b, char **name_a, char **name_b)
{
	int err = user_name(name_a, a);

	if (err)
		return err;
	err = user_name(name_b, b);
	if (err)
		name_free(*name_a);
	return err;
}

long sys_symlinkat(uptr target, int dirfd, uptr path)
{
	char *text, *name;
	int err = two_names(target, path, &text, &name);

	if (err)
		return err;
	err = *text ? vfs_symlink(text, dirfd, name) : -ENOENT;
	name_free(text);
	name_free(name);
	return err;
}

long sys_symlink(uptr target, uptr path)
{
	return sys_symlinkat(target, AT_FDCWD, path);
}

long sys_linkat(int olddirfd, uptr old, int newdirfd, uptr new, unsigned int flags)
{
	char *from, *to;
	int err;

	if (flags & ~(u32)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = two_names(old, new, &from, &to);
	if (err)
		return err;
	err = vfs_link(olddirfd, from, newdirfd, to, flags);
	name_free(from);
	name_free(to);
	return err;
}

long sys_link(uptr old, uptr new)
{
	return sys_linkat(AT_FDCWD, old, AT_FDCWD, new, 0);
}

long sys_renameat2(int olddirfd, uptr old, int newdirfd, uptr new, unsigned int flags)
{
	char *from, *to;
	int err = two_names(old, new, &from, &to);

	if (err)
		return err;
	err = vfs_rename(olddirfd, from, newdirfd, to, flags);
	name_free(from);
	name_free(to);
	return err;
}

long sys_renameat(int olddirfd, uptr old, int newdirfd, uptr new)
{
	return sys_renameat2(olddirfd, old, newdirfd, new, 0);
}

long sys_rename(uptr old, uptr new)
{
	return sys_renameat2(AT_FDCWD, old, AT_FDCWD, new, 0);
}

/* --- removing --- */

static long remove_at(int dirfd, uptr path, bool rmdir)
{
	char *name;
	int err = user_name(&name, path);

	if (err)
		return err;
	err = vfs_unlink(dirfd, name, rmdir);
	name_free(name);
	return err;
}

long sys_unlinkat(int dirfd, uptr path, unsigned int flags)
{
	if (flags & ~(u32)AT_REMOVEDIR)
		return -EINVAL;
	return remove_at(dirfd, path, flags & AT_REMOVEDIR);
}

long sys_unlink(uptr path)
{
	return remove_at(AT_FDCWD, path, false);
}

long sys_rmdir(uptr path)
{
	return remove_at(AT_FDCWD, path, true);
}

/* --- cwd and root --- */

static int cwd_text(char *buf, char **text)
{
	struct fsctx *x = current->t_fs;
	struct path cwd, root;
	int err = 0;

	spin_lock(&x->x_lock);
	cwd = x->x_cwd;
	root = x->x_root;
	path_get(&cwd);
	path_get(&root);
	spin_unlock(&x->x_lock);
	if (cwd.dentry->d_unhashed && cwd.dentry->d_parent != cwd.dentry) {
		err = -ENOENT; /* it was removed */
	} else {
		*text = path_text(&cwd, &root, buf, PATH_MAX_LEN);
		if (!*text)
			err = -ENAMETOOLONG;
	}
	path_put(&cwd);
	path_put(&root);
	return err;
}

long sys_getcwd(uptr buf, size_t n)
{
	char *page = name_alloc(), *text = NULL;
	long ret;

	if (!page)
		return -ENOMEM;
	ret = cwd_text(page, &text);
	if (!ret) {
		size_t len = strlen(text) + 1;

		if (len > n)
			ret = -ERANGE;
		else
			ret = copyout(buf, text, len) ? -EFAULT : (long)len;
	}
	name_free(page);
	return ret;
}

long sys_chdir(uptr path)
{
	struct path p;
	int err = user_path(AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	if (err)
		return err;
	err = vfs_chdir(&p);
	path_put(&p);
	return err;
}

long sys_fchdir(int fd)
{
	struct path p;
	int err = fd_path(fd, &p);

	if (err)
		return err;
	err = vfs_chdir(&p);
	path_put(&p);
	return err;
}

long sys_chroot(uptr path)
{
	struct path p;
	int err = user_path(AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	if (err)
		return err;
	err = vfs_chroot(&p);
	path_put(&p);
	return err;
}

/* --- getdents --- */

struct dents {
	struct dir_emit emit;
	uptr at;
	size_t room;
	long error;
	bool old;
};

static bool put_entry(struct dir_emit *e, const char *name, u32 len, u64 ino, u32 dtype, u64 next)
{
	struct dents *d = container_of(e, struct dents, emit);
	long n;

	n = abi_put_dirent(d->at, d->room, d->old, name, len, ino, dtype, next);
	if (n <= 0) {
		d->error = n ? n : -EINVAL; /* counts only if this was the first */
		return false;
	}
	d->at = uptr_add(d->at, (u64)n);
	d->room -= (size_t)n;
	return true;
}

static long getdents(int fd, uptr buf, u32 n, bool old)
{
	struct dents d = {.emit.emit = put_entry, .at = buf, .room = n, .old = old};
	struct fdref r = fd_get(fd);
	int err;

	if (!r.file)
		return -EBADF;
	err = user_range_ok(buf, n) ? file_getdents(r.file, &d.emit) : -EFAULT;
	fd_put(r);
	if (d.room < n)
		return (long)(n - d.room);
	return err ? err : d.error;
}

long sys_getdents(int fd, uptr dirents, unsigned int n)
{
	return getdents(fd, dirents, MIN(n, (unsigned int)INT32_MAX), true);
}

long sys_getdents64(int fd, uptr dirents, unsigned int n)
{
	return getdents(fd, dirents, MIN(n, (unsigned int)INT32_MAX), false);
}

// SPDX-License-Identifier: MIT
/*
 * open(2) in full: from name and flags to an open file. Order of the checks as in Linux, since it
 * decides which errno a program sees: existence, type, permission, then busy text, then the file's
 * own open, truncation last.
 */
#include "fs/namei.h"
#include "kern/files.h"
#include "kern/task.h"
#include "lib/fmt.h"

#include <linux/errno.h>
#include <linux/mount.h>

static const struct file_ops path_only_ops;

u32 fs_umask(void)
{
	return current->t_fs ? current->t_fs->x_umask : 022;
}

/* O_ACCMODE 3 wants both permissions and gives neither: for ioctls only. */
static u32 access_wanted(u32 oflags)
{
	static const u32 may[] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE};

	return may[oflags & O_ACCMODE] | (oflags & O_TRUNC ? MAY_WRITE : 0);
}

static int may_open(const struct path *p, u32 oflags, u32 may)
{
	struct inode *i = p->dentry->d_inode;
	int err;

	switch (i->i_mode & S_IFMT) {
	case S_IFLNK:
		return -ELOOP;
	case S_IFDIR:
		if (may & MAY_WRITE)
			return -EISDIR;
		break;
	case S_IFCHR:
	case S_IFBLK:
		if (p->mnt->mnt_flags & MS_NODEV)
			return -EACCES;
		break;
	}
	err = path_permission(p, may);
	if (err)
		return err;
	if (oflags & O_NOATIME && !inode_owner_or_capable(i))
		return -EPERM;
	return 0;
}

/* Programs that did not ask for large files get no descriptor that could overflow their off_t. */
static int large_file_ok(const struct inode *i, u32 oflags)
{
	return S_ISREG(i->i_mode) && !(oflags & O_LARGEFILE) && i->i_size > 0x7fffffff ? -EOVERFLOW
										       : 0;
}

/* The file's own open may replace f_ops (device nodes) or wait (FIFOs). */
static int run_open(struct file *f)
{
	int err = f->f_ops->open ? f->f_ops->open(f->f_inode, f) : 0;

	f->f_flags &= ~(u32)O_NOCTTY;

	if (err)
		return err;
	if (f->f_ops->seek)
		f->f_mode &= ~(u32)FMODE_STREAM;
	else
		f->f_mode |= FMODE_STREAM;
	return 0;
}

/* From here on a failure puts the file, which undoes what was counted; ops that were not opened are
 * not released. */
static int start(struct file *f, u32 oflags, bool created)
{
	struct inode *i = f->f_inode;
	int err;

	if (f->f_mode & FMODE_WRITE && S_ISREG(i->i_mode)) {
		err = inode_write_get(i);
		if (err)
			return err;
		f->f_mode |= FMODE_WRITER;
		__atomic_fetch_add(&f->f_path.mnt->mnt_writers, 1, __ATOMIC_SEQ_CST);
	}
	err = run_open(f);
	if (err) {
		f->f_ops = &path_only_ops;
		return err;
	}
	if (oflags & O_TRUNC && !created && S_ISREG(i->i_mode)) {
		bool counted = f->f_mode & FMODE_WRITER;

		err = counted ? 0 : inode_write_get(i);
		if (!err)
			err = vfs_truncate(i, 0);
		if (!err && !counted)
			inode_write_put(i);
	}
	return err;
}

static int open_path(const struct path *p, u32 oflags, bool created, struct file **out)
{
	static const u32 modes[] = {FMODE_READ, FMODE_WRITE, FMODE_READ | FMODE_WRITE, 0};
	struct inode *i = p->dentry->d_inode;
	struct file *f;
	int err = 0;

	if (oflags & O_PATH) {
		*out = file_alloc(&path_only_ops, p, oflags & (O_PATH | O_DIRECTORY | O_NOFOLLOW),
				  FMODE_PATH);
		return *out ? 0 : -ENOMEM;
	}
	if (!created)
		err = may_open(p, oflags, access_wanted(oflags));
	if (!err)
		err = large_file_ok(i, oflags);
	if (err)
		return err;
	f = file_alloc(i->i_fops, p, oflags, modes[oflags & O_ACCMODE]);
	if (!f)
		return -ENOMEM;
	err = start(f, oflags, created);
	if (err)
		file_put(f);
	else
		*out = f;
	return err;
}

int file_open_path(const struct path *p, u32 oflags, struct file **out)
{
	return open_path(p, oflags, false, out);
}

/* --- O_CREAT --- */

/* The parent is locked, d negative. On success d is the new file. */
static int create_last(struct walk *w, struct dentry *d, u32 mode)
{
	struct inode *dir = w->at.dentry->d_inode;
	int err = dir_may_create(&w->at);

	if (err)
		return err;
	if (!dir->i_ops->create)
		return -EACCES;
	err = dir->i_ops->create(dir, d, S_IFREG | (mode & 07777 & ~fs_umask()), 0);
	if (!err && d->d_unhashed)
		dentry_hash(d);
	return err;
}

static int open_existing(const struct path *p, u32 oflags, struct file **out)
{
	u32 type = p->dentry->d_inode->i_mode;

	if (S_ISDIR(type))
		return -EISDIR;
	return open_path(p, oflags, false, out);
}

/* One round: 1 when the last component is a link to be followed (its target is next). */
static int open_create_once(struct walk *w, u32 oflags, u32 mode, struct file **out)
{
	struct dentry *d;
	struct path p;
	int err = walk_run(w);

	if (err)
		return err;
	if (w->type != LAST_NORMAL) {
		if (oflags & O_EXCL)
			return -EEXIST;
		/* A magic link may have led to any object; every other such end is a directory. */
		return w->type == LAST_ROOT ? open_existing(&w->at, oflags, out) : -EISDIR;
	}
	if (w->trailing_slash)
		return -EISDIR;
	err = walk_lock_last(w, &d);
	if (err)
		return err;
	if (!d->d_inode) {
		err = create_last(w, d, mode);
		walk_unlock(w);
		p = (struct path){w->at.mnt, d};
		if (!err)
			err = open_path(&p, oflags, true, out);
		dentry_put(d);
		return err;
	}
	walk_unlock(w);
	if (oflags & O_EXCL || (S_ISLNK(d->d_inode->i_mode) && oflags & O_NOFOLLOW)) {
		dentry_put(d);
		return oflags & O_EXCL ? -EEXIST : -ELOOP;
	}
	if (S_ISLNK(d->d_inode->i_mode)) {
		err = walk_follow(w, d);
		return err ? err : 1;
	}
	walk_cross(w, d, &p);
	dentry_put(d);
	err = open_existing(&p, oflags, out);
	path_put(&p);
	return err;
}

static int open_create(int dirfd, const char *name, u32 oflags, u32 lookup, u32 mode,
		       struct file **out)
{
	struct walk w;
	int err = walk_begin(&w, dirfd, name, lookup, cred_current());

	w.parent = true;
	if (!err) {
		do
			err = open_create_once(&w, oflags, mode, out);
		while (err == 1);
	}
	walk_end(&w);
	return err;
}

/* --- O_TMPFILE --- */

static int tmpfile_in(const struct path *dir, u32 oflags, u32 mode, struct file **out)
{
	struct inode *parent = dir->dentry->d_inode, *i;
	struct path p = {dir->mnt, NULL};
	char name[24];
	int err;

	if (mount_readonly(dir->mnt))
		return -EROFS;
	err = inode_permission(parent, MAY_WRITE | MAY_EXEC);
	if (err)
		return err;
	if (!parent->i_ops->tmpfile)
		return -EOPNOTSUPP;
	mutex_lock(&parent->i_lock);
	err = parent->i_ops->tmpfile(parent, S_IFREG | (mode & 07777 & ~fs_umask()), &i);
	mutex_unlock(&parent->i_lock);
	if (err)
		return err;
	i->i_linkable = !(oflags & O_EXCL);
	p.dentry = dentry_create(
		dir->dentry, name,
		(u32)fmt_scnprintf(name, sizeof(name), "#%llu", (unsigned long long)i->i_ino));
	if (!p.dentry) {
		inode_put(i);
		return -ENOMEM;
	}
	dentry_attach(p.dentry, i);
	err = open_path(&p, oflags & ~(u32)O_EXCL, true, out);
	dentry_put(p.dentry);
	return err;
}

static int open_tmpfile(int dirfd, const char *name, u32 oflags, u32 lookup, u32 mode,
			struct file **out)
{
	struct path dir;
	int err;

	if (!(access_wanted(oflags) & MAY_WRITE))
		return -EINVAL;
	err = path_lookup(dirfd, name, lookup | LOOKUP_DIRECTORY, &dir);
	if (err)
		return err;
	err = tmpfile_in(&dir, oflags, mode, out);
	path_put(&dir);
	return err;
}

/* --- the whole --- */

int file_open_lookup(int dirfd, const char *name, u32 oflags, u32 mode, u32 lookup,
		     struct file **out)
{
	struct path p;
	int err;

	if (oflags & O_PATH)
		oflags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	if (!(oflags & O_NOFOLLOW))
		lookup |= LOOKUP_FOLLOW;
	if ((oflags & O_TMPFILE) == O_TMPFILE)
		return open_tmpfile(dirfd, name, oflags, lookup, mode, out);
	if ((oflags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
		return -EINVAL;
	if (oflags & O_CREAT)
		return open_create(dirfd, name, oflags, lookup, mode, out);
	if (oflags & O_DIRECTORY)
		lookup |= LOOKUP_DIRECTORY;
	err = path_lookup(dirfd, name, lookup, &p);
	if (err)
		return err;
	err = open_path(&p, oflags, false, out);
	path_put(&p);
	return err;
}

int file_open(int dirfd, const char *name, u32 oflags, u32 mode, struct file **out)
{
	return file_open_lookup(dirfd, name, oflags, mode, 0, out);
}

/* For execve: one more execution keeps writers out until the file is put. */
static int deny_write(struct inode *i)
{
	s32 n = READ_ONCE(i->i_writers);

	do {
		if (n > 0)
			return -ETXTBSY;
	} while (!__atomic_compare_exchange_n(&i->i_writers, &n, n - 1, false, __ATOMIC_ACQ_REL,
					      __ATOMIC_RELAXED));
	return 0;
}

static int open_exec(const struct path *p, struct file **out)
{
	struct inode *i = p->dentry->d_inode;
	struct file *f;
	int err;

	if (S_ISLNK(i->i_mode))
		return -ELOOP;
	if (!S_ISREG(i->i_mode))
		return -EACCES;
	err = path_permission(p, MAY_EXEC);
	if (err)
		return err;
	f = file_alloc(i->i_fops, p, O_RDONLY | O_LARGEFILE, FMODE_READ);
	if (!f)
		return -ENOMEM;
	err = run_open(f);
	if (err)
		f->f_ops = &path_only_ops;
	else
		err = deny_write(i);
	if (err) {
		file_put(f);
		return err;
	}
	f->f_mode |= FMODE_EXEC;
	*out = f;
	return 0;
}

int file_open_exec(int dirfd, const char *name, u32 at_flags, struct file **out)
{
	u32 lookup = (at_flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
		     (at_flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
	struct path p;
	int err = path_lookup(dirfd, name, lookup, &p);

	if (err)
		return err;
	err = open_exec(&p, out);
	path_put(&p);
	return err;
}

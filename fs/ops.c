// SPDX-License-Identifier: MIT
/*
 * What changes names and attributes: create, link, unlink, attributes; rename is in fs/rename.c.
 * Each locks the directory, judges everything, then calls the file system; the order of the checks
 * is Linux's.
 */
#include "fs/namei.h"
#include "kern/task.h"
#include "lib/string.h"

#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/mount.h>

#define ST_VALID 0x20 /* f_flags of statfs(2) is filled in; not in the UAPI headers */

int dir_may_create(const struct path *dir)
{
	struct inode *i = dir->dentry->d_inode;

	if (!i->i_nlink)
		return -ENOENT;
	if (mount_readonly(dir->mnt))
		return -EROFS;
	return inode_permission(i, MAY_WRITE | MAY_EXEC);
}

/* In a sticky directory only the owner of the file or of the directory removes names (unlink(2)).
 */
int dir_may_delete(const struct path *dir, const struct dentry *d, bool is_dir)
{
	struct inode *i = dir->dentry->d_inode, *victim = d->d_inode;
	u32 uid = cred_current()->c_fsuid;
	int err;

	if (!victim)
		return -ENOENT;
	if (mount_readonly(dir->mnt))
		return -EROFS;
	err = inode_permission(i, MAY_WRITE | MAY_EXEC);
	if (err)
		return err;
	if (i->i_mode & S_ISVTX && uid != victim->i_uid && uid != i->i_uid && !capable(CAP_FOWNER))
		return -EPERM;
	if (is_dir && !S_ISDIR(victim->i_mode))
		return -ENOTDIR;
	if (!is_dir && S_ISDIR(victim->i_mode))
		return -EISDIR;
	return d->d_mounted ? -EBUSY : 0;
}

/* The place for a new name; its parent is locked on success. Directories may be given with trailing
 * slashes. */
static int new_name(int dirfd, const char *name, bool is_dir, struct last_component *lc)
{
	int err = path_lookup_parent(dirfd, name, 0, lc);

	if (err)
		return err;
	if (lc->type != LAST_NORMAL || lc->dentry->d_inode)
		err = -EEXIST;
	else if (lc->trailing_slash && !is_dir)
		err = -ENOENT;
	else
		err = dir_may_create(&lc->parent);
	if (err)
		path_lookup_parent_done(lc);
	return err;
}

static int finish_new(struct last_component *lc, int err)
{
	if (!err && lc->dentry->d_unhashed)
		dentry_hash(lc->dentry);
	path_lookup_parent_done(lc);
	return err;
}

/* Device 0:0 marks a removed name in overlays; it opens nothing, so anybody may make it
 * (Linux 5.8). */
static bool is_whiteout(u32 mode, kdev rdev)
{
	return S_ISCHR(mode) && rdev == 0;
}

int vfs_create(int dirfd, const char *name, u32 mode, kdev rdev)
{
	struct last_component lc;
	struct inode *dir;
	int err = new_name(dirfd, name, S_ISDIR(mode), &lc);

	if (err)
		return err;
	dir = lc.parent.dentry->d_inode;
	if (!dir->i_ops->create)
		err = -EPERM;
	else if ((S_ISCHR(mode) || S_ISBLK(mode)) && !is_whiteout(mode, rdev) &&
		 !capable(CAP_MKNOD))
		err = -EPERM;
	else
		err = dir->i_ops->create(dir, lc.dentry, mode & ~fs_umask(), rdev);
	return finish_new(&lc, err);
}

int vfs_symlink(const char *target, int dirfd, const char *name)
{
	struct last_component lc;
	struct inode *dir;
	int err = new_name(dirfd, name, false, &lc);

	if (err)
		return err;
	dir = lc.parent.dentry->d_inode;
	err = dir->i_ops->symlink ? dir->i_ops->symlink(dir, lc.dentry, target) : -EPERM;
	return finish_new(&lc, err);
}

/* The parent of the new name is locked. */
static int link_locked(const struct path *old, struct last_component *lc)
{
	struct inode *dir = lc->parent.dentry->d_inode, *i = old->dentry->d_inode;
	int err = 0;

	if (old->mnt != lc->parent.mnt)
		return -EXDEV;
	if (!dir->i_ops->link || S_ISDIR(i->i_mode))
		return -EPERM;
	mutex_lock(&i->i_lock);
	if (!i->i_nlink && !i->i_linkable)
		err = -ENOENT;
	if (!err)
		err = dir->i_ops->link(dir, lc->dentry, i);
	if (!err)
		i->i_linkable = false;
	mutex_unlock(&i->i_lock);
	return err;
}

int vfs_link(int olddirfd, const char *old, int newdirfd, const char *new_, u32 at_flags)
{
	u32 lookup = (at_flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0) |
		     (at_flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
	struct last_component lc;
	struct path from;
	int err;

	/* A descriptor may have come from elsewhere: naming its file needs the right to read
	 * anything. */
	if (at_flags & AT_EMPTY_PATH && !*old && !capable(CAP_DAC_READ_SEARCH))
		return -ENOENT;
	err = path_lookup(olddirfd, old, lookup, &from);
	if (err)
		return err;
	err = new_name(newdirfd, new_, false, &lc);
	if (!err)
		err = finish_new(&lc, link_locked(&from, &lc));
	path_put(&from);
	return err;
}

/* --- unlink and rmdir --- */

static int remove_locked(struct last_component *lc, bool rmdir)
{
	struct inode *dir = lc->parent.dentry->d_inode, *victim = lc->dentry->d_inode;
	int err;

	if (!rmdir && lc->trailing_slash) {
		if (!victim)
			return -ENOENT;
		return S_ISDIR(victim->i_mode) ? -EISDIR : -ENOTDIR;
	}
	err = dir_may_delete(&lc->parent, lc->dentry, rmdir);
	if (err)
		return err;
	if (rmdir ? !dir->i_ops->rmdir : !dir->i_ops->unlink)
		return -EPERM;
	mutex_lock(&victim->i_lock);
	err = rmdir ? dir->i_ops->rmdir(dir, lc->dentry) : dir->i_ops->unlink(dir, lc->dentry);
	mutex_unlock(&victim->i_lock);
	if (!err)
		dentry_drop(lc->dentry);
	return err;
}

int vfs_unlink(int dirfd, const char *name, bool rmdir)
{
	static const int rmdir_errors[] = {0, -EINVAL, -ENOTEMPTY, -EBUSY};
	struct last_component lc;
	int err = path_lookup_parent(dirfd, name, 0, &lc);

	if (err)
		return err;
	if (lc.type != LAST_NORMAL)
		err = rmdir ? rmdir_errors[lc.type] : -EISDIR;
	else
		err = remove_locked(&lc, rmdir);
	path_lookup_parent_done(&lc);
	return err;
}

/* --- attributes --- */

long vfs_readlink(int dirfd, const char *name, char *buf, size_t size)
{
	struct path p;
	struct inode *i;
	long n = path_lookup(dirfd, name, LOOKUP_EMPTY, &p);

	if (n)
		return n;
	i = p.dentry->d_inode;
	if (S_ISLNK(i->i_mode) && i->i_ops->readlink)
		n = i->i_ops->readlink(i, buf, size);
	else
		n = *name ? -EINVAL : -ENOENT; /* readlinkat(2) of an empty name */
	path_put(&p);
	return n;
}

int vfs_getattr(const struct path *p, struct kstat *st)
{
	struct inode *i = p->dentry->d_inode;

	inode_stat(i, st);
	return i->i_ops && i->i_ops->getattr ? i->i_ops->getattr(i, st) : 0;
}

static int may_chown(const struct inode *i, const struct iattr *a)
{
	const struct cred *c = cred_current();
	bool owner = c->c_fsuid == i->i_uid;

	if (capable(CAP_CHOWN))
		return 0;
	if (a->valid & ATTR_UID && !(owner && a->uid == i->i_uid))
		return -EPERM;
	if (a->valid & ATTR_GID && !(owner && (a->gid == i->i_gid || cred_in_group(c, a->gid))))
		return -EPERM;
	return 0;
}

/* i_lock held. Judges the change and completes it with what it implies. */
static int setattr_check(struct inode *i, struct iattr *a)
{
	const struct cred *c = cred_current();
	int err = 0;

	if (a->valid & (ATTR_UID | ATTR_GID)) {
		err = may_chown(i, a);
		/* A new owner gets no set-id program (chown(2)); one with set-gid alone keeps that
		 * mark. */
		if (!err && !S_ISDIR(i->i_mode)) {
			a->mode = i->i_mode & ~(u32)S_ISUID;
			if (a->mode & S_IXGRP)
				a->mode &= ~(u32)S_ISGID;
			if (a->mode != i->i_mode)
				a->valid |= ATTR_MODE;
		}
	} else if (a->valid & ATTR_MODE) {
		if (!inode_owner_or_capable(i))
			return -EPERM;
		if (!cred_in_group(c, i->i_gid) && !capable(CAP_FSETID))
			a->mode &= ~(u32)S_ISGID;
	}
	if (a->valid & (ATTR_ATIME | ATTR_MTIME) && !inode_owner_or_capable(i))
		return -EPERM;
	/* "Now" for both is allowed to whoever may write (utimensat(2)). */
	if (!err && a->valid & (ATTR_ATIME_NOW | ATTR_MTIME_NOW) && !inode_owner_or_capable(i)) {
		if ((a->valid & (ATTR_ATIME_NOW | ATTR_MTIME_NOW)) !=
		    (ATTR_ATIME_NOW | ATTR_MTIME_NOW))
			return -EPERM;
		err = inode_permission(i, MAY_WRITE);
	}
	return err;
}

int vfs_setattr(const struct path *p, struct iattr *a)
{
	struct inode *i = p->dentry->d_inode;
	int err;

	if (mount_readonly(p->mnt))
		return -EROFS;
	mutex_lock(&i->i_lock);
	err = setattr_check(i, a);
	if (!err && i->i_ops && i->i_ops->setattr)
		err = i->i_ops->setattr(i, a);
	else if (!err)
		inode_setattr(i, a);
	mutex_unlock(&i->i_lock);
	return err;
}

int vfs_truncate_path(const struct path *p, u64 size)
{
	struct inode *i = p->dentry->d_inode;
	int err;

	if (S_ISDIR(i->i_mode))
		return -EISDIR;
	if (!S_ISREG(i->i_mode))
		return -EINVAL;
	err = path_permission(p, MAY_WRITE);
	if (!err)
		err = inode_write_get(i);
	if (err)
		return err;
	err = vfs_truncate(i, size);
	inode_write_put(i);
	return err;
}

int vfs_statfs(const struct path *p, struct kstatfs *out)
{
	struct super *s = p->mnt->mnt_super;
	u32 flags = p->mnt->mnt_flags;
	int err = 0;

	*out = (struct kstatfs){.bsize = PAGE_SIZE, .frsize = PAGE_SIZE};
	if (s->s_ops->statfs)
		err = s->s_ops->statfs(s, out);
	out->type = s->s_magic;
	out->namelen = out->namelen ? out->namelen : NAME_MAX_LEN;
	out->fsid = s->s_dev;
	/* The ST_* bits have the values of these MS_* ones, but for ST_RELATIME. */
	out->flags = (flags &
		      (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME)) |
		     ST_VALID | (flags & MS_RELATIME ? 0x1000 : 0);
	return err;
}

/* --- cwd and root --- */

static int enter(const struct path *p)
{
	if (!S_ISDIR(p->dentry->d_inode->i_mode))
		return -ENOTDIR;
	return inode_permission(p->dentry->d_inode, MAY_EXEC);
}

static void context_replace(struct path *where, const struct path *p)
{
	struct fsctx *x = current->t_fs;
	struct path old;

	path_get(p);
	spin_lock(&x->x_lock);
	old = *where;
	*where = *p;
	spin_unlock(&x->x_lock);
	if (old.mnt)
		path_put(&old);
}

int vfs_chdir(const struct path *p)
{
	int err = enter(p);

	if (!err)
		context_replace(&current->t_fs->x_cwd, p);
	return err;
}

int vfs_chroot(const struct path *p)
{
	int err = enter(p);

	if (err)
		return err;
	if (!capable(CAP_SYS_CHROOT))
		return -EPERM;
	context_replace(&current->t_fs->x_root, p);
	return 0;
}

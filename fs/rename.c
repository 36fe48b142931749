// SPDX-License-Identifier: MIT
/*
 * rename(2). Between two directories rename_mutex keeps the tree still, so "is above" stays true
 * until the move is done; the two are then locked the upper one first, or by address.
 */
#include "fs/namei.h"
#include "kern/task.h"

#include <linux/errno.h>

#define RENAME_KNOWN (RENAME_NOREPLACE | RENAME_EXCHANGE)

static struct mutex rename_mutex;

void rename_init(void)
{
	mutex_init(&rename_mutex, "rename", RANK_MOUNT);
}

static void lock_both(struct walk *from, struct walk *to)
{
	struct dentry *a = from->at.dentry, *b = to->at.dentry;

	if (a != b) {
		mutex_lock(&rename_mutex);
		if (!dentry_is_ancestor(a, b) && (dentry_is_ancestor(b, a) || b < a)) {
			struct dentry *t = a;

			a = b;
			b = t;
		}
	}
	mutex_lock(&a->d_inode->i_lock);
	if (a != b)
		mutex_lock(&b->d_inode->i_lock);
}

static void unlock_both(struct walk *from, struct walk *to)
{
	walk_unlock(from);
	if (from->at.dentry == to->at.dentry)
		return;
	walk_unlock(to);
	mutex_unlock(&rename_mutex);
}

/* Existence, loops and slashes; old is positive. */
static int check_shape(struct walk *from, struct dentry *old, struct walk *to, struct dentry *new_,
		       u32 flags)
{
	bool exchange = flags & RENAME_EXCHANGE;

	if (!old->d_inode)
		return -ENOENT;
	if (flags & RENAME_NOREPLACE && new_->d_inode)
		return -EEXIST;
	if (exchange && !new_->d_inode)
		return -ENOENT;
	if (!S_ISDIR(old->d_inode->i_mode)) {
		if (from->trailing_slash || (!exchange && to->trailing_slash))
			return -ENOTDIR;
	}
	if (exchange && !S_ISDIR(new_->d_inode->i_mode) && to->trailing_slash)
		return -ENOTDIR;
	if (dentry_is_ancestor(old, to->at.dentry))
		return -EINVAL; /* a directory into itself */
	if (new_->d_inode && dentry_is_ancestor(new_, from->at.dentry))
		return exchange ? -EINVAL : -ENOTEMPTY;
	return 0;
}

/* A directory that gets another parent has its ".." written. */
static int may_reparent(const struct dentry *d)
{
	return S_ISDIR(d->d_inode->i_mode) ? inode_permission(d->d_inode, MAY_WRITE) : 0;
}

static int check_rights(struct walk *from, struct dentry *old, struct walk *to, struct dentry *new_,
			u32 flags)
{
	bool is_dir = S_ISDIR(old->d_inode->i_mode);
	int err = dir_may_delete(&from->at, old, is_dir);

	if (!err && !new_->d_inode)
		err = dir_may_create(&to->at);
	else if (!err && flags & RENAME_EXCHANGE)
		err = dir_may_delete(&to->at, new_, S_ISDIR(new_->d_inode->i_mode));
	else if (!err)
		err = dir_may_delete(&to->at, new_, is_dir);
	if (!err && from->at.dentry != to->at.dentry) {
		err = may_reparent(old);
		if (!err && flags & RENAME_EXCHANGE)
			err = may_reparent(new_);
	}
	return err;
}

/* All is locked and looked up. */
static int rename_locked(struct walk *from, struct dentry *old, struct walk *to,
			 struct dentry *new_, u32 flags)
{
	struct inode *olddir = from->at.dentry->d_inode, *newdir = to->at.dentry->d_inode;
	struct inode *victim = flags & RENAME_EXCHANGE ? NULL : new_->d_inode;
	int err = check_shape(from, old, to, new_, flags);

	if (err)
		return err;
	if (old->d_inode == new_->d_inode)
		return 0; /* two names of one file: POSIX wants nothing done */
	err = check_rights(from, old, to, new_, flags);
	if (err)
		return err;
	if (!olddir->i_ops->rename)
		return -EPERM;
	if (victim)
		mutex_lock(&victim->i_lock);
	err = olddir->i_ops->rename(olddir, old, newdir, new_, flags);
	if (victim)
		mutex_unlock(&victim->i_lock);
	if (err)
		return err;
	if (flags & RENAME_EXCHANGE)
		dentry_exchange(old, new_);
	else
		dentry_move(old, new_);
	return 0;
}

static int rename_between(struct walk *from, struct walk *to, u32 flags)
{
	struct dentry *old = NULL, *new_ = NULL;
	int err;

	if (from->at.mnt != to->at.mnt)
		return -EXDEV;
	if (from->type != LAST_NORMAL)
		return -EBUSY;
	if (to->type != LAST_NORMAL)
		return flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	lock_both(from, to);
	err = dentry_lookup(from->at.dentry, from->name, from->len, &old);
	if (!err)
		err = dentry_lookup(to->at.dentry, to->name, to->len, &new_);
	if (!err)
		err = rename_locked(from, old, to, new_, flags);
	unlock_both(from, to);
	/* The last reference of a replaced file may free much: not under the locks. */
	if (new_)
		dentry_put(new_);
	if (old)
		dentry_put(old);
	return err;
}

int vfs_rename(int olddirfd, const char *old, int newdirfd, const char *new_, u32 flags)
{
	struct walk from, to;
	int err;

	if (flags & ~(u32)RENAME_KNOWN || (flags & RENAME_KNOWN) == RENAME_KNOWN)
		return -EINVAL;
	err = walk_begin(&from, olddirfd, old, 0, cred_current());
	from.parent = true;
	if (!err)
		err = walk_run(&from);
	if (!err) {
		err = walk_begin(&to, newdirfd, new_, 0, from.cred);
		to.parent = true;
		if (!err)
			err = walk_run(&to);
		if (!err)
			err = rename_between(&from, &to, flags);
		walk_end(&to);
	}
	walk_end(&from);
	return err;
}

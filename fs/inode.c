// SPDX-License-Identifier: MIT
/*
 * Inodes: their life, permission, ownership, times. An inode lives while a dentry or a file holds
 * it; the file system's evict op is told at the end. Members change under i_lock; lookers may read
 * them without, each is one word.
 */
#include "fs/pipe.h"
#include "fs/vfs.h"
#include "kern/task.h"
#include "lib/string.h"
#include "vm/slab.h"

#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/mount.h>

static struct slab_cache inode_slab = SLAB_CACHE(inode_slab, "inode", struct inode);
static const struct pagecache_ops no_cache_ops;
static const struct file_ops no_ops;

const struct file_ops *inode_default_fops(u32 mode)
{
	switch (mode & S_IFMT) {
	case S_IFCHR:
		return &chardev_open_ops;
	case S_IFIFO:
		return &fifo_ops;
	case S_IFBLK:
	case S_IFSOCK:
		return &no_open_ops;
	default:
		return &no_ops;
	}
}

struct inode *inode_create(struct super *s, u32 mode)
{
	const struct cred *c = cred_current();
	struct inode *i = slab_zalloc(&inode_slab);

	if (!i)
		return NULL;
	i->i_super = s;
	i->i_ino = __atomic_add_fetch(&s->s_next_ino, 1, __ATOMIC_RELAXED);
	ref_init(&i->i_ref);
	i->i_mode = mode;
	i->i_uid = c->c_fsuid;
	i->i_gid = c->c_fsgid;
	i->i_nlink = 1;
	i->i_fops = inode_default_fops(mode);
	i->i_atime = i->i_mtime = i->i_ctime = i->i_btime = time_coarse_ns();
	/* A file is locked below its directory, a directory below its parent. */
	mutex_init(&i->i_lock, "inode", S_ISDIR(mode) ? RANK_INODE : RANK_INODE2);
	pagecache_init(&i->i_cache, &no_cache_ops, i);
	list_init(&i->i_locks);
	return i;
}

void inode_get(struct inode *i)
{
	ref_get(&i->i_ref);
}

void inode_put(struct inode *i)
{
	if (!ref_put(&i->i_ref))
		return;
	if (i->i_ops && i->i_ops->evict)
		i->i_ops->evict(i);
	pagecache_destroy(&i->i_cache);
	slab_free(&inode_slab, i);
}

/* --- who may do what --- */

bool cred_in_group(const struct cred *c, u32 gid)
{
	u32 low = 0, high = c->c_ngroups;

	if (c->c_fsgid == gid)
		return true;
	while (low < high) {
		u32 mid = (low + high) / 2;

		if (c->c_groups[mid] == gid)
			return true;
		if (c->c_groups[mid] < gid)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

static bool cred_capable(const struct cred *c, int cap)
{
	return c->c_cap_effective & BIT(cap);
}

/* What root may although the bits say no: everything but executing what nobody may execute. */
static int permission_by_capability(const struct inode *i, u32 may, const struct cred *c)
{
	if (S_ISDIR(i->i_mode)) {
		if (!(may & MAY_WRITE) && cred_capable(c, CAP_DAC_READ_SEARCH))
			return 0;
		return cred_capable(c, CAP_DAC_OVERRIDE) ? 0 : -EACCES;
	}
	if (may == MAY_READ && cred_capable(c, CAP_DAC_READ_SEARCH))
		return 0;
	if ((!(may & MAY_EXEC) || i->i_mode & 0111) && cred_capable(c, CAP_DAC_OVERRIDE))
		return 0;
	return -EACCES;
}

int inode_access(struct inode *i, u32 may, const struct cred *c)
{
	u32 mode = i->i_mode;

	/* POSIX: the first class that fits decides, even if a later one would allow more. */
	if (c->c_fsuid == i->i_uid)
		mode >>= 6;
	else if (((mode >> 3 ^ mode) & 7) && cred_in_group(c, i->i_gid))
		mode >>= 3;
	if (likely(!(may & ~mode & 7)))
		return 0;
	return permission_by_capability(i, may, c);
}

int inode_permission(struct inode *i, u32 may)
{
	return inode_access(i, may, cred_current());
}

bool inode_owner_or_capable(const struct inode *i)
{
	return cred_current()->c_fsuid == i->i_uid || capable(CAP_FOWNER);
}

void inode_init_owner(struct inode *i, const struct inode *dir, u32 mode)
{
	const struct cred *c = cred_current();

	i->i_uid = c->c_fsuid;
	i->i_gid = c->c_fsgid;
	if (dir && dir->i_mode & S_ISGID) {
		/* The directory's group is inherited, and by directories the bit itself. */
		i->i_gid = dir->i_gid;
		if (S_ISDIR(mode))
			mode |= S_ISGID;
		else if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
			 !cred_in_group(c, i->i_gid) && !capable(CAP_FSETID))
			mode &= ~(u32)S_ISGID;
	}
	i->i_mode = mode;
}

/* --- members --- */

void inode_touch(struct inode *i)
{
	i->i_mtime = i->i_ctime = time_coarse_ns();
}

/* relatime, as Linux mounts by default: only when it lies before the last change, or a day back. */
void inode_atime(struct file *f)
{
	struct inode *i = f->f_inode;
	u64 now;

	if (f->f_flags & O_NOATIME || f->f_path.mnt->mnt_flags & (MS_NOATIME | MS_RDONLY))
		return;
	if (S_ISDIR(i->i_mode) && f->f_path.mnt->mnt_flags & MS_NODIRATIME)
		return;
	now = time_coarse_ns();
	if (i->i_atime <= i->i_mtime || i->i_atime <= i->i_ctime ||
	    now - i->i_atime >= 24 * 3600 * NSEC_PER_SEC)
		i->i_atime = now;
}

void inode_setattr(struct inode *i, const struct iattr *a)
{
	u64 now = time_coarse_ns();

	if (a->valid & ATTR_MODE)
		i->i_mode = (i->i_mode & S_IFMT) | (a->mode & 07777);
	if (a->valid & ATTR_UID)
		i->i_uid = a->uid;
	if (a->valid & ATTR_GID)
		i->i_gid = a->gid;
	if (a->valid & ATTR_ATIME)
		i->i_atime = a->atime;
	if (a->valid & ATTR_ATIME_NOW)
		i->i_atime = now;
	if (a->valid & ATTR_MTIME)
		i->i_mtime = a->mtime;
	if (a->valid & ATTR_MTIME_NOW)
		i->i_mtime = now;
	i->i_ctime = now;
}

/* set-gid without group execute once meant mandatory locking: it stays. */
static u32 privs_of(const struct inode *i)
{
	u32 bits = i->i_mode & S_ISUID;

	if ((i->i_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		bits |= S_ISGID;
	return S_ISREG(i->i_mode) ? bits : 0;
}

int inode_remove_privs(struct inode *i)
{
	struct iattr a = {.valid = ATTR_MODE};
	u32 bits = privs_of(i);

	if (likely(!bits) || capable(CAP_FSETID))
		return 0;
	a.mode = i->i_mode & ~bits;
	if (i->i_ops->setattr)
		return i->i_ops->setattr(i, &a);
	inode_setattr(i, &a);
	return 0;
}

void inode_stat(struct inode *i, struct kstat *st)
{
	st->dev = i->i_super->s_dev;
	st->ino = i->i_ino;
	st->nlink = i->i_nlink;
	st->rdev = i->i_rdev;
	st->mode = i->i_mode;
	st->uid = i->i_uid;
	st->gid = i->i_gid;
	st->size = i->i_size;
	st->blocks = i->i_cache.pc_pages * (PAGE_SIZE / 512);
	st->blksize = PAGE_SIZE;
	st->atime = i->i_atime;
	st->mtime = i->i_mtime;
	st->ctime = i->i_ctime;
	st->btime = i->i_btime;
}

/* Writers and executions exclude each other: one counts up from 0, the other down. */
int inode_write_get(struct inode *i)
{
	s32 n = READ_ONCE(i->i_writers);

	do {
		if (n < 0)
			return -ETXTBSY;
	} while (!__atomic_compare_exchange_n(&i->i_writers, &n, n + 1, false, __ATOMIC_ACQ_REL,
					      __ATOMIC_RELAXED));
	return 0;
}

void inode_write_put(struct inode *i)
{
	__atomic_fetch_sub(&i->i_writers, 1, __ATOMIC_ACQ_REL);
}

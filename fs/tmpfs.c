// SPDX-License-Identifier: MIT
/*
 * tmpfs: names are pinned dentries, contents are the page cache, symbolic links a string. Nothing
 * lies behind them, so whatever is not in a cache does not exist. Pages and inodes are counted
 * against the limits of the super.
 */
#include "fs/vfs.h"
#include "kern/log.h"
#include "kern/task.h"
#include "lib/num.h"
#include "lib/string.h"
#include "vm/page.h"
#include "vm/slab.h"

#include <linux/errno.h>
#include <linux/magic.h>

#define DIRENT_SIZE 20 /* what Linux's tmpfs counts a name for in a directory's size */

static int tmpfs_charge(struct pagecache *pc, s64 pages)
{
	struct super *s = pc->pc_inode->i_super;
	u64 now = __atomic_add_fetch(&s->s_pages, (u64)pages, __ATOMIC_RELAXED);

	if (pages > 0 && s->s_pages_max && now > s->s_pages_max) {
		__atomic_fetch_sub(&s->s_pages, (u64)pages, __ATOMIC_RELAXED);
		return -ENOSPC;
	}
	return 0;
}

static const struct pagecache_ops tmpfs_cache_ops = {.charge = tmpfs_charge};

static int tmpfs_dir_fsync(struct file *f, bool data_only)
{
	(void)f;
	(void)data_only;
	return 0; /* as regular_fsync: nothing but memory */
}

static const struct file_ops tmpfs_dir_fops = {
	.seek = file_seek_plain,
	.readdir = dcache_readdir,
	.fsync = tmpfs_dir_fsync,
};

/* --- inodes --- */

static void uncount_inode(struct super *s)
{
	__atomic_fetch_sub(&s->s_inodes, 1, __ATOMIC_RELAXED);
}

/* Owner and mode by the rules for a new member of dir; NULL dir: a root. */
static int tmpfs_inode(struct super *s, const struct inode *dir, u32 mode, kdev rdev,
		       struct inode **out)
{
	u64 count = __atomic_add_fetch(&s->s_inodes, 1, __ATOMIC_RELAXED);
	struct inode *i;

	if (s->s_inodes_max && count > s->s_inodes_max) {
		uncount_inode(s);
		return -ENOSPC;
	}
	i = inode_create(s, mode);
	if (!i) {
		uncount_inode(s);
		return -ENOMEM;
	}
	inode_init_owner(i, dir, mode);
	i->i_ops = &tmpfs_file_ops;
	i->i_rdev = rdev;
	pagecache_init(&i->i_cache, &tmpfs_cache_ops, i);
	if (S_ISREG(mode)) {
		i->i_fops = &regular_file_ops;
	} else if (S_ISDIR(mode)) {
		i->i_ops = &tmpfs_dir_ops;
		i->i_fops = &tmpfs_dir_fops;
		i->i_nlink = 2; /* its name and its own "." */
		i->i_size = 2 * DIRENT_SIZE;
	}
	*out = i;
	return 0;
}

/* The page cache is emptied by the caller; it uncharges through charge(). */
static void tmpfs_evict(struct inode *i)
{
	if (S_ISLNK(i->i_mode))
		kfree(i->i_private);
	pagecache_truncate(&i->i_cache, 0, ~0ull);
	uncount_inode(i->i_super);
}

static int tmpfs_setattr(struct inode *i, const struct iattr *a)
{
	if (a->valid & ATTR_SIZE)
		inode_set_size(i, a->size);
	inode_setattr(i, a);
	return 0;
}

static int tmpfs_readlink(struct inode *i, char *buf, size_t size)
{
	size_t n = MIN((size_t)i->i_size, size);

	if (!S_ISLNK(i->i_mode))
		return -EINVAL;
	memcpy(buf, i->i_private, n);
	return (int)n;
}

/* --- names; the directory's i_lock is held --- */

static void name_added(struct inode *dir, struct dentry *d, struct inode *i)
{
	dentry_attach(d, i);
	dentry_hash(d);
	dentry_pin(d);
	if (S_ISDIR(i->i_mode))
		dir->i_nlink++; /* its ".." */
	dir->i_size += DIRENT_SIZE;
	inode_touch(dir);
}

static int tmpfs_create_node(struct inode *dir, struct dentry *d, u32 mode, kdev rdev)
{
	struct inode *i;
	int err = tmpfs_inode(dir->i_super, dir, mode, rdev, &i);

	if (!err)
		name_added(dir, d, i);
	return err;
}

static int tmpfs_symlink(struct inode *dir, struct dentry *d, const char *target)
{
	struct inode *i;
	char *text = kstrdup(target);
	int err;

	if (!text)
		return -ENOMEM;
	err = tmpfs_inode(dir->i_super, dir, S_IFLNK | 0777, 0, &i);
	if (err) {
		kfree(text);
		return err;
	}
	i->i_private = text;
	i->i_size = strlen(text);
	name_added(dir, d, i);
	return 0;
}

static int tmpfs_tmpfile(struct inode *dir, u32 mode, struct inode **out)
{
	int err = tmpfs_inode(dir->i_super, dir, mode, 0, out);

	if (!err)
		(*out)->i_nlink = 0;
	return err;
}

static int tmpfs_link(struct inode *dir, struct dentry *d, struct inode *target)
{
	inode_get(target);
	target->i_nlink++;
	target->i_ctime = time_coarse_ns();
	name_added(dir, d, target);
	return 0;
}

/* d loses its name; whoever holds it keeps a nameless file. */
static void name_removed(struct inode *dir, struct dentry *d)
{
	struct inode *i = d->d_inode;

	dir->i_size -= DIRENT_SIZE;
	inode_touch(dir);
	i->i_ctime = dir->i_ctime;
	if (S_ISDIR(i->i_mode)) {
		i->i_nlink = 0; /* removed: nothing can be created in it */
		dir->i_nlink--;
	} else {
		i->i_nlink--;
	}
	dentry_unpin(d);
}

static int tmpfs_unlink(struct inode *dir, struct dentry *d)
{
	name_removed(dir, d);
	return 0;
}

static int tmpfs_rmdir(struct inode *dir, struct dentry *d)
{
	if (dentry_has_children(d))
		return -ENOTEMPTY;
	name_removed(dir, d);
	return 0;
}

static int tmpfs_exchange(struct inode *olddir, struct dentry *old, struct inode *newdir,
			  struct dentry *new_)
{
	s32 dirs = S_ISDIR(new_->d_inode->i_mode) - S_ISDIR(old->d_inode->i_mode);

	if (olddir != newdir) {
		olddir->i_nlink += (u32)dirs;
		newdir->i_nlink -= (u32)dirs;
	}
	inode_touch(olddir);
	inode_touch(newdir);
	old->d_inode->i_ctime = new_->d_inode->i_ctime = olddir->i_ctime;
	return 0;
}

static int tmpfs_rename(struct inode *olddir, struct dentry *old, struct inode *newdir,
			struct dentry *new_, u32 flags)
{
	bool is_dir = S_ISDIR(old->d_inode->i_mode);

	if (flags & RENAME_EXCHANGE)
		return tmpfs_exchange(olddir, old, newdir, new_);
	if (new_->d_inode && is_dir && dentry_has_children(new_))
		return -ENOTEMPTY;
	if (new_->d_inode)
		name_removed(newdir, new_);
	if (is_dir) {
		olddir->i_nlink--;
		newdir->i_nlink++;
	}
	olddir->i_size -= DIRENT_SIZE;
	newdir->i_size += DIRENT_SIZE;
	inode_touch(olddir);
	inode_touch(newdir);
	old->d_inode->i_ctime = olddir->i_ctime;
	return 0;
}

const struct inode_ops tmpfs_dir_ops = {
	.create = tmpfs_create_node,
	.symlink = tmpfs_symlink,
	.link = tmpfs_link,
	.unlink = tmpfs_unlink,
	.rmdir = tmpfs_rmdir,
	.rename = tmpfs_rename,
	.tmpfile = tmpfs_tmpfile,
	.setattr = tmpfs_setattr,
	.evict = tmpfs_evict,
};

const struct inode_ops tmpfs_file_ops = {
	.readlink = tmpfs_readlink,
	.setattr = tmpfs_setattr,
	.evict = tmpfs_evict,
};

/* --- the file system --- */

static int tmpfs_statfs(struct super *s, struct kstatfs *out)
{
	*out = (struct kstatfs){.bsize = PAGE_SIZE, .frsize = PAGE_SIZE};
	if (s->s_pages_max) {
		out->blocks = s->s_pages_max;
		out->bfree = s->s_pages_max - MIN(s->s_pages, s->s_pages_max);
		out->bavail = out->bfree;
	}
	if (s->s_inodes_max) {
		out->files = s->s_inodes_max;
		out->ffree = s->s_inodes_max - MIN(s->s_inodes, s->s_inodes_max);
	}
	return 0;
}

struct tmpfs_options {
	u64 pages, inodes;
	u32 mode, uid, gid;
	bool mode_set;
};

static u64 half_of_memory(void)
{
	struct page_stats stats;

	page_stats(&stats);
	return stats.total / 2;
}

/* size=50% of memory, or bytes with a suffix. */
static int parse_pages(const char *value, size_t len, bool bytes, u64 *out)
{
	char text[32];
	u64 n;
	int err;

	if (len >= sizeof(text))
		return -EINVAL;
	memcpy(text, value, len);
	text[len] = '\0';
	if (bytes && len && text[len - 1] == '%') {
		text[len - 1] = '\0';
		err = num_parse_u64(text, 10, &n);
		if (!err && n > 1000)
			err = -EINVAL;
		*out = half_of_memory() * 2 * n / 100;
		return err;
	}
	err = num_parse_size(text, &n);
	*out = bytes ? DIV_ROUND_UP(n, PAGE_SIZE) : n;
	return err;
}

static bool key_is(const char *opt, size_t len, const char *key, const char **value, size_t *vlen)
{
	size_t n = strlen(key);

	if (len < n || memcmp(opt, key, n) != 0)
		return false;
	*value = opt + n;
	*vlen = len - n;
	return true;
}

static int parse_option(struct tmpfs_options *o, const char *opt, size_t len)
{
	const char *v;
	size_t n;
	u64 num = 0;
	int err;

	if (key_is(opt, len, "size=", &v, &n))
		return parse_pages(v, n, true, &o->pages);
	if (key_is(opt, len, "nr_blocks=", &v, &n))
		return parse_pages(v, n, false, &o->pages);
	if (key_is(opt, len, "nr_inodes=", &v, &n))
		return parse_pages(v, n, false, &o->inodes);
	if (key_is(opt, len, "mode=", &v, &n)) {
		err = num_parse_n(v, n, 8, &num);
		o->mode = (u32)num & 07777;
		o->mode_set = true;
		return err;
	}
	if (key_is(opt, len, "uid=", &v, &n)) {
		err = num_parse_n(v, n, 10, &num);
		o->uid = (u32)num;
		return err;
	}
	if (key_is(opt, len, "gid=", &v, &n)) {
		err = num_parse_n(v, n, 10, &num);
		o->gid = (u32)num;
		return err;
	}
	return -EINVAL;
}

static int parse_options(struct tmpfs_options *o, const char *data)
{
	while (data && *data) {
		const char *comma = strchr(data, ',');
		size_t len = comma ? (size_t)(comma - data) : strlen(data);

		if (len && parse_option(o, data, len))
			return -EINVAL;
		data += len + (comma != NULL);
	}
	return 0;
}

static int tmpfs_remount(struct super *s, const char *data)
{
	struct tmpfs_options o = {.pages = s->s_pages_max, .inodes = s->s_inodes_max};
	int err = parse_options(&o, data);

	if (err)
		return err;
	/* A limit below what is in use cannot be kept. */
	if ((o.pages && o.pages < s->s_pages) || (o.inodes && o.inodes < s->s_inodes))
		return -EINVAL;
	s->s_pages_max = o.pages;
	s->s_inodes_max = o.inodes;
	return 0;
}

static const struct super_ops tmpfs_super_ops = {
	.statfs = tmpfs_statfs,
	.remount = tmpfs_remount,
};

int tmpfs_create(const char *type, u64 max_pages, u64 max_inodes, struct super **out)
{
	struct super *s = super_create(type, &tmpfs_super_ops, TMPFS_MAGIC);
	struct inode *root;
	int err;

	if (!s)
		return -ENOMEM;
	s->s_flags = SUPER_CACHE_IS_ALL;
	s->s_pages_max = max_pages;
	s->s_inodes_max = max_inodes;
	err = tmpfs_inode(s, NULL, S_IFDIR | 0755, 0, &root);
	if (!err) {
		s->s_root = dentry_create_root(s, root);
		if (!s->s_root) {
			inode_put(root);
			err = -ENOMEM;
		}
	}
	if (err) {
		super_put(s);
		return err;
	}
	*out = s;
	return 0;
}

static int mount_with(const char *type, struct tmpfs_options *o, const char *data,
		      struct super **out)
{
	const struct cred *c = cred_current();
	struct inode *root;
	int err;

	o->uid = c->c_fsuid;
	o->gid = c->c_fsgid;
	err = parse_options(o, data);
	if (!err)
		err = tmpfs_create(type, o->pages, o->inodes, out);
	if (err)
		return err;
	root = (*out)->s_root->d_inode;
	/* tmpfs(5): world-writable and sticky unless told otherwise. */
	root->i_mode = S_IFDIR | (o->mode_set ? o->mode : 01777);
	root->i_uid = o->uid;
	root->i_gid = o->gid;
	return 0;
}

static int tmpfs_mount(const char *source, const char *data, struct super **out)
{
	struct tmpfs_options o = {.pages = half_of_memory(), .inodes = half_of_memory()};

	(void)source;
	return mount_with("tmpfs", &o, data, out);
}

static int ramfs_mount(const char *source, const char *data, struct super **out)
{
	struct tmpfs_options o = {.mode = 0755, .mode_set = true};

	(void)source;
	return mount_with("ramfs", &o, data, out);
}

void tmpfs_init(void)
{
	static const struct fs_type tmpfs = {"tmpfs", tmpfs_mount};
	static const struct fs_type ramfs = {"ramfs", ramfs_mount};

	fs_register(&tmpfs);
	fs_register(&ramfs);
}

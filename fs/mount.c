// SPDX-License-Identifier: MIT
/*
 * The mount table: which file system is seen where. mount_mutex covers every change; what a path
 * walk follows (the hash, parent, mountpoint) changes under dcache_lock as well. The tree holds one
 * reference of each attached mount, a child one of its parent and its mountpoint: so a mount with
 * exactly the tree's reference is not in use.
 */
#include "fs/vfs.h"
#include "kern/task.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "vm/slab.h"

#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/mount.h>

#define MOUNT_BUCKET_BITS 6
#define MOUNT_MAX	  10000 /* Linux: fs.mount-max is 100,000 */
#define MNT_FORCE	  1	/* umount2(2); not in the UAPI headers */
#define MNT_DETACH	  2
#define MNT_EXPIRE	  4
#define UMOUNT_NOFOLLOW	  8

#define MOUNT_FLAGS \
	(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME)
#define MOUNT_PROPAGATION (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)

static struct slab_cache mount_slab = SLAB_CACHE(mount_slab, "mount", struct mount);
static struct mutex mount_mutex;
static struct list mounts = LIST_INIT(mounts);
static struct hlist mount_hash[1 << MOUNT_BUCKET_BITS];
static struct mount *root_mount;
static u32 mount_next_id = 20, mount_count;

static struct hlist *bucket(const struct mount *parent, const struct dentry *point)
{
	return &mount_hash[hash_bits((u64)parent ^ (u64)point >> 4, MOUNT_BUCKET_BITS)];
}

struct mount *mount_child(const struct mount *parent, const struct dentry *point)
{
	struct mount *m;

	hlist_for_each_entry (m, bucket(parent, point), mnt_hash)
		if (m->mnt_parent == parent && m->mnt_mountpoint == point)
			return m;
	return NULL;
}

void mount_get(struct mount *m)
{
	ref_get(&m->mnt_ref);
}

void mount_put(struct mount *m)
{
	if (!ref_put(&m->mnt_ref))
		return;
	dentry_put(m->mnt_root);
	super_put(m->mnt_super);
	slab_free(&mount_slab, m);
}

/* Takes its own references; in no tree yet. */
static struct mount *mount_create(struct super *s, struct dentry *root, u32 flags,
				  const char *source)
{
	struct mount *m = slab_zalloc(&mount_slab);

	if (!m)
		return NULL;
	super_get(s);
	dentry_get(root);
	m->mnt_super = s;
	m->mnt_root = root;
	ref_init(&m->mnt_ref);
	m->mnt_id = __atomic_add_fetch(&mount_next_id, 1, __ATOMIC_RELAXED);
	m->mnt_flags = flags & MOUNT_FLAGS;
	if (!(flags & (MS_NOATIME | MS_STRICTATIME)))
		m->mnt_flags |= MS_RELATIME;
	str_copy(m->mnt_source, source && *source ? source : "none", sizeof(m->mnt_source));
	return m;
}

static void link_locked(struct mount *m, const struct path *where)
{
	path_get(where);
	spin_lock(&dcache_lock);
	m->mnt_parent = where->mnt;
	m->mnt_mountpoint = where->dentry;
	where->dentry->d_mounted = true;
	hlist_add(bucket(where->mnt, where->dentry), &m->mnt_hash);
	m->mnt_attached = true;
	spin_unlock(&dcache_lock);
	list_add_tail(&mounts, &m->mnt_link);
	mount_count++;
}

/* Out of the tree; the tree's reference is the caller's now. */
static void unlink_locked(struct mount *m)
{
	struct path where = {m->mnt_parent, m->mnt_mountpoint};
	bool still = false;
	struct mount *o;

	list_del(&m->mnt_link);
	mount_count--;
	list_for_each_entry (o, &mounts, mnt_link)
		still = still || o->mnt_mountpoint == where.dentry;
	spin_lock(&dcache_lock);
	hlist_del(&m->mnt_hash);
	m->mnt_parent = NULL;
	m->mnt_mountpoint = NULL;
	m->mnt_attached = false;
	where.dentry->d_mounted = still;
	spin_unlock(&dcache_lock);
	path_put(&where);
}

/* Consumes m on success. */
static int attach_locked(struct mount *m, const struct path *where)
{
	struct dentry *d = where->dentry;

	if (S_ISDIR(d->d_inode->i_mode) != S_ISDIR(m->mnt_root->d_inode->i_mode))
		return -ENOTDIR;
	if (!where->mnt->mnt_attached)
		return -EINVAL; /* a place in a tree that was detached */
	if (d->d_unhashed && d->d_parent != d)
		return -ENOENT;
	if (mount_count >= MOUNT_MAX)
		return -ENOSPC;
	link_locked(m, where);
	return 0;
}

static int mount_add(struct super *s, struct dentry *root, const struct path *where, u32 flags,
		     const char *source)
{
	struct mount *m = mount_create(s, root, flags, source);
	int err;

	if (!m)
		return -ENOMEM;
	mutex_lock(&mount_mutex);
	err = attach_locked(m, where);
	mutex_unlock(&mount_mutex);
	if (err)
		mount_put(m);
	return err;
}

int mount_at(const struct path *where, struct super *s, u32 flags, const char *source)
{
	int err = mount_add(s, s->s_root, where, flags, source);

	if (!err)
		super_put(s); /* the mount has its own */
	return err;
}

int mount_root(struct super *s)
{
	struct mount *m;

	mutex_init(&mount_mutex, "mount", RANK_MOUNT);
	m = mount_create(s, s->s_root, 0, "rootfs");
	if (!m)
		return -ENOMEM;
	super_put(s);
	m->mnt_attached = true;
	list_add_tail(&mounts, &m->mnt_link);
	mount_count++;
	root_mount = m;
	return 0;
}

void mount_root_path(struct path *out)
{
	out->mnt = root_mount;
	out->dentry = root_mount->mnt_root;
	path_get(out);
}

/* --- bind and move --- */

/* Is m below (or the same as) top? */
static bool mount_below(const struct mount *m, const struct mount *top)
{
	while (m && m != top)
		m = m->mnt_parent;
	return m != NULL;
}

/* MS_REC: what is mounted below `from` is mounted below the copy too. Parents come before children
 * in the table. */
static int bind_children_locked(const struct path *from, struct mount *copy)
{
	u32 count = mount_count;
	struct mount *m;
	int err = 0;

	list_for_each_entry (m, &mounts, mnt_link)
		m->mnt_copy = NULL;
	from->mnt->mnt_copy = copy;
	m = list_first_entry(&mounts, struct mount, mnt_link);
	for (; count-- && !err; m = list_next_entry(m, mnt_link)) {
		struct mount *over = m->mnt_parent ? m->mnt_parent->mnt_copy : NULL, *child;
		struct path where = {over, m->mnt_mountpoint};

		if (!over || m == copy ||
		    (over == copy && !dentry_is_ancestor(from->dentry, m->mnt_mountpoint)))
			continue;
		child = mount_create(m->mnt_super, m->mnt_root, m->mnt_flags, m->mnt_source);
		if (!child)
			return -ENOMEM;
		err = attach_locked(child, &where);
		if (err)
			mount_put(child);
		else
			m->mnt_copy = child;
	}
	return err;
}

static int do_bind(const struct path *where, const char *source, u64 flags)
{
	struct path from;
	struct mount *m;
	int err = source ? path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, &from) : -EINVAL;

	if (err)
		return err;
	m = mount_create(from.mnt->mnt_super, from.dentry, from.mnt->mnt_flags,
			 from.mnt->mnt_source);
	if (!m) {
		path_put(&from);
		return -ENOMEM;
	}
	mutex_lock(&mount_mutex);
	err = attach_locked(m, where);
	if (err)
		mount_put(m);
	else if (flags & MS_REC)
		err = bind_children_locked(&from, m);
	mutex_unlock(&mount_mutex);
	path_put(&from);
	return err;
}

/* After a move: what is below m follows it in the table, in its old order. */
static void order_after_locked(struct mount *m)
{
	struct mount *o = list_first_entry(&mounts, struct mount, mnt_link), *next;

	for (u32 count = mount_count; count--; o = next) {
		next = list_next_entry(o, mnt_link);
		if (o != m && mount_below(o, m))
			list_move_tail(&mounts, &o->mnt_link);
	}
}

static int do_move(const struct path *where, const char *source)
{
	struct path from;
	struct mount *m;
	int err = source ? path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, &from) : -EINVAL;

	if (err)
		return err;
	m = from.mnt;
	mutex_lock(&mount_mutex);
	if (from.dentry != m->mnt_root || !m->mnt_parent || !where->mnt->mnt_attached)
		err = -EINVAL;
	else if (mount_below(where->mnt, m))
		err = -ELOOP;
	else if (S_ISDIR(where->dentry->d_inode->i_mode) != S_ISDIR(from.dentry->d_inode->i_mode))
		err = -ENOTDIR;
	if (!err) {
		unlink_locked(m);
		link_locked(m, where);
		order_after_locked(m);
	}
	mutex_unlock(&mount_mutex);
	path_put(&from);
	return err;
}

/* --- mount(2) --- */

static int do_remount(const struct path *where, u64 flags, const char *data)
{
	struct mount *m = where->mnt;
	struct super *s = m->mnt_super;
	int err = 0;

	if (where->dentry != m->mnt_root)
		return -EINVAL;
	if (!(flags & MS_BIND) && data && *data && s->s_ops->remount)
		err = s->s_ops->remount(s, data);
	if (err)
		return err;
	mutex_lock(&mount_mutex);
	if (flags & MS_RDONLY && __atomic_load_n(&m->mnt_writers, __ATOMIC_SEQ_CST) > 0)
		err = -EBUSY;
	else
		m->mnt_flags = (flags & MOUNT_FLAGS) |
			       (flags & (MS_NOATIME | MS_STRICTATIME) ? 0 : MS_RELATIME);
	mutex_unlock(&mount_mutex);
	return err;
}

/* Mounts are private here; that is the one kind that can be asked for. */
static int do_propagation(const struct path *where, u64 flags)
{
	if (where->dentry != where->mnt->mnt_root)
		return -EINVAL;
	return (flags & MOUNT_PROPAGATION) == MS_PRIVATE ? 0 : -EINVAL;
}

static int do_new(const struct path *where, const char *source, const char *type, u64 flags,
		  const char *data)
{
	const struct fs_type *t = type ? fs_type_find(type) : NULL;
	struct super *s;
	int err;

	if (!type)
		return -EINVAL;
	if (!t)
		return -ENODEV;
	err = t->mount(source, data, &s);
	if (err)
		return err;
	err = mount_at(where, s, (u32)flags, source);
	if (err)
		super_put(s);
	return err;
}

int vfs_mount(const struct path *where, const char *source, const char *type, u64 flags,
	      const char *data)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
		flags &= ~(u64)MS_MGC_MSK;
	if (flags & MS_REMOUNT)
		return do_remount(where, flags, data);
	if (flags & MS_BIND)
		return do_bind(where, source, flags);
	if (flags & MOUNT_PROPAGATION)
		return do_propagation(where, flags);
	if (flags & MS_MOVE)
		return do_move(where, source);
	return do_new(where, source, type, flags, data);
}

int kern_mount(const char *source, const char *target, const char *type, u64 flags,
	       const char *data)
{
	struct path where;
	int err = path_lookup(AT_FDCWD, target, LOOKUP_FOLLOW, &where);

	if (err)
		return err;
	err = do_new(&where, source, type, flags, data);
	path_put(&where);
	return err;
}

/* --- umount(2) --- */

/* Takes `top` and all below it out of the tree; the table has parents before children, so from its
 * end. */
static void detach_tree_locked(struct mount *top, struct list *gone)
{
	struct list *at = mounts.prev;

	while (at != &mounts) {
		struct mount *m = list_entry(at, struct mount, mnt_link);

		at = at->prev;
		if (!mount_below(m, top))
			continue;
		unlink_locked(m);
		list_add_tail(gone, &m->mnt_link);
	}
}

static int do_umount_locked(struct mount *m, int flags, struct list *gone)
{
	bool busy;

	if (!m->mnt_parent || !m->mnt_attached)
		return -EINVAL;
	if (flags & MNT_DETACH) {
		detach_tree_locked(m, gone);
		return 0;
	}
	/* The tree's reference and the caller's path; under dcache_lock, so no walk is about to
	 * take one. */
	spin_lock(&dcache_lock);
	busy = READ_ONCE(m->mnt_ref.r_n) > 2;
	spin_unlock(&dcache_lock);
	if (busy)
		return -EBUSY;
	if (flags & MNT_EXPIRE && !m->mnt_expiring) {
		m->mnt_expiring = true;
		return -EAGAIN;
	}
	unlink_locked(m);
	list_add_tail(gone, &m->mnt_link);
	return 0;
}

int vfs_umount(const struct path *where, int flags)
{
	struct list gone;
	int err;

	if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW) ||
	    (flags & MNT_EXPIRE && flags & (MNT_FORCE | MNT_DETACH)))
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (where->dentry != where->mnt->mnt_root)
		return -EINVAL;
	list_init(&gone);
	mutex_lock(&mount_mutex);
	err = do_umount_locked(where->mnt, flags, &gone);
	mutex_unlock(&mount_mutex);
	/* The last reference may free a whole file system: not under the mutex. */
	while (!list_empty(&gone)) {
		struct mount *m = list_first_entry(&gone, struct mount, mnt_link);

		list_del(&m->mnt_link);
		mount_put(m);
	}
	return err;
}

int kern_umount(const char *target, int flags)
{
	struct path where;
	int err = path_lookup(AT_FDCWD, target, flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW,
			      &where);

	if (err)
		return err;
	err = vfs_umount(&where, flags);
	path_put(&where);
	return err;
}

/* --- looking --- */

void mount_for_each(void (*fn)(const struct mount *m, void *arg), void *arg)
{
	struct mount *m;

	mutex_lock(&mount_mutex);
	list_for_each_entry (m, &mounts, mnt_link)
		fn(m, arg);
	mutex_unlock(&mount_mutex);
}

void vfs_sync(void)
{
	struct mount *m;

	mutex_lock(&mount_mutex);
	list_for_each_entry (m, &mounts, mnt_link)
		(void)super_sync(m->mnt_super); /* sync(2) cannot fail */
	mutex_unlock(&mount_mutex);
}

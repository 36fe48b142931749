// SPDX-License-Identifier: MIT
/*
 * Device nodes: which driver stands behind a number, and /dev as the kernel fills it (devtmpfs).
 * There is one devtmpfs; each mount shows the same. Drivers add their nodes at boot, before or
 * after it is made.
 */
#include "fs/namei.h"
#include "kern/log.h"
#include "kern/task.h"
#include "lib/string.h"

#include <linux/errno.h>
#include <linux/major.h>
#include <linux/mount.h>

#define CHARDEV_MAX 64
#define NODE_MAX    64

struct chardev {
	u32 major, minor, count;
	const struct file_ops *ops;
};

/* Filled at boot, by one CPU; read without a lock after. */
static struct chardev chardevs[CHARDEV_MAX];
static u32 chardev_count;

void chardev_register(u32 major, u32 minor, u32 count, const struct file_ops *ops)
{
	ASSERT(chardev_count < CHARDEV_MAX);
	chardevs[chardev_count++] = (struct chardev){major, minor, count, ops};
}

const struct file_ops *chardev_find(kdev dev)
{
	for (u32 n = 0; n < chardev_count; n++) {
		const struct chardev *c = &chardevs[n];

		if (KDEV_MAJOR(dev) == c->major && KDEV_MINOR(dev) - c->minor < c->count)
			return c->ops;
	}
	return NULL;
}

static int chardev_open(struct inode *i, struct file *f)
{
	const struct file_ops *ops = chardev_find(i->i_rdev);

	if (!ops)
		return -ENXIO;
	f->f_ops = ops;
	return ops->open ? ops->open(i, f) : 0;
}

const struct file_ops chardev_open_ops = {.open = chardev_open};

static int no_open(struct inode *i, struct file *f)
{
	(void)i;
	(void)f;
	return -ENXIO;
}

const struct file_ops no_open_ops = {.open = no_open};

/* --- devtmpfs --- */

struct node {
	const char *name;
	u32 mode;
	kdev dev;
	const char *target; /* of a symbolic link */
};

static struct node nodes[NODE_MAX] = {
	{"null", S_IFCHR | 0666, KDEV(MEM_MAJOR, 3), NULL},
	{"zero", S_IFCHR | 0666, KDEV(MEM_MAJOR, 5), NULL},
	{"full", S_IFCHR | 0666, KDEV(MEM_MAJOR, 7), NULL},
	{"random", S_IFCHR | 0666, KDEV(MEM_MAJOR, 8), NULL},
	{"urandom", S_IFCHR | 0666, KDEV(MEM_MAJOR, 9), NULL},
	{"tty", S_IFCHR | 0666, KDEV(TTYAUX_MAJOR, 0), NULL},
	{"console", S_IFCHR | 0600, KDEV(TTYAUX_MAJOR, 1), NULL},
	{"fd", S_IFLNK, 0, "/proc/self/fd"},
	{"stdin", S_IFLNK, 0, "/proc/self/fd/0"},
	{"stdout", S_IFLNK, 0, "/proc/self/fd/1"},
	{"stderr", S_IFLNK, 0, "/proc/self/fd/2"},
	{"shm", S_IFDIR | S_ISVTX | 0777, 0, NULL},
};
static u32 node_count = 12;
static struct super *dev_super;
static struct mutex dev_mutex;

static int make_node(struct super *s, const struct node *n)
{
	struct inode *dir = s->s_root->d_inode;
	struct dentry *d;
	int err;

	mutex_lock(&dir->i_lock);
	err = dentry_lookup(s->s_root, n->name, (u32)strlen(n->name), &d);
	if (!err) {
		if (d->d_inode)
			err = -EEXIST;
		else if (n->target)
			err = dir->i_ops->symlink(dir, d, n->target);
		else
			err = dir->i_ops->create(dir, d, n->mode, n->dev);
		dentry_put(d);
	}
	mutex_unlock(&dir->i_lock);
	return err;
}

int devfs_populate(struct super *s)
{
	for (u32 n = 0; n < node_count; n++) {
		int err = make_node(s, &nodes[n]);

		if (err && err != -EEXIST)
			return err;
	}
	return 0;
}

int devfs_add(const char *name, u32 mode, kdev dev)
{
	struct node n = {name, S_IFCHR | mode, dev, NULL};
	int err = 0;

	mutex_lock(&dev_mutex);
	if (node_count == NODE_MAX)
		err = -ENOSPC;
	else
		nodes[node_count++] = n;
	if (!err && dev_super)
		err = make_node(dev_super, &n);
	mutex_unlock(&dev_mutex);
	return err;
}

static int devtmpfs_mount(const char *source, const char *data, struct super **out)
{
	int err = 0;

	(void)source;
	(void)data;
	mutex_lock(&dev_mutex);
	if (!dev_super) {
		err = tmpfs_create("devtmpfs", 0, 0, &dev_super);
		if (!err)
			err = devfs_populate(dev_super);
		if (err && dev_super) {
			super_put(dev_super);
			dev_super = NULL;
		}
	}
	if (!err) {
		super_get(dev_super); /* the first reference stays here */
		*out = dev_super;
	}
	mutex_unlock(&dev_mutex);
	return err;
}

int devfs_mount(void)
{
	int err = vfs_create(AT_FDCWD, "/dev", S_IFDIR | 0755, 0);

	if (err && err != -EEXIST)
		return err;
	return kern_mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, NULL);
}

void devfs_init(void)
{
	static const struct fs_type devtmpfs = {"devtmpfs", devtmpfs_mount};

	/* Held while nodes are made: outside of the directory's lock. */
	mutex_init(&dev_mutex, "devtmpfs", RANK_MOUNT);
	fs_register(&devtmpfs);
	memdev_init();
}

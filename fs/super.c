// SPDX-License-Identifier: MIT
/*
 * File system instances and types. A super is counted by its mounts; with the last one its names,
 * then its inodes, then its private data go away, in this order.
 */
#include "fs/vfs.h"
#include "lib/string.h"
#include "vm/slab.h"

#include <linux/errno.h>

#define FS_TYPES_MAX 16

static struct slab_cache super_slab = SLAB_CACHE(super_slab, "super", struct super);
static u32 anon_minor;
static const struct fs_type *types[FS_TYPES_MAX];
static u32 type_count;

struct super *super_create(const char *type, const struct super_ops *ops, u64 magic)
{
	struct super *s = slab_zalloc(&super_slab);

	if (!s)
		return NULL;
	s->s_type = type;
	s->s_ops = ops;
	s->s_magic = magic;
	/* As Linux: no device behind it, so major 0 and a fresh minor. */
	s->s_dev = KDEV(0, __atomic_add_fetch(&anon_minor, 1, __ATOMIC_RELAXED));
	ref_init(&s->s_ref);
	return s;
}

void super_get(struct super *s)
{
	ref_get(&s->s_ref);
}

void super_put(struct super *s)
{
	if (!ref_put(&s->s_ref))
		return;
	dcache_drop_super(s);
	if (s->s_ops->destroy)
		s->s_ops->destroy(s);
	slab_free(&super_slab, s);
}

int super_sync(struct super *s)
{
	return s->s_ops->sync ? s->s_ops->sync(s) : 0;
}

/* Called at boot, by one CPU. */
void fs_register(const struct fs_type *t)
{
	if (type_count < FS_TYPES_MAX)
		types[type_count++] = t;
}

const struct fs_type *fs_type_find(const char *name)
{
	for (u32 i = 0; i < type_count; i++)
		if (str_eq(types[i]->name, name))
			return types[i];
	return NULL;
}

void fs_type_for_each(void (*fn)(const struct fs_type *t, void *arg), void *arg)
{
	for (u32 i = 0; i < type_count; i++)
		fn(types[i], arg);
}

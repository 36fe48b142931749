// SPDX-License-Identifier: MIT
// Shared anonymous memory: a page cache that belongs to no file, counted by the regions that map
// it. Its size is that of the mmap call that made it; a region that mremap lets grow past it gets
// SIGBUS there, as on Linux.
#include "vm/vm.h"

#include "fs/vfs.h"

static struct slab_cache shm_cache = SLAB_CACHE(shm_cache, "shm", struct shm_object);

struct shm_object *shm_create(u64 pages)
{
	struct shm_object *o = slab_alloc(&shm_cache);

	if (!o)
		return NULL;
	pagecache_init(&o->o_cache, NULL, NULL);
	ref_init(&o->o_ref);
	o->o_pages = pages;
	return o;
}

void shm_put(struct shm_object *o)
{
	if (!ref_put(&o->o_ref))
		return;
	pagecache_destroy(&o->o_cache);
	slab_free(&shm_cache, o);
}

u64 vma_cache_pages(const struct vma *v)
{
	if (!v->v_cache->pc_inode)
		return vma_object(v)->o_pages;
	return (READ_ONCE(v->v_cache->pc_inode->i_size) + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

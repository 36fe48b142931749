// SPDX-License-Identifier: MIT
// Slab caches for kernel objects, with a per-CPU free list each; kmalloc for sizes without a cache
// of their own. Locks: [L] sc_lock (interrupts off), [C] only this CPU with interrupts off.
#pragma once

#include "kern/lock.h"
#include "lib/list.h"
#include "lib/types.h"

struct slab_cpu {
	void *free; // [C] linked through the first word
	u32 count;  // [C]
	s64 active; // [C] handed out less taken back here; only the sum over CPUs means something
} ALIGNED(64);

struct slab_cache {
	const char *sc_name;
	u32 sc_size, sc_align; // as asked for
	struct spinlock sc_lock;
	struct list sc_partial; // [L] slabs with a free object
	u32 sc_stride;		// bytes from object to object; 0: not set up yet
	u32 sc_order;		// pages per slab, log2
	u32 sc_per_slab;
	u32 sc_limit; // objects a CPU keeps
	u32 sc_empty; // [L] slabs on sc_partial with no object in use
	u16 sc_id;    // index in the table of caches, from 1; pg_flags of its pages
	struct slab_cpu sc_cpu[CPU_MAX];
};

// Static definition: struct slab_cache foo_cache = SLAB_CACHE(foo_cache, "foo", struct foo);
// It sets itself up at the first allocation.
#define SLAB_CACHE_SIZED(var, name, size, align)                           \
	{                                                                  \
		.sc_name = (name), .sc_size = (size), .sc_align = (align), \
		.sc_lock = SPINLOCK(name, RANK_SLAB), .sc_partial = {      \
			&(var).sc_partial,                                 \
			&(var).sc_partial                                  \
		}                                                          \
	}
#define SLAB_CACHE(var, name, type) SLAB_CACHE_SIZED(var, name, sizeof(type), _Alignof(type))

// Uninitialised memory, NULL when there is none. May be called from interrupts; never sleeps.
void *slab_alloc(struct slab_cache *c);
void *slab_zalloc(struct slab_cache *c);
void slab_free(struct slab_cache *c, void *obj);

void *kmalloc(size_t n); // NULL; up to 64 MiB; from 4096 bytes on page aligned
void *kzalloc(size_t n);
void *krealloc(void *p, size_t old, size_t n); // NULL: p is still there
void kfree(void *p);			       // NULL is allowed
char *kstrdup(const char *s);

void slab_init(void);
s64 slab_active(const struct slab_cache *c); // objects handed out
u64 slab_pages(void);			     // pages that caches hold
// Calls fn for each cache in use (leak counts at shutdown, /proc/slabinfo).
void slab_for_each(void (*fn)(const struct slab_cache *c, void *arg), void *arg);

// SPDX-License-Identifier: MIT
// Slab caches. A slab is 2^sc_order naturally aligned pages of equal objects; its free objects are
// linked by their first word, starting at pg_free. Each CPU keeps a list of free objects that it
// alone touches, with interrupts off; the cache's lock is taken only to refill or drain it, a batch
// at a time. A slab page knows its cache by pg_flags, so kfree needs no size. In the debug build
// each object carries a red zone behind it and is poisoned while free.
#include "vm/slab.h"

#include "kern/log.h"
#include "lib/string.h"
#include "machine/cpu.h"
#include "vm/page.h"

#define SLAB_CACHES_MAX 192
#define SLAB_NONE	0xffffffffu // pg_free: no free object
#define SLAB_EMPTY_KEEP 1	    // empty slabs a cache does not return at once

#ifdef CONFIG_DEBUG
#define SLAB_DEBUG 1
#else
#define SLAB_DEBUG 0
#endif
#define RED_ACTIVE 0x5ca1ab1e0ddba11ull
#define RED_FREE   0xdeadf4eedeadf4eeull
#define POISON	   0x6b

static struct {
	struct spinlock lock;
	u32 count;
	u64 pages;				   // [A]
	struct slab_cache *cache[SLAB_CACHES_MAX]; // from 1
} slabs = {.lock = SPINLOCK("slab caches", RANK_SLAB)};

// --- debug build: what lies in and behind an object ---

static u64 *slab_red(const struct slab_cache *c, void *obj)
{
	return (u64 *)((u8 *)obj + ALIGN_UP(MAX(c->sc_size, 8u), 8u));
}

static void slab_poison(const struct slab_cache *c, void *obj)
{
	if (c->sc_size > 8)
		memset((u8 *)obj + 8, POISON, c->sc_size - 8);
	*slab_red(c, obj) = RED_FREE;
}

static void slab_check_alloc(const struct slab_cache *c, void *obj)
{
	const u8 *p = obj;

	if (*slab_red(c, obj) != RED_FREE)
		panic("slab %s: free object %p was written behind its end", c->sc_name, obj);
	for (u32 i = 8; i < c->sc_size; i++)
		if (p[i] != POISON)
			panic("slab %s: free object %p was written at byte %u", c->sc_name, obj, i);
	*slab_red(c, obj) = RED_ACTIVE;
}

static void slab_check_free(const struct slab_cache *c, void *obj)
{
	struct page *p = phys_page(virt_to_phys(obj));

	if (p->pg_kind != PAGE_KERNEL || p->pg_flags != c->sc_id)
		panic("slab %s: %p is not of this cache", c->sc_name, obj);
	if (*slab_red(c, obj) == RED_FREE)
		panic("slab %s: object %p freed twice", c->sc_name, obj);
	if (*slab_red(c, obj) != RED_ACTIVE)
		panic("slab %s: object %p was written behind its end", c->sc_name, obj);
	slab_poison(c, obj);
}

// --- set-up ---

static u32 slab_pick_order(u32 stride)
{
	u32 order = 0;

	// At least eight objects, or little waste; never more than 8 pages in one piece.
	while (order < 3) {
		u32 bytes = PAGE_SIZE << order;

		if (bytes / stride >= 8 || (bytes >= stride && bytes % stride <= bytes / 8))
			break;
		order++;
	}
	return order;
}

static NOINLINE void slab_setup(struct slab_cache *c)
{
	u32 stride, align = MAX(c->sc_align, 8u);
	u64 irq = spin_lock_irq(&slabs.lock);

	if (!c->sc_stride) {
		stride = ALIGN_UP(MAX(c->sc_size, 8u), 8u) + (SLAB_DEBUG ? 8 : 0);
		stride = ALIGN_UP(stride, align);
		c->sc_order = slab_pick_order(stride);
		c->sc_per_slab = (PAGE_SIZE << c->sc_order) / stride;
		c->sc_limit = stride <= 256 ? 64 : stride <= 1024 ? 32 : 8;
		ASSERT(c->sc_per_slab && slabs.count + 1 < SLAB_CACHES_MAX);
		c->sc_id = (u16)++slabs.count;
		slabs.cache[c->sc_id] = c;
		__atomic_store_n(&c->sc_stride, stride, __ATOMIC_RELEASE);
	}
	spin_unlock_irq(&slabs.lock, irq);
}

// --- slabs; sc_lock held, interrupts off ---

static struct page *slab_page_of(const struct slab_cache *c, const void *obj)
{
	return phys_page(ALIGN_DOWN(virt_to_phys(obj), (u64)PAGE_SIZE << c->sc_order));
}

static struct page *slab_grow(struct slab_cache *c)
{
	struct page *p = page_alloc_order(c->sc_order, 0);
	u8 *base;

	if (!p)
		return NULL;
	base = page_address(p);
	for (u32 i = 0; i < 1u << c->sc_order; i++) {
		p[i].pg_kind = PAGE_KERNEL;
		p[i].pg_flags = c->sc_id;
	}
	p->pg_free = SLAB_NONE;
	p->pg_inuse = 0;
	for (u32 i = c->sc_per_slab; i-- > 0;) {
		u32 off = i * c->sc_stride;

		*(u64 *)(base + off) = p->pg_free;
		p->pg_free = off;
		if (SLAB_DEBUG)
			slab_poison(c, base + off);
	}
	__atomic_fetch_add(&slabs.pages, 1ull << c->sc_order, __ATOMIC_RELAXED);
	list_add(&c->sc_partial, &p->pg_list);
	c->sc_empty++;
	return p;
}

static void slab_shrink(struct slab_cache *c, struct page *p)
{
	list_del(&p->pg_list);
	c->sc_empty--;
	for (u32 i = 1; i < 1u << c->sc_order; i++)
		p[i].pg_kind = PAGE_IDLE;
	p->pg_flags = 0;
	__atomic_fetch_sub(&slabs.pages, 1ull << c->sc_order, __ATOMIC_RELAXED);
	page_free_order(p, c->sc_order);
}

static void *slab_take(struct slab_cache *c, struct page *p)
{
	void *obj = (u8 *)page_address(p) + p->pg_free;

	if (!p->pg_inuse++)
		c->sc_empty--;
	p->pg_free = (u32) * (u64 *)obj;
	if (p->pg_free == SLAB_NONE)
		list_del(&p->pg_list);
	return obj;
}

static void slab_give(struct slab_cache *c, void *obj)
{
	struct page *p = slab_page_of(c, obj);

	if (p->pg_free == SLAB_NONE)
		list_add(&c->sc_partial, &p->pg_list);
	*(u64 *)obj = p->pg_free;
	p->pg_free = (u32)((u8 *)obj - (u8 *)page_address(p));
	if (!--p->pg_inuse && ++c->sc_empty > SLAB_EMPTY_KEEP)
		slab_shrink(c, p);
}

// --- the CPU's own list; interrupts off ---

static NOINLINE bool slab_refill(struct slab_cache *c, struct slab_cpu *sc)
{
	if (!__atomic_load_n(&c->sc_stride, __ATOMIC_ACQUIRE))
		slab_setup(c);
	spin_lock(&c->sc_lock);
	while (sc->count < c->sc_limit / 2) {
		struct page *p = list_first_entry_or_null(&c->sc_partial, struct page, pg_list);
		void *obj;

		// A new slab only for the first object: a CPU's list is not worth memory of its
		// own.
		if (!p && (sc->count || !(p = slab_grow(c))))
			break;
		obj = slab_take(c, p);
		*(void **)obj = sc->free;
		sc->free = obj;
		sc->count++;
	}
	spin_unlock(&c->sc_lock);
	return sc->count;
}

static NOINLINE void slab_drain(struct slab_cache *c, struct slab_cpu *sc)
{
	spin_lock(&c->sc_lock);
	while (sc->count > c->sc_limit / 2) {
		void *obj = sc->free;

		sc->free = *(void **)obj;
		sc->count--;
		slab_give(c, obj);
	}
	spin_unlock(&c->sc_lock);
}

void *slab_alloc(struct slab_cache *c)
{
	u64 irq = irq_save();
	struct slab_cpu *sc = &c->sc_cpu[this_cpu()->c_id];
	void *obj = sc->free;

	if (unlikely(!obj)) {
		if (!slab_refill(c, sc)) {
			irq_restore(irq);
			return NULL;
		}
		obj = sc->free;
	}
	sc->free = *(void **)obj;
	sc->count--;
	sc->active++;
	irq_restore(irq);
	if (SLAB_DEBUG)
		slab_check_alloc(c, obj);
	return obj;
}

void *slab_zalloc(struct slab_cache *c)
{
	void *obj = slab_alloc(c);

	return obj ? memset(obj, 0, c->sc_size) : NULL;
}

void slab_free(struct slab_cache *c, void *obj)
{
	struct slab_cpu *sc;
	u64 irq;

	if (SLAB_DEBUG)
		slab_check_free(c, obj);
	irq = irq_save();
	sc = &c->sc_cpu[this_cpu()->c_id];
	*(void **)obj = sc->free;
	sc->free = obj;
	sc->active--;
	if (unlikely(++sc->count > c->sc_limit))
		slab_drain(c, sc);
	irq_restore(irq);
}

// --- kmalloc ---

#define KMALLOC_CACHES 12
#define KMALLOC_CACHE(i, size)                                            \
	[i] = SLAB_CACHE_SIZED(kmalloc_caches[i], "kmalloc-" #size, size, \
			       (size) & ((size)-1) ? 32                   \
			       : (size) > 4096	   ? 4096                 \
						   : (size))
static struct slab_cache kmalloc_caches[KMALLOC_CACHES] = {
	KMALLOC_CACHE(0, 16),	KMALLOC_CACHE(1, 32),	 KMALLOC_CACHE(2, 64),
	KMALLOC_CACHE(3, 96),	KMALLOC_CACHE(4, 128),	 KMALLOC_CACHE(5, 192),
	KMALLOC_CACHE(6, 256),	KMALLOC_CACHE(7, 512),	 KMALLOC_CACHE(8, 1024),
	KMALLOC_CACHE(9, 2048), KMALLOC_CACHE(10, 4096), KMALLOC_CACHE(11, 8192),
};
#define KMALLOC_SLAB_MAX 8192

// By (n + 15) / 16, up to 192 bytes.
static const u8 kmalloc_small[13] = {0, 0, 1, 2, 2, 3, 3, 4, 4, 5, 5, 5, 5};

static struct slab_cache *kmalloc_cache(size_t n)
{
	if (n <= 192)
		return &kmalloc_caches[kmalloc_small[(n + 15) / 16]];
	return &kmalloc_caches[6 + (n <= 256 ? 0 : 56 - __builtin_clzll(n - 1))];
}

static u32 kmalloc_order(size_t n)
{
	return (u32)(64 - __builtin_clzll((n - 1) >> PAGE_SHIFT));
}

void *kmalloc(size_t n)
{
	struct page *p;

	if (likely(n <= KMALLOC_SLAB_MAX))
		return slab_alloc(kmalloc_cache(n));
	if (n > (size_t)PAGE_SIZE << PAGE_MAX_ORDER)
		return NULL;
	p = page_alloc_order(kmalloc_order(n), 0);
	return p ? page_address(p) : NULL;
}

void *kzalloc(size_t n)
{
	void *p = kmalloc(n);

	return p ? memset(p, 0, n) : NULL;
}

void kfree(void *p)
{
	struct page *page;

	if (!p)
		return;
	page = phys_page(virt_to_phys(p));
	if (likely(page->pg_flags))
		slab_free(slabs.cache[page->pg_flags], p);
	else
		page_free_order(page, page->pg_order);
}

void *krealloc(void *p, size_t old, size_t n)
{
	void *q;

	// Same bucket: nothing to do. The debug build's red zone stands behind the bucket, so that
	// holds there too.
	if (p && old <= KMALLOC_SLAB_MAX && n <= KMALLOC_SLAB_MAX &&
	    kmalloc_cache(old) == kmalloc_cache(n))
		return p;
	q = kmalloc(n);
	if (!q)
		return NULL;
	if (p)
		memcpy(q, p, MIN(old, n));
	kfree(p);
	return q;
}

char *kstrdup(const char *s)
{
	size_t n = strlen(s) + 1;
	char *p = kmalloc(n);

	return p ? memcpy(p, s, n) : NULL;
}

void slab_init(void)
{
	for (u32 i = 0; i < KMALLOC_CACHES; i++)
		slab_setup(&kmalloc_caches[i]);
}

s64 slab_active(const struct slab_cache *c)
{
	s64 n = 0;

	for (u32 i = 0; i < CPU_MAX; i++)
		n += READ_ONCE(c->sc_cpu[i].active);
	return n;
}

u64 slab_pages(void)
{
	return READ_ONCE(slabs.pages);
}

void slab_for_each(void (*fn)(const struct slab_cache *c, void *arg), void *arg)
{
	// Caches are never taken out of the table, so nothing is locked while fn runs.
	u32 n = READ_ONCE(slabs.count);

	for (u32 i = 1; i <= n; i++)
		fn(slabs.cache[i], arg);
}

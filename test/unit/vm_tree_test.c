// SPDX-License-Identifier: MIT
// Host test of vm/'s structures against naive models: the buddy allocator, slabs, the radix tree of
// the page cache, the tree of regions with its gap search. The sources are included whole; what
// they call elsewhere is stubbed below.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vm/page.c"
#include "vm/pagecache.c"
#include "vm/shm.c"
#include "vm/slab.c"
#include "vm/vma.c"

int printf(const char *fmt, ...);
void abort(void);
void *mmap(void *addr, size_t len, int prot, int flags, int fd, long off);

#define ARENA_BYTES (64ull << 20)

struct cpu cpus[CPU_MAX];
u32 test_cpu;
static struct process test_process;
static struct task test_task = {.t_proc = &test_process};
static u64 arena_used = 1 << 20;

void panic(const char *fmt, ...)
{
	printf("panic: %s\n", fmt);
	abort();
}
void spin_init(struct spinlock *l, const char *name, enum lock_rank rank)
{
	*l = (struct spinlock)SPINLOCK(name, rank);
}
void spin_lock_slow(struct spinlock *l)
{
	panic("deadlock on %s", l->l_name);
}
void *boot_alloc(u64 size, u64 align)
{
	u64 at = ALIGN_UP(arena_used, align);

	arena_used = at + size;
	return phys_to_virt(at);
}
#ifdef CONFIG_DEBUG
void lock_debug_acquire(struct spinlock *l)
{
	(void)l;
}
void lock_debug_release(struct spinlock *l)
{
	(void)l;
}
#endif
void wait_init(struct waitqueue *wq)
{
	list_init(&wq->wq_waiters);
}
void wait_wake(struct waitqueue *wq, u32 key, u32 n)
{
	(void)wq, (void)key, (void)n;
}
void wait_prepare(struct waitqueue *wq, struct waiter *w, u32 state)
{
	(void)wq, (void)w, (void)state;
	panic("would sleep");
}
void wait_finish(struct waitqueue *wq, struct waiter *w)
{
	(void)wq, (void)w;
}
int sched_sleep(u64 deadline)
{
	(void)deadline;
	return 0;
}
void file_get(struct file *f)
{
	(void)f;
}
void file_put(struct file *f)
{
	(void)f;
}
void mm_unmap_cache(struct pagecache *pc, u64 first, u64 last)
{
	(void)pc, (void)first, (void)last;
}

// xorshift: the same run every time.
static u64 seed = 88172645463325252ull;
static u64 rnd(u64 n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

static int setup(void **state)
{
	static struct boot_info bi;
	void *arena = mmap((void *)DIRECT_BASE, ARENA_BYTES, 3, 0x22 | 0x10, -1, 0);

	(void)state;
	assert_ptr_equal(arena, (void *)DIRECT_BASE);
	cpus[0].c_current = cpus[1].c_current = &test_task;
	cpus[1].c_id = 1;
	bi.ram_end = ARENA_BYTES;
	bi.nfree = 2;
	bi.free[0] = (struct boot_range){8 << 20, 20 << 20};
	bi.free[1] = (struct boot_range){(20 << 20) + 12288, ARENA_BYTES};
	page_init(&bi);
	slab_init();
	pagecache_setup();
	return 0;
}

// Every page is handed out once at most, and all of them merge into the same blocks again.
static void test_buddy(void **state)
{
	static struct page *held[20000];
	static u8 order_of[20000];
	static u8 owner[ARENA_BYTES / PAGE_SIZE];
	struct page_stats before, after;
	u32 n = 0;

	(void)state;
	page_stats(&before);
	for (u32 step = 0; step < 200000; step++) {
		test_cpu = (u32)rnd(2);
		if (rnd(100) < (step < 100000 ? 60 : 40)) {
			u32 order = rnd(4) ? 0 : (u32)rnd(6);
			struct page *p = n < ARRAY_SIZE(held) ? page_alloc_order(order, 0) : NULL;

			if (!p)
				continue;
			assert_true(IS_ALIGNED(page_phys(p), (u64)PAGE_SIZE << order));
			for (u32 i = 0; i < 1u << order; i++) {
				assert_int_equal(owner[p - page_array + i], 0);
				owner[p - page_array + i] = 1;
			}
			held[n] = p;
			order_of[n++] = (u8)order;
		} else if (n) {
			u32 i = (u32)rnd(n);

			for (u32 k = 0; k < 1u << order_of[i]; k++)
				owner[held[i] - page_array + k] = 0;
			page_put(held[i]);
			held[i] = held[--n];
			order_of[i] = order_of[n];
		}
	}
	while (n--)
		page_put(held[n]);
	for (test_cpu = 0; test_cpu < 2; test_cpu++) {
		struct page_cpu *pc = this_cpu()->c_page_cache;

		while (pc->count)
			buddy_give(pc->pages[--pc->count], 0);
	}
	test_cpu = 0;
	page_stats(&after);
	assert_int_equal(before.free, after.free);
	assert_int_equal(after.kernel, before.kernel);
	// All of it is in large blocks again.
	assert_non_null(page_alloc_order(12, 0));
	page_release_range(20 << 20, (20 << 20) + 12288);
	page_stats(&after);
	assert_int_equal(after.total, before.total + 3);
	// What was adopted and freed again is not given twice.
	page_put(page_adopt(2 << 20));
	page_release_range(2 << 20, (2 << 20) + 8192);
	page_stats(&after);
	assert_int_equal(after.total, before.total + 5);
	assert_null(page_adopt(2 << 20));
}

static void test_slab(void **state)
{
	static struct slab_cache cache = SLAB_CACHE_SIZED(cache, "test", 200, 8);
	static u8 *held[3000];
	u32 n = 0;

	(void)state;
	for (u32 step = 0; step < 100000; step++) {
		test_cpu = (u32)rnd(2);
		if (n < ARRAY_SIZE(held) && rnd(2)) {
			held[n] = slab_alloc(&cache);
			assert_non_null(held[n]);
			memset(held[n], (int)(n & 0xff), 200);
			held[n][0] = (u8)(uintptr_t)held[n];
			n++;
		} else if (n) {
			u32 i = (u32)rnd(n);

			assert_int_equal(held[i][0], (u8)(uintptr_t)held[i]);
			slab_free(&cache, held[i]);
			held[i] = held[--n];
		}
		assert_int_equal(slab_active(&cache), n);
	}
	while (n--)
		slab_free(&cache, held[n]);
	assert_int_equal(slab_active(&cache), 0);
	test_cpu = 0;
	for (size_t size = 1; size < 200000; size = size * 5 / 4 + 1) {
		u8 *p = kmalloc(size);

		assert_non_null(p);
		memset(p, 0xee, size);
		if (size <= KMALLOC_SLAB_MAX)
			assert_true(kmalloc_cache(size)->sc_size >= size);
		kfree(p);
	}
}

static void test_pagecache(void **state)
{
	static u64 index_of[600];
	static struct pagecache pc;
	u32 n = 0;

	(void)state;
	pagecache_init(&pc, NULL, NULL);
	assert_int_equal(pagecache_next(&pc, 0), ~0ull);
	assert_int_equal(pagecache_next_hole(&pc, 7), 7);
	for (u32 step = 0; step < 30000; step++) {
		// Dense low indexes and a few far away ones.
		u64 index = rnd(8) ? rnd(300) : (rnd(2) ? rnd(5000) : rnd(1ull << 52)),
		    next = ~0ull, hole = index;
		struct page *p;
		bool known = false;

		for (u32 i = 0; i < n; i++) {
			known |= index_of[i] == index;
			if (index_of[i] >= index)
				next = MIN(next, index_of[i]);
		}
		for (bool again = true; again;) {
			again = false;
			for (u32 i = 0; i < n; i++)
				if (index_of[i] == hole) {
					hole++;
					again = true;
				}
		}
		assert_int_equal(pagecache_next(&pc, index), next);
		assert_int_equal(pagecache_next_hole(&pc, index), hole);
		p = pagecache_find(&pc, index);
		assert_int_equal(p != NULL, known);
		if (p) {
			assert_int_equal(p->pg_index, index);
			page_put(p);
		}
		if (rnd(100) < 6) {
			u64 last = rnd(2) ? ~0ull : index + rnd(100);
			u32 kept = 0;

			pagecache_truncate(&pc, index, last);
			for (u32 i = 0; i < n; i++)
				if (index_of[i] < index || index_of[i] > last)
					index_of[kept++] = index_of[i];
			n = kept;
		} else if (!known && n < ARRAY_SIZE(index_of)) {
			assert_int_equal(pagecache_get(&pc, index, false, &p), -ENOENT);
			assert_int_equal(pagecache_get(&pc, index, true, &p), 0);
			assert_int_equal(p->pg_ref.r_n, 2);
			page_put(p);
			index_of[n++] = index;
		}
		assert_int_equal(pc.pc_pages, n);
	}
	pagecache_destroy(&pc);
	assert_int_equal(slab_active(&node_cache), 0);
}

static bool naive_free(struct mm *mm, u64 start, u64 len)
{
	struct vma *v, *prev = NULL;

	// A stack's guard ends at the region below it.
	rb_for_each_entry (v, &mm->mm_vmas, v_node) {
		if (start < v->v_end &&
		    start + len > MAX(v->v_start - vma_guard(v), prev ? prev->v_end : 0))
			return false;
		prev = v;
	}
	return true;
}

static void check_gaps(struct mm *mm, u64 limit)
{
	u64 len = (1 + rnd(30)) * PAGE_SIZE, low = rnd(limit / PAGE_SIZE) * PAGE_SIZE;
	u64 high = low + rnd(limit / PAGE_SIZE) * PAGE_SIZE, up = 0, down = 0;
	struct vma *v, *prev = NULL;

	low = MAX(low, (u64)PAGE_SIZE);
	for (u64 at = low; at + len <= high; at += PAGE_SIZE)
		if (naive_free(mm, at, len)) {
			up = up ? up : at;
			down = at;
		}
	assert_int_equal(mm_find_gap(mm, len, low, high, false), up);
	assert_int_equal(mm_find_gap(mm, len, low, high, true), down);
	rb_for_each_entry (v, &mm->mm_vmas, v_node) {
		assert_true(!prev || prev->v_end <= v->v_start);
		prev = v;
	}
}

static void test_regions(void **state)
{
	static struct mm mm;
	u64 limit = 400 * PAGE_SIZE;
	struct vma *dead = NULL;
	u64 pages = 0;

	(void)state;
	for (u32 step = 0; step < 6000; step++) {
		u64 start = (1 + rnd(380)) * PAGE_SIZE, len = (1 + rnd(12)) * PAGE_SIZE;
		struct vma *prev, *v;

		if (naive_free(&mm, start, len) && rnd(2)) {
			v = slab_zalloc(&vma_cache);
			v->v_start = start;
			v->v_end = start + len;
			v->v_flags = rnd(2) ? VMA_READ : VMA_READ | VMA_WRITE;
			if (!rnd(20))
				v->v_flags |= VMA_GROWSDOWN;
			vma_insert(&mm, v);
			if (rnd(2))
				vma_merge(&mm, v, &dead);
			pages += len / PAGE_SIZE;
		} else if ((v = vma_find(&mm, start, &prev))) {
			if (rnd(3) && v->v_start < start) {
				assert_int_equal(vma_split(&mm, v, start), 0);
			} else if (rnd(2) && vma_pages(v) > 1) {
				pages--;
				if (rnd(2))
					vma_resize(v, v->v_start + PAGE_SIZE, v->v_end);
				else
					vma_resize(v, v->v_start, v->v_end - PAGE_SIZE);
			} else {
				pages -= vma_pages(v);
				vma_remove(&mm, v);
				vma_free(v);
			}
		}
		vma_free_chain(dead);
		dead = NULL;
		assert_int_equal(mm.mm_total_pages, pages);
		check_gaps(&mm, limit);
	}
	vma_free_chain(vma_remove_all(&mm));
	assert_int_equal(slab_active(&vma_cache), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buddy),
		cmocka_unit_test(test_slab),
		cmocka_unit_test(test_pagecache),
		cmocka_unit_test(test_regions),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}

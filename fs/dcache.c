// SPDX-License-Identifier: MIT
/*
 * The name cache: a hash of (directory, name), with absent names too. dcache_lock covers the hash,
 * the trees of children and every count that falls to 0, so a dentry found under it may be used,
 * uncounted, until it is released. What is in the hash carries one reference of the cache itself;
 * the shrinker looks for those that have no other.
 */
#include "fs/dcache.h"
#include "kern/log.h"
#include "kern/random.h"
#include "lib/string.h"
#include "vm/page.h"
#include "vm/slab.h"

#include <linux/errno.h>

#define BUCKET_BITS_MIN 12
#define BUCKET_BITS_MAX 19 /* 4 MiB, the largest block of pages */
#define SHRINK_BATCH	64

struct spinlock dcache_lock = SPINLOCK("dcache", RANK_DCACHE);

static struct slab_cache dentry_slab = SLAB_CACHE(dentry_slab, "dentry", struct dentry);
static struct hlist buckets_first[1u << BUCKET_BITS_MIN];
struct dcache_table dcache_table = {buckets_first, (1u << BUCKET_BITS_MIN) - 1, 0x9e3779b97f4a7c15,
				    0x9e3779b97f4a7c15};
static struct list lru = LIST_INIT(lru);
static u64 hashed_count, lru_count, lru_limit = 16384;

/* As component_scan, for a name whose length is known. */
static void component_counted(struct component *c, const struct dentry *dir, const char *name,
			      u32 len)
{
	u64 h = 0, w;
	u32 at;

	for (at = 0; at + 8 <= len; at += 8) {
		memcpy(&w, name + at, 8);
		h = hash_word(h, w);
	}
	w = 0;
	memcpy(&w, name + at, len - at);
	*c = (struct component){name, len, hash_finish(hash_word(h, w), dir), w};
}

bool dentry_true(struct dentry *d)
{
	d->d_flags |= DENTRY_USED;
	return !(d->d_flags & DENTRY_CHECK) || d->d_super->s_ops->valid(d);
}

/* --- making and freeing --- */

struct dentry *dentry_create(struct dentry *dir, const char *name, u32 len)
{
	struct dentry *d = slab_zalloc(&dentry_slab);

	if (!d)
		return NULL;
	d->d_name = d->d_inline; /* zeroed: component_find compares whole words */
	if (len >= sizeof(d->d_inline)) {
		d->d_name = kmalloc(len + 1);
		if (!d->d_name) {
			slab_free(&dentry_slab, d);
			return NULL;
		}
	}
	memcpy(d->d_name, name, len);
	d->d_name[len] = '\0';
	d->d_name_len = (u8)len;
	ref_init(&d->d_ref);
	list_init(&d->d_lru);
	rb_clear(&d->d_sibling);
	d->d_unhashed = true;
	d->d_next_seq = 2; /* 0 and 1 are "." and ".." */
	d->d_parent = d;
	if (dir) {
		dentry_get(dir);
		d->d_parent = dir;
		d->d_super = dir->d_super;
		if (d->d_super->s_ops->valid)
			d->d_flags = DENTRY_CHECK;
	}
	return d;
}

struct dentry *dentry_create_root(struct super *s, struct inode *i)
{
	struct dentry *d = dentry_create(NULL, "/", 1);

	if (!d)
		return NULL;
	d->d_super = s;
	d->d_inode = i;
	return d;
}

struct dentry *dentry_create_pseudo(struct super *s, const char *name, struct inode *i)
{
	struct dentry *d = dentry_create(NULL, name, (u32)MIN(strlen(name), (size_t)NAME_MAX_LEN));

	if (!d)
		return NULL;
	d->d_super = s;
	d->d_inode = i;
	return d;
}

void dentry_get(struct dentry *d)
{
	ref_get(&d->d_ref);
}

/* Takes d out of the hash and its parent's tree. True: the cache's reference is now the caller's to
 * drop. */
static bool unhash_locked(struct dentry *d)
{
	if (d->d_unhashed)
		return false;
	hlist_del(&d->d_hash);
	rb_erase(&d->d_parent->d_children, &d->d_sibling);
	rb_clear(&d->d_sibling);
	if (!list_empty(&d->d_lru)) {
		list_del_init(&d->d_lru);
		lru_count--;
	}
	hashed_count--;
	d->d_unhashed = true;
	return !(d->d_flags & DENTRY_NO_COUNT);
}

/* Nobody can find d any more and its count is 0. Gives the parent, whose reference the caller
 * drops; NULL for a root. */
static struct dentry *dentry_free(struct dentry *d)
{
	struct dentry *parent = d->d_parent == d ? NULL : d->d_parent;

	if (d->d_inode)
		inode_put(d->d_inode);
	if (d->d_name != d->d_inline)
		kfree(d->d_name);
	slab_free(&dentry_slab, d);
	return parent;
}

/* Drops one reference. True: it was the last, and d is unhashed and to be freed. */
static bool put_one(struct dentry *d)
{
	u32 n = READ_ONCE(d->d_ref.r_n);
	bool last;

	while (n > 1)
		if (__atomic_compare_exchange_n(&d->d_ref.r_n, &n, n - 1, false, __ATOMIC_RELEASE,
						__ATOMIC_RELAXED))
			return false;
	/* 0 is reached under the lock only: a walk may just have found it. */
	spin_lock(&dcache_lock);
	last = ref_put(&d->d_ref);
	if (last)
		(void)unhash_locked(d);
	spin_unlock(&dcache_lock);
	return last;
}

/* A loop, not a recursion: a deep directory may go away with its last file. */
void dentry_put(struct dentry *d)
{
	while (d && put_one(d))
		d = dentry_free(d);
}

void dentry_attach(struct dentry *d, struct inode *i)
{
	spin_lock(&dcache_lock);
	d->d_inode = i;
	spin_unlock(&dcache_lock);
}

/* --- the hash --- */

static void grow(void)
{
	u32 old_size = dcache_table.mask + 1, size = old_size * 4;
	u32 order = 0;
	struct page *page;
	struct hlist *fresh, *old = NULL;

	if (size > 1u << BUCKET_BITS_MAX)
		return;
	while ((u64)PAGE_SIZE << order < size * sizeof(*fresh))
		order++;
	page = page_alloc_order(order, PAGE_ZERO | PAGE_NOWAIT);
	if (!page)
		return;
	fresh = page_address(page);
	spin_lock(&dcache_lock);
	if (dcache_table.mask + 1 == old_size) {
		for (u32 b = 0; b < old_size; b++) {
			struct dentry *d;
			struct hnode *tmp;

			hlist_for_each_entry_safe(d, tmp, &dcache_table.buckets[b], d_hash)
			{
				hlist_del(&d->d_hash);
				hlist_add(&fresh[d->d_hash_value & (size - 1)], &d->d_hash);
			}
		}
		old = dcache_table.buckets;
		dcache_table.buckets = fresh;
		dcache_table.mask = size - 1;
		fresh = NULL;
	}
	spin_unlock(&dcache_lock);
	if (fresh) {
		page_free_order(page, order);
	} else if (old != buckets_first) {
		for (order = 0; (u64)PAGE_SIZE << order < old_size * sizeof(*old); order++)
			;
		page_free_order(phys_page(virt_to_phys(old)), order);
	}
}

static void tree_insert(struct dentry *dir, struct dentry *d)
{
	struct rb_node **link = &dir->d_children.node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = d->d_seq < rb_entry(parent, struct dentry, d_sibling)->d_seq
			       ? &parent->left
			       : &parent->right;
	}
	rb_insert_at(&dir->d_children, &d->d_sibling, parent, link);
}

static void hash_insert(struct dentry *d)
{
	struct component c;

	component_counted(&c, d->d_parent, d->d_name, d->d_name_len);
	d->d_hash_value = c.hash;
	hlist_add(&dcache_table.buckets[c.hash & dcache_table.mask], &d->d_hash);
	d->d_unhashed = false;
}

void dentry_hash(struct dentry *d)
{
	bool full, crowded;

	spin_lock(&dcache_lock);
	hash_insert(d);
	d->d_seq = d->d_parent->d_next_seq++;
	tree_insert(d->d_parent, d);
	if (d->d_super->s_flags & SUPER_NO_CACHE)
		d->d_flags |= DENTRY_NO_COUNT;
	else
		dentry_get(d);
	if (!(d->d_flags & (DENTRY_PINNED | DENTRY_NO_COUNT))) {
		list_add_tail(&lru, &d->d_lru);
		lru_count++;
	}
	crowded = ++hashed_count > 2 * ((u64)dcache_table.mask + 1);
	full = lru_count > lru_limit;
	spin_unlock(&dcache_lock);
	if (crowded)
		grow();
	if (full)
		dcache_shrink(SHRINK_BATCH);
}

void dentry_drop(struct dentry *d)
{
	bool counted;

	spin_lock(&dcache_lock);
	counted = unhash_locked(d);
	spin_unlock(&dcache_lock);
	if (counted)
		dentry_put(d);
}

void dentry_pin(struct dentry *d)
{
	dentry_get(d);
	spin_lock(&dcache_lock);
	d->d_flags |= DENTRY_PINNED;
	if (!list_empty(&d->d_lru)) {
		list_del_init(&d->d_lru);
		lru_count--;
	}
	spin_unlock(&dcache_lock);
}

void dentry_unpin(struct dentry *d)
{
	spin_lock(&dcache_lock);
	d->d_flags &= (u8)~DENTRY_PINNED;
	spin_unlock(&dcache_lock);
	dentry_put(d);
}

int dentry_lookup(struct dentry *dir, const char *name, u32 len, struct dentry **out)
{
	struct super *s = dir->d_super;
	struct component c;
	struct dentry *d;
	bool found;
	int err = 0;

	component_counted(&c, dir, name, len);
	spin_lock(&dcache_lock);
	d = component_find(&c, dir);
	found = d && dentry_true(d);
	if (d)
		dentry_get(d);
	spin_unlock(&dcache_lock);
	if (found) {
		*out = d;
		return 0;
	}
	if (d) {
		/* A name that is not true any more would stand in the way of the new one. */
		dentry_drop(d);
		dentry_put(d);
	}
	d = dentry_create(dir, name, len);
	if (!d)
		return -ENOMEM;
	if (dir->d_inode->i_ops->lookup)
		err = dir->d_inode->i_ops->lookup(dir->d_inode, d);
	if (err) {
		dentry_put(d);
		return err;
	}
	if (d->d_inode || !(s->s_flags & (SUPER_CACHE_IS_ALL | SUPER_NO_CACHE)))
		dentry_hash(d);
	*out = d;
	return 0;
}

/* --- rename --- */

/* d gets to's name. Both in one lock section with the hash, so no walk sees half of it. */
static char *name_take(struct dentry *d, struct dentry *to)
{
	char *old = d->d_name != d->d_inline ? d->d_name : NULL;

	if (to->d_name != to->d_inline) {
		/* The long name moves; `to` goes away and shows its old one shortened. */
		d->d_name = to->d_name;
		memcpy(to->d_inline, to->d_name, sizeof(to->d_inline) - 1);
		to->d_inline[sizeof(to->d_inline) - 1] = '\0';
		to->d_name = to->d_inline;
		d->d_name_len = to->d_name_len;
		to->d_name_len = sizeof(to->d_inline) - 1;
	} else {
		memcpy(d->d_inline, to->d_inline, sizeof(d->d_inline));
		d->d_name = d->d_inline;
		d->d_name_len = to->d_name_len;
	}
	return old;
}

void dentry_move(struct dentry *d, struct dentry *to)
{
	struct dentry *old_parent = d->d_parent, *new_parent = to->d_parent;
	bool to_counted;
	char *old_name;

	spin_lock(&dcache_lock);
	to_counted = unhash_locked(to);
	hlist_del(&d->d_hash);
	old_name = name_take(d, to);
	if (old_parent != new_parent) {
		rb_erase(&old_parent->d_children, &d->d_sibling);
		d->d_parent = new_parent;
		dentry_get(new_parent);
		d->d_seq = new_parent->d_next_seq++;
		tree_insert(new_parent, d);
	}
	hash_insert(d);
	spin_unlock(&dcache_lock);
	kfree(old_name);
	if (old_parent != new_parent)
		dentry_put(old_parent);
	if (to_counted)
		dentry_put(to);
}

static void name_swap(struct dentry *a, struct dentry *b)
{
	char inline_name[sizeof(a->d_inline)];
	char *a_long = a->d_name != a->d_inline ? a->d_name : NULL;
	char *b_long = b->d_name != b->d_inline ? b->d_name : NULL;
	u8 len = a->d_name_len;

	memcpy(inline_name, a->d_inline, sizeof(inline_name));
	memcpy(a->d_inline, b->d_inline, sizeof(inline_name));
	memcpy(b->d_inline, inline_name, sizeof(inline_name));
	a->d_name = b_long ? b_long : a->d_inline;
	b->d_name = a_long ? a_long : b->d_inline;
	a->d_name_len = b->d_name_len;
	b->d_name_len = len;
}

void dentry_exchange(struct dentry *a, struct dentry *b)
{
	struct dentry *a_parent = a->d_parent;
	u64 a_seq = a->d_seq;

	spin_lock(&dcache_lock);
	hlist_del(&a->d_hash);
	hlist_del(&b->d_hash);
	rb_erase(&a->d_parent->d_children, &a->d_sibling);
	rb_erase(&b->d_parent->d_children, &b->d_sibling);
	name_swap(a, b);
	/* Each takes the other's place in the directory stream; the parents' counts stay what they
	 * are. */
	a->d_parent = b->d_parent;
	a->d_seq = b->d_seq;
	b->d_parent = a_parent;
	b->d_seq = a_seq;
	tree_insert(a->d_parent, a);
	tree_insert(b->d_parent, b);
	hash_insert(a);
	hash_insert(b);
	spin_unlock(&dcache_lock);
}

bool dentry_is_ancestor(struct dentry *a, struct dentry *d)
{
	bool found;

	spin_lock(&dcache_lock);
	while (d != a && d->d_parent != d)
		d = d->d_parent;
	found = d == a;
	spin_unlock(&dcache_lock);
	return found;
}

/* --- directory streams of file systems that live in the cache --- */

/* The first present child at or behind `pos`; lock held. */
static struct dentry *child_from(struct dentry *dir, u64 pos)
{
	struct rb_node *n = dir->d_children.node, *best = NULL;

	while (n) {
		if (rb_entry(n, struct dentry, d_sibling)->d_seq >= pos) {
			best = n;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	for (; best; best = rb_next(best)) {
		struct dentry *d = rb_entry(best, struct dentry, d_sibling);

		if (d->d_inode)
			return d;
	}
	return NULL;
}

bool dentry_has_children(struct dentry *dir)
{
	bool found;

	spin_lock(&dcache_lock);
	found = child_from(dir, 0) != NULL;
	spin_unlock(&dcache_lock);
	return found;
}

bool dir_emit_dots(struct file *f, struct dir_emit *e)
{
	if (f->f_pos == 0) {
		if (!e->emit(e, ".", 1, f->f_inode->i_ino, S_IFDIR >> 12, 1))
			return false;
		f->f_pos = 1;
	}
	if (f->f_pos == 1) {
		u64 ino;

		spin_lock(&dcache_lock);
		ino = f->f_path.dentry->d_parent->d_inode->i_ino;
		spin_unlock(&dcache_lock);
		if (!e->emit(e, "..", 2, ino, S_IFDIR >> 12, 2))
			return false;
		f->f_pos = 2;
	}
	return true;
}

/* The directory's i_lock is held: names do not change while one is shown. The count outlasts the
 * emit's page faults. */
int dcache_readdir(struct file *f, struct dir_emit *e)
{
	bool more = dir_emit_dots(f, e);

	while (more) {
		struct dentry *d;

		spin_lock(&dcache_lock);
		d = child_from(f->f_path.dentry, f->f_pos);
		if (d)
			dentry_get(d);
		spin_unlock(&dcache_lock);
		if (!d)
			break;
		more = e->emit(e, d->d_name, d->d_name_len, d->d_inode->i_ino,
			       (d->d_inode->i_mode >> 12) & 15, d->d_seq + 1);
		if (more)
			f->f_pos = d->d_seq + 1;
		dentry_put(d);
	}
	return 0;
}

/* --- shrinking --- */

/* Frees a list (by d_lru) of dentries that are unhashed and unreferenced. */
static void free_list(struct list *doomed)
{
	while (!list_empty(doomed)) {
		struct dentry *d = list_first_entry(doomed, struct dentry, d_lru);

		list_del_init(&d->d_lru);
		dentry_put(dentry_free(d));
	}
}

/* The clock: a name that was used since the last look gets another round. */
u64 dcache_shrink(u64 n)
{
	struct list doomed;
	u64 freed = 0, look;

	list_init(&doomed);
	spin_lock(&dcache_lock);
	look = MIN(lru_count, n * 4);
	while (look-- && freed < n && !list_empty(&lru)) {
		struct dentry *d = list_first_entry(&lru, struct dentry, d_lru);

		if (d->d_flags & DENTRY_USED || READ_ONCE(d->d_ref.r_n) != 1 ||
		    !rb_empty(&d->d_children)) {
			d->d_flags &= (u8)~DENTRY_USED;
			list_move_tail(&lru, &d->d_lru);
			continue;
		}
		(void)unhash_locked(d);
		d->d_ref.r_n = 0;
		list_add_tail(&doomed, &d->d_lru);
		freed++;
	}
	spin_unlock(&dcache_lock);
	free_list(&doomed);
	return freed;
}

/* Deepest last, without recursion: down to a leaf, drop it, and again from the root. */
void dcache_drop_super(struct super *s)
{
	struct dentry *root = s->s_root;

	while (root) {
		struct dentry *d = root;
		bool counted, pinned;

		spin_lock(&dcache_lock);
		while (!rb_empty(&d->d_children))
			d = rb_entry(rb_first(&d->d_children), struct dentry, d_sibling);
		if (d == root) {
			spin_unlock(&dcache_lock);
			break;
		}
		dentry_get(d);
		counted = unhash_locked(d);
		pinned = d->d_flags & DENTRY_PINNED;
		d->d_flags &= (u8)~DENTRY_PINNED;
		spin_unlock(&dcache_lock);
		if (pinned)
			dentry_put(d);
		if (counted)
			dentry_put(d);
		dentry_put(d);
	}
	s->s_root = NULL;
	dentry_put(root);
}

void dcache_init(void)
{
	struct page_stats stats;

	dcache_table.multiplier = random_u64() | 1;
	dcache_table.key = random_u64() | 1;
	page_stats(&stats);
	lru_limit += stats.total / 8;
}

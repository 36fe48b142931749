// SPDX-License-Identifier: MIT
// Futexes (futex(2)). A waiter lies on its own stack, linked into the bucket of its key; it is
// unlinked by a waker or by itself, always under the bucket's lock, and it takes that lock once
// more before its stack frame goes away. A waiter is queued under the same lock under which its
// word was compared, so no wake that follows the store is lost.

#include "kern/futex.h"

#include "kern/lock.h"
#include "kern/sched.h"
#include "kern/task.h"
#include "kern/wait.h"
#include "lib/hash.h"
#include "lib/list.h"
#include "machine/cpu.h"
#include "machine/uaccess.h"
#include "vm/mm.h"
#include "vm/page.h"

#include <asm/errno.h>
#include <linux/futex.h>

#define BUCKET_BITS 8
#define WALK_MAX    2048 // entries of a robust list that the kernel looks at (ROBUST_LIST_LIMIT)

struct bucket {
	struct spinlock lock;
	struct list waiters;
};

// What a futex is: a private one is its address, a shared one the place in the object behind it.
// The two kinds of call never meet, as on Linux.
enum key_kind { KEY_PRIVATE, KEY_SHARED_MM, KEY_CACHE };

struct key {
	const void *object; // struct mm or struct pagecache, compared only
	u64 where;	    // address, or byte in the object
	u32 kind;
};

struct futex_waiter {
	struct list link;
	struct task *task;
	struct key key;
	struct bucket *bucket; // changed by a requeue, with both locks held
	u32 bitset;
	bool queued;
};

static struct bucket buckets[1 << BUCKET_BITS];

void futex_init(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(buckets); i++) {
		spin_init(&buckets[i].lock, "futex", RANK_FUTEX);
		list_init(&buckets[i].waiters);
	}
}

// --- keys ---

// A shared futex in memory that cannot be written may still be waited for: `write` says whether the
// call stores.
static int get_page(u64 addr, bool write, struct page **page)
{
	struct mm *mm = current->t_mm;
	int r = mm_get_page(mm, addr, true, page);

	return r == -EFAULT && !write ? mm_get_page(mm, addr, false, page) : r;
}

static int key_get(uptr addr, bool shared, bool write, struct key *key)
{
	struct pagecache *cache;
	struct page *page;
	int r;

	if (addr.va % sizeof(u32))
		return -EINVAL;
	if (!user_range_ok(addr, sizeof(u32)))
		return -EFAULT;
	*key = (struct key){current->t_mm, addr.va, KEY_PRIVATE};
	if (!shared)
		return 0;
	key->kind = KEY_SHARED_MM;
	r = get_page(addr.va, write, &page);
	if (r)
		return r == -ENOMEM ? r : -EFAULT;
	cache = page->pg_kind == PAGE_CACHE ? READ_ONCE(page->pg_cache) : NULL;
	if (cache)
		*key = (struct key){cache, page->pg_index << PAGE_SHIFT | addr.va % PAGE_SIZE,
				    KEY_CACHE};
	page_put(page);
	return 0;
}

static bool key_equal(const struct key *a, const struct key *b)
{
	return a->where == b->where && a->object == b->object && a->kind == b->kind;
}

static struct bucket *key_bucket(const struct key *k)
{
	return &buckets[hash_bits(hash_mix((u64)k->object, k->where), BUCKET_BITS)];
}

// --- waiting ---

static bool waiter_wake(struct futex_waiter *w)
{
	list_del(&w->link);
	WRITE_ONCE(w->queued, false);
	sched_wake(w->task, SCHED_WAKE_SLEEPERS);
	return true;
}

// True when it was still queued, so nobody woke it. Afterwards nobody knows of it any more.
static bool waiter_remove(struct futex_waiter *w)
{
	struct bucket *b;
	bool queued;

	for (;;) {
		b = READ_ONCE(w->bucket);
		spin_lock(&b->lock);
		if (likely(b == READ_ONCE(w->bucket)))
			break;
		spin_unlock(&b->lock);
	}
	queued = w->queued;
	if (queued)
		list_del(&w->link);
	w->queued = false;
	spin_unlock(&b->lock);
	return queued;
}

// Compares and queues under the bucket's lock. A word that is not present is brought in without the
// lock first, and then its place is looked up again: it may be another page now.
static int waiter_queue(struct futex_waiter *w, uptr addr, u32 expect, bool shared)
{
	u32 value;
	int r;

	for (;;) {
		r = key_get(addr, shared, false, &w->key);
		if (r)
			return r;
		w->bucket = key_bucket(&w->key);
		spin_lock(&w->bucket->lock);
		if (likely(!get_user_u32_nofault(&value, addr)))
			break;
		spin_unlock(&w->bucket->lock);
		r = get_user_u32(&value, addr);
		if (r)
			return r;
	}
	if (value != expect) {
		spin_unlock(&w->bucket->lock);
		return -EAGAIN;
	}
	w->queued = true;
	list_add_tail(&w->bucket->waiters, &w->link);
	spin_unlock(&w->bucket->lock);
	return 0;
}

static int waiter_sleep(struct futex_waiter *w, u64 deadline)
{
	int r = 0;

	while (!r) {
		sched_set_state(TASK_INTERRUPTIBLE);
		if (!READ_ONCE(w->queued))
			break;
		r = sched_sleep(deadline);
	}
	sched_set_state(TASK_RUNNING);
	return r;
}

static long wait_restart(struct restart *r)
{
	return kern_futex_wait(UPTR(r->arg[0]), (u32)r->arg[1], (u32)r->arg[2], r->arg[3],
			       r->arg[4]);
}

long kern_futex_wait(uptr addr, u32 expect, u32 bitset, u64 deadline, bool shared)
{
	struct futex_waiter w = {.task = current, .bitset = bitset};
	int r;

	if (!bitset)
		return -EINVAL;
	r = waiter_queue(&w, addr, expect, shared);
	if (r)
		return r;
	r = waiter_sleep(&w, deadline);
	if (!waiter_remove(&w))
		return 0;
	// Without a timeout the call is simply made again; with one it goes on to the same
	// deadline.
	if (r != -ERESTARTSYS || deadline == WAIT_FOREVER)
		return r;
	current->t_restart = (struct restart){
		.fn = wait_restart,
		.arg = {addr.va, expect, bitset, deadline, shared},
	};
	return -ERESTART_RESTARTBLOCK;
}

// --- waking ---

// Wakes up to count waiters, one at least: a count of 0 or less does, too, as on Linux. The
// bucket's lock is held.
static long wake_locked(struct bucket *b, const struct key *key, u32 count, u32 bitset)
{
	struct futex_waiter *w, *next;
	long n = 0;

	list_for_each_entry_safe (w, next, &b->waiters, link) {
		if (!(w->bitset & bitset) || !key_equal(&w->key, key))
			continue;
		waiter_wake(w);
		if (++n >= (s32)count)
			break;
	}
	return n;
}

long kern_futex_wake(uptr addr, u32 count, u32 bitset, bool shared)
{
	struct bucket *b;
	struct key key;
	long n = 0;

	if (!bitset)
		return -EINVAL;
	n = key_get(addr, shared, false, &key);
	if (n)
		return n;
	b = key_bucket(&key);
	spin_lock(&b->lock);
	if (!list_empty(&b->waiters))
		n = wake_locked(b, &key, count, bitset);
	spin_unlock(&b->lock);
	return n;
}

// Two buckets are locked in the order of their addresses.
static void lock_two(struct bucket *a, struct bucket *b)
{
	if (a > b) {
		struct bucket *t = a;

		a = b;
		b = t;
	}
	spin_lock(&a->lock);
	if (a != b)
		spin_lock(&b->lock);
}

static void unlock_two(struct bucket *a, struct bucket *b)
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
}

// --- requeue ---

static void waiter_move(struct futex_waiter *w, struct bucket *to, const struct key *key)
{
	list_del(&w->link);
	w->key = *key;
	WRITE_ONCE(w->bucket, to);
	list_add_tail(&to->waiters, &w->link);
}

// Woken and moved ones are counted together. Moving to the same key changes nothing but is counted.
// The walk ends at the entry that was last before, since moved ones may come to lie behind it in
// the same bucket.
static long requeue_locked(struct bucket *from, const struct key *from_key, struct bucket *to,
			   const struct key *to_key, s64 wake, s64 requeue)
{
	struct futex_waiter *w, *next;
	struct list *last = from->waiters.prev;
	bool end = list_empty(&from->waiters);
	long n = 0;

	for (w = list_first_entry(&from->waiters, struct futex_waiter, link); !end; w = next) {
		next = list_next_entry(w, link);
		end = &w->link == last;
		if (n - wake >= requeue)
			break;
		if (!key_equal(&w->key, from_key))
			continue;
		if (++n <= wake)
			waiter_wake(w);
		else if (!key_equal(from_key, to_key))
			waiter_move(w, to, to_key);
	}
	return n;
}

long kern_futex_requeue(uptr from, uptr to, u32 wake, u32 requeue, bool compare, u32 expect,
			bool shared)
{
	struct key from_key, to_key;
	struct bucket *a, *b;
	u32 value;
	long r;

	if ((s32)wake < 0 || (s32)requeue < 0)
		return -EINVAL;
	for (;;) {
		r = key_get(from, shared, false, &from_key);
		if (!r)
			r = key_get(to, shared, false, &to_key);
		if (r)
			return r;
		a = key_bucket(&from_key);
		b = key_bucket(&to_key);
		lock_two(a, b);
		if (!compare || !get_user_u32_nofault(&value, from))
			break;
		unlock_two(a, b);
		r = get_user_u32(&value, from);
		if (r)
			return r;
	}
	if (compare && value != expect)
		r = -EAGAIN;
	else
		r = requeue_locked(a, &from_key, b, &to_key, wake, requeue);
	unlock_two(a, b);
	return r;
}

// --- FUTEX_WAKE_OP ---

static s32 sign_extend_12(u32 v)
{
	return (s32)(v << 20) >> 20;
}

static bool compare_op(u32 cmp, s32 old, s32 arg)
{
	switch (cmp) {
	case FUTEX_OP_CMP_EQ:
		return old == arg;
	case FUTEX_OP_CMP_NE:
		return old != arg;
	case FUTEX_OP_CMP_LT:
		return old < arg;
	case FUTEX_OP_CMP_GE:
		return old >= arg;
	case FUTEX_OP_CMP_LE:
		return old <= arg;
	default:
		return old > arg; // FUTEX_OP_CMP_GT, the last
	}
}

// Encoded as FUTEX_OP() of <linux/futex.h>: four bits of operation (the top one: the argument is a
// shift count), four of comparison, twelve of each argument. The operation may fault, so it comes
// before the locks: who waits for the old value compared it under a lock that we take afterwards,
// and is found.
static int wake_op_store(uptr b, u32 encoded, bool *also)
{
	u32 op = encoded >> 28 & 7, cmp = encoded >> 24 & 15, old;
	s32 arg = sign_extend_12(encoded >> 12), cmp_arg = sign_extend_12(encoded);
	int r;

	if (encoded >> 28 & FUTEX_OP_OPARG_SHIFT)
		arg = (s32)(1u << (arg & 31));
	if (op > FUTEX_OP_XOR)
		return -ENOSYS;
	r = futex_op_user(b, op, (u32)arg, &old);
	if (r)
		return r;
	if (cmp > FUTEX_OP_CMP_GT)
		return -ENOSYS;
	*also = compare_op(cmp, (s32)old, cmp_arg);
	return 0;
}

long kern_futex_wake_op(uptr a, uptr b, u32 wake_a, u32 wake_b, u32 op, bool shared)
{
	struct key key_a, key_b;
	struct bucket *ba, *bb;
	bool also;
	long n = key_get(a, shared, false, &key_a);

	if (!n)
		n = key_get(b, shared, true, &key_b);
	if (!n)
		n = wake_op_store(b, op, &also);
	if (n)
		return n;
	ba = key_bucket(&key_a);
	bb = key_bucket(&key_b);
	lock_two(ba, bb);
	n = wake_locked(ba, &key_a, wake_a, FUTEX_BITSET_MATCH_ANY);
	if (also)
		n += wake_locked(bb, &key_b, wake_b, FUTEX_BITSET_MATCH_ANY);
	unlock_two(ba, bb);
	return n;
}

// --- robust lists (set_robust_list(2)) ---

// The head and the links in it are pointers of the list's own width; bit 0 of a link marks a PI
// futex.
struct robust_walk {
	uptr head;
	u32 word;    // 8 or 4
	s64 offset;  // from a link to its futex word
	u64 pending; // link of a lock operation under way
	bool pending_pi;
};

static int read_word(const struct robust_walk *rw, u64 addr, u64 *v)
{
	u32 small;
	int r;

	if (rw->word == 8)
		return get_user_u64(v, UPTR(addr));
	r = get_user_u32(&small, UPTR(addr));
	*v = small;
	return r;
}

static int read_link(const struct robust_walk *rw, u64 addr, u64 *link, bool *pi)
{
	int r = read_word(rw, addr, link);

	*pi = *link & 1;
	*link &= ~1ull;
	return r;
}

// The owner died: says so in the word and lets one waiter look. Anything odd ends the walk; it is
// the program's own list that is broken.
static int owner_died(struct task *t, u64 addr, bool pi, bool pending)
{
	uptr word = UPTR(addr);
	u32 value, seen;

	if (addr % sizeof(u32) || get_user_u32(&value, word))
		return -EFAULT;
	for (;;) {
		// Died between the unlock and the wake that belongs to it.
		if (pending && !pi && !value) {
			kern_futex_wake(word, 1, FUTEX_BITSET_MATCH_ANY, true);
			return 0;
		}
		if ((value & FUTEX_TID_MASK) != (u32)t->t_tid)
			return 0;
		if (cmpxchg_user_u32(word, value, (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED,
				     &seen))
			return -EFAULT;
		if (seen == value)
			break;
		value = seen;
	}
	if (!pi && (value & FUTEX_WAITERS))
		kern_futex_wake(word, 1, FUTEX_BITSET_MATCH_ANY, true);
	return 0;
}

static u64 futex_address(const struct robust_walk *rw, u64 link)
{
	u64 addr = link + (u64)rw->offset;

	return rw->word == 8 ? addr : (u32)addr;
}

// struct robust_list_head: the list's first link, the offset, the pending link.
static int walk_start(struct robust_walk *rw, u64 *link, bool *pi)
{
	u64 offset;

	if (read_link(rw, rw->head.va, link, pi) ||
	    read_word(rw, rw->head.va + rw->word, &offset) ||
	    read_link(rw, rw->head.va + 2 * rw->word, &rw->pending, &rw->pending_pi))
		return -EFAULT;
	rw->offset = rw->word == 8 ? (s64)offset : (s32)offset;
	return 0;
}

static void walk_list(struct task *t, struct robust_walk *rw)
{
	u64 link, next;
	bool pi, next_pi;

	if (walk_start(rw, &link, &pi))
		return;
	for (u32 n = 0; link != rw->head.va && n < WALK_MAX; n++) {
		// Once the word is released another thread may unlink and free the entry: read on
		// first.
		int bad = read_link(rw, link, &next, &next_pi);

		if (link != rw->pending && owner_died(t, futex_address(rw, link), pi, false))
			return;
		if (bad)
			break;
		link = next;
		pi = next_pi;
	}
	if (rw->pending)
		owner_died(t, futex_address(rw, rw->pending), rw->pending_pi, true);
}

void futex_exit_robust(struct task *t)
{
	static const u32 word[2] = {8, 4};

	for (u32 i = 0; i < 2; i++) {
		struct robust_walk rw = {.head = t->t_robust_list[i], .word = word[i]};

		t->t_robust_list[i] = UPTR(0);
		if (rw.head.va)
			walk_list(t, &rw);
	}
}

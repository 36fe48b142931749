// SPDX-License-Identifier: MIT
/*
 * Record locks (fcntl(2): of a process, of an open file) and flock(2). One spinlock covers the
 * lists of all inodes: they are short and rare. What a request may need is allocated before it is
 * taken, so applying one never fails.
 */
#include "fs/vfs.h"
#include "kern/task.h"
#include "kern/wait.h"
#include "lib/hash.h"
#include "vm/slab.h"

#include <linux/errno.h>

#define QUEUE_BITS     4
#define DEADLOCK_DEPTH 16

struct file_lock {
	struct list l_link; /* i_locks, by start */
	int l_type;
	u8 l_flavor;
	s32 l_pid;
	u64 l_start, l_end;
	const void *l_owner;
};

/* A process that waits for a record lock, for the search for deadlocks. */
struct blocked {
	struct list b_link;
	const void *b_owner, *b_for;
};

static struct slab_cache lock_slab = SLAB_CACHE(lock_slab, "file lock", struct file_lock);
/* Takes slab and wait-queue locks inside; nothing of the name cache is ever taken with it. */
static struct spinlock locks_lock = SPINLOCK("file locks", RANK_DCACHE);
static struct list blocked = LIST_INIT(blocked);
static struct waitqueue queues[1 << QUEUE_BITS];

static struct waitqueue *queue_of(const struct inode *i)
{
	return &queues[hash_ptr(i, QUEUE_BITS)];
}

void locks_init(void)
{
	for (u32 n = 0; n < ARRAY_SIZE(queues); n++)
		wait_init(&queues[n]);
}

/* --- lists; locks_lock held --- */

static bool same_owner(const struct file_lock *l, const struct file_lock_request *rq)
{
	return l->l_owner == rq->owner && l->l_flavor == rq->flavor;
}

static bool overlaps(const struct file_lock *l, const struct file_lock_request *rq)
{
	return l->l_start <= rq->end && rq->start <= l->l_end;
}

/* flock and record locks do not see each other (flock(2)). */
static struct file_lock *find_conflict(const struct inode *i, const struct file_lock_request *rq)
{
	struct file_lock *l;

	list_for_each_entry (l, &i->i_locks, l_link) {
		if ((l->l_flavor == FILE_LOCK_FLOCK) != (rq->flavor == FILE_LOCK_FLOCK))
			continue;
		if (same_owner(l, rq) || !overlaps(l, rq))
			continue;
		if (l->l_type == F_WRLCK || rq->type == F_WRLCK)
			return l;
	}
	return NULL;
}

static void lock_free(struct file_lock *l)
{
	list_del(&l->l_link);
	slab_free(&lock_slab, l);
}

static void lock_insert(struct inode *i, struct file_lock *l)
{
	struct file_lock *o;

	list_for_each_entry (o, &i->i_locks, l_link)
		if (o->l_start > l->l_start)
			break;
	list_add_tail(&o->l_link, &l->l_link); /* before o, or at the end */
}

static void lock_fill(struct file_lock *l, const struct file_lock_request *rq)
{
	l->l_type = rq->type;
	l->l_flavor = rq->flavor;
	l->l_pid = rq->pid;
	l->l_start = rq->start;
	l->l_end = rq->end;
	l->l_owner = rq->owner;
}

/* One of the owner's older locks beside or under the new one: joined, cut, split by *spare, or
 * gone. */
static void make_room(struct inode *i, struct file_lock *l, struct file_lock_request *rq,
		      struct file_lock **spare)
{
	bool touches = l->l_start <= rq->end + 1 && rq->start <= l->l_end + 1;

	if (l->l_type == rq->type && touches) {
		rq->start = MIN(rq->start, l->l_start);
		rq->end = MAX(rq->end, l->l_end);
		lock_free(l);
	} else if (!overlaps(l, rq)) {
		return;
	} else if (l->l_start < rq->start && l->l_end > rq->end) {
		struct file_lock *right = *spare;
		struct list link = right->l_link;

		*right = *l;
		right->l_link = link;
		right->l_start = rq->end + 1;
		l->l_end = rq->start - 1;
		lock_insert(i, right);
		*spare = NULL;
	} else if (l->l_start < rq->start) {
		l->l_end = rq->start - 1;
	} else if (l->l_end > rq->end) {
		l->l_start = rq->end + 1;
	} else {
		lock_free(l);
	}
}

static void apply(struct inode *i, const struct file_lock_request *asked,
		  struct file_lock *spare[2])
{
	struct file_lock_request rq = *asked;
	struct file_lock *l, *next;

	list_for_each_entry_safe (l, next, &i->i_locks, l_link)
		if (same_owner(l, &rq))
			make_room(i, l, &rq, &spare[1]);
	if (rq.type != F_UNLCK) {
		lock_fill(spare[0], &rq);
		lock_insert(i, spare[0]);
		spare[0] = NULL;
	}
	/* Something may have become free, in an unlock or by a weaker lock. */
	if (wait_active(queue_of(i)))
		wait_wake_all(queue_of(i));
}

/* Would waiting for `for_owner` close a circle? */
static bool deadlock(const struct file_lock_request *rq, const void *for_owner)
{
	for (int depth = 0; depth < DEADLOCK_DEPTH; depth++) {
		const struct blocked *b;
		const void *next = NULL;

		if (for_owner == rq->owner)
			return true;
		list_for_each_entry (b, &blocked, b_link)
			if (b->b_owner == for_owner)
				next = b->b_for;
		if (!next)
			return false;
		for_owner = next;
	}
	return false;
}

/* --- requests --- */

/* Takes locks_lock; gives it up while it sleeps. */
static int wait_for(struct inode *i, const struct file_lock_request *rq, const struct file_lock *l)
{
	struct blocked b = {.b_owner = rq->owner, .b_for = l->l_owner};
	bool process = rq->flavor == FILE_LOCK_POSIX && l->l_flavor == FILE_LOCK_POSIX;
	struct waiter w;
	int r;

	if (process && deadlock(rq, l->l_owner))
		return -EDEADLK;
	if (process)
		list_add(&blocked, &b.b_link);
	wait_prepare(queue_of(i), &w, TASK_INTERRUPTIBLE);
	spin_unlock(&locks_lock);
	r = sched_sleep(WAIT_FOREVER);
	wait_finish(queue_of(i), &w);
	spin_lock(&locks_lock);
	if (process)
		list_del(&b.b_link);
	return r;
}

static int set_locked(struct inode *i, const struct file_lock_request *rq,
		      struct file_lock *spare[2])
{
	while (rq->type != F_UNLCK) {
		struct file_lock *l = find_conflict(i, rq);
		int err;

		if (!l)
			break;
		if (!rq->wait)
			return -EAGAIN;
		err = wait_for(i, rq, l);
		if (err)
			return err;
	}
	apply(i, rq, spare);
	return 0;
}

/* flock(2): a change of type gives the old lock up first, and may lose it. */
static void drop_other_type(struct inode *i, const struct file_lock_request *rq)
{
	struct file_lock *l, *next;

	list_for_each_entry_safe (l, next, &i->i_locks, l_link) {
		if (!same_owner(l, rq) || l->l_type == rq->type)
			continue;
		lock_free(l);
		wait_wake_all(queue_of(i));
	}
}

int file_lock_set(struct file *f, const struct file_lock_request *rq)
{
	struct file_lock *spare[2] = {slab_alloc(&lock_slab), slab_alloc(&lock_slab)};
	struct inode *i = f->f_inode;
	int err = -ENOLCK;

	if (spare[0] && spare[1]) {
		spin_lock(&locks_lock);
		if (rq->flavor == FILE_LOCK_FLOCK)
			drop_other_type(i, rq);
		err = set_locked(i, rq, spare);
		spin_unlock(&locks_lock);
	}
	for (int n = 0; n < 2; n++)
		if (spare[n])
			slab_free(&lock_slab, spare[n]);
	return err;
}

void file_lock_test(struct file *f, struct file_lock_request *rq)
{
	struct file_lock *l;

	spin_lock(&locks_lock);
	l = find_conflict(f->f_inode, rq);
	if (l) {
		rq->type = l->l_type;
		rq->start = l->l_start;
		rq->end = l->l_end;
		rq->pid = l->l_flavor == FILE_LOCK_OFD ? -1 : l->l_pid; /* fcntl(2) */
	} else {
		rq->type = F_UNLCK;
	}
	spin_unlock(&locks_lock);
}

void file_locks_remove(struct file *f, const void *owner, u8 flavor)
{
	const struct file_lock_request rq = {.owner = owner, .flavor = flavor};
	struct inode *i = f->f_inode;
	struct file_lock *l, *next;
	bool any = false;

	spin_lock(&locks_lock);
	list_for_each_entry_safe (l, next, &i->i_locks, l_link) {
		if (!same_owner(l, &rq))
			continue;
		lock_free(l);
		any = true;
	}
	if (any)
		wait_wake_all(queue_of(i));
	spin_unlock(&locks_lock);
}

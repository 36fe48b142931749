// SPDX-License-Identifier: MIT
/*
 * The core of poll(2) and select(2). The files' poll ops may sleep (they take mutexes), so the task
 * cannot be in a sleeping state while it asks them: a wake-up sets p_triggered, and the task looks
 * at it once it has announced its sleep.
 */
#include "fs/poll.h"
#include "kern/task.h"
#include "machine/cpu.h"
#include "vm/slab.h"

#include <linux/errno.h>

#define INLINE_WAITERS 8
#define CHUNK_WAITERS  32

struct poll_waiter {
	struct waiter w;
	struct waitqueue *wq;
	struct poller *poller;
	u32 events;
};

struct poll_chunk {
	struct poll_chunk *next;
	u32 used;
	struct poll_waiter waiters[CHUNK_WAITERS];
};

struct poller {
	struct poll_table table;
	struct task *task;
	u32 triggered;
	int err;
	u32 used;
	struct poll_waiter waiters[INLINE_WAITERS];
	struct poll_chunk *chunks;
};

/* With the queue's lock held, perhaps in an interrupt. */
static bool poll_wake(struct waiter *w, u32 key)
{
	struct poll_waiter *pw = container_of(w, struct poll_waiter, w);

	if (key && !(key & pw->events))
		return false;
	__atomic_store_n(&pw->poller->triggered, 1, __ATOMIC_SEQ_CST);
	return sched_wake(pw->poller->task, 1u << TASK_INTERRUPTIBLE);
}

static struct poll_waiter *waiter_alloc(struct poller *p)
{
	struct poll_chunk *c = p->chunks;

	if (p->used < INLINE_WAITERS)
		return &p->waiters[p->used++];
	if (!c || c->used == CHUNK_WAITERS) {
		c = kmalloc(sizeof(*c));
		if (!c)
			return NULL;
		c->used = 0;
		c->next = p->chunks;
		p->chunks = c;
	}
	return &c->waiters[c->used++];
}

static void add(struct poll_table *pt, struct file *f, struct waitqueue *wq)
{
	struct poller *p = container_of(pt, struct poller, table);
	struct poll_waiter *pw = waiter_alloc(p);

	(void)f;
	if (!pw) {
		p->err = -ENOMEM;
		return;
	}
	pw->wq = wq;
	pw->poller = p;
	pw->events = pt->events;
	pw->w.w_task = current;
	pw->w.w_wake = poll_wake;
	pw->w.w_exclusive = false;
	wait_add(wq, &pw->w);
}

static void remove_all(struct poller *p)
{
	for (u32 n = 0; n < p->used; n++)
		wait_remove(p->waiters[n].wq, &p->waiters[n].w);
	while (p->chunks) {
		struct poll_chunk *c = p->chunks;

		for (u32 n = 0; n < c->used; n++)
			wait_remove(c->waiters[n].wq, &c->waiters[n].w);
		p->chunks = c->next;
		kfree(c);
	}
}

static void ask(struct poll_item *it, struct poller *p)
{
	it->revents = 0;
	if (it->fd < 0)
		return;
	if (!it->ref.file) {
		it->revents = POLLNVAL;
		return;
	}
	p->table.events = it->events;
	it->revents = file_poll(it->ref.file, &p->table) & it->events;
}

/* One round over all items: how many are ready. The first one that is spares the rest the queues.
 */
static u32 ask_all(struct poll_item *items, u32 n, struct poller *p)
{
	u32 ready = 0;

	for (u32 k = 0; k < n; k++) {
		ask(&items[k], p);
		if (items[k].revents) {
			ready++;
			p->table.add = NULL;
		}
	}
	return ready;
}

static long poll_loop(struct poll_item *items, u32 n, u64 deadline, struct poller *p)
{
	bool late = deadline == 0;

	for (;;) {
		u32 ready = ask_all(items, n, p);
		int r = 0;

		p->table.add = NULL; /* the queues are joined once */
		if (ready || p->err)
			return ready ? (long)ready : p->err;
		if (signal_pending(current))
			return late ? 0 : -EINTR;
		if (late)
			return 0;
		sched_set_state(TASK_INTERRUPTIBLE);
		if (!__atomic_load_n(&p->triggered, __ATOMIC_SEQ_CST))
			r = sched_sleep(deadline);
		sched_set_state(TASK_RUNNING);
		__atomic_store_n(&p->triggered, 0, __ATOMIC_SEQ_CST);
		late = r == -ETIMEDOUT;
	}
}

long kern_poll(struct poll_item *items, u32 n, u64 deadline)
{
	struct poller p;
	long r;

	p.table.add = deadline ? add : NULL;
	p.task = current;
	p.triggered = 0;
	p.err = 0;
	p.used = 0;
	p.chunks = NULL;
	/* The files stay while their queues are joined, whoever closes them. */
	for (u32 k = 0; k < n; k++)
		items[k].ref = items[k].fd < 0 ? (struct fdref){NULL, false} : fd_get(items[k].fd);
	r = poll_loop(items, n, deadline, &p);
	remove_all(&p);
	for (u32 k = 0; k < n; k++)
		if (items[k].ref.file)
			fd_put(items[k].ref);
	return r;
}

// SPDX-License-Identifier: MIT
// Wait queues. A waiter is on at most one queue through each struct waiter; whoever owns the waiter
// takes it off before its memory goes. Wake functions run with the queue's lock held and interrupts
// off.

#include "kern/wait.h"

#include "kern/sched.h"
#include "kern/task.h"

void wait_init(struct waitqueue *wq)
{
	spin_init(&wq->wq_lock, "wait", RANK_WAIT);
	list_init(&wq->wq_waiters);
}

static bool wake_task(struct waiter *w, u32 key)
{
	(void)key;
	return sched_wake(w->w_task, SCHED_WAKE_SLEEPERS);
}

// Exclusive waiters stand behind all others, so that a wake-up reaches every non-exclusive one
// first.
void wait_add(struct waitqueue *wq, struct waiter *w)
{
	u64 irq = spin_lock_irq(&wq->wq_lock);

	if (w->w_exclusive)
		list_add_tail(&wq->wq_waiters, &w->w_list);
	else
		list_add(&wq->wq_waiters, &w->w_list);
	spin_unlock_irq(&wq->wq_lock, irq);
}

void wait_remove(struct waitqueue *wq, struct waiter *w)
{
	u64 irq = spin_lock_irq(&wq->wq_lock);

	if (!list_empty(&w->w_list))
		list_del_init(&w->w_list);
	spin_unlock_irq(&wq->wq_lock, irq);
}

// The fence pairs with the one in sched_set_state(): the caller has made its condition true, the
// waiter has put itself on the list; one of the two sees the other.
void wait_wake(struct waitqueue *wq, u32 key, u32 n)
{
	struct waiter *w, *next;
	u64 irq;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!wait_active(wq))
		return;
	irq = spin_lock_irq(&wq->wq_lock);
	list_for_each_entry_safe (w, next, &wq->wq_waiters, w_list) {
		bool exclusive = w->w_exclusive;

		if (w->w_wake(w, key) && exclusive && n && --n == 0)
			break;
	}
	spin_unlock_irq(&wq->wq_lock, irq);
}

static void prepare(struct waitqueue *wq, struct waiter *w, u32 state, bool exclusive)
{
	w->w_task = current;
	w->w_wake = wake_task;
	w->w_exclusive = exclusive;
	wait_add(wq, w);
	sched_set_state(state);
}

void wait_prepare(struct waitqueue *wq, struct waiter *w, u32 state)
{
	prepare(wq, w, state, false);
}

void wait_prepare_exclusive(struct waitqueue *wq, struct waiter *w, u32 state)
{
	prepare(wq, w, state, true);
}

void wait_finish(struct waitqueue *wq, struct waiter *w)
{
	sched_set_state(TASK_RUNNING);
	wait_remove(wq, w);
}

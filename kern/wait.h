// SPDX-License-Identifier: MIT
// Wait queues: the one way to sleep until something happens. A waiter is on the sleeper's stack, or
// inside a poll table or epoll item with a wake function of its own.
#pragma once

#include "kern/lock.h"
#include "lib/list.h"

struct task;
struct waiter;

// Called with wq_lock held, interrupts off. key: poll event mask (EPOLLIN…) or 0 = any. Returns
// true if it "used up" an exclusive wake.
typedef bool (*wake_fn)(struct waiter *w, u32 key);

struct waitqueue {
	struct spinlock wq_lock;
	struct list wq_waiters;
};

struct waiter {
	struct list w_list;
	struct task *w_task;
	wake_fn w_wake; // default: wake_task
	bool w_exclusive;
};

// clang-format off
#define WAITQUEUE(wq) { SPINLOCK(#wq, RANK_WAIT), { &(wq).wq_waiters, &(wq).wq_waiters } }
// clang-format on
void wait_init(struct waitqueue *wq);
// w_wake, w_task, w_exclusive set by the caller
void wait_add(struct waitqueue *wq, struct waiter *w);
void wait_remove(struct waitqueue *wq, struct waiter *w); // safe when already removed
// Wakes all non-exclusive and n exclusive waiters (n = 0: all). Cheap when nobody waits. Callable
// from interrupts.
void wait_wake(struct waitqueue *wq, u32 key, u32 n);
#define wait_wake_all(wq) wait_wake((wq), 0, 0)
static inline bool wait_active(const struct waitqueue *wq)
{
	return wq->wq_waiters.next != &wq->wq_waiters;
}

// The sleeping pattern, for those that need it open-coded:
//	wait_prepare(wq, &w, TASK_INTERRUPTIBLE);
//	if (!cond)
//		r = sched_sleep(deadline);
//	wait_finish(wq, &w);
void wait_prepare(struct waitqueue *wq, struct waiter *w, u32 state);
void wait_prepare_exclusive(struct waitqueue *wq, struct waiter *w, u32 state);
void wait_finish(struct waitqueue *wq, struct waiter *w);

#define WAIT_FOREVER (~0ULL)

// Sleeps until cond holds. Result: 0, -ERESTARTSYS on a signal, -ETIMEDOUT at `deadline` (absolute
// clock_ns()).
#define wait_event_until(wq, cond, state, deadline)           \
	({                                                    \
		int we_r = 0;                                 \
		struct waiter we_w;                           \
		while (!(cond)) {                             \
			wait_prepare((wq), &we_w, (state));   \
			if (!(cond))                          \
				we_r = sched_sleep(deadline); \
			wait_finish((wq), &we_w);             \
			if (we_r && !(cond))                  \
				break;                        \
			we_r = 0;                             \
		}                                             \
		we_r;                                         \
	})
#define wait_event(wq, cond) wait_event_until(wq, cond, TASK_INTERRUPTIBLE, WAIT_FOREVER)
#define wait_event_uninterruptible(wq, cond) \
	((void)wait_event_until(wq, cond, TASK_UNINTERRUPTIBLE, WAIT_FOREVER))
#define wait_event_killable(wq, cond) wait_event_until(wq, cond, TASK_KILLABLE, WAIT_FOREVER)

#include "kern/sched.h"

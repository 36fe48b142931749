// SPDX-License-Identifier: MIT
// The task that runs deferred work. A work item is on the list at most once; it is taken off before
// its function runs, so that nothing which comes in meanwhile is lost.

#include "dev/work.h"

#include "kern/lock.h"
#include "kern/log.h"
#include "kern/task.h"
#include "kern/wait.h"

static struct spinlock work_lock = SPINLOCK("work", RANK_DEV);
static struct list work_list = LIST_INIT(work_list);
static struct waitqueue work_wait = WAITQUEUE(work_wait);

void work_init(struct work *w, void (*fn)(struct work *w))
{
	w->w_fn = fn;
	w->w_queued = false;
}

void work_queue(struct work *w)
{
	u64 irq = spin_lock_irq(&work_lock);
	bool fresh = !w->w_queued;

	if (fresh) {
		w->w_queued = true;
		list_add_tail(&work_list, &w->w_link);
	}
	spin_unlock_irq(&work_lock, irq);
	if (fresh)
		wait_wake_all(&work_wait);
}

static struct work *work_take(void)
{
	u64 irq = spin_lock_irq(&work_lock);
	struct work *w = list_first_entry_or_null(&work_list, struct work, w_link);

	if (w) {
		list_del(&w->w_link);
		w->w_queued = false;
	}
	spin_unlock_irq(&work_lock, irq);
	return w;
}

static void work_main(void *arg)
{
	struct work *w;

	(void)arg;
	for (;;) {
		wait_event_uninterruptible(&work_wait, (w = work_take()));
		w->w_fn(w);
	}
}

void work_start(void)
{
	if (!task_create_kernel("devices", work_main, NULL))
		panic("no memory for the device task");
}

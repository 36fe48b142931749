// SPDX-License-Identifier: MIT
// Kernel timers: a queue per CPU, ordered by expiry, and the CPU's one-shot hardware timer behind
// it. A timer is on the queue of tm_cpu while tm_armed. The hardware is only programmed for
// something earlier than what it will do anyway: after a cancel it fires for nothing once, which is
// cheaper than programming it twice. The scheduler's tick shares it.

#include "kern/time.h"

#include "kern/lock.h"
#include "kern/log.h"
#include "kern/sched.h"
#include "machine/cpu.h"

struct timer_queue {
	struct spinlock q_lock; // taken with interrupts off
	struct rb_root q_timers;
	struct timer *q_running; // whose tm_fn runs now
	u64 q_tick;		 // when sched_tick() is due, 0: not
	u64 q_programmed;	 // what the hardware is set to, 0: off
};

static struct timer_queue queues[CPU_MAX] = {
	[0 ... CPU_MAX - 1] = {.q_lock = SPINLOCK("timer", RANK_TIMER)},
};

void timer_init(struct timer *t, void (*fn)(struct timer *))
{
	t->tm_fn = fn;
	t->tm_cpu = 0;
	t->tm_armed = 0;
}

static struct timer *first_timer(const struct timer_queue *q)
{
	return rb_entry_or_null(rb_first(&q->q_timers), struct timer, tm_node);
}

// q is this CPU's.
static void program(struct timer_queue *q, u64 when)
{
	if (q->q_programmed && q->q_programmed <= when)
		return;
	q->q_programmed = when;
	clock_arm(when);
}

static void insert(struct timer_queue *q, struct timer *t)
{
	struct rb_node **link = &q->q_timers.node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = t->tm_expires < rb_entry(parent, struct timer, tm_node)->tm_expires
			       ? &parent->left
			       : &parent->right;
	}
	rb_insert_at(&q->q_timers, &t->tm_node, parent, link);
	t->tm_armed = 1;
}

// Locks the queue that t belongs to. Interrupts are off.
static struct timer_queue *lock_queue(struct timer *t)
{
	for (;;) {
		u32 cpu = READ_ONCE(t->tm_cpu);
		struct timer_queue *q = &queues[cpu];

		spin_lock(&q->q_lock);
		if (likely(t->tm_cpu == cpu))
			return q;
		spin_unlock(&q->q_lock);
	}
}

static bool take_out(struct timer_queue *q, struct timer *t)
{
	if (!t->tm_armed)
		return false;
	rb_erase(&q->q_timers, &t->tm_node);
	t->tm_armed = 0;
	return true;
}

void timer_arm(struct timer *t, u64 expires)
{
	u64 irq = irq_save();
	u32 here = this_cpu()->c_id;
	struct timer_queue *q;

	for (;;) {
		q = lock_queue(t);
		take_out(q, t);
		if (q == &queues[here])
			break;
		// Moves over; whoever arms it at the same time from elsewhere makes us look again.
		WRITE_ONCE(t->tm_cpu, here);
		spin_unlock(&q->q_lock);
	}
	t->tm_expires = expires;
	insert(q, t);
	if (first_timer(q) == t)
		program(q, expires);
	spin_unlock(&q->q_lock);
	irq_restore(irq);
}

// Is tm_fn running on a CPU other than this one? It may have been armed again elsewhere meanwhile.
static bool runs_elsewhere(const struct timer *t)
{
	for (u32 i = 0; i < cpu_count; i++)
		if (READ_ONCE(queues[i].q_running) == t && i != this_cpu()->c_id)
			return true;
	return false;
}

bool timer_cancel(struct timer *t)
{
	u64 irq = irq_save();
	bool was_armed = false;

	for (;;) {
		struct timer_queue *q = lock_queue(t);

		was_armed |= take_out(q, t);
		spin_unlock(&q->q_lock);
		if (likely(!runs_elsewhere(t)))
			break;
		irq_restore(irq); // it may be waiting for an answer of this CPU
		cpu_relax();
		irq = irq_save();
	}
	irq_restore(irq);
	return was_armed;
}

void timer_tick_arm(u64 when)
{
	struct timer_queue *q = &queues[this_cpu()->c_id];

	// Only this CPU touches its tick, with interrupts off. One that is due earlier will do.
	if (q->q_tick && q->q_tick <= when)
		return;
	q->q_tick = when;
	program(q, when);
}

static void run_expired(struct timer_queue *q)
{
	struct timer *t;

	spin_lock(&q->q_lock);
	while ((t = first_timer(q)) && t->tm_expires <= clock_ns()) {
		take_out(q, t);
		WRITE_ONCE(q->q_running, t);
		spin_unlock(&q->q_lock);
		t->tm_fn(t); // its memory may be gone after this
		spin_lock(&q->q_lock);
		WRITE_ONCE(q->q_running, NULL);
	}
	spin_unlock(&q->q_lock);
}

void timer_interrupt(void)
{
	struct timer_queue *q = &queues[this_cpu()->c_id];
	struct timer *t;

	q->q_programmed = 0;
	run_expired(q);
	if (q->q_tick && q->q_tick <= clock_ns()) {
		q->q_tick = 0;
		sched_tick();
	}
	spin_lock(&q->q_lock);
	t = first_timer(q);
	if (t)
		program(q, t->tm_expires);
	if (q->q_tick)
		program(q, q->q_tick);
	spin_unlock(&q->q_lock);
}

u64 timer_next(void)
{
	struct timer_queue *q = &queues[this_cpu()->c_id];
	u64 irq = spin_lock_irq(&q->q_lock);
	struct timer *t = first_timer(q);
	u64 when = t ? t->tm_expires : 0;

	spin_unlock_irq(&q->q_lock, irq);
	return when;
}

// SPDX-License-Identifier: MIT
// Which CPU a task runs on. A task that wakes goes back to its CPU when that is idle, else to an
// idle one, else back; a CPU with nothing to do takes a task that waits elsewhere; a busy one tells
// an idle one now and then that there is work. Numbers of other queues are read without their
// locks: a guess that is checked before it counts.

#include "kern/runqueue.h"
#include "kern/time.h"

#define BALANCE_PERIOD_NS 50000000ull

static u32 running_on(u32 cpu)
{
	return READ_ONCE(runqueues[cpu].rq_running);
}

static u32 least_busy(u64 allowed)
{
	u32 best = (u32)__builtin_ctzll(allowed);

	for (u64 m = allowed & (allowed - 1); m; m &= m - 1) {
		u32 cpu = (u32)__builtin_ctzll(m);

		if (running_on(cpu) < running_on(best))
			best = cpu;
	}
	return best;
}

u32 balance_select(const struct task *t)
{
	u32 home = t->t_se.se_cpu;
	u64 allowed = sched_allowed(t);

	if (likely(allowed == BIT(home)) || unlikely(!allowed))
		return home; // sched_set_affinity() lets no mask without an online CPU pass
	if ((allowed & BIT(home)) && !running_on(home))
		return home;
	u32 best = least_busy(allowed);

	if (!(allowed & BIT(home)) || !running_on(best))
		return best;
	return running_on(home) > running_on(best) + 1 ? best : home;
}

static struct runqueue *busiest(const struct runqueue *rq, u32 at_least)
{
	struct runqueue *found = NULL;

	for (u64 m = READ_ONCE(sched_online) & ~BIT(rq->rq_cpu); m; m &= m - 1) {
		struct runqueue *other = &runqueues[__builtin_ctzll(m)];

		if (READ_ONCE(other->rq_running) < at_least)
			continue;
		at_least = READ_ONCE(other->rq_running) + 1;
		found = other;
	}
	return found;
}

// A task of `from` that may run on `to`: of the fair ones the one that would wait longest there.
// Both locked.
static struct task *stealable(struct runqueue *from, const struct runqueue *to)
{
	struct task *t;

	list_for_each_entry (t, &from->rq_rt, t_rq_link)
		if (t->t_se.se_affinity & BIT(to->rq_cpu))
			return t;
	for (struct rb_node *n = rb_last(&from->rq_fair); n; n = rb_prev(n)) {
		t = rb_entry(n, struct task, t_se.se_node);
		if (t->t_se.se_affinity & BIT(to->rq_cpu))
			return t;
	}
	return NULL;
}

static bool steal(struct runqueue *from, struct runqueue *to)
{
	bool kick = false;
	struct task *t;

	rq_lock_two(from, to);
	t = stealable(from, to);
	if (t) {
		rq_dequeue(from, t);
		from->rq_running--;
		rq_migrate(from, to, t);
		kick = rq_add(to, t);
	}
	rq_unlock_two(from, to);
	rq_kick(to, kick);
	return t != NULL;
}

bool balance_pull(struct runqueue *rq)
{
	struct runqueue *from = busiest(rq, 2);

	return from && steal(from, rq);
}

void balance_tick(struct runqueue *rq, u64 now)
{
	struct runqueue *from;
	bool kick;

	if (now < rq->rq_balance_at)
		return;
	rq->rq_balance_at = now + BALANCE_PERIOD_NS;
	if (READ_ONCE(rq->rq_running) > 1) {
		for (u64 m = READ_ONCE(sched_online) & ~BIT(rq->rq_cpu); m; m &= m - 1) {
			struct runqueue *idle = &runqueues[__builtin_ctzll(m)];

			if (READ_ONCE(idle->rq_running))
				continue;
			spin_lock(&idle->rq_lock);
			kick = rq_resched(idle); // its schedule() finds nothing and pulls
			spin_unlock(&idle->rq_lock);
			rq_kick(idle, kick);
			return;
		}
	}
	from = busiest(rq, READ_ONCE(rq->rq_running) + 2);
	if (from)
		(void)steal(from, rq);
}

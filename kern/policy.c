// SPDX-License-Identifier: MIT
// Changing how a task is scheduled: nice value, policy, affinity. Each takes a queued task out,
// changes it and puts it back, so that trees and lists stay in order.

#include "kern/runqueue.h"
#include "kern/time.h"

#include <asm/errno.h>

// 1024 / 1.25^nice: one step of nice is about 10 % more or less of a CPU that two tasks share.
static const u32 nice_weight[40] = {
	88818, 71054, 56843, 45475, 36380, 29104, 23283, 18626, 14901, 11921, //
	9537,  7629,  6104,  4883,  3906,  3125,  2500,	 2000,	1600,  1280,  //
	1024,  819,   655,   524,   419,   336,	  268,	 215,	172,   137,   //
	110,   88,    70,    56,    45,	   36,	  29,	 23,	18,    15,
};

u32 sched_weight(const struct task *t)
{
	if (t->t_se.se_policy == SCHED_IDLE)
		return SCHED_WEIGHT_IDLE;
	return nice_weight[t->t_se.se_nice + 20];
}

// Applies a change to a task that may be anywhere.
static void change(struct task *t, u32 policy, s32 rtprio, s32 nice)
{
	u64 irq = irq_save();
	struct runqueue *rq = rq_lock_task(t);
	bool queued = t->t_se.se_queued, kick = false;

	if (rq->rq_curr == t)
		rq_account(rq, t, clock_ns());
	if (queued) {
		rq_dequeue(rq, t);
		rq->rq_running--;
	}
	t->t_se.se_policy = policy;
	t->t_se.se_rtprio = rtprio;
	t->t_se.se_nice = nice;
	t->t_se.se_weight = sched_weight(t);
	if (queued)
		kick = rq_add(rq, t);
	else if (rq->rq_curr == t && rq->rq_running > 1)
		kick = rq_resched(rq); // it may have lost its right to go first
	spin_unlock(&rq->rq_lock);
	rq_kick(rq, kick);
	irq_restore_kick(irq);
}

void sched_set_nice(struct task *t, s32 nice)
{
	change(t, t->t_se.se_policy, t->t_se.se_rtprio, nice);
}

void sched_set_policy(struct task *t, u32 policy, s32 rtprio)
{
	change(t, policy, rtprio, t->t_se.se_nice);
}

// Takes a waiting task that may not stay off its queue, for the caller to wake elsewhere: it looks
// like a sleeper until then, so that nobody else finds it on no queue.
static bool take_off(struct runqueue *rq, struct task *t)
{
	if (!t->t_se.se_queued || (t->t_se.se_affinity & BIT(rq->rq_cpu)))
		return false;
	rq_dequeue(rq, t);
	rq->rq_running--;
	WRITE_ONCE(t->t_state, TASK_UNINTERRUPTIBLE);
	return true;
}

int sched_set_affinity(struct task *t, u64 mask)
{
	struct runqueue *rq;
	bool moved, kick = false;
	u64 irq;

	mask &= READ_ONCE(sched_online);
	if (!mask)
		return -EINVAL;
	irq = irq_save();
	rq = rq_lock_task(t);
	WRITE_ONCE(t->t_se.se_affinity, mask);
	moved = take_off(rq, t);
	if (!moved && rq->rq_curr == t && !(mask & BIT(rq->rq_cpu)))
		kick = rq_resched(rq);
	spin_unlock(&rq->rq_lock);
	rq_kick(rq, kick);
	irq_restore_kick(irq);
	if (moved)
		sched_wake(t, SCHED_WAKE_SLEEPERS);
	else if (t == current && !(mask & BIT(this_cpu()->c_id)))
		schedule(); // returns on a CPU of the mask
	return 0;
}

void sched_fork(struct task *child)
{
	struct sched_entity *se = &child->t_se, *mine = &current->t_se;

	se->se_policy = mine->se_policy;
	se->se_nice = mine->se_nice;
	se->se_rtprio = mine->se_rtprio;
	se->se_affinity = mine->se_affinity;
	if (current->t_reset_on_fork) {
		if (sched_is_rt(child) || se->se_nice < 0)
			se->se_nice = 0;
		if (sched_is_rt(child))
			se->se_policy = SCHED_NORMAL;
		se->se_rtprio = 0;
	}
	se->se_weight = sched_weight(child);
	se->se_cpu = this_cpu()->c_id;
}

u64 sched_runtime(struct task *t)
{
	u64 irq = irq_save(), ns;
	struct runqueue *rq = rq_lock_task(t);

	ns = t->t_se.se_runtime;
	if (rq->rq_curr == t)
		ns += clock_ns() - t->t_se.se_started;
	spin_unlock(&rq->rq_lock);
	irq_restore(irq);
	return ns;
}

u64 sched_cpus(void)
{
	return READ_ONCE(sched_online);
}

// SPDX-License-Identifier: MIT
// Inside the scheduler: a CPU's queue of runnable tasks. Shared by sched.c, policy.c and balance.c
// only. A task that is runnable is rq_curr of one queue or in one queue's tree or list, and
// t_se.se_cpu names that queue; se_cpu changes only with the locks of both queues held. Two queues
// are locked in the order of their CPU numbers.
#pragma once

#include "kern/lock.h"
#include "kern/sched.h"
#include "kern/task.h"
#include "lib/rbtree.h"

#include <linux/sched.h>

#define SCHED_SLICE_NS	    4000000ull	 // also the period of the accounting tick
#define SCHED_RR_SLICE_NS   100000000ull // sched_rr_get_interval(2)
#define SCHED_WAKE_BONUS_NS 3000000ull	 // how far behind the others a sleeper may come back
#define SCHED_PREEMPT_NS    1000000ull // a waking task must be this far behind to take the CPU at once
#define SCHED_WEIGHT_ONE    1024
#define SCHED_WEIGHT_IDLE   3

struct runqueue {
	struct spinlock rq_lock; // taken with interrupts off
	u32 rq_cpu;
	u32 rq_running; // runnable tasks without idle; other CPUs look without the lock
	struct task *rq_curr, *rq_idle;
	struct rb_root rq_fair; // by se_vruntime; without rq_curr
	struct list rq_rt;	// by falling se_rtprio, first come first; t_rq_link
	u64 rq_min_vruntime;	// never falls
	u64 rq_picked;		// when rq_curr got the CPU
	u64 rq_switches;
	u64 rq_balance_at;
	struct task *rq_push; // switched away from but not allowed here any more
	bool rq_resched;      // ends the idle loop's sleep
	bool rq_polling;      // the idle loop looks at rq_resched by itself: no interrupt is needed
	u64 rq_poll_ns;	      // how long it does so before it halts
	bool rq_tail;	      // rq_curr goes behind its equals when requeued
};

extern struct runqueue runqueues[CPU_MAX];
extern u64 sched_online; // mask of CPUs with a queue

static inline bool sched_is_rt(const struct task *t)
{
	return t->t_se.se_policy == SCHED_FIFO || t->t_se.se_policy == SCHED_RR;
}
static inline u64 sched_allowed(const struct task *t)
{
	return READ_ONCE(t->t_se.se_affinity) & READ_ONCE(sched_online);
}

// into tree or list; not counted
void rq_enqueue(struct runqueue *rq, struct task *t, bool behind_equals);
void rq_dequeue(struct runqueue *rq, struct task *t);
// Enqueue, count, preempt if it should. True: rq_kick() is to be called once the lock is free,
// since sending an interrupt may take long and others wait for the lock meanwhile.
MUST_CHECK bool rq_add(struct runqueue *rq, struct task *t);
MUST_CHECK bool rq_resched(struct runqueue *rq); // rq_curr gives up the CPU soon; result as above
void rq_kick(const struct runqueue *rq, bool needed);
void irq_restore_kick(u64 irq); // irq_restore() where no lock is held: sends what rq_kick() kept
void rq_account(struct runqueue *rq, struct task *t, u64 now);
void rq_lock_two(struct runqueue *a, struct runqueue *b); // a ≠ b
void rq_unlock_two(struct runqueue *a, struct runqueue *b);
struct runqueue *rq_lock_task(struct task *t); // the queue of se_cpu; interrupts are off
// not queued; both locked
void rq_migrate(struct runqueue *from, struct runqueue *to, struct task *t);

// policy.c
u32 sched_weight(const struct task *t);
// balance.c
u32 balance_select(const struct task *t); // the CPU where a task should become runnable
// nothing to run: take a task from another CPU. rq not locked
bool balance_pull(struct runqueue *rq);
void balance_tick(struct runqueue *rq, u64 now); // not locked, interrupts off
// usage.c: a tick found t running, in user mode or not, after `delta` ns
void usage_tick(struct task *t, u64 delta, bool user);
void load_tick(u64 now);

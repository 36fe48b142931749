// SPDX-License-Identifier: MIT
// The scheduler: a run queue per CPU, kernel not preemptible, user mode preempted within 4 ms.
#pragma once

#include "lib/rbtree.h"
#include "lib/types.h"

struct task;

enum task_state {
	TASK_RUNNING,	    // running or on a run queue
	TASK_INTERRUPTIBLE, // woken by any signal
	TASK_KILLABLE,	    // woken by SIGKILL only
	TASK_UNINTERRUPTIBLE,
	TASK_STOPPED, // job control or ptrace stop
	TASK_DEAD,
};

struct sched_entity {
	struct rb_node se_node;
	u64 se_vruntime; // weighted ns
	u64 se_started;	 // clock_ns() when last put on the CPU
	u64 se_runtime;	 // total ns on a CPU
	u32 se_weight;
	u32 se_policy; // SCHED_*
	s32 se_nice;
	s32 se_rtprio;
	u64 se_affinity; // mask of CPUs
	u32 se_cpu;	 // CPU whose queue holds it
	bool se_queued;
	bool se_on_cpu; // still on a CPU's stack: a waker must wait until it has switched away
};

// What an ordinary wake-up ends, for sched_wake().
#define SCHED_WAKE_SLEEPERS \
	(1u << TASK_INTERRUPTIBLE | 1u << TASK_KILLABLE | 1u << TASK_UNINTERRUPTIBLE)

void sched_init_cpu(void);	// each CPU, before its first schedule()
void sched_add(struct task *t); // a new task becomes runnable
// of current, before a last look at the condition (full barrier)
void sched_set_state(u32 state);
// 1 woken, 0 not in one of these states (mask of 1 << TASK_x)
int sched_wake(struct task *t, u32 states_mask);
void sched_yield_now(void);
void schedule(void); // give up the CPU; returns when chosen again
// Sleeps in the state set before until woken or until `deadline` (absolute ns, WAIT_FOREVER). 0
// woken, -ERESTARTSYS when a signal that may interrupt this state is pending (then does not sleep),
// -ETIMEDOUT.
int sched_sleep(u64 deadline);
void sched_tick(void); // timer interrupt: slice used up?
bool sched_need_resched(void);
// The kernel is not preempted: a loop whose length a program chooses stands aside here for others
// that wait. May sleep.
void sched_point(void);
NORETURN void sched_idle(void); // the idle loop of each CPU
// Called by arch code in the new task's flow right after a switch.
void sched_finish_switch(struct task *prev);
int sched_set_affinity(struct task *t, u64 mask);	       // 0, -EINVAL: no CPU of it is online
void sched_set_nice(struct task *t, s32 nice);		       // -20 … 19
void sched_set_policy(struct task *t, u32 policy, s32 rtprio); // both were checked
void sched_fork(struct task *child); // weight, policy and affinity of current
u64 sched_runtime(struct task *t);   // ns on a CPU, up to now
u64 sched_cpus(void);		     // mask of CPUs that schedule

struct sched_stats {
	u32 running;	 // runnable tasks, all CPUs
	u64 switches;	 // since boot
	u64 idle_ns[64]; // by CPU
	u64 loads[3];	 // 1, 5, 15 minutes; fixed point with 16 bits
};
void sched_stats(struct sched_stats *s);

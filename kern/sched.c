// SPDX-License-Identifier: MIT
// The core of the scheduler: choosing the next task, switching, waking. Fair tasks run in the order
// of their weighted run time, realtime tasks before them. A task is never on two CPUs: the one that
// switches away from it clears se_on_cpu last of all, and the one that picks it waits for that.
// Sleepers are woken only from a state that the waker names, under the lock of the queue on which
// they went to sleep, so a wake-up is neither lost nor doubled.

#include "kern/sched.h"

#include "kern/lockdep.h"
#include "kern/log.h"
#include "kern/runqueue.h"
#include "kern/task.h"
#include "kern/time.h"
#include "machine/context.h"
#include "machine/cpu.h"
#include "machine/pt.h"
#include "machine/regs.h"
#include "machine/uaccess.h"

#include <asm/errno.h>

#define IDLE_POLL_START_NS 10000ull
#define IDLE_POLL_MAX_NS   100000ull

struct runqueue runqueues[CPU_MAX];
u64 sched_online;

void sched_init_cpu(void)
{
	struct cpu *c = this_cpu();
	struct runqueue *rq = &runqueues[c->c_id];

	spin_init(&rq->rq_lock, "runqueue", RANK_RQ);
	rq->rq_cpu = c->c_id;
	rb_root_init(&rq->rq_fair);
	list_init(&rq->rq_rt);
	rq->rq_idle = rq->rq_curr = c->c_idle;
	c->c_idle->t_se.se_cpu = c->c_id;
	c->c_idle->t_se.se_on_cpu = true;
	c->c_idle->t_se.se_started = clock_ns();
	c->c_rq = rq;
	__atomic_fetch_or(&sched_online, BIT(c->c_id), __ATOMIC_SEQ_CST);
}

// --- locks ---

void rq_lock_two(struct runqueue *a, struct runqueue *b)
{
	spin_lock(&(a < b ? a : b)->rq_lock);
	spin_lock(&(a < b ? b : a)->rq_lock);
}

void rq_unlock_two(struct runqueue *a, struct runqueue *b)
{
	spin_unlock(&a->rq_lock);
	spin_unlock(&b->rq_lock);
}

struct runqueue *rq_lock_task(struct task *t)
{
	for (;;) {
		struct runqueue *rq = &runqueues[READ_ONCE(t->t_se.se_cpu)];

		spin_lock(&rq->rq_lock);
		if (likely(rq->rq_cpu == t->t_se.se_cpu))
			return rq;
		spin_unlock(&rq->rq_lock);
	}
}

// --- the queue ---

// The order is by difference, so that it survives a wrap of the clock.
static void fair_insert(struct runqueue *rq, struct task *t)
{
	struct rb_node **link = &rq->rq_fair.node, *parent = NULL;

	while (*link) {
		struct task *other = rb_entry(*link, struct task, t_se.se_node);

		parent = *link;
		link = (s64)(t->t_se.se_vruntime - other->t_se.se_vruntime) < 0 ? &parent->left
										: &parent->right;
	}
	rb_insert_at(&rq->rq_fair, &t->t_se.se_node, parent, link);
}

// A preempted realtime task keeps its place before its equals (sched(7), SCHED_FIFO).
static void rt_insert(struct runqueue *rq, struct task *t, bool behind_equals)
{
	struct list *at = &rq->rq_rt;
	struct task *other;

	list_for_each_entry (other, &rq->rq_rt, t_rq_link) {
		s32 lead = t->t_se.se_rtprio - other->t_se.se_rtprio;

		if (lead > 0 || (lead == 0 && !behind_equals)) {
			at = &other->t_rq_link;
			break;
		}
	}
	list_add_tail(at, &t->t_rq_link);
}

void rq_enqueue(struct runqueue *rq, struct task *t, bool behind_equals)
{
	if (unlikely(sched_is_rt(t)))
		rt_insert(rq, t, behind_equals);
	else
		fair_insert(rq, t);
	t->t_se.se_queued = true;
}

void rq_dequeue(struct runqueue *rq, struct task *t)
{
	if (unlikely(sched_is_rt(t)))
		list_del(&t->t_rq_link);
	else
		rb_erase(&rq->rq_fair, &t->t_se.se_node);
	t->t_se.se_queued = false;
}

static void min_vruntime_raise(struct runqueue *rq, u64 curr)
{
	struct task *first = rb_entry_or_null(rb_first(&rq->rq_fair), struct task, t_se.se_node);
	u64 min = first && (s64)(first->t_se.se_vruntime - curr) < 0 ? first->t_se.se_vruntime
								     : curr;

	if ((s64)(min - rq->rq_min_vruntime) > 0)
		rq->rq_min_vruntime = min;
}

// Charges the time since the last look. rq_lock held.
void rq_account(struct runqueue *rq, struct task *t, u64 now)
{
	struct sched_entity *se = &t->t_se;
	u64 delta = now - se->se_started;

	se->se_started = now;
	se->se_runtime += delta;
	if (t == rq->rq_idle)
		return;
	__atomic_fetch_add(&t->t_proc->p_cpu_ns, delta, __ATOMIC_RELAXED);
	if (unlikely(sched_is_rt(t)))
		return;
	se->se_vruntime += se->se_weight == SCHED_WEIGHT_ONE
				   ? delta
				   : delta * SCHED_WEIGHT_ONE / se->se_weight;
	min_vruntime_raise(rq, se->se_vruntime);
}

bool rq_resched(struct runqueue *rq)
{
	bool polling = false;

	if (rq->rq_curr == rq->rq_idle) {
		// The exchange orders this against the idle loop's last look (idle_poll).
		(void)__atomic_exchange_n(&rq->rq_resched, true, __ATOMIC_SEQ_CST);
		polling = READ_ONCE(rq->rq_polling);
	} else {
		task_set_work(rq->rq_curr, WORK_RESCHED);
	}
	return !polling && rq->rq_cpu != this_cpu()->c_id;
}

// Wakers hold the lock of a wait queue or futex bucket. Sending an interrupt is slow on a virtual
// machine and others spin on that lock, so it waits for a moment without: spin_unlock_irq(), the
// next switch, the exit to user mode.
void rq_kick(const struct runqueue *rq, bool needed)
{
	struct cpu *c = this_cpu();

	if (!needed)
		return;
	if (c->c_irq_depth) {
		cpu_kick(rq->rq_cpu);
		return;
	}
	c->c_kicks |= 1u << rq->rq_cpu;
	task_set_work(c->c_current, WORK_RESCHED); // so that the exit does not pass by schedule()
}

// Interrupts are off.
void sched_send_kicks(void)
{
	struct cpu *c = this_cpu();
	u32 kicks = c->c_kicks;

	c->c_kicks = 0;
	for (; kicks; kicks &= kicks - 1)
		cpu_kick((u32)__builtin_ctz(kicks));
}

void irq_restore_kick(u64 irq)
{
	if (!irq)
		return;
	if (this_cpu()->c_kicks)
		sched_send_kicks();
	irq_enable();
}

static bool should_preempt(const struct runqueue *rq, const struct task *t)
{
	const struct task *curr = rq->rq_curr;

	if (curr == rq->rq_idle)
		return true;
	if (unlikely(sched_is_rt(t)))
		return !sched_is_rt(curr) || t->t_se.se_rtprio > curr->t_se.se_rtprio;
	if (unlikely(sched_is_rt(curr)) || t->t_se.se_policy == SCHED_IDLE)
		return false;
	if (curr->t_se.se_policy == SCHED_IDLE)
		return true;
	return t->t_se.se_policy != SCHED_BATCH &&
	       (s64)(curr->t_se.se_vruntime - t->t_se.se_vruntime) > (s64)SCHED_PREEMPT_NS;
}

// rq_lock held. A sleeper is forgiven what it ran long ago, but saves up no more than a bonus.
bool rq_add(struct runqueue *rq, struct task *t)
{
	u64 floor = rq->rq_min_vruntime - SCHED_WAKE_BONUS_NS;

	if ((s64)(t->t_se.se_vruntime - floor) < 0)
		t->t_se.se_vruntime = floor;
	rq_enqueue(rq, t, true);
	rq->rq_running++;
	return should_preempt(rq, t) && rq_resched(rq);
}

// Run times count from each queue's own floor.
void rq_migrate(struct runqueue *from, struct runqueue *to, struct task *t)
{
	t->t_se.se_vruntime += to->rq_min_vruntime - from->rq_min_vruntime;
	WRITE_ONCE(t->t_se.se_cpu, to->rq_cpu);
}

// Makes a runnable task that is on no queue runnable where it may run.
static void sched_place(struct task *t)
{
	for (;;) {
		struct runqueue *from = &runqueues[READ_ONCE(t->t_se.se_cpu)];
		struct runqueue *to = &runqueues[balance_select(t)];

		if (from == to)
			spin_lock(&to->rq_lock);
		else
			rq_lock_two(from, to);
		bool ok = t->t_se.se_cpu == from->rq_cpu && (sched_allowed(t) & BIT(to->rq_cpu));
		bool kick = false;

		if (ok) {
			if (from != to)
				rq_migrate(from, to, t);
			kick = rq_add(to, t);
		}
		if (from != to)
			spin_unlock(&from->rq_lock);
		spin_unlock(&to->rq_lock);
		rq_kick(to, kick);
		if (ok)
			return;
	}
}

// --- waking ---

// The task sleeps on `rq`, locked, and should run on `cpu`: hands over to that queue, locked in its
// place. False, with no lock held, when something changed while both locks were fetched.
static bool wake_migrate(struct runqueue **rq, struct task *t, u32 cpu, u32 states)
{
	struct runqueue *from = *rq, *to = &runqueues[cpu];

	spin_unlock(&from->rq_lock);
	rq_lock_two(from, to);
	if (t->t_se.se_cpu != from->rq_cpu || from->rq_curr == t ||
	    !(states & 1u << READ_ONCE(t->t_state)) || !(sched_allowed(t) & BIT(cpu))) {
		rq_unlock_two(from, to);
		return false;
	}
	rq_migrate(from, to, t);
	spin_unlock(&from->rq_lock);
	*rq = to;
	return true;
}

// Not switched away yet: schedule() will find it running. The task may be changing its own state
// meanwhile.
static int wake_current(struct task *t, u32 states)
{
	u32 state = READ_ONCE(t->t_state);

	return (states & 1u << state) &&
	       __atomic_compare_exchange_n(&t->t_state, &state, TASK_RUNNING, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

// One try. 1, 0, or -EAGAIN: look again.
static int wake_try(struct task *t, u32 states)
{
	struct runqueue *rq = rq_lock_task(t);
	bool kick = false;
	u32 cpu;
	int r = 0;

	if (rq->rq_curr == t) {
		r = wake_current(t, states);
	} else if (states & 1u << READ_ONCE(t->t_state)) {
		cpu = balance_select(t);
		if (cpu != rq->rq_cpu && !wake_migrate(&rq, t, cpu, states))
			return -EAGAIN;
		WRITE_ONCE(t->t_state, TASK_RUNNING);
		kick = rq_add(rq, t);
		r = 1;
	}
	spin_unlock(&rq->rq_lock);
	rq_kick(rq, kick);
	return r;
}

int sched_wake(struct task *t, u32 states)
{
	u64 irq;
	int r;

	// Orders the caller's condition before this look; pairs with sched_set_state().
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!(states & 1u << READ_ONCE(t->t_state)))
		return 0;
	irq = irq_save();
	do {
		r = wake_try(t, states);
	} while (unlikely(r == -EAGAIN));
	irq_restore(irq);
	return r;
}

// The child starts level with its parent's queue, so that forking gains nobody time.
void sched_add(struct task *t)
{
	u64 irq = irq_save();
	struct runqueue *here = &runqueues[t->t_se.se_cpu];

	t->t_state = TASK_RUNNING;
	t->t_se.se_vruntime = here->rq_min_vruntime;
	sched_place(t);
	irq_restore(irq);
}

// --- switching ---

static struct task *pick(struct runqueue *rq)
{
	struct rb_node *first;

	if (unlikely(!list_empty(&rq->rq_rt)))
		return list_first_entry(&rq->rq_rt, struct task, t_rq_link);
	first = rb_first(&rq->rq_fair);
	return first ? rb_entry(first, struct task, t_se.se_node) : NULL;
}

// prev stops being rq_curr: back into the queue, away to another CPU, or to sleep.
static void put_prev(struct runqueue *rq, struct task *prev)
{
	if (prev->t_state != TASK_RUNNING) {
		rq->rq_running--;
		prev->t_nvcsw++;
		return;
	}
	if (unlikely(!(prev->t_se.se_affinity & BIT(rq->rq_cpu)))) {
		rq->rq_running--;
		rq->rq_push = prev;
		return;
	}
	rq_enqueue(rq, prev, rq->rq_tail);
}

// Nothing would be left to run here: asks the other CPUs. That opens rq_lock, so it comes before
// anything is decided: prev is still rq_curr and may be woken meanwhile.
static void look_elsewhere(struct runqueue *rq, struct task *prev)
{
	if (!rb_empty(&rq->rq_fair) || !list_empty(&rq->rq_rt))
		return;
	if (prev != rq->rq_idle && prev->t_state == TASK_RUNNING)
		return;
	spin_unlock(&rq->rq_lock);
	(void)balance_pull(rq);
	spin_lock(&rq->rq_lock);
}

static struct task *choose(struct runqueue *rq)
{
	struct task *next = pick(rq);

	if (!next)
		return rq->rq_idle;
	rq_dequeue(rq, next);
	return next;
}

// The first thing that a child of CLONE_CHILD_SETTID does. A fault is nobody's business (clone(2)).
static void store_child_tid(struct task *t)
{
	uptr addr = t->t_set_child_tid;

	t->t_set_child_tid = UPTR(0);
	(void)!put_user_u32(addr, (u32)t->t_tid);
}

// Runs in the new task's flow, first thing, also for one that never ran. Interrupts are off and
// come on.
void sched_finish_switch(struct task *prev)
{
	struct runqueue *rq = this_cpu()->c_rq;
	bool dead = prev->t_state == TASK_DEAD, push = rq->rq_push == prev;

	if (push)
		rq->rq_push = NULL;
	__atomic_store_n(&prev->t_se.se_on_cpu, false, __ATOMIC_RELEASE);
	if (unlikely(push))
		sched_place(prev);
	irq_restore_kick(true);
	if (dead)
		task_put(prev);
	if (unlikely(current->t_set_child_tid.va))
		store_child_tid(current);
}

static void switch_to(struct runqueue *rq, struct task *prev, struct task *next, u64 now)
{
	// Woken here while the CPU it slept on still stands on its stack.
	while (unlikely(__atomic_load_n(&next->t_se.se_on_cpu, __ATOMIC_ACQUIRE)))
		cpu_relax();
	rq->rq_curr = next;
	rq->rq_picked = now;
	rq->rq_switches++;
	next->t_se.se_on_cpu = true;
	next->t_se.se_started = now;
	next->t_acct_stamp = now;
	if (prev->t_state == TASK_RUNNING)
		prev->t_nivcsw++;
	if (next != rq->rq_idle)
		timer_tick_arm(now + SCHED_SLICE_NS);
	spin_unlock(&rq->rq_lock);
	if (prev->t_mm != next->t_mm)
		mm_switch(next->t_mm);
	sched_finish_switch(context_switch(prev, next));
}

void schedule(void)
{
	struct task *prev = current, *next;
	struct runqueue *rq;
	u64 irq, now;

	lockdep_may_sleep();
	irq = irq_save();
	rq = this_cpu()->c_rq;
	spin_lock(&rq->rq_lock);
	if (cpu_count > 1)
		look_elsewhere(rq, prev);
	now = clock_ns();
	rq_account(rq, prev, now);
	if (prev->t_work & WORK_RESCHED)
		task_clear_work(prev, WORK_RESCHED);
	rq->rq_resched = false;
	if (prev != rq->rq_idle)
		put_prev(rq, prev);
	next = choose(rq);
	rq->rq_tail = false;
	if (next == prev) {
		rq->rq_picked = now;
		spin_unlock(&rq->rq_lock);
	} else {
		switch_to(rq, prev, next, now);
		// Interrupts are on now; the CPU may be another one.
		if (!irq)
			irq_disable();
		return;
	}
	irq_restore_kick(irq);
}

void sched_yield_now(void)
{
	u64 irq = irq_save();
	struct runqueue *rq = this_cpu()->c_rq;
	struct task *t = current;
	struct rb_node *last;

	spin_lock(&rq->rq_lock);
	rq->rq_tail = true;
	last = sched_is_rt(t) ? NULL : rb_last(&rq->rq_fair);
	if (last) {
		u64 v = rb_entry(last, struct task, t_se.se_node)->t_se.se_vruntime;

		if ((s64)(v - t->t_se.se_vruntime) > 0)
			t->t_se.se_vruntime = v;
	}
	spin_unlock(&rq->rq_lock);
	irq_restore(irq);
	schedule();
}

void sched_set_state(u32 state)
{
	(void)__atomic_exchange_n(&current->t_state, state, __ATOMIC_SEQ_CST);
}

bool sched_need_resched(void)
{
	return READ_ONCE(current->t_work) & WORK_RESCHED;
}

void sched_point(void)
{
	if (unlikely(sched_need_resched()))
		schedule();
}

// --- sleeping ---

struct sleeper {
	struct timer timer;
	struct task *task;
	bool fired;
};

static void sleeper_fire(struct timer *timer)
{
	struct sleeper *s = container_of(timer, struct sleeper, timer);

	WRITE_ONCE(s->fired, true);
	sched_wake(s->task, SCHED_WAKE_SLEEPERS);
}

static bool signal_interrupts(struct task *t, u32 state)
{
	if (likely(!signal_pending(t)))
		return false;
	return state == TASK_INTERRUPTIBLE || (state == TASK_KILLABLE && task_must_exit(t));
}

static int sleep_until(struct task *t, u64 deadline)
{
	struct sleeper s = {.task = t};

	if (clock_ns() >= deadline) {
		sched_set_state(TASK_RUNNING);
		return -ETIMEDOUT;
	}
	timer_init(&s.timer, sleeper_fire);
	timer_arm(&s.timer, deadline);
	schedule();
	(void)timer_cancel(&s.timer);
	return s.fired ? -ETIMEDOUT : 0;
}

int sched_sleep(u64 deadline)
{
	struct task *t = current;
	u32 state = READ_ONCE(t->t_state);

	if (state == TASK_RUNNING)
		return 0; // woken between the look at the condition and here
	if (signal_interrupts(t, state)) {
		sched_set_state(TASK_RUNNING);
		return -ERESTARTSYS;
	}
	if (deadline != WAIT_FOREVER)
		return sleep_until(t, deadline);
	schedule();
	return 0;
}

// --- the tick and the idle loop ---

// Was user mode interrupted? Then the frame at the top of the task's stack is this interrupt's.
static bool tick_in_user(struct task *t)
{
	const struct regs *regs = task_regs(t);

	return t->t_mm && regs->entry == VECTOR_TIMER && !regs->is_call;
}

static u64 slice_of(const struct task *t)
{
	if (!sched_is_rt(t))
		return SCHED_SLICE_NS;
	return t->t_se.se_policy == SCHED_RR ? SCHED_RR_SLICE_NS : ~0ull;
}

// In the timer interrupt of this CPU. Not called again on an idle CPU until a task runs there.
void sched_tick(void)
{
	struct runqueue *rq = this_cpu()->c_rq;
	u64 now = clock_ns(), next = now + SCHED_SLICE_NS, slice, stamp;
	struct task *t;

	spin_lock(&rq->rq_lock);
	t = rq->rq_curr;
	rq_account(rq, t, now);
	if (t == rq->rq_idle) {
		spin_unlock(&rq->rq_lock);
		return;
	}
	if (rq->rq_running > 1) {
		slice = slice_of(t);
		if (now - rq->rq_picked >= slice) {
			rq->rq_tail = true;
			(void)!rq_resched(rq); // this CPU: the interrupt's exit path sees it
		} else {
			next = MIN(next, rq->rq_picked + slice);
		}
	}
	stamp = t->t_acct_stamp;
	t->t_acct_stamp = now;
	spin_unlock(&rq->rq_lock);
	if (unlikely(this_cpu()->c_kicks))
		sched_send_kicks(); // the interrupted code is taking long
	timer_tick_arm(next);
	usage_tick(t, now - stamp, tick_in_user(t));
	load_tick(now);
	if (cpu_count > 1)
		balance_tick(rq, now);
}

static bool idle_has_work(const struct runqueue *rq)
{
	return READ_ONCE(rq->rq_resched) || READ_ONCE(rq->rq_running);
}

// Looks for work a while before halting: a wake-up by memory is far cheaper than one by interrupt,
// most of all in a virtual machine. Interrupts are on.
static void idle_poll(struct runqueue *rq)
{
	u64 end = clock_ns() + rq->rq_poll_ns;

	WRITE_ONCE(rq->rq_polling, true);
	while (!idle_has_work(rq) && clock_ns() < end)
		barrier();
	// From here on a waker sends an interrupt; one that did not is seen by the caller's look.
	(void)__atomic_exchange_n(&rq->rq_polling, false, __ATOMIC_SEQ_CST);
}

// Halts that end soon would have been better spent polling; after a long one polling is off again.
static void idle_adapt(struct runqueue *rq, u64 halted)
{
	if (halted > IDLE_POLL_MAX_NS)
		rq->rq_poll_ns = 0;
	else
		rq->rq_poll_ns = MIN(rq->rq_poll_ns * 2 + IDLE_POLL_START_NS, IDLE_POLL_MAX_NS);
}

static void idle_halt(struct runqueue *rq)
{
	u64 start = cpu_count > 1 ? clock_ns() : 0;

	irq_disable();
	if (idle_has_work(rq)) {
		irq_enable();
		return;
	}
	cpu_wait();
	if (start)
		idle_adapt(rq, clock_ns() - start);
}

void sched_idle(void)
{
	struct runqueue *rq = this_cpu()->c_rq;

	irq_enable();
	for (;;) {
		if (rq->rq_poll_ns)
			idle_poll(rq);
		idle_halt(rq);
		if (idle_has_work(rq))
			schedule();
	}
}

// SPDX-License-Identifier: MIT
// The slow halves of the locks. A mutex is one word (0 free, 1 held, 2 held and perhaps waited
// for); a waiter stays on the list until it owns the lock, so that a wake-up is never lost to a
// task that barges in. Both sleeping locks spin a while first when the owner is running on another
// CPU: most sections are shorter than a sleep.

#include "kern/lock.h"

#include "kern/lockdep.h"
#include "kern/log.h"
#include "kern/sched.h"
#include "kern/task.h"

#include <asm/errno.h>

#define SPIN_ADAPTIVE 200	 // looks at a running owner before sleeping
#define SPIN_STUCK    (1u << 30) // looks after which a spinlock counts as never to be had
// PAUSE leaves an emulator's execution loop and takes its one big lock there, which the holder may
// need for sending an interrupt: spin mostly without it.
#define SPIN_PER_PAUSE 1024

void spin_init(struct spinlock *l, const char *name, enum lock_rank rank)
{
	*l = (struct spinlock)SPINLOCK(name, rank);
}

// Waits on a plain load, so that the line stays shared until the holder writes it.
void spin_lock_slow(struct spinlock *l)
{
	u32 looks = 0;

	lock_debug_wait(l);
	do {
		while (READ_ONCE(l->l_locked)) {
			if (++looks % SPIN_PER_PAUSE == 0)
				cpu_relax();
			if (looks == SPIN_STUCK)
				panic("spinlock %s is never released", l->l_name);
		}
	} while (__atomic_exchange_n(&l->l_locked, 1, __ATOMIC_ACQUIRE));
}

// --- mutex ---

struct lock_waiter {
	struct list link;
	struct task *task;
	bool writer; // rwlock only
};

void mutex_init(struct mutex *m, const char *name, enum lock_rank rank)
{
	m->m_state = 0;
	m->m_rank = rank;
	m->m_owner = NULL;
	spin_init(&m->m_wait_lock, name, RANK_WAIT);
	list_init(&m->m_waiters);
}

static bool mutex_try_fast(struct mutex *m)
{
	u32 free = 0;

	return __atomic_compare_exchange_n(&m->m_state, &free, 1, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

// The owner may end while we look at it. Its memory stays mapped (slab pages never go away while a
// CPU is between two loads), so the worst is a wrong guess.
static bool owner_is_running(const struct mutex *m)
{
	const struct task *owner = READ_ONCE(m->m_owner);

	return owner && READ_ONCE(owner->t_se.se_on_cpu);
}

static bool mutex_spin(struct mutex *m)
{
	if (cpu_count == 1)
		return false;
	for (u32 i = 0; i < SPIN_ADAPTIVE && owner_is_running(m); i++) {
		if (!READ_ONCE(m->m_state) && mutex_try_fast(m))
			return true;
		cpu_relax();
	}
	return false;
}

// Sleeps until the exchange finds the lock free. 0, or -EINTR in an interruptible state.
static int mutex_wait(struct mutex *m, u32 state)
{
	struct lock_waiter w = {.task = current};
	int r = 0;
	u64 irq = spin_lock_irq(&m->m_wait_lock);

	list_add_tail(&m->m_waiters, &w.link);
	for (;;) {
		sched_set_state(state);
		if (__atomic_exchange_n(&m->m_state, 2, __ATOMIC_ACQUIRE) == 0)
			break;
		spin_unlock_irq(&m->m_wait_lock, irq);
		r = sched_sleep(WAIT_FOREVER);
		irq = spin_lock_irq(&m->m_wait_lock);
		if (r) {
			r = -EINTR;
			break;
		}
	}
	sched_set_state(TASK_RUNNING);
	list_del(&w.link);
	// A waiter that gives up may have been the one that the last unlock woke: pass it on.
	if (r && !list_empty(&m->m_waiters) && !READ_ONCE(m->m_state))
		sched_wake(list_first_entry(&m->m_waiters, struct lock_waiter, link)->task,
			   SCHED_WAKE_SLEEPERS);
	spin_unlock_irq(&m->m_wait_lock, irq);
	return r;
}

void mutex_lock(struct mutex *m)
{
	lockdep_sleeping_acquire(m, m->m_rank);
	if (unlikely(!mutex_try_fast(m)) && !mutex_spin(m))
		(void)mutex_wait(m, TASK_UNINTERRUPTIBLE);
	WRITE_ONCE(m->m_owner, current);
}

int mutex_lock_interruptible(struct mutex *m)
{
	int r = 0;

	lockdep_sleeping_acquire(m, m->m_rank);
	if (unlikely(!mutex_try_fast(m)) && !mutex_spin(m))
		r = mutex_wait(m, TASK_INTERRUPTIBLE);
	if (r)
		lockdep_sleeping_release(m);
	else
		WRITE_ONCE(m->m_owner, current);
	return r;
}

bool mutex_trylock(struct mutex *m)
{
	if (!mutex_try_fast(m))
		return false;
	lockdep_sleeping_try(m, m->m_rank);
	WRITE_ONCE(m->m_owner, current);
	return true;
}

static NOINLINE void mutex_wake_one(struct mutex *m)
{
	u64 irq = spin_lock_irq(&m->m_wait_lock);

	if (!list_empty(&m->m_waiters))
		sched_wake(list_first_entry(&m->m_waiters, struct lock_waiter, link)->task,
			   SCHED_WAKE_SLEEPERS);
	spin_unlock_irq(&m->m_wait_lock, irq);
}

void mutex_unlock(struct mutex *m)
{
	DEBUG_ASSERT(m->m_owner == current);
	lockdep_sleeping_release(m);
	WRITE_ONCE(m->m_owner, NULL);
	if (unlikely(__atomic_exchange_n(&m->m_state, 0, __ATOMIC_RELEASE) == 2))
		mutex_wake_one(m);
}

bool mutex_held(const struct mutex *m)
{
	return READ_ONCE(m->m_state) && READ_ONCE(m->m_owner) == current;
}

// --- rwlock ---

void rw_init(struct rwlock *l, const char *name, enum lock_rank rank)
{
	l->r_count = 0;
	l->r_rank = rank;
	l->r_writers_waiting = 0;
	spin_init(&l->r_wait_lock, name, RANK_WAIT);
	list_init(&l->r_waiters);
}

// A waiting writer keeps new readers out, or it would starve.
static bool rw_try_read(struct rwlock *l)
{
	s32 n = __atomic_load_n(&l->r_count, __ATOMIC_RELAXED);

	while (n >= 0 && !READ_ONCE(l->r_writers_waiting))
		if (__atomic_compare_exchange_n(&l->r_count, &n, n + 1, true, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

static bool rw_try_write(struct rwlock *l)
{
	s32 free = 0;

	return __atomic_compare_exchange_n(&l->r_count, &free, -1, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static bool rw_spin(struct rwlock *l, bool (*attempt)(struct rwlock *l))
{
	if (cpu_count == 1)
		return false;
	for (u32 i = 0; i < SPIN_ADAPTIVE; i++) {
		if (attempt(l))
			return true;
		cpu_relax();
	}
	return false;
}

// The first waiter, and when it reads, every reader up to the next writer. r_wait_lock held.
static void rw_wake_locked(struct rwlock *l)
{
	struct lock_waiter *w;

	list_for_each_entry (w, &l->r_waiters, link) {
		bool first = w->link.prev == &l->r_waiters;

		if (w->writer && !first)
			break;
		sched_wake(w->task, SCHED_WAKE_SLEEPERS);
		if (w->writer)
			break;
	}
}

// Readers on the list go by the list's order, not by r_writers_waiting, which only stops newcomers:
// else a reader in front of a writer would wait for that writer and the writer for its turn.
static bool rw_try_in_turn(struct rwlock *l, const struct lock_waiter *w)
{
	s32 n = __atomic_load_n(&l->r_count, __ATOMIC_RELAXED);

	if (w->writer)
		return rw_try_write(l);
	while (n >= 0)
		if (__atomic_compare_exchange_n(&l->r_count, &n, n + 1, true, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

static bool rw_is_turn(const struct rwlock *l, const struct lock_waiter *w)
{
	const struct list *p = w->link.prev;

	if (w->writer)
		return p == &l->r_waiters;
	for (; p != &l->r_waiters; p = p->prev)
		if (list_entry(p, struct lock_waiter, link)->writer)
			return false;
	return true;
}

static NOINLINE void rw_wait(struct rwlock *l, bool writer)
{
	struct lock_waiter w = {.task = current, .writer = writer};
	u64 irq = spin_lock_irq(&l->r_wait_lock);

	list_add_tail(&l->r_waiters, &w.link);
	if (writer)
		__atomic_fetch_add(&l->r_writers_waiting, 1, __ATOMIC_SEQ_CST);
	for (;;) {
		sched_set_state(TASK_UNINTERRUPTIBLE);
		if (rw_is_turn(l, &w) && rw_try_in_turn(l, &w))
			break;
		spin_unlock_irq(&l->r_wait_lock, irq);
		schedule();
		irq = spin_lock_irq(&l->r_wait_lock);
	}
	sched_set_state(TASK_RUNNING);
	list_del(&w.link);
	if (writer)
		__atomic_fetch_sub(&l->r_writers_waiting, 1, __ATOMIC_SEQ_CST);
	else // the next may be a reader whose turn has come
		rw_wake_locked(l);
	spin_unlock_irq(&l->r_wait_lock, irq);
}

void rw_lock_read(struct rwlock *l)
{
	lockdep_sleeping_acquire(l, l->r_rank);
	if (unlikely(!rw_try_read(l)) && !rw_spin(l, rw_try_read))
		rw_wait(l, false);
}

void rw_lock_write(struct rwlock *l)
{
	lockdep_sleeping_acquire(l, l->r_rank);
	if (unlikely(!rw_try_write(l)) && !rw_spin(l, rw_try_write))
		rw_wait(l, true);
}

// The barrier pairs with sched_set_state() of a waiter: either it sees the lock free, or we see it.
static void rw_released(struct rwlock *l)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (likely(READ_ONCE(l->r_waiters.next) == &l->r_waiters))
		return;
	u64 irq = spin_lock_irq(&l->r_wait_lock);

	rw_wake_locked(l);
	spin_unlock_irq(&l->r_wait_lock, irq);
}

void rw_unlock_read(struct rwlock *l)
{
	lockdep_sleeping_release(l);
	if (__atomic_sub_fetch(&l->r_count, 1, __ATOMIC_RELEASE) == 0)
		rw_released(l);
}

void rw_unlock_write(struct rwlock *l)
{
	DEBUG_ASSERT(l->r_count == -1);
	lockdep_sleeping_release(l);
	__atomic_store_n(&l->r_count, 0, __ATOMIC_RELEASE);
	rw_released(l);
}

bool rw_held(const struct rwlock *l)
{
	return READ_ONCE(l->r_count) != 0;
}

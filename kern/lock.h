// SPDX-License-Identifier: MIT
// Locks. A spinlock is for short sections that do not sleep (the kernel is not preemptible); one
// that an interrupt handler also takes is taken with spin_lock_irq(). Mutexes and rwlocks sleep.
// Every lock has a rank; locks are taken in ascending rank, doc/locking.md tells why. The debug
// build checks the order, that sleepers hold no spinlock, and that interrupt-shared locks are never
// taken with interrupts on.
#pragma once

#include "lib/list.h"
#include "lib/types.h"
#include "machine/cpu.h"

struct task;

// The one list of ranks, outermost first.
enum lock_rank {
	RANK_NONE,
	// sleeping locks
	RANK_FILE,	// f_pos_lock: held around a whole read, write or getdents
	RANK_EXEC,	// p_exec_lock: execve and ptrace credentials
	RANK_MOUNT,	// rename and mount topology
	RANK_INODE,	// i_lock of a directory (parents before children)
	RANK_INODE2,	// i_lock of a file below a locked directory
	RANK_TTY,	// tty line discipline
	RANK_PIPE,	// pipe buffer
	RANK_MMAP,	// mm_lock
	RANK_PAGECACHE, // pc_lock when sleeping
	RANK_SLEEP,	// any other sleeping leaf lock
	// spinlocks
	RANK_TASKLIST, // tasklist_lock: process tree, groups, sessions
	RANK_SIGNAL,   // p_siglock
	RANK_FILES,    // fs_lock of a descriptor table
	RANK_DCACHE,   // name cache
	RANK_FUTEX,    // futex bucket
	RANK_MAPPING,  // pc_map_lock: the VMAs of a page cache
	RANK_PT,       // mm_pt_lock
	RANK_PAGES,    // page cache trees
	RANK_TTY_OUT,  // a terminal's output ring
	RANK_DEV,      // device queues
	RANK_TIMER,    // timer queue of a CPU
	RANK_WAIT,     // wait queue
	RANK_RQ,       // run queue
	RANK_SLAB,
	RANK_PAGE, // buddy zones
	RANK_LEAF, // takes nothing inside
	RANK_LOG,
};

struct spinlock {
	u32 l_locked;
	u32 l_rank;
	const char *l_name;
};

// clang-format off
#define SPINLOCK(name, rank) { 0, (rank), (name) }
// clang-format on
void spin_init(struct spinlock *l, const char *name, enum lock_rank rank);
void spin_lock_slow(struct spinlock *l);
#ifdef CONFIG_DEBUG
void lock_debug_acquire(struct spinlock *l);
void lock_debug_release(struct spinlock *l);
void lock_debug_wait(const struct spinlock *l); // about to spin
#else
static inline void lock_debug_acquire(struct spinlock *l)
{
	(void)l;
}
static inline void lock_debug_release(struct spinlock *l)
{
	(void)l;
}
static inline void lock_debug_wait(const struct spinlock *l)
{
	(void)l;
}
#endif

static inline bool spin_trylock(struct spinlock *l)
{
	if (__atomic_exchange_n(&l->l_locked, 1, __ATOMIC_ACQUIRE))
		return false;
	lock_debug_acquire(l);
	return true;
}
static inline void spin_lock(struct spinlock *l)
{
	if (unlikely(__atomic_exchange_n(&l->l_locked, 1, __ATOMIC_ACQUIRE)))
		spin_lock_slow(l);
	lock_debug_acquire(l);
}
static inline void spin_unlock(struct spinlock *l)
{
	lock_debug_release(l);
	__atomic_store_n(&l->l_locked, 0, __ATOMIC_RELEASE);
}
MUST_CHECK static inline u64 spin_lock_irq(struct spinlock *l)
{
	u64 flags = irq_save();
	spin_lock(l);
	return flags;
}
void sched_send_kicks(void); // kern/sched.c: wake-ups that were held back until the lock is free
static inline void spin_unlock_irq(struct spinlock *l, u64 flags)
{
	spin_unlock(l);
	if (flags) {
		if (unlikely(this_cpu()->c_kicks))
			sched_send_kicks();
		irq_enable();
	}
}
static inline bool spin_held(const struct spinlock *l)
{
	return __atomic_load_n(&l->l_locked, __ATOMIC_RELAXED);
}

// Sleeping mutual exclusion; owner only for checks. Not recursive. Uncontended: one atomic each
// way.
struct mutex {
	u32 m_state; // 0 free, 1 held, 2 held with waiters
	u32 m_rank;
	struct spinlock m_wait_lock;
	struct list m_waiters;
	struct task *m_owner;
};
void mutex_init(struct mutex *m, const char *name, enum lock_rank rank);
void mutex_lock(struct mutex *m);
MUST_CHECK int mutex_lock_interruptible(struct mutex *m); // 0, -EINTR
bool mutex_trylock(struct mutex *m);
void mutex_unlock(struct mutex *m);
bool mutex_held(const struct mutex *m);

// Sleeping readers/writer lock, writer preferred.
struct rwlock {
	s32 r_count; // > 0 readers, -1 a writer
	u32 r_rank;
	u32 r_writers_waiting;
	struct spinlock r_wait_lock;
	struct list r_waiters;
};
void rw_init(struct rwlock *l, const char *name, enum lock_rank rank);
void rw_lock_read(struct rwlock *l);
void rw_unlock_read(struct rwlock *l);
void rw_lock_write(struct rwlock *l);
void rw_unlock_write(struct rwlock *l);
bool rw_held(const struct rwlock *l);

// Reference counts: saturating, never revived from 0.
struct ref {
	u32 r_n;
};
static inline void ref_init(struct ref *r)
{
	r->r_n = 1;
}
static inline void ref_get(struct ref *r)
{
	__atomic_fetch_add(&r->r_n, 1, __ATOMIC_RELAXED);
}
// True when this was the last reference: the caller frees.
MUST_CHECK static inline bool ref_put(struct ref *r)
{
	return __atomic_sub_fetch(&r->r_n, 1, __ATOMIC_ACQ_REL) == 0;
}
// Takes a reference unless the count has reached 0.
MUST_CHECK static inline bool ref_get_unless_zero(struct ref *r)
{
	u32 n = __atomic_load_n(&r->r_n, __ATOMIC_RELAXED);
	while (n)
		if (__atomic_compare_exchange_n(&r->r_n, &n, n + 1, true, __ATOMIC_ACQ_REL,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

// SPDX-License-Identifier: MIT
// What the debug build knows about held locks: a list per CPU for spinlocks, one per task for
// sleeping locks. A violation panics at the acquisition, before a deadlock can hide who was to
// blame.

#include "kern/lockdep.h"

#ifdef CONFIG_DEBUG

#include "kern/lock.h"
#include "kern/log.h"
#include "kern/task.h"
#include "vm/slab.h"

#define HELD_MAX	  24
#define RANK_BITS	  0xffff
#define USED_IN_INTERRUPT BIT(16) // in l_rank: some interrupt handler has taken it
#define USED_WITH_IRQ_ON  BIT(17) // … somebody took it with interrupts on

struct held_spin {
	struct spinlock *lock;
	u32 irq_depth; // of the CPU when it was taken
};

static struct cpu_held {
	struct held_spin h[HELD_MAX];
	u32 n;
} cpu_held[CPU_MAX];

struct task_held {
	struct {
		void *lock;
		u32 rank;
	} h[HELD_MAX];
	u32 n;
};

static const char *const rank_names[] = {
	[RANK_NONE] = "none",	    [RANK_FILE] = "file",
	[RANK_EXEC] = "exec",	    [RANK_MOUNT] = "mount",
	[RANK_INODE] = "inode",	    [RANK_INODE2] = "inode2",
	[RANK_TTY] = "tty",	    [RANK_PIPE] = "pipe",
	[RANK_MMAP] = "mmap",	    [RANK_PAGECACHE] = "pagecache",
	[RANK_SLEEP] = "sleep",	    [RANK_TASKLIST] = "tasklist",
	[RANK_SIGNAL] = "signal",   [RANK_FILES] = "files",
	[RANK_DCACHE] = "dcache",   [RANK_FUTEX] = "futex",
	[RANK_MAPPING] = "mapping", [RANK_PT] = "pt",
	[RANK_PAGES] = "pages",	    [RANK_TTY_OUT] = "tty output",
	[RANK_DEV] = "device",	    [RANK_TIMER] = "timer",
	[RANK_WAIT] = "wait",	    [RANK_RQ] = "rq",
	[RANK_SLAB] = "slab",	    [RANK_PAGE] = "page",
	[RANK_LEAF] = "leaf",	    [RANK_LOG] = "log",
};

static const char *rank_name(u32 rank)
{
	return rank < ARRAY_SIZE(rank_names) && rank_names[rank] ? rank_names[rank] : "?";
}

// Two locks of one rank may nest where the code has a rule of its own: run queues, signal and futex
// locks go by address; a wait queue's callback may wake another wait queue (epoll, bounded by its
// loop check).
static bool same_rank_ok(const struct spinlock *outer, const struct spinlock *inner, u32 rank)
{
	if (rank == RANK_WAIT)
		return true;
	return (rank == RANK_RQ || rank == RANK_FUTEX || rank == RANK_PT || rank == RANK_DCACHE ||
		rank == RANK_LEAF) &&
	       outer < inner;
}

static void check_order(const struct cpu_held *held, const struct spinlock *l)
{
	u32 rank = l->l_rank & RANK_BITS, depth = this_cpu()->c_irq_depth;

	for (u32 i = 0; i < held->n; i++) {
		const struct spinlock *o = held->h[i].lock;
		u32 outer = o->l_rank & RANK_BITS;

		if (o == l)
			panic("spinlock %s taken twice", l->l_name);
		// An interrupt's locks are ordered among themselves; against those of the
		// interrupted code the interrupt flag protects.
		if (held->h[i].irq_depth != depth || outer < rank)
			continue;
		if (outer == rank && same_rank_ok(o, l, rank))
			continue;
		panic("lock order: %s (%s) taken under %s (%s)", l->l_name, rank_name(rank),
		      o->l_name, rank_name(outer));
	}
}

static void check_interrupts(struct spinlock *l)
{
	u32 use = 0;

	if (this_cpu()->c_irq_depth)
		use = USED_IN_INTERRUPT;
	else if (irq_enabled())
		use = USED_WITH_IRQ_ON;
	if ((l->l_rank & use) != use)
		__atomic_fetch_or(&l->l_rank, use, __ATOMIC_RELAXED);
	if ((l->l_rank & USED_IN_INTERRUPT) && (l->l_rank & USED_WITH_IRQ_ON))
		panic("spinlock %s is taken by interrupts and with interrupts on", l->l_name);
}

void lock_debug_acquire(struct spinlock *l)
{
	u64 irq = irq_save();
	struct cpu *c = this_cpu();
	struct cpu_held *held = &cpu_held[c->c_id];

	irq_restore(irq);
	check_interrupts(l);
	irq = irq_save();
	check_order(held, l);
	if (held->n == HELD_MAX)
		panic("more than %d spinlocks held", HELD_MAX);
	held->h[held->n++] = (struct held_spin){l, c->c_irq_depth};
	c->c_lock_depth++;
	irq_restore(irq);
}

// A wrong order is reported by who waits, too: in a deadlock nobody gets to lock_debug_acquire().
void lock_debug_wait(const struct spinlock *l)
{
	u64 irq = irq_save();

	check_order(&cpu_held[this_cpu()->c_id], l);
	irq_restore(irq);
}

void lock_debug_release(struct spinlock *l)
{
	u64 irq = irq_save();
	struct cpu *c = this_cpu();
	struct cpu_held *held = &cpu_held[c->c_id];

	for (u32 i = held->n; i-- > 0;) {
		if (held->h[i].lock != l)
			continue;
		for (held->n--; i < held->n; i++)
			held->h[i] = held->h[i + 1];
		c->c_lock_depth--;
		irq_restore(irq);
		return;
	}
	panic("spinlock %s released but not held here", l->l_name);
}

void lockdep_may_sleep(void)
{
	struct cpu *c = this_cpu();

	if (c->c_irq_depth)
		panic("sleep in an interrupt handler");
	if (c->c_lock_depth)
		panic("sleep under spinlock %s", cpu_held[c->c_id].h[0].lock->l_name);
}

static struct task_held *task_held(void)
{
	struct task *t = current;

	if (t && !t->t_lockdep)
		t->t_lockdep = kzalloc(sizeof(struct task_held));
	return t ? t->t_lockdep : NULL;
}

void lockdep_sleeping_try(void *lock, u32 rank)
{
	struct task_held *held = task_held();

	if (!held)
		return;
	if (held->n == HELD_MAX)
		panic("more than %d sleeping locks held", HELD_MAX);
	held->h[held->n].lock = lock;
	held->h[held->n++].rank = rank;
}

// Directories and files below them nest by their tree; two pipes of a splice by their address.
void lockdep_sleeping_acquire(void *lock, u32 rank)
{
	struct task_held *held;

	lockdep_may_sleep();
	held = task_held();
	for (u32 i = 0; held && i < held->n; i++) {
		u32 outer = held->h[i].rank;

		if (held->h[i].lock == lock)
			panic("sleeping lock %p (%s) taken twice", lock, rank_name(rank));
		if (outer < rank || (outer == rank && (rank == RANK_INODE || rank == RANK_INODE2 ||
						       rank == RANK_PIPE || rank == RANK_MMAP)))
			continue;
		panic("lock order: sleeping lock %p (%s) taken under (%s)", lock, rank_name(rank),
		      rank_name(outer));
	}
	lockdep_sleeping_try(lock, rank);
}

void lockdep_sleeping_release(void *lock)
{
	struct task_held *held = task_held();

	if (!held)
		return;
	for (u32 i = held->n; i-- > 0;) {
		if (held->h[i].lock != lock)
			continue;
		for (held->n--; i < held->n; i++)
			held->h[i] = held->h[i + 1];
		return;
	}
	panic("sleeping lock %p released but not held by %s", lock, current->t_name);
}

void lockdep_task_free(struct task *t)
{
	kfree(t->t_lockdep);
}

#endif

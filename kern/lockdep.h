// SPDX-License-Identifier: MIT
// The lock checks of the debug build: order of ranks, no sleep under a spinlock, no
// interrupt-shared lock taken with interrupts on. In other builds every call is empty.
#pragma once

#include "lib/types.h"

struct task;

#ifdef CONFIG_DEBUG
void lockdep_sleeping_acquire(void *lock, u32 rank); // before waiting for it
void lockdep_sleeping_try(void *lock, u32 rank);     // after a trylock: no order is checked
void lockdep_sleeping_release(void *lock);
void lockdep_may_sleep(void); // panics under a spinlock or in an interrupt
void lockdep_task_free(struct task *t);
#else
static inline void lockdep_sleeping_acquire(void *lock, u32 rank)
{
	(void)lock;
	(void)rank;
}
static inline void lockdep_sleeping_try(void *lock, u32 rank)
{
	(void)lock;
	(void)rank;
}
static inline void lockdep_sleeping_release(void *lock)
{
	(void)lock;
}
static inline void lockdep_may_sleep(void)
{
}
static inline void lockdep_task_free(struct task *t)
{
	(void)t;
}
#endif

// SPDX-License-Identifier: MIT
// Process ids: which numbers are taken, and finding tasks by them. Numbers go round, so that one is
// not used again soon (a shell may still mean the old bearer).

#include "kern/process.h"
#include "kern/task.h"
#include "lib/hash.h"

#include <asm/errno.h>

#define PID_AGAIN \
	300 // where the search goes on past the end: low numbers are for what started at boot
#define HASH_BITS 8

struct spinlock tasklist_lock = SPINLOCK("tasklist", RANK_TASKLIST);

static u8 pid_bearers[PID_MAX]; // at most three: task, group, session
static pid_t pid_last;
static struct list hash[1 << HASH_BITS];

void pid_init(void)
{
	for (u32 i = 0; i < 1 << HASH_BITS; i++)
		list_init(&hash[i]);
}

static pid_t pid_search(pid_t from, pid_t end)
{
	for (pid_t pid = from; pid < end; pid++)
		if (!pid_bearers[pid])
			return pid;
	return 0;
}

pid_t pid_alloc_locked(void)
{
	pid_t pid = pid_search(pid_last + 1, PID_MAX);

	if (!pid)
		pid = pid_search(PID_AGAIN, PID_MAX);
	if (!pid)
		return -EAGAIN;
	pid_last = pid;
	pid_bearers[pid] = 1;
	return pid;
}

void pid_hold_locked(pid_t pid)
{
	pid_bearers[pid]++;
}

void pid_release_locked(pid_t pid)
{
	pid_bearers[pid]--;
}

void task_hash_locked(struct task *t)
{
	list_add(&hash[hash_bits((u32)t->t_tid, HASH_BITS)], &t->t_hash);
}

void task_unhash_locked(struct task *t)
{
	list_del(&t->t_hash);
	pid_release_locked(t->t_tid);
}

struct task *task_find_locked(pid_t tid)
{
	struct task *t;

	list_for_each_entry (t, &hash[hash_bits((u32)tid, HASH_BITS)], t_hash)
		if (t->t_tid == tid)
			return t;
	return NULL;
}

struct task *task_find(pid_t tid)
{
	struct task *t;

	spin_lock(&tasklist_lock);
	t = task_find_locked(tid);
	if (t)
		task_get(t);
	spin_unlock(&tasklist_lock);
	return t;
}

struct process *process_find_locked(pid_t pid)
{
	struct task *t = task_find_locked(pid);

	return t && t->t_proc->p_pid == pid ? t->t_proc : NULL;
}

struct process *process_find(pid_t pid)
{
	struct process *p;

	spin_lock(&tasklist_lock);
	p = process_find_locked(pid);
	if (p)
		ref_get(&p->p_ref);
	spin_unlock(&tasklist_lock);
	return p;
}

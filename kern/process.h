// SPDX-License-Identifier: MIT
// Between pid.c, task.c, fork.c, exit.c and wait4.c: the process tree. Everything here wants
// tasklist_lock held, unless it says otherwise.
#pragma once

#include "kern/task.h"

#define PID_MAX 32768

struct krusage;

// --- pid.c: numbers. A number stays taken while a task, a process group or a session bears it. ---
pid_t pid_alloc_locked(void); // taken once; -EAGAIN
void pid_hold_locked(pid_t pid);
void pid_release_locked(pid_t pid);
void pid_init(void);
void task_hash_locked(struct task *t);	  // by t_tid, which pid_alloc_locked gave
void task_unhash_locked(struct task *t);  // releases the number too
struct task *task_find_locked(pid_t tid); // not counted
struct process *process_find_locked(pid_t pid);

// --- pgroup.c ---
// s NULL: a new session too. NULL: no memory
struct pgroup *pgroup_create_locked(pid_t id, struct session *s);
void pgroup_join_locked(struct process *p, struct pgroup *g);
void pgroup_leave_locked(struct process *p);

// --- task.c ---
extern struct process kernel_process; // of idle and kernel tasks
extern struct task reaped_leader;     // what p_leader shows once a process was waited for
extern u32 task_count, task_max;      // user tasks
// zeroed, with a kernel stack; references: existence and running
struct task *task_alloc(void);
void task_free_unused(struct task *t); // one that never ran and is in no list; no lock
struct process *process_alloc(void);   // zeroed, locks and lists ready; reference 1

// --- exit.c ---
// The zombie leaves the tree for good; its references are dropped by process_release_done() without
// the lock.
void process_release_locked(struct process *p);
void process_release_done(struct process *p);
// wait(2) format to CLD_* and what siginfo shows as status
s32 process_status_code(s32 status, s32 *detail);

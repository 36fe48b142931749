// SPDX-License-Identifier: MIT
// Resource usage of threads, processes and waited-for children (getrusage(2), wait4(2), times(2)).
#pragma once

#include "kern/task.h"

void usage_thread(struct krusage *ru);				  // of current
void usage_process(struct krusage *ru);				  // of current's process
void usage_children(struct krusage *ru);			  // of those that it has waited for
void usage_process_locked(struct process *p, struct krusage *ru); // tasklist_lock held
void process_times_locked(struct process *p, u64 *utime, u64 *stime);
void usage_note_rss(struct task *t); // of current, or before its memory goes
void usage_task_exit_locked(struct task *t);
void usage_reap_locked(struct process *parent, const struct process *child,
		       const struct krusage *ru);

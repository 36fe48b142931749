// SPDX-License-Identifier: MIT
// The three interval timers of a process (getitimer(2)) and its RLIMIT_CPU.
#pragma once

#include "kern/task.h"

// ns; a value of 0 disarms. Result: 0, -EINVAL for an unknown timer. `old` may be NULL.
struct itimer_setting {
	u64 value, interval;
};
int itimer_get(int which, struct itimer_setting *out); // of current's process
int itimer_set(int which, const struct itimer_setting *s, struct itimer_setting *old);
void itimer_init(struct process *p); // a new process: nothing armed. Its limits are there already
// no timer of p fires any more. May not be called with p_siglock held
void itimer_exit(struct process *p);
void itimer_watch(struct process *p); // RLIMIT_CPU changed
// p_cpu_watched is set and a tick has passed. Interrupt context
void itimer_cpu_tick(struct process *p);

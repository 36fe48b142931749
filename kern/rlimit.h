// SPDX-License-Identifier: MIT
// Resource limits of a process (getrlimit(2)), under its p_siglock. Readers of one word need no
// lock.
#pragma once

#include "kern/task.h"

void rlimit_init(struct rlimit limits[RLIM_NLIMITS]); // of the first process; forks copy
// Reads the old pair if wanted, then sets the new one if given: 0, -EINVAL, -EPERM.
int rlimit_change(struct process *p, u32 resource, const struct rlimit *new_limit,
		  struct rlimit *old);

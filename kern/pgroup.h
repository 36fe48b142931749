// SPDX-License-Identifier: MIT
// Process groups and sessions, job control's view of the process tree.
#pragma once

#include "kern/task.h"

int kern_setpgid(pid_t pid, pid_t pgid); // 0, -EINVAL, -ESRCH, -EPERM, -EACCES, -ENOMEM
long kern_getpgid(pid_t pid);		 // 0: the caller's. -ESRCH
long kern_getsid(pid_t pid);
long kern_setsid(void); // the new id, -EPERM, -ENOMEM
void pgroup_put(struct pgroup *g);
void session_put(struct session *s);
bool pgroup_has_stopped_locked(struct pgroup *g); // tasklist_lock held

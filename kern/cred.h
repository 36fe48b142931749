// SPDX-License-Identifier: MIT
// Who a task is: credentials are immutable objects, replaced as a whole by current itself under
// tasklist_lock, so whoever holds that lock may read another task's. The cred_set_* functions are
// the set*id calls (credentials(7)): 0 or an errno.
#pragma once

#include "kern/task.h"

#define CRED_KEEP	((u32)-1) // "leave this id alone"
#define CRED_GROUPS_MAX 65536

extern struct cred init_cred; // of the first tasks: root with every capability; cred_get it

static inline struct cred *cred_get(struct cred *c)
{
	ref_get(&c->c_ref);
	return c;
}
struct cred *cred_get_task(struct task *t); // counted
// Makes c, a reference of which is taken over, current's.
void cred_commit(struct cred *c);
// May current's credentials look into t as a debugger may (get_robust_list, ptrace(2), "access mode
// checking")?
bool cred_may_inspect(struct task *t);
// euid is t's uid or euid (sched_setscheduler(2), setpriority(2))
bool cred_same_user(struct task *t);

int cred_set_uid(u32 uid);
int cred_set_gid(u32 gid);
int cred_set_reuid(u32 ruid, u32 euid);
int cred_set_regid(u32 rgid, u32 egid);
int cred_set_resuid(u32 ruid, u32 euid, u32 suid);
int cred_set_resgid(u32 rgid, u32 egid, u32 sgid);
u32 cred_set_fsuid(u32 uid); // the old one, whether or not it changed
u32 cred_set_fsgid(u32 gid);
// takes over the kmalloc'd array, sorts it; consumed in any case
int cred_set_groups(u32 *groups, u32 n);
int cred_set_keepcaps(bool keep);

// SPDX-License-Identifier: MIT
// Looking at another process from outside: everything is taken with a count under tasklist_lock,
// where it cannot go away, and used after the lock is gone.

#include "fs/proc.h"

#include "kern/files.h"
#include "kern/process.h"
#include "vm/mm.h"

#include <asm/errno.h>
#include <linux/capability.h>

bool proc_process_gone(const struct process *p)
{
	return READ_ONCE(p->p_leader) == &reaped_leader;
}

// The thread whose things are shown. A leader that has ended before its threads has none: then one
// of those.
static struct task *find_locked(const struct proc_ref *r, bool with_things)
{
	struct task *t;

	if (r->task)
		return r->task;
	if (!r->process || r->process->p_leader == &reaped_leader)
		return NULL;
	t = r->process->p_leader;
	if (!with_things || t->t_files)
		return t;
	list_for_each_entry (t, &r->process->p_threads, t_threads)
		if (t->t_files)
			return t;
	return r->process->p_leader;
}

struct task *proc_task(const struct proc_ref *r)
{
	spin_lock(&tasklist_lock);
	struct task *t = find_locked(r, false);
	if (t)
		task_get(t);
	spin_unlock(&tasklist_lock);
	return t;
}

struct mm *proc_mm(const struct proc_ref *r)
{
	spin_lock(&tasklist_lock);
	struct task *t = find_locked(r, true);
	struct mm *mm = t ? t->t_mm : NULL;
	if (mm)
		mm_get(mm);
	spin_unlock(&tasklist_lock);
	return mm;
}

struct files *proc_files(const struct proc_ref *r)
{
	spin_lock(&tasklist_lock);
	struct task *t = find_locked(r, true);
	struct files *f = t ? t->t_files : NULL;
	if (f)
		ref_get(&f->fs_ref);
	spin_unlock(&tasklist_lock);
	return f;
}

int proc_fs_path(const struct proc_ref *r, bool root, struct path *out)
{
	spin_lock(&tasklist_lock);
	struct task *t = find_locked(r, true);
	struct fsctx *x = t ? t->t_fs : NULL;
	if (x)
		ref_get(&x->x_ref);
	spin_unlock(&tasklist_lock);
	if (!x)
		return -ENOENT;
	spin_lock(&x->x_lock);
	*out = root ? x->x_root : x->x_cwd;
	bool any = out->mnt != NULL;
	if (any)
		path_get(out);
	spin_unlock(&x->x_lock);
	fsctx_put(x);
	return any ? 0 : -ENOENT;
}

int proc_access(const struct proc_ref *r)
{
	const struct cred *mine = cred_current();
	int err = -EACCES;

	spin_lock(&tasklist_lock);
	struct task *t = find_locked(r, false);
	if (!t) {
		err = -ESRCH;
	} else if (t->t_proc == current->t_proc) {
		err = 0;
	} else {
		const struct cred *c = t->t_cred;
		bool same = mine->c_fsuid == c->c_euid && mine->c_fsuid == c->c_suid &&
			    mine->c_fsuid == c->c_uid && mine->c_fsgid == c->c_egid &&
			    mine->c_fsgid == c->c_sgid && mine->c_fsgid == c->c_gid;
		bool fewer = !(c->c_cap_permitted & ~mine->c_cap_permitted);
		if (same && fewer && t->t_dumpable == 1)
			err = 0;
	}
	spin_unlock(&tasklist_lock);
	return err == -EACCES && capable(CAP_SYS_PTRACE) ? 0 : err;
}

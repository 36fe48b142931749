// SPDX-License-Identifier: MIT
// A process made from nothing: the boot spec's program before its exec. fork(2) cannot make it,
// because process 1 has no user image then to be copied.

#include "kern/files.h"
#include "kern/init.h"
#include "kern/itimer.h"
#include "kern/process.h"
#include "kern/signal_queue.h"
#include "kern/task.h"
#include "lib/string.h"

#include <asm/errno.h>
#include <linux/signal.h>

static int build(struct task *t, const char *name)
{
	const struct task *me = current;
	struct process *p = process_alloc();

	if (!p)
		return -ENOMEM;
	t->t_proc = p; // takes over the first reference; the second is for the process tree
	ref_get(&p->p_ref);
	task_set_name(t, name);
	t->t_dumpable = 1;
	t->t_altstack.flags = SS_DISABLE;
	t->t_cred = me->t_cred;
	ref_get(&t->t_cred->c_ref);
	t->t_fs = fsctx_copy(me->t_fs);
	t->t_files = files_create();
	p->p_sighand = sighand_create();
	if (!t->t_fs || !t->t_files || !p->p_sighand)
		return -ENOMEM;
	memcpy(p->p_rlimit, me->t_proc->p_rlimit, sizeof(p->p_rlimit));
	itimer_init(p);
	p->p_exit_signal = SIGCHLD;
	return 0;
}

static void undo(struct task *t)
{
	if (t->t_proc)
		process_put(t->t_proc);
	if (t->t_files)
		files_put(t->t_files);
	if (t->t_fs)
		fsctx_put(t->t_fs);
	task_free_unused(t);
}

// Into the tree, as leader of a new session and group. -EAGAIN, -ENOMEM.
static int link_locked(struct task *t)
{
	struct process *p = t->t_proc, *parent = current->t_proc;
	pid_t pid = pid_alloc_locked();

	if (pid < 0)
		return pid;
	struct pgroup *g = pgroup_create_locked(pid, NULL);
	if (!g) {
		pid_release_locked(pid);
		return -ENOMEM;
	}
	t->t_tid = p->p_pid = pid;
	p->p_leader = t;
	p->p_parent = parent;
	p->p_ppid = parent->p_pid;
	p->p_parent_tid = current->t_tid;
	p->p_nthreads = p->p_live = 1;
	list_add_tail(&p->p_threads, &t->t_threads);
	list_add_tail(&parent->p_children, &p->p_sibling);
	list_add_tail(&init_process->p_all, &p->p_all);
	pgroup_join_locked(p, g);
	task_hash_locked(t);
	task_count++;
	return 0;
}

long task_spawn(const char *name, void (*fn)(void *), void *arg)
{
	struct task *t = task_alloc();

	if (!t)
		return -ENOMEM;
	int r = build(t, name);
	if (!r)
		r = context_init_kernel(t, fn, arg);
	if (!r) {
		spin_lock(&tasklist_lock);
		r = link_locked(t);
		spin_unlock(&tasklist_lock);
	}
	if (r) {
		undo(t);
		return r;
	}
	pid_t pid = t->t_tid;
	sched_add(t);
	return pid;
}

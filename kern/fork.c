// SPDX-License-Identifier: MIT
// clone(2) in all its forms. The child is built from counted objects, each shared or copied as the
// flags say; whatever can fail comes before link_child(), which makes it visible. Then it only has
// to be made runnable.

#include "kern/cred.h"
#include "kern/files.h"
#include "kern/futex.h"
#include "kern/itimer.h"
#include "kern/process.h"
#include "kern/sched.h"
#include "kern/signal_queue.h"
#include "kern/task.h"
#include "lib/string.h"
#include "machine/context.h"
#include "machine/regs.h"
#include "machine/uaccess.h"
#include "vm/mm.h"

#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <linux/signal.h>

// There are no name spaces: as on a Linux built without them.
#define CLONE_NAMESPACES                                                               \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
	 CLONE_NEWPID | CLONE_NEWNET)

static int check_flags(const struct clone_request *rq)
{
	u64 f = rq->flags;

	if (f & (CLONE_NAMESPACES | CLONE_PIDFD | CLONE_INTO_CGROUP))
		return -EINVAL;
	if ((f & CLONE_THREAD) && !(f & CLONE_SIGHAND))
		return -EINVAL;
	if ((f & CLONE_SIGHAND) && !(f & CLONE_VM))
		return -EINVAL;
	if ((f & CLONE_SIGHAND) && (f & CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	// Process 1 cannot get siblings: nobody would reap them.
	if ((f & CLONE_PARENT) && current->t_proc == init_process)
		return -EINVAL;
	return 0;
}

// --- the parts; each leaves the child as task_undo() expects it ---

static int copy_sighand(struct process *p, u64 flags)
{
	struct process *mine = current->t_proc;

	if (flags & CLONE_SIGHAND) {
		ref_get(&mine->p_sighand->sh_ref);
		p->p_sighand = mine->p_sighand;
		return 0;
	}
	p->p_sighand = sighand_copy(mine);
	if (!p->p_sighand)
		return -ENOMEM;
	for (u32 i = 0; (flags & CLONE_CLEAR_SIGHAND) && i < KSIG_MAX; i++) {
		struct kaction *a = &p->p_sighand->sh_action[i];
		u64 keep = a->handler == (u64)SIG_IGN ? a->handler : (u64)SIG_DFL;

		*a = (struct kaction){.handler = keep};
	}
	return 0;
}

static int copy_process(struct task *t, const struct clone_request *rq)
{
	struct process *mine = current->t_proc, *p;

	if (rq->flags & CLONE_THREAD) {
		ref_get(&mine->p_ref);
		t->t_proc = mine;
		return 0;
	}
	p = process_alloc();
	if (!p)
		return -ENOMEM;
	t->t_proc = p;
	// Whole words are copied; a limit changed at this moment is the old or the new one.
	memcpy(p->p_rlimit, mine->p_rlimit, sizeof(p->p_rlimit));
	itimer_init(p);
	p->p_exit_signal = rq->flags & CLONE_PARENT ? mine->p_exit_signal : rq->exit_signal;
	return copy_sighand(p, rq->flags);
}

static int copy_files(struct task *t, u64 flags)
{
	struct task *me = current;

	if (flags & CLONE_FILES) {
		ref_get(&me->t_files->fs_ref);
		t->t_files = me->t_files;
	} else {
		t->t_files = files_copy(me->t_files);
	}
	if (!t->t_files)
		return -ENOMEM;
	if (flags & CLONE_FS) {
		ref_get(&me->t_fs->x_ref);
		t->t_fs = me->t_fs;
	} else {
		t->t_fs = fsctx_copy(me->t_fs);
	}
	return t->t_fs ? 0 : -ENOMEM;
}

static int copy_mm(struct task *t, u64 flags)
{
	struct mm *mm = current->t_mm;

	if (flags & CLONE_VM) {
		mm_get(mm);
		t->t_mm = mm;
		return 0;
	}
	t->t_mm = mm_fork(mm);
	return t->t_mm ? 0 : -ENOMEM;
}

static void copy_attributes(struct task *t, const struct clone_request *rq)
{
	const struct task *me = current;

	t->t_abi = me->t_abi;
	t->t_cred = cred_get(me->t_cred);
	t->t_dumpable = me->t_dumpable;
	t->t_no_new_privs = me->t_no_new_privs;
	t->t_personality = me->t_personality;
	t->t_timerslack = me->t_timerslack;
	memcpy(t->t_name, me->t_name, sizeof(t->t_name));
	// A new stack in the same memory is no place for the parent's signal stack (clone(2),
	// sigaltstack(2)).
	if ((rq->flags & (CLONE_VM | CLONE_VFORK)) == CLONE_VM)
		t->t_altstack.flags = SS_DISABLE;
	else
		t->t_altstack = me->t_altstack;
	if (rq->flags & CLONE_CHILD_SETTID)
		t->t_set_child_tid = rq->child_tid;
	if (rq->flags & CLONE_CHILD_CLEARTID)
		t->t_clear_child_tid = rq->child_tid;
	signal_fork(t);
	sched_fork(t);
}

static int copy_registers(struct task *t, const struct clone_request *rq)
{
	struct regs regs = *current_regs();
	int r;

	regs_fork_child(&regs, rq->stack.va);
	r = context_init_user(t, &regs);
	if (r || !(rq->flags & CLONE_SETTLS))
		return r;
	if (rq->tls_is_desc) {
		t->t_context.x_tls[rq->tls_slot] = rq->tls_desc;
		context_load_tls(t); // its selectors may name that descriptor already
	} else {
		context_set_base(t, false, rq->tls);
	}
	return 0;
}

// Whatever there is of a child that was never linked.
static void task_undo(struct task *t)
{
	if (t->t_mm)
		mm_put(t->t_mm);
	if (t->t_fs)
		fsctx_put(t->t_fs);
	if (t->t_files)
		files_put(t->t_files);
	task_free_unused(t);
}

// --- becoming visible ---

static u32 count_tasks_of(u32 uid)
{
	struct process *p = init_process;
	u32 n = 0;

	do {
		if (p->p_leader->t_cred->c_uid == uid)
			n += MAX(p->p_nthreads, 1u);
		p = list_next_entry(p, p_all);
	} while (p != init_process);
	return n;
}

static int check_limits_locked(void)
{
	u32 uid = current->t_cred->c_uid;

	if (task_count >= task_max)
		return -EAGAIN;
	if (uid == 0 || capable(CAP_SYS_RESOURCE) || capable(CAP_SYS_ADMIN))
		return 0;
	return count_tasks_of(uid) >= rlimit_current(RLIMIT_NPROC) ? -EAGAIN : 0;
}

static void link_process(struct task *t, u64 flags)
{
	struct process *me = current->t_proc, *p = t->t_proc;
	struct process *parent = flags & CLONE_PARENT ? me->p_parent : me;

	ref_get(&p->p_ref); // the tree's; process_alloc() gave the task its own
	p->p_pid = t->t_tid;
	p->p_leader = t;
	p->p_parent = parent;
	p->p_ppid = parent->p_pid;
	p->p_parent_tid = flags & CLONE_PARENT ? me->p_parent_tid : current->t_tid;
	list_add_tail(&parent->p_children, &p->p_sibling);
	list_add_tail(&init_process->p_all, &p->p_all);
	pgroup_join_locked(p, me->p_pgrp);
}

// From here on others find the child, and nothing fails. A fatal signal that is already here must
// not be outrun by it.
static int link_child(struct task *t, u64 flags)
{
	struct process *p = t->t_proc;
	pid_t tid;
	u64 irq;
	int r;

	spin_lock(&tasklist_lock);
	r = task_must_exit(current) ? -EINTR : check_limits_locked();
	tid = r ? r : pid_alloc_locked();
	if (tid < 0) {
		spin_unlock(&tasklist_lock);
		return tid;
	}
	t->t_tid = tid;
	task_hash_locked(t);
	task_count++;
	if (!(flags & CLONE_THREAD))
		link_process(t, flags);
	irq = spin_lock_irq(&p->p_siglock);
	list_add_tail(&p->p_threads, &t->t_threads);
	p->p_nthreads++;
	p->p_live++;
	if (p->p_stopped)
		task_set_work(t, WORK_SIGNAL); // stops before its first instruction
	spin_unlock_irq(&p->p_siglock, irq);
	spin_unlock(&tasklist_lock);
	return 0;
}

// The parent of a vfork sleeps until the child has given its memory back. Only a fatal signal ends
// that early.
static void vfork_wait(struct task *child)
{
	if (wait_event_killable(&current->t_proc->p_child_wait, !READ_ONCE(child->t_vfork_done))) {
		spin_lock(&tasklist_lock);
		child->t_vfork_done = NULL;
		spin_unlock(&tasklist_lock);
	}
	task_put(child);
}

static int build_child(struct task *t, const struct clone_request *rq)
{
	int r;

	copy_attributes(t, rq);
	r = copy_process(t, rq);
	if (!r)
		r = copy_files(t, rq->flags);
	if (!r)
		r = copy_mm(t, rq->flags);
	if (!r)
		r = copy_registers(t, rq);
	if (!r)
		r = link_child(t, rq->flags);
	return r;
}

long kern_clone(const struct clone_request *rq)
{
	struct task *t;
	pid_t tid;
	int r = check_flags(rq);

	if (r)
		return r;
	t = task_alloc();
	if (!t)
		return -ENOMEM;
	r = build_child(t, rq);
	if (r) {
		task_undo(t);
		return r;
	}
	tid = t->t_tid;
	if (rq->flags & CLONE_PARENT_SETTID) // a fault is the caller's loss: the child exists
		(void)!put_user_u32(rq->parent_tid, (u32)tid);
	if (rq->flags & CLONE_VFORK) {
		task_get(t);
		t->t_vfork_done = &current->t_proc->p_child_wait;
	}
	sched_add(t);
	if (rq->flags & CLONE_VFORK)
		vfork_wait(t);
	return tid;
}

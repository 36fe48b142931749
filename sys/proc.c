// SPDX-License-Identifier: MIT
// Processes and threads: ids, groups, clone, exit, waiting for children, limits and usage.

#include "kern/task.h"

#include "abi/layout.h"
#include "kern/cred.h"
#include "kern/pgroup.h"
#include "kern/rlimit.h"
#include "kern/usage.h"
#include "machine/layout.h"
#include "machine/uaccess.h"
#include "sys/tls.h"
#include "sys_proto.h"

#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/wait.h>

#define WAIT_KINDS     (__WNOTHREAD | __WCLONE | __WALL)
#define WAIT4_OPTIONS  (WNOHANG | WUNTRACED | WCONTINUED | WAIT_KINDS)
#define WAITID_EVENTS  (WEXITED | WSTOPPED | WCONTINUED)
#define WAITID_OPTIONS (WNOHANG | WNOWAIT | WAITID_EVENTS | WAIT_KINDS)
#define NO_SUCH_PID    (-0x7fffffff - 1) // its negation does not exist

// --- ids ---

long sys_getpid(void)
{
	return current->t_proc->p_pid;
}

long sys_gettid(void)
{
	return current->t_tid;
}

// One word that is kept up to date whenever the parent changes: no lock.
long sys_getppid(void)
{
	return READ_ONCE(current->t_proc->p_ppid);
}

long sys_getpgrp(void)
{
	return kern_getpgid(0);
}

long sys_getpgid(int pid)
{
	return kern_getpgid(pid);
}

long sys_getsid(int pid)
{
	return kern_getsid(pid);
}

long sys_setpgid(int pid, int pgid)
{
	return kern_setpgid(pid, pgid);
}

long sys_setsid(void)
{
	return kern_setsid();
}

long sys_set_tid_address(uptr tid)
{
	current->t_clear_child_tid = tid;
	return current->t_tid;
}

// --- beginning and end ---

// The TLS argument is a base address, or where the ABI says so a descriptor in user memory.
static int clone_tls(struct clone_request *rq, u64 tls)
{
	if (abi_tls_is_desc()) {
		rq->tls_is_desc = true;
		return tls_get_desc(UPTR(tls), &rq->tls_slot, &rq->tls_desc);
	}
	rq->tls = tls;
	return tls < USER_END_64 ? 0 : -EPERM;
}

long sys_clone(unsigned long flags, uptr stack, uptr parent_tid, uptr child_tid, unsigned long tls)
{
	struct clone_request rq = {
		.flags = (u32)flags & ~(u64)CSIGNAL,
		.stack = stack,
		.child_tid = child_tid,
		.parent_tid = parent_tid,
		.pidfd = parent_tid, // the old call has one place for both (clone(2), CLONE_PIDFD)
		.exit_signal = (s32)(flags & CSIGNAL),
	};
	int r = 0;

	if ((flags & CLONE_PIDFD) && (flags & CLONE_PARENT_SETTID))
		return -EINVAL;
	// Bits that only clone3 has; the old call does not see them.
	rq.flags &= ~(u64)CLONE_INTO_CGROUP & ~(u64)CLONE_CLEAR_SIGHAND;
	if (flags & CLONE_SETTLS)
		r = clone_tls(&rq, tls);
	return r ? r : kern_clone(&rq);
}

long sys_fork(void)
{
	const struct clone_request rq = {.exit_signal = SIGCHLD};

	return kern_clone(&rq);
}

long sys_vfork(void)
{
	const struct clone_request rq = {
		.flags = CLONE_VM | CLONE_VFORK,
		.exit_signal = SIGCHLD,
	};

	return kern_clone(&rq);
}

long sys_exit(int status)
{
	task_exit((status & 0xff) << 8);
}

long sys_exit_group(int status)
{
	process_exit((status & 0xff) << 8);
}

// --- waiting for children ---

// wait4's four meanings of pid.
static long wait_pid(int pid, int options, struct wait_result *out)
{
	if (pid == NO_SUCH_PID)
		return -ESRCH;
	if (pid == -1)
		return kern_wait(P_ALL, 0, options, out);
	if (pid == 0)
		return kern_wait(P_PGID, (pid_t)kern_getpgid(0), options, out);
	return pid < 0 ? kern_wait(P_PGID, -pid, options, out)
		       : kern_wait(P_PID, pid, options, out);
}

long sys_wait4(int pid, uptr status, unsigned int options, uptr ru)
{
	struct wait_result res;
	long r;

	if (options & ~(u32)WAIT4_OPTIONS)
		return -EINVAL;
	r = wait_pid(pid, (int)(options | WEXITED), &res);
	if (r <= 0)
		return r;
	if (!uptr_is_null(status) && put_user_u32(status, (u32)res.status))
		return -EFAULT;
	if (!uptr_is_null(ru) && abi_copyout_rusage(ru, &res.rusage))
		return -EFAULT;
	return r;
}

long sys_waitpid(int pid, uptr status, unsigned int options)
{
	return sys_wait4(pid, status, options, UPTR(0));
}

// si_status is the plain exit status or signal number, unlike wait4's word.
static s32 child_status(const struct wait_result *res)
{
	switch (res->code) {
	case CLD_KILLED:
	case CLD_DUMPED:
		return res->status & 0x7f;
	case CLD_CONTINUED:
		return SIGCONT;
	default:
		return res->status >> 8 & 0xff;
	}
}

static int waitid_check(int which, int id, u32 options)
{
	if ((options & ~(u32)WAITID_OPTIONS) || !(options & WAITID_EVENTS))
		return -EINVAL;
	switch (which) {
	case P_ALL:
		return 0;
	case P_PID:
		return id > 0 ? 0 : -EINVAL;
	case P_PGID:
		return id >= 0 ? 0 : -EINVAL;
	case P_PIDFD: // no descriptor refers to a process yet
		return id >= 0 ? -EBADF : -EINVAL;
	default:
		return -EINVAL;
	}
}

long sys_waitid(int which, int id, uptr info, unsigned int options, uptr ru)
{
	struct ksiginfo si = {0}; // no child, or an error: all zero (waitid(2))
	struct wait_result res;
	long r = waitid_check(which, id, options);

	if (!r && which == P_PGID && !id)
		id = (int)kern_getpgid(0);
	if (!r)
		r = kern_wait(which, id, (int)options, &res);
	if (r > 0) {
		si = (struct ksiginfo){
			.signo = SIGCHLD,
			.code = res.code,
			.pid = res.pid,
			.uid = res.uid,
			.status = child_status(&res),
		};
		r = 0;
		if (!uptr_is_null(ru) && abi_copyout_rusage(ru, &res.rusage))
			return -EFAULT;
	}
	if (!uptr_is_null(info) && abi_copyout_siginfo(info, &si))
		return -EFAULT;
	return r;
}

// --- limits and usage ---

long sys_getrlimit(unsigned int resource, uptr rlim)
{
	struct rlimit limit;
	int r = rlimit_change(current->t_proc, resource, NULL, &limit);

	return r ? r : abi_copyout_rlimit(rlim, &limit);
}

long sys_old_getrlimit(unsigned int resource, uptr rlim)
{
	struct rlimit limit;
	int r = rlimit_change(current->t_proc, resource, NULL, &limit);

	return r ? r : abi_copyout_old_rlimit(rlim, &limit);
}

long sys_setrlimit(unsigned int resource, uptr rlim)
{
	struct rlimit limit;
	int r = abi_copyin_rlimit(&limit, rlim);

	return r ? r : rlimit_change(current->t_proc, resource, &limit, NULL);
}

// prlimit(2): all ids of the target are the caller's real ones, or CAP_SYS_RESOURCE.
static bool may_prlimit(struct task *t)
{
	const struct cred *me = cred_current(), *other;
	bool ok;

	if (t == current || capable(CAP_SYS_RESOURCE))
		return true;
	spin_lock(&tasklist_lock);
	other = t->t_cred;
	ok = me->c_uid == other->c_uid && me->c_uid == other->c_euid &&
	     me->c_uid == other->c_suid && me->c_gid == other->c_gid &&
	     me->c_gid == other->c_egid && me->c_gid == other->c_sgid;
	spin_unlock(&tasklist_lock);
	return ok;
}

// struct rlimit64 is the kernel's own pair in every ABI.
long sys_prlimit64(int pid, unsigned int resource, uptr new, uptr old)
{
	struct rlimit new_limit, old_limit;
	struct task *t = current;
	int r;

	if (!uptr_is_null(new) && copyin(&new_limit, new, sizeof(new_limit)))
		return -EFAULT;
	if (pid)
		t = pid > 0 ? task_find(pid) : NULL;
	else
		task_get(t);
	if (!t)
		return -ESRCH;
	r = may_prlimit(t) ? 0 : -EPERM;
	if (!r)
		r = rlimit_change(t->t_proc, resource, uptr_is_null(new) ? NULL : &new_limit,
				  &old_limit);
	task_put(t);
	if (!r && !uptr_is_null(old))
		r = copyout(old, &old_limit, sizeof(old_limit));
	return r;
}

long sys_getrusage(int who, uptr ru)
{
	struct krusage usage;

	switch (who) {
	case RUSAGE_SELF:
		usage_process(&usage);
		break;
	case RUSAGE_CHILDREN:
		usage_children(&usage);
		break;
	case RUSAGE_THREAD:
		usage_thread(&usage);
		break;
	default:
		return -EINVAL;
	}
	return abi_copyout_rusage(ru, &usage);
}

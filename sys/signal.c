// SPDX-License-Identifier: MIT
// The signal calls: decode user structures, check, hand to kern/signal.c. Blocking calls return
// restart codes, which gate/exit.c resolves.

#include "kern/signal.h"

#include "abi/layout.h"
#include "kern/task.h"
#include "kern/time.h"
#include "machine/context.h"
#include "machine/regs.h"
#include "machine/uaccess.h"
#include "sys_proto.h"

#include <asm/errno.h>
#include <linux/signal.h>

// --- Actions ---

long sys_rt_sigaction(int sig, uptr act, uptr old, size_t sigsetsize)
{
	struct kaction new_action, old_action;
	int r;

	if (sigsetsize != sizeof(sigset64))
		return -EINVAL;
	if (act.va && (r = abi_copyin_sigaction(&new_action, act)))
		return r;
	r = signal_set_action(sig, act.va ? &new_action : NULL, &old_action);
	if (!r && old.va)
		r = abi_copyout_sigaction(old, &old_action);
	return r;
}

// i386's first sigaction: a 32-bit mask.
long sys_sigaction(int sig, uptr act, uptr old)
{
	struct kaction new_action, old_action;
	int r;

	if (act.va && (r = abi_copyin_old_sigaction(&new_action, act)))
		return r;
	r = signal_set_action(sig, act.va ? &new_action : NULL, &old_action);
	if (!r && old.va)
		r = abi_copyout_old_sigaction(old, &old_action);
	return r;
}

// System V's: one shot and unmasked (signal(2)).
long sys_signal(int sig, uptr handler)
{
	struct kaction old_action;
	struct kaction new_action = {
		.handler = handler.va,
		.flags = SA_ONESHOT | SA_NOMASK,
		.abi = abi_current(),
	};
	int r = signal_set_action(sig, &new_action, &old_action);

	return r ? r : (long)old_action.handler;
}

// --- Masks ---

static int change_mask(int how, sigset64 set)
{
	sigset64 blocked = current->t_blocked;

	switch (how) {
	case SIG_BLOCK:
		blocked |= set;
		break;
	case SIG_UNBLOCK:
		blocked &= ~set;
		break;
	case SIG_SETMASK:
		blocked = set;
		break;
	default:
		return -EINVAL;
	}
	signal_set_blocked(blocked);
	return 0;
}

long sys_rt_sigprocmask(int how, uptr set, uptr old, size_t sigsetsize)
{
	sigset64 before = current->t_blocked, wanted;
	int r;

	if (sigsetsize != sizeof(sigset64))
		return -EINVAL;
	if (set.va) {
		r = abi_copyin_sigset(&wanted, set, sigsetsize);
		if (!r)
			r = change_mask(how, wanted);
		if (r)
			return r;
	}
	return old.va ? abi_copyout_sigset(old, before, sigsetsize) : 0;
}

// The old calls see the first 32 signals and leave the others' bits alone.
long sys_sigprocmask(int how, uptr set, uptr old)
{
	sigset64 before = current->t_blocked, wanted;
	int r;

	if (set.va) {
		r = abi_copyin_old_sigset(&wanted, set);
		if (!r && how == SIG_SETMASK)
			wanted |= before & ~(sigset64)0xffffffff;
		if (!r)
			r = change_mask(how, wanted);
		if (r)
			return r;
	}
	return old.va ? put_user_u32(old, (u32)before) : 0;
}

long sys_sgetmask(void)
{
	return (long)(u32)current->t_blocked;
}

long sys_ssetmask(int mask)
{
	sigset64 before = current->t_blocked;

	signal_set_blocked((u32)mask);
	return (long)(u32)before;
}

long sys_rt_sigpending(uptr set, size_t sigsetsize)
{
	if (sigsetsize > sizeof(sigset64))
		return -EINVAL;
	return abi_copyout_sigset(set, signal_pending_set(), sigsetsize);
}

long sys_sigpending(uptr set)
{
	return put_user_u32(set, (u32)signal_pending_set());
}

// --- Waiting ---

static long wait_with_mask(sigset64 mask)
{
	signal_set_temp_mask(mask);
	while (!signal_pending(current)) {
		sched_set_state(TASK_INTERRUPTIBLE);
		(void)sched_sleep(WAIT_FOREVER);
	}
	sched_set_state(TASK_RUNNING);
	return -ERESTARTNOHAND;
}

long sys_rt_sigsuspend(uptr set, size_t sigsetsize)
{
	sigset64 mask;
	int r = sigsetsize == sizeof(sigset64) ? abi_copyin_sigset(&mask, set, sigsetsize)
					       : -EINVAL;

	return r ? r : wait_with_mask(mask);
}

// The first two arguments are history; the mask is a value (sigsuspend(2), NOTES).
long sys_sigsuspend(int unused1, int unused2, unsigned long mask)
{
	(void)unused1;
	(void)unused2;
	return wait_with_mask((u32)mask);
}

long sys_pause(void)
{
	while (!signal_pending(current)) {
		sched_set_state(TASK_INTERRUPTIBLE);
		(void)sched_sleep(WAIT_FOREVER);
	}
	sched_set_state(TASK_RUNNING);
	return -ERESTARTNOHAND;
}

typedef int timespec_copyin(struct ktime_spec *ts, uptr src);

static long sigtimedwait(uptr set, uptr info, uptr timeout, size_t sigsetsize,
			 timespec_copyin *copyin_timeout)
{
	u64 deadline = WAIT_FOREVER;
	struct ktime_spec ts;
	struct ksiginfo si;
	sigset64 wanted;
	int r;

	if (sigsetsize != sizeof(sigset64))
		return -EINVAL;
	r = abi_copyin_sigset(&wanted, set, sigsetsize);
	if (r)
		return r;
	if (timeout.va) {
		if ((r = copyin_timeout(&ts, timeout)) || (r = ktime_check(&ts)))
			return r;
		deadline = clock_ns() + MIN(ktime_to_ns(&ts), (u64)INT64_MAX);
	}
	r = signal_wait(wanted, deadline, &si);
	if (r > 0 && info.va) {
		int fault = abi_copyout_siginfo(info, &si);

		if (fault)
			return fault;
	}
	return r;
}

long sys_rt_sigtimedwait(uptr set, uptr info, uptr timeout, size_t sigsetsize)
{
	return sigtimedwait(set, info, timeout, sigsetsize, abi_copyin_timespec);
}

long sys_rt_sigtimedwait_time64(uptr set, uptr info, uptr timeout, size_t sigsetsize)
{
	return sigtimedwait(set, info, timeout, sigsetsize, abi_copyin_timespec64);
}

// --- Sending ---

static struct ksiginfo siginfo_user(int sig, int code)
{
	return (struct ksiginfo){
		.signo = sig,
		.code = code,
		.pid = current->t_proc->p_pid,
		.uid = current->t_cred->c_uid,
	};
}

static bool signo_ok(int sig)
{
	return sig >= 0 && sig <= KSIG_MAX;
}

long sys_kill(int pid, int sig)
{
	struct ksiginfo si = siginfo_user(sig, SI_USER);

	return signo_ok(sig) ? kern_kill(pid, &si) : -EINVAL;
}

long sys_tkill(int pid, int sig)
{
	struct ksiginfo si = siginfo_user(sig, SI_TKILL);

	return pid > 0 && signo_ok(sig) ? kern_tgkill(0, pid, &si) : -EINVAL;
}

long sys_tgkill(int tgid, int pid, int sig)
{
	struct ksiginfo si = siginfo_user(sig, SI_TKILL);

	return tgid > 0 && pid > 0 && signo_ok(sig) ? kern_tgkill(tgid, pid, &si) : -EINVAL;
}

// Only the kernel's own codes are refused, and only towards others (rt_sigqueueinfo(2)).
static int queueinfo_decode(struct ksiginfo *si, int pid, int sig, uptr info)
{
	int r = abi_copyin_siginfo(si, info);

	if (r)
		return r;
	if ((si->code >= 0 || si->code == SI_TKILL) && pid != current->t_proc->p_pid)
		return -EPERM;
	si->signo = sig;
	return signo_ok(sig) ? 0 : -EINVAL;
}

long sys_rt_sigqueueinfo(int pid, int sig, uptr info)
{
	struct process *p;
	struct ksiginfo si;
	int r = queueinfo_decode(&si, pid, sig, info);

	if (r)
		return r;
	p = pid > 0 ? process_find(pid) : NULL;
	if (!p)
		return -ESRCH;
	process_put(p);
	return kern_kill(pid, &si);
}

long sys_rt_tgsigqueueinfo(int tgid, int pid, int sig, uptr info)
{
	struct ksiginfo si;
	int r;

	if (tgid <= 0 || pid <= 0)
		return -EINVAL;
	r = queueinfo_decode(&si, tgid, sig, info);
	return r ? r : kern_tgkill(tgid, pid, &si);
}

// --- The alternate stack ---

long sys_sigaltstack(uptr stack, uptr old)
{
	struct altstack wanted, before = current->t_altstack;
	u64 sp = current_regs()->rsp;
	int r = 0;

	if (stack.va) {
		r = abi_copyin_altstack(&wanted, stack);
		if (!r)
			r = signal_set_altstack(&wanted, sp);
	}
	if (!r && old.va) {
		u32 on = signal_on_altstack(&before, sp) ? SS_ONSTACK : 0;

		before.flags = before.size ? (before.flags & SS_AUTODISARM) | on : SS_DISABLE;
		r = abi_copyout_altstack(old, &before);
	}
	return r;
}

// --- Restarting ---

// Goes on with an interrupted sleep or wait; a program may call it by itself and gets EINTR then.
long sys_restart_syscall(void)
{
	struct restart *r = &current->t_restart;
	long (*fn)(struct restart *) = r->fn;

	r->fn = NULL;
	return fn ? fn(r) : -EINTR;
}

// SPDX-License-Identifier: MIT
// prctl(2): what a task can be told about itself. An option that is not served is -EINVAL, as one
// that Linux does not know.

#include "kern/cred.h"
#include "kern/task.h"
#include "machine/cpu.h"
#include "machine/uaccess.h"
#include "sys_proto.h"

#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/securebits.h>

#define TIMERSLACK_DEFAULT_NS 50000

// At most 15 bytes count; a longer name is cut.
static long set_name(uptr src)
{
	char name[TASK_NAME_LEN] = "";

	for (u32 i = 0; i < TASK_NAME_LEN - 1; i++) {
		u8 c;

		if (get_user_u8(&c, uptr_add(src, i)))
			return -EFAULT;
		if (!c)
			break;
		name[i] = (char)c;
	}
	task_set_name(current, name);
	return 0;
}

static long get_name(uptr dst)
{
	char name[TASK_NAME_LEN] = "";

	for (u32 i = 0; i < TASK_NAME_LEN - 1 && current->t_name[i]; i++)
		name[i] = current->t_name[i];
	return copyout(dst, name, sizeof(name));
}

// Memory is what is dumped, and all threads share it.
static long set_dumpable(u64 value)
{
	struct process *p = current->t_proc;
	struct task *t;
	u64 irq;

	if (value > 1)
		return -EINVAL;
	irq = spin_lock_irq(&p->p_siglock);
	list_for_each_entry (t, &p->p_threads, t_threads)
		t->t_dumpable = (u8)value;
	spin_unlock_irq(&p->p_siglock, irq);
	return 0;
}

static long set_timerslack(u64 ns)
{
	current->t_timerslack = (s64)ns > 0 ? ns : 0;
	return 0;
}

static long get_timerslack(void)
{
	u64 ns = current->t_timerslack;

	return (long)(ns ? ns : TIMERSLACK_DEFAULT_NS);
}

static long set_keepcaps(u64 value)
{
	return value > 1 ? -EINVAL : cred_set_keepcaps(value);
}

static long set_pdeathsig(u64 signo)
{
	if (signo > KSIG_MAX)
		return -EINVAL;
	current->t_pdeathsig = (s32)signo;
	return 0;
}

// Never taken back (prctl(2), PR_SET_NO_NEW_PRIVS).
static long set_no_new_privs(u64 value, bool rest_is_zero)
{
	if (value != 1 || !rest_is_zero)
		return -EINVAL;
	current->t_no_new_privs = 1;
	return 0;
}

long sys_prctl(int option, unsigned long arg2, unsigned long arg3, unsigned long arg4,
	       unsigned long arg5)
{
	bool rest_is_zero = !arg3 && !arg4 && !arg5;
	struct task *t = current;

	switch (option) {
	case PR_SET_NAME:
		return set_name(UPTR(arg2));
	case PR_GET_NAME:
		return get_name(UPTR(arg2));
	case PR_SET_PDEATHSIG:
		return set_pdeathsig(arg2);
	case PR_GET_PDEATHSIG:
		return put_user_u32(UPTR(arg2), (u32)t->t_pdeathsig);
	case PR_SET_DUMPABLE:
		return set_dumpable(arg2);
	case PR_GET_DUMPABLE:
		return t->t_dumpable;
	case PR_SET_KEEPCAPS:
		return set_keepcaps(arg2);
	case PR_GET_KEEPCAPS:
		return !!(cred_current()->c_securebits & SECBIT_KEEP_CAPS);
	case PR_SET_NO_NEW_PRIVS:
		return set_no_new_privs(arg2, rest_is_zero);
	case PR_GET_NO_NEW_PRIVS:
		return arg2 || !rest_is_zero ? -EINVAL : t->t_no_new_privs;
	case PR_SET_CHILD_SUBREAPER:
		WRITE_ONCE(t->t_proc->p_subreaper, arg2 != 0);
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		return put_user_u32(UPTR(arg2), t->t_proc->p_subreaper);
	case PR_SET_TIMERSLACK:
		return set_timerslack(arg2);
	case PR_GET_TIMERSLACK:
		return get_timerslack();
	case PR_SET_TSC:
		if (arg2 != PR_TSC_ENABLE && arg2 != PR_TSC_SIGSEGV)
			return -EINVAL;
		context_set_tsc(arg2 == PR_TSC_ENABLE);
		return 0;
	case PR_GET_TSC:
		return put_user_u32(UPTR(arg2),
				    t->t_context.x_notsc ? PR_TSC_SIGSEGV : PR_TSC_ENABLE);
	case PR_CAPBSET_READ:
		if (arg2 > CAP_LAST_CAP)
			return -EINVAL;
		return cred_current()->c_cap_bounding >> arg2 & 1;
	default:
		return -EINVAL;
	}
}

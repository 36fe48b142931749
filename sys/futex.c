// SPDX-License-Identifier: MIT
// futex(2) and the robust lists: decode the operation, its timeout and its second count.

#include "kern/futex.h"

#include "abi/layout.h"
#include "kern/cred.h"
#include "kern/task.h"
#include "kern/time.h"
#include "kern/wait.h"
#include "machine/cpu.h"
#include "machine/uaccess.h"
#include "sys_proto.h"

#include <asm/errno.h>
#include <linux/futex.h>

// The timeout of FUTEX_WAIT counts from now; that of FUTEX_WAIT_BITSET is a time of
// CLOCK_MONOTONIC, or of CLOCK_REALTIME with the flag.
static u64 deadline_of(u32 cmd, bool realtime, const struct ktime_spec *ts)
{
	u64 ns = ktime_to_ns(ts), offset;

	if (cmd == FUTEX_WAIT)
		return MIN(clock_ns() + ns, TIME_NS_MAX);
	if (!realtime)
		return ns;
	offset = time_realtime_offset();
	return ns > offset ? ns - offset : 1;
}

static int get_deadline(u32 cmd, bool realtime, uptr timeout,
			int (*get)(struct ktime_spec *ts, uptr src), u64 *deadline)
{
	struct ktime_spec ts;
	int r;

	*deadline = WAIT_FOREVER;
	if (uptr_is_null(timeout) || (cmd != FUTEX_WAIT && cmd != FUTEX_WAIT_BITSET))
		return 0;
	r = get(&ts, timeout);
	if (!r)
		r = ktime_check(&ts);
	if (!r)
		*deadline = deadline_of(cmd, realtime, &ts);
	return r;
}

static long do_futex(uptr a, int op, u32 val, uptr timeout, uptr b, u32 val3,
		     int (*get)(struct ktime_spec *ts, uptr src))
{
	u32 cmd = (u32)op & (u32)FUTEX_CMD_MASK;
	bool shared = !(op & FUTEX_PRIVATE_FLAG), realtime = op & FUTEX_CLOCK_REALTIME;
	u32 val2 = (u32)timeout.va; // a count, where there is no timeout
	u64 deadline;
	int r = get_deadline(cmd, realtime, timeout, get, &deadline);

	if (r)
		return r;
	if (realtime && cmd != FUTEX_WAIT_BITSET)
		return -ENOSYS;
	switch (cmd) {
	case FUTEX_WAIT:
		return kern_futex_wait(a, val, FUTEX_BITSET_MATCH_ANY, deadline, shared);
	case FUTEX_WAIT_BITSET:
		return kern_futex_wait(a, val, val3, deadline, shared);
	case FUTEX_WAKE:
		return kern_futex_wake(a, val, FUTEX_BITSET_MATCH_ANY, shared);
	case FUTEX_WAKE_BITSET:
		return kern_futex_wake(a, val, val3, shared);
	case FUTEX_REQUEUE:
		return kern_futex_requeue(a, b, val, val2, false, 0, shared);
	case FUTEX_CMP_REQUEUE:
		return kern_futex_requeue(a, b, val, val2, true, val3, shared);
	case FUTEX_WAKE_OP:
		return kern_futex_wake_op(a, b, val, val2, val3, shared);
	default: // FUTEX_FD is gone; priority inheritance does not exist yet
		return -ENOSYS;
	}
}

long sys_futex(uptr uaddr, int op, unsigned int val, uptr timeout, uptr uaddr2, unsigned int val3)
{
	return do_futex(uaddr, op, val, timeout, uaddr2, val3, abi_copyin_timespec);
}

long sys_futex_time64(uptr uaddr, int op, unsigned int val, uptr timeout, uptr uaddr2,
		      unsigned int val3)
{
	return do_futex(uaddr, op, val, timeout, uaddr2, val3, abi_copyin_timespec64);
}

// --- robust lists: a list for each width of pointers, struct robust_list_head being three of them
// ---

static u32 list_of_call(void)
{
	return abi_word() == 8 ? 0 : 1;
}

long sys_set_robust_list(uptr head, size_t len)
{
	if (len != 3 * (size_t)abi_word())
		return -EINVAL;
	current->t_robust_list[list_of_call()] = head;
	return 0;
}

long sys_get_robust_list(int pid, uptr head, uptr len)
{
	struct task *t = pid > 0 ? task_find(pid) : NULL;
	uptr list;

	if (pid && !t)
		return -ESRCH;
	if (t && !cred_may_inspect(t)) {
		task_put(t);
		return -EPERM;
	}
	list = (t ? t : current)->t_robust_list[list_of_call()];
	if (t)
		task_put(t);
	if (abi_copyout_ptr(len, UPTR(3 * abi_word())))
		return -EFAULT;
	return abi_copyout_ptr(head, list);
}

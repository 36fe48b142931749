// SPDX-License-Identifier: MIT
/*
 * poll and select in all forms: user layouts to items for kern_poll and back, timeouts, temporary
 * signal masks, and how each restarts after a signal without a handler: poll by a restart block,
 * the others with the time that is left.
 */
#include "fs/poll.h"
#include "abi/layout.h"
#include "kern/files.h"
#include "kern/signal.h"
#include "kern/task.h"
#include "lib/bitmap.h"
#include "lib/string.h"
#include "machine/uaccess.h"
#include "sys_proto.h"
#include "vm/slab.h"

#include <linux/errno.h>

#define ITEMS_FAST     8
#define SET_WORDS_FAST 2

/* --- timeouts --- */

/* `ns` from now, as an absolute time; 0 stays 0: do not wait. */
static u64 deadline_after(u64 ns)
{
	u64 at;

	if (!ns)
		return 0;
	return __builtin_add_overflow(clock_ns(), ns, &at) ? WAIT_FOREVER : at;
}

struct timeout {
	uptr user; /* 0: none, for ever */
	u64 deadline;
	int (*put)(uptr dst, const struct ktime_spec *ts);
};

static int timeout_get(struct timeout *t, int (*get)(struct ktime_spec *ts, uptr src))
{
	struct ktime_spec ts;
	int err;

	t->deadline = WAIT_FOREVER;
	if (uptr_is_null(t->user))
		return 0;
	err = get(&ts, t->user);
	if (!err)
		err = ktime_check(&ts);
	if (!err)
		t->deadline = deadline_after(ktime_to_ns(&ts));
	return err;
}

/* Linux tells select's and ppoll's callers what is left. When it cannot, a restart would wait anew:
 * EINTR instead. */
static long timeout_put(const struct timeout *t, long ret)
{
	u64 now = clock_ns();
	struct ktime_spec left;

	if (uptr_is_null(t->user) || !t->deadline)
		return ret;
	left = ns_to_ktime(t->deadline > now ? t->deadline - now : 0);
	if (t->put(t->user, &left) && ret == -ERESTARTNOHAND)
		return -EINTR;
	return ret;
}

/* --- signal masks --- */

static int mask_set(uptr mask, size_t size)
{
	sigset64 set;
	int err;

	if (uptr_is_null(mask))
		return 0;
	err = abi_copyin_sigset(&set, mask, size);
	if (!err)
		signal_set_temp_mask(set);
	return err;
}

/* After a signal the mask stays until its handler was chosen: the way out restores it. */
static void mask_done(long ret)
{
	if (ret != -ERESTARTNOHAND)
		signal_restore_temp_mask();
}

/* --- poll --- */

static int items_get(struct poll_item *items, uptr fds, u32 n)
{
	for (u32 k = 0; k < n; k++) {
		struct pollfd p;
		int err = copyin(&p, uptr_add(fds, k * sizeof(p)), sizeof(p));

		if (err)
			return err;
		items[k].fd = p.fd;
		items[k].events = (u16)p.events | EPOLLERR | EPOLLHUP; /* always told */
	}
	return 0;
}

static int items_put(const struct poll_item *items, uptr fds, u32 n)
{
	for (u32 k = 0; k < n; k++) {
		u16 revents = (u16)items[k].revents;
		u64 at = k * sizeof(struct pollfd) + offsetof(struct pollfd, revents);
		int err = copyout(uptr_add(fds, at), &revents, sizeof(revents));

		if (err)
			return err;
	}
	return 0;
}

/* Ready descriptors, 0, -EINTR, or another error. */
static long do_poll(uptr fds, u32 n, u64 deadline)
{
	struct poll_item fast[ITEMS_FAST], *items = fast;
	long ret;

	if (n > rlimit_current(RLIMIT_NOFILE))
		return -EINVAL;
	if (n > ITEMS_FAST) {
		items = kmalloc(n * sizeof(*items));
		if (!items)
			return -ENOMEM;
	}
	ret = items_get(items, fds, n);
	if (!ret)
		ret = kern_poll(items, n, deadline);
	if (ret >= 0 && items_put(items, fds, n))
		ret = -EFAULT;
	if (items != fast)
		kfree(items);
	return ret;
}

enum { POLL_FDS, POLL_COUNT, POLL_DEADLINE };

static long poll_restart(struct restart *r)
{
	long ret = do_poll(UPTR(r->arg[POLL_FDS]), (u32)r->arg[POLL_COUNT], r->arg[POLL_DEADLINE]);

	if (ret != -EINTR)
		return ret;
	r->fn = poll_restart;
	return -ERESTART_RESTARTBLOCK;
}

long sys_poll(uptr fds, unsigned int nfds, int timeout)
{
	struct restart *r = &current->t_restart;

	r->arg[POLL_FDS] = fds.va;
	r->arg[POLL_COUNT] = nfds;
	r->arg[POLL_DEADLINE] = timeout < 0 ? WAIT_FOREVER
					    : deadline_after((u64)timeout * NSEC_PER_MSEC);
	return poll_restart(r);
}

static long do_ppoll(uptr fds, u32 nfds, const struct timeout *t, uptr mask, size_t size)
{
	long ret = mask_set(mask, size);

	if (ret)
		return ret;
	ret = do_poll(fds, nfds, t->deadline);
	if (ret == -EINTR)
		ret = -ERESTARTNOHAND;
	mask_done(ret);
	return timeout_put(t, ret);
}

long sys_ppoll(uptr fds, unsigned int nfds, uptr timeout, uptr mask, size_t sigsetsize)
{
	struct timeout t = {.user = timeout, .put = abi_copyout_timespec};
	int err = timeout_get(&t, abi_copyin_timespec);

	return err ? err : do_ppoll(fds, nfds, &t, mask, sigsetsize);
}

long sys_ppoll_time64(uptr fds, unsigned int nfds, uptr timeout, uptr mask, size_t sigsetsize)
{
	struct timeout t = {.user = timeout, .put = abi_copyout_timespec64};
	int err = timeout_get(&t, abi_copyin_timespec64);

	return err ? err : do_ppoll(fds, nfds, &t, mask, sigsetsize);
}

/* --- select --- */

#define SETS 3

/* Which events each set stands for (select(2), as Linux maps them). */
static const u32 set_events[SETS] = {
	EPOLLIN | EPOLLRDNORM | EPOLLRDBAND | EPOLLHUP | EPOLLERR,
	EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND | EPOLLERR,
	EPOLLPRI,
};

struct select {
	u32 n, words;
	uptr user[SETS];
	u64 *set[SETS];
	u64 fast[SETS * SET_WORDS_FAST];
	u64 *large;
};

static int sets_get(struct select *s)
{
	u64 *at = s->fast;

	if (s->words > SET_WORDS_FAST) {
		at = s->large = kmalloc(SETS * s->words * sizeof(u64));
		if (!at)
			return -ENOMEM;
	}
	memset(at, 0, SETS * s->words * sizeof(u64));
	for (int k = 0; k < SETS; k++, at += s->words) {
		s->set[k] = at;
		if (!uptr_is_null(s->user[k]) && copyin(at, s->user[k], abi_fdset_bytes(s->n)))
			return -EFAULT;
		bitmap_clear_range(at, s->n, s->words * 64 - s->n);
	}
	return 0;
}

static int sets_put(const struct select *s)
{
	for (int k = 0; k < SETS; k++)
		if (!uptr_is_null(s->user[k]) &&
		    copyout(s->user[k], s->set[k], abi_fdset_bytes(s->n)))
			return -EFAULT;
	return 0;
}

static u32 wanted(const struct select *s, u32 fd)
{
	u32 events = 0;

	for (int k = 0; k < SETS; k++)
		if (bitmap_test(s->set[k], fd))
			events |= set_events[k];
	return events;
}

/* The next descriptor in any set, from `fd` on; s->n when there is none. */
static u32 next_fd(const struct select *s, u32 fd)
{
	u32 next = s->n;

	for (int k = 0; k < SETS; k++)
		next = MIN(next, (u32)bitmap_find_set(s->set[k], s->n, fd));
	return next;
}

static u32 items_of(const struct select *s, struct poll_item *items)
{
	u32 count = 0;

	for (u32 fd = next_fd(s, 0); fd < s->n; fd = next_fd(s, fd + 1), count++)
		if (items)
			items[count] = (struct poll_item){.fd = (int)fd, .events = wanted(s, fd)};
	return count;
}

/* The sets become what is ready; how many bits that are, or -EBADF. */
static long results_of(struct select *s, const struct poll_item *items, u32 count)
{
	long bits = 0;

	for (u32 n = 0; n < count; n++) {
		u32 fd = (u32)items[n].fd;

		if (items[n].revents & POLLNVAL)
			return -EBADF;
		for (int k = 0; k < SETS; k++) {
			if (!bitmap_test(s->set[k], fd))
				continue;
			if (items[n].revents & set_events[k])
				bits++;
			else
				bitmap_clear(s->set[k], fd);
		}
	}
	return bits;
}

static long select_items(struct select *s, u64 deadline)
{
	u32 count = items_of(s, NULL);
	struct poll_item fast[ITEMS_FAST], *items = fast;
	long ret;

	if (count > ITEMS_FAST) {
		items = kmalloc(count * sizeof(*items));
		if (!items)
			return -ENOMEM;
	}
	items_of(s, items);
	ret = kern_poll(items, count, deadline);
	if (ret >= 0)
		ret = results_of(s, items, count);
	if (items != fast)
		kfree(items);
	return ret;
}

/* Ready bits, 0, -ERESTARTNOHAND, or another error. */
static long do_select(int n, uptr r, uptr w, uptr x, u64 deadline)
{
	struct select s = {.user = {r, w, x}};
	long ret;

	if (n < 0)
		return -EINVAL;
	/* Bits past the descriptor table are not looked at. */
	s.n = MIN((u32)n, READ_ONCE(current->t_files->fs_max));
	s.words = (u32)BITMAP_WORDS(s.n);
	ret = sets_get(&s);
	if (!ret)
		ret = select_items(&s, deadline);
	if (ret == -EINTR)
		ret = -ERESTARTNOHAND;
	if (ret >= 0 && sets_put(&s))
		ret = -EFAULT;
	kfree(s.large);
	return ret;
}

/* select's timeval may hold a second and more of microseconds; the layout code marks those as
 * wrong, as POSIX does. */
long sys_select(int n, uptr r, uptr w, uptr x, uptr timeout)
{
	struct timeout t = {.user = timeout, .put = abi_copyout_timeval};
	int err = timeout_get(&t, abi_copyin_timeval);

	if (err)
		return err;
	return timeout_put(&t, do_select(n, r, w, x, t.deadline));
}

/* i386's first select: its five arguments lie in memory. */
long sys_old_select(uptr args)
{
	u64 v[5];

	for (u32 k = 0; k < 5; k++) {
		int err = abi_copyin_ulong(&v[k], uptr_add(args, k * abi_long()));

		if (err)
			return err;
	}
	return sys_select((int)v[0], UPTR(v[1]), UPTR(v[2]), UPTR(v[3]), UPTR(v[4]));
}

static long do_pselect(int n, uptr r, uptr w, uptr x, const struct timeout *t, uptr sig)
{
	uptr mask = UPTR(0);
	size_t size = 0;
	long ret = 0;

	if (!uptr_is_null(sig))
		ret = abi_copyin_sigset_arg(&mask, &size, sig);
	if (!ret)
		ret = mask_set(mask, size);
	if (ret)
		return ret;
	ret = do_select(n, r, w, x, t->deadline);
	mask_done(ret);
	return timeout_put(t, ret);
}

long sys_pselect6(int n, uptr r, uptr w, uptr x, uptr timeout, uptr sig)
{
	struct timeout t = {.user = timeout, .put = abi_copyout_timespec};
	int err = timeout_get(&t, abi_copyin_timespec);

	return err ? err : do_pselect(n, r, w, x, &t, sig);
}

long sys_pselect6_time64(int n, uptr r, uptr w, uptr x, uptr timeout, uptr sig)
{
	struct timeout t = {.user = timeout, .put = abi_copyout_timespec64};
	int err = timeout_get(&t, abi_copyin_timespec64);

	return err ? err : do_pselect(n, r, w, x, &t, sig);
}

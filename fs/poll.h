// SPDX-License-Identifier: MIT
// Readiness. A file's poll op reports its events and, when a table is given, adds the caller to its
// wait queues.
#pragma once

#include "kern/files.h"
#include "kern/wait.h"
#include "lib/types.h"

#include <linux/eventpoll.h>
#include <linux/poll.h>

struct file;
struct poll_table {
	// Called by poll ops for each queue; NULL when only the state is asked for.
	void (*add)(struct poll_table *pt, struct file *f, struct waitqueue *wq);
	u32 events; // wanted
};
static inline void poll_add(struct poll_table *pt, struct file *f, struct waitqueue *wq)
{
	if (pt && pt->add)
		pt->add(pt, f, wq);
}
u32 file_poll(struct file *f, struct poll_table *pt); // EPOLL* mask

// One descriptor of poll(2) or select(2). A negative fd is skipped.
struct poll_item {
	int fd;
	// exactly these are waited for (poll(2)'s callers add EPOLLERR and EPOLLHUP); POLLNVAL: not
	// open
	u32 events, revents;
	struct fdref ref; // kern_poll's own
};
// Waits until an item is ready, a signal comes or the deadline (absolute clock_ns(), 0: do not
// wait, WAIT_FOREVER) is over. Number of items with revents, -EINTR, -ENOMEM.
long kern_poll(struct poll_item *items, u32 n, u64 deadline);

// SPDX-License-Identifier: MIT
// Streams as files. They look and behave like pipes: no position, no terminal, SIGPIPE when nobody
// reads.

#include "dev/stream.h"

#include "dev/vport.h"
#include "fs/poll.h"
#include "fs/vfs.h"
#include "kern/signal.h"
#include "kern/task.h"
#include "lib/fmt.h"
#include "machine/uaccess.h"

#include <asm/errno.h>
#include <asm/ioctls.h>
#include <linux/limits.h>

static long stream_read(struct file *f, struct uio *u, u64 *pos)
{
	struct vport *p = f->f_private;

	(void)pos;
	return p->p_rx_buf ? vport_read(p, u, f->f_flags & O_NONBLOCK) : 0;
}

static long stream_write(struct file *f, struct uio *u, u64 *pos)
{
	struct vport *p = f->f_private;

	(void)pos;
	long r = p->p_tx_buf ? vport_write(p, u, f->f_flags & O_NONBLOCK) : -EPIPE;
	if (r == -EPIPE)
		signal_send_self(SIGPIPE);
	return r;
}

static u32 stream_poll(struct file *f, struct poll_table *pt)
{
	struct vport *p = f->f_private;
	bool open = READ_ONCE(p->p_host_open);
	u32 events = 0;

	poll_add(pt, f, &p->p_wait);
	if (f->f_mode & FMODE_READ) {
		bool ready = vport_readable(p);
		if (ready && (p->p_rx_count || open))
			events |= EPOLLIN | EPOLLRDNORM;
		if (!open)
			events |= EPOLLHUP;
	}
	if (f->f_mode & FMODE_WRITE) {
		if (vport_writable(p, PIPE_BUF))
			events |= EPOLLOUT | EPOLLWRNORM;
		if (!open)
			events |= EPOLLERR;
	}
	return events;
}

static long stream_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct vport *p = f->f_private;
	u32 bytes = 0;

	if (cmd != FIONREAD)
		return -ENOTTY;
	if (p->p_rx_buf && vport_readable(p)) {
		u64 irq = spin_lock_irq(&p->p_lock);
		for (u32 i = 0; i < p->p_rx_count; i++)
			bytes += p->p_rx_len[p->p_rx_filled[(p->p_rx_first + i) % VIRTQ_MAX]];
		spin_unlock_irq(&p->p_lock, irq);
		bytes -= MIN(bytes, p->p_rx_off);
	}
	return put_user_u32(UPTR(arg), bytes);
}

// By /dev/stdout or /proc/self/fd/1: a further file on the same port.
static int stream_open(struct inode *i, struct file *f)
{
	struct vport *p = i->i_private;

	if (((f->f_mode & FMODE_READ) && !p->p_rx_buf) ||
	    ((f->f_mode & FMODE_WRITE) && !p->p_tx_buf))
		return -EACCES;
	f->f_private = p;
	f->f_mode |= FMODE_STREAM;
	return 0;
}

static const struct file_ops stream_ops = {
	.read = stream_read,
	.write = stream_write,
	.poll = stream_poll,
	.ioctl = stream_ioctl,
	.open = stream_open,
};

int stream_create(struct vport *p, u32 oflags, u32 uid, u32 gid, struct file **out)
{
	char name[32];
	struct inode *i = inode_create(anon_super(), S_IFIFO | 0600);

	if (!i)
		return -ENOMEM;
	i->i_fops = &stream_ops;
	i->i_private = p;
	i->i_uid = uid;
	i->i_gid = gid;
	fmt_snprintf(name, sizeof(name), "pipe:[%llu]", (unsigned long long)i->i_ino);
	int r = anon_file_create_inode(name, i, &stream_ops, p, oflags, out);
	if (r)
		inode_put(i);
	return r;
}

// SPDX-License-Identifier: MIT
// Terminals as files: finding one by device number, opening, reading, writing, polling, hanging up.
// A file that was open when the terminal was hung up stays dead; the terminal itself can be opened
// again.

#include "dev/tty.h"

#include "fs/poll.h"
#include "fs/uio.h"
#include "kern/log.h"
#include "kern/task.h"
#include "vm/slab.h"

#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/major.h>

#define TTYS_MAX 4u

static struct tty *ttys[TTYS_MAX]; // filled at boot
static struct slab_cache tty_file_slab = SLAB_CACHE(tty_file_slab, "tty_file", struct tty_file);
struct tty *console_tty;

static struct tty *tty_find(kdev dev)
{
	if (dev == KDEV(TTYAUX_MAJOR, 0))
		return tty_current();
	if (dev == KDEV(TTYAUX_MAJOR, 1))
		return console_tty;
	for (u32 i = 0; i < TTYS_MAX && ttys[i]; i++)
		if (ttys[i]->tt_dev == dev)
			return ttys[i];
	return NULL;
}

static int tty_open(struct inode *i, struct file *f)
{
	struct tty *t = tty_find(i->i_rdev);

	if (!t)
		return i->i_rdev == KDEV(TTYAUX_MAJOR, 1) ? -ENODEV : -ENXIO;
	struct tty_file *tf = slab_alloc(&tty_file_slab);
	if (!tf)
		return -ENOMEM;
	mutex_lock(&t->tt_lock);
	bool busy = t->tt_exclusive && !capable(CAP_SYS_ADMIN);
	if (!busy)
		t->tt_opens++;
	mutex_unlock(&t->tt_lock);
	if (busy) {
		slab_free(&tty_file_slab, tf);
		return -EBUSY;
	}
	tf->tf_tty = t;
	tf->tf_hangups = READ_ONCE(t->tt_hangups);
	tf->tf_console = i->i_rdev == KDEV(TTYAUX_MAJOR, 1);
	f->f_private = tf;
	f->f_mode |= FMODE_STREAM;
	// A session leader without a terminal gets this one, except through /dev/console (as on
	// Linux) and without a right to read. A refusal is no error of open.
	if (!(f->f_flags & O_NOCTTY) && i->i_rdev != KDEV(TTYAUX_MAJOR, 1) &&
	    f->f_mode & FMODE_READ && !tty_current())
		(void)tty_job_acquire(t, false);
	return 0;
}

static void tty_release(struct file *f)
{
	struct tty_file *tf = f->f_private;
	struct tty *t = tf->tf_tty;

	mutex_lock(&t->tt_lock);
	if (--t->tt_opens == 0)
		t->tt_exclusive = false;
	mutex_unlock(&t->tt_lock);
	slab_free(&tty_file_slab, tf);
}

static long tty_read(struct file *f, struct uio *u, u64 *pos)
{
	struct tty_file *tf = f->f_private;

	(void)pos;
	return tty_file_dead(tf) ? 0 : ldisc_read(tf, u, f->f_flags & O_NONBLOCK);
}

static long tty_write(struct file *f, struct uio *u, u64 *pos)
{
	struct tty_file *tf = f->f_private;

	(void)pos;
	if (tty_file_dead(tf))
		return -EIO;
	if (tf->tf_tty->tt_termios.c_lflag & TOSTOP) {
		int r = tty_job_check(tf->tf_tty, SIGTTOU);
		if (r)
			return r;
	}
	return tty_out_write(tf, u, f->f_flags & O_NONBLOCK);
}

static u32 tty_poll(struct file *f, struct poll_table *pt)
{
	struct tty_file *tf = f->f_private;
	struct tty *t = tf->tf_tty;
	u32 events = 0;

	poll_add(pt, f, &t->tt_read_wait);
	poll_add(pt, f, &t->tt_write_wait);
	if (tty_file_dead(tf))
		return EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDNORM | EPOLLWRNORM;
	mutex_lock(&t->tt_lock);
	if (ldisc_readable(t))
		events |= EPOLLIN | EPOLLRDNORM;
	mutex_unlock(&t->tt_lock);
	if (READ_ONCE(t->tt_out_head) - READ_ONCE(t->tt_out_tail) <= TTY_OUT_SIZE * 3 / 4)
		events |= EPOLLOUT | EPOLLWRNORM;
	return events;
}

const struct file_ops tty_file_ops = {
	.read = tty_read,
	.write = tty_write,
	.poll = tty_poll,
	.ioctl = tty_ioctl,
	.open = tty_open,
	.release = tty_release,
};

void tty_input_ready(struct tty *t)
{
	work_queue(&t->tt_work);
}

// The line is gone, or vhangup: whoever has the terminal open finds it dead, its session is told.
void tty_hangup(struct tty *t)
{
	__atomic_fetch_add(&t->tt_hangups, 1, __ATOMIC_SEQ_CST);
	tty_out_flush(t);
	mutex_lock(&t->tt_lock);
	ldisc_flush_input(t);
	mutex_unlock(&t->tt_lock);
	tty_signal_foreground(t, SIGHUP);
	tty_signal_foreground(t, SIGCONT);
	spin_lock(&tasklist_lock);
	struct session *s = t->tt_session;
	pid_t leader = s ? s->s_id : 0;
	spin_unlock(&tasklist_lock);
	struct process *p = leader ? process_find(leader) : NULL;
	if (p) {
		struct ksiginfo si = {.signo = SIGHUP, .code = SI_KERNEL};
		(void)signal_send_process(p, &si);
		process_put(p);
	}
	wait_wake_all(&t->tt_read_wait);
	wait_wake_all(&t->tt_write_wait);
}

void tty_set_winsize(struct tty *t, const struct winsize *ws)
{
	mutex_lock(&t->tt_lock);
	bool changed = t->tt_winsize.ws_row != ws->ws_row || t->tt_winsize.ws_col != ws->ws_col ||
		       t->tt_winsize.ws_xpixel != ws->ws_xpixel ||
		       t->tt_winsize.ws_ypixel != ws->ws_ypixel;
	t->tt_winsize = *ws;
	mutex_unlock(&t->tt_lock);
	if (changed)
		tty_signal_foreground(t, SIGWINCH);
}

void tty_register(struct tty *t, const char *name, kdev dev, const struct tty_ops *ops,
		  void *driver)
{
	u32 i = 0;

	t->tt_name = name;
	t->tt_dev = dev;
	t->tt_ops = ops;
	t->tt_driver = driver;
	mutex_init(&t->tt_lock, "tty", RANK_TTY);
	mutex_init(&t->tt_write_lock, "tty write", RANK_TTY);
	spin_init(&t->tt_out_lock, "tty output", RANK_TTY_OUT);
	wait_init(&t->tt_read_wait);
	wait_init(&t->tt_write_wait);
	ldisc_init(t);
	while (i < TTYS_MAX && ttys[i])
		i++;
	ASSERT(i < TTYS_MAX);
	ttys[i] = t;
	chardev_register(KDEV_MAJOR(dev), KDEV_MINOR(dev), 1, &tty_file_ops);
	int r = devfs_add(name, 0620, dev);
	if (r)
		log_printf("/dev/%s: error %d", name, r);
}

void tty_init(void)
{
	chardev_register(TTYAUX_MAJOR, 0, 2, &tty_file_ops);
}

// SPDX-License-Identifier: MIT
// Output of a terminal: processing (OPOST and its flags, termios(3)), the ring between programs and
// the device, and flow control. What must hold: only bytes that are in the ring whole are counted
// in tt_column.

#include "dev/tty.h"

#include "fs/poll.h"
#include "fs/uio.h"
#include "kern/task.h"

#include <asm/errno.h>

#define WRITE_CHUNK 256u // bytes brought from the program at a time

static u32 out_room(const struct tty *t)
{
	return TTY_OUT_SIZE - (t->tt_out_head - t->tt_out_tail);
}

static void out_put(struct tty *t, u8 c)
{
	t->tt_out[t->tt_out_head++ % TTY_OUT_SIZE] = c;
}

u32 tty_out_take(struct tty *t, u8 *buf, u32 n)
{
	u32 done = 0;

	if (t->tt_urgent && n) {
		buf[done++] = t->tt_urgent;
		t->tt_urgent = 0;
	}
	while (!t->tt_stopped && done < n && t->tt_out_tail != t->tt_out_head)
		buf[done++] = t->tt_out[t->tt_out_tail++ % TTY_OUT_SIZE];
	return done;
}

static bool is_control(u8 c)
{
	return c < 32 || c == 127;
}

static void put_counted(struct tty *t, u8 c)
{
	const struct termios2 *tio = &t->tt_termios;

	if (c == '\b') {
		if (t->tt_column)
			t->tt_column--;
	} else if (!is_control(c)) {
		if (tio->c_oflag & OLCUC && c >= 'a' && c <= 'z')
			c -= 'a' - 'A';
		// A UTF-8 character counts once, at its first byte.
		if (!(tio->c_iflag & IUTF8 && (c & 0xc0) == 0x80))
			t->tt_column++;
	}
	out_put(t, c);
}

static void put_newline(struct tty *t)
{
	u32 oflag = t->tt_termios.c_oflag;

	if (oflag & (ONLRET | ONLCR))
		t->tt_column = 0;
	if (oflag & ONLCR)
		out_put(t, '\r');
	out_put(t, '\n');
}

static void put_return(struct tty *t)
{
	u32 oflag = t->tt_termios.c_oflag;

	if (oflag & ONOCR && !t->tt_column)
		return;
	if (!(oflag & OCRNL) || oflag & ONLRET)
		t->tt_column = 0;
	out_put(t, oflag & OCRNL ? '\n' : '\r');
}

// One byte through output processing, whole or not at all. [O] held.
static bool out_char(struct tty *t, u8 c)
{
	u32 oflag = t->tt_termios.c_oflag;

	if (out_room(t) < 8) // a tab at its widest
		return false;
	if (!(oflag & OPOST)) {
		out_put(t, c);
	} else if (c == '\n') {
		put_newline(t);
	} else if (c == '\r') {
		put_return(t);
	} else if (c == '\t') {
		u32 n = 8 - (t->tt_column & 7);
		bool expand = (oflag & TABDLY) == XTABS;

		t->tt_column += n;
		for (u32 i = 0; expand && i < n; i++)
			out_put(t, ' ');
		if (!expand)
			out_put(t, c);
	} else {
		put_counted(t, c);
	}
	return true;
}

void tty_out_start(struct tty *t)
{
	u64 irq = spin_lock_irq(&t->tt_out_lock);

	t->tt_ops->start(t);
	spin_unlock_irq(&t->tt_out_lock, irq);
}

void tty_output_ready(struct tty *t)
{
	tty_out_start(t);
	wait_wake(&t->tt_write_wait, EPOLLOUT, 0);
}

void tty_out_echo(struct tty *t, u8 c)
{
	u64 irq = spin_lock_irq(&t->tt_out_lock);

	(void)out_char(t, c);
	spin_unlock_irq(&t->tt_out_lock, irq);
}

void tty_out_echo_string(struct tty *t, const char *s)
{
	while (*s)
		tty_out_echo(t, (u8)*s++);
}

void tty_out_flush(struct tty *t)
{
	u64 irq = spin_lock_irq(&t->tt_out_lock);

	t->tt_out_tail = t->tt_out_head;
	spin_unlock_irq(&t->tt_out_lock, irq);
	wait_wake(&t->tt_write_wait, EPOLLOUT, 0);
}

void tty_out_stop(struct tty *t, bool stop)
{
	u64 irq = spin_lock_irq(&t->tt_out_lock);

	t->tt_stopped = stop;
	t->tt_ops->start(t);
	spin_unlock_irq(&t->tt_out_lock, irq);
	if (!stop)
		wait_wake(&t->tt_write_wait, EPOLLOUT, 0);
}

void tty_out_urgent(struct tty *t, u8 c)
{
	u64 irq = spin_lock_irq(&t->tt_out_lock);

	t->tt_urgent = c;
	t->tt_ops->start(t);
	spin_unlock_irq(&t->tt_out_lock, irq);
}

u32 tty_out_pending(struct tty *t)
{
	u64 irq = spin_lock_irq(&t->tt_out_lock);
	u32 n = t->tt_out_head - t->tt_out_tail;

	spin_unlock_irq(&t->tt_out_lock, irq);
	return n + t->tt_ops->unsent(t);
}

int tty_out_drain(struct tty *t)
{
	u32 hangups = READ_ONCE(t->tt_hangups);

	return wait_event(&t->tt_write_wait,
			  !tty_out_pending(t) || READ_ONCE(t->tt_hangups) != hangups);
}

// As many of the bytes as there is room for.
static u32 out_chunk(struct tty *t, const u8 *buf, u32 n)
{
	u32 i = 0;
	u64 irq = spin_lock_irq(&t->tt_out_lock);

	while (i < n && out_char(t, buf[i]))
		i++;
	t->tt_ops->start(t);
	spin_unlock_irq(&t->tt_out_lock, irq);
	return i;
}

static bool out_has_room(struct tty *t)
{
	u64 irq = spin_lock_irq(&t->tt_out_lock);
	bool room = out_room(t) >= TTY_OUT_SIZE / 4;

	spin_unlock_irq(&t->tt_out_lock, irq);
	return room;
}

// tt_write_lock held. Bytes taken, or an errno when there were none.
static long write_all(struct tty_file *tf, struct uio *u, bool nonblock)
{
	struct tty *t = tf->tf_tty;
	u8 buf[WRITE_CHUNK];
	long total = 0;

	while (u->resid) {
		size_t want = MIN(u->resid, (size_t)sizeof(buf));
		u32 n = (u32)uio_read(u, buf, want), done = 0;

		if (!n)
			return total ? total : -EFAULT;
		for (;;) {
			if (tty_file_dead(tf))
				return total ? total : -EIO;
			u32 part = out_chunk(t, buf + done, n - done);
			done += part;
			total += part;
			if (done == n)
				break;
			if (nonblock)
				return total ? total : -EAGAIN;
			int r = wait_event(&t->tt_write_wait, out_has_room(t) || tty_file_dead(tf));
			if (r)
				return total ? total : r;
		}
	}
	return total;
}

// Writers take turns, so that what one write() puts out stays together.
long tty_out_write(struct tty_file *tf, struct uio *u, bool nonblock)
{
	struct tty *t = tf->tf_tty;

	if (nonblock) {
		if (!mutex_trylock(&t->tt_write_lock))
			return -EAGAIN;
	} else if (mutex_lock_interruptible(&t->tt_write_lock)) {
		return -ERESTARTSYS;
	}
	long r = write_all(tf, u, nonblock);
	mutex_unlock(&t->tt_write_lock);
	return r;
}

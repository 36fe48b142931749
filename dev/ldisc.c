// SPDX-License-Identifier: MIT
// The line discipline: from bytes of the device to what read(2) returns, with signals, echo and
// flow control on the way. Input is taken from the device only while there is room, except that a
// line which fills the whole buffer goes on being read for its end, as on Linux.

#include "dev/tty.h"

#include "fs/poll.h"
#include "fs/uio.h"
#include "kern/task.h"
#include "lib/bitmap.h"
#include "lib/string.h"

#include <asm/errno.h>

#define PULL_MAX   128u
#define DECISECOND (NSEC_PER_SEC / 10)

static bool iflag(const struct tty *t, u32 bits)
{
	return t->tt_termios.c_iflag & bits;
}

static bool lflag(const struct tty *t, u32 bits)
{
	return t->tt_termios.c_lflag & bits;
}

void ldisc_init(struct tty *t)
{
	static const struct termios2 defaults = {
		.c_iflag = ICRNL | IXON,
		.c_oflag = OPOST | ONLCR,
		.c_cflag = B38400 | CS8 | CREAD | HUPCL,
		.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
		.c_cc = {[VINTR] = 3,
			 [VQUIT] = 28,
			 [VERASE] = 127,
			 [VKILL] = 21,
			 [VEOF] = 4,
			 [VMIN] = 1,
			 [VSTART] = 17,
			 [VSTOP] = 19,
			 [VSUSP] = 26,
			 [VREPRINT] = 18,
			 [VDISCARD] = 15,
			 [VWERASE] = 23,
			 [VLNEXT] = 22},
		.c_ispeed = 38400,
		.c_ospeed = 38400,
	};

	t->tt_termios = defaults;
	work_init(&t->tt_work, ldisc_work);
}

// --- input ---

static u32 in_room(const struct tty *t)
{
	return TTY_IN_SIZE - (u32)(t->tt_in_head - t->tt_in_tail);
}

static void in_put(struct tty *t, u8 c, bool end)
{
	u32 at = t->tt_in_head++ % TTY_IN_SIZE;

	t->tt_in[at] = c;
	if (end)
		bitmap_set(t->tt_in_end, at);
	else
		bitmap_clear(t->tt_in_end, at);
}

// A byte of ordinary input. The last place is kept for the end of a line.
static void in_store(struct tty *t, u8 c)
{
	if (in_room(t) > 1)
		in_put(t, c, false);
	else if (iflag(t, IMAXBEL))
		tty_out_echo(t, '\a');
}

static void in_line_end(struct tty *t, u8 c)
{
	if (!in_room(t))
		return;
	in_put(t, c, true);
	t->tt_in_canon = t->tt_in_head;
}

static void echo(struct tty *t, u8 c)
{
	if (t->tt_in_canon == t->tt_in_head)
		t->tt_line_column = t->tt_column;
	ldisc_erase_done(t);
	if (lflag(t, ECHOCTL) && (c < 32 || c == 127) && c != '\t' && c != '\n') {
		tty_out_echo(t, '^');
		c ^= 0100;
	}
	tty_out_echo(t, c);
}

void ldisc_flush_input(struct tty *t)
{
	t->tt_in_tail = t->tt_in_canon = t->tt_in_head;
	t->tt_literal = t->tt_erasing = false;
	if (t->tt_throttled)
		tty_input_ready(t);
}

static void interrupt_signal(struct tty *t, u8 c, int signo)
{
	if (!lflag(t, NOFLSH)) {
		ldisc_flush_input(t);
		tty_out_flush(t);
	}
	if (iflag(t, IXON))
		tty_out_stop(t, false);
	if (lflag(t, ECHO))
		echo(t, c);
	tty_signal_foreground(t, signo);
}

// ISIG and IXON characters: true when c was one.
static bool receive_control(struct tty *t, u8 c)
{
	if (iflag(t, IXON)) {
		if (ldisc_is(t, VSTART, c)) {
			tty_out_stop(t, false);
			return true;
		}
		if (ldisc_is(t, VSTOP, c)) {
			tty_out_stop(t, true);
			return true;
		}
		if (iflag(t, IXANY) && t->tt_stopped)
			tty_out_stop(t, false);
	}
	if (!lflag(t, ISIG))
		return false;
	int signo = ldisc_is(t, VINTR, c)   ? SIGINT
		    : ldisc_is(t, VQUIT, c) ? SIGQUIT
		    : ldisc_is(t, VSUSP, c) ? SIGTSTP
					    : 0;
	if (signo)
		interrupt_signal(t, c, signo);
	return signo != 0;
}

// Canonical mode's line ends: true when c was one.
static bool receive_line_end(struct tty *t, u8 c)
{
	if (c == '\n') {
		if (lflag(t, ECHO | ECHONL)) {
			ldisc_erase_done(t);
			tty_out_echo(t, '\n');
		}
		in_line_end(t, '\n');
	} else if (ldisc_is(t, VEOF, c)) {
		in_line_end(t, '\0');
	} else if (ldisc_is(t, VEOL, c) || (ldisc_is(t, VEOL2, c) && lflag(t, IEXTEN))) {
		if (lflag(t, ECHO))
			echo(t, c);
		in_line_end(t, c);
	} else {
		return false;
	}
	return true;
}

static void receive_ordinary(struct tty *t, u8 c)
{
	if (lflag(t, ECHO))
		echo(t, c);
	// A 0xff is doubled under PARMRK, which marks errors by it (termios(3)).
	if (c == 0xff && iflag(t, PARMRK))
		in_store(t, c);
	in_store(t, c);
}

static void receive(struct tty *t, u8 c)
{
	if (iflag(t, ISTRIP))
		c &= 0x7f;
	if (iflag(t, IUCLC) && lflag(t, IEXTEN) && c >= 'A' && c <= 'Z')
		c += 'a' - 'A';
	if (t->tt_literal) {
		t->tt_literal = false;
		receive_ordinary(t, c);
		return;
	}
	if (receive_control(t, c))
		return;
	if (c == '\r') {
		if (iflag(t, IGNCR))
			return;
		if (iflag(t, ICRNL))
			c = '\n';
	} else if (c == '\n' && iflag(t, INLCR)) {
		c = '\r';
	}
	if (lflag(t, ICANON) && (ldisc_edit(t, c) || receive_line_end(t, c)))
		return;
	if (!lflag(t, ICANON) && c == '\n' && lflag(t, ECHO)) {
		// echo() counts columns from here on.
		tty_out_echo(t, c);
		in_store(t, c);
		return;
	}
	receive_ordinary(t, c);
}

// Tells the other side to stop or go on, under IXOFF.
static void throttle(struct tty *t, bool full)
{
	t->tt_throttled = full;
	if (iflag(t, IXOFF) && full != t->tt_xoff_sent) {
		t->tt_xoff_sent = full;
		tty_out_urgent(t, t->tt_termios.c_cc[full ? VSTOP : VSTART]);
	}
}

bool ldisc_readable(struct tty *t)
{
	const u8 *cc = t->tt_termios.c_cc;

	if (lflag(t, ICANON))
		return t->tt_in_canon != t->tt_in_tail;
	// poll(2): with a timer a single byte will do.
	return t->tt_in_head - t->tt_in_tail >= (cc[VTIME] || !cc[VMIN] ? 1u : cc[VMIN]);
}

// Full, and somebody could make room by reading.
static bool is_full(const struct tty *t)
{
	return in_room(t) <= 1 && !(lflag(t, ICANON) && t->tt_in_canon == t->tt_in_tail);
}

void ldisc_work(struct work *w)
{
	struct tty *t = container_of(w, struct tty, tt_work);
	u8 buf[PULL_MAX];
	int n = 0;

	mutex_lock(&t->tt_lock);
	for (;;) {
		if (is_full(t))
			break;
		// Each byte takes two places at most.
		u32 room = in_room(t) > 4 ? in_room(t) / 2 : 1;
		n = t->tt_ops->pull(t, buf, MIN(room, PULL_MAX));
		for (int i = 0; i < n; i++)
			receive(t, buf[i]);
		if (n <= 0)
			break;
	}
	throttle(t, is_full(t));
	bool readable = t->tt_in_head != t->tt_in_tail;
	mutex_unlock(&t->tt_lock);
	tty_out_start(t);
	if (readable)
		wait_wake(&t->tt_read_wait, EPOLLIN, 0);
	if (n < 0 && !t->tt_gone) {
		WRITE_ONCE(t->tt_gone, true);
		tty_hangup(t);
	}
}

// --- reading ---

u32 ldisc_bytes(struct tty *t)
{
	if (!lflag(t, ICANON))
		return (u32)(t->tt_in_head - t->tt_in_tail);
	u32 n = 0;
	for (u64 pos = t->tt_in_tail; pos < t->tt_in_canon; pos++)
		n += ldisc_at(t, pos) || !bitmap_test(t->tt_in_end, pos % TTY_IN_SIZE);
	return n;
}

// Moves n bytes from the tail: how many, fewer on a fault.
static size_t in_take(struct tty *t, struct uio *u, size_t n)
{
	size_t done = 0;

	while (done < n) {
		u32 at = t->tt_in_tail % TTY_IN_SIZE;
		size_t part = MIN(n - done, (size_t)(TTY_IN_SIZE - at));
		size_t moved = uio_write(u, t->tt_in + at, part);

		t->tt_in_tail += moved;
		done += moved;
		if (moved < part)
			break;
	}
	return done;
}

// One line, or as much of it as fits. Bytes, 0 for an end of file, -EFAULT.
static long read_line(struct tty *t, struct uio *u)
{
	u64 end = t->tt_in_tail;

	while (end < t->tt_in_canon && !bitmap_test(t->tt_in_end, end % TTY_IN_SIZE))
		end++;
	bool has_end = end < t->tt_in_canon;
	bool is_eof = has_end && !ldisc_at(t, end);
	size_t n = (size_t)(end - t->tt_in_tail) + (has_end && !is_eof);
	size_t want = MIN(n, u->resid), done = in_take(t, u, want);

	if (done < want)
		return done ? (long)done : -EFAULT;
	// The mark is taken with the line before it, or the next read would see an end of file of
	// its own.
	if (is_eof && done == n)
		t->tt_in_tail++;
	return (long)done;
}

static void after_read(struct tty *t)
{
	if (t->tt_throttled && !is_full(t)) {
		throttle(t, false);
		tty_input_ready(t);
	}
}

// What a raw read waits for: VMIN and VTIME (POSIX 11.1.7, "Non-Canonical Mode Input Processing").
struct raw_read {
	size_t min;
	u64 deadline;
};

static struct raw_read raw_begin(const struct tty *t)
{
	const u8 *cc = t->tt_termios.c_cc;
	struct raw_read rr = {cc[VMIN], WAIT_FOREVER};

	if (!cc[VMIN])
		rr.deadline = cc[VTIME] ? clock_ns() + cc[VTIME] * DECISECOND : 0;
	return rr;
}

static bool wait_over(struct tty_file *tf, u64 head)
{
	struct tty *t = tf->tf_tty;

	return tty_file_dead(tf) ||
	       (lflag(t, ICANON) ? READ_ONCE(t->tt_in_canon) != READ_ONCE(t->tt_in_tail)
				 : READ_ONCE(t->tt_in_head) != head);
}

// Sleeps without the lock until there is more input than up to now. 0, -ERESTARTSYS, -ETIMEDOUT.
static int wait_input(struct tty_file *tf, u64 deadline)
{
	struct tty *t = tf->tf_tty;
	u64 head = t->tt_in_head;

	mutex_unlock(&t->tt_lock);
	int r = wait_event_until(&t->tt_read_wait, wait_over(tf, head), TASK_INTERRUPTIBLE,
				 deadline);
	mutex_lock(&t->tt_lock);
	return r;
}

// tt_lock held, and given up while it sleeps. The mode may change meanwhile, so it is looked at in
// each turn.
static long read_locked(struct tty_file *tf, struct uio *u, bool nonblock)
{
	struct tty *t = tf->tf_tty;
	struct raw_read rr = raw_begin(t);
	long total = 0;

	for (;;) {
		if (tty_file_dead(tf))
			return total;
		if (lflag(t, ICANON)) {
			if (t->tt_in_canon != t->tt_in_tail)
				return total ? total : read_line(t, u);
			rr.deadline = WAIT_FOREVER;
		} else {
			size_t n = MIN((size_t)(t->tt_in_head - t->tt_in_tail), u->resid),
			       done = in_take(t, u, n);

			t->tt_in_canon = MAX(t->tt_in_canon, t->tt_in_tail);
			total += (long)done;
			if (done < n)
				return total ? total : -EFAULT;
			if (!u->resid || (total && (size_t)total >= rr.min))
				return total;
			if (!rr.deadline)
				return total;
			// Between bytes the timer starts anew.
			if (done && rr.min && t->tt_termios.c_cc[VTIME])
				rr.deadline = clock_ns() + t->tt_termios.c_cc[VTIME] * DECISECOND;
		}
		if (nonblock)
			return total ? total : -EAGAIN;
		int r = wait_input(tf, rr.deadline);
		if (r == -ETIMEDOUT)
			return total;
		if (r)
			return total ? total : r;
	}
}

long ldisc_read(struct tty_file *tf, struct uio *u, bool nonblock)
{
	struct tty *t = tf->tf_tty;
	int r = tty_job_check(t, SIGTTIN);

	if (r || !u->resid)
		return r;
	if (mutex_lock_interruptible(&t->tt_lock))
		return -ERESTARTSYS;
	long n = read_locked(tf, u, nonblock);
	after_read(t);
	mutex_unlock(&t->tt_lock);
	return n;
}

void ldisc_set_termios(struct tty *t, const struct termios2 *n)
{
	bool was = lflag(t, ICANON);
	u64 irq = spin_lock_irq(&t->tt_out_lock);

	t->tt_termios = *n;
	spin_unlock_irq(&t->tt_out_lock, irq);
	if (was == lflag(t, ICANON))
		return;
	// What is there becomes a line of its own; entering raw mode, it is all there to be read.
	memset(t->tt_in_end, 0, sizeof(t->tt_in_end));
	t->tt_literal = t->tt_erasing = false;
	if (lflag(t, ICANON) && t->tt_in_head != t->tt_in_tail) {
		bitmap_set(t->tt_in_end, (t->tt_in_head - 1) % TTY_IN_SIZE);
		t->tt_in_canon = t->tt_in_head;
	} else {
		t->tt_in_canon = t->tt_in_tail;
	}
	wait_wake(&t->tt_read_wait, EPOLLIN, 0);
}

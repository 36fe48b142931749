// SPDX-License-Identifier: MIT
// Canonical mode: what the editing characters do to the line that is being typed, and to what the
// screen shows of it (termios(3); the echoes are those of Linux's N_TTY). tt_lock is held
// throughout.

#include "dev/tty.h"

static bool flag(const struct tty *t, u32 lflag)
{
	return (t->tt_termios.c_lflag & lflag) == lflag;
}

static bool is_control(u8 c)
{
	return c < 32 || c == 127;
}

static bool is_continuation(const struct tty *t, u8 c)
{
	return t->tt_termios.c_iflag & IUTF8 && (c & 0xc0) == 0x80;
}

static bool is_word(u8 c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' ||
	       c >= 0x80;
}

// As it appears on the screen: ^X for control characters under ECHOCTL.
static void echo_visible(struct tty *t, u8 c)
{
	if (flag(t, ECHOCTL) && is_control(c) && c != '\t') {
		tty_out_echo(t, '^');
		c ^= 0100;
	}
	tty_out_echo(t, c);
}

void ldisc_erase_done(struct tty *t)
{
	if (t->tt_erasing)
		tty_out_echo(t, '/');
	t->tt_erasing = false;
}

// The column behind the edited line, as it was echoed from tt_line_column on.
static u32 line_column(const struct tty *t)
{
	u32 column = t->tt_line_column;

	for (u64 pos = t->tt_in_canon; pos < t->tt_in_head; pos++) {
		u8 c = ldisc_at(t, pos);

		if (c == '\t')
			column = (column | 7) + 1;
		else if (is_control(c))
			column += flag(t, ECHOCTL) ? 2 : 0;
		else if (!is_continuation(t, c))
			column++;
	}
	return column;
}

// Takes `c`, which is off the line already, off the screen.
static void rub_out(struct tty *t, u8 c)
{
	if (c == '\t') {
		u32 target = line_column(t);
		for (u32 now = (target | 7) + 1; now > target && t->tt_column > target; now--)
			tty_out_echo(t, '\b');
		return;
	}
	if (is_control(c) && flag(t, ECHOCTL))
		tty_out_echo_string(t, "\b \b");
	if (!is_control(c) || flag(t, ECHOCTL))
		tty_out_echo_string(t, "\b \b");
}

// Takes the last character off the line, all bytes of it.
static void erase_last(struct tty *t, u32 which)
{
	u64 end = t->tt_in_head;
	u8 c;

	do
		c = ldisc_at(t, --t->tt_in_head);
	while (is_continuation(t, c) && t->tt_in_head > t->tt_in_canon);
	if (!flag(t, ECHO))
		return;
	if (flag(t, ECHOPRT)) {
		if (!t->tt_erasing)
			tty_out_echo(t, '\\');
		t->tt_erasing = true;
		echo_visible(t, c);
		for (u64 pos = t->tt_in_head + 1; pos < end; pos++)
			tty_out_echo(t, ldisc_at(t, pos));
	} else if (which == VERASE && !flag(t, ECHOE)) {
		echo_visible(t, t->tt_termios.c_cc[VERASE]);
	} else {
		rub_out(t, c);
	}
}

static void erase_word(struct tty *t)
{
	bool in_word = false;

	while (t->tt_in_head > t->tt_in_canon) {
		bool word = is_word(ldisc_at(t, t->tt_in_head - 1));

		if (!word && in_word)
			break;
		in_word |= word;
		erase_last(t, VWERASE);
	}
}

static void kill_line(struct tty *t)
{
	if (!flag(t, ECHO)) {
		t->tt_in_head = t->tt_in_canon;
	} else if (flag(t, ECHOK | ECHOKE | ECHOE)) {
		while (t->tt_in_head > t->tt_in_canon)
			erase_last(t, VKILL);
	} else {
		t->tt_in_head = t->tt_in_canon;
		ldisc_erase_done(t);
		echo_visible(t, t->tt_termios.c_cc[VKILL]);
		if (flag(t, ECHOK))
			tty_out_echo(t, '\n');
	}
}

static void reprint(struct tty *t)
{
	ldisc_erase_done(t);
	echo_visible(t, t->tt_termios.c_cc[VREPRINT]);
	tty_out_echo(t, '\n');
	t->tt_line_column = 0;
	for (u64 pos = t->tt_in_canon; pos < t->tt_in_head; pos++)
		echo_visible(t, ldisc_at(t, pos));
}

bool ldisc_edit(struct tty *t, u8 c)
{
	bool extended = flag(t, IEXTEN);
	bool empty = t->tt_in_head == t->tt_in_canon;

	if (ldisc_is(t, VERASE, c)) {
		if (!empty)
			erase_last(t, VERASE);
	} else if (ldisc_is(t, VKILL, c)) {
		if (!empty)
			kill_line(t);
	} else if (extended && ldisc_is(t, VWERASE, c)) {
		erase_word(t);
	} else if (extended && ldisc_is(t, VLNEXT, c)) {
		t->tt_literal = true;
		if (flag(t, ECHO)) {
			ldisc_erase_done(t);
			if (flag(t, ECHOCTL))
				tty_out_echo_string(t, "^\b");
		}
	} else if (extended && flag(t, ECHO) && ldisc_is(t, VREPRINT, c)) {
		reprint(t);
	} else {
		return false;
	}
	if (t->tt_erasing && t->tt_in_head == t->tt_in_canon)
		ldisc_erase_done(t);
	return true;
}

// SPDX-License-Identifier: MIT
// Terminals: a line discipline between a device's bytes and programs, and job control (POSIX
// chapter 11, "General Terminal Interface"). A device calls tty_input_ready and tty_output_ready,
// from interrupts too; the line discipline itself runs in tasks. Locks, in this order: [W]
// tt_write_lock, [L] tt_lock, [T] tasklist_lock, [O] tt_out_lock (interrupts off).
#pragma once

#include "dev/work.h"
#include "fs/vfs.h"
#include "kern/lock.h"
#include "kern/signal.h"
#include "kern/wait.h"
#include "lib/types.h"

#include <asm/termbits.h>
#include <asm/termios.h>

struct poll_table;
struct session;
struct tty;
struct uio;

#define TTY_IN_SIZE \
	4096u // also the longest line, with its newline (MAX_CANON + 1 is 4096 on Linux)
#define TTY_OUT_SIZE 8192u

struct tty_ops {
	// Up to n bytes of input: how many, 0 for none now, negative: the line is dead. In a task.
	int (*pull)(struct tty *t, u8 *buf, u32 n);
	// Takes bytes by tty_out_take while the device has room, and calls tty_output_ready when it
	// has room again. [O] held.
	void (*start)(struct tty *t);
	// Operations that only this device has; may be NULL.
	long (*ioctl)(struct tty *t, u32 cmd, u64 arg); // -ENOTTY
	u32 (*unsent)(struct tty *t); // bytes the device has not put out yet; [O] not held
};

struct tty {
	const char *tt_name; // below /dev
	kdev tt_dev;
	const struct tty_ops *tt_ops;
	void *tt_driver;
	struct mutex tt_lock, tt_write_lock;
	struct spinlock tt_out_lock;
	struct work tt_work; // input
	struct waitqueue tt_read_wait, tt_write_wait;
	struct termios2 tt_termios; // [L] and [O] to change, either to read
	struct winsize tt_winsize;  // [L]
	u32 tt_hangups;		    // [A] files opened before the last hangup are dead
	u32 tt_opens;		    // [L] open files
	bool tt_gone;		    // [A] the line itself is dead, for good
	bool tt_exclusive;	    // [L] TIOCEXCL

	// Input. Positions count bytes for ever: tail <= canon <= head <= tail + TTY_IN_SIZE. In
	// canonical mode [tail, canon) are whole lines and [canon, head) the one being edited; a
	// bit in tt_in_end marks the last byte of a line, a NUL there stands for an end of file.
	u8 tt_in[TTY_IN_SIZE];			 // [L]
	u64 tt_in_end[TTY_IN_SIZE / 64];	 // [L]
	u64 tt_in_tail, tt_in_canon, tt_in_head; // [L]
	u32 tt_line_column;			 // [L] output column where the edited line began
	bool tt_literal;   // [L] VLNEXT was typed: take the next byte as it is
	bool tt_erasing;   // [L] inside \…/ of ECHOPRT
	bool tt_throttled; // [L] input was left in the device for lack of room
	bool tt_xoff_sent; // [L] IXOFF: the other side was told to stop

	// Output, after processing.
	u8 tt_out[TTY_OUT_SIZE];      // [O]
	u32 tt_out_head, tt_out_tail; // [O] counters
	u32 tt_column;		      // [O]
	bool tt_stopped;	      // [O] ^S or TCOOFF
	u8 tt_urgent;		      // [O] START or STOP to be sent before all else; 0: none

	struct session *tt_session; // [T] the one that it controls
	pid_t tt_pgrp;		    // [T] foreground process group
};

// What an open file of a terminal has in f_private.
struct tty_file {
	struct tty *tf_tty;
	u32 tf_hangups;
	bool tf_console; // opened as /dev/console, which outlives vhangup and sessions (as on
			 // Linux)
};

extern const struct file_ops tty_file_ops;
extern struct tty *console_tty; // behind /dev/console

// Makes the terminal known by device number and as /dev/NAME. The object is the driver's and never
// goes away.
void tty_register(struct tty *t, const char *name, kdev dev, const struct tty_ops *ops,
		  void *driver);
void tty_init(void); // /dev/tty and /dev/console
void tty_input_ready(struct tty *t);
void tty_output_ready(struct tty *t);
void tty_hangup(struct tty *t);
void tty_set_winsize(struct tty *t, const struct winsize *ws);
static inline bool tty_file_dead(const struct tty_file *tf)
{
	const struct tty *t = tf->tf_tty;

	return READ_ONCE(t->tt_gone) ||
	       (!tf->tf_console && tf->tf_hangups != READ_ONCE(t->tt_hangups));
}
long tty_ioctl(struct file *f, u32 cmd, u64 arg);

// --- dev/tty_out.c ---
u32 tty_out_take(struct tty *t, u8 *buf, u32 n); // [O] held; 0 while stopped
long tty_out_write(struct tty_file *tf, struct uio *u, bool nonblock);
// processed like program output; dropped when there is no room
void tty_out_echo(struct tty *t, u8 c);
void tty_out_echo_string(struct tty *t, const char *s);
void tty_out_start(struct tty *t);
void tty_out_flush(struct tty *t); // forgets what the device has not got
void tty_out_stop(struct tty *t, bool stop);
void tty_out_urgent(struct tty *t, u8 c); // before everything else, even while stopped
int tty_out_drain(struct tty *t);	  // 0 or -ERESTARTSYS
u32 tty_out_pending(struct tty *t);

// --- dev/ldisc.c and dev/ldisc_edit.c ---
void ldisc_init(struct tty *t); // termios to the defaults
void ldisc_work(struct work *w);
long ldisc_read(struct tty_file *tf, struct uio *u, bool nonblock);
bool ldisc_readable(struct tty *t);				 // for poll; [L] held
u32 ldisc_bytes(struct tty *t);					 // FIONREAD; [L] held
void ldisc_flush_input(struct tty *t);				 // [L] held
void ldisc_set_termios(struct tty *t, const struct termios2 *n); // [L] held
bool ldisc_edit(struct tty *t, u8 c); // canonical mode's editing characters: was it one? [L] held
void ldisc_erase_done(struct tty *t);
static inline u8 ldisc_at(const struct tty *t, u64 pos)
{
	return t->tt_in[pos % TTY_IN_SIZE];
}
static inline bool ldisc_is(const struct tty *t, u32 which, u8 c)
{
	return c && c == t->tt_termios.c_cc[which]; // NUL: no such character (_POSIX_VDISABLE)
}

// --- dev/tty_job.c ---
struct tty *tty_current(void); // controlling terminal of current, or NULL
// May current write (SIGTTOU) or change the terminal, or read (SIGTTIN)? 0; -EIO; -ERESTARTSYS, the
// signal is sent.
int tty_job_check(struct tty *t, int signo);
void tty_signal_foreground(struct tty *t, int signo);
// Makes t the controlling terminal of current's session: 0, -EPERM. steal: TIOCSCTTY with
// argument 1.
int tty_job_acquire(struct tty *t, bool steal);
int tty_job_release(struct tty *t); // TIOCNOTTY
int tty_job_set_pgrp(struct tty *t, pid_t pgrp);
int tty_job_get_pgrp(struct tty *t, pid_t *pgrp);
int tty_job_get_session(struct tty *t, pid_t *sid);
// A session leader ends: its terminal is hung up and free for another session. No lock held.
void tty_session_exit(struct session *s);
// for /proc: Linux's device number, 0: none; tasklist_lock held
u32 tty_session_dev(const struct session *s, pid_t *pgrp);

// SPDX-License-Identifier: MIT
// Control operations of terminals (ioctl_tty(2)). termios, termios2, termio and winsize are the
// same bytes in all three ABIs, so they are copied as they are.

#include "dev/tty.h"

#include "kern/task.h"
#include "lib/string.h"
#include "machine/uaccess.h"

#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/tty.h>

BUILD_ASSERT(sizeof(struct termios) == 36 && sizeof(struct termios2) == 44 &&
	     sizeof(struct termio) == 18);

// The bits per second behind a Bxxx code; 0 for B0 and BOTHER (which names its speed itself).
static u32 speed_of(u32 code)
{
	static const u32 low[] = {0,   50,   75,   110,	 134,  150,  200,   300,
				  600, 1200, 1800, 2400, 4800, 9600, 19200, 38400};
	static const u32 high[] = {0,	    57600,   115200,  230400,  460800,	500000,
				   576000,  921600,  1000000, 1152000, 1500000, 2000000,
				   2500000, 3000000, 3500000, 4000000};

	return code & CBAUDEX ? high[code & 15] : low[code & 15];
}

// Speeds mean nothing to the device; they are kept because programs set and compare them.
static void fill_speeds(struct termios2 *tio)
{
	u32 out = tio->c_cflag & CBAUD, in = tio->c_cflag >> IBSHIFT & CBAUD;

	if (out != BOTHER)
		tio->c_ospeed = speed_of(out);
	if (!in)
		tio->c_ispeed = tio->c_ospeed;
	else if (in != BOTHER)
		tio->c_ispeed = speed_of(in);
}

static void from_termio(struct termios2 *tio, const struct termio *old)
{
	tio->c_iflag = (tio->c_iflag & 0xffff0000) | old->c_iflag;
	tio->c_oflag = (tio->c_oflag & 0xffff0000) | old->c_oflag;
	tio->c_cflag = (tio->c_cflag & 0xffff0000) | old->c_cflag;
	tio->c_lflag = (tio->c_lflag & 0xffff0000) | old->c_lflag;
	memcpy(tio->c_cc, old->c_cc, NCC);
}

static struct termios2 get_termios(struct tty *t)
{
	mutex_lock(&t->tt_lock);
	struct termios2 tio = t->tt_termios;
	mutex_unlock(&t->tt_lock);
	return tio;
}

static long ioctl_get(struct tty *t, u32 cmd, uptr arg)
{
	struct termios2 tio = get_termios(t);

	if (cmd == TCGETS2)
		return copyout(arg, &tio, sizeof(tio));
	if (cmd == TCGETS) // the same up to the speeds
		return copyout(arg, &tio, sizeof(struct termios));
	struct termio old = {
		(u16)tio.c_iflag, (u16)tio.c_oflag, (u16)tio.c_cflag, (u16)tio.c_lflag, 0, {0}};
	memcpy(old.c_cc, tio.c_cc, NCC);
	return copyout(arg, &old, sizeof(old));
}

// when: TCSANOW, TCSADRAIN (after output is out), TCSAFLUSH (and input forgotten).
static long set_termios(struct tty *t, struct termios2 *tio, int when)
{
	int r = tty_job_check(t, SIGTTOU);

	if (!r && when != TCSANOW)
		r = tty_out_drain(t);
	if (r)
		return r;
	fill_speeds(tio);
	tio->c_line = 0;
	mutex_lock(&t->tt_lock);
	if (when == TCSAFLUSH)
		ldisc_flush_input(t);
	ldisc_set_termios(t, tio);
	mutex_unlock(&t->tt_lock);
	return 0;
}

static long ioctl_set(struct tty *t, u32 cmd, uptr arg)
{
	struct termios2 tio = get_termios(t);
	struct termio old;
	int r;

	switch (cmd) {
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		r = copyin(&tio, arg, sizeof(struct termios));
		return r ? r : set_termios(t, &tio, (int)(cmd - TCSETS));
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
		r = copyin(&tio, arg, sizeof(tio));
		return r ? r : set_termios(t, &tio, (int)(_IOC_NR(cmd) - _IOC_NR(TCSETS2)));
	default:
		r = copyin(&old, arg, sizeof(old));
		if (r)
			return r;
		from_termio(&tio, &old);
		return set_termios(t, &tio, (int)(cmd - TCSETA));
	}
}

static long ioctl_flow(struct tty *t, u64 what)
{
	int r = tty_job_check(t, SIGTTOU);

	if (r)
		return r;
	switch (what) {
	case TCOOFF:
	case TCOON:
		tty_out_stop(t, what == TCOOFF);
		return 0;
	case TCIOFF:
	case TCION:
		tty_out_urgent(t, t->tt_termios.c_cc[what == TCIOFF ? VSTOP : VSTART]);
		return 0;
	default:
		return -EINVAL;
	}
}

static long ioctl_flush(struct tty *t, u64 what)
{
	int r = tty_job_check(t, SIGTTOU);

	if (r)
		return r;
	if (what > TCIOFLUSH)
		return -EINVAL;
	if (what != TCOFLUSH) {
		mutex_lock(&t->tt_lock);
		ldisc_flush_input(t);
		mutex_unlock(&t->tt_lock);
	}
	if (what != TCIFLUSH)
		tty_out_flush(t);
	return 0;
}

// There is no line on which a break could be seen: tcdrain's half is all that is left of TCSBRK.
static long ioctl_break(struct tty *t)
{
	int r = tty_job_check(t, SIGTTOU);

	return r ? r : tty_out_drain(t);
}

static long ioctl_winsize(struct tty *t, u32 cmd, uptr arg)
{
	struct winsize ws;

	if (cmd == TIOCSWINSZ) {
		if (copyin(&ws, arg, sizeof(ws)))
			return -EFAULT;
		tty_set_winsize(t, &ws);
		return 0;
	}
	mutex_lock(&t->tt_lock);
	ws = t->tt_winsize;
	mutex_unlock(&t->tt_lock);
	return copyout(arg, &ws, sizeof(ws));
}

static long put_id(uptr arg, int r, pid_t id)
{
	return r ? r : put_user_u32(arg, (u32)id);
}

static long ioctl_job(struct file *f, struct tty *t, u32 cmd, u64 arg)
{
	pid_t id = 0;
	u32 v;
	int r;

	switch (cmd) {
	case TIOCSCTTY:
		if (!(f->f_mode & FMODE_READ) && !capable(CAP_SYS_ADMIN))
			return -EPERM;
		return tty_job_acquire(t, arg == 1);
	case TIOCNOTTY:
		return tty_job_release(t);
	case TIOCGPGRP:
		r = tty_job_get_pgrp(t, &id);
		return put_id(UPTR(arg), r, id);
	case TIOCGSID:
		r = tty_job_get_session(t, &id);
		return put_id(UPTR(arg), r, id);
	default:
		r = get_user_u32(&v, UPTR(arg));
		return r ? r : tty_job_set_pgrp(t, (pid_t)v);
	}
}

static long ioctl_count(struct tty *t, u32 cmd, uptr arg)
{
	if (cmd == TIOCOUTQ)
		return put_user_u32(arg, tty_out_pending(t));
	mutex_lock(&t->tt_lock);
	u32 n = ldisc_bytes(t);
	mutex_unlock(&t->tt_lock);
	return put_user_u32(arg, n);
}

static long ioctl_exclusive(struct tty *t, u32 cmd, uptr arg)
{
	mutex_lock(&t->tt_lock);
	bool exclusive = t->tt_exclusive;
	if (cmd != TIOCGEXCL)
		t->tt_exclusive = cmd == TIOCEXCL;
	mutex_unlock(&t->tt_lock);
	return cmd == TIOCGEXCL ? put_user_u32(arg, exclusive) : 0;
}

// Only N_TTY exists.
static long ioctl_discipline(u32 cmd, uptr arg)
{
	u32 v;

	if (cmd == TIOCGETD)
		return put_user_u32(arg, N_TTY);
	if (get_user_u32(&v, arg))
		return -EFAULT;
	return v == N_TTY ? 0 : -EINVAL;
}

static long ioctl_software_carrier(struct tty *t, u32 cmd, uptr arg)
{
	u32 v;

	if (cmd == TIOCGSOFTCAR)
		return put_user_u32(arg, !!(t->tt_termios.c_cflag & CLOCAL));
	if (get_user_u32(&v, arg))
		return -EFAULT;
	struct termios2 tio = get_termios(t);
	tio.c_cflag = v ? tio.c_cflag | CLOCAL : tio.c_cflag & ~(u32)CLOCAL;
	return set_termios(t, &tio, TCSANOW);
}

static long ioctl_rare(struct tty *t, u32 cmd, u64 arg)
{
	switch (cmd) {
	case TIOCEXCL:
	case TIOCNXCL:
	case TIOCGEXCL:
		return ioctl_exclusive(t, cmd, UPTR(arg));
	case TIOCGETD:
	case TIOCSETD:
		return ioctl_discipline(cmd, UPTR(arg));
	case TIOCGSOFTCAR:
	case TIOCSSOFTCAR:
		return ioctl_software_carrier(t, cmd, UPTR(arg));
	case TIOCGDEV:
		return put_user_u32(UPTR(arg),
				    (KDEV_MINOR(t->tt_dev) & 0xff) | KDEV_MAJOR(t->tt_dev) << 8);
	case TIOCVHANGUP:
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		tty_hangup(t);
		return 0;
	case TIOCSTI: // putting words into another's mouth: Linux lets it be switched off
		      // (legacy_tiocsti) with this errno
		return -EIO;
	default:
		return t->tt_ops->ioctl ? t->tt_ops->ioctl(t, cmd, arg) : -ENOTTY;
	}
}

long tty_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct tty_file *tf = f->f_private;
	struct tty *t = tf->tf_tty;

	if (tty_file_dead(tf))
		return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
	switch (cmd) {
	case TCGETS:
	case TCGETS2:
	case TCGETA:
		return ioctl_get(t, cmd, UPTR(arg));
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
	case TCSETA:
	case TCSETAW:
	case TCSETAF:
		return ioctl_set(t, cmd, UPTR(arg));
	case TCSBRK:
	case TCSBRKP:
		return ioctl_break(t);
	case TCXONC:
		return ioctl_flow(t, arg);
	case TCFLSH:
		return ioctl_flush(t, arg);
	case TIOCGWINSZ:
	case TIOCSWINSZ:
		return ioctl_winsize(t, cmd, UPTR(arg));
	case TIOCINQ:
	case TIOCOUTQ:
		return ioctl_count(t, cmd, UPTR(arg));
	case TIOCSCTTY:
	case TIOCNOTTY:
	case TIOCGPGRP:
	case TIOCSPGRP:
	case TIOCGSID:
		return ioctl_job(f, t, cmd, arg);
	default:
		return ioctl_rare(t, cmd, arg);
	}
}

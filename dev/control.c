// SPDX-License-Identifier: MIT
// The control protocol. Frames from the host are gathered in a small buffer by the device task; a
// frame that is too long for it is skipped, so that a newer launcher does no harm.

#include "dev/control.h"

#include "dev/tty.h"
#include "dev/virtio_console.h"
#include "dev/work.h"
#include "kern/log.h"
#include "kern/task.h"
#include "lib/string.h"

#include <asm/errno.h>
#include <asm/termios.h>

#define VERSION	      1
#define FRAME_HELLO   1
#define FRAME_EXIT    2
#define FRAME_SIGNAL  16
#define FRAME_WINSIZE 17
#define HEADER	      8u

#define RX_BUFFERS 2
#define TX_SIZE	   8192u
#define TEXT_MAX   1000u
#define EXIT_WAIT  (2 * NSEC_PER_SEC)
#define PANIC_WAIT (300 * NSEC_PER_MSEC)

static struct vport *port;
static struct waitqueue port_wait = WAITQUEUE(port_wait);
static struct work input_work;
static pid_t target_pgrp; // 0: nobody yet
static struct tty *target_tty;
static bool exit_sent;

// What has come of the current frame; `skip` bytes of a frame that is too long are still to be
// thrown away.
static u8 frame[64];
static u32 frame_fill, skip;

static u32 word(const u8 *p)
{
	return (u32)p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
}

static void put_word(u8 *p, u32 v)
{
	for (u32 i = 0; i < 4; i++)
		p[i] = (u8)(v >> (8 * i));
}

static void signal_group(int signo)
{
	struct ksiginfo si = {.signo = signo, .code = SI_KERNEL};

	if (signo < 1 || signo > KSIG_MAX)
		return;
	spin_lock(&tasklist_lock);
	struct pgroup *g = target_pgrp ? pgroup_find_locked(target_pgrp) : NULL;
	if (g)
		signal_send_pgroup_locked(g, &si);
	spin_unlock(&tasklist_lock);
}

static void frame_handle(u32 type, const u8 *payload, u32 len)
{
	if (type == FRAME_SIGNAL && len >= 4)
		signal_group((int)word(payload));
	if (type == FRAME_WINSIZE && len >= 8 && target_tty) {
		struct winsize ws = {.ws_row = (u16)word(payload),
				     .ws_col = (u16)word(payload + 4)};
		tty_set_winsize(target_tty, &ws);
	}
}

// True when a frame was complete.
static bool frame_next(void)
{
	if (frame_fill < HEADER)
		return false;
	u32 len = word(frame + 4);
	if (len > sizeof(frame) - HEADER) {
		skip = len - (frame_fill - HEADER);
		frame_fill = 0;
		return true;
	}
	if (frame_fill < HEADER + len)
		return false;
	frame_handle(word(frame), frame + HEADER, len);
	frame_fill -= HEADER + len;
	memmove(frame, frame + HEADER + len, frame_fill);
	return true;
}

static void input_run(struct work *w)
{
	u8 waste[64];

	(void)w;
	while (vport_readable(port)) {
		u32 n = skip ? vport_get(port, waste, MIN(skip, (u32)sizeof(waste)))
			     : vport_get(port, frame + frame_fill, (u32)sizeof(frame) - frame_fill);
		if (!n)
			return; // the host's end is closed
		if (skip)
			skip -= n;
		else
			frame_fill += n;
		while (!skip && frame_next())
			;
	}
}

static void input_ready(struct vport *p)
{
	(void)p;
	work_queue(&input_work);
}

static u32 exit_frame(u8 *buf, enum control_exit_kind kind, u32 value, const char *text)
{
	u32 len = (u32)strnlen(text, TEXT_MAX);

	put_word(buf, FRAME_EXIT);
	put_word(buf + 4, 8 + len);
	put_word(buf + 8, kind);
	put_word(buf + 12, value);
	memcpy(buf + 16, text, len);
	return 16 + len;
}

static void panic_report(const char *message)
{
	u8 buf[16 + TEXT_MAX];

	if (exit_sent)
		return;
	exit_sent = true;
	vport_put_polled(port, buf, exit_frame(buf, CONTROL_FAILURE, 0, message), PANIC_WAIT);
}

// In the interrupt that tells that the host's end is open.
static void port_open(struct vport *p)
{
	u8 hello[HEADER + 4];

	if (port || vcon_adopt(p, RX_BUFFERS, TX_SIZE))
		return;
	port = p;
	log_panic_hook = panic_report;
	put_word(hello, FRAME_HELLO);
	put_word(hello + 4, 4);
	put_word(hello + HEADER, VERSION);
	vport_put(port, hello, sizeof(hello));
	port->p_rx_ready = input_ready;
	work_queue(&input_work);
	wait_wake_all(&port_wait);
}

void control_init(void)
{
	work_init(&input_work, input_run);
	vcon_watch("postern.control", port_open);
}

int control_wait(u64 deadline)
{
	(void)wait_event_until(&port_wait, READ_ONCE(port), TASK_UNINTERRUPTIBLE, deadline);
	return port ? 0 : -ENODEV;
}

bool control_is_open(void)
{
	return READ_ONCE(port) != NULL;
}

void control_set_target(pid_t pgrp, struct tty *tty)
{
	target_tty = tty;
	target_pgrp = pgrp;
}

void control_exit(enum control_exit_kind kind, u32 value, const char *text)
{
	u8 buf[16 + TEXT_MAX];

	if (!port || __atomic_exchange_n(&exit_sent, true, __ATOMIC_SEQ_CST))
		return;
	vport_put(port, buf, exit_frame(buf, kind, value, text));
	vport_drain(port, clock_ns() + EXIT_WAIT);
}

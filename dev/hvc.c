// SPDX-License-Identifier: MIT
// The virtio port postern.console as a terminal, and the flush of everything that goes to the host.

#include "dev/console.h"
#include "dev/tty.h"
#include "dev/virtio_console.h"
#include "kern/task.h"

#include <asm/errno.h>

#define HVC_MAJOR   229 // as Linux's hvc driver has it (Documentation/admin-guide/devices.txt)
#define RX_BUFFERS  8
#define TX_SIZE	    16384u
#define START_CHUNK 256u

static struct tty hvc_tty;

static int hvc_pull(struct tty *t, u8 *buf, u32 n)
{
	struct vport *p = t->tt_driver;

	for (;;) {
		u32 got = vport_get(p, buf, n);
		if (got)
			return (int)got;
		if (!vport_readable(p))
			return 0;
		if (!READ_ONCE(p->p_host_open) && !p->p_rx_count)
			return -EIO;
	}
}

// Only what is sure to fit is taken out of the terminal's ring.
static void hvc_start(struct tty *t)
{
	struct vport *p = t->tt_driver;
	u8 buf[START_CHUNK];
	u32 n;

	do {
		if (!vport_writable(p, START_CHUNK))
			return; // the port calls when there is room
		n = tty_out_take(t, buf, START_CHUNK);
		if (n)
			vport_put(p, buf, n);
	} while (n == START_CHUNK);
}

static u32 hvc_unsent(struct tty *t)
{
	struct vport *p = t->tt_driver;

	return vport_writable(p, p->p_tx_size) ? 0 : vport_unsent(p);
}

static const struct tty_ops hvc_ops = {.pull = hvc_pull, .start = hvc_start, .unsent = hvc_unsent};

static void hvc_rx_ready(struct vport *p)
{
	tty_input_ready(p->p_owner);
}

static void hvc_tx_ready(struct vport *p)
{
	tty_output_ready(p->p_owner);
}

int hvc_init(const struct winsize *ws, u64 deadline, struct tty **out)
{
	struct vport *p;
	int r = vcon_open("postern.console", RX_BUFFERS, TX_SIZE, deadline, &p);

	if (r)
		return r;
	tty_register(&hvc_tty, "hvc0", KDEV(HVC_MAJOR, 0), &hvc_ops, p);
	hvc_tty.tt_winsize = *ws;
	hvc_tty.tt_termios.c_iflag |= IUTF8;
	p->p_owner = &hvc_tty;
	r = vcon_wait_open(p, deadline);
	p->p_rx_ready = hvc_rx_ready;
	p->p_tx_ready = hvc_tx_ready;
	tty_input_ready(&hvc_tty);
	*out = &hvc_tty;
	return r ? -ENODEV : 0;
}

static void drain_port(struct vport *p, void *deadline)
{
	vport_drain(p, *(u64 *)deadline);
}

void console_flush_all(u64 deadline)
{
	// A stopped terminal (^S) would never be done.
	if (console_tty) {
		tty_out_stop(console_tty, false);
		(void)wait_event_until(&console_tty->tt_write_wait, !tty_out_pending(console_tty),
				       TASK_UNINTERRUPTIBLE, deadline);
	}
	vcon_for_each(drain_port, &deadline);
}

// SPDX-License-Identifier: MIT
// COM1, a 16550A, as a terminal. The kernel log shares the port (machine/serial.h) and writes past
// us: bytes may mix, but none is lost, for each of us waits for the transmitter. Without an
// interrupt line the port is polled.

#include "machine/serial.h"
#include "dev/console.h"
#include "dev/tty.h"
#include "kern/log.h"
#include "kern/time.h"
#include "machine/io.h"
#include "machine/irq.h"
#include "machine/uaccess.h"

#include <asm/errno.h>
#include <asm/ioctls.h>
#include <linux/major.h>
#include <linux/serial.h>
#include <linux/serial_reg.h>

#define RING_SIZE  1024u
#define FIFO_DEPTH 16u
#define POLL_NS	   (5 * NSEC_PER_MSEC)

static struct tty serial_tty;
// Received bytes, and the interrupt enable register; inside [O] or alone.
static struct spinlock ring_lock = SPINLOCK("serial", RANK_DEV);
static u8 ring[RING_SIZE];
static u32 ring_head, ring_tail;
static u8 enabled;
static struct timer poll_timer;

static void ier_set_locked(u8 bits, bool on)
{
	u8 v = on ? enabled | bits : enabled & (u8)~bits;

	if (v != enabled) {
		enabled = v;
		outb(SERIAL_PORT + UART_IER, v);
	}
}

static void ier_set(u8 bits, bool on)
{
	u64 irq = spin_lock_irq(&ring_lock);

	ier_set_locked(bits, on);
	spin_unlock_irq(&ring_lock, irq);
}

static bool transmitter_empty(void)
{
	return inb(SERIAL_PORT + UART_LSR) & UART_LSR_THRE;
}

// An empty transmitter has room for a whole FIFO.
static void serial_start(struct tty *t)
{
	u8 buf[FIFO_DEPTH];
	bool more = true;

	while (more && transmitter_empty()) {
		u32 n = tty_out_take(t, buf, FIFO_DEPTH);

		for (u32 i = 0; i < n; i++)
			outb(SERIAL_PORT + UART_TX, buf[i]);
		more = n == FIFO_DEPTH;
	}
	ier_set(UART_IER_THRI, more);
}

static int serial_pull(struct tty *t, u8 *buf, u32 n)
{
	u32 done = 0;
	u64 irq = spin_lock_irq(&ring_lock);

	(void)t;
	while (done < n && ring_tail != ring_head)
		buf[done++] = ring[ring_tail++ % RING_SIZE];
	ier_set_locked(UART_IER_RDI, true);
	spin_unlock_irq(&ring_lock, irq);
	return (int)done;
}

static u32 serial_unsent(struct tty *t)
{
	(void)t;
	if (transmitter_empty())
		return 0;
	ier_set(UART_IER_THRI, true);
	return 1;
}

// TIOCGSERIAL: how busybox's cttyhack finds the name of the terminal behind /dev/console. struct
// serial_struct differs between ABIs only behind these members, in addresses that a port of this
// kind doesn't have.
struct serial_head {
	s32 type, line;
	u32 port;
	s32 irq, flags, xmit_fifo_size, custom_divisor, baud_base;
	u16 close_delay;
	char io_type, reserved;
	s32 hub6;
	u16 closing_wait, closing_wait2;
	u32 none[4];
};

BUILD_ASSERT(offsetof(struct serial_struct, iomem_base) ==
	     ALIGN_UP(offsetof(struct serial_head, none), 8));

static long serial_ioctl(struct tty *t, u32 cmd, u64 arg)
{
	const struct serial_head head = {
		.type = PORT_16550A,
		.port = SERIAL_PORT,
		.irq = SERIAL_LINE,
		.xmit_fifo_size = FIFO_DEPTH,
		.baud_base = 115200,
	};

	(void)t;
	return cmd == TIOCGSERIAL ? copyout(UPTR(arg), &head, sizeof(head)) : -ENOTTY;
}

static const struct tty_ops serial_ops = {
	.pull = serial_pull, .start = serial_start, .ioctl = serial_ioctl, .unsent = serial_unsent};

// With a full ring the receive interrupt is switched off: the bytes wait in the device, and before
// it.
static bool receive(void)
{
	bool any = false;
	u64 irq = spin_lock_irq(&ring_lock);

	while (inb(SERIAL_PORT + UART_LSR) & UART_LSR_DR) {
		if (ring_head - ring_tail == RING_SIZE) {
			ier_set_locked(UART_IER_RDI, false);
			break;
		}
		ring[ring_head++ % RING_SIZE] = inb(SERIAL_PORT + UART_RX);
		any = true;
	}
	spin_unlock_irq(&ring_lock, irq);
	return any;
}

static void serial_service(void)
{
	if (receive())
		tty_input_ready(&serial_tty);
	if (enabled & UART_IER_THRI && transmitter_empty())
		tty_output_ready(&serial_tty);
}

static void serial_interrupt(void *arg)
{
	(void)arg;
	// Reading IIR also takes back the transmitter's request.
	for (u32 i = 0; i < 4 && !(inb(SERIAL_PORT + UART_IIR) & UART_IIR_NO_INT); i++)
		serial_service();
}

static void serial_poll(struct timer *t)
{
	serial_service();
	timer_arm(t, clock_ns() + POLL_NS);
}

struct tty *serial_tty_init(void)
{
	if (inb(SERIAL_PORT + UART_LSR) == 0xff) // nothing answers
		return NULL;
	tty_register(&serial_tty, "ttyS0", KDEV(TTY_MAJOR, 64), &serial_ops, NULL);
	// As Linux sets up a serial console: no modem lines.
	serial_tty.tt_termios.c_cflag = B9600 | CS8 | CREAD | HUPCL | CLOCAL;
	serial_tty.tt_termios.c_ispeed = serial_tty.tt_termios.c_ospeed = 9600;
	// OUT2 gates the interrupt line on a PC.
	outb(SERIAL_PORT + UART_MCR, UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT2);
	if (irq_enable_line(SERIAL_LINE, serial_interrupt, NULL)) {
		log_printf("ttyS0: no interrupt, polled");
		timer_init(&poll_timer, serial_poll);
		timer_arm(&poll_timer, clock_ns() + POLL_NS);
	}
	ier_set(UART_IER_RDI, true);
	return &serial_tty;
}

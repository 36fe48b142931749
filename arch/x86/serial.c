// SPDX-License-Identifier: MIT
/*
 * COM1 by polling. A machine without one reads 0xff from every register; a port that never becomes
 * ready is given up on a byte at a time, so the log can never hang the kernel.
 */
#include "machine/serial.h"
#include "machine/io.h"

#define DATA	      (SERIAL_PORT + 0)
#define DIVISOR_LOW   (SERIAL_PORT + 0)
#define INTERRUPTS    (SERIAL_PORT + 1)
#define DIVISOR_HIGH  (SERIAL_PORT + 1)
#define FIFO	      (SERIAL_PORT + 2)
#define LINE_CONTROL  (SERIAL_PORT + 3)
#define MODEM_CONTROL (SERIAL_PORT + 4)
#define LINE_STATUS   (SERIAL_PORT + 5)

#define LCR_DLAB	 0x80
#define LCR_8N1		 0x03
#define FIFO_ON_CLEAR	 0x07
#define MCR_DTR_RTS_OUT2 0x0b // OUT2 gates the interrupt line on a PC
#define LSR_THR_EMPTY	 0x20
#define READY_POLLS	 100000

static bool present;

bool serial_init(void)
{
	present = inb(LINE_STATUS) != 0xff;
	if (!present)
		return false;
	outb(INTERRUPTS, 0);
	outb(LINE_CONTROL, LCR_DLAB);
	outb(DIVISOR_LOW, 1); // 115200
	outb(DIVISOR_HIGH, 0);
	outb(LINE_CONTROL, LCR_8N1);
	outb(FIFO, FIFO_ON_CLEAR);
	outb(MODEM_CONTROL, MCR_DTR_RTS_OUT2);
	return true;
}

static void put(u8 c)
{
	for (u32 i = 0; i < READY_POLLS && !(inb(LINE_STATUS) & LSR_THR_EMPTY); i++)
		__asm__ volatile("pause");
	outb(DATA, c);
}

void serial_write(const char *s, size_t n)
{
	if (!present)
		return;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\n')
			put('\r');
		put((u8)s[i]);
	}
}

// SPDX-License-Identifier: MIT
// COM1 (16550A), polled output: for the kernel log and panics. dev/serial.c drives the same port
// for /dev/console.
#pragma once

#include "lib/types.h"

#define SERIAL_PORT 0x3f8
#define SERIAL_LINE 4 // interrupt line

// False: there is no port.
bool serial_init(void);
// Newlines become CR LF. No lock: the caller excludes others, except in a panic.
void serial_write(const char *s, size_t n);

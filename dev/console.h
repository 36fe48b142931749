// SPDX-License-Identifier: MIT
// The terminals that this machine has, and putting their output out before the machine ends.
#pragma once

#include "lib/types.h"

struct tty;
struct winsize;

// COM1 as /dev/ttyS0. NULL: no such port.
struct tty *serial_tty_init(void);
// The virtio port postern.console as /dev/hvc0: 0 with *out, -ENODEV, -ENOMEM.
int hvc_init(const struct winsize *ws, u64 deadline, struct tty **out);
// Waits until devices have consumed what programs wrote, in all at most until `deadline`.
void console_flush_all(u64 deadline);

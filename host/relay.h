// SPDX-License-Identifier: MIT
// The launcher's main loop: carries bytes, signals and the exit status between host and guest.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "host/qemu.h"

enum relay_end {
	RELAY_EXIT,	// the guest reported its end: kind, value, text
	RELAY_LOST,	// QEMU ended and the guest had not reported; text is what QEMU said last
	RELAY_NO_HELLO, // the same, or nothing came in time, before the guest's kernel said HELLO
	RELAY_TIMEOUT,
	RELAY_SIGNAL,	// a signal to the launcher that the guest didn't act upon: value
	RELAY_CONFUSED, // the guest breaks the protocol; text
};

struct relay_result {
	enum relay_end end;
	uint32_t kind, value; // of EXIT
	char text[1024];
	bool waited;	  // RELAY_NO_HELLO: QEMU was still running
	int stdout_error; // errno with which the host's stdout or stderr failed, 0 for none
	char *serial;	  // the last of what the kernel wrote to the serial port; allocated
	size_t serial_size;
};

struct relay_config {
	bool tty;
	int64_t hello_ns; // how long the guest's kernel may take to say HELLO
	int64_t deadline; // on CLOCK_MONOTONIC; 0: none
	int log_fd;	  // -1: the kernel's log is not wanted
};

// Blocks the signals that the loop handles; before the first qemu_start.
void relay_signals(void);

// CLOCK_MONOTONIC in ns.
int64_t relay_now(void);

// Runs until the end of the machine, which is stopped then. stdin is not touched before HELLO, so
// after RELAY_NO_HELLO another machine can be started.
void relay_run(const struct relay_config *c, struct qemu *q, struct relay_result *r);

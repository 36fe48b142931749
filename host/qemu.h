// SPDX-License-Identifier: MIT
// The QEMU process: its command line, its start and its end.
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "host/options.h"

// What a start needs. initrd is a memfd that is handed over as it is.
struct qemu_config {
	const struct options *opt;
	const char *kernel;
	int initrd;
	bool kvm; // else TCG
	bool tty;
};

// Our ends of the machine's ports, non-blocking, -1 when there is no such port.
enum qemu_port {
	PORT_CONTROL,
	PORT_STDIN,
	PORT_STDOUT,
	PORT_STDERR,
	PORT_CONSOLE,
	PORT_SERIAL,   // not a virtio port: the first UART
	PORT_MESSAGES, // QEMU's own stderr, a pipe
	PORT_COUNT,
};

struct qemu {
	pid_t pid;  // 0: not running
	int status; // waitpid's, once pid is 0 again
	int port[PORT_COUNT];
};

// The path of QEMU, or the launcher ends with a line that names the package.
const char *qemu_find(const struct options *o);

void qemu_start(const struct qemu_config *c, const char *path, struct qemu *q);

// Ends it if it still runs, reaps it. The ports stay open: what they hold can still be read.
void qemu_stop(struct qemu *q);

// True once it has ended by itself; reaps it.
bool qemu_ended(struct qemu *q);

void qemu_port_close(struct qemu *q, enum qemu_port p);

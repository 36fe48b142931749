// SPDX-License-Identifier: MIT
// The boot spec: what the kernel is to run, as text, in a cpio archive before the root's.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "host/archive.h"
#include "host/options.h"

struct spec {
	char *const *argv;
	const char *exe, *cwd;
	struct strlist env;
	uint32_t uid, gid;
	bool tty, klog;
	unsigned rows, cols; // of the terminal, when tty
};

// Writes the archive; returns where in the output the digits of the launch time are,
// SPEC_TIME_DIGITS of them, to be brought up to date at each start of the machine.
uint64_t spec_write(const struct spec *s, struct archive *a);

#define SPEC_TIME_DIGITS 19 // nanoseconds since 1970, until the year 2286

void spec_set_time(int fd, uint64_t at);

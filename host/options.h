// SPDX-License-Identifier: MIT
// The command line of `postern run`, parsed and checked.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "host/say.h"

enum accel {
	ACCEL_AUTO,
	ACCEL_KVM,
	ACCEL_TCG,
};

struct options {
	const char *root_file; // NULL: the built-in root
	const char *kernel;    // NULL: the one beside the launcher
	const char *qemu;      // NULL: searched in PATH
	struct strlist adds, envs, kernel_args, qemu_args;
	uint64_t mem_mib;
	unsigned cpus;
	enum accel accel;
	const char *cpu; // NULL: by accelerator
	const char *cwd; // NULL: the host's, where the guest has it
	uint32_t uid, gid;
	int64_t timeout_ns; // 0: none
	const char *kernel_log;
	char **argv; // PROGRAM and its arguments, NULL-terminated
};

// Ends the process for --help, --version and wrong usage (STATUS_FAILURE).
void options_parse(int argc, char **argv, struct options *o);

// SPDX-License-Identifier: MIT
// Process 1: what it runs, and how the machine ends.
#pragma once

#include "lib/types.h"

struct boot_info;
struct bootspec;

// The body of process 1's task; arg is the struct boot_info.
void init_main(void *arg);
// One line for the user, on the serial port and through the control port, then the end.
NORETURN void init_fail(const char *fmt, ...) PRINTF(1, 2);

// kern/init_run.c: does what the boot spec says, as the parent of its program. Does not return.
NORETURN void init_run(char *spec_text, size_t len);
// kern/init_plain.c: becomes the initramfs's own init, as Linux does. Returns when current is to
// enter user mode.
void init_plain(const char *cmdline);
// kern/spawn.c: a child of process 1 in a session of its own, with nothing open, that runs fn(arg)
// in the kernel, from where it may exec. Its pid, or a negative errno.
long task_spawn(const char *name, void (*fn)(void *), void *arg);

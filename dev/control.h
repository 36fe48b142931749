// SPDX-License-Identifier: MIT
// The control port: the launcher learns from it that the kernel runs and how the run ended, and
// sends signals and window sizes. Frames are u32 type, u32 length, payload, little endian;
// host/control.h is the other end.
#pragma once

#include "kern/signal.h"
#include "lib/types.h"

struct tty;

enum control_exit_kind {
	CONTROL_EXITED = 0,  // value: exit status
	CONTROL_KILLED = 1,  // value: signal number
	CONTROL_NO_EXEC = 2, // value: errno; text
	CONTROL_FAILURE = 3, // the kernel's own failure; text
};

// Before vcon_init: as soon as the host has the port open, HELLO goes out, from an interrupt. From
// then on a panic is reported through the port.
void control_init(void);
// Sleeps until then; by then the host has also told which other ports it has open. 0, -ENODEV.
int control_wait(u64 deadline);
bool control_is_open(void);
// Who gets SIGNAL frames (a process group), and the terminal that WINSIZE frames are about (NULL:
// none).
void control_set_target(pid_t pgrp, struct tty *tty);
// Reports the end of the run and waits until the launcher has it. The first report counts.
void control_exit(enum control_exit_kind kind, u32 value, const char *text);

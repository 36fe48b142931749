// SPDX-License-Identifier: MIT
// The host's terminal in raw mode. Whatever way the launcher ends, except by SIGKILL, the terminal
// gets its old settings back: atexit, and a handler for the signals of a crash.
#include "host/terminal.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

static struct termios saved;
static volatile sig_atomic_t is_raw;

bool terminal_is_whole(void)
{
	struct stat st[3];

	for (int fd = 0; fd < 3; fd++)
		if (!isatty(fd) || fstat(fd, &st[fd]) < 0)
			return false;
	return st[0].st_rdev == st[1].st_rdev && st[1].st_rdev == st[2].st_rdev;
}

bool terminal_foreground(void)
{
	pid_t group = tcgetpgrp(STDIN_FILENO);

	// -1: not our controlling terminal, or none at all; there is no job control on it then.
	return group < 0 || group == getpgrp();
}

void terminal_size(unsigned *rows, unsigned *cols)
{
	struct winsize w = {0};

	ioctl(STDIN_FILENO, TIOCGWINSZ, &w);
	*rows = w.ws_row ? w.ws_row : 24;
	*cols = w.ws_col ? w.ws_col : 80;
}

void terminal_restore(void)
{
	if (!is_raw)
		return;
	is_raw = 0;
	// tcsetattr is async-signal-safe. It would stop a background process by SIGTTOU.
	if (terminal_foreground())
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
}

static void on_crash(int signo)
{
	terminal_restore();
	signal(signo, SIG_DFL);
	raise(signo);
}

void terminal_raw(void)
{
	static const int deadly[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
	static bool hooked;
	struct termios raw;

	if (is_raw || tcgetattr(STDIN_FILENO, &saved) < 0)
		return;
	if (!hooked) {
		hooked = true;
		atexit(terminal_restore);
		for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
			signal(deadly[i], on_crash);
	}
	raw = saved;
	cfmakeraw(&raw);
	is_raw = 1;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

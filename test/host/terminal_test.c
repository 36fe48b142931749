// SPDX-License-Identifier: MIT
// The launcher on a terminal (a pty), against test/host/fakeqemu.c: one console port in raw mode,
// keys as bytes, the window's size, job control, and the terminal's settings after each kind of
// end. Usage: terminal_test POSTERN FAKEQEMU KERNEL. Prints TAP.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static char **args;
static int tests;

static struct session {
	int master;
	pid_t pid;
	struct termios before;
	char seen[65536];
	size_t n;
} s;

static void ok(bool good, const char *name)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, name);
	if (!good)
		printf("# seen: %.200s\n", s.seen);
}

// Starts the launcher as the leader of a session with its own terminal.
static void start(const char *fake)
{
	struct winsize w = {.ws_row = 33, .ws_col = 99};

	s.n = 0;
	s.seen[0] = '\0';
	s.pid = forkpty(&s.master, NULL, NULL, &w);
	if (s.pid == 0) {
		setenv("FAKE", fake, 1);
		execl(args[1], "postern", "run", "--accel", "tcg", "--qemu", args[2], "--kernel",
		      args[3], "true", (char *)NULL);
		_exit(99);
	}
	tcgetattr(s.master, &s.before);
}

// Reads what comes until `text` is among it, at most three seconds.
static bool await(const char *text)
{
	struct pollfd f = {.fd = s.master, .events = POLLIN};

	for (int i = 0; i < 60; i++) {
		if (strstr(s.seen, text))
			return true;
		if (poll(&f, 1, 50) <= 0)
			continue;
		ssize_t n = read(s.master, s.seen + s.n, sizeof(s.seen) - 1 - s.n);
		if (n <= 0)
			break;
		s.n += (size_t)n;
		s.seen[s.n] = '\0';
	}
	return strstr(s.seen, text);
}

static void type(const char *keys)
{
	if (write(s.master, keys, strlen(keys)) < 0)
		exit(1);
}

static bool is_raw(void)
{
	struct termios t;

	return !tcgetattr(s.master, &t) && !(t.c_lflag & (ICANON | ECHO | ISIG));
}

static bool restored(void)
{
	struct termios t;

	return !tcgetattr(s.master, &t) && t.c_lflag == s.before.c_lflag &&
	       t.c_iflag == s.before.c_iflag && t.c_oflag == s.before.c_oflag;
}

// The exit status, or -1 when it doesn't end within five seconds.
static int end(void)
{
	int status;

	for (int i = 0; i < 100; i++) {
		if (waitpid(s.pid, &status, WNOHANG) == s.pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
		usleep(50000);
	}
	kill(s.pid, SIGKILL);
	waitpid(s.pid, &status, 0);
	return -1;
}

static void test_plain(void)
{
	start("say ready frames 1 cat forever");
	ok(await("ready") && is_raw(), "raw mode while the program runs");
	struct winsize w = {.ws_row = 50, .ws_col = 120};
	ioctl(s.master, TIOCSWINSZ, &w);
	ok(await("17 50 120"), "a new window size reaches the guest");
	type("a\003\032\004b");
	ok(await("a\003\032\004b"), "keys go through as bytes, ^C, ^Z and ^D too");
	kill(s.pid, SIGTERM);
	usleep(200000);
	kill(s.pid, SIGTERM);
	usleep(200000);
	kill(s.pid, SIGTERM);
	ok(end() == 128 + SIGTERM && restored(), "ended by SIGTERM: the terminal is as before");
	close(s.master);
}

static void test_ends(void)
{
	static const struct {
		const char *fake, *name;
		int status;
	} rows[] = {
		{"say ready lag 100 exit 0 3", "the program's end", 3},
		{"say ready lag 100 exit 1 6", "the program's death", 134},
		{"say ready lag 100 die 1", "QEMU's death", 125},
		{"say ready lag 100 exit 3 0 oops", "a kernel failure", 125},
		{"say ready lag 100 raw 02000000ffffffff forever", "a protocol error", 125},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char name[100];

		start(rows[i].fake);
		bool raw = await("ready") && is_raw();
		int status = end();
		snprintf(name, sizeof(name), "%s: status %d, the terminal is as before",
			 rows[i].name, rows[i].status);
		ok(raw && status == rows[i].status && restored(), name);
		close(s.master);
	}
}

static void test_crash(void)
{
	start("say ready forever");
	bool raw = await("ready") && is_raw();
	kill(s.pid, SIGSEGV);
	ok(raw && end() == 1000 + SIGSEGV && restored(), "a crash of the launcher: as before");
	close(s.master);
}

static void test_suspend(void)
{
	int status = 0;

	start("say ready cat forever");
	await("ready");
	kill(s.pid, SIGTSTP);
	waitpid(s.pid, &status, WUNTRACED);
	ok(WIFSTOPPED(status) && restored(), "stopped: the terminal is as before");
	kill(s.pid, SIGCONT);
	usleep(200000);
	ok(is_raw(), "continued: raw again");
	type("more");
	ok(await("more"), "and input goes on");
	kill(s.pid, SIGKILL);
	waitpid(s.pid, &status, 0);
	close(s.master);
}

static void test_hangup(void)
{
	int status = 0;

	start("say ready cat frames 1 exit 0 0");
	await("ready");
	close(s.master);
	for (int i = 0; i < 60 && waitpid(s.pid, &status, WNOHANG) != s.pid; i++)
		usleep(50000);
	ok(!kill(s.pid, 0) ? (kill(s.pid, SIGKILL), false) : true, "a hangup ends input and run");
}

int main(int argc, char **argv)
{
	args = argv;
	if (argc != 4)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	test_plain();
	test_ends();
	test_crash();
	test_suspend();
	test_hangup();
	printf("1..%d\n", tests);
	return 0;
}

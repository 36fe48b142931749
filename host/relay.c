// SPDX-License-Identifier: MIT
// The launcher's main loop, one poll(2). What must hold: nothing in it blocks, so that a signal is
// always passed on; nothing is read from stdin before the guest's HELLO; the guest's output that
// was sent before its EXIT arrives whole, however slow its reader is.
#include "host/relay.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "host/control.h"
#include "host/pump.h"
#include "host/terminal.h"

#define SECOND	       1000000000ll
#define SIGNAL_REPEATS 3 // the same signal so often, and no sign of life: QEMU is ended
#define SIGNAL_WINDOW  (5 * SECOND)
#define LAST_WORDS     (1 * SECOND) // for output that is under way at a timeout or a signal
#define TAIL_SIZE      (64u * 1024)

// The last bytes of a stream that matters only when something fails.
struct tail {
	char *buf;
	size_t n;
};

enum {
	PUMP_IN,
	PUMP_OUT,
	PUMP_ERR, // unused with a terminal
	PUMPS,
};

struct relay {
	const struct relay_config *c;
	struct qemu *q;
	struct relay_result *r;
	struct control control;
	struct pump pump[PUMPS];
	struct tail serial, messages;
	int64_t hello_deadline; // 0 once HELLO came
	int64_t drain_deadline; // 0: output may take as long as its reader likes
	bool may_read;		// stdin: no terminal, or ours to read
	bool ending;		// r says how; only output is still carried
	bool stopped;		// nothing more is carried
	int last_signal, signal_count;
	int64_t signal_since;
	uint64_t signal_moved; // bytes that the guest had put out then
};

static int signal_fd = -1;

static const int forwarded[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
static const int internal[] = {SIGCHLD, SIGWINCH, SIGTSTP, SIGCONT};

static const enum qemu_port pump_ports[2][PUMPS] = {
	{PORT_STDIN, PORT_STDOUT, PORT_STDERR},
	{PORT_CONSOLE, PORT_CONSOLE, PORT_COUNT},
};

int64_t relay_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * SECOND + t.tv_nsec;
}

void relay_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(int); i++)
		sigaddset(&set, forwarded[i]);
	for (size_t i = 0; i < sizeof(internal) / sizeof(int); i++)
		sigaddset(&set, internal[i]);
	// Signals that our caller ignores (nohup, a background job's ^C) stay ignored and never
	// reach the signalfd. SIGCHLD must arrive whatever the caller did with it.
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (signal_fd < 0)
		fail(STATUS_FAILURE, "signalfd: %s", strerror(errno));
}

static void tail_add(struct tail *t, const char *data, size_t n)
{
	if (!t->buf)
		t->buf = mem_alloc(TAIL_SIZE);
	if (n > TAIL_SIZE / 2) {
		data += n - TAIL_SIZE / 2;
		n = TAIL_SIZE / 2;
	}
	if (t->n + n > TAIL_SIZE) {
		memmove(t->buf, t->buf + t->n - TAIL_SIZE / 2, TAIL_SIZE / 2);
		t->n = TAIL_SIZE / 2;
	}
	memcpy(t->buf + t->n, data, n);
	t->n += n;
}

// Reads a port whose bytes are for us, not for the program's streams.
static void port_listen(struct relay *s, enum qemu_port p, struct tail *t, int copy)
{
	char part[8192];
	ssize_t n;

	while (s->q->port[p] >= 0) {
		n = read(s->q->port[p], part, sizeof(part));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			qemu_port_close(s->q, p);
			return;
		}
		tail_add(t, part, (size_t)n);
		if (copy >= 0 && write(copy, part, (size_t)n) < 0)
			s->r->stdout_error = errno;
	}
}

// How the run ends; the first reason wins. Stops QEMU: what its ports hold can still be read.
static void relay_end(struct relay *s, enum relay_end end, const char *text, size_t len)
{
	if (s->ending)
		return;
	s->ending = true;
	s->r->end = end;
	if (len > sizeof(s->r->text) - 1)
		len = sizeof(s->r->text) - 1;
	memcpy(s->r->text, text, len);
	s->r->text[len] = '\0';
	qemu_stop(s->q);
	if (end != RELAY_EXIT && end != RELAY_LOST)
		s->drain_deadline = relay_now() + LAST_WORDS;
}

static void relay_confused(struct relay *s, const char *text)
{
	relay_end(s, RELAY_CONFUSED, text, strlen(text));
}

static void control_handle(struct relay *s, const struct control_frame *f)
{
	switch (f->type) {
	case CONTROL_HELLO:
		if (control_word(f, 0) != CONTROL_VERSION)
			relay_confused(s, "the kernel speaks another version of the control "
					  "protocol: build both again with `make`");
		s->hello_deadline = 0;
		break;
	case CONTROL_EXIT:
		if (f->length < 8) {
			relay_confused(s, "the kernel sent a cut off exit report");
			break;
		}
		s->r->kind = control_word(f, 0);
		s->r->value = control_word(f, 1);
		relay_end(s, RELAY_EXIT, (const char *)f->payload + 8, f->length - 8);
		break;
	case CONTROL_KLOG:
		if (s->c->log_fd >= 0 && write(s->c->log_fd, f->payload, f->length) < 0)
			s->r->stdout_error = errno;
		break;
	default: // a later kernel's news; nothing that this launcher needs
		break;
	}
}

static void control_serve(struct relay *s)
{
	struct control_frame f;
	bool open = s->control.fd >= 0;
	int got = 0;

	while (open && !s->ending) {
		open = control_receive(&s->control);
		while (!s->ending && (got = control_next(&s->control, &f)) > 0)
			control_handle(s, &f);
		if (got < 0)
			relay_confused(s, "the kernel sent a malformed control frame");
		if (open)
			break; // nothing more for now
	}
	if (open)
		control_flush(&s->control);
	else
		s->control.fd = -1; // the descriptor is the port's, closed with it
}

static bool signal_may_end(int signo)
{
	return signo == SIGINT || signo == SIGTERM || signo == SIGHUP || signo == SIGQUIT;
}

// True when the user has lost patience: the same signal again and again within the window, and the
// guest has put nothing out since the first.
static bool signal_is_last(struct relay *s, int signo)
{
	uint64_t moved = s->pump[PUMP_OUT].moved + s->pump[PUMP_ERR].moved;
	int64_t now = relay_now();

	if (signo != s->last_signal || now - s->signal_since > SIGNAL_WINDOW ||
	    moved != s->signal_moved) {
		s->last_signal = signo;
		s->signal_count = 0;
		s->signal_since = now;
		s->signal_moved = moved;
	}
	return ++s->signal_count >= SIGNAL_REPEATS;
}

static void signal_forward(struct relay *s, int signo)
{
	if (s->ending) { // only a slow reader of our output holds us up
		s->stopped = signal_may_end(signo);
		if (s->stopped)
			s->r->end = RELAY_SIGNAL, s->r->value = (uint32_t)signo;
		return;
	}
	// Before HELLO no program runs that could handle it.
	if (signal_may_end(signo) && (s->hello_deadline || signal_is_last(s, signo))) {
		s->r->value = (uint32_t)signo;
		relay_end(s, RELAY_SIGNAL, "", 0);
		return;
	}
	control_send(&s->control, CONTROL_SIGNAL, 1, (uint32_t)signo, 0);
}

static void window_changed(struct relay *s)
{
	unsigned rows, cols;

	if (!s->c->tty || s->ending)
		return;
	terminal_size(&rows, &cols);
	control_send(&s->control, CONTROL_WINSIZE, 2, rows, cols);
}

// After the start and after each time that we were stopped: the terminal may be ours or not.
static void foreground_check(struct relay *s)
{
	s->may_read = terminal_foreground();
	if (s->c->tty && s->may_read && !s->ending)
		terminal_raw();
}

// ^Z: the machine stands still with us, so that its clocks don't run out meanwhile.
static void suspend(struct relay *s)
{
	if (s->q->pid)
		kill(s->q->pid, SIGSTOP);
	terminal_restore();
	raise(SIGSTOP);
	if (s->q->pid)
		kill(s->q->pid, SIGCONT);
	if (s->hello_deadline)
		s->hello_deadline = relay_now() + s->c->hello_ns;
}

static void signals_serve(struct relay *s)
{
	struct signalfd_siginfo i;

	while (read(signal_fd, &i, sizeof(i)) == sizeof(i)) {
		int signo = (int)i.ssi_signo;

		if (signo == SIGTSTP)
			suspend(s);
		if (signo == SIGTSTP || signo == SIGCONT)
			foreground_check(s);
		if (signo == SIGTSTP || signo == SIGCONT || signo == SIGWINCH)
			window_changed(s);
		else if (signo != SIGCHLD) // qemu_ended looks at each turn of the loop
			signal_forward(s, signo);
	}
}

// A pump whose host end failed: the guest's port is closed, so that its writers see EPIPE.
static void output_check(struct relay *s, int which)
{
	struct pump *p = &s->pump[which];

	if (!p->buf || p->to >= 0)
		return;
	if (p->write_error && p->write_error != EPIPE && p->write_error != EIO)
		s->r->stdout_error = p->write_error;
	p->from = -1;
	if (!s->c->tty)
		qemu_port_close(s->q, pump_ports[0][which]);
}

static void input_check(struct relay *s)
{
	struct pump *p = &s->pump[PUMP_IN];
	int port = s->q->port[pump_ports[s->c->tty][PUMP_IN]];

	// SHUT_WR, not close: QEMU would drop what it has not read yet when it sees a hangup.
	if (p->buf && p->from < 0 && p->to >= 0 && pump_empty(p)) {
		shutdown(port, SHUT_WR);
		p->to = -1;
	}
}

static bool output_done(const struct relay *s)
{
	for (int i = PUMP_OUT; i < PUMPS; i++)
		if (s->pump[i].from >= 0 || !pump_empty(&s->pump[i]))
			return false;
	return true;
}

// What QEMU wrote last, without its program name, as one line.
static void lost(struct relay *s)
{
	size_t from = s->messages.n, to = s->messages.n;

	while (to && s->messages.buf[to - 1] == '\n')
		to--;
	for (from = to; from && s->messages.buf[from - 1] != '\n';)
		from--;
	relay_end(s, s->hello_deadline ? RELAY_NO_HELLO : RELAY_LOST,
		  to ? s->messages.buf + from : "", to - from);
}

static void deadlines_check(struct relay *s)
{
	int64_t now = relay_now();

	if (s->c->deadline && now >= s->c->deadline) {
		relay_end(s, RELAY_TIMEOUT, "", 0);
		if (s->r->end != RELAY_TIMEOUT) // the program ended, its output's reader hangs
			s->r->end = RELAY_TIMEOUT, s->stopped = true;
	}
	if (s->hello_deadline && now >= s->hello_deadline && !s->ending) {
		s->r->waited = true;
		relay_end(s, RELAY_NO_HELLO, "", 0);
	}
	if (s->drain_deadline && now >= s->drain_deadline)
		s->stopped = true;
}

static int poll_timeout(const struct relay *s)
{
	int64_t next = INT64_MAX, deadlines[] = {s->c->deadline, s->drain_deadline,
						 s->ending ? 0 : s->hello_deadline};

	for (int i = 0; i < 3; i++)
		if (deadlines[i] && deadlines[i] < next)
			next = deadlines[i];
	if (next == INT64_MAX)
		return -1;
	int64_t ms = (next - relay_now() + 999999) / 1000000;
	return ms < 0 ? 0 : ms > 1000000 ? 1000000 : (int)ms;
}

#define POLL_MAX (4 + 2 * PUMPS)

static void relay_wait(struct relay *s)
{
	struct pollfd fds[POLL_MAX];
	size_t n = 0, pump_at[PUMPS + 1];

	fds[n++] = (struct pollfd){.fd = signal_fd, .events = POLLIN};
	fds[n++] = (struct pollfd){.fd = s->ending ? -1 : s->control.fd,
				   .events = POLLIN | (s->control.out_fill ? POLLOUT : 0)};
	fds[n++] = (struct pollfd){.fd = s->q->port[PORT_SERIAL], .events = POLLIN};
	fds[n++] = (struct pollfd){.fd = s->q->port[PORT_MESSAGES], .events = POLLIN};
	for (int i = 0; i < PUMPS; i++) {
		bool quiet = i == PUMP_IN && (s->hello_deadline || !s->may_read || s->ending);

		pump_at[i] = n;
		if (s->pump[i].buf && !quiet)
			n += pump_poll(&s->pump[i], fds + n, i != PUMP_IN);
	}
	pump_at[PUMPS] = n;
	if (poll(fds, n, poll_timeout(s)) < 0)
		return;
	for (int i = 0; i < PUMPS; i++)
		for (size_t k = pump_at[i]; k < pump_at[i + 1]; k++)
			if (!fds[k].events && fds[k].revents)
				pump_reader_gone(&s->pump[i]);
}

static void pumps_serve(struct relay *s)
{
	for (int i = PUMP_OUT; i < PUMPS; i++) {
		if (s->pump[i].buf)
			pump_move(&s->pump[i]);
		output_check(s, i);
	}
	if (s->hello_deadline || !s->may_read || s->ending || !s->pump[PUMP_IN].buf)
		return;
	pump_move(&s->pump[PUMP_IN]);
	input_check(s);
}

static void relay_open(struct relay *s)
{
	const enum qemu_port *ports = pump_ports[s->c->tty];
	int *port = s->q->port;

	control_init(&s->control, port[PORT_CONTROL]);
	pump_init_input(&s->pump[PUMP_IN], STDIN_FILENO, port[ports[PUMP_IN]]);
	pump_init_output(&s->pump[PUMP_OUT], port[ports[PUMP_OUT]], STDOUT_FILENO);
	s->pump[PUMP_ERR] = (struct pump){.from = -1, .to = -1};
	if (!s->c->tty)
		pump_init_output(&s->pump[PUMP_ERR], port[PORT_STDERR], STDERR_FILENO);
	s->hello_deadline = relay_now() + s->c->hello_ns;
	foreground_check(s);
}

static void relay_close(struct relay *s)
{
	qemu_stop(s->q);
	for (int i = 0; i < PUMPS; i++)
		pump_free(&s->pump[i]);
	port_listen(s, PORT_SERIAL, &s->serial, s->c->log_fd);
	for (enum qemu_port p = 0; p < PORT_COUNT; p++)
		qemu_port_close(s->q, p);
	control_free(&s->control);
	s->r->serial = s->serial.buf;
	s->r->serial_size = s->serial.n;
	free(s->messages.buf);
	terminal_restore();
}

void relay_run(const struct relay_config *c, struct qemu *q, struct relay_result *r)
{
	struct relay s = {.c = c, .q = q, .r = r};

	*r = (struct relay_result){0};
	relay_open(&s);
	while (!s.stopped && !(s.ending && output_done(&s))) {
		relay_wait(&s);
		signals_serve(&s);
		bool gone = qemu_ended(q); // before its ports are read, so that nothing is missed
		port_listen(&s, PORT_SERIAL, &s.serial, c->log_fd);
		port_listen(&s, PORT_MESSAGES, &s.messages, -1);
		control_serve(&s);
		if (gone && !s.ending)
			lost(&s);
		pumps_serve(&s);
		deadlines_check(&s);
	}
	relay_close(&s);
}

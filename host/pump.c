// SPDX-License-Identifier: MIT
// One direction of a byte stream. The descriptors 0, 1 and 2 are shared with other processes (the
// shell, the rest of a pipeline), so O_NONBLOCK is never set on them: pipes and terminals are
// opened once more through /proc, sockets are written with MSG_DONTWAIT.
#include "host/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/say.h"

// A second open file of the same pipe or terminal, non-blocking; -1 when it can't be had.
static int reopen(int fd)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static void choose_way(struct pump *p)
{
	struct stat st;
	int fd;

	p->way = WAY_PLAIN;
	if (fstat(p->to, &st) < 0)
		return;
	if (S_ISSOCK(st.st_mode)) {
		p->way = WAY_SOCKET;
	} else if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) {
		fd = reopen(p->to);
		if (fd < 0) {
			p->way = WAY_SMALL;
			return;
		}
		p->to = fd;
		p->reopened = true;
	}
}

void pump_init_input(struct pump *p, int from_shared, int to)
{
	*p = (struct pump){.from = from_shared, .to = to, .way = WAY_SOCKET, .from_shared = true};
	p->buf = mem_alloc(PUMP_BUFFER);
}

void pump_init_output(struct pump *p, int from, int to_shared)
{
	*p = (struct pump){.from = from, .to = to_shared};
	p->buf = mem_alloc(PUMP_BUFFER);
	choose_way(p);
}

void pump_free(struct pump *p)
{
	if (p->reopened && p->to >= 0)
		close(p->to);
	free(p->buf);
	*p = (struct pump){.from = -1, .to = -1};
}

size_t pump_poll(const struct pump *p, struct pollfd *fds, bool watch_reader)
{
	size_t n = 0;

	// Entries with no events would still report POLLHUP and spin, so they are left out.
	if (p->from >= 0 && p->to >= 0 && p->tail < PUMP_BUFFER)
		fds[n++] = (struct pollfd){.fd = p->from, .events = POLLIN};
	if (p->to >= 0 && !pump_empty(p))
		fds[n++] = (struct pollfd){.fd = p->to, .events = POLLOUT};
	else if (p->to >= 0 && watch_reader)
		fds[n++] = (struct pollfd){.fd = p->to, .events = 0};
	return n;
}

static bool ready(int fd, short events)
{
	struct pollfd f = {.fd = fd, .events = events};

	return poll(&f, 1, 0) > 0;
}

static ssize_t pump_write(struct pump *p, const void *data, size_t n)
{
	switch (p->way) {
	case WAY_SOCKET:
		return send(p->to, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	case WAY_SMALL:
		// POLLOUT on a pipe promises room for PIPE_BUF bytes (POSIX on atomic pipe writes).
		if (!ready(p->to, POLLOUT)) {
			errno = EAGAIN;
			return -1;
		}
		return write(p->to, data, n < PIPE_BUF ? n : PIPE_BUF);
	default:
		return write(p->to, data, n);
	}
}

void pump_reader_gone(struct pump *p)
{
	if (p->reopened)
		close(p->to);
	p->reopened = false;
	p->to = -1;
	p->head = p->tail = 0;
}

// True when something went out.
static bool drain(struct pump *p)
{
	bool moved = false;

	while (p->to >= 0 && !pump_empty(p)) {
		ssize_t n = pump_write(p, p->buf + p->head, p->tail - p->head);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			p->write_error = errno;
			pump_reader_gone(p);
			break;
		}
		p->head += (size_t)n;
		p->moved += (uint64_t)n;
		moved = true;
	}
	if (pump_empty(p))
		p->head = p->tail = 0;
	return moved;
}

// True when something came in. A descriptor that may block is read only after POLLIN.
static bool fill(struct pump *p)
{
	if (p->from < 0 || p->to < 0 || p->tail == PUMP_BUFFER)
		return false;
	if (p->from_shared && !ready(p->from, POLLIN))
		return false;
	ssize_t n = read(p->from, p->buf + p->tail, PUMP_BUFFER - p->tail);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return false;
	// An error ends the stream like its end: EIO of a vanished terminal, ECONNRESET of a QEMU
	// that died, EISDIR.
	if (n <= 0) {
		p->from = -1;
		return false;
	}
	p->tail += (size_t)n;
	return true;
}

void pump_move(struct pump *p)
{
	// A few rounds only, so that one busy stream doesn't starve the others or a signal.
	for (int round = 0; round < 8; round++) {
		bool in = fill(p);

		if (!drain(p) && !in)
			break;
	}
}

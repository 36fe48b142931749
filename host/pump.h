// SPDX-License-Identifier: MIT
// One direction of a byte stream between two descriptors, through a buffer. It never blocks, except
// on a regular file's disk.
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PUMP_BUFFER (128u * 1024)

// How bytes are written to a descriptor that other processes may share, so that its file status
// flags must stay as they are.
enum pump_way {
	WAY_PLAIN,  // regular files, and descriptors of our own with O_NONBLOCK
	WAY_SOCKET, // MSG_DONTWAIT
	WAY_SMALL,  // only after POLLOUT, and not more than then fits for sure
};

struct pump {
	int from, to; // -1: closed
	enum pump_way way;
	bool from_shared;  // `from` came from our caller and may block
	bool reopened;	   // `to` is our own descriptor of the same file
	int write_error;   // errno that closed `to`; 0: it was not an error
	size_t head, tail; // buffered bytes are buf[head..tail)
	uint64_t moved;
	unsigned char *buf;
};

// One end came from our caller, the other is our own and non-blocking.
void pump_init_input(struct pump *p, int from_shared, int to);
void pump_init_output(struct pump *p, int from, int to_shared);
void pump_free(struct pump *p);

// Fills at most two entries of a poll set with what the pump waits for. `watch_reader`: also notice
// that the reader of `to` went away while there is nothing to write.
size_t pump_poll(const struct pump *p, struct pollfd *fds, bool watch_reader);

// Reads and writes as far as it goes. `from` becomes -1 at its end and `to` when it can't be
// written any more; the descriptors themselves are the caller's to close.
void pump_move(struct pump *p);

// The reader of `to` went away.
void pump_reader_gone(struct pump *p);

static inline bool pump_empty(const struct pump *p)
{
	return p->head == p->tail;
}

// SPDX-License-Identifier: MIT
// Frames of the control port: u32 type, u32 length, payload; little endian.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTROL_VERSION	    1
#define CONTROL_PAYLOAD_MAX (64u * 1024)

enum control_type {
	CONTROL_HELLO = 1,   // u32 version
	CONTROL_EXIT = 2,    // u32 kind, u32 value, text
	CONTROL_KLOG = 3,    // text
	CONTROL_SIGNAL = 16, // u32 signo
	CONTROL_WINSIZE = 17 // u32 rows, u32 cols
};

enum control_exit_kind {
	EXIT_STATUS = 0,
	EXIT_SIGNALLED = 1,
	EXIT_NO_EXEC = 2,
	EXIT_KERNEL = 3,
};

struct control_frame {
	uint32_t type, length;
	const unsigned char *payload; // in the buffer; valid until the next control_receive
};

struct control {
	int fd;
	unsigned char *in;
	size_t in_head, in_tail;
	unsigned char out[1024];
	size_t out_fill;
};

void control_init(struct control *c, int fd);
void control_free(struct control *c);

// Reads what is there. False at the end of the stream.
bool control_receive(struct control *c);
// The next whole frame. 1, 0 when there is none yet, -1 when the stream makes no sense.
int control_next(struct control *c, struct control_frame *f);

// Queues a frame of up to two words and sends as much as goes; dropped when the guest has let 60 of
// them pile up.
void control_send(struct control *c, enum control_type type, unsigned words, uint32_t a,
		  uint32_t b);
void control_flush(struct control *c);

static inline uint32_t control_word(const struct control_frame *f, unsigned i)
{
	const unsigned char *p = f->payload + 4 * i;

	if (f->length < 4 * i + 4)
		return 0;
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

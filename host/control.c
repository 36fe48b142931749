// SPDX-License-Identifier: MIT
// The control port's frames. The guest's side is foreign input: a length is compared with its limit
// before anything waits for that many bytes.
#include "host/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/say.h"

#define FRAME_HEAD 8u
#define IN_SIZE	   (FRAME_HEAD + CONTROL_PAYLOAD_MAX)

void control_init(struct control *c, int fd)
{
	*c = (struct control){.fd = fd, .in = mem_alloc(IN_SIZE)};
}

void control_free(struct control *c)
{
	free(c->in);
	*c = (struct control){.fd = -1};
}

bool control_receive(struct control *c)
{
	if (c->in_head) {
		memmove(c->in, c->in + c->in_head, c->in_tail - c->in_head);
		c->in_tail -= c->in_head;
		c->in_head = 0;
	}
	while (c->in_tail < IN_SIZE) {
		ssize_t n = recv(c->fd, c->in + c->in_tail, IN_SIZE - c->in_tail, MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n <= 0)
			return false;
		c->in_tail += (size_t)n;
	}
	return true;
}

static uint32_t word_at(const unsigned char *p)
{
	struct control_frame f = {.length = 4, .payload = p};

	return control_word(&f, 0);
}

int control_next(struct control *c, struct control_frame *f)
{
	size_t have = c->in_tail - c->in_head;
	const unsigned char *p = c->in + c->in_head;

	if (have < FRAME_HEAD)
		return 0;
	*f = (struct control_frame){word_at(p), word_at(p + 4), p + FRAME_HEAD};
	if (f->length > CONTROL_PAYLOAD_MAX)
		return -1;
	if (have < FRAME_HEAD + f->length)
		return 0;
	c->in_head += FRAME_HEAD + f->length;
	return 1;
}

static void put_word(unsigned char *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(v >> 8 * i);
}

void control_flush(struct control *c)
{
	while (c->out_fill) {
		ssize_t n = send(c->fd, c->out, c->out_fill, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n <= 0)
			return;
		c->out_fill -= (size_t)n;
		memmove(c->out, c->out + n, c->out_fill);
	}
}

void control_send(struct control *c, enum control_type type, unsigned words, uint32_t a, uint32_t b)
{
	unsigned char *p = c->out + c->out_fill;
	uint32_t length = 4 * words;

	if (sizeof(c->out) - c->out_fill < FRAME_HEAD + 8)
		return;
	put_word(p, type);
	put_word(p + 4, length);
	put_word(p + 8, a);
	put_word(p + 12, b);
	c->out_fill += FRAME_HEAD + length;
	control_flush(c);
}

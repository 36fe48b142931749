// SPDX-License-Identifier: MIT
// Writer of newc cpio archives. Two things must hold: every header starts on a multiple of 4 bytes
// of the output, and data of a large regular file on a multiple of a page. The second is had by
// padding the name field with NULs (its size field counts them), which every reader accepts.
#include "host/archive.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/say.h"

#define HEADER_SIZE 110u
#define BUFFER_SIZE (256u * 1024)

void archive_open(struct archive *a, int fd)
{
	*a = (struct archive){.fd = fd, .next_ino = 1, .buf = mem_alloc(BUFFER_SIZE)};
}

static void archive_flush(struct archive *a)
{
	for (uint32_t done = 0; done < a->fill;) {
		ssize_t n = write(a->fd, a->buf + done, a->fill - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			fail(STATUS_FAILURE, "writing the initial file system: %s",
			     strerror(errno));
		done += (uint32_t)n;
	}
	a->fill = 0;
}

static void archive_bytes(struct archive *a, const void *data, uint64_t size)
{
	const unsigned char *p = data;

	a->at += size;
	while (size) {
		if (a->fill == BUFFER_SIZE)
			archive_flush(a);
		uint64_t part = BUFFER_SIZE - a->fill;
		if (part > size)
			part = size;
		memcpy(a->buf + a->fill, p, part);
		a->fill += (uint32_t)part;
		p += part;
		size -= part;
	}
}

static void archive_zeros(struct archive *a, uint64_t size)
{
	static const unsigned char zeros[ARCHIVE_PAGE];

	for (uint64_t part; size; size -= part) {
		part = size < sizeof(zeros) ? size : sizeof(zeros);
		archive_bytes(a, zeros, part);
	}
}

// Length of the name field, its NUL and padding counted. When the padding doesn't fit within
// Linux's limit, zeros before the header take its place: readers skip them, though GNU cpio with a
// warning.
static uint32_t name_field(struct archive *a, const struct archive_entry *e)
{
	uint32_t size = (uint32_t)strlen(e->name) + 1;

	if (!S_ISREG(e->mode) || e->size < ARCHIVE_PAGE)
		return size;
	uint32_t padded = size + (uint32_t)(-(a->at + HEADER_SIZE + size) & (ARCHIVE_PAGE - 1));
	if (padded <= ARCHIVE_NAME_MAX)
		return padded;
	archive_zeros(a, (-(a->at + HEADER_SIZE + size) & (ARCHIVE_PAGE - 1)) & ~3ull);
	return size;
}

static void entry_begin(struct archive *a, const struct archive_entry *e)
{
	char head[HEADER_SIZE + 1];

	if (e->size > UINT32_MAX)
		fail(STATUS_FAILURE, "/%s: a file in the initial file system can't be over 4 GiB",
		     e->name);
	if (strlen(e->name) >= ARCHIVE_NAME_MAX)
		fail(STATUS_FAILURE, "/%.60s...: the name is too long", e->name);
	uint32_t field = name_field(a, e);
	uint32_t ino = e->ino ? e->ino : a->next_ino++;
	snprintf(head, sizeof(head),
		 "070701%08" PRIX32 "%08" PRIX32 "%08" PRIX32 "%08" PRIX32 "%08" PRIX32 "%08" PRIX32
		 "%08" PRIX32 "%08" PRIX32 "%08" PRIX32 "%08" PRIX32 "%08" PRIX32 "%08" PRIX32
		 "%08X",
		 ino, e->mode, e->uid, e->gid, e->nlink ? e->nlink : 1, e->mtime, (uint32_t)e->size,
		 e->dev_major, e->dev_minor, e->rdev_major, e->rdev_minor, field, 0u);
	archive_bytes(a, head, HEADER_SIZE);
	archive_bytes(a, e->name, strlen(e->name));
	archive_zeros(a, field - strlen(e->name));
	archive_zeros(a, -a->at & 3);
	a->data_at = a->at;
}

void archive_put(struct archive *a, const struct archive_entry *e, const void *data)
{
	entry_begin(a, e);
	archive_bytes(a, data, e->size);
	archive_zeros(a, -a->at & 3);
}

void archive_put_file(struct archive *a, const struct archive_entry *e, int from, const char *path)
{
	unsigned char part[64 * 1024];

	entry_begin(a, e);
	for (uint64_t left = e->size; left;) {
		ssize_t n = read(from, part, left < sizeof(part) ? left : sizeof(part));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			fail(STATUS_FAILURE, "reading %s: %s", path, strerror(errno));
		if (n == 0)
			fail(STATUS_FAILURE, "%s became shorter while it was read", path);
		archive_bytes(a, part, (uint64_t)n);
		left -= (uint64_t)n;
	}
	archive_zeros(a, -a->at & 3);
}

void archive_end(struct archive *a)
{
	struct archive_entry trailer = {.name = "TRAILER!!!", .nlink = 1, .ino = a->next_ino++};

	entry_begin(a, &trailer);
	archive_zeros(a, -a->at & (ARCHIVE_PAGE - 1));
	a->next_ino = 1;
}

void archive_close(struct archive *a)
{
	archive_flush(a);
	free(a->buf);
	a->buf = NULL;
}

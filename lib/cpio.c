// SPDX-License-Identifier: MIT
/*
 * The newc reader. A header is 110 bytes: a magic and thirteen fields of eight hexadecimal digits;
 * then the name, padded so that header and name end at a multiple of 4, then the data, padded
 * likewise. Offsets count from the buffer's start.
 */
#include "lib/cpio.h"

#include <linux/errno.h>

#include "lib/string.h"

#define CPIO_HEADER_SIZE 110
#define CPIO_FIELDS	 13

/* The format's own file type bits (they are those of struct stat on every Unix). */
#define CPIO_TYPE_MASK 0170000u
#define CPIO_TYPE_FILE 0100000u

enum cpio_field {
	CPIO_INO,
	CPIO_MODE,
	CPIO_UID,
	CPIO_GID,
	CPIO_NLINK,
	CPIO_MTIME,
	CPIO_FILESIZE,
	CPIO_DEV_MAJOR,
	CPIO_DEV_MINOR,
	CPIO_RDEV_MAJOR,
	CPIO_RDEV_MINOR,
	CPIO_NAMESIZE,
	CPIO_CHECK,
};

void cpio_init(struct cpio_reader *r, const void *base, size_t size)
{
	*r = (struct cpio_reader){.base = base, .size = size};
}

static int cpio_fail(struct cpio_reader *r, const char *why)
{
	r->error = why;
	r->error_offset = r->pos;
	return -EINVAL;
}

static int cpio_hex(const u8 *p, u32 *out)
{
	u32 value = 0;

	for (int i = 0; i < 8; i++) {
		u8 c = p[i];

		if (c >= '0' && c <= '9')
			value = value << 4 | (u32)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			value = value << 4 | (u32)((c | 0x20) - 'a' + 10);
		else
			return -EINVAL;
	}
	*out = value;
	return 0;
}

static u32 cpio_sum(const u8 *p, size_t n)
{
	u32 sum = 0;

	while (n--)
		sum += *p++;
	return sum;
}

/* Between archives: the NULs are skipped; true when a header or its beginning follows. */
static bool cpio_seek_header(struct cpio_reader *r)
{
	while (r->pos < r->size && r->base[r->pos] == '\0')
		r->pos++;
	return r->pos < r->size && r->base[r->pos] == '0';
}

/* Bounds of the name and the data behind the header at r->pos; gives the offset of the next header.
 */
static int cpio_locate(struct cpio_reader *r, const u32 *field, struct cpio_entry *e, size_t *next)
{
	const size_t name_at = r->pos + CPIO_HEADER_SIZE;
	size_t data_at, name_size = field[CPIO_NAMESIZE], size = field[CPIO_FILESIZE];

	if (name_size == 0)
		return cpio_fail(r, "empty name");
	if (name_size > r->size - name_at)
		return cpio_fail(r, "name beyond the end of the archive");
	e->name = (const char *)r->base + name_at;
	/* The name ends at its first NUL; more of them are padding that puts the data at a page
	 * boundary. */
	e->name_len = strnlen(e->name, name_size);
	if (e->name_len == name_size)
		return cpio_fail(r, "name without its final NUL");
	if (e->name_len > CPIO_NAME_MAX)
		return cpio_fail(r, "name too long");
	data_at = ALIGN_UP(name_at + name_size, 4);
	/* The padding may be missing at the very end, but not the data. */
	if (size > r->size - MIN(data_at, r->size))
		return cpio_fail(r, "file data beyond the end of the archive");
	e->data = r->base + MIN(data_at, r->size);
	e->size = (u32)size;
	*next = MIN(ALIGN_UP(data_at + size, 4), r->size);
	return 0;
}

static int cpio_read_header(struct cpio_reader *r, u32 *field, bool *has_check)
{
	const u8 *h = r->base + r->pos;

	if (r->size - r->pos < CPIO_HEADER_SIZE)
		return cpio_fail(r, "truncated header");
	if (memcmp(h, "07070", 5) != 0 || (h[5] != '1' && h[5] != '2'))
		return cpio_fail(r, memcmp(h, "070707", 6) == 0 ? "old cpio format (newc is needed)"
								: "bad header magic");
	*has_check = h[5] == '2';
	for (int i = 0; i < CPIO_FIELDS; i++)
		if (cpio_hex(h + 6 + 8 * i, &field[i]))
			return cpio_fail(r, "bad hexadecimal number in a header");
	return 0;
}

static void cpio_fill(struct cpio_entry *e, const u32 *field, u32 archive)
{
	e->mode = field[CPIO_MODE];
	e->uid = field[CPIO_UID];
	e->gid = field[CPIO_GID];
	e->mtime = field[CPIO_MTIME];
	e->nlink = field[CPIO_NLINK];
	e->ino = field[CPIO_INO];
	e->dev_major = field[CPIO_DEV_MAJOR];
	e->dev_minor = field[CPIO_DEV_MINOR];
	e->rdev_major = field[CPIO_RDEV_MAJOR];
	e->rdev_minor = field[CPIO_RDEV_MINOR];
	e->archive = archive;
}

int cpio_next(struct cpio_reader *r, struct cpio_entry *e)
{
	u32 field[CPIO_FIELDS];
	bool has_check;
	size_t next;
	int err;

	for (;;) {
		if (!cpio_seek_header(r)) {
			/* Without its trailer an archive is one that was cut at the border of two
			 * entries. */
			return r->in_archive ? cpio_fail(r, "archive without TRAILER!!!") : 0;
		}
		/* NULs between archives may not shift the headers off their alignment. */
		if (r->pos % 4 != 0)
			return cpio_fail(r, "header at an odd offset");
		err = cpio_read_header(r, field, &has_check);
		if (!err)
			err = cpio_locate(r, field, e, &next);
		if (err)
			return err;
		/* Compared with its NUL: a longer name may begin like it. */
		if (strcmp(e->name, "TRAILER!!!") != 0)
			break;
		r->pos = next;
		r->archive++;
		r->in_archive = false;
	}
	cpio_fill(e, field, r->archive);
	if (has_check && (e->mode & CPIO_TYPE_MASK) == CPIO_TYPE_FILE &&
	    cpio_sum(e->data, e->size) != field[CPIO_CHECK])
		return cpio_fail(r, "checksum of file data is wrong");
	r->pos = next;
	r->in_archive = true;
	return 1;
}

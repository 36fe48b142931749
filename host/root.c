// SPDX-License-Identifier: MIT
// Reads root archives into memory (inflating gzip on the host, where it is fast) and indexes them.
// The archive is foreign input: every failure is one line that names the file and the place.
#include "host/root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/say.h"
#include "lib/inflate.h"

#define TOO_LARGE \
	"%s: the initial file system is larger than the guest's memory: give more with --mem"

struct bytes {
	unsigned char *p;
	size_t n;
};

// The whole file; a regular one is mapped, anything else (a pipe) read to its end.
static struct bytes file_bytes(const char *file, uint64_t max)
{
	struct bytes b = {0};
	struct stat st;
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		fail(STATUS_FAILURE, "root archive %s: %s", file, strerror(errno));
	if (S_ISREG(st.st_mode) && st.st_size > 0) {
		b.n = (size_t)st.st_size;
		b.p = mmap(NULL, b.n, PROT_READ, MAP_PRIVATE, fd, 0);
		if (b.p == MAP_FAILED)
			fail(STATUS_FAILURE, "root archive %s: %s", file, strerror(errno));
		close(fd);
		return b;
	}
	for (ssize_t n = 1; n > 0;) {
		b.p = mem_resize(b.p, b.n + (1 << 20));
		n = read(fd, b.p + b.n, 1 << 20);
		if (n < 0)
			fail(STATUS_FAILURE, "root archive %s: %s", file, strerror(errno));
		b.n += (size_t)n;
		if (b.n > max)
			fail(STATUS_FAILURE, TOO_LARGE, file);
	}
	close(fd);
	return b;
}

// Where inflate puts what it makes.
struct inflated {
	struct bytes out;
	size_t room;
	uint64_t max;
};

static int inflated_add(void *ctx, const u8 *data, size_t len)
{
	struct inflated *f = ctx;

	if (f->out.n + len > f->max)
		return -ENOSPC;
	if (f->out.n + len > f->room) {
		f->room = 2 * (f->room + len);
		f->out.p = mem_resize(f->out.p, f->room);
	}
	memcpy(f->out.p + f->out.n, data, len);
	f->out.n += len;
	return 0;
}

// Inflates the gzip members from *at on: neighbours are one stream, some tools cut an archive so.
static struct bytes inflate_members(const char *file, struct bytes b, size_t *at, uint64_t max)
{
	struct inflate *z = mem_alloc(sizeof(*z));
	struct inflate_out out = {.size = 4 * INFLATE_BUF_MIN, .flush = inflated_add};
	struct inflated f = {.max = max};
	size_t used;

	out.buf = mem_alloc(out.size);
	out.ctx = &f;
	while (inflate_is_gzip(b.p + *at, b.n - *at)) {
		int err = inflate_gzip(z, b.p + *at, b.n - *at, &used, &out);

		if (err == -ENOSPC)
			fail(STATUS_FAILURE, TOO_LARGE, file);
		if (err)
			fail(STATUS_FAILURE,
			     "root archive %s is corrupt: the gzip data at byte %zu: %s", file, *at,
			     z->error);
		*at += used;
	}
	free(out.buf);
	free(z);
	return f.out;
}

static void root_index(struct root *r, const struct cpio_entry *e)
{
	struct tree_node n = {.mode = e->mode, .data = e->data, .size = e->size};

	if (S_ISLNK(e->mode)) {
		n.target = mem_alloc(e->size + 1);
		memcpy(n.target, e->data, e->size);
	}
	tree_add(&r->tree, e->name, &n);
	free(n.target);
}

static void root_keep(struct root *r, const struct cpio_entry *e, bool first)
{
	if ((r->entry_count & (r->entry_count - 1)) == 0)
		r->entries = mem_resize(r->entries, (r->entry_count ? r->entry_count * 2 : 1) *
							    sizeof(*r->entries));
	r->entries[r->entry_count++] = (struct root_entry){*e, first};
}

static void root_account(struct root *r, uint64_t bytes, const char *what)
{
	r->bytes += bytes;
	if (r->bytes > r->bytes_max)
		fail(STATUS_FAILURE, TOO_LARGE, what);
}

// What a file that is neither cpio nor gzip is, when it can be told.
static const char *other_format(const unsigned char *p, size_t n)
{
	if (n >= 6 && !memcmp(p,
			      "\xfd"
			      "7zXZ",
			      6))
		return "is xz-compressed; only plain and gzip are taken (unxz it)";
	if (n >= 4 && !memcmp(p, "\x28\xb5\x2f\xfd", 4))
		return "is zstd-compressed; only plain and gzip are taken (unzstd it)";
	if (n >= 3 && !memcmp(p, "BZh", 3))
		return "is bzip2-compressed; only plain and gzip are taken (bunzip2 it)";
	if (n >= 6 && (!memcmp(p, "070707", 6) || (p[0] == 0xc7 && p[1] == 0x71)))
		return "is an old cpio format; write it with cpio -H newc";
	if (n >= 263 && !memcmp(p + 257, "ustar", 5))
		return "is a tar archive; make a cpio with: find . | cpio -o -H newc";
	return NULL;
}

// The launcher's own boot spec must stay the only one, whatever way its name is written.
static bool is_reserved(const char *name)
{
	while (*name == '/' || (name[0] == '.' && name[1] == '/'))
		name++;
	return !strcmp(name, ".postern") || !strncmp(name, ".postern/", 9);
}

// The archives of one stretch of plain cpio, from *at to its end or to the next gzip member.
static void load_cpio(struct root *r, const char *file, struct bytes b, size_t *at)
{
	struct cpio_reader c;
	struct cpio_entry e;
	int got;

	cpio_init(&c, b.p + *at, b.n - *at);
	for (u32 archive = UINT32_MAX; (got = cpio_next(&c, &e)) > 0; archive = e.archive) {
		if (is_reserved(e.name))
			fail(STATUS_FAILURE, "root archive %s holds the reserved name %s", file,
			     e.name);
		root_account(r, e.size, file);
		root_keep(r, &e, e.archive != archive);
		root_index(r, &e);
	}
	if (got < 0)
		fail(STATUS_FAILURE, "root archive %s is corrupt at byte %zu: %s", file,
		     *at + c.error_offset, c.error);
	*at += c.pos;
}

static void load_all(struct root *r, const char *file, struct bytes b)
{
	for (size_t at = 0; at < b.n;) {
		size_t before = at, plain_at = 0;

		load_cpio(r, file, b, &at);
		if (at == b.n)
			return;
		if (inflate_is_gzip(b.p + at, b.n - at)) {
			struct bytes plain = inflate_members(file, b, &at, r->bytes_max);

			load_cpio(r, file, plain, &plain_at); // plain stays: entries point into it
			if (plain_at == plain.n)
				continue;
			fail(STATUS_FAILURE,
			     "root archive %s: what its gzip holds is not a newc cpio "
			     "archive",
			     file);
		}
		const char *other = other_format(b.p + before, b.n - before);
		fail(STATUS_FAILURE, "root archive %s %s", file,
		     other ? other : "is neither a newc cpio archive nor gzip");
	}
}

void root_load(struct root *r, const char *file)
{
	struct bytes b = file_bytes(file, r->bytes_max);
	size_t before = r->entry_count;

	load_all(r, file, b);
	if (r->entry_count == before)
		fail(STATUS_FAILURE, "root archive %s is empty", file);
}

static void write_entry(const struct cpio_entry *e, struct archive *a)
{
	struct archive_entry out = {
		.name = e->name,
		.ino = e->ino,
		.mode = e->mode,
		.uid = e->uid,
		.gid = e->gid,
		.nlink = e->nlink,
		.mtime = e->mtime,
		.size = e->size,
		.dev_major = e->dev_major,
		.dev_minor = e->dev_minor,
		.rdev_major = e->rdev_major,
		.rdev_minor = e->rdev_minor,
	};

	archive_put(a, &out, e->data);
}

static void write_addition(const struct root_addition *d, struct archive *a)
{
	struct archive_entry out = {
		.name = d->guest + 1,
		.mode = d->mode,
		.uid = d->uid,
		.gid = d->gid,
		.nlink = S_ISDIR(d->mode) ? 2 : 1,
		.mtime = d->mtime,
		.size = d->size,
		.rdev_major = d->rdev_major,
		.rdev_minor = d->rdev_minor,
	};

	if (!S_ISREG(d->mode)) {
		archive_put(a, &out, d->target ? d->target : "");
		return;
	}
	int fd = open(d->host, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail(STATUS_FAILURE, "%s: %s", d->host, strerror(errno));
	archive_put_file(a, &out, fd, d->host);
	close(fd);
}

void root_write(const struct root *r, struct archive *a)
{
	for (size_t i = 0; i < r->entry_count; i++) {
		if (i && r->entries[i].first)
			archive_end(a);
		write_entry(&r->entries[i].e, a);
	}
	archive_end(a);
	if (!r->addition_count)
		return;
	for (size_t i = 0; i < r->addition_count; i++)
		write_addition(&r->additions[i], a);
	archive_end(a);
}

// SPDX-License-Identifier: MIT
/*
 * Reader of cpio "newc" archives in memory (magic 070701, and 070702 whose checksums are verified),
 * as an initramfs holds them: several archives one after another, NULs between, names padded with
 * NULs. Nothing is copied: names and data point into the buffer. Whether a path is sane is the
 * caller's question.
 */
#pragma once

#include "lib/types.h"

/* A name may be this long, without its NUL (PATH_MAX - 1). */
#define CPIO_NAME_MAX 4095

struct cpio_reader {
	const u8 *base;
	size_t size;
	size_t pos;  /* offset of the next header; at the end of cpio_next == 0, of what follows */
	u32 archive; /* number of TRAILER!!! entries passed: hard links never cross one */
	bool in_archive;     /* entries seen since the last trailer */
	const char *error;   /* after a negative result: what is wrong, a static string */
	size_t error_offset; /* and the offset of the entry it is wrong in */
};

struct cpio_entry {
	const char *name; /* NUL-terminated */
	size_t name_len;
	const u8 *data; /* file contents, or the target of a symbolic link (not NUL-terminated) */
	u32 size;
	u32 mode;
	u32 uid;
	u32 gid;
	u32 mtime; /* seconds since 1970 */
	/*
	 * nlink > 1 and not a directory: entries with equal archive, dev_major, dev_minor and ino
	 * are one file. Any of them may carry the data; the others have size 0 (GNU cpio: only the
	 * last one has it).
	 */
	u32 nlink;
	u32 ino;
	u32 dev_major;
	u32 dev_minor;
	u32 archive;
	u32 rdev_major; /* of device nodes */
	u32 rdev_minor;
};

void cpio_init(struct cpio_reader *r, const void *base, size_t size);
/*
 * The next entry: 1 and *e; 0 when no archive goes on at r->pos, which is then r->size, or less if
 * other bytes than a header begin there between archives (a gzip member, say); -EINVAL with
 * r->error for a malformed archive. After 0 or an error the reader stays where it is.
 */
int cpio_next(struct cpio_reader *r, struct cpio_entry *e) MUST_CHECK;

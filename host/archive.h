// SPDX-License-Identifier: MIT
// Writer of newc cpio archives (the format of Linux's initramfs) into a file descriptor.
#pragma once

#include <stdint.h>

// A file's data begins on a page boundary of the output when it is at least this large, so that the
// kernel can adopt the archive's own pages as the file's page cache.
#define ARCHIVE_PAGE 4096u
// Linux skips an entry with a longer name field (PATH_MAX in its initramfs reader).
#define ARCHIVE_NAME_MAX 4096u

struct archive {
	int fd;
	uint64_t at;	  // bytes written since the output's start
	uint64_t data_at; // where the last entry's data begins
	uint32_t next_ino;
	unsigned char *buf;
	uint32_t fill;
};

// The fields of one newc header; `name` has no leading slash. ino 0: a fresh number is given.
struct archive_entry {
	const char *name;
	uint32_t ino, mode, uid, gid, nlink, mtime;
	uint32_t dev_major, dev_minor, rdev_major, rdev_minor;
	uint64_t size;
};

void archive_open(struct archive *a, int fd);
// One whole entry whose data (size bytes; a symlink's target too) is in memory.
void archive_put(struct archive *a, const struct archive_entry *e, const void *data);
// One whole entry whose data is read from `from`, which `path` names in messages.
void archive_put_file(struct archive *a, const struct archive_entry *e, int from, const char *path);
// TRAILER!!! and zeros up to the next page, so that a following archive keeps its alignment.
void archive_end(struct archive *a);
// Everything to the descriptor, and the buffer freed.
void archive_close(struct archive *a);

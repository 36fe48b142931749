// SPDX-License-Identifier: MIT
// The guest's root as the launcher knows it: a cpio archive's entries, and what is added from the
// host. root_write puts it all into the initial file system, every large file's data on a page.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/archive.h"
#include "host/tree.h"
#include "lib/cpio.h"

// One file, directory or other node that is added. host NULL: a directory made as a parent.
struct root_addition {
	char *host, *guest;
	char *target; // symlinks only
	uint32_t mode, uid, gid, mtime, rdev_major, rdev_minor;
	uint64_t size;
};

// An entry of the root archive. Archives stay apart, for hard links never cross their ends.
struct root_entry {
	struct cpio_entry e;
	bool first; // of its archive
};

struct root {
	struct tree tree;
	struct root_entry *entries;
	size_t entry_count;
	struct root_addition *additions;
	size_t addition_count;
	uint64_t bytes, bytes_max; // of file data; more than bytes_max is refused
};

// Reads a root archive (newc cpio, plain or gzip, any number of them one behind the other).
// A corrupt one ends the launcher with STATUS_FAILURE.
void root_load(struct root *r, const char *file);

// --add HOST[:GUEST]: a file, or a directory with all that is below it.
void root_add_option(struct root *r, const char *arg);

// A host path as the user typed it, absolute and without `.` and `..`; allocated.
char *path_absolute(const char *path);

// One host path at one absolute guest path, not followed further down.
void root_add_file(struct root *r, const char *host, const char *guest);

void root_write(const struct root *r, struct archive *a);

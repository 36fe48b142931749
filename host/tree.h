// SPDX-License-Identifier: MIT
// The names that the guest's root will hold, so that the launcher can tell before the start whether
// PROGRAM is there. Paths are absolute, without `.`, `..`, doubled slashes or symlinks in parents.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct tree_node {
	char *path;
	uint32_t mode;
	char *target;		   // symlinks only
	const unsigned char *data; // regular files from an archive
	size_t size;
	const char *host;	// regular files added from the host
	struct tree_node *next; // in its bucket
};

#define TREE_BUCKETS 4096u

struct tree {
	struct tree_node *buckets[TREE_BUCKETS];
};

// Adds or replaces a name; `path` may be in any form, symlinks in its parents are followed.
// The strings are copied, `data` and `host` are kept.
void tree_add(struct tree *t, const char *path, const struct tree_node *n);

// 0 and the node (NULL for the root directory itself), or -ENOENT, -ENOTDIR, -ELOOP. A last
// component that is a symlink is followed. `path` is absolute. *canonical, when asked for, is
// allocated, also for -ENOENT when only the last component is missing (else NULL).
int tree_find(struct tree *t, const char *path, struct tree_node **out, char **canonical);

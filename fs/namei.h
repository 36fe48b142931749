// SPDX-License-Identifier: MIT
// A path walk in progress. Only fs/ uses it: path_lookup() for the plain case, the steps for open,
// rename and the like.
#pragma once

#include "fs/vfs.h"
#include "kern/files.h"

struct walk {
	struct path at;	  // counted between calls
	struct path root; // of the process, or the start with LOOKUP_BENEATH, LOOKUP_IN_ROOT
	struct path start;
	const struct cred *cred;
	const char *rest; // what is left of the path, in the caller's name or in buf
	char *buf;	  // after a symbolic link: its target and the rest behind it
	bool buf_large;	  // from kmalloc, else a name buffer
	bool root_counted, start_counted;
	bool at_counted;
	bool need_dir;
	bool parent; // stop before the last component
	u32 flags;   // LOOKUP_*
	u32 links;
	struct fdref fd;
	// The component that the walk stopped at.
	const char *name;
	u32 len;
	int type; // LAST_*
	bool trailing_slash;
	struct dentry *found; // counted: what to use for the next component, or the link to follow
};

// -EBADF, -ENOTDIR, -ENOENT. walk_end() in every case.
int walk_begin(struct walk *w, int dirfd, const char *name, u32 flags, const struct cred *c);
// To the end (at: the object), or with w->parent to the last component (at: its directory). 0 or
// errno.
int walk_run(struct walk *w);
// Locks the directory and looks the last component up: *out counted, perhaps negative. On failure
// nothing is locked.
int walk_lock_last(struct walk *w, struct dentry **out);
void walk_unlock(struct walk *w);
// The last component was `link`: the next walk_run goes on with its target. Consumes the reference.
// The directory is not locked.
int walk_follow(struct walk *w, struct dentry *link);
// From a dentry below w->at to what is mounted there: *out counted.
void walk_cross(const struct walk *w, struct dentry *d, struct path *out);
void walk_end(struct walk *w);

// A buffer of PATH_MAX_LEN bytes; NULL.
char *name_alloc(void);
void name_free(char *name);

// May a name be added to this locked directory? -ENOENT (removed), -EROFS, -EACCES
int dir_may_create(const struct path *dir);
u32 fs_umask(void);
// May d be removed from this locked directory, as a directory or as anything else? Sticky bit and
// mountpoints too.
int dir_may_delete(const struct path *dir, const struct dentry *d, bool is_dir);
void rename_init(void);

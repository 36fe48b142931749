// SPDX-License-Identifier: MIT
// What the file calls of sys/ share: names from user memory, and how a call on a name or a
// descriptor runs.
#pragma once

#include "fs/namei.h"
#include "lib/types.h"

#define AT_LOOKUP_FLAGS (AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)

// A copy of the path at p, for name_free(). -EFAULT, -ENAMETOOLONG, -ENOMEM. *out is NULL after a
// failure.
int user_name(char **out, uptr p);
// LOOKUP_* for the AT_* flags of a call that follows the last link unless told not to.
static inline u32 at_lookup(u32 at_flags)
{
	return (at_flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
	       (at_flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
}
// user_name and path_lookup in one.
int user_path(int dirfd, uptr name, u32 lookup, struct path *out);
// The path behind a descriptor, O_PATH too: counted. -EBADF
int fd_path(int fd, struct path *out);

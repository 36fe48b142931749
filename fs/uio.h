// SPDX-License-Identifier: MIT
// A transfer in progress: user segments or one kernel buffer. File code sees only this, never a
// user pointer.
#pragma once

#include "lib/types.h"
#include "machine/uaccess.h"

struct uio_seg {
	union {
		uptr user;
		void *kernel;
	};
	size_t len;
};

struct uio {
	struct uio_seg *segs; // remaining, first one partly used
	u32 nsegs;
	bool kernel;
	bool append; // RWF_APPEND: a write goes to the end of the file, whatever the position says
	size_t seg_off;	    // used of segs[0]
	size_t resid;	    // bytes left in total
	struct uio_seg one; // storage for the simple case
};

void uio_init_user(struct uio *u, uptr buf, size_t len);
void uio_init_kernel(struct uio *u, void *buf, size_t len);
void uio_init_segs(struct uio *u, struct uio_seg *segs, u32 n, size_t total);
// Moves n ≤ resid bytes: returns bytes moved (short on a fault); advances.
size_t uio_write(struct uio *u, const void *src, size_t n); // into the transfer's buffer (a read)
size_t uio_read(struct uio *u, void *dst, size_t n);	    // out of it (a write)
size_t uio_zero(struct uio *u, size_t n);
void uio_skip(struct uio *u, size_t n);

// The same two for the common case of one user buffer, without a call but the copy itself.
static inline size_t uio_put(struct uio *u, const void *src, size_t n)
{
	size_t moved;

	if (unlikely(u->nsegs != 1 || u->kernel || n > u->resid))
		return uio_write(u, src, n);
	moved = n - copyout_part(uptr_add(u->segs->user, u->seg_off), src, n);
	u->seg_off += moved;
	u->resid -= moved;
	return moved;
}
static inline size_t uio_take(struct uio *u, void *dst, size_t n)
{
	size_t moved;

	if (unlikely(u->nsegs != 1 || u->kernel || n > u->resid))
		return uio_read(u, dst, n);
	moved = n - copyin_part(dst, uptr_add(u->segs->user, u->seg_off), n);
	u->seg_off += moved;
	u->resid -= moved;
	return moved;
}

// SPDX-License-Identifier: MIT
// Transfers. Segments are consumed from the front; seg_off is what has been used of the first one.
// A user segment that faults stops the transfer where it is: what was moved until then counts.
#include "fs/uio.h"

#include "lib/string.h"
#include "machine/uaccess.h"

void uio_init_user(struct uio *u, uptr buf, size_t len)
{
	u->one = (struct uio_seg){.user = buf, .len = len};
	u->segs = &u->one;
	u->nsegs = 1;
	u->kernel = false;
	u->append = false;
	u->seg_off = 0;
	u->resid = len;
}

void uio_init_kernel(struct uio *u, void *buf, size_t len)
{
	u->one = (struct uio_seg){.kernel = buf, .len = len};
	u->segs = &u->one;
	u->nsegs = 1;
	u->kernel = true;
	u->append = false;
	u->seg_off = 0;
	u->resid = len;
}

void uio_init_segs(struct uio *u, struct uio_seg *segs, u32 n, size_t total)
{
	u->segs = segs;
	u->nsegs = n;
	u->kernel = false;
	u->append = false;
	u->seg_off = 0;
	u->resid = total;
}

void uio_skip(struct uio *u, size_t n)
{
	u->resid -= n;
	u->seg_off += n;
	while (u->nsegs > 1 && u->seg_off >= u->segs->len) {
		u->seg_off -= u->segs->len;
		u->segs++;
		u->nsegs--;
	}
}

enum uio_op { UIO_WRITE, UIO_READ, UIO_ZERO };

// Moves n bytes between p and the first segment. Returns how many.
static size_t uio_seg_move(struct uio *u, enum uio_op op, void *p, size_t n)
{
	u8 *kernel = (u8 *)u->segs->kernel + u->seg_off;
	uptr user = uptr_add(u->segs->user, u->seg_off);

	if (u->kernel) {
		if (op == UIO_WRITE)
			memcpy(kernel, p, n);
		else if (op == UIO_READ)
			memcpy(p, kernel, n);
		else
			memset(kernel, 0, n);
		return n;
	}
	if (op == UIO_WRITE)
		return n - copyout_part(user, p, n);
	if (op == UIO_READ)
		return n - copyin_part(p, user, n);
	return user_zero(user, n) ? 0 : n;
}

static size_t uio_move(struct uio *u, enum uio_op op, void *p, size_t n)
{
	size_t done = 0;

	n = MIN(n, u->resid);
	while (done < n) {
		size_t part, moved;

		uio_skip(u, 0); // empty segments
		part = MIN(n - done, u->segs->len - u->seg_off);
		moved = uio_seg_move(u, op, p ? (u8 *)p + done : NULL, part);
		uio_skip(u, moved);
		done += moved;
		if (moved < part)
			break;
	}
	return done;
}

size_t uio_write(struct uio *u, const void *src, size_t n)
{
	return uio_move(u, UIO_WRITE, (void *)(uintptr_t)src, n);
}

size_t uio_read(struct uio *u, void *dst, size_t n)
{
	return uio_move(u, UIO_READ, dst, n);
}

#define ZERO_CHUNK 4096

// By the page, so that a fault far inside a long transfer costs at most one page of progress.
size_t uio_zero(struct uio *u, size_t n)
{
	size_t done = 0;

	while (done < n && u->resid) {
		size_t part = MIN(n - done, (size_t)ZERO_CHUNK),
		       moved = uio_move(u, UIO_ZERO, NULL, part);

		done += moved;
		if (moved < part)
			break;
	}
	return done;
}

// SPDX-License-Identifier: MIT
/*
 * The devices of major 1 that are nothing but memory: null, zero, full, random, urandom (null(4),
 * full(4), random(4)).
 */
#include "fs/vfs.h"
#include "kern/random.h"
#include "kern/sched.h"
#include "kern/task.h"
#include "lib/string.h"

#include <linux/errno.h>
#include <linux/major.h>

#define CHUNK 256

static s64 seek_to_zero(struct file *f, s64 off, int whence)
{
	(void)off;
	(void)whence;
	f->f_pos = 0;
	return 0;
}

static s64 seek_nowhere(struct file *f, s64 off, int whence)
{
	(void)off;
	(void)whence;
	return (s64)f->f_pos;
}

static long null_read(struct file *f, struct uio *u, u64 *pos)
{
	(void)f;
	(void)u;
	(void)pos;
	return 0;
}

static long null_write(struct file *f, struct uio *u, u64 *pos)
{
	size_t n = u->resid;

	(void)f;
	(void)pos;
	uio_skip(u, n); /* the bytes are not looked at, as on Linux: no EFAULT */
	return (long)n;
}

static long zero_read(struct file *f, struct uio *u, u64 *pos)
{
	size_t done = 0;

	(void)f;
	(void)pos;
	while (u->resid) {
		size_t want = MIN(u->resid, (size_t)PAGE_SIZE), moved = uio_zero(u, want);

		done += moved;
		if (moved < want)
			return done ? (long)done : -EFAULT;
		if (signal_pending(current))
			return (long)done;
		sched_point();
	}
	return (long)done;
}

static long full_write(struct file *f, struct uio *u, u64 *pos)
{
	(void)f;
	(void)u;
	(void)pos;
	return -ENOSPC;
}

static long random_read(struct file *f, struct uio *u, u64 *pos)
{
	size_t done = 0;
	u8 buf[CHUNK];
	long r = 0;

	(void)f;
	(void)pos;
	while (u->resid && !r) {
		size_t want = MIN(u->resid, sizeof(buf)), moved;

		random_bytes(buf, want);
		moved = uio_write(u, buf, want);
		done += moved;
		sched_point();
		if (moved < want)
			r = -EFAULT;
		else if (done % PAGE_SIZE == 0 && signal_pending(current))
			break; /* only after a page: short reads up to 256 bytes are whole
				  (random(4)) */
	}
	mem_wipe(buf, sizeof(buf));
	return done ? (long)done : r;
}

static long random_write(struct file *f, struct uio *u, u64 *pos)
{
	size_t done = 0;
	u8 buf[CHUNK];

	(void)f;
	(void)pos;
	while (u->resid) {
		size_t want = MIN(u->resid, sizeof(buf)), moved = uio_read(u, buf, want);

		random_add(buf, moved);
		done += moved;
		if (moved < want)
			return done ? (long)done : -EFAULT;
		if (done % PAGE_SIZE == 0 && signal_pending(current))
			break;
		sched_point();
	}
	return (long)done;
}

/* Anonymous memory: the mapping gets no page cache of a file (vm/map.c). */
static int zero_mmap(struct file *f, struct vma *v)
{
	(void)f;
	(void)v;
	return 0;
}

static const struct file_ops null_ops = {
	.read = null_read,
	.write = null_write,
	.seek = seek_to_zero,
};
static const struct file_ops zero_ops = {
	.read = zero_read,
	.write = null_write,
	.seek = seek_to_zero,
	.mmap = zero_mmap,
};
static const struct file_ops full_ops = {
	.read = zero_read,
	.write = full_write,
	.seek = seek_to_zero,
};
static const struct file_ops random_ops = {
	.read = random_read,
	.write = random_write,
	.seek = seek_nowhere,
};

void memdev_init(void)
{
	chardev_register(MEM_MAJOR, 3, 1, &null_ops);
	chardev_register(MEM_MAJOR, 5, 1, &zero_ops);
	chardev_register(MEM_MAJOR, 7, 1, &full_ops);
	chardev_register(MEM_MAJOR, 8, 2, &random_ops);
}

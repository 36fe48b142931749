// SPDX-License-Identifier: MIT
/*
 * Pipes and FIFOs. The ring is bytes over pages that are got when first written to; when it runs
 * empty it starts over at its first page, so a pipe with little traffic owns and touches one page.
 * p_lock covers it all. A sleeper joins its queue before it gives p_lock up, so whoever changes
 * something under p_lock sees whether somebody waits.
 */
#include "fs/pipe.h"
#include "fs/poll.h"
#include "fs/vfs.h"
#include "kern/signal.h"
#include "kern/task.h"
#include "kern/wait.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "machine/uaccess.h"
#include "vm/page.h"
#include "vm/slab.h"

#include <asm/ioctls.h>
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/limits.h>

#define PIPE_PAGES    16
#define PIPE_SIZE_MAX (1u << 20) /* for those without CAP_SYS_RESOURCE: fs.pipe-max-size */

struct pipe {
	struct mutex p_lock;
	u32 p_head, p_tail; /* bytes written and read since the ring was last empty */
	u32 p_size;	    /* bytes, a power of two, at least a page */
	u32 p_readers, p_writers;
	u32 p_reader_opens, p_writer_opens; /* ever: what an open of the other end waits for */
	struct waitqueue p_read_wait, p_write_wait;
	struct page **p_pages;
	u32 p_files; /* open files; i_lock of the inode */
};

static struct slab_cache pipe_slab = SLAB_CACHE(pipe_slab, "pipe", struct pipe);

static u32 used(const struct pipe *p)
{
	return p->p_head - p->p_tail;
}

static u32 space(const struct pipe *p)
{
	return p->p_size - used(p);
}

static struct pipe *pipe_alloc(void)
{
	struct pipe *p = slab_zalloc(&pipe_slab);

	if (!p)
		return NULL;
	p->p_pages = kzalloc(PIPE_PAGES * sizeof(*p->p_pages));
	if (!p->p_pages) {
		slab_free(&pipe_slab, p);
		return NULL;
	}
	p->p_size = PIPE_PAGES * PAGE_SIZE;
	mutex_init(&p->p_lock, "pipe", RANK_PIPE);
	wait_init(&p->p_read_wait);
	wait_init(&p->p_write_wait);
	return p;
}

static void free_pages(struct page **pages, u32 n)
{
	for (u32 i = 0; i < n; i++)
		if (pages[i])
			page_put(pages[i]);
	kfree(pages);
}

static void pipe_free(struct pipe *p)
{
	free_pages(p->p_pages, p->p_size / PAGE_SIZE);
	slab_free(&pipe_slab, p);
}

/* --- sleeping and waking; p_lock held --- */

static void wake_readers(struct pipe *p)
{
	if (wait_active(&p->p_read_wait))
		wait_wake(&p->p_read_wait, EPOLLIN | EPOLLRDNORM, 0);
}

/* Not for a few bytes: a writer that waits wants PIPE_BUF of space, and a drained pipe has it. */
static void wake_writers(struct pipe *p)
{
	if (wait_active(&p->p_write_wait) && space(p) >= PIPE_BUF)
		wait_wake(&p->p_write_wait, EPOLLOUT | EPOLLWRNORM, 0);
}

static void wake_all(struct pipe *p)
{
	wait_wake_all(&p->p_read_wait);
	wait_wake_all(&p->p_write_wait);
}

/* 0 when woken, -ERESTARTSYS. p_lock is given up meanwhile. */
static int pipe_sleep(struct pipe *p, struct waitqueue *wq)
{
	struct waiter w;
	int r;

	wait_prepare(wq, &w, TASK_INTERRUPTIBLE);
	mutex_unlock(&p->p_lock);
	r = sched_sleep(WAIT_FOREVER);
	wait_finish(wq, &w);
	mutex_lock(&p->p_lock);
	return r;
}

/* --- moving bytes; p_lock held --- */

static struct page *ring_page(const struct pipe *p, u32 at)
{
	return p->p_pages[(at & (p->p_size - 1)) / PAGE_SIZE];
}

/* As much as there is and fits. Bytes; fewer than that after a fault. */
static size_t ring_take(struct pipe *p, struct uio *u)
{
	size_t n = MIN((size_t)used(p), u->resid), done = 0;

	while (done < n) {
		u32 off = p->p_tail % PAGE_SIZE;
		size_t want = MIN(n - done, (size_t)(PAGE_SIZE - off));
		size_t moved = uio_put(u, (char *)page_address(ring_page(p, p->p_tail)) + off,
				       want);

		p->p_tail += (u32)moved;
		done += moved;
		if (moved < want)
			break;
	}
	if (p->p_tail == p->p_head)
		p->p_head = p->p_tail = 0;
	return done;
}

/* Bytes put in; *err says why it were not n. */
static size_t ring_put(struct pipe *p, struct uio *u, size_t n, int *err)
{
	size_t done = 0;

	while (done < n) {
		u32 off = p->p_head % PAGE_SIZE;
		size_t want = MIN(n - done, (size_t)(PAGE_SIZE - off)), moved;
		struct page **slot = &p->p_pages[(p->p_head & (p->p_size - 1)) / PAGE_SIZE];

		if (unlikely(!*slot))
			*slot = page_alloc(PAGE_MODEST);
		if (unlikely(!*slot)) {
			*err = -ENOMEM;
			break;
		}
		moved = uio_take(u, (char *)page_address(*slot) + off, want);
		p->p_head += (u32)moved;
		done += moved;
		if (moved < want) {
			*err = -EFAULT;
			break;
		}
	}
	return done;
}

/* p_lock held. The general case: waits, wraps around the ring, more than a page. */
static NOINLINE long read_slowly(struct pipe *p, struct file *f, struct uio *u)
{
	long n;

	while (!used(p)) {
		int err;

		if (!p->p_writers)
			return 0; /* the end */
		err = f->f_flags & O_NONBLOCK ? -EAGAIN : pipe_sleep(p, &p->p_read_wait);
		if (err)
			return err;
	}
	n = (long)ring_take(p, u);
	if (!n)
		return -EFAULT;
	wake_writers(p);
	return n;
}

/* A little that lies in the first page of the ring is what most reads find. */
static long pipe_read(struct file *f, struct uio *u, u64 *pos)
{
	struct pipe *p = f->f_private;
	long r;
	u32 n;

	(void)pos;
	if (unlikely(!u->resid))
		return 0;
	mutex_lock(&p->p_lock);
	n = used(p);
	if (likely(n && n <= u->resid && p->p_head <= PAGE_SIZE && p->p_tail < p->p_head)) {
		r = (long)uio_put(u, (char *)page_address(p->p_pages[0]) + p->p_tail, n);
		if (likely(r == (long)n))
			p->p_head = p->p_tail = 0;
		else
			p->p_tail += (u32)r;
		if (unlikely(wait_active(&p->p_write_wait)))
			wake_writers(p);
		if (unlikely(!r))
			r = -EFAULT;
	} else {
		r = read_slowly(p, f, u);
	}
	mutex_unlock(&p->p_lock);
	return r;
}

/* p_lock held. The general case. */
static NOINLINE long write_slowly(struct pipe *p, struct file *f, struct uio *u)
{
	/* Up to PIPE_BUF bytes go in as one (POSIX write()); of more, any part. */
	u32 need = u->resid <= PIPE_BUF ? (u32)u->resid : 1;
	size_t done = 0;
	int err = 0;

	while (u->resid && !err) {
		if (unlikely(!p->p_readers)) {
			signal_send_self(SIGPIPE);
			err = -EPIPE;
		} else if (space(p) >= need) {
			done += ring_put(p, u, MIN((size_t)space(p), u->resid), &err);
			wake_readers(p);
		} else if (f->f_flags & O_NONBLOCK) {
			err = -EAGAIN;
		} else {
			err = pipe_sleep(p, &p->p_write_wait);
		}
	}
	return done ? (long)done : err;
}

static long pipe_write(struct file *f, struct uio *u, u64 *pos)
{
	struct pipe *p = f->f_private;
	size_t n = u->resid;
	long r;

	(void)pos;
	if (unlikely(!n))
		return 0;
	mutex_lock(&p->p_lock);
	if (likely(p->p_readers && p->p_pages[0] && p->p_head + n <= PAGE_SIZE && space(p) >= n)) {
		r = (long)uio_take(u, (char *)page_address(p->p_pages[0]) + p->p_head, n);
		p->p_head += (u32)r;
		if (unlikely(wait_active(&p->p_read_wait)))
			wake_readers(p);
		if (unlikely(!r))
			r = -EFAULT;
	} else {
		r = write_slowly(p, f, u);
	}
	mutex_unlock(&p->p_lock);
	return r;
}

/* --- the other operations --- */

static u32 pipe_poll(struct file *f, struct poll_table *pt)
{
	struct pipe *p = f->f_private;
	u32 events = 0;

	if (f->f_mode & FMODE_READ)
		poll_add(pt, f, &p->p_read_wait);
	if (f->f_mode & FMODE_WRITE)
		poll_add(pt, f, &p->p_write_wait);
	/* Queue first, look second, and under the lock: see the head of the file. */
	mutex_lock(&p->p_lock);
	if (f->f_mode & FMODE_READ) {
		if (used(p))
			events |= EPOLLIN | EPOLLRDNORM;
		/* A FIFO that was opened before any writer has not lost one (f_pos: see
		 * open_reader). */
		if (!p->p_writers && f->f_pos != p->p_writer_opens)
			events |= EPOLLHUP;
	}
	if (f->f_mode & FMODE_WRITE) {
		if (space(p) >= PIPE_BUF)
			events |= EPOLLOUT | EPOLLWRNORM;
		if (!p->p_readers)
			events |= EPOLLERR;
	}
	mutex_unlock(&p->p_lock);
	return events;
}

static long pipe_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct pipe *p = f->f_private;
	u32 n;

	if (cmd != FIONREAD)
		return -ENOTTY;
	mutex_lock(&p->p_lock);
	n = used(p);
	mutex_unlock(&p->p_lock);
	return put_user_u32(UPTR(arg), n);
}

static void put_pipe(struct inode *i, struct pipe *p)
{
	bool last;

	mutex_lock(&i->i_lock);
	last = --p->p_files == 0;
	if (last)
		i->i_pipe = NULL;
	mutex_unlock(&i->i_lock);
	if (last)
		pipe_free(p);
}

/* p_lock held. */
static void leave(struct pipe *p, u32 mode)
{
	if (mode & FMODE_READ)
		p->p_readers--;
	if (mode & FMODE_WRITE)
		p->p_writers--;
	if (!p->p_readers || !p->p_writers)
		wake_all(p); /* end of file, or a broken pipe */
}

static void pipe_release(struct file *f)
{
	struct pipe *p = f->f_private;

	mutex_lock(&p->p_lock);
	leave(p, f->f_mode);
	mutex_unlock(&p->p_lock);
	put_pipe(f->f_inode, p);
}

/* --- open of a FIFO (fifo(7)) --- */

static int get_pipe(struct inode *i, struct pipe **out)
{
	mutex_lock(&i->i_lock);
	if (!i->i_pipe)
		i->i_pipe = pipe_alloc();
	if (i->i_pipe)
		i->i_pipe->p_files++;
	*out = i->i_pipe;
	mutex_unlock(&i->i_lock);
	return *out ? 0 : -ENOMEM;
}

/* p_lock held. Until the other end is opened; that it may be closed again by then does not matter.
 */
static int wait_for_open(struct pipe *p, struct waitqueue *wq, const u32 *opens)
{
	u32 before = *opens;
	int r = 0;

	while (!r && *opens == before)
		r = pipe_sleep(p, wq);
	return *opens == before ? r : 0;
}

static int open_reader(struct pipe *p, struct file *f)
{
	p->p_readers++;
	p->p_reader_opens++;
	wait_wake_all(&p->p_write_wait);
	if (p->p_writers)
		return 0;
	if (f->f_flags & O_NONBLOCK) {
		/* poll(2) shows no hang-up before a first writer came and went. */
		f->f_pos = p->p_writer_opens;
		return 0;
	}
	return wait_for_open(p, &p->p_read_wait, &p->p_writer_opens);
}

static int open_writer(struct pipe *p, struct file *f)
{
	if (f->f_flags & O_NONBLOCK && !p->p_readers)
		return -ENXIO;
	p->p_writers++;
	p->p_writer_opens++;
	wait_wake_all(&p->p_read_wait);
	return p->p_readers ? 0 : wait_for_open(p, &p->p_write_wait, &p->p_reader_opens);
}

static int fifo_open(struct inode *i, struct file *f)
{
	u32 mode = f->f_mode & (FMODE_READ | FMODE_WRITE);
	struct pipe *p;
	int err = get_pipe(i, &p);

	if (err)
		return err;
	f->f_private = p;
	f->f_pos = ~0ull;
	mutex_lock(&p->p_lock);
	if (mode == FMODE_READ) {
		err = open_reader(p, f);
	} else if (mode == FMODE_WRITE) {
		err = open_writer(p, f);
	} else if (mode) {
		p->p_readers++;
		p->p_writers++;
		p->p_reader_opens++;
		p->p_writer_opens++;
		wake_all(p);
	} else {
		err = -EINVAL;
	}
	if (err && err != -ENXIO && err != -EINVAL)
		leave(p, mode);
	mutex_unlock(&p->p_lock);
	if (err)
		put_pipe(i, p);
	return err;
}

const struct file_ops fifo_ops = {
	.open = fifo_open,
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.release = pipe_release,
};

bool file_is_pipe(const struct file *f)
{
	return f->f_ops == &fifo_ops;
}

u64 pipe_held(const struct file *f)
{
	const struct pipe *p = f->f_private;

	return READ_ONCE(p->p_head) - READ_ONCE(p->p_tail);
}

/* --- pipe(2) --- */

static struct inode *pipe_inode(void)
{
	struct inode *i = inode_create(anon_super(), S_IFIFO | 0600);

	if (!i)
		return NULL;
	i->i_pipe = pipe_alloc();
	if (!i->i_pipe) {
		inode_put(i);
		return NULL;
	}
	i->i_pipe->p_files = 2;
	i->i_pipe->p_readers = i->i_pipe->p_writers = 1;
	i->i_pipe->p_reader_opens = i->i_pipe->p_writer_opens = 1;
	return i;
}

int pipe_create(u32 oflags, struct file **rd, struct file **wr)
{
	struct inode *i = pipe_inode();
	char name[32];
	int err;

	if (!i)
		return -ENOMEM;
	fmt_snprintf(name, sizeof(name), "pipe:[%llu]", (unsigned long long)i->i_ino);
	inode_get(i);
	err = anon_file_create_inode(name, i, &fifo_ops, i->i_pipe, oflags | O_RDONLY, rd);
	if (err) {
		pipe_free(i->i_pipe);
		inode_put(i);
		inode_put(i);
		return err;
	}
	err = anon_file_create_inode(name, i, &fifo_ops, i->i_pipe, oflags | O_WRONLY, wr);
	if (err) {
		i->i_pipe->p_files = 1;
		i->i_pipe->p_writers = 0;
		inode_put(i);
		file_put(*rd);
	}
	return err;
}

/* --- its size --- */

/* p_lock held. The bytes are copied: a full ring may begin and end in the same page. */
static int resize(struct pipe *p, u32 size)
{
	u32 n = used(p), pages = size / PAGE_SIZE;
	struct page **fresh = kzalloc(pages * sizeof(*fresh));

	if (!fresh)
		return -ENOMEM;
	for (u32 done = 0, chunk; done < n; done += chunk) {
		u32 from = (p->p_tail + done) % PAGE_SIZE, to = done % PAGE_SIZE;
		struct page **slot = &fresh[done / PAGE_SIZE];

		chunk = MIN(n - done, (u32)PAGE_SIZE - MAX(from, to));
		if (!*slot)
			*slot = page_alloc(PAGE_MODEST);
		if (!*slot) {
			free_pages(fresh, pages);
			return -ENOMEM;
		}
		memcpy((char *)page_address(*slot) + to,
		       (char *)page_address(ring_page(p, p->p_tail + done)) + from, chunk);
	}
	free_pages(p->p_pages, p->p_size / PAGE_SIZE);
	p->p_pages = fresh;
	p->p_size = size;
	p->p_tail = 0;
	p->p_head = n;
	return 0;
}

long pipe_set_size(struct file *f, u64 size)
{
	struct pipe *p = f->f_private;
	u32 bytes = PAGE_SIZE;
	int err = 0;

	if (!file_is_pipe(f))
		return -EBADF;
	if ((u32)size > 1u << 31) /* Linux looks at 32 bits of it */
		return -EINVAL;
	while (bytes < (u32)size)
		bytes *= 2;
	mutex_lock(&p->p_lock);
	if (bytes > p->p_size && bytes > PIPE_SIZE_MAX && !capable(CAP_SYS_RESOURCE))
		err = -EPERM;
	else if (used(p) > bytes)
		err = -EBUSY;
	else if (bytes != p->p_size)
		err = resize(p, bytes);
	wake_writers(p);
	mutex_unlock(&p->p_lock);
	return err ? err : (long)bytes;
}

long pipe_get_size(struct file *f)
{
	struct pipe *p = f->f_private;

	return file_is_pipe(f) ? (long)READ_ONCE(p->p_size) : -EBADF;
}

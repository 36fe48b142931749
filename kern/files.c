// SPDX-License-Identifier: MIT
// Descriptor tables and the working directory. A table is shared by the tasks of CLONE_FILES; only
// they change it, so a task whose table has one reference looks without lock or count. A slot is
// free, reserved (bit set, no file yet), or open.

#include "kern/files.h"

#include "fs/pipe.h"
#include "kern/sched.h"
#include "kern/task.h"
#include "lib/bitmap.h"
#include "lib/string.h"
#include "vm/slab.h"

#include <asm/errno.h>
#include <linux/resource.h>

static struct slab_cache files_cache = SLAB_CACHE(files_cache, "files", struct files);
static struct slab_cache fsctx_cache = SLAB_CACHE(fsctx_cache, "fsctx", struct fsctx);

// --- the table ---

static struct files *files_alloc(void)
{
	struct files *f = slab_zalloc(&files_cache);

	if (!f)
		return NULL;
	ref_init(&f->fs_ref);
	spin_init(&f->fs_lock, "files", RANK_FILES);
	f->fs_max = FILES_INLINE;
	f->fs_fd = f->fs_inline_fd;
	f->fs_open = f->fs_inline_open;
	f->fs_cloexec = f->fs_inline_cloexec;
	return f;
}

struct files *files_create(void)
{
	return files_alloc();
}

// One allocation holds the slots and, behind them, both bitmaps.
static bool files_grow_to(struct files *f, u32 max)
{
	size_t words = BITMAP_WORDS(max), old_words = BITMAP_WORDS(f->fs_max);
	struct file **slots, **old = f->fs_fd;
	u64 *open, *cloexec;

	slots = kzalloc(max * sizeof(*slots) + 2 * words * sizeof(u64));
	if (!slots)
		return false;
	open = (u64 *)(slots + max);
	cloexec = open + words;
	memcpy(slots, f->fs_fd, f->fs_max * sizeof(*slots));
	memcpy(open, f->fs_open, old_words * sizeof(u64));
	memcpy(cloexec, f->fs_cloexec, old_words * sizeof(u64));
	f->fs_fd = slots;
	f->fs_open = open;
	f->fs_cloexec = cloexec;
	f->fs_max = max;
	if (old != f->fs_inline_fd)
		kfree(old);
	return true;
}

static bool files_grow(struct files *f, u32 fd)
{
	u32 max = f->fs_max;

	while (max <= fd)
		max *= 2;
	return max == f->fs_max || files_grow_to(f, max);
}

// The size that holds every open slot: a parent's one high descriptor of long ago costs its
// children nothing.
static u32 used_size(const struct files *f)
{
	u32 max = f->fs_max;

	while (max > FILES_INLINE && bitmap_find_set(f->fs_open, max, max / 2) == max)
		max /= 2;
	return max;
}

static void copy_slots(struct files *to, const struct files *from, u32 max)
{
	for (size_t w = 0; w < BITMAP_WORDS(max); w++) {
		to->fs_open[w] = from->fs_open[w];
		to->fs_cloexec[w] = from->fs_cloexec[w];
		for (u64 bits = from->fs_open[w]; bits; bits &= bits - 1) {
			size_t fd = w * 64 + (size_t)__builtin_ctzll(bits);
			struct file *file = from->fs_fd[fd];

			to->fs_fd[fd] = file;
			if (file) {
				file_get(file);
				continue;
			}
			// reserved by a thread that is just opening it
			bitmap_clear(to->fs_open, fd);
			bitmap_clear(to->fs_cloexec, fd);
		}
	}
}

struct files *files_copy(const struct files *from)
{
	struct files *old = (struct files *)from, *f = files_alloc();
	u32 max;

	if (!f)
		return NULL;
	spin_lock(&old->fs_lock);
	max = used_size(old);
	if (max > FILES_INLINE && !files_grow_to(f, max)) {
		spin_unlock(&old->fs_lock);
		slab_free(&files_cache, f);
		return NULL;
	}
	copy_slots(f, old, max);
	f->fs_hint = MIN(old->fs_hint, max);
	spin_unlock(&old->fs_lock);
	return f;
}

static void close_file(struct files *f, struct file *file)
{
	(void)file_flush(file, f);
	file_put(file);
}

// Nobody else has the table any more.
void files_put(struct files *f)
{
	if (!ref_put(&f->fs_ref))
		return;
	for (size_t w = 0; w < BITMAP_WORDS(f->fs_max); w++)
		for (u64 bits = f->fs_open[w]; bits; bits &= bits - 1) {
			struct file *file = f->fs_fd[w * 64 + (size_t)__builtin_ctzll(bits)];

			if (file)
				close_file(f, file);
			sched_point();
		}
	if (f->fs_fd != f->fs_inline_fd)
		kfree(f->fs_fd);
	slab_free(&files_cache, f);
}

// A file with its name is about a quarter of a page, and a pipe has content, at either end.
u64 files_pages(struct files *f)
{
	u64 bytes = 0;

	spin_lock(&f->fs_lock);
	for (size_t w = 0; w < BITMAP_WORDS(f->fs_max); w++)
		for (u64 bits = f->fs_open[w]; bits; bits &= bits - 1) {
			struct file *file = f->fs_fd[w * 64 + (size_t)__builtin_ctzll(bits)];

			if (!file)
				continue;
			bytes += PAGE_SIZE / 4;
			if (file_is_pipe(file))
				bytes += pipe_held(file) / 2;
		}
	spin_unlock(&f->fs_lock);
	return bytes / PAGE_SIZE;
}

// --- lookup ---

static struct file *slot_file(const struct files *f, int fd, bool path_ok)
{
	struct file *file;

	if ((u32)fd >= f->fs_max)
		return NULL;
	file = f->fs_fd[fd];
	return file && ((file->f_mode & FMODE_PATH) && !path_ok) ? NULL : file;
}

static struct fdref fd_get_shared(struct files *f, int fd, bool path_ok)
{
	struct file *file;

	spin_lock(&f->fs_lock);
	file = slot_file(f, fd, path_ok);
	if (file)
		file_get(file);
	spin_unlock(&f->fs_lock);
	return (struct fdref){file, true};
}

static ALWAYS_INLINE struct fdref fd_look(int fd, bool path_ok)
{
	struct files *f = current->t_files;

	// Nobody else can close it while we use it.
	if (likely(READ_ONCE(f->fs_ref.r_n) == 1))
		return (struct fdref){slot_file(f, fd, path_ok), false};
	return fd_get_shared(f, fd, path_ok);
}

struct fdref fd_get(int fd)
{
	return fd_look(fd, false);
}

struct fdref fd_get_path(int fd)
{
	return fd_look(fd, true);
}

void fd_put(struct fdref r)
{
	if (r.counted && r.file)
		file_put(r.file);
}

struct file *fd_get_file(int fd)
{
	return fd_get_shared(current->t_files, fd, false).file;
}

// --- taking and giving back ---

int fd_reserve(int min, bool cloexec)
{
	struct files *f = current->t_files;
	u64 limit = rlimit_current(RLIMIT_NOFILE);
	u32 from, fd;

	spin_lock(&f->fs_lock);
	from = MAX((u32)min, f->fs_hint);
	fd = from < f->fs_max ? (u32)bitmap_find_zero(f->fs_open, f->fs_max, from) : from;
	if (fd >= limit || fd > INT32_MAX / 2) {
		spin_unlock(&f->fs_lock);
		return -EMFILE;
	}
	if (fd >= f->fs_max && !files_grow(f, fd)) {
		spin_unlock(&f->fs_lock);
		return -ENOMEM;
	}
	bitmap_set(f->fs_open, fd);
	if (cloexec)
		bitmap_set(f->fs_cloexec, fd);
	else
		bitmap_clear(f->fs_cloexec, fd);
	if ((u32)min <= f->fs_hint)
		f->fs_hint = fd + 1;
	spin_unlock(&f->fs_lock);
	return (int)fd;
}

void fd_install(int fd, struct file *file)
{
	struct files *f = current->t_files;

	spin_lock(&f->fs_lock);
	f->fs_fd[fd] = file;
	spin_unlock(&f->fs_lock);
}

static struct file *slot_clear_locked(struct files *f, u32 fd)
{
	struct file *file = f->fs_fd[fd];

	f->fs_fd[fd] = NULL;
	bitmap_clear(f->fs_open, fd);
	bitmap_clear(f->fs_cloexec, fd);
	f->fs_hint = MIN(f->fs_hint, fd);
	return file;
}

void fd_release(int fd)
{
	struct files *f = current->t_files;

	spin_lock(&f->fs_lock);
	(void)slot_clear_locked(f, (u32)fd);
	spin_unlock(&f->fs_lock);
}

int fd_close(int fd)
{
	struct files *f = current->t_files;
	struct file *file = NULL;
	int r;

	spin_lock(&f->fs_lock);
	// A slot that another thread has only reserved is not open yet.
	if ((u32)fd < f->fs_max && f->fs_fd[fd])
		file = slot_clear_locked(f, (u32)fd);
	spin_unlock(&f->fs_lock);
	if (!file)
		return -EBADF;
	r = file_flush(file, f);
	file_put(file);
	return r;
}

int fd_alloc_install(struct file *file, bool cloexec)
{
	int fd = fd_reserve(0, cloexec);

	if (fd >= 0)
		fd_install(fd, file);
	return fd;
}

// The old file, or NULL. -EBUSY: between open's reservation and its end (dup2(2), NOTES).
static int replace_locked(struct files *f, u32 fd, struct file *file, bool cloexec,
			  struct file **old)
{
	if (fd >= f->fs_max && !files_grow(f, fd))
		return -ENOMEM;
	*old = f->fs_fd[fd];
	if (!*old && bitmap_test(f->fs_open, fd))
		return -EBUSY;
	file_get(file);
	f->fs_fd[fd] = file;
	bitmap_set(f->fs_open, fd);
	if (cloexec)
		bitmap_set(f->fs_cloexec, fd);
	else
		bitmap_clear(f->fs_cloexec, fd);
	return (int)fd;
}

int fd_replace(int newfd, struct file *file, bool cloexec)
{
	struct files *f = current->t_files;
	struct file *old = NULL;
	int r;

	if (newfd < 0 || (u64)newfd >= rlimit_current(RLIMIT_NOFILE))
		return -EBADF;
	spin_lock(&f->fs_lock);
	r = replace_locked(f, (u32)newfd, file, cloexec, &old);
	spin_unlock(&f->fs_lock);
	if (r >= 0 && old)
		close_file(f, old); // its error is lost, as POSIX wants of dup2
	return r;
}

int fd_cloexec_get(int fd)
{
	struct files *f = current->t_files;
	int r = -EBADF;

	spin_lock(&f->fs_lock);
	if (slot_file(f, fd, true))
		r = bitmap_test(f->fs_cloexec, (size_t)fd);
	spin_unlock(&f->fs_lock);
	return r;
}

int fd_cloexec_set(int fd, bool cloexec)
{
	struct files *f = current->t_files;
	int r = -EBADF;

	spin_lock(&f->fs_lock);
	if (slot_file(f, fd, true)) {
		r = 0;
		if (cloexec)
			bitmap_set(f->fs_cloexec, (size_t)fd);
		else
			bitmap_clear(f->fs_cloexec, (size_t)fd);
	}
	spin_unlock(&f->fs_lock);
	return r;
}

// The next open file in [*fd, last], taken out of its slot; only one that closes at exec if
// `cloexec`.
static struct file *take_next(struct files *f, u32 *fd, u32 last, bool cloexec)
{
	struct file *file = NULL;

	spin_lock(&f->fs_lock);
	for (; !file && *fd <= last && *fd < f->fs_max; ++*fd) {
		*fd = (u32)bitmap_find_set(cloexec ? f->fs_cloexec : f->fs_open, f->fs_max, *fd);
		if (*fd <= last && *fd < f->fs_max && f->fs_fd[*fd])
			file = slot_clear_locked(f, *fd);
	}
	spin_unlock(&f->fs_lock);
	return file;
}

static void close_all(struct files *f, u32 first, u32 last, bool cloexec)
{
	struct file *file;

	while ((file = take_next(f, &first, last, cloexec))) {
		close_file(f, file);
		sched_point();
	}
}

void files_close_exec(struct files *f)
{
	close_all(f, 0, ~0u, true);
}

void fd_close_range(u32 first, u32 last, bool only_cloexec)
{
	struct files *f = current->t_files;

	if (!only_cloexec) {
		close_all(f, first, last, false);
		return;
	}
	spin_lock(&f->fs_lock);
	if (first < f->fs_max) {
		last = MIN(last, f->fs_max - 1);
		bitmap_set_range(f->fs_cloexec, first, (size_t)last - first + 1);
	}
	spin_unlock(&f->fs_lock);
}

// --- working directory ---

struct fsctx *fsctx_copy(const struct fsctx *from)
{
	struct fsctx *old = (struct fsctx *)from, *x = slab_alloc(&fsctx_cache);

	if (!x)
		return NULL;
	ref_init(&x->x_ref);
	spin_init(&x->x_lock, "fs", RANK_LEAF);
	spin_lock(&old->x_lock);
	x->x_cwd = old->x_cwd;
	x->x_root = old->x_root;
	x->x_umask = old->x_umask;
	path_get(&x->x_cwd);
	path_get(&x->x_root);
	spin_unlock(&old->x_lock);
	return x;
}

void fsctx_put(struct fsctx *x)
{
	if (!ref_put(&x->x_ref))
		return;
	path_put(&x->x_cwd);
	path_put(&x->x_root);
	slab_free(&fsctx_cache, x);
}

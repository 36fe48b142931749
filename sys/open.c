// SPDX-License-Identifier: MIT
/*
 * Names from user memory; open, openat, openat2, creat, close, pipe.
 */
#include "abi/layout.h"
#include "fs/pipe.h"
#include "kern/files.h"
#include "kern/task.h"
#include "lib/string.h"
#include "machine/uaccess.h"
#include "sys/fs.h"
#include "sys_proto.h"

#include <linux/close_range.h>
#include <linux/errno.h>
#include <linux/openat2.h>

#define OPEN_KNOWN                                                                            \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | \
	 O_DSYNC | FASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME |   \
	 O_CLOEXEC | O_PATH | __O_TMPFILE)
#define RESOLVE_KNOWN                                                                      \
	(RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | \
	 RESOLVE_IN_ROOT | RESOLVE_CACHED)

int user_name(char **out, uptr p)
{
	char *name = name_alloc();
	long n;

	*out = NULL;
	if (!name)
		return -ENOMEM;
	n = copyin_str(name, p, PATH_MAX_LEN);
	if (n < 0) {
		name_free(name);
		return (int)n;
	}
	*out = name;
	return 0;
}

int user_path(int dirfd, uptr p, u32 lookup, struct path *out)
{
	char *name;
	int err = user_name(&name, p);

	if (err)
		return err;
	err = path_lookup(dirfd, name, lookup, out);
	name_free(name);
	return err;
}

int fd_path(int fd, struct path *out)
{
	struct fdref r = fd_get_path(fd);

	if (!r.file)
		return -EBADF;
	*out = r.file->f_path;
	path_get(out);
	fd_put(r);
	return 0;
}

/* --- open --- */

struct open_args {
	int dirfd;
	uptr path;
	u32 oflags, mode, lookup;
};

static long do_open(const struct open_args *a)
{
	struct file *f;
	char *name;
	int fd, err;

	/* O_TMPFILE holds O_DIRECTORY, so that kernels without it fail; and it creates by itself
	 * (open(2)). */
	if (a->oflags & __O_TMPFILE && (a->oflags & (O_TMPFILE | O_CREAT)) != O_TMPFILE)
		return -EINVAL;
	err = user_name(&name, a->path);
	if (err)
		return err;
	fd = fd_reserve(0, a->oflags & O_CLOEXEC);
	if (fd >= 0) {
		err = file_open_lookup(a->dirfd, name, a->oflags, a->mode, a->lookup, &f);
		if (err) {
			fd_release(fd);
			fd = err;
		} else {
			fd_install(fd, f);
		}
	}
	name_free(name);
	return fd;
}

/* A program with a 64-bit off_t can take any size: open(2) implies O_LARGEFILE for it. */
static u32 implied_flags(void)
{
	return abi_long() == 8 ? O_LARGEFILE : 0;
}

long sys_openat(int dirfd, uptr path, unsigned int oflags, u32 mode)
{
	struct open_args a = {dirfd, path, (oflags & OPEN_KNOWN) | implied_flags(), mode & 07777,
			      0};

	return do_open(&a);
}

long sys_open(uptr path, unsigned int oflags, u32 mode)
{
	return sys_openat(AT_FDCWD, path, oflags, mode);
}

long sys_creat(uptr path, u32 mode)
{
	return sys_openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

static int check_how(const struct open_how *how)
{
	bool creates = how->flags & (O_CREAT | __O_TMPFILE);

	/* Stricter than open(2): nothing is ignored (openat2(2)). */
	if (how->flags & ~(u64)OPEN_KNOWN || how->resolve & ~(u64)RESOLVE_KNOWN)
		return -EINVAL;
	if (how->mode & ~07777ull || (how->mode && !creates))
		return -EINVAL;
	if (how->flags & O_PATH &&
	    how->flags & ~(u64)(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC))
		return -EINVAL;
	if (how->resolve & RESOLVE_BENEATH && how->resolve & RESOLVE_IN_ROOT)
		return -EINVAL;
	/* Only with certainty without waiting: that cannot be promised here. */
	return how->resolve & RESOLVE_CACHED ? -EAGAIN : 0;
}

/* Structures that grow: a longer one is taken if what is unknown in it is 0. */
static int copyin_how(struct open_how *how, uptr src, size_t size)
{
	int err;

	*how = (struct open_how){0};
	if (size < sizeof(*how))
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	err = copyin(how, src, sizeof(*how));
	for (size_t at = sizeof(*how); !err && at < size; at++) {
		u8 byte;

		err = get_user_u8(&byte, uptr_add(src, at));
		if (!err && byte)
			err = -E2BIG;
	}
	return err;
}

long sys_openat2(int dirfd, uptr path, uptr user_how, size_t size)
{
	static const struct {
		u64 resolve;
		u32 lookup;
	} map[] = {
		{RESOLVE_NO_XDEV, LOOKUP_NO_XDEV},
		{RESOLVE_NO_MAGICLINKS, LOOKUP_NO_MAGIC},
		{RESOLVE_NO_SYMLINKS, LOOKUP_NO_SYMLINKS | LOOKUP_NO_MAGIC},
		{RESOLVE_BENEATH, LOOKUP_BENEATH},
		{RESOLVE_IN_ROOT, LOOKUP_IN_ROOT},
	};
	struct open_args a = {.dirfd = dirfd, .path = path};
	struct open_how how;
	int err = copyin_how(&how, user_how, size);

	if (!err)
		err = check_how(&how);
	if (err)
		return err;
	a.oflags = (u32)how.flags | implied_flags();
	a.mode = (u32)how.mode;
	for (u32 n = 0; n < ARRAY_SIZE(map); n++)
		if (how.resolve & map[n].resolve)
			a.lookup |= map[n].lookup;
	return do_open(&a);
}

/* --- close --- */

long sys_close(int fd)
{
	return fd_close(fd);
}

/* CLOSE_RANGE_UNSHARE: a table of one's own first. */
static int unshare_files(void)
{
	struct files *old = current->t_files, *copy;

	if (__atomic_load_n(&old->fs_ref.r_n, __ATOMIC_ACQUIRE) == 1)
		return 0;
	copy = files_copy(old);
	if (!copy)
		return -ENOMEM;
	current->t_files = copy;
	files_put(old);
	return 0;
}

long sys_close_range(unsigned int first, unsigned int last, unsigned int flags)
{
	int err = 0;

	if (flags & ~(u32)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) || first > last)
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE)
		err = unshare_files();
	if (!err)
		fd_close_range(first, last, flags & CLOSE_RANGE_CLOEXEC);
	return err;
}

/* --- pipe --- */

/* Both numbers are known and written before either is installed: past that nothing fails. */
static int install_pair(uptr fds, struct file *rd, struct file *wr, bool cloexec)
{
	int n[2], err;

	n[0] = fd_reserve(0, cloexec);
	if (n[0] < 0)
		return n[0];
	n[1] = fd_reserve(0, cloexec);
	err = n[1] < 0 ? n[1] : copyout(fds, n, sizeof(n));
	if (err) {
		if (n[1] >= 0)
			fd_release(n[1]);
		fd_release(n[0]);
		return err;
	}
	fd_install(n[0], rd);
	fd_install(n[1], wr);
	return 0;
}

long sys_pipe2(uptr fds, unsigned int flags)
{
	struct file *rd, *wr;
	int err;

	/* Packet mode (O_DIRECT) is not there: better refused than ignored. */
	if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	err = pipe_create(flags & O_NONBLOCK, &rd, &wr);
	if (err)
		return err;
	err = install_pair(fds, rd, wr, flags & O_CLOEXEC);
	if (err) {
		file_put(rd);
		file_put(wr);
	}
	return err;
}

long sys_pipe(uptr fds)
{
	return sys_pipe2(fds, 0);
}

// SPDX-License-Identifier: MIT
/*
 * Changing attributes of files: mode, owner, times, and the mask for new ones.
 */
#include "abi/layout.h"
#include "kern/files.h"
#include "kern/task.h"
#include "machine/uaccess.h"
#include "sys/fs.h"
#include "sys_proto.h"

#include <linux/errno.h>
#include <linux/stat.h>

/* <linux/stat.h> leaves these two to C libraries. */
#define NSEC_NOW  ((1l << 30) - 1l)
#define NSEC_OMIT ((1l << 30) - 2l)

static long setattr_path(int dirfd, uptr name, u32 lookup, struct iattr *a)
{
	struct path p;
	int err = user_path(dirfd, name, lookup, &p);

	if (err)
		return err;
	err = vfs_setattr(&p, a);
	path_put(&p);
	return err;
}

static long setattr_fd(int fd, struct iattr *a)
{
	struct fdref r = fd_get(fd);
	int err;

	if (!r.file)
		return -EBADF;
	err = vfs_setattr(&r.file->f_path, a);
	fd_put(r);
	return err;
}

/* --- mode --- */

long sys_fchmodat(int dirfd, uptr path, u32 mode)
{
	struct iattr a = {.valid = ATTR_MODE, .mode = mode & 07777};

	return setattr_path(dirfd, path, LOOKUP_FOLLOW, &a);
}

long sys_chmod(uptr path, u32 mode)
{
	return sys_fchmodat(AT_FDCWD, path, mode);
}

long sys_fchmod(int fd, u32 mode)
{
	struct iattr a = {.valid = ATTR_MODE, .mode = mode & 07777};

	return setattr_fd(fd, &a);
}

long sys_umask(u32 mask)
{
	return __atomic_exchange_n(&current->t_fs->x_umask, mask & 0777, __ATOMIC_RELAXED);
}

/* --- owner --- */

static struct iattr owner_attr(u32 uid, u32 gid)
{
	struct iattr a = {.uid = uid, .gid = gid};

	a.valid = (uid != (u32)-1 ? ATTR_UID : 0) | (gid != (u32)-1 ? ATTR_GID : 0);
	return a;
}

long sys_fchownat(int dirfd, uptr path, u32 uid, u32 gid, unsigned int flags)
{
	struct iattr a = owner_attr(uid, gid);

	if (flags & ~(u32)AT_LOOKUP_FLAGS)
		return -EINVAL;
	return setattr_path(dirfd, path, at_lookup(flags), &a);
}

long sys_chown(uptr path, u32 uid, u32 gid)
{
	return sys_fchownat(AT_FDCWD, path, uid, gid, 0);
}

long sys_lchown(uptr path, u32 uid, u32 gid)
{
	return sys_fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

long sys_fchown(int fd, u32 uid, u32 gid)
{
	struct iattr a = owner_attr(uid, gid);

	return setattr_fd(fd, &a);
}

/* --- times --- */

/* Inode times are unsigned nanoseconds since 1970: what lies outside is set to the nearest, as
 * Linux does at its limits. */
static u64 inode_time(const struct ktime_spec *ts)
{
	if (ts->sec < 0)
		return 0;
	return ktime_to_ns(ts);
}

static int time_attr(const struct ktime_spec *ts, u32 set, u32 now, u64 *value, struct iattr *a)
{
	if (ts->nsec == NSEC_OMIT)
		return 0;
	if (ts->nsec == NSEC_NOW) {
		a->valid |= now;
		return 0;
	}
	if (ts->nsec < 0 || ts->nsec >= (s64)NSEC_PER_SEC)
		return -EINVAL;
	a->valid |= set;
	*value = inode_time(ts);
	return 0;
}

/* ts: access and modification time; NULL: both now. 1: nothing to do at all. */
static int times_attr(const struct ktime_spec *ts, struct iattr *a)
{
	int err;

	*a = (struct iattr){.valid = ts ? 0 : ATTR_ATIME_NOW | ATTR_MTIME_NOW};
	if (!ts)
		return 0;
	err = time_attr(&ts[0], ATTR_ATIME, ATTR_ATIME_NOW, &a->atime, a);
	if (!err)
		err = time_attr(&ts[1], ATTR_MTIME, ATTR_MTIME_NOW, &a->mtime, a);
	return !err && !a->valid ? 1 : err;
}

static long do_utimes(int dirfd, uptr path, const struct ktime_spec *ts, u32 flags)
{
	struct iattr a;
	int err = times_attr(ts, &a);

	if (err)
		return err == 1 ? 0 : err;
	if (flags & ~(u32)AT_LOOKUP_FLAGS)
		return -EINVAL;
	if (!uptr_is_null(path) || dirfd == AT_FDCWD)
		return setattr_path(dirfd, path, at_lookup(flags), &a);
	/* No name: the descriptor itself (futimens). */
	return flags ? -EINVAL : setattr_fd(dirfd, &a);
}

long sys_utimensat(int dirfd, uptr path, uptr times, unsigned int flags)
{
	struct ktime_spec ts[2];
	uptr second = uptr_add(times, 2 * abi_long());
	int err = 0;

	if (uptr_is_null(times))
		return do_utimes(dirfd, path, NULL, flags);
	err = abi_copyin_timespec(&ts[0], times);
	if (!err)
		err = abi_copyin_timespec(&ts[1], second);
	return err ? err : do_utimes(dirfd, path, ts, flags);
}

long sys_utimensat_time64(int dirfd, uptr path, uptr times, unsigned int flags)
{
	struct ktime_spec ts[2];
	int err = 0;

	if (uptr_is_null(times))
		return do_utimes(dirfd, path, NULL, flags);
	err = abi_copyin_timespec64(&ts[0], times);
	if (!err)
		err = abi_copyin_timespec64(&ts[1], uptr_add(times, 16));
	return err ? err : do_utimes(dirfd, path, ts, flags);
}

/* Microseconds have no special values: anything outside is wrong. */
long sys_futimesat(int dirfd, uptr path, uptr times)
{
	struct ktime_spec ts[2];
	int err;

	if (uptr_is_null(times))
		return do_utimes(dirfd, path, NULL, 0);
	err = abi_copyin_timeval(&ts[0], times);
	if (!err)
		err = abi_copyin_timeval(&ts[1], uptr_add(times, 2 * abi_long()));
	if (err)
		return err;
	for (int n = 0; n < 2; n++)
		if (ts[n].nsec < 0 || ts[n].nsec >= (s64)NSEC_PER_SEC)
			return -EINVAL;
	return do_utimes(dirfd, path, ts, 0);
}

long sys_utimes(uptr path, uptr times)
{
	return sys_futimesat(AT_FDCWD, path, times);
}

/* struct utimbuf: two longs of seconds. */
long sys_utime(uptr path, uptr times)
{
	struct ktime_spec ts[2] = {{0, 0}, {0, 0}};
	int err;

	if (uptr_is_null(times))
		return do_utimes(AT_FDCWD, path, NULL, 0);
	err = abi_copyin_long(&ts[0].sec, times);
	if (!err)
		err = abi_copyin_long(&ts[1].sec, uptr_add(times, abi_long()));
	return err ? err : do_utimes(AT_FDCWD, path, ts, 0);
}

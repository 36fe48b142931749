// SPDX-License-Identifier: MIT
/*
 * What is done to descriptors and open files themselves: dup, fcntl, the ioctls that every file
 * has, flock.
 */
#include "abi/layout.h"
#include "fs/pipe.h"
#include "kern/files.h"
#include "kern/signal.h"
#include "kern/task.h"
#include "machine/uaccess.h"
#include "sys/fs.h"
#include "sys_proto.h"

#include <asm/ioctls.h>
#include <linux/errno.h>

/* fcntl(F_SETFL) changes these and no others. */
#define SETFL_MASK (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | FASYNC)
/* Names of i386's 64-bit record locks: <asm-generic/fcntl.h> gives them to 32-bit programs only. */
#define CMD_GETLK64  12
#define CMD_SETLK64  13
#define CMD_SETLKW64 14

/* --- dup --- */

static long dup_from(struct file *f, int min, bool cloexec)
{
	int fd = fd_reserve(min, cloexec);

	if (fd < 0)
		return fd;
	file_get(f);
	fd_install(fd, f);
	return fd;
}

long sys_dup(int fd)
{
	struct fdref r = fd_get_path(fd);
	long ret;

	if (!r.file)
		return -EBADF;
	ret = dup_from(r.file, 0, false);
	fd_put(r);
	return ret;
}

long sys_dup3(int fd, int newfd, unsigned int flags)
{
	struct fdref r;
	long ret;

	if (flags & ~(u32)O_CLOEXEC || fd == newfd)
		return -EINVAL;
	if ((u32)newfd >= rlimit_current(RLIMIT_NOFILE))
		return -EBADF;
	r = fd_get_path(fd);
	if (!r.file)
		return -EBADF;
	ret = fd_replace(newfd, r.file, flags & O_CLOEXEC);
	fd_put(r);
	return ret;
}

long sys_dup2(int fd, int newfd)
{
	struct fdref r;

	if (fd != newfd)
		return sys_dup3(fd, newfd, 0);
	r = fd_get_path(fd);
	if (!r.file)
		return -EBADF;
	fd_put(r);
	return newfd;
}

/* --- record locks --- */

/* struct flock to a range: first and last byte (fcntl(2)). */
static int lock_range(struct file *f, const struct kflock *fl, struct file_lock_request *rq)
{
	s64 start = fl->start, end;

	switch (fl->whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		start = (s64)((u64)start + f->f_pos);
		break;
	case SEEK_END:
		start = (s64)((u64)start + f->f_inode->i_size);
		break;
	default:
		return -EINVAL;
	}
	if (fl->whence != SEEK_SET && fl->start > 0 && start < fl->start)
		return -EOVERFLOW;
	if (start < 0)
		return -EINVAL;
	end = INT64_MAX;
	if (fl->len > 0) {
		if (fl->len - 1 > INT64_MAX - start)
			return -EOVERFLOW;
		end = start + fl->len - 1;
	} else if (fl->len < 0) {
		if (start + fl->len < 0)
			return -EINVAL;
		end = start - 1;
		start += fl->len;
	}
	rq->start = (u64)start;
	rq->end = (u64)end;
	return 0;
}

static int lock_request(struct file *f, const struct kflock *fl, bool ofd,
			struct file_lock_request *rq)
{
	int err = lock_range(f, fl, rq);

	if (err)
		return err;
	if (fl->type != F_RDLCK && fl->type != F_WRLCK && fl->type != F_UNLCK)
		return -EINVAL;
	if (ofd && fl->pid != 0)
		return -EINVAL;
	rq->type = fl->type;
	rq->flavor = ofd ? FILE_LOCK_OFD : FILE_LOCK_POSIX;
	rq->owner = ofd ? (const void *)f : (const void *)current->t_files;
	rq->pid = ofd ? -1 : current->t_proc->p_pid;
	return 0;
}

static long lock_get(struct file *f, uptr arg, bool ofd, bool wide)
{
	struct file_lock_request rq;
	struct kflock fl;
	int err = abi_copyin_flock(&fl, arg, wide);

	if (err)
		return err;
	if (fl.type != F_RDLCK && fl.type != F_WRLCK)
		return -EINVAL;
	err = lock_request(f, &fl, ofd, &rq);
	if (err)
		return err;
	file_lock_test(f, &rq);
	fl.type = (s16)rq.type;
	if (rq.type != F_UNLCK) {
		fl.whence = SEEK_SET;
		fl.start = (s64)rq.start;
		fl.len = rq.end == INT64_MAX ? 0 : (s64)(rq.end - rq.start + 1);
		fl.pid = rq.pid;
	}
	return abi_copyout_flock(arg, &fl, wide);
}

/* A close in another thread drops the process's locks: one that was set after it must not stay. */
static void lock_recheck(int fd, struct file *f)
{
	struct fdref r = fd_get(fd);

	if (r.file != f)
		file_locks_remove(f, current->t_files, FILE_LOCK_POSIX);
	if (r.file)
		fd_put(r);
}

static long lock_set(int fd, struct file *f, uptr arg, bool ofd, bool wide, bool wait)
{
	struct file_lock_request rq;
	struct kflock fl;
	int err = abi_copyin_flock(&fl, arg, wide);

	if (!err)
		err = lock_request(f, &fl, ofd, &rq);
	if (err)
		return err;
	if ((rq.type == F_RDLCK && !(f->f_mode & FMODE_READ)) ||
	    (rq.type == F_WRLCK && !(f->f_mode & FMODE_WRITE)))
		return -EBADF;
	rq.wait = wait;
	err = file_lock_set(f, &rq);
	if (!err && !ofd && rq.type != F_UNLCK)
		lock_recheck(fd, f);
	return err;
}

/* --- fcntl --- */

static long set_flags(struct file *f, u32 flags)
{
	u32 old = READ_ONCE(f->f_flags), now;

	if (flags & O_NOATIME && !(old & O_NOATIME) && !inode_owner_or_capable(f->f_inode))
		return -EPERM;
	do
		now = (flags & SETFL_MASK) | (old & ~(u32)SETFL_MASK);
	while (!__atomic_compare_exchange_n(&f->f_flags, &old, now, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_RELAXED));
	return 0;
}

static long set_owner(struct file *f, int who, u8 type)
{
	struct process *p;

	if (who == INT32_MIN)
		return -EINVAL;
	if (who > 0) {
		p = process_find(who);
		if (!p)
			return -ESRCH;
		process_put(p);
	}
	f->f_owner = who;
	f->f_owner_type = type;
	return 0;
}

struct owner_ex {
	s32 type, pid;
};

static long set_owner_ex(struct file *f, uptr arg)
{
	struct owner_ex o;
	int err = copyin(&o, arg, sizeof(o));

	if (err)
		return err;
	if (o.type < F_OWNER_TID || o.type > F_OWNER_PGRP)
		return -EINVAL;
	return set_owner(f, o.type == F_OWNER_PGRP ? -o.pid : o.pid, (u8)o.type);
}

static long get_owner_ex(const struct file *f, uptr arg)
{
	struct owner_ex o = {f->f_owner_type, f->f_owner < 0 ? -f->f_owner : f->f_owner};

	if (f->f_owner && f->f_owner_type != F_OWNER_TID)
		o.type = f->f_owner < 0 ? F_OWNER_PGRP : F_OWNER_PID;
	return copyout(arg, &o, sizeof(o));
}

static long fcntl_file(int fd, struct file *f, int cmd, u64 arg)
{
	switch (cmd) {
	case F_GETFL:
		return f->f_flags;
	case F_SETFL:
		return set_flags(f, (u32)arg);
	case F_GETOWN:
		return f->f_owner;
	case F_SETOWN:
		return set_owner(f, (int)arg, (int)arg < 0 ? F_OWNER_PGRP : F_OWNER_PID);
	case F_SETOWN_EX:
		return set_owner_ex(f, UPTR(arg));
	case F_GETOWN_EX:
		return get_owner_ex(f, UPTR(arg));
	case F_GETSIG:
		return f->f_sig;
	case F_SETSIG:
		if (arg > KSIG_MAX)
			return -EINVAL;
		f->f_sig = (u32)arg;
		return 0;
	case F_SETPIPE_SZ:
		return pipe_set_size(f, arg);
	case F_GETPIPE_SZ:
		return pipe_get_size(f);
	case F_OFD_GETLK:
		return lock_get(f, UPTR(arg), true, true);
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return lock_set(fd, f, UPTR(arg), true, true, cmd == F_OFD_SETLKW);
	default:
		return -EINVAL;
	}
}

/* With an O_PATH descriptor these work and nothing else does (open(2)). */
static bool works_on_path(int cmd)
{
	return cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC || cmd == F_GETFD || cmd == F_SETFD ||
	       cmd == F_GETFL;
}

static long fcntl_call(int fd, struct file *f, int cmd, u64 arg)
{
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		if (arg >= rlimit_current(RLIMIT_NOFILE))
			return -EINVAL;
		return dup_from(f, (int)arg, cmd == F_DUPFD_CLOEXEC);
	case F_GETFD:
		return fd_cloexec_get(fd);
	case F_SETFD:
		return fd_cloexec_set(fd, arg & FD_CLOEXEC);
	case F_GETLK:
		return lock_get(f, UPTR(arg), false, false);
	case F_SETLK:
	case F_SETLKW:
		return lock_set(fd, f, UPTR(arg), false, false, cmd == F_SETLKW);
	default:
		return fcntl_file(fd, f, cmd, arg);
	}
}

static long fcntl_64(int fd, struct file *f, int cmd, u64 arg)
{
	switch (cmd) {
	case CMD_GETLK64:
		return lock_get(f, UPTR(arg), false, true);
	case CMD_SETLK64:
	case CMD_SETLKW64:
		return lock_set(fd, f, UPTR(arg), false, true, cmd == CMD_SETLKW64);
	default:
		return fcntl_call(fd, f, cmd, arg);
	}
}

typedef long (*fcntl_fn)(int fd, struct file *f, int cmd, u64 arg);

static long with_file(int fd, int cmd, u64 arg, fcntl_fn fn)
{
	struct fdref r = fd_get_path(fd);
	long ret = -EBADF;

	if (!r.file)
		return -EBADF;
	if (!(r.file->f_mode & FMODE_PATH) || works_on_path(cmd))
		ret = fn(fd, r.file, cmd, arg);
	fd_put(r);
	return ret;
}

long sys_fcntl(int fd, int cmd, unsigned long arg)
{
	/* Locks of an open file have 64-bit ranges: only where struct flock has them too. */
	if (abi_long() == 4 && (cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW))
		return -EINVAL;
	return with_file(fd, cmd, arg, fcntl_call);
}

long sys_fcntl64(int fd, int cmd, unsigned long arg)
{
	return with_file(fd, cmd, arg, fcntl_64);
}

/* --- ioctl --- */

static long set_flag(struct file *f, u32 flag, uptr arg)
{
	u32 on;
	int err = get_user_u32(&on, arg);

	if (err)
		return err;
	if (on)
		__atomic_fetch_or(&f->f_flags, flag, __ATOMIC_SEQ_CST);
	else
		__atomic_fetch_and(&f->f_flags, ~flag, __ATOMIC_SEQ_CST);
	return 0;
}

/* No file sends SIGIO: switching that on is refused, as Linux does for files without it. */
static long set_async(const struct file *f, uptr arg)
{
	u32 on;
	int err = get_user_u32(&on, arg);

	if (err)
		return err;
	return !on == !(f->f_flags & FASYNC) ? 0 : -ENOTTY;
}

static long regular_unread(struct file *f, uptr arg)
{
	return put_user_u32(arg, (u32)(f->f_inode->i_size - f->f_pos));
}

static long ioctl_call(int fd, struct file *f, u32 cmd, u64 arg)
{
	bool regular = S_ISREG(f->f_inode->i_mode);

	switch (cmd) {
	case FIOCLEX:
	case FIONCLEX:
		return fd_cloexec_set(fd, cmd == FIOCLEX);
	case FIONBIO:
		return set_flag(f, O_NONBLOCK, UPTR(arg));
	case FIOASYNC:
		return set_async(f, UPTR(arg));
	case FIGETBSZ:
		return put_user_u32(UPTR(arg), PAGE_SIZE);
	case FIONREAD:
		if (regular && f->f_ops == &regular_file_ops)
			return regular_unread(f, UPTR(arg));
		FALLTHROUGH;
	default:
		return file_ioctl(f, cmd, arg);
	}
}

long sys_ioctl(int fd, unsigned int cmd, unsigned long arg)
{
	struct fdref r = fd_get(fd);
	long ret;

	if (!r.file)
		return -EBADF;
	ret = ioctl_call(fd, r.file, cmd, arg);
	fd_put(r);
	return ret;
}

/* --- flock --- */

static int flock_type(u32 op)
{
	switch (op & ~(u32)LOCK_NB) {
	case LOCK_SH:
		return F_RDLCK;
	case LOCK_EX:
		return F_WRLCK;
	case LOCK_UN:
		return F_UNLCK;
	default:
		return -EINVAL;
	}
}

long sys_flock(int fd, unsigned int op)
{
	struct file_lock_request rq = {.flavor = FILE_LOCK_FLOCK, .end = INT64_MAX};
	struct fdref r;
	int err;

	rq.type = flock_type(op);
	if (rq.type < 0)
		return -EINVAL;
	r = fd_get(fd);
	if (!r.file)
		return -EBADF;
	rq.owner = r.file;
	rq.pid = current->t_proc->p_pid;
	rq.wait = !(op & LOCK_NB);
	if (rq.type != F_UNLCK && !(r.file->f_mode & (FMODE_READ | FMODE_WRITE)))
		err = -EBADF;
	else
		err = file_lock_set(r.file, &rq);
	fd_put(r);
	return err;
}

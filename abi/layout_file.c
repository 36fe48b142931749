// SPDX-License-Identifier: MIT
// What file calls hand over: stat in its five forms, statfs, iovec, directory records, locks.

#include "abi/layout.h"
#include "lib/string.h"
#include "machine/context.h"
#include "machine/regs.h"
#include "machine/uaccess.h"

#include <asm/errno.h>
#include <asm/stat.h> // struct stat is that of x86_64, also used by x32
#include <linux/uio.h>

#define NSEC 1000000000ull

static u8 call_abi(void)
{
	return current_regs()->abi;
}

// --- stat ---

// <asm/stat.h> under __i386__.
struct stat_i386 {
	u32 st_dev, st_ino;
	u16 st_mode, st_nlink, st_uid, st_gid;
	u32 st_rdev, st_size, st_blksize, st_blocks;
	u32 st_atime, st_atime_nsec, st_mtime, st_mtime_nsec, st_ctime, st_ctime_nsec;
	u32 unused[2];
};

struct PACKED stat64_i386 {
	u64 st_dev;
	u8 pad0[4];
	u32 old_ino, st_mode, st_nlink, st_uid, st_gid;
	u64 st_rdev;
	u8 pad3[4];
	s64 st_size;
	u32 st_blksize;
	u64 st_blocks;
	u32 st_atime, st_atime_nsec, st_mtime, st_mtime_nsec, st_ctime, st_ctime_nsec;
	u64 st_ino;
};

struct oldstat_i386 {
	u16 st_dev, st_ino, st_mode, st_nlink, st_uid, st_gid, st_rdev;
	u32 st_size, st_atime, st_mtime, st_ctime;
};

BUILD_ASSERT(sizeof(struct stat) == 144);
BUILD_ASSERT(sizeof(struct stat_i386) == 64);
BUILD_ASSERT(sizeof(struct stat64_i386) == 96);
BUILD_ASSERT(sizeof(struct oldstat_i386) == 32);

// The 32-bit encoding of device numbers: 12 bits of major, 20 of minor (Linux's new_encode_dev).
static u32 dev_32(u64 dev)
{
	u32 major = KDEV_MAJOR(dev), minor = KDEV_MINOR(dev);

	return (minor & 0xff) | (major & 0xfff) << 8 | (minor & ~0xffu) << 12;
}

static u16 id_16(u32 id)
{
	return id > 0xffff ? 65534 : (u16)id;
}

static int copyout_stat_native(uptr dst, const struct kstat *st)
{
	struct stat s = {
		.st_dev = dev_32(st->dev),
		.st_ino = st->ino,
		.st_nlink = st->nlink,
		.st_mode = st->mode,
		.st_uid = st->uid,
		.st_gid = st->gid,
		.st_rdev = dev_32(st->rdev),
		.st_size = (long)st->size,
		.st_blksize = st->blksize,
		.st_blocks = (long)st->blocks,
		.st_atime = st->atime / NSEC,
		.st_atime_nsec = st->atime % NSEC,
		.st_mtime = st->mtime / NSEC,
		.st_mtime_nsec = st->mtime % NSEC,
		.st_ctime = st->ctime / NSEC,
		.st_ctime_nsec = st->ctime % NSEC,
	};

	return copyout(dst, &s, sizeof(s));
}

static int copyout_stat_i386(uptr dst, const struct kstat *st)
{
	struct stat_i386 s = {
		.st_dev = dev_32(st->dev),
		.st_ino = (u32)st->ino,
		.st_mode = (u16)st->mode,
		.st_nlink = (u16)st->nlink,
		.st_uid = id_16(st->uid),
		.st_gid = id_16(st->gid),
		.st_rdev = dev_32(st->rdev),
		.st_size = (u32)st->size,
		.st_blksize = st->blksize,
		.st_blocks = (u32)st->blocks,
		.st_atime = (u32)(st->atime / NSEC),
		.st_atime_nsec = (u32)(st->atime % NSEC),
		.st_mtime = (u32)(st->mtime / NSEC),
		.st_mtime_nsec = (u32)(st->mtime % NSEC),
		.st_ctime = (u32)(st->ctime / NSEC),
		.st_ctime_nsec = (u32)(st->ctime % NSEC),
	};

	if (st->size > INT32_MAX || st->ino > UINT32_MAX || st->nlink > UINT16_MAX)
		return -EOVERFLOW;
	return copyout(dst, &s, sizeof(s));
}

int abi_copyout_stat(uptr dst, const struct kstat *st)
{
	return call_abi() == ABI_I386 ? copyout_stat_i386(dst, st) : copyout_stat_native(dst, st);
}

int abi_copyout_stat64(uptr dst, const struct kstat *st)
{
	struct stat64_i386 s = {
		.st_dev = dev_32(st->dev),
		.old_ino = (u32)st->ino,
		.st_mode = st->mode,
		.st_nlink = (u32)st->nlink,
		.st_uid = st->uid,
		.st_gid = st->gid,
		.st_rdev = dev_32(st->rdev),
		.st_size = (s64)st->size,
		.st_blksize = st->blksize,
		.st_blocks = st->blocks,
		.st_atime = (u32)(st->atime / NSEC),
		.st_atime_nsec = (u32)(st->atime % NSEC),
		.st_mtime = (u32)(st->mtime / NSEC),
		.st_mtime_nsec = (u32)(st->mtime % NSEC),
		.st_ctime = (u32)(st->ctime / NSEC),
		.st_ctime_nsec = (u32)(st->ctime % NSEC),
		.st_ino = st->ino,
	};

	return copyout(dst, &s, sizeof(s));
}

int abi_copyout_oldstat(uptr dst, const struct kstat *st)
{
	struct oldstat_i386 s = {
		.st_dev = (u16)dev_32(st->dev),
		.st_ino = (u16)st->ino,
		.st_mode = (u16)st->mode,
		.st_nlink = (u16)st->nlink,
		.st_uid = id_16(st->uid),
		.st_gid = id_16(st->gid),
		.st_rdev = (u16)dev_32(st->rdev),
		.st_size = (u32)st->size,
		.st_atime = (u32)(st->atime / NSEC),
		.st_mtime = (u32)(st->mtime / NSEC),
		.st_ctime = (u32)(st->ctime / NSEC),
	};

	if (st->size > INT32_MAX || st->nlink > UINT16_MAX)
		return -EOVERFLOW;
	return copyout(dst, &s, sizeof(s));
}

static struct statx_timestamp statx_time(u64 ns)
{
	return (struct statx_timestamp){.tv_sec = (s64)(ns / NSEC), .tv_nsec = (u32)(ns % NSEC)};
}

int abi_copyout_statx(uptr dst, const struct kstat *st, u32 mask)
{
	struct statx s = {
		.stx_mask = (STATX_BASIC_STATS | STATX_BTIME) & (mask | STATX_BASIC_STATS),
		.stx_blksize = st->blksize,
		.stx_nlink = (u32)st->nlink,
		.stx_uid = st->uid,
		.stx_gid = st->gid,
		.stx_mode = (u16)st->mode,
		.stx_ino = st->ino,
		.stx_size = st->size,
		.stx_blocks = st->blocks,
		.stx_atime = statx_time(st->atime),
		.stx_btime = statx_time(st->btime),
		.stx_ctime = statx_time(st->ctime),
		.stx_mtime = statx_time(st->mtime),
		.stx_rdev_major = KDEV_MAJOR(st->rdev),
		.stx_rdev_minor = KDEV_MINOR(st->rdev),
		.stx_dev_major = KDEV_MAJOR(st->dev),
		.stx_dev_minor = KDEV_MINOR(st->dev),
	};

	return copyout(dst, &s, sizeof(s));
}

// --- statfs ---

struct statfs_native {
	s64 type, bsize;
	u64 blocks, bfree, bavail, files, ffree;
	s32 fsid[2];
	s64 namelen, frsize, flags, spare[4];
};
struct statfs_32 {
	u32 type, bsize, blocks, bfree, bavail, files, ffree;
	s32 fsid[2];
	u32 namelen, frsize, flags, spare[4];
};
struct PACKED statfs64_i386 {
	u32 type, bsize;
	u64 blocks, bfree, bavail, files, ffree;
	s32 fsid[2];
	u32 namelen, frsize, flags, spare[4];
};

BUILD_ASSERT(sizeof(struct statfs_native) == 120);
BUILD_ASSERT(sizeof(struct statfs_32) == 64);
BUILD_ASSERT(sizeof(struct statfs64_i386) == 84);

#define STATFS_MEMBERS(st)                                                                      \
	.type = (st)->type, .bsize = (st)->bsize, .blocks = (st)->blocks, .bfree = (st)->bfree, \
	.bavail = (st)->bavail, .files = (st)->files, .ffree = (st)->ffree,                     \
	.fsid = {(s32)(st)->fsid, (s32)((st)->fsid >> 32)}, .namelen = (st)->namelen,           \
	.frsize = (st)->frsize, .flags = (st)->flags

static bool over_32(u64 v)
{
	return v > UINT32_MAX;
}

int abi_copyout_statfs(uptr dst, const struct kstatfs *st)
{
	if (call_abi() == ABI_I386) {
		struct statfs_32 s = {STATFS_MEMBERS(st)};

		if (over_32(st->blocks) || over_32(st->bfree) || over_32(st->bavail) ||
		    over_32(st->files) || over_32(st->ffree))
			return -EOVERFLOW;
		return copyout(dst, &s, sizeof(s));
	}
	struct statfs_native s = {STATFS_MEMBERS(st)};

	return copyout(dst, &s, sizeof(s));
}

// The caller's size must be that of the structure, or four more where its compiler padded the end.
int abi_copyout_statfs64(uptr dst, const struct kstatfs *st, size_t size)
{
	struct statfs64_i386 s = {STATFS_MEMBERS(st)};

	if (size != sizeof(s) && size != sizeof(s) + 4)
		return -EINVAL;
	return copyout(dst, &s, sizeof(s));
}

// --- iovec ---

struct iovec_32 {
	u32 base;
	s32 len;
};

#define IOV_TOTAL_MAX 0x7ffff000ull

// A segment's length must be positive as a signed size; the total is cut at what one call may move.
long abi_copyin_iovec(struct uio_seg *segs, uptr iov, u32 count)
{
	bool small = abi_word() == 4;
	u64 total = 0;

	if (count > UIO_MAXIOV)
		return -EINVAL;
	for (u32 i = 0; i < count; i++) {
		struct iovec_32 v32;
		struct pair {
			u64 base;
			s64 len;
		} v;
		int r = small ? copyin(&v32, uptr_add(iov, i * sizeof(v32)), sizeof(v32))
			      : copyin(&v, uptr_add(iov, i * sizeof(v)), sizeof(v));

		if (r)
			return r;
		if (small)
			v = (struct pair){v32.base, v32.len};
		if (v.len < 0)
			return -EINVAL;
		v.len = (s64)MIN((u64)v.len, IOV_TOTAL_MAX - total);
		segs[i] = (struct uio_seg){.user = UPTR(v.base), .len = (size_t)v.len};
		total += (u64)v.len;
	}
	return (long)total;
}

// --- Directory records ---

struct dirent_head {
	u64 ino, next;
	u16 reclen;
};

// getdents: d_ino and d_off as longs, d_reclen, name, and the type in the record's last byte.
static size_t build_old_dirent(u8 *rec, const char *name, u32 len, u64 ino, u32 dtype, u64 next)
{
	u32 word = abi_long();
	size_t head = word * 2 + 2, size = ALIGN_UP(head + len + 2, word);
	u16 reclen = (u16)size;

	memset(rec, 0, size);
	memcpy(rec, &ino, word);
	memcpy(rec + word, &next, word);
	memcpy(rec + word * 2, &reclen, 2);
	memcpy(rec + head, name, len);
	rec[size - 1] = (u8)dtype;
	return size;
}

static size_t build_dirent64(u8 *rec, const char *name, u32 len, u64 ino, u32 dtype, u64 next)
{
	size_t head = 8 + 8 + 2 + 1, size = ALIGN_UP(head + len + 1, 8);
	u16 reclen = (u16)size;

	memset(rec, 0, size);
	memcpy(rec, &ino, 8);
	memcpy(rec + 8, &next, 8);
	memcpy(rec + 16, &reclen, 2);
	rec[18] = (u8)dtype;
	memcpy(rec + head, name, len);
	return size;
}

long abi_put_dirent(uptr dst, size_t room, bool old, const char *name, u32 len, u64 ino, u32 dtype,
		    u64 next)
{
	u8 rec[24 + NAME_MAX_LEN + 9];
	size_t size;
	int r;

	if (len > NAME_MAX_LEN)
		return -EIO;
	if (old && abi_long() == 4 && (over_32(ino) || next > INT32_MAX))
		return -EOVERFLOW;
	size = old ? build_old_dirent(rec, name, len, ino, dtype, next)
		   : build_dirent64(rec, name, len, ino, dtype, next);
	if (size > room)
		return 0;
	r = copyout(dst, rec, size);
	return r ? r : (long)size;
}

// --- Record locks ---

struct flock_native {
	s16 type, whence;
	s32 pad;
	s64 start, len;
	s32 pid, pad2;
};
struct flock_32 {
	s16 type, whence;
	s32 start, len, pid;
};
struct PACKED flock64_i386 {
	s16 type, whence;
	s64 start, len;
	s32 pid;
};

enum flock_form { FLOCK_NATIVE, FLOCK_32, FLOCK64_I386 };

static enum flock_form flock_form(bool wide)
{
	if (call_abi() != ABI_I386)
		return FLOCK_NATIVE;
	return wide ? FLOCK64_I386 : FLOCK_32;
}

#define FLOCK_MEMBERS(fl)                                                               \
	.type = (fl).type, .whence = (fl).whence, .start = (fl).start, .len = (fl).len, \
	.pid = (fl).pid

int abi_copyin_flock(struct kflock *fl, uptr src, bool wide)
{
	struct flock_native native = {0};
	struct flock_32 small = {0};
	struct flock64_i386 packed = {0};
	int r;

	switch (flock_form(wide)) {
	case FLOCK_NATIVE:
		r = copyin(&native, src, sizeof(native));
		*fl = (struct kflock){FLOCK_MEMBERS(native)};
		return r;
	case FLOCK_32:
		r = copyin(&small, src, sizeof(small));
		*fl = (struct kflock){FLOCK_MEMBERS(small)};
		return r;
	default:
		r = copyin(&packed, src, sizeof(packed));
		*fl = (struct kflock){FLOCK_MEMBERS(packed)};
		return r;
	}
}

int abi_copyout_flock(uptr dst, const struct kflock *fl, bool wide)
{
	struct flock_native native = {FLOCK_MEMBERS(*fl)};
	struct flock_32 small = {.type = fl->type,
				 .whence = fl->whence,
				 .start = (s32)fl->start,
				 .len = (s32)fl->len,
				 .pid = fl->pid};
	struct flock64_i386 packed = {FLOCK_MEMBERS(*fl)};

	switch (flock_form(wide)) {
	case FLOCK_NATIVE:
		return copyout(dst, &native, sizeof(native));
	case FLOCK_32:
		if (fl->start > INT32_MAX || fl->len > INT32_MAX)
			return -EOVERFLOW;
		return copyout(dst, &small, sizeof(small));
	default:
		return copyout(dst, &packed, sizeof(packed));
	}
}

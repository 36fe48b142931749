// SPDX-License-Identifier: MIT
// The calls around files that others leave out: the *at forms, synchronising, advice, space,
// openat2, the vectors with flags; memory that is locked; mounts.
#include "test/guest/test.h"

#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/uio.h>

TEST(at_forms)
{
	struct stat st;
	int dir;

	OKC(mkdir("d", 0755));
	OKC(dir = open("d", O_RDONLY | O_DIRECTORY));
	EQ(sys(SYS_symlinkat, "target", dir, "s"), 0);
	ERR(sys(SYS_symlinkat, "target", dir, "s"), EEXIST);
	ERR(sys(SYS_symlinkat, "target", 4000, "s"), EBADF);
	close(file_with("d/f", "12345"));
	EQ(sys(SYS_fchmodat, dir, "f", 0600), 0);
	ERR(sys(SYS_fchmodat, dir, "missing", 0600), ENOENT);
	ERR(sys(SYS_fchmodat, 4000, "f", 0600), EBADF);
	OKC(stat("d/f", &st));
	EQ(st.st_mode & 0777, 0600);
	EQ(sys(SYS_mknodat, dir, "fifo", S_IFIFO | 0644, 0), 0);
	ERR(sys(SYS_mknodat, dir, "fifo", S_IFIFO | 0644, 0), EEXIST);
	OKC(stat("d/fifo", &st));
	EQ(st.st_mode & S_IFMT, S_IFIFO);
	struct timeval tv[2] = {{7, 0}, {8, 0}};
	OKC(futimesat(dir, "f", tv));
	OKC(stat("d/f", &st));
	EQ(st.st_mtim.tv_sec, 8);
	tv[0].tv_usec = -1;
	ERRNO(futimesat(dir, "f", tv), EINVAL);
	// stat by every number that there is.
#ifdef __i386__
	struct stat64 big;
	EQ(sys(SYS_fstatat64, dir, "f", &big, 0), 0);
	EQ(big.st_size, 5);
	EQ(sys(SYS_lstat64, "d/s", &big), 0);
	EQ(big.st_mode & S_IFMT, S_IFLNK);
#else
	EQ(sys(SYS_newfstatat, dir, "f", &st, 0), 0);
	ERR(sys(SYS_newfstatat, dir, "", &st, 0), ENOENT);
#endif
	OKC(lstat("d/s", &st));
	EQ(st.st_size, 6);
}

TEST(synchronising)
{
	int fd = file_with("f", "x"), fds[2];

	OKC(pipe(fds));
	EQ(sys(SYS_fsync, fd), 0);
	EQ(sys(SYS_fdatasync, fd), 0);
	ERR(sys(SYS_fsync, 4000), EBADF);
	ERR(sys(SYS_fdatasync, 4000), EBADF);
	ERR(sys(SYS_fsync, fds[0]), EINVAL);
	ERR(sys(SYS_syncfs, 4000), EBADF);
	if (!on_native()) { // a real disk takes its time
		EQ(sys(SYS_syncfs, fd), 0);
		EQ(sys(SYS_sync), 0);
	}
}

#ifdef __i386__
#define FADVISE(fd, from, len, advice) sys(SYS_fadvise64_64, fd, from, 0, len, 0, advice)
#define FALLOCATE(fd, mode, from, len) \
	sys(SYS_fallocate, fd, mode, from, (s64)(from) >> 63, len, (s64)(len) >> 63)
#define READAHEAD(fd, from, n) sys(SYS_readahead, fd, from, 0, n)
#else
#define FADVISE(fd, from, len, advice) sys(SYS_fadvise64, fd, from, len, advice)
#define FALLOCATE(fd, mode, from, len) sys(SYS_fallocate, fd, mode, from, len)
#define READAHEAD(fd, from, n)	       sys(SYS_readahead, fd, from, n)
#endif

TEST(advice)
{
	int fd = file_with("f", "x"), fds[2];

	OKC(pipe(fds));
	for (int advice = 0; advice < 6; advice++)
		EQ(FADVISE(fd, 0, 100, advice), 0);
	ERR(FADVISE(fd, 0, 100, 77), EINVAL);
	ERR(FADVISE(4000, 0, 100, 0), EBADF);
	ERR(FADVISE(fds[0], 0, 100, 0), ESPIPE);
#ifdef __i386__
	EQ(sys(SYS_fadvise64, fd, 0, 0, 100, 3), 0);
#endif
	s64 r = READAHEAD(fd, 0, 100);
	TRUE(r == 0 || r == -EINVAL || r == -ENOSYS);
	ERR(READAHEAD(4000, 0, 100), r == -ENOSYS ? ENOSYS : EBADF);
}

TEST(space)
{
	int fd = file_with("f", "0123456789"), ro = open("f", O_RDONLY), fds[2];
	struct stat st;
	char c = 'x';
	s64 r = FALLOCATE(fd, 0, 0, 20000);

	if (r == -ENOSYS || r == -EOPNOTSUPP)
		test_skip("no fallocate here");
	OKC(pipe(fds));
	EQ(r, 0);
	OKC(fstat(fd, &st));
	EQ(st.st_size, 20000);
	EQ(pread(fd, &c, 1, 15000), 1);
	EQ(c, 0);
	EQ(FALLOCATE(fd, 1, 0, 100000), 0); // KEEP_SIZE
	OKC(fstat(fd, &st));
	EQ(st.st_size, 20000);
	ERR(FALLOCATE(fd, 0, 0, 0), EINVAL);
	ERR(FALLOCATE(fd, 0, -1, 5), EINVAL);
	ERR(FALLOCATE(fd, 0, 5, -1), EINVAL);
	ERR(FALLOCATE(fd, 0x1000, 0, 5), EOPNOTSUPP);
	ERR(FALLOCATE(ro, 0, 0, 5), EBADF);
	ERR(FALLOCATE(4000, 0, 0, 5), EBADF);
	ERR(FALLOCATE(fds[1], 0, 0, 5), ESPIPE);
	// A hole: zeros, the same size.
	r = FALLOCATE(fd, 3, 2, 4);
	if (r != -EOPNOTSUPP) {
		char b[10];
		EQ(r, 0);
		EQ(pread(fd, b, 10, 0), 10);
		EQ(memcmp(b,
			  "01\0\0\0\0"
			  "6789",
			  10),
		   0);
	}
}

TEST(vectors_with_flags)
{
	int fd = file_with("f", "0123456789");
	char b[4];
	struct iovec v = {b, 4};
	ssize_t r = preadv2(fd, &v, 1, 2, 0);

	if (r < 0 && errno == ENOSYS)
		test_skip("no preadv2 here");
	EQ(r, 4);
	EQ(memcmp(b, "2345", 4), 0);
	EQ(preadv2(fd, &v, 1, -1, 0), 4); // the file's own place
	EQ(lseek(fd, 0, SEEK_CUR), 4);
	ERRNO((int)preadv2(fd, &v, 1, 0, 0x10000), EOPNOTSUPP);
	v = (struct iovec){"AB", 2};
	EQ(pwritev2(fd, &v, 1, 0, RWF_APPEND), 2);
	EQ(lseek(fd, 0, SEEK_END), 12);
	EQ(pwritev2(fd, &v, 1, 1, RWF_DSYNC), 2);
	EQ(pread(fd, b, 4, 0), 4);
	EQ(memcmp(b, "0AB3", 4), 0);
}

TEST(openat2)
{
	struct open_how how = {.flags = O_RDONLY};
	u64 large[4] = {O_RDONLY};
	sreg_t fd;

	close(file_with("f", "x"));
	OKC(mkdir("d", 0755));
	OKC(symlink("f", "l"));
	OKC(symlink("/", "d/root"));
	fd = sys(SYS_openat2, AT_FDCWD, "f", &how, sizeof(how));
	if (fd == -ENOSYS)
		test_skip("no openat2 here");
	OK(fd);
	ERR(sys(SYS_openat2, AT_FDCWD, "f", &how, 8), EINVAL);
	EQ(sys(SYS_openat2, AT_FDCWD, "f", large, sizeof(large)) >= 0, 1);
	large[3] = 1;
	ERR(sys(SYS_openat2, AT_FDCWD, "f", large, sizeof(large)), E2BIG);
	ERR(sys(SYS_openat2, AT_FDCWD, "f", map_bad(), sizeof(how)), EFAULT);
	how.mode = 0644;
	ERR(sys(SYS_openat2, AT_FDCWD, "f", &how, sizeof(how)), EINVAL); // a mode without O_CREAT
	how = (struct open_how){.flags = 1ull << 40};
	ERR(sys(SYS_openat2, AT_FDCWD, "f", &how, sizeof(how)), EINVAL);
	how = (struct open_how){.flags = O_RDONLY, .resolve = RESOLVE_NO_SYMLINKS};
	ERR(sys(SYS_openat2, AT_FDCWD, "l", &how, sizeof(how)), ELOOP);
	int dir = open("d", O_PATH);
	how.resolve = RESOLVE_BENEATH;
	ERR(sys(SYS_openat2, dir, "../f", &how, sizeof(how)), EXDEV);
	ERR(sys(SYS_openat2, dir, "/etc", &how, sizeof(how)), EXDEV);
	ERR(sys(SYS_openat2, dir, "root", &how, sizeof(how)), EXDEV);
	how.resolve = RESOLVE_IN_ROOT;
	OK(sys(SYS_openat2, dir, "/../..", &how, sizeof(how)));
	how.resolve = 1 << 20;
	ERR(sys(SYS_openat2, dir, ".", &how, sizeof(how)), EINVAL);
}

TEST(locked_memory)
{
	char *a = map_pages(4);
	sreg_t r = sys(SYS_mlock, a, 2 * PAGE);

	if (r == -ENOSYS)
		test_skip("no mlock here");
	EQ(r, 0);
	EQ(sys(SYS_mlock, a, 0), 0);
	ERR(sys(SYS_mlock, map_bad(), PAGE), ENOMEM);
	EQ(sys(SYS_munlock, a, 4 * PAGE), 0);
	ERR(sys(SYS_munlock, map_bad(), PAGE), ENOMEM);
	EQ(sys(SYS_mlock2, a, PAGE, 1), 0);
	ERR(sys(SYS_mlock2, a, PAGE, 8), EINVAL);
	ERR(sys(SYS_mlockall, 0), EINVAL);
	ERR(sys(SYS_mlockall, 64), EINVAL);
	EQ(sys(SYS_mlockall, 2), 0); // MCL_FUTURE
	EQ(sys(SYS_munlockall), 0);
	EQ(touch_write(a), 0);
}

TEST(protection_keys)
{
	sreg_t key = sys(SYS_pkey_alloc, 0, 0);

	if (key == -ENOSYS || key == -ENOSPC || key == -EINVAL)
		test_skip("no protection keys here");
	char *a = map_pages(1);
	EQ(sys(SYS_pkey_mprotect, a, PAGE, PROT_READ | PROT_WRITE, key), 0);
	EQ(touch_write(a), 0);
	ERR(sys(SYS_pkey_mprotect, a, PAGE, PROT_READ, 15), EINVAL);
	EQ(sys(SYS_pkey_mprotect, a, PAGE, PROT_READ, -1), 0);
	EQ(sys(SYS_pkey_free, key), 0);
	ERR(sys(SYS_pkey_free, key), EINVAL);
	ERR(sys(SYS_pkey_alloc, 1, 0), EINVAL);
}

// On this machine's own Linux nothing is mounted but in a namespace; the others are machines to
// throw away.
TEST(mounts)
{
	struct stat root, other;

	if (on_native())
		test_skip("mounts nothing on a real machine");
	OKC(mkdir("m", 0755));
	sreg_t r = sys(SYS_mount, "none", "m", "tmpfs", 0, NULL);
	if (r == -ENOSYS)
		test_skip("no mount here");
	EQ(r, 0);
	OKC(stat(".", &root));
	OKC(stat("m", &other));
	TRUE(root.st_dev != other.st_dev);
	int fd = file_with("m/f", "inside");
	ERRNO(umount("m"), EBUSY);
	ERRNO(link("m/f", "f"), EXDEV);
	ERRNO(rename("m/f", "f"), EXDEV);
	ERRNO(rmdir("m"), EBUSY);
	close(fd);
	OKC(stat("m/..", &other));
	EQ(other.st_ino, root.st_ino);
	OKC(umount("m"));
	ERRNO(stat("m/f", &other), ENOENT);
	ERRNO(umount("m"), EINVAL);
	ERRNO(umount("missing"), ENOENT);
	ERRNO(mount("none", "missing", "tmpfs", 0, NULL), ENOENT);
	ERRNO(mount("none", "m", "nosuchfs", 0, NULL), ENODEV);
	close(file_with("plain", ""));
	ERRNO(mount("none", "plain", "tmpfs", 0, NULL), ENOTDIR);
	EXITS(5, {
		setresuid(1000, 1000, 1000);
		ERRNO(mount("none", "m", "tmpfs", 0, NULL), EPERM);
		ERRNO(umount2("m", 0), EPERM);
		_exit(test_failures() ? 1 : 5);
	});
}

TEST(reboot_refuses)
{
	// Wrong magic numbers and commands only.
	ERR(sys(SYS_reboot, 1, 2, 3, 0), EINVAL);
	ERR(sys(SYS_reboot, 0xfee1dead, 2, 0x4321fedc, 0), EINVAL);
	ERR(sys(SYS_reboot, 0xfee1dead, 672274793, 0x1234, 0), EINVAL);
	if (getuid())
		test_skip("not root");
	EXITS(5, {
		setresuid(1000, 1000, 1000);
		_exit(sys(SYS_reboot, 0xfee1dead, 672274793, 0x1234, 0) == -EPERM ? 5 : 1);
	});
}

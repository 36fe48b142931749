// SPDX-License-Identifier: MIT
// What only i386 has: the first forms of stat and uname, 16-bit ids beside those of 32 bits, the
// calls with 64 in their names; and the forms that x86-64 shares with them under other numbers.
#include "test/guest/test.h"

#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>

TEST(ids_of_all)
{
	gid_t r, e, s;

	OKC(getresgid(&r, &e, &s));
	EQ(r, getgid());
	EQ(e, getegid());
	ERR(sys(SYS_getresgid, map_bad(), &e, &s), EFAULT);
	if (getuid())
		test_skip("not root");
	EXITS(5, {
		OKC(setregid(30, 40));
		OKC(getresgid(&r, &e, &s));
		EQ(r, 30);
		EQ(e, 40);
		EQ(s, 40);
		EQ(sys(SYS_setfsgid, 50), 40);
		EQ(sys(SYS_setfsgid, -1), 50);
		_exit(test_failures() ? 1 : 5);
	});
}

#ifdef __i386__
struct old_stat {
	u16 dev, ino, mode, nlink, uid, gid, rdev;
	u32 size, atime, mtime, ctime;
};

TEST_ON(I386, oldstat)
{
	struct old_stat st;
	int fd = file_with("f", "12345");

	OKC(symlink("f", "l"));
	sreg_t r = sys(SYS_oldstat, "f", &st);
	if (r == -EOVERFLOW)
		test_skip("this file system's inode numbers have more than 16 bits");
	EQ(r, 0);
	EQ(st.size, 5);
	EQ(st.mode, S_IFREG | 0644);
	EQ(sys(SYS_oldfstat, fd, &st), 0);
	EQ(st.size, 5);
	EQ(sys(SYS_oldlstat, "l", &st), 0);
	EQ(st.mode & S_IFMT, S_IFLNK);
	ERR(sys(SYS_oldstat, "missing", &st), ENOENT);
	ERR(sys(SYS_oldfstat, 4000, &st), EBADF);
}

TEST_ON(I386, olduname)
{
	struct {
		char field[5][65];
		char guard;
	} old;
	struct {
		char field[5][9];
		char guard;
	} oldest;

	memset(&old, 0xa5, sizeof(old));
	memset(&oldest, 0xa5, sizeof(oldest));
	EQ(sys(SYS_olduname, &old), 0);
	EQ(strcmp(old.field[0], "Linux"), 0);
	EQ((u8)old.guard, 0xa5);
	EQ(sys(SYS_oldolduname, &oldest), 0);
	EQ(strcmp(oldest.field[0], "Linux"), 0);
	EQ((u8)oldest.guard, 0xa5);
	ERR(sys(SYS_olduname, map_bad()), EFAULT);
	ERR(sys(SYS_oldolduname, map_bad()), EFAULT);
}

// Ids of 16 bits: -1 stays -1, what does not fit comes out as 65534.
TEST_ON(I386, ids_of_16_bits)
{
	u16 r, e, s;
	u32 r32, e32, s32;
	struct stat64 st;

	EQ(sys(SYS_getuid32), getuid());
	EQ(sys(SYS_geteuid32), geteuid());
	EQ(sys(SYS_getgid32), getgid());
	EQ(sys(SYS_getegid32), getegid());
	if (getuid())
		test_skip("not root");
	close(file_with("f", ""));
	EQ(sys(SYS_chown32, "f", 100000, 100001), 0);
	OKC(stat64("f", &st));
	EQ(st.st_uid, 100000);
	EQ(sys(SYS_chown, "f", 0xffff, 7), 0); // 0xffff is -1: unchanged
	OKC(stat64("f", &st));
	EQ(st.st_uid, 100000);
	EQ(st.st_gid, 7);
	int fd = open("f", O_RDONLY);
	EQ(sys(SYS_fchown32, fd, 200000, -1), 0);
	EQ(sys(SYS_lchown32, "f", -1, 200001), 0);
	OKC(stat64("f", &st));
	EQ(st.st_uid, 200000);
	EQ(st.st_gid, 200001);
	EXITS(5, {
		EQ(sys(SYS_setresgid32, 100000, 100001, 100002), 0);
		EQ(sys(SYS_getresgid32, &r32, &e32, &s32), 0);
		EQ(s32, 100002);
		EQ(sys(SYS_getresgid, &r, &e, &s), 0);
		EQ(r, 65534);
		EQ(sys(SYS_getgid), 65534);
		EQ(sys(SYS_setregid32, 5, 6), 0);
		EQ(sys(SYS_setgid32, 100000), 0);
		EQ(sys(SYS_setfsgid32, 9), 100000);
		EQ(sys(SYS_setresuid32, 100000, 100001, 0), 0);
		EQ(sys(SYS_getresuid32, &r32, &e32, &s32), 0);
		EQ(e32, 100001);
		EQ(sys(SYS_geteuid), 65534);
		EQ(sys(SYS_setfsuid32, 100000), 100001);
		EQ(sys(SYS_setreuid32, -1, 0), 0);
		EQ(sys(SYS_setuid32, 70000), 0);
		EQ(sys(SYS_getuid32), 70000);
		ERR(sys(SYS_setuid32, 0), EPERM);
		_exit(test_failures() ? 1 : 5);
	});
}

TEST_ON(I386, names_with_64)
{
	struct statfs64 fs;
	int fd = file_with("f", "0123456789"), out = file_with("out", "");
	s64 at = 2;
	struct rlimit r;

	EQ(sys(SYS_statfs64, ".", 84, &fs), 0);
	EQ(fs.f_namelen, 255);
	ERR(sys(SYS_statfs64, ".", 80, &fs), EINVAL);
	EQ(sys(SYS_fstatfs64, fd, 84, &fs), 0);
	ERR(sys(SYS_fstatfs64, 4000, 84, &fs), EBADF);
	EQ(sys(SYS_sendfile64, out, fd, &at, 5), 5);
	EQ(at, 7);
	EQ(sys(SYS_fcntl64, fd, F_GETFD), 0);
	struct {
		u16 type, whence;
		s64 start, len;
		s32 pid;
	} __attribute__((packed)) lock = {F_WRLCK, SEEK_SET, 0x100000000ll, 10, 0};
	EQ(sys(SYS_fcntl64, fd, F_SETLK64, &lock), 0);
	EQ(sys(SYS_fcntl, fd, F_SETLK64, &lock),
	   0); // Linux's 64-bit kernels answer both by fcntl64
	EXITS(5, {
		lock.type = F_RDLCK;
		EQ(sys(SYS_fcntl64, fd, F_GETLK64, &lock), 0);
		EQ(lock.type, F_WRLCK);
		EQ(lock.start, 0x100000000ll);
		EQ(lock.pid, getppid());
		// In the old structure this lock does not fit.
		struct flock small = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
		ERR(sys(SYS_fcntl, fd, F_GETLK, &small), EOVERFLOW);
		_exit(test_failures() ? 1 : 5);
	});
	EQ(sys(SYS_ugetrlimit, RLIMIT_STACK, &r), 0);
	struct rlimit old;
	EQ(sys(SYS_getrlimit, RLIMIT_CPU, &old), 0);
	EQ(old.rlim_cur, 0x7fffffff); // the old call's infinity
	EQ(sys(SYS_ugetrlimit, RLIMIT_CPU, &r), 0);
	EQ((u32)r.rlim_cur, 0xffffffff);
}

TEST_ON(I386, nice_and_select)
{
	fd_set set;
	struct timeval tv = {0, 0};
	int fds[2];

	if (on_native() && getpriority(PRIO_PROCESS, 0))
		test_skip("started by nice");
	EQ(sys(SYS_nice, 3), 0);
	EQ(getpriority(PRIO_PROCESS, 0), 3);
	EQ(sys(SYS_nice, 100), 0);
	EQ(getpriority(PRIO_PROCESS, 0), 19);
	OKC(pipe(fds));
	FD_ZERO(&set);
	FD_SET(fds[1], &set);
	EQ(sys(SYS__newselect, fds[1] + 1, NULL, &set, NULL, &tv), 1);
	u32 args[5] = {(u32)fds[1] + 1, 0, (u32)(uintptr_t)&set, 0, (u32)(uintptr_t)&tv};
	EQ(sys(SYS_select, args), 1);
	ERR(sys(SYS_select, map_bad()), EFAULT);
	// waitpid, the call.
	pid_t pid = fork();
	if (!pid)
		_exit(6);
	int status = 0;
	EQ(sys(SYS_waitpid, pid, &status, 0), pid);
	EQ(status, 6 << 8);
}
#endif

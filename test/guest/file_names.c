// SPDX-License-Identifier: MIT
// Names: directories, links, renames, lookups along paths, attributes, times, entries.
#include "test/guest/test.h"

#include <dirent.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

TEST(mkdir_rmdir)
{
	struct stat st;

	OKC(mkdir("d", 0755));
	ERRNO(mkdir("d", 0755), EEXIST);
	ERRNO(mkdir("x/y", 0755), ENOENT);
	close(file_with("f", ""));
	ERRNO(mkdir("f/y", 0755), ENOTDIR);
	ERRNO(mkdir("f", 0755), EEXIST);
	ERRNO(mkdir("", 0755), ENOENT);
	ERRNO(mkdir("/", 0755), EEXIST);
	ERRNO(mkdir(".", 0755), EEXIST);
	ERRNO(mkdir("..", 0755), EEXIST);
	OKC(mkdir("d/e/", 0755));
	OKC(stat("d", &st));
	BETWEEN(st.st_nlink, 1, 3); // tmpfs and ext4 count 3, btrfs 1
	ERRNO(rmdir("d"), ENOTEMPTY);
	ERRNO(rmdir("f"), ENOTDIR);
	ERRNO(rmdir("missing"), ENOENT);
	ERRNO(rmdir("d/."), EINVAL);
	ERRNO(rmdir("d/.."), ENOTEMPTY);
	ERRNO(rmdir("/"), EBUSY);
	OKC(rmdir("d/e"));
	OKC(rmdir("d/"));
	ERRNO(rmdir("d"), ENOENT);
	ERR(sys(SYS_mkdirat, 4000, "d", 0755), EBADF);
	ERR(sys(SYS_unlinkat, AT_FDCWD, "f", 0x1), EINVAL);
	ERR(sys(SYS_unlinkat, AT_FDCWD, "f", AT_REMOVEDIR), ENOTDIR);
	EQ(sys(SYS_unlinkat, AT_FDCWD, "f", 0), 0);
}

TEST(link_unlink)
{
	struct stat st;
	int fd = file_with("a", "data");

	OKC(link("a", "b"));
	OKC(fstat(fd, &st));
	EQ(st.st_nlink, 2);
	ERRNO(link("a", "b"), EEXIST);
	ERRNO(link("missing", "c"), ENOENT);
	OKC(mkdir("d", 0755));
	ERRNO(link("d", "e"), EPERM);
	ERRNO(link("a", "missing/c"), ENOENT);
	ERRNO(link("a/", "c"), ENOTDIR);
	ERRNO(unlink("d"), EISDIR);
	ERRNO(unlink("missing"), ENOENT);
	ERRNO(unlink("a/b"), ENOTDIR);
	ERRNO(unlink("a/"), ENOTDIR);
	OKC(unlink("a"));
	OKC(fstat(fd, &st));
	EQ(st.st_nlink, 1);
	OKC(unlink("b"));
	OKC(fstat(fd, &st));
	EQ(st.st_nlink, 0);
	char c;
	EQ(read(fd, &c, 1), 1); // as long as it is open
	// Links to links.
	OKC(symlink("target", "s"));
	OKC(link("s", "t")); // the link itself
	OKC(lstat("t", &st));
	EQ(st.st_mode & S_IFMT, S_IFLNK);
	ERR(sys(SYS_linkat, AT_FDCWD, "s", AT_FDCWD, "u", AT_SYMLINK_FOLLOW), ENOENT);
	ERR(sys(SYS_linkat, AT_FDCWD, "s", AT_FDCWD, "u", 1), EINVAL);
}

TEST(symlinks)
{
	char buffer[64];
	struct stat st;

	OKC(symlink("a/b", "s"));
	ERRNO(symlink("x", "s"), EEXIST);
	ERRNO(symlink("", "empty"), ENOENT);
	ERRNO(symlink("x", ""), ENOENT);
	ERRNO(symlink("x", "missing/s"), ENOENT);
	EQ(readlink("s", buffer, sizeof(buffer)), 3);
	EQ(memcmp(buffer, "a/b", 3), 0);
	EQ(readlink("s", buffer, 2), 2);
	ERRNO((int)readlink(".", buffer, 64), EINVAL);
	ERRNO((int)readlink("missing", buffer, 64), ENOENT);
	ERR(sys(SYS_readlink, "s", buffer, 0), EINVAL);
	ERR(sys(SYS_readlink, "s", buffer, -1), EINVAL);
	OKC(lstat("s", &st));
	EQ(st.st_size, 3);
	EQ(st.st_mode, S_IFLNK | 0777);
	ERRNO(stat("s", &st), ENOENT);
	// A chain of 40 is followed, of 41 not.
	close(file_with("c0", "end"));
	char from[16], to[16];
	for (int i = 1; i <= 41; i++) {
		snprintf(from, sizeof(from), "c%d", i - 1);
		snprintf(to, sizeof(to), "c%d", i);
		OKC(symlink(from, to));
	}
	OKC(stat("c40", &st));
	ERRNO(stat("c41", &st), ELOOP);
	// In the middle of a path, with a slash behind, and relative to where the link lies.
	OKC(mkdir("real", 0755));
	OKC(symlink("real", "way"));
	close(file_with("way/f", "f"));
	OKC(stat("real/f", &st));
	OKC(stat("way/../real/f", &st));
	OKC(symlink("../c0", "real/up"));
	OKC(stat("way/up", &st));
	OKC(lstat("way/", &st));
	EQ(st.st_mode & S_IFMT, S_IFDIR);
	int fd = open("way", O_PATH | O_NOFOLLOW);
	EQ(sys(SYS_readlinkat, fd, "", buffer, 64), 4);
}

TEST(rename)
{
	struct stat st;

	close(file_with("a", "a"));
	close(file_with("b", "bb"));
	OKC(mkdir("d", 0755));
	OKC(mkdir("d/sub", 0755));
	OKC(mkdir("e", 0755));
	OKC(rename("a", "b")); // over an existing one
	ERRNO(stat("a", &st), ENOENT);
	OKC(stat("b", &st));
	EQ(st.st_size, 1);
	ERRNO(rename("missing", "x"), ENOENT);
	ERRNO(rename("b", "missing/x"), ENOENT);
	ERRNO(rename("b", "d"), EISDIR);
	ERRNO(rename("d", "b"), ENOTDIR);
	ERRNO(rename("e", "d"), ENOTEMPTY);
	ERRNO(rename("d", "d/sub/x"), EINVAL);
	ERRNO(rename("d", "d/sub"), EINVAL);
	ERRNO(rename("d/sub", "d"), ENOTEMPTY);
	ERRNO(rename(".", "x"), EBUSY);
	ERRNO(rename("d", ".."), EBUSY);
	ERRNO(rename("b/", "x"), ENOTDIR);
	ERRNO(rename("b", "x/"), ENOTDIR);
	OKC(rename("d/sub", "e")); // over an empty directory
	OKC(rename("d", "f/"));	   // a directory may have the slash
	OKC(link("b", "c"));
	OKC(rename("b", "c")); // two names of one file: nothing happens
	OKC(stat("b", &st));
	OKC(rename("b", "b"));
	// renameat2
	close(file_with("n", ""));
	ERR(sys(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "n", 1), EEXIST); // NOREPLACE
	EQ(sys(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "m", 1), 0);
	ERR(sys(SYS_renameat2, AT_FDCWD, "m", AT_FDCWD, "n", 3), EINVAL);
	ERR(sys(SYS_renameat2, AT_FDCWD, "m", AT_FDCWD, "n", 64), EINVAL);
	EQ(sys(SYS_renameat2, AT_FDCWD, "m", AT_FDCWD, "f", 2), 0); // EXCHANGE
	OKC(stat("m", &st));
	EQ(st.st_mode & S_IFMT, S_IFDIR);
	// A directory that moves keeps its children, and .. follows.
	OKC(mkdir("p", 0755));
	OKC(mkdir("p/q", 0755));
	OKC(mkdir("r", 0755));
	OKC(chdir("p/q"));
	OKC(rename("../../p", "../../r/p"));
	OKC(stat("../../p", &st));
	OKC(chdir("../../.."));
	OKC(stat("r/p/q", &st));
}

TEST(paths)
{
	struct stat a, b;
	char cwd[256], deep[256];

	OKC(mkdir("x", 0755));
	OKC(stat(".", &a));
	OKC(stat("x/..", &b));
	EQ(a.st_ino, b.st_ino);
	OKC(stat("x/../././/x//..", &b));
	EQ(a.st_ino, b.st_ino);
	OKC(stat("/", &a));
	OKC(stat("/../..", &b));
	EQ(a.st_ino, b.st_ino);
	TRUE(getcwd(cwd, sizeof(cwd)) != NULL);
	EQ(sys(SYS_getcwd, deep, sizeof(deep)), strlen(cwd) + 1);
	ERR(sys(SYS_getcwd, deep, 2), ERANGE);
	OKC(chdir("x"));
	snprintf(deep, sizeof(deep), "%s/x", cwd);
	TRUE(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, deep));
	// A directory that is gone.
	OKC(mkdir("gone", 0755));
	OKC(chdir("gone"));
	OKC(rmdir("../gone"));
	ERR(sys(SYS_getcwd, deep, sizeof(deep)), ENOENT);
	ERRNO(open("new", O_CREAT | O_RDWR, 0644), ENOENT);
	ERRNO(mkdir("new", 0755), ENOENT);
	OKC(stat(".", &a));
	OKC(chdir(".."));
	ERRNO(chdir("missing"), ENOENT);
	close(file_with("file", ""));
	ERRNO(chdir("file"), ENOTDIR);
	int dir = open("..", O_RDONLY), file = open("file", O_RDONLY);
	OKC(fchdir(dir));
	ERRNO(fchdir(file), ENOTDIR);
	ERRNO(fchdir(4000), EBADF);
	// chroot: .. stops there.
	EXITS(5, {
		mkdir("jail", 0755);
		mkdir("jail/in", 0755);
		bool good = !chroot("jail") && !chdir("/") && !stat("/in", &a) &&
			    !stat("/../../in", &b) && a.st_ino == b.st_ino &&
			    stat("/jail", &a) == -1;
		_exit(good ? 5 : 1);
	});
	ERRNO(chroot("missing"), ENOENT);
	ERRNO(chroot("x/file"), ENOTDIR);
}

TEST(stat)
{
	struct stat st, again;
	struct timespec now;
	int fd = file_with("f", "12345");

	clock_gettime(CLOCK_REALTIME, &now);
	OKC(fstat(fd, &st));
	EQ(st.st_mode, S_IFREG | 0644);
	EQ(st.st_size, 5);
	EQ(st.st_nlink, 1);
	EQ(st.st_uid, getuid());
	EQ(st.st_gid, getgid());
	BETWEEN(st.st_blocks, 0, 64);
	TRUE(st.st_blksize >= 512);
	BETWEEN(st.st_mtim.tv_sec, now.tv_sec - 2, now.tv_sec + 2);
	BETWEEN(st.st_mtim.tv_nsec, 0, 999999999);
	OKC(stat("f", &again));
	EQ(st.st_ino, again.st_ino);
	EQ(st.st_dev, again.st_dev);
	TRUE(st.st_ino != 0);
	OKC(stat("/dev/null", &st));
	EQ(st.st_mode & S_IFMT, S_IFCHR);
	EQ(major(st.st_rdev), 1);
	EQ(minor(st.st_rdev), 3);
	int fds[2];
	OKC(pipe(fds));
	OKC(fstat(fds[0], &st));
	EQ(st.st_mode & S_IFMT, S_IFIFO);
	ERRNO(stat("missing", &st), ENOENT);
	ERRNO(stat("", &st), ENOENT);
	ERRNO(fstatat(AT_FDCWD, "f", &st, 0x1), EINVAL);
	OKC(fstatat(fd, "", &st, AT_EMPTY_PATH));
	EQ(st.st_size, 5);
	// statx: the same and more.
	struct statx sx;
	OKC(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &sx));
	EQ(sx.stx_size, 5);
	EQ(sx.stx_mode, S_IFREG | 0644);
	EQ(sx.stx_mask & STATX_BASIC_STATS, STATX_BASIC_STATS);
	EQ(sx.stx_ino, again.st_ino);
	ERR(sys(SYS_statx, AT_FDCWD, "f", 0, 0x80000000, &sx), EINVAL);
	ERR(sys(SYS_statx, AT_FDCWD, "f", 0x6000, 0, &sx), EINVAL);
	struct statfs fs;
	OKC(statfs(".", &fs));
	TRUE(fs.f_bsize >= 512);
	EQ(fs.f_namelen, 255);
	ERRNO(statfs("missing", &fs), ENOENT);
	ERRNO(fstatfs(4000, &fs), EBADF);
}

TEST(modes_and_owners)
{
	struct stat st;
	int fd = file_with("f", "x");

	OKC(chmod("f", 04711));
	OKC(stat("f", &st));
	EQ(st.st_mode & 07777, 04711);
	OKC(fchmod(fd, 0600));
	OKC(fstat(fd, &st));
	EQ(st.st_mode & 07777, 0600);
	OKC(chmod("f", 0170644)); // only twelve bits
	OKC(fstat(fd, &st));
	EQ(st.st_mode, S_IFREG | 0644);
	ERRNO(chmod("missing", 0), ENOENT);
	ERRNO(fchmod(4000, 0), EBADF);
	if (getuid())
		test_skip("not root");
	OKC(chmod("f", 06755));
	OKC(chown("f", 1000, 1001));
	OKC(stat("f", &st));
	EQ(st.st_uid, 1000);
	EQ(st.st_gid, 1001);
	EQ(st.st_mode & 06000, 0); // set-id bits go
	OKC(chown("f", (uid_t)-1, 7));
	OKC(fchown(fd, 8, (gid_t)-1));
	OKC(stat("f", &st));
	EQ(st.st_uid, 8);
	EQ(st.st_gid, 7);
	OKC(symlink("f", "l"));
	OKC(lchown("l", 5, 6));
	OKC(lstat("l", &st));
	EQ(st.st_uid, 5);
	OKC(stat("l", &st));
	EQ(st.st_uid, 8);
	ERR(sys(SYS_fchownat, AT_FDCWD, "f", 1, 1, 0x1), EINVAL);
	ERRNO(chown("missing", 1, 1), ENOENT);
}

// What an ordinary user may not.
TEST(permissions)
{
	if (getuid())
		test_skip("not root");
	OKC(mkdir("closed", 0700));
	close(file_with("closed/f", "x"));
	close(file_with("secret", "x"));
	OKC(chmod("secret", 0600));
	close(file_with("readable", "x"));
	OKC(mkdir("sticky", 01777));
	OKC(chmod("sticky", 01777));
	close(file_with("sticky/theirs", "x"));
	OKC(chmod(".", 0755));
	EXITS(5, {
		sys(SYS_setgroups, 0, NULL);
		setresgid(1000, 1000, 1000);
		setresuid(1000, 1000, 1000);
		struct stat st;
		ERRNO(open("secret", O_RDONLY), EACCES);
		ERRNO(open("readable", O_WRONLY), EACCES);
		ERRNO(open("closed/f", O_RDONLY), EACCES);
		ERRNO(stat("closed/f", &st), EACCES);
		ERRNO(chdir("closed"), EACCES);
		ERRNO(unlink("readable"), EACCES);
		ERRNO(mkdir("new", 0755), EACCES);
		ERRNO(rename("readable", "other"), EACCES);
		ERRNO(chmod("readable", 0777), EPERM);
		ERRNO(chown("readable", 1000, 1000), EPERM);
		ERRNO(unlink("sticky/theirs"), EPERM);
		ERRNO(rename("sticky/theirs", "sticky/mine"), EPERM);
		ERRNO(access("secret", R_OK), EACCES);
		ERRNO(utimensat(AT_FDCWD, "readable", NULL, 0), EACCES);
		struct timespec ts[2] = {{1, 0}, {1, 0}};
		ERRNO(utimensat(AT_FDCWD, "readable", ts, 0), EPERM);
		ERRNO(kill(getppid(), SIGUSR1), EPERM);
		ERRNO(setuid(0), EPERM);
		ERRNO(chroot("."), EPERM);
		int fd = open("sticky/mine2", O_CREAT | O_RDWR, 0644);
		OKC(fd);
		OKC(unlink("sticky/mine2"));
		_exit(test_failures() ? 1 : 5);
	});
}

TEST(access)
{
	close(file_with("f", "x"));
	OKC(access("f", F_OK));
	OKC(access("f", R_OK | W_OK));
	ERRNO(access("f", X_OK), EACCES); // even root needs one x bit
	OKC(chmod("f", 0100));
	OKC(access("f", X_OK));
	ERRNO(access("missing", F_OK), ENOENT);
	ERR(sys(SYS_access, "f", 8), EINVAL);
	ERR(sys(SYS_faccessat2, AT_FDCWD, "f", 0, 1), EINVAL);
	EQ(sys(SYS_faccessat2, AT_FDCWD, "f", 0, AT_EACCESS), 0);
}

TEST(times)
{
	struct stat st;
	struct timespec ts[2] = {{1000, 123456789}, {2000, 987654321}}, now;

	close(file_with("f", "x"));
	OKC(utimensat(AT_FDCWD, "f", ts, 0));
	OKC(stat("f", &st));
	EQ(st.st_atim.tv_sec, 1000);
	EQ(st.st_mtim.tv_sec, 2000);
	EQ(st.st_mtim.tv_nsec, 987654321);
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_nsec = UTIME_NOW;
	clock_gettime(CLOCK_REALTIME, &now);
	OKC(utimensat(AT_FDCWD, "f", ts, 0));
	OKC(stat("f", &st));
	EQ(st.st_atim.tv_sec, 1000);
	BETWEEN(st.st_mtim.tv_sec, now.tv_sec - 1, now.tv_sec + 2);
	ts[0].tv_nsec = 1000000000;
	ERRNO(utimensat(AT_FDCWD, "f", ts, 0), EINVAL);
	ERRNO(utimensat(AT_FDCWD, "missing", NULL, 0), ENOENT);
	ERR(sys(SYS_utimensat, AT_FDCWD, "f", NULL, 0x1), EINVAL);
	struct timeval tv[2] = {{11, 500000}, {22, 1000000}};
	ERRNO(utimes("f", tv), EINVAL);
	tv[1].tv_usec = 5;
	OKC(utimes("f", tv));
	OKC(stat("f", &st));
	EQ(st.st_atim.tv_nsec, 500000000);
	EQ(st.st_mtim.tv_sec, 22);
	// What changes them: writing mtime and ctime, chmod ctime, a new entry the directory's
	// mtime.
	ts[0] = ts[1] = (struct timespec){5, 0};
	OKC(utimensat(AT_FDCWD, "f", ts, 0));
	int fd = open("f", O_WRONLY);
	EQ(write(fd, "y", 1), 1);
	OKC(fstat(fd, &st));
	TRUE(st.st_mtim.tv_sec > 1000 && st.st_ctim.tv_sec > 1000);
	OKC(utimensat(AT_FDCWD, ".", ts, 0));
	close(file_with("g", ""));
	OKC(stat(".", &st));
	TRUE(st.st_mtim.tv_sec > 1000);
}

TEST(entries)
{
	enum { N = 300 };
	char name[300], buffer[1024];
	static bool seen[N];
	int dots = 0, count = 0;

	OKC(mkdir("many", 0755));
	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "many/entry%d", i);
		close(file_with(name, ""));
	}
	DIR *d = opendir("many");
	MUST(d != NULL);
	struct dirent *e;
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.') {
			dots++;
			EQ(e->d_type == DT_DIR || e->d_type == DT_UNKNOWN, 1);
			continue;
		}
		int i = atoi(e->d_name + 5);
		TRUE(!seen[i]);
		TRUE(e->d_type == DT_REG || e->d_type == DT_UNKNOWN);
		TRUE(e->d_ino != 0);
		seen[i] = true;
		count++;
	}
	EQ(dots, 2);
	EQ(count, N);
	rewinddir(d);
	TRUE(readdir(d) != NULL);
	closedir(d);
	int fd = open("many", O_RDONLY | O_DIRECTORY), file = open("many/entry1", O_RDONLY);
	ERR(sys(SYS_getdents64, fd, buffer, 1), EINVAL);
	ERR(sys(SYS_getdents64, fd, map_bad(), 1000), EFAULT);
	ERR(sys(SYS_getdents64, file, buffer, 1000), ENOTDIR);
	ERR(sys(SYS_getdents64, 4000, buffer, 1000), EBADF);
	// Removing while reading: each of the others is seen once.
	count = 0;
	d = opendir("many");
	while ((e = readdir(d)))
		if (e->d_name[0] != '.') {
			snprintf(name, sizeof(name), "many/%s", e->d_name);
			OKC(unlink(name));
			count++;
		}
	closedir(d);
	EQ(count, N);
	OKC(rmdir("many"));
	// An open directory that was removed has no entries.
	EQ(sys(SYS_lseek, fd, 0, SEEK_SET), 0);
	s64 n = sys(SYS_getdents64, fd, buffer, sizeof(buffer));
	TRUE(n == 0 || n == -ENOENT);
}

TEST(nodes)
{
	struct stat st;

	if (getuid())
		test_skip("not root");
	OKC(mknod("pipe", S_IFIFO | 0644, 0));
	OKC(stat("pipe", &st));
	EQ(st.st_mode & S_IFMT, S_IFIFO);
	ERRNO(mknod("pipe", S_IFIFO | 0644, 0), EEXIST);
	OKC(mknod("plain", 0644, 0)); // no type: a regular file
	OKC(stat("plain", &st));
	EQ(st.st_mode & S_IFMT, S_IFREG);
	ERRNO(mknod("dir", S_IFDIR | 0755, 0), EPERM);
	ERRNO(mknod("bad", 0150000 | 0644, 0), EINVAL);
	ERRNO(mknod("missing/x", S_IFIFO, 0), ENOENT);
	// A named pipe: a writer without a reader is refused, a reader goes on, then they talk.
	ERRNO(open("pipe", O_WRONLY | O_NONBLOCK), ENXIO);
	int r = open("pipe", O_RDONLY | O_NONBLOCK);
	OKC(r);
	int w = open("pipe", O_WRONLY);
	OKC(w);
	char c;
	EQ(write(w, "p", 1), 1);
	EQ(read(r, &c, 1), 1);
	EQ(c, 'p');
	ERRNO((int)read(r, &c, 1), EAGAIN);
	close(w);
	EQ(read(r, &c, 1), 0);
	// Blocking opens meet.
	close(r);
	EXITS(5, {
		if (!fork()) {
			int fd = open("pipe", O_WRONLY);
			_exit(write(fd, "q", 1) == 1 ? 0 : 1);
		}
		int fd = open("pipe", O_RDONLY);
		_exit(read(fd, &c, 1) == 1 && c == 'q' ? 5 : 1);
	});
}

TEST(devices)
{
	char buffer[64], zero[64] = {0};
	int null = open("/dev/null", O_RDWR), full, zeros = open("/dev/zero", O_RDWR), random;

	OKC(null);
	OKC(zeros);
	EQ(read(null, buffer, 64), 0);
	EQ(write(null, buffer, 64), 64);
	memset(buffer, 1, 64);
	EQ(read(zeros, buffer, 64), 64);
	EQ(memcmp(buffer, zero, 64), 0);
	OKC(full = open("/dev/full", O_RDWR));
	ERRNO((int)write(full, "x", 1), ENOSPC);
	EQ(read(full, buffer, 64), 64);
	OKC(random = open("/dev/urandom", O_RDONLY));
	EQ(read(random, buffer, 64), 64);
	TRUE(memcmp(buffer, zero, 64) != 0);
	EQ(lseek(null, 100, SEEK_SET), 0);
	char *m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, zeros, 0);
	TRUE(m != MAP_FAILED && m[5] == 0);
	EQ(sys(SYS_getrandom, buffer, 64, 0), 64);
	ERR(sys(SYS_getrandom, buffer, 64, 0x100), EINVAL);
	ERR(sys(SYS_getrandom, map_bad(), 64, 0), EFAULT);
	ERRNO(open("/dev/tty", O_RDWR), ENXIO);
}

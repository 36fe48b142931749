// SPDX-License-Identifier: MIT
// open and what one does with a descriptor's file: flags and their errnos, reading and writing,
// places, sizes.
#include "test/guest/test.h"

#include <sys/resource.h>
#include <sys/uio.h>

TEST(flags)
{
	close(file_with("f", "data"));
	OKC(mkdir("d", 0755));
	OKC(symlink("f", "l"));
	OKC(symlink("nowhere", "dangling"));
	OKC(symlink("loop", "loop"));
	ERR(sys(SYS_open, "missing", O_RDONLY), ENOENT);
	ERR(sys(SYS_open, "", O_RDONLY), ENOENT);
	ERR(sys(SYS_open, "missing/x", O_RDONLY), ENOENT);
	ERR(sys(SYS_open, "f/x", O_RDONLY), ENOTDIR);
	ERR(sys(SYS_open, "f/", O_RDONLY), ENOTDIR);
	ERR(sys(SYS_open, "f", O_RDONLY | O_DIRECTORY), ENOTDIR);
	ERR(sys(SYS_open, "d", O_WRONLY), EISDIR);
	ERR(sys(SYS_open, "d", O_RDWR), EISDIR);
	ERR(sys(SYS_open, "d", O_RDONLY | O_CREAT, 0644), EISDIR);
	ERR(sys(SYS_open, "f", O_CREAT | O_EXCL | O_RDWR, 0644), EEXIST);
	ERR(sys(SYS_open, "d", O_CREAT | O_EXCL, 0644), EEXIST);
	ERR(sys(SYS_open, "dangling", O_CREAT | O_EXCL, 0644), EEXIST);
	ERR(sys(SYS_open, "l", O_RDONLY | O_NOFOLLOW), ELOOP);
	ERR(sys(SYS_open, "loop", O_RDONLY), ELOOP);
	ERR(sys(SYS_open, "dangling", O_RDONLY), ENOENT);
	ERR(sys(SYS_open, "new/", O_CREAT | O_RDWR, 0644), EISDIR);
	ERR(sys(SYS_open, map_bad(), O_RDONLY), EFAULT);
	ERR(sys(SYS_openat, 4000, "f", O_RDONLY), EBADF);
	int file = (int)OK(sys(SYS_open, "f", O_RDONLY));
	ERR(sys(SYS_openat, file, "f", O_RDONLY), ENOTDIR);
	int dir = (int)OK(sys(SYS_open, "d", O_RDONLY | O_DIRECTORY));
	ERR(sys(SYS_openat, dir, "f", O_RDONLY), ENOENT);
	OK(sys(SYS_openat, dir, "../f", O_RDONLY));
	OK(sys(SYS_openat, 4000, "/", O_RDONLY)); // not looked at
	OK(sys(SYS_open, "l", O_RDONLY));
	// Created through a dangling link.
	OK(sys(SYS_open, "dangling", O_CREAT | O_RDWR, 0600));
	OKC(access("nowhere", F_OK));
	static char name[300];
	memset(name, 'n', 255);
	OK(sys(SYS_open, name, O_CREAT | O_RDWR, 0600));
	memset(name, 'n', 256);
	ERR(sys(SYS_open, name, O_CREAT | O_RDWR, 0600), ENAMETOOLONG);
	static char path[5000];
	memset(path, '/', 4096);
	ERR(sys(SYS_open, path, O_RDONLY), ENAMETOOLONG);
	path[4095] = 0;
	OK(sys(SYS_open, path, O_RDONLY));
	// O_TRUNC empties; O_APPEND writes at the end, wherever the place is.
	int fd = (int)OK(sys(SYS_open, "f", O_RDWR | O_TRUNC));
	struct stat st;
	OKC(fstat(fd, &st));
	EQ(st.st_size, 0);
	int append = (int)OK(sys(SYS_open, "f", O_RDWR | O_APPEND));
	EQ(write(fd, "abc", 3), 3);
	EQ(write(append, "def", 3), 3);
	EQ(lseek(append, 0, SEEK_CUR), 6);
	EQ(fcntl(append, F_GETFL) & (O_ACCMODE | O_APPEND), O_RDWR | O_APPEND);
	// Wrong direction.
	int ro = (int)OK(sys(SYS_open, "f", O_RDONLY)), wo = (int)OK(sys(SYS_open, "f", O_WRONLY));
	char c;
	ERR(sys(SYS_write, ro, "x", 1), EBADF);
	ERR(sys(SYS_read, wo, &c, 1), EBADF);
	ERR(sys(SYS_ftruncate, ro, 0), EINVAL);
	// O_PATH: a place in the tree, not an open file.
	int at = (int)OK(sys(SYS_open, "f", O_PATH));
	ERR(sys(SYS_read, at, &c, 1), EBADF);
	OKC(fstat(at, &st));
	EQ(st.st_size, 6);
	// The smallest free number.
	int low = (int)OK(sys(SYS_open, "f", O_RDONLY));
	close(low);
	EQ(sys(SYS_open, "f", O_RDONLY | O_CLOEXEC), low);
	EQ(fcntl(low, F_GETFD), FD_CLOEXEC);
}

TEST(creation_mode)
{
	struct stat st;

	umask(027);
	close((int)OK(sys(SYS_open, "m", O_CREAT | O_RDWR, 0777)));
	OKC(stat("m", &st));
	EQ(st.st_mode, S_IFREG | 0750);
	umask(0);
	close((int)OK(sys(SYS_creat, "n", 04755)));
	OKC(stat("n", &st));
	EQ(st.st_mode, S_IFREG | 04755);
	// Mode 0 does not keep the maker from writing.
	int fd = (int)OK(sys(SYS_open, "z", O_CREAT | O_RDWR, 0));
	EQ(write(fd, "x", 1), 1);
	OKC(mkdir("dir", 01777));
	OKC(stat("dir", &st));
	EQ(st.st_mode, S_IFDIR | 01777);
}

TEST(many_descriptors)
{
	int last = -1;

	EXITS(5, {
		struct rlimit r = {40, 40};
		setrlimit(RLIMIT_NOFILE, &r);
		int n;
		while ((n = open("/dev/null", O_RDONLY)) >= 0)
			last = n;
		_exit(errno == EMFILE && last == 39 ? 5 : 1);
	});
	ERR(sys(SYS_close, -1), EBADF);
	ERR(sys(SYS_close, 4000), EBADF);
	ERR(sys(SYS_close, 0x7fffffff), EBADF);
	ERR(sys(SYS_read, -1, NULL, 0), EBADF);
	ERR(sys(SYS_fstat, 4000, NULL), EBADF);
}

TEST(read_write)
{
	int fd = file_with("rw", "0123456789");
	char buffer[64], *edge = map_edge();

	EQ(read(fd, buffer, 4), 4);
	EQ(lseek(fd, 0, SEEK_CUR), 4);
	EQ(read(fd, buffer, 64), 6);
	EQ(read(fd, buffer, 64), 0);
	EQ(pread(fd, buffer, 3, 2), 3);
	EQ(memcmp(buffer, "234", 3), 0);
	EQ(lseek(fd, 0, SEEK_CUR), 10);
	EQ(pwrite(fd, "xy", 2, 4), 2);
	EQ(lseek(fd, 0, SEEK_CUR), 10);
	EQ(pread(fd, buffer, 10, 0), 10);
	EQ(memcmp(buffer, "0123xy6789", 10), 0);
	ERRNO((int)pread(fd, buffer, 1, -1), EINVAL);
	ERRNO((int)pwrite(fd, buffer, 1, -1), EINVAL);
	EQ(write(fd, buffer, 0), 0);
	EQ(sys(SYS_write, fd, map_bad(), 0), 0);
	// Half in, half out of memory: what can be had, or EFAULT when nothing can.
	lseek(fd, 0, SEEK_SET);
	s64 n = sys(SYS_read, fd, edge - 4, 10);
	TRUE(n == 4 || n == -EFAULT);
	ERR(sys(SYS_read, fd, edge, 10), EFAULT);
	n = sys(SYS_pwrite64, fd, edge - 4, 10, 0, 0);
	TRUE(n == 4 || n == -EFAULT);
	ERR(sys(SYS_write, fd, edge, 10), EFAULT);
	// A directory.
	int dir = open(".", O_RDONLY);
	ERRNO((int)read(dir, buffer, 10), EISDIR);
	ERRNO((int)pread(dir, buffer, 10, 0), EISDIR);
	ERRNO((int)write(dir, buffer, 10), EBADF);
	// A large one, in odd pieces.
	int big = open("big", O_RDWR | O_CREAT, 0644);
	static u8 data[300001], back[300001];
	u64 state = 5;
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (u8)rnd(&state);
	for (unsigned at = 0; at < sizeof(data);) {
		size_t piece = sizeof(data) - at < 12345 ? sizeof(data) - at : 12345;
		EQ(write(big, data + at, piece), piece);
		at += (unsigned)piece;
	}
	EQ(pread(big, back, sizeof(back), 0), sizeof(back));
	EQ(memcmp(data, back, sizeof(data)), 0);
	for (unsigned at = 4090; at < 300000; at += 40961) {
		EQ(pread(big, back, 13, at), 13);
		EQ(memcmp(data + at, back, 13), 0);
	}
}

TEST(vectors)
{
	int fd = open("vec", O_RDWR | O_CREAT, 0644);
	char a[4], b[8];
	struct iovec w[] = {{"abc", 3}, {NULL, 0}, {"defgh", 5}}, r[] = {{a, 4}, {b, 8}};
	struct iovec many[1025];

	EQ(writev(fd, w, 3), 8);
	EQ(lseek(fd, 0, SEEK_CUR), 8);
	lseek(fd, 0, SEEK_SET);
	EQ(readv(fd, r, 2), 8);
	EQ(memcmp(a, "abcd", 4), 0);
	EQ(memcmp(b, "efgh", 4), 0);
	EQ(preadv(fd, r, 2, 2), 6);
	EQ(memcmp(a, "cdef", 4), 0);
	EQ(pwritev(fd, w, 3, 8), 8);
	EQ(lseek(fd, 0, SEEK_END), 16);
	EQ(sys(SYS_readv, fd, NULL, 0), 0);
	ERR(sys(SYS_readv, fd, r, -1), EINVAL);
	for (int i = 0; i < 1025; i++)
		many[i] = (struct iovec){a, 0};
	ERR(sys(SYS_writev, fd, many, 1025), EINVAL);
	EQ(sys(SYS_writev, fd, many, 1024), 0);
	ERR(sys(SYS_writev, fd, map_bad(), 1), EFAULT);
	struct iovec negative[] = {{a, (size_t)-1}, {b, 1}};
	ERR(sys(SYS_writev, fd, negative, 2), EINVAL);
	struct iovec half[] = {{"ok", 2}, {map_bad(), 4}};
	s64 n = sys(SYS_writev, fd, half, 2);
	TRUE(n == 2 || n == -EFAULT);
	ERRNO((int)preadv(fd, r, 2, -1), EINVAL);
	ERR(sys(SYS_readv, 4000, r, 2), EBADF);
}

TEST(lseek)
{
	int fd = file_with("seek", "0123456789"), fds[2];

	EQ(lseek(fd, 3, SEEK_SET), 3);
	EQ(lseek(fd, 3, SEEK_CUR), 6);
	EQ(lseek(fd, -2, SEEK_END), 8);
	ERRNO((int)lseek(fd, -1, SEEK_SET), EINVAL);
	ERRNO((int)lseek(fd, -100, SEEK_CUR), EINVAL);
	ERRNO((int)lseek(fd, 0, 77), EINVAL);
	EQ(lseek(fd, 0, SEEK_CUR), 8);
	EQ(lseek(fd, 100000, SEEK_SET), 100000);
	char c;
	EQ(read(fd, &c, 1), 0);
	OKC(pipe(fds));
	ERRNO((int)lseek(fds[0], 0, SEEK_SET), ESPIPE);
	ERRNO((int)pread(fds[0], &c, 1, 0), ESPIPE);
	ERRNO((int)pwrite(fds[1], &c, 1, 0), ESPIPE);
	ERRNO((int)lseek(4000, 0, SEEK_SET), EBADF);
	// A hole reads as zeros and the size is behind it.
	EQ(write(fd, "end", 3), 3);
	struct stat st;
	OKC(fstat(fd, &st));
	EQ(st.st_size, 100003);
	EQ(pread(fd, &c, 1, 50000), 1);
	EQ(c, 0);
	// dup shares the place, a second open does not.
	int copy = dup(fd), other = open("seek", O_RDONLY);
	lseek(fd, 5, SEEK_SET);
	EQ(lseek(copy, 0, SEEK_CUR), 5);
	EQ(lseek(other, 0, SEEK_CUR), 0);
}

TEST(truncate)
{
	int fd = file_with("t", "0123456789");
	struct stat st;
	char buffer[32];

	OKC(truncate("t", 4));
	OKC(fstat(fd, &st));
	EQ(st.st_size, 4);
	OKC(ftruncate(fd, 20));
	EQ(pread(fd, buffer, 32, 0), 20);
	EQ(memcmp(buffer, "0123\0\0\0\0\0\0", 10), 0);
	ERRNO(truncate("t", -1), EINVAL);
	ERRNO(ftruncate(fd, -1), EINVAL);
	ERRNO(truncate("missing", 0), ENOENT);
	ERRNO(truncate(".", 0), EISDIR);
	int fds[2];
	OKC(pipe(fds));
	ERRNO(ftruncate(fds[1], 0), EINVAL);
	ERRNO(ftruncate(4000, 0), EBADF);
	SIGNALLED(SIGXFSZ, {
		struct rlimit limit = {100, 100};
		setrlimit(RLIMIT_FSIZE, &limit);
		ftruncate(fd, 1000);
	});
	EXITS(5, {
		struct rlimit limit = {100, 100};
		setrlimit(RLIMIT_FSIZE, &limit);
		signal(SIGXFSZ, SIG_IGN);
		lseek(fd, 98, SEEK_SET);
		bool good = write(fd, "12345", 5) == 2 && write(fd, "x", 1) == -1 && errno == EFBIG;
		_exit(good ? 5 : 1);
	});
}

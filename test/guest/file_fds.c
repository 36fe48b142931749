// SPDX-License-Identifier: MIT
// Descriptors: dup, fcntl, record locks, flock, close_range; pipes; poll and select.
#include "test/guest/test.h"

#include <poll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>

TEST(dup)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	int copy = (int)OK(sys(SYS_dup, fd));
	EQ(fcntl(copy, F_GETFD), 0);
	EQ(sys(SYS_dup2, fd, 60), 60);
	EQ(sys(SYS_dup2, fd, fd), fd);
	EQ(fcntl(fd, F_GETFD), FD_CLOEXEC); // dup2 to itself changes nothing
	ERR(sys(SYS_dup, 4000), EBADF);
	ERR(sys(SYS_dup2, 4000, 60), EBADF);
	ERR(sys(SYS_dup2, 4000, 4000), EBADF);
	ERR(sys(SYS_dup2, fd, -1), EBADF);
	ERR(sys(SYS_dup2, fd, 0x7fffffff), EBADF);
	ERR(sys(SYS_dup3, fd, fd, 0), EINVAL);
	ERR(sys(SYS_dup3, fd, 61, 1), EINVAL);
	EQ(sys(SYS_dup3, fd, 61, O_CLOEXEC), 61);
	EQ(fcntl(61, F_GETFD), FD_CLOEXEC);
	EQ(fcntl(fd, F_DUPFD, 100), 100);
	EQ(fcntl(fd, F_DUPFD, 100), 101);
	EQ(fcntl(fd, F_DUPFD_CLOEXEC, 100), 102);
	EQ(fcntl(102, F_GETFD), FD_CLOEXEC);
	ERRNO(fcntl(fd, F_DUPFD, -1), EINVAL);
	ERRNO(fcntl(fd, F_DUPFD, 0x7fffffff), EINVAL);
	EQ(sys(SYS_close_range, 60, 102, 0), 0);
	ERRNO(fcntl(60, F_GETFD), EBADF);
	ERRNO(fcntl(101, F_GETFD), EBADF);
	ERR(sys(SYS_close_range, 5, 4, 0), EINVAL);
	ERR(sys(SYS_close_range, 5, 6, 1), EINVAL);
	dup2(fd, 70);
	EQ(sys(SYS_close_range, 70, 70, 4), 0); // CLOSE_RANGE_CLOEXEC
	EQ(fcntl(70, F_GETFD), FD_CLOEXEC);
}

TEST(fcntl)
{
	int fd = file_with("f", "x");

	EQ(fcntl(fd, F_GETFD), 0);
	OKC(fcntl(fd, F_SETFD, FD_CLOEXEC));
	EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	OKC(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK | O_WRONLY));
	EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK),
	   O_RDWR | O_APPEND | O_NONBLOCK);
	ERRNO(fcntl(fd, 9999), EINVAL);
	ERRNO(fcntl(4000, F_GETFD), EBADF);
	int flags = 1;
	OKC(ioctl(fd, FIOCLEX));
	OKC(ioctl(fd, FIONCLEX));
	EQ(fcntl(fd, F_GETFD), 0);
	flags = 0;
	OKC(ioctl(fd, FIONBIO, &flags));
	EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	ERRNO(ioctl(fd, TCGETS, &flags), ENOTTY);
	ERRNO(ioctl(fd, 0xdeadbeef, 0), ENOTTY);
	ERRNO(ioctl(4000, FIONBIO, &flags), EBADF);
}

static struct flock lock_of(short type, off_t start, off_t len)
{
	return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
}

TEST(record_locks)
{
	int fd = file_with("locked", "0123456789");
	struct flock l = lock_of(F_WRLCK, 0, 5);

	OKC(fcntl(fd, F_SETLK, &l));
	l = lock_of(F_WRLCK, 0, 0);
	OKC(fcntl(fd, F_GETLK, &l)); // my own is none
	EQ(l.l_type, F_UNLCK);
	EXITS(5, {
		struct flock c = lock_of(F_RDLCK, 2, 1);
		OKC(fcntl(fd, F_GETLK, &c));
		EQ(c.l_type, F_WRLCK);
		EQ(c.l_pid, getppid());
		EQ(c.l_start, 0);
		EQ(c.l_len, 5);
		c = lock_of(F_RDLCK, 2, 1);
		ERRNO(fcntl(fd, F_SETLK, &c), EAGAIN);
		c = lock_of(F_WRLCK, 5, 0);
		OKC(fcntl(fd, F_SETLK, &c));
		_exit(test_failures() ? 1 : 5);
	});
	// Read locks are shared; the middle can be given up.
	l = lock_of(F_RDLCK, 0, 10);
	OKC(fcntl(fd, F_SETLK, &l));
	l = lock_of(F_UNLCK, 3, 2);
	OKC(fcntl(fd, F_SETLK, &l));
	EXITS(5, {
		struct flock c = lock_of(F_RDLCK, 0, 10);
		OKC(fcntl(fd, F_SETLK, &c));
		c = lock_of(F_WRLCK, 3, 2);
		OKC(fcntl(fd, F_SETLK, &c));
		c = lock_of(F_WRLCK, 3, 3);
		ERRNO(fcntl(fd, F_SETLK, &c), EAGAIN);
		_exit(test_failures() ? 1 : 5);
	});
	// A waiter gets it when it is free; closing any descriptor of the file gives mine up.
	l = lock_of(F_WRLCK, 0, 0);
	OKC(fcntl(fd, F_SETLK, &l));
	pid_t pid = fork();
	if (!pid) {
		struct flock c = lock_of(F_WRLCK, 0, 0);
		_exit(fcntl(fd, F_SETLKW, &c) == 0 ? 5 : 1);
	}
	sleep_ms(20);
	close(open("locked", O_RDONLY));
	ROW("waiter");
	row_exited(child_wait(pid), 5);
	// Two that wait for each other: EDEADLK.
	l = lock_of(F_WRLCK, 0, 1);
	OKC(fcntl(fd, F_SETLK, &l));
	pid = fork();
	if (!pid) {
		struct flock c = lock_of(F_WRLCK, 1, 1);
		fcntl(fd, F_SETLK, &c);
		c = lock_of(F_WRLCK, 0, 1);
		_exit(fcntl(fd, F_SETLKW, &c) == 0 ? 5 : 1);
	}
	sleep_ms(30);
	l = lock_of(F_WRLCK, 1, 1);
	ERRNO(fcntl(fd, F_SETLKW, &l), EDEADLK);
	l = lock_of(F_UNLCK, 0, 0);
	OKC(fcntl(fd, F_SETLK, &l));
	ROW("other side");
	row_exited(child_wait(pid), 5);
	l = lock_of(7, 0, 1);
	ERRNO(fcntl(fd, F_SETLK, &l), EINVAL);
	l = lock_of(F_RDLCK, -5, 1);
	ERRNO(fcntl(fd, F_SETLK, &l), EINVAL);
	int ro = open("locked", O_RDONLY);
	l = lock_of(F_WRLCK, 0, 1);
	ERRNO(fcntl(ro, F_SETLK, &l), EBADF);
	ERRNO(fcntl(fd, F_SETLK, map_bad()), EFAULT);
	ERRNO(fcntl(fd, F_GETLK, AS_PTR(hostile_addresses[0])), EFAULT);
}

TEST(flock)
{
	int a = file_with("fl", "x"), b = open("fl", O_RDONLY);

	OKC(flock(a, LOCK_EX));
	ERRNO(flock(b, LOCK_SH | LOCK_NB), EAGAIN);
	OKC(flock(a, LOCK_SH));
	OKC(flock(b, LOCK_SH | LOCK_NB));
	ERRNO(flock(b, LOCK_EX | LOCK_NB), EAGAIN);
	OKC(flock(b, LOCK_UN));
	int copy = dup(a);
	close(a);
	ERRNO(flock(b, LOCK_EX | LOCK_NB), EAGAIN); // the copy holds it
	close(copy);
	OKC(flock(b, LOCK_EX | LOCK_NB));
	ERRNO(flock(b, 77), EINVAL);
	ERRNO(flock(4000, LOCK_SH), EBADF);
}

TEST(pipes)
{
	int fds[2];
	char buffer[100];
	int n = 0;

	ERR(sys(SYS_pipe2, fds, 1), EINVAL);
	ERR(sys(SYS_pipe, map_bad()), EFAULT);
	EQ(sys(SYS_pipe2, fds, O_NONBLOCK | O_CLOEXEC), 0);
	EQ(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
	ERRNO((int)read(fds[0], buffer, 1), EAGAIN);
	ERRNO((int)read(fds[1], buffer, 1), EBADF);
	ERRNO((int)write(fds[0], buffer, 1), EBADF);
	EQ(write(fds[1], "hello", 5), 5);
	OKC(ioctl(fds[0], FIONREAD, &n));
	EQ(n, 5);
	EQ(read(fds[0], buffer, 2), 2);
	EQ(read(fds[0], buffer + 2, 50), 3);
	EQ(memcmp(buffer, "hello", 5), 0);
	// It takes 64 KiB, then EAGAIN; up to PIPE_BUF all or nothing.
	static char block[PAGE];
	int total = 0;
	while ((n = (int)write(fds[1], block, sizeof(block))) > 0)
		total += n;
	EQ(errno, EAGAIN);
	EQ(total, 65536);
	EQ(fcntl(fds[1], F_GETPIPE_SZ), 65536);
	EQ(read(fds[0], buffer, 100), 100);
	ERRNO((int)write(fds[1], block, 4096), EAGAIN);
	// The end of file comes when the last writer is gone.
	int copy = dup(fds[1]);
	close(fds[1]);
	static char drain[70000];
	total = 0;
	while ((n = (int)read(fds[0], drain, sizeof(drain))) > 0)
		total += n;
	EQ(total, 65436);
	EQ(errno, EAGAIN);
	close(copy);
	EQ(read(fds[0], buffer, 1), 0);
	// Writing without a reader.
	OKC(pipe(fds));
	close(fds[0]);
	signal(SIGPIPE, SIG_IGN);
	ERRNO((int)write(fds[1], "x", 1), EPIPE);
	EQ(write(fds[1], "", 0), 0);
}

// Writers of up to PIPE_BUF bytes never mix.
TEST(pipe_atomic)
{
	enum { WRITERS = 3, ROUNDS = 60 };
	int fds[2];
	static char block[PAGE];

	OKC(pipe(fds));
	for (int w = 0; w < WRITERS; w++)
		if (!fork()) {
			memset(block, 'a' + w, sizeof(block));
			for (int i = 0; i < ROUNDS; i++)
				if (write(fds[1], block, sizeof(block)) != sizeof(block))
					_exit(1);
			_exit(0);
		}
	close(fds[1]);
	for (int i = 0; i < WRITERS * ROUNDS; i++) {
		size_t got = 0;
		while (got < sizeof(block)) {
			ssize_t n = read(fds[0], block + got, sizeof(block) - got);
			if (n <= 0)
				break;
			got += (size_t)n;
		}
		MUST(got == sizeof(block));
		for (size_t k = 1; k < sizeof(block); k++)
			if (block[k] != block[0]) {
				test_fail("block %d mixes %c and %c", i, block[0], block[k]);
				test_end();
			}
	}
	char c;
	EQ(read(fds[0], &c, 1), 0);
	for (int w = 0; w < WRITERS; w++) {
		int status = -1;
		TRUE(wait(&status) > 0);
		row_exited(status, 0);
	}
}

TEST(pipe_blocks)
{
	int fds[2];
	static char big[200000];
	size_t total = 0;
	ssize_t n;

	OKC(pipe(fds));
	pid_t pid = fork();
	if (!pid) {
		close(fds[0]);
		memset(big, 'z', sizeof(big));
		// in one call, through 64 KiB
		_exit(write(fds[1], big, sizeof(big)) == sizeof(big) ? 5 : 1);
	}
	close(fds[1]);
	sleep_ms(5);
	while ((n = read(fds[0], big, 7777)) > 0)
		total += (size_t)n;
	EQ(total, sizeof(big));
	ROW("writer");
	row_exited(child_wait(pid), 5);
	// Interrupted after a part: the part.
	OKC(pipe(fds));
	handle(SIGUSR1, 0);
	pid_t me = getpid();
	pid = fork();
	if (!pid) {
		sleep_ms(30);
		kill(me, SIGUSR1);
		_exit(0);
	}
	EQ(write(fds[1], big, sizeof(big)), 65536);
	child_wait(pid);
	// A reader that goes away while a writer waits.
	pid = fork();
	if (!pid) {
		signal(SIGPIPE, SIG_IGN);
		close(fds[0]);
		_exit(write(fds[1], big, 100) == -1 && errno == EPIPE ? 5 : 1);
	}
	sleep_ms(20);
	close(fds[0]);
	ROW("waiting writer");
	row_exited(child_wait(pid), 5);
}

TEST(poll)
{
	int fds[2];
	struct pollfd p[3];

	OKC(pipe(fds));
	p[0] = (struct pollfd){.fd = fds[0], .events = POLLIN};
	p[1] = (struct pollfd){.fd = fds[1], .events = POLLOUT};
	p[2] = (struct pollfd){.fd = -1, .events = POLLIN, .revents = 77};
	EQ(poll(p, 3, 0), 1);
	EQ(p[0].revents, 0);
	EQ(p[1].revents, POLLOUT);
	EQ(p[2].revents, 0);
	EQ(write(fds[1], "x", 1), 1);
	EQ(poll(p, 1, 1000), 1);
	EQ(p[0].revents, POLLIN);
	p[2].fd = 4000;
	EQ(poll(p, 3, 0), 3);
	EQ(p[2].revents, POLLNVAL);
	close(fds[1]);
	EQ(poll(p, 1, 0), 1);
	EQ(p[0].revents, POLLIN | POLLHUP);
	char c;
	EQ(read(fds[0], &c, 1), 1);
	EQ(poll(p, 1, 0), 1);
	EQ(p[0].revents, POLLHUP);
	OKC(pipe(fds));
	close(fds[0]);
	p[0] = (struct pollfd){.fd = fds[1], .events = POLLOUT};
	EQ(poll(p, 1, 0), 1);
	EQ(p[0].revents, POLLOUT | POLLERR);
	// A regular file is always ready.
	p[0] = (struct pollfd){.fd = file_with("f", ""), .events = POLLIN | POLLOUT};
	EQ(poll(p, 1, 0), 1);
	EQ(p[0].revents, POLLIN | POLLOUT);
	// Timeouts, wake-ups, errors.
	OKC(pipe(fds));
	p[0] = (struct pollfd){.fd = fds[0], .events = POLLIN};
	u64 begin = now_ns(CLOCK_MONOTONIC);
	EQ(poll(p, 1, 30), 0);
	BETWEEN((now_ns(CLOCK_MONOTONIC) - begin) / 1000000, 29, 3000);
	EQ(poll(NULL, 0, 1), 0);
	pid_t pid = fork();
	if (!pid) {
		sleep_ms(20);
		_exit(write(fds[1], "w", 1) == 1 ? 0 : 1);
	}
	EQ(poll(p, 1, 5000), 1);
	child_wait(pid);
	ERR(sys(SYS_poll, map_bad(), 1, 0), EFAULT);
	ERR(sys(SYS_poll, p, 0x7fffffff, 0), EINVAL);
	struct timespec bad = {0, -1};
	ERRNO(ppoll(p, 1, &bad, NULL), EINVAL);
}

TEST(select)
{
	int fds[2];
	fd_set r, w, x;
	struct timeval tv = {0, 0};

	OKC(pipe(fds));
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_ZERO(&x);
	FD_SET(fds[0], &r);
	FD_SET(fds[1], &w);
	FD_SET(fds[0], &x);
	EQ(select(fds[1] + 1, &r, &w, &x, &tv), 1);
	TRUE(!FD_ISSET(fds[0], &r) && FD_ISSET(fds[1], &w) && !FD_ISSET(fds[0], &x));
	EQ(write(fds[1], "x", 1), 1);
	FD_SET(fds[0], &r);
	EQ(select(fds[1] + 1, &r, &w, NULL, NULL), 2);
	// High descriptors.
	dup2(fds[0], 700);
	FD_ZERO(&r);
	FD_SET(700, &r);
	EQ(select(701, &r, NULL, NULL, &tv), 1);
	TRUE(FD_ISSET(700, &r));
	EQ(select(700, &r, NULL, NULL, &tv), 0);
	FD_ZERO(&r);
	FD_SET(800, &r);
	ERRNO(select(801, &r, NULL, NULL, &tv), EBADF);
	ERRNO(select(-1, NULL, NULL, NULL, &tv), EINVAL);
	tv.tv_usec = 20000;
	u64 begin = now_ns(CLOCK_MONOTONIC);
	EQ(select(0, NULL, NULL, NULL, &tv), 0);
	BETWEEN((now_ns(CLOCK_MONOTONIC) - begin) / 1000000, 19, 3000);
	EQ(tv.tv_usec, 0); // Linux writes what is left
	tv.tv_sec = -1;
	ERRNO(select(0, NULL, NULL, NULL, &tv), EINVAL);
}

TEST(sendfile)
{
	int in = file_with("in", "0123456789"), out = file_with("out", ""), fds[2];
	off_t at = 3;
	char buffer[32];

	OKC(pipe(fds));
	EQ(sendfile(fds[1], in, &at, 4), 4);
	EQ(at, 7);
	EQ(lseek(in, 0, SEEK_CUR), 0);
	EQ(read(fds[0], buffer, 32), 4);
	EQ(memcmp(buffer, "3456", 4), 0);
	EQ(sendfile(out, in, NULL, 100), 10);
	EQ(lseek(in, 0, SEEK_CUR), 10);
	EQ(sendfile(out, in, NULL, 100), 0);
	ERRNO((int)sendfile(out, 4000, NULL, 1), EBADF);
	ERRNO((int)sendfile(4000, in, NULL, 1), EBADF);
	at = -1;
	ERRNO((int)sendfile(out, in, &at, 1), EINVAL);
}

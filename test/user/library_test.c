// SPDX-License-Identifier: MIT
/*
 * The header library against the C library, as a static program for each ABI: natively and in
 * Postern. Every entry with every count of arguments, errors, restarts, the auxiliary vector, the
 * vDSO and its typed functions with and without it. TAP. With "speed" as its argument it measures
 * the look-up of all of the vDSO's functions instead.
 */
#include <errno.h>
#include <fcntl.h>
#include <postern/clock.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static unsigned int tests, failures;

static int check(int right, const char *group, const char *name)
{
	tests++;
	failures += !right;
	printf("%sok %u - %s: %s\n", right ? "" : "not ", tests, group, name);
	fflush(stdout);
	return right;
}

/* --- Entries --- */

struct entry {
	const char *name;
	int native; /* numbers of this ABI, not of i386 */
	postern_word (*call[7])(postern_word, const postern_word *);
};

static uintptr_t sysinfo;

#define VSYSCALL_0(...) postern_vsyscall_0(sysinfo, __VA_ARGS__)
#define VSYSCALL_1(...) postern_vsyscall_1(sysinfo, __VA_ARGS__)
#define VSYSCALL_2(...) postern_vsyscall_2(sysinfo, __VA_ARGS__)
#define VSYSCALL_3(...) postern_vsyscall_3(sysinfo, __VA_ARGS__)
#define VSYSCALL_4(...) postern_vsyscall_4(sysinfo, __VA_ARGS__)
#define VSYSCALL_5(...) postern_vsyscall_5(sysinfo, __VA_ARGS__)
#define VSYSCALL_6(...) postern_vsyscall_6(sysinfo, __VA_ARGS__)

#define CALLS(id, prefix)                                                \
	static postern_word id##0(postern_word n, const postern_word *a) \
	{                                                                \
		(void)a;                                                 \
		return prefix##0(n);                                     \
	}                                                                \
	static postern_word id##1(postern_word n, const postern_word *a) \
	{                                                                \
		return prefix##1(n, a[0]);                               \
	}                                                                \
	static postern_word id##2(postern_word n, const postern_word *a) \
	{                                                                \
		return prefix##2(n, a[0], a[1]);                         \
	}                                                                \
	static postern_word id##3(postern_word n, const postern_word *a) \
	{                                                                \
		return prefix##3(n, a[0], a[1], a[2]);                   \
	}                                                                \
	static postern_word id##4(postern_word n, const postern_word *a) \
	{                                                                \
		return prefix##4(n, a[0], a[1], a[2], a[3]);             \
	}                                                                \
	static postern_word id##5(postern_word n, const postern_word *a) \
	{                                                                \
		return prefix##5(n, a[0], a[1], a[2], a[3], a[4]);       \
	}                                                                \
	static postern_word id##6(postern_word n, const postern_word *a) \
	{                                                                \
		return prefix##6(n, a[0], a[1], a[2], a[3], a[4], a[5]); \
	}
#define ENTRY(id, native)                                               \
	{                                                               \
#id, native,                                            \
		{                                                       \
			id##0, id##1, id##2, id##3, id##4, id##5, id##6 \
		}                                                       \
	}

CALLS(usual, postern_call)
CALLS(int80_, postern_int80_)
#ifdef POSTERN_ABI_I386
CALLS(vsyscall_, VSYSCALL_)
CALLS(sysenter_, postern_sysenter_)
CALLS(syscall32_, postern_syscall32_)
static const struct entry entries[] = {ENTRY(usual, 1), ENTRY(int80_, 1), ENTRY(vsyscall_, 1),
				       ENTRY(sysenter_, 1), ENTRY(syscall32_, 1)};
#else
CALLS(syscall_, postern_syscall)
static const struct entry entries[] = {ENTRY(usual, 1), ENTRY(syscall_, 1), ENTRY(int80_, 0)};
#endif

#define NR(entry, name) ((entry)->native ? (postern_word)POSTERN_NR_##name : POSTERN_I386_NR_##name)
#define CALL(entry, nr, ...)                                 \
	call(entry, nr, (const postern_word[]){__VA_ARGS__}, \
	     sizeof((const postern_word[]){__VA_ARGS__}) / sizeof(postern_word))

static postern_word call(const struct entry *entry, postern_word nr, const postern_word *args,
			 size_t count)
{
	return entry->call[count](nr, args);
}

#define PTR(p) postern_ptr(p)

/* What 64-bit code passes by int $0x80 must lie low: static, and the program is no PIE. */
static char path[64] = "/tmp/postern-library-XXXXXX", bytes[4096];
static struct stat status;
static struct statx more;

/* CPUs of one vendor lack sysenter, the other's lack 32-bit syscall. */
static int entry_works(const struct entry *entry)
{
	pid_t child = fork();
	int ended = -1;

	if (!child)
		_exit(entry->call[0](NR(entry, getppid), NULL) != getppid());
	waitpid(child, &ended, 0);
	return !ended;
}

static void arguments_test(const struct entry *entry)
{
	const char *n = entry->name;
	int fd, fds[2];
	postern_word got;

	strcpy(path, "/tmp/postern-library-XXXXXX");
	close(mkstemp(path));
	unlink(path);
	check(entry->call[0](NR(entry, getppid), NULL) == getppid(), n, "0 arguments: getppid");
	umask(027);
	check(CALL(entry, NR(entry, umask), 022) == 027 && umask(0) == 022, n, "1 argument: umask");
	fd = (int)CALL(entry, NR(entry, openat), AT_FDCWD, PTR(path), O_RDWR | O_CREAT | O_EXCL,
		       0640);
	check(fd >= 0 && !fstat(fd, &status) && (status.st_mode & 07777) == 0640, n,
	      "4 arguments: openat with a mode");
	check(ftruncate(fd, 8192) == 0 && pwrite(fd, "second", 6, 4096) == 6, n, "a file");
	check(CALL(entry, NR(entry, chmod), PTR(path), 0600) == 0 && !fstat(fd, &status) &&
		      (status.st_mode & 07777) == 0600,
	      n, "2 arguments: chmod");
	check(CALL(entry, NR(entry, lseek), fd, -4096, SEEK_END) == 4096, n, "3 arguments: lseek");
	check(CALL(entry, NR(entry, read), fd, PTR(bytes), 6) == 6 && !memcmp(bytes, "second", 6),
	      n, "3 arguments: read");
	got = CALL(entry, NR(entry, statx), AT_FDCWD, PTR(path), 0, 0x7ff, PTR(&more));
	check(!got && more.stx_size == 8192 && more.stx_ino == status.st_ino, n,
	      "5 arguments: statx");
#ifdef POSTERN_ABI_I386
	got = CALL(entry, POSTERN_NR_mmap2, 0, 4096, PROT_READ, MAP_PRIVATE, fd, 1);
#else
	got = entry->native
		      ? CALL(entry, POSTERN_NR_mmap, 0, 4096, PROT_READ, MAP_PRIVATE, fd, 4096)
		      : CALL(entry, POSTERN_I386_NR_mmap2, 0, 4096, PROT_READ, MAP_PRIVATE, fd, 1);
#endif
	check(!postern_is_error(got) && !memcmp((void *)(uintptr_t)got, "second", 6), n,
	      "6 arguments: mmap of the second page");
	if (!postern_is_error(got))
		munmap((void *)(uintptr_t)got, 4096);
	check(CALL(entry, NR(entry, close), fd) == 0 && fcntl(fd, F_GETFD) < 0, n, "close");
	check(CALL(entry, NR(entry, close), fd) == -EBADF, n, "an error is its negated errno");
	check(CALL(entry, NR(entry, read) + 1000, 0) == -ENOSYS, n, "an unknown number is ENOSYS");
	check(pipe(fds) == 0 && CALL(entry, NR(entry, write), fds[1], PTR("abc"), 3) == 3 &&
		      read(fds[0], bytes, 9) == 3,
	      n, "write");
	close(fds[0]);
	close(fds[1]);
	unlink(path);
}

static int restart_fds[2];
static volatile sig_atomic_t handled;

static void on_alarm(int number)
{
	(void)number;
	if (++handled == 2 && write(restart_fds[1], "x", 1) != 1)
		_exit(9);
}

static void restart_test(const struct entry *entry)
{
	struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
	struct itimerval timer = {{0, 20000}, {0, 20000}}, off = {{0, 0}, {0, 0}};

	handled = 0;
	bytes[0] = 0;
	if (pipe(restart_fds))
		return;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	check(CALL(entry, NR(entry, read), restart_fds[0], PTR(bytes), 1) == 1 && handled >= 2 &&
		      bytes[0] == 'x',
	      entry->name, "read restarts after handlers");
	action.sa_flags = 0;
	sigaction(SIGALRM, &action, NULL);
	check(CALL(entry, NR(entry, read), restart_fds[0], PTR(bytes), 1) == -EINTR, entry->name,
	      "read ends with EINTR without SA_RESTART");
	setitimer(ITIMER_REAL, &off, NULL);
	close(restart_fds[0]);
	close(restart_fds[1]);
}

static void convention_test(void)
{
	int err = 7;

	check(postern_is_error(-1) && postern_is_error(-4095), "errors", "-1 and -4095 are errors");
	check(!postern_is_error(0) && !postern_is_error(-4096) && !postern_is_error(1), "errors",
	      "-4096, 0 and 1 are not");
	check(postern_result(-4096, &err) == -4096 && postern_result(5, &err) == 5 && err == 7,
	      "errors", "a success is passed on and leaves errno alone");
	check(postern_result(-EBADF, &err) == -1 && err == EBADF, "errors", "an error becomes -1");
	check(postern_call(POSTERN_NR_getpid) == getpid() &&
		      postern_call(POSTERN_NR_close, -1) == -EBADF &&
		      postern_call(POSTERN_NR_lseek, -1, 0, 0) == -EBADF,
	      "errors", "postern_call counts its arguments");
	check(POSTERN_NR_getppid == SYS_getppid, "numbers",
	      "POSTERN_NR_getppid is the C library's SYS_getppid");
}

/* --- The auxiliary vector and the vDSO --- */

static void auxv_test(char **envp)
{
	/* Not AT_HWCAP, of which the C library has a mind of its own. */
	static const unsigned long types[] = {6, 9, 11, 17, 25, 31, 33};
	struct postern_auxv copy[POSTERN_AUXV_MAX];
	const struct postern_auxv *stack = postern_auxv_behind(envp);
	int same = 1, read_same = 1, status_read = postern_auxv_read(copy, POSTERN_AUXV_MAX);

	for (unsigned int i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		same &= postern_auxv_value(stack, types[i]) == getauxval(types[i]);
		read_same &= postern_auxv_value(copy, types[i]) == getauxval(types[i]);
	}
	check(same, "auxv", "from the stack as by getauxval");
	check(status_read == 0 && read_same, "auxv", "from /proc/self/auxv as by getauxval");
	check(postern_auxv_read(copy, 3) == 0 && copy[2].type == POSTERN_AT_NULL, "auxv",
	      "a short buffer gets a vector that ends");
	check(postern_auxv_value(stack, 12345) == 0, "auxv", "a type that is not there is 0");
}

static const char *const names[] = {
#ifdef POSTERN_ABI_I386
	"__vdso_clock_gettime64", "__kernel_sigreturn",	 "__kernel_rt_sigreturn",
	"__kernel_vsyscall",
#endif
	"__vdso_clock_gettime",	  "__vdso_gettimeofday", "__vdso_time",
	"__vdso_clock_getres",	  "__vdso_getcpu",
};
enum { NAMES = sizeof(names) / sizeof(names[0]) };

static const char *version_of(const char *name)
{
	return strncmp(name, "__kernel", 8) ? "LINUX_2.6" : "LINUX_2.5";
}

static void vdso_test(const struct postern_vdso *vdso)
{
	for (unsigned int i = 0; i < NAMES; i++) {
		postern_vdso_function *f = postern_vdso_find(vdso, version_of(names[i]), names[i]);
		int same = f != NULL;

		if (vdso->buckets)
			same &= postern_vdso_find_hash(vdso, version_of(names[i]), names[i]) == f;
		if (vdso->bloom)
			same &= postern_vdso_find_gnu(vdso, version_of(names[i]), names[i]) == f;
		check(same && postern_vdso_find(vdso, NULL, names[i]) == f, names[i],
		      "found, the same by every table");
		check(!postern_vdso_find(vdso, "LINUX_2.7", names[i]) &&
			      !postern_vdso_find(vdso, "LINUX_2.5x", names[i]),
		      names[i], "not found by another version");
	}
	check(!postern_vdso_find(vdso, "LINUX_2.6", "__vdso_nothing") &&
		      !postern_vdso_find(vdso, "LINUX_2.6", "") &&
		      !postern_vdso_find(vdso, NULL, "LINUX_2.6"),
	      "vdso", "no such name, the empty name, a version's name: not found");
#ifdef POSTERN_ABI_I386
	check((uintptr_t)postern_vdso_find(vdso, "LINUX_2.5", "__kernel_vsyscall") == sysinfo,
	      "vdso", "AT_SYSINFO is __kernel_vsyscall");
#endif
}

static long long ns_of(long long sec, long long nsec)
{
	return sec * 1000000000 + nsec;
}

static long long libc_ns(int clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return ns_of(now.tv_sec, now.tv_nsec);
}

static int between(long long low, long long value, long long high)
{
	return low <= value && value <= high;
}

static void clock_test(const struct postern_clock *c, const char *group)
{
	static const int ids[] = {0, 1, 4, 5, 6, 7, 11, 2, 3};
	struct postern_timespec now, res;
	struct timespec libc_res;
	long long before, sec;
	long usec;
	unsigned int cpu = 99, node = 99;
	int right = 1, right_res = 1;

	for (unsigned int i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		before = libc_ns(ids[i]);
		right &= postern_clock_gettime(c, ids[i], &now) == 0 &&
			 between(before, ns_of(now.tv_sec, now.tv_nsec), libc_ns(ids[i]));
		clock_getres(ids[i], &libc_res);
		right_res &= postern_clock_getres(c, ids[i], &res) == 0 &&
			     res.tv_sec == libc_res.tv_sec && res.tv_nsec == libc_res.tv_nsec;
	}
	check(right, group, "clock_gettime lies between two of the C library's, nine clocks");
	check(right_res, group, "clock_getres as the C library's");
	check(postern_clock_gettime(c, 99, &now) == -EINVAL &&
		      postern_clock_getres(c, 99, &res) == -EINVAL,
	      group, "no such clock: EINVAL");
	before = time(NULL);
	check(between(before, postern_time(c), time(NULL)), group, "time");
	before = libc_ns(CLOCK_REALTIME);
	check(!postern_gettimeofday(c, &sec, &usec) &&
		      between(before / 1000, sec * 1000000 + usec, libc_ns(CLOCK_REALTIME) / 1000),
	      group, "gettimeofday");
	for (int i = 0; i < 1000 && cpu != (unsigned int)sched_getcpu(); i++)
		right = postern_getcpu(c, &cpu, &node) == 0;
	check(right && cpu < 4096 && node == 0, group, "getcpu");
}

static int speed(const struct postern_vdso *vdso, uintptr_t image)
{
	long long best = 1000000000;

	for (int i = 0; i < 200; i++) {
		long long start = libc_ns(CLOCK_MONOTONIC);
		struct postern_vdso opened;

		postern_vdso_open(&opened, (const void *)image, 0);
		for (unsigned int n = 0; n < NAMES; n++)
			if (!postern_vdso_find(&opened, version_of(names[n]), names[n]))
				return 1;
		start = libc_ns(CLOCK_MONOTONIC) - start;
		best = start < best ? start : best;
	}
	printf("%lld ns to open the image and find %d functions (DT_GNU_HASH: %s)\n", best, NAMES,
	       vdso->bloom ? "yes" : "no");
	return best > 5000;
}

int main(int argc, char **argv, char **envp)
{
	struct postern_vdso vdso;
	struct postern_clock clock;
	int opened = postern_vdso_open(&vdso, (const void *)getauxval(AT_SYSINFO_EHDR), 0);

	sysinfo = getauxval(32);
	if (argc > 1 && !strcmp(argv[1], "speed"))
		return opened ? 1 : speed(&vdso, getauxval(AT_SYSINFO_EHDR));
	convention_test();
	for (unsigned int i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		if (!entry_works(&entries[i])) {
			printf("ok %u # skip %s is not offered here\n", ++tests, entries[i].name);
			continue;
		}
		arguments_test(&entries[i]);
		restart_test(&entries[i]);
	}
	auxv_test(envp);
	if (check(opened == POSTERN_VDSO_OK, "vdso", "opens"))
		vdso_test(&vdso);
	postern_clock_open(&clock, getauxval(AT_SYSINFO_EHDR));
	check(clock.gettime && clock.getres && clock.getcpu, "vdso", "has all typed functions");
	clock_test(&clock, "by vDSO");
	postern_clock_open(&clock, 0);
	check(!clock.gettime && !clock.getres && !clock.getcpu, "no vdso", "none from address 0");
	clock_test(&clock, "by call");
	printf("1..%u\n", tests);
	return failures > 0;
}

// SPDX-License-Identifier: MIT
// Every pointer argument of every implemented call with addresses of the kernel, of holes and of
// the ends of user memory (hazards 6, 7, 42, 43), generated from the table of calls: EFAULT, or
// what the table of exceptions below says, and never a success that wrote there. New calls are
// tested by existing.
#include "test/guest/entry.h"

#include <sched.h>

#include "syscall_info.c"

#if defined(__i386__)
#define INFO_THIS INFO_I386
#define NUMBER(n) ((reg_t)(n))
#elif defined(__ILP32__)
#define INFO_THIS INFO_X32
#define NUMBER(n) ((reg_t)(n) | 0x40000000u)
#else
#define INFO_THIS INFO_X86_64
#define NUMBER(n) ((reg_t)(n))
#endif

// Not tried: they don't return, or the machine would not.
static const char *const never[] = {"exit",	    "exit_group", "reboot",	 "fork",
				    "vfork",	    "clone",	  "clone3",	 "pause",
				    "rt_sigreturn", "sigreturn",  "sethostname", "setdomainname",
				    "sync",	    "waitid",	  "ptrace",	 "rseq"};

// What else than EFAULT is right; 1: any result.
static const struct {
	const char *call, *arg;
	int result;
} exceptions[] = {
	{"oldstat", "st", -EOVERFLOW}, // a device or inode number of more than 16 bits
	{"oldfstat", "st", -EOVERFLOW},
	{"oldlstat", "st", -EOVERFLOW},
	{"futex", "uaddr", -EINVAL}, // misaligned
	{"futex_time64", "uaddr", -EINVAL},
	{"sigaltstack", "old", -ENOMEM}, // a new stack of no size, on some kernels
	{"set_tid_address", "*", 1},	 // used at exit, where it counts for nothing
	{"set_robust_list", "*", 1},	 // the same
	{"getgroups", "*", 0},		 // the process may have none
	{"getgroups32", "*", 0},
	{"nanosleep", "rem", 0}, // nothing is left of zero seconds
	{"clock_nanosleep", "rem", 0},
	{"clock_nanosleep_time64", "rem", 0},
	{"futex", "*", -EAGAIN}, // the value did not match before the rest was looked at
	{"futex_time64", "*", -EAGAIN},
	{"futex", "timeout", -EFAULT},
	{"wait4", "*", -ECHILD},
	{"waitpid", "*", -ECHILD},
	{"getcpu", "cache", 0},
	{"select", "timeout", 1},	      // Linux ignores that it can't write back what is left
	{"rt_sigtimedwait", "info", -EAGAIN}, // nothing came
	{"rt_sigtimedwait_time64", "info", -EAGAIN},
};

static const char *path_benign = "h";
static char *zeros, *scratch;
static int file_fd, dir_fd;

static u64 benign(const struct syscall_info *c, unsigned i)
{
	const struct syscall_arg *a = &c->args[i];
	bool exec = !strcmp(c->name, "execve") || !strcmp(c->name, "execveat");

	if (a->type == INFO_TYPE_path || a->type == INFO_TYPE_str)
		return (uintptr_t)(exec				      ? self_path()
				   : !strncmp(c->name, "readlink", 8) ? "l"
								      : path_benign);
	if (a->direction == INFO_OUT)
		return (uintptr_t)scratch;
	if (a->direction != INFO_VALUE)
		return (uintptr_t)zeros;
	for (unsigned k = 0; k < c->arg_count; k++)
		if (c->args[k].length_kind == INFO_IN_ARG && c->args[k].length == i)
			return c->args[k].type == INFO_TYPE_iov ? 1 : 64;
	if (!strcmp(a->name, "sigsetsize"))
		return 8;
	if (!strcmp(c->name, "set_robust_list"))
		return sizeof(long) * 3;
	if (!strcmp(c->name, "mincore"))
		return (uintptr_t)zeros; // (its length is 64)
	if (strstr(c->name, "statfs64"))
		return a->type == INFO_TYPE_fd ? (u64)file_fd : 84;
	if (a->set == INFO_SET_enum_rlimit)
		return 4; // RLIMIT_CORE: zeros for it do no harm
	switch (a->type) {
	case INFO_TYPE_fd:
		return (u64)(!strncmp(c->name, "getdents", 8) ? dir_fd : file_fd);
	case INFO_TYPE_dirfd:
		return (u64)AT_FDCWD;
	case INFO_TYPE_pid:
		return (u64)(!strncmp(c->name, "wait", 4) ? -1 : getpid());
	case INFO_TYPE_sig:
		return SIGUSR1;
	case INFO_TYPE_int:
	case INFO_TYPE_uint:
		return a->set == INFO_SET_none ? 1 : 0;
	default:
		return 0;
	}
}

static bool is_pointer(const struct syscall_arg *a)
{
	return a->direction != INFO_VALUE || a->type == INFO_TYPE_path || a->type == INFO_TYPE_str;
}

static bool expected(const struct syscall_info *c, const struct syscall_arg *a, s64 got)
{
	if (got == -EFAULT)
		return true;
	for (unsigned i = 0; i < COUNT(exceptions); i++)
		if (!strcmp(exceptions[i].call, c->name) &&
		    (!strcmp(exceptions[i].arg, "*") || !strcmp(exceptions[i].arg, a->name)) &&
		    (exceptions[i].result == 1 || exceptions[i].result == got))
			return true;
	return false;
}

static void try_call(const struct syscall_info *c, unsigned which, u64 address)
{
	reg_t regs[8] = {0};

	for (unsigned i = 0; i < c->arg_count; i++)
		regs[c->args[i].reg[INFO_THIS]] = (reg_t)(i == which ? address : benign(c, i));
	s64 got = sys_raw(NUMBER(c->number[INFO_THIS]), regs[0], regs[1], regs[2], regs[3], regs[4],
			  regs[5]);
	row_begin(__FILE_NAME__, __LINE__, c->name);
	if (!expected(c, &c->args[which], got))
		test_fail("%s, %s = %#llx: expected EFAULT, got %lld (%s)", c->name,
			  c->args[which].name, address, got,
			  got < 0 && got > -4096 ? errno_name((int)-got) : "no error");
}

static void try_all_of(const struct syscall_info *c)
{
	u64 edge = (uintptr_t)map_edge();

	for (unsigned i = 0; i < c->arg_count; i++) {
		if (!is_pointer(&c->args[i]))
			continue;
		for (unsigned k = 0; k < hostile_count; k++)
			try_call(c, i, hostile_addresses[k]);
		try_call(c, i, (uintptr_t)map_bad());
		try_call(c, i, edge);
	}
}

static bool is_never(const char *name)
{
	for (unsigned i = 0; i < COUNT(never); i++)
		if (!strcmp(never[i], name))
			return true;
	return false;
}

static void prepare(void)
{
	zeros = map_pages(2);
	scratch = map_pages(16);
	file_fd = file_with("h", "");
	memset(scratch, 'h', 2 * PAGE);
	if (write(file_fd, scratch, 2 * PAGE) != 2 * PAGE)
		test_fail("write of the test file");
	lseek(file_fd, 0, SEEK_SET);
	if (symlink("h", "l") < 0)
		test_fail("symlink");
	dir_fd = open(".", O_RDONLY | O_DIRECTORY);
}

TEST_FULL(ABIS_ALL, 60, every_pointer)
{
	unsigned calls = 0;

	prepare();
	for (unsigned n = 0; n < syscall_info_len; n++) {
		const struct syscall_info *c = &syscall_info[n];

		if (c->number[INFO_THIS] < 0 || !c->implemented || is_never(c->name))
			continue;
		bool any = false;
		for (unsigned i = 0; i < c->arg_count; i++)
			any |= is_pointer(&c->args[i]);
		if (!any)
			continue;
		calls++;
		pid_t pid = fork();
		if (!pid) {
			alarm(5);
			try_all_of(c);
			_exit(0);
		}
		int status = child_wait(pid);
		row_begin(__FILE_NAME__, __LINE__, c->name);
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			test_fail("%s: wait status %#x", c->name, status);
	}
	TRUE(calls > 80);
	EQ(sys(SYS_getpid), getpid());
}

#ifndef __i386__
// The same calls of i386 by INT 0x80 from 64-bit code, whose registers are wider than the
// addresses.
TEST_FULL(ABIS_CODE64, 60, every_pointer_int80)
{
	const struct way *way = way_of(WAY_INT80);

	prepare();
	for (unsigned n = 0; n < syscall_info_len; n++) {
		const struct syscall_info *c = &syscall_info[n];

		if (c->number[INFO_I386] < 0 || !c->implemented || is_never(c->name) ||
		    c->arg_count == 0 || !is_pointer(&c->args[0]) || !strncmp(c->name, "exec", 4))
			continue;
		pid_t pid = fork();
		if (!pid) {
			alarm(5);
			for (unsigned k = 0; k < hostile_count; k++) {
				u64 h = hostile_addresses[k] << 32 | 0xffffe000;
				s64 got = entry_call(way, (u64)c->number[INFO_I386], h, h, h, h, h,
						     h);
				ROW(c->name);
				if (got >= 0 && !expected(c, &c->args[0], got) && got != getpid())
					test_fail("%s by int80, all %#llx: got %lld", c->name, h,
						  got);
			}
			_exit(0);
		}
		int status = child_wait(pid);
		ROW(c->name);
		if (!WIFEXITED(status) && WTERMSIG(status) != SIGALRM)
			test_fail("%s by int80: wait status %#x", c->name, status);
	}
	EQ(sys(SYS_getpid), getpid());
}
#endif

// CVE-2017-5123: waitid's siginfo and rusage in the kernel; the child is still there afterwards.
TEST(waitid)
{
	for (unsigned k = 0; k < hostile_count; k++) {
		pid_t pid = fork();
		siginfo_t info;

		if (!pid)
			_exit(5);
		EQ(sys(SYS_waitid, P_PID, pid, &info, WEXITED | WNOWAIT, NULL), 0);
		ERR(sys(SYS_waitid, P_PID, pid, hostile_addresses[k], WEXITED | WNOWAIT, NULL),
		    EFAULT);
		ERR(sys(SYS_waitid, P_PID, pid, &info, WEXITED | WNOWAIT, hostile_addresses[k]),
		    EFAULT);
		ERR(sys(SYS_wait4, pid, hostile_addresses[k], 0, NULL), EFAULT);
		// Linux has reaped it by then.
		ERR(sys(SYS_wait4, pid, NULL, WNOHANG, NULL), ECHILD);
	}
}

// Hazard 40: at exit the tid's address and the robust list are written and walked only in user
// memory.
TEST(exit_with_bad_addresses)
{
	for (unsigned k = 0; k < hostile_count; k++)
		EXITS(6, {
			sys(SYS_set_tid_address, hostile_addresses[k]);
			sys(SYS_set_robust_list, hostile_addresses[k], sizeof(long) * 3);
			_exit(6);
		});
	EXITS(6, {
		sys(SYS_set_tid_address, map_bad());
		sys(SYS_set_robust_list, map_bad(), sizeof(long) * 3);
		_exit(6);
	});
	// A robust list that never ends, or leads into the kernel.
	EXITS(7, {
		long *head = map_pages(1);
		head[0] = (long)(uintptr_t)(head + 8);
		head[8] = (long)(uintptr_t)(head + 8);
		head[1] = 8;
		sys(SYS_set_robust_list, head, sizeof(long) * 3);
		_exit(7);
	});
	EXITS(8, {
		long *head = map_pages(1);
		head[0] = (long)hostile_addresses[0];
		sys(SYS_set_robust_list, head, sizeof(long) * 3);
		_exit(8);
	});
}

// Lengths near 2^32 and 2^64 (hazard 7): no sum of address and length wraps round.
TEST(huge_lengths)
{
	static const u64 huge[] = {~0ull,      ~0ull - 4095, 1ull << 63, (1ull << 63) - 1,
				   0xffffffff, 0x80000000,   0x7fffffff, 1ull << 47};
	char *p = map_pages(1);
	int fds[2];

	prepare();
	OKC(pipe(fds));
	for (unsigned i = 0; i < COUNT(huge); i++) {
		u64 n = huge[i];
		sreg_t r;

		if (sizeof(reg_t) == 4 && n > 0xffffffff)
			continue;
		r = sys(SYS_read, file_fd, hostile_addresses[0], n);
		TRUE(r == -EFAULT || r == -EINVAL);
		r = sys(SYS_getcwd, p, n);
		TRUE(r > 0 || r == -EFAULT);
		r = sys(SYS_write, fds[1], map_edge(), n);
		TRUE(r == -EFAULT || r == -EINVAL);
		r = sys(SYS_mmap, 0, n, 0, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		TRUE((r < 0 && r >= -4095) || n < 0x100000000);
		if (n < 1ull << 47)
			continue;
		ERR(sys(SYS_munmap, p, n), EINVAL);
		if (n < 1ull << 63)
			continue;
		r = sys(SYS_mprotect, p, n, PROT_READ | PROT_WRITE);
		TRUE(r == -ENOMEM || r == -EINVAL || r == -EACCES);
		r = sys(SYS_mincore, p, n, scratch);
		TRUE(r < 0);
		r = sys(SYS_madvise, p, n, MADV_NORMAL);
		TRUE(r < 0);
	}
	EQ(touch_read(p), 0);
	EQ(touch_write(p), 0);
}

// SPDX-License-Identifier: MIT
// Processes: fork, vfork, clone, their ends and who waits for them; sessions, groups, orphans;
// numbers.
#include "test/guest/test.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

TEST(fork)
{
	volatile int value = 1;
	pid_t me = getpid();

	pid_t pid = fork();
	if (!pid) {
		value = 2;
		_exit(getppid() == me && getpid() != me && value == 2 ? 7 : 1);
	}
	TRUE(pid > 0);
	ROW("child");
	row_exited(child_wait(pid), 7);
	EQ(value, 1);
}

TEST(exit_codes)
{
	for (int code = 0; code < 260; code += code < 10 ? 1 : 49) {
		int status = CHILD({ sys(SYS_exit_group, code); });
		ROW("exit_group");
		row_exited(status, code & 255);
		status = CHILD({ sys(SYS_exit, code); });
		ROW("exit");
		row_exited(status, code & 255);
	}
	EXITS(255, { sys(SYS_exit_group, -1); });
}

TEST(many_children)
{
	enum { N = 60 };
	pid_t pids[N];
	int sum = 0;

	for (int i = 0; i < N; i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(i);
		TRUE(pids[i] > 0);
		for (int k = 0; k < i; k++)
			if (pids[k] == pids[i])
				test_fail("pid %d twice", pids[i]);
	}
	for (int i = 0; i < N; i++) {
		int status;
		pid_t pid = wait(&status);
		TRUE(pid > 0 && WIFEXITED(status));
		sum += WEXITSTATUS(status);
	}
	EQ(sum, N * (N - 1) / 2);
	ERRNO(wait(NULL), ECHILD);
}

TEST(vfork)
{
	static volatile int shared;

	shared = 0;
	pid_t pid = vfork();
	if (!pid) {
		shared = 9; // the parent's own memory
		sleep_ms(20);
		shared++;
		_exit(3);
	}
	EQ(shared, 10); // the parent waited
	ROW("child");
	row_exited(child_wait(pid), 3);
	pid = vfork();
	if (!pid) {
		execl(self_path(), "guest-tests", "--child", "status", "11", NULL);
		_exit(1);
	}
	ROW("vfork and exec");
	row_exited(child_wait(pid), 11);
	// Killed in between: the parent goes on.
	pid = vfork();
	if (!pid) {
		raise(SIGKILL);
		_exit(1);
	}
	ROW("vfork and death");
	row_signalled(child_wait(pid), SIGKILL);
}

TEST(wait4)
{
	int status = -1;
	struct rusage usage;

	ERRNO(waitpid(-1, &status, 0), ECHILD);
	ERRNO(waitpid(getpid(), &status, 0), ECHILD);
	ERRNO(waitpid(0x3ffffff, &status, 0), ECHILD);
	ERRNO(waitpid(-1, &status, 0x10000000), EINVAL);
	ERR(sys(SYS_wait4, (int)0x80000000, &status, 0, NULL), ESRCH);
	pid_t pid = fork();
	if (!pid) {
		sleep_ms(30);
		_exit(4);
	}
	EQ(waitpid(pid, &status, WNOHANG), 0);
	EQ(waitpid(-1, &status, WNOHANG), 0);
	ERRNO(waitpid(pid + 1000000, &status, WNOHANG), ECHILD);
	ERRNO(waitpid(-(pid + 1000000), &status, 0), ECHILD);
	memset(&usage, 0xa5, sizeof(usage));
	EQ(wait4(pid, &status, 0, &usage), pid);
	EQ(status, 4 << 8);
	BETWEEN(usage.ru_utime.tv_sec, 0, 5);
	BETWEEN(usage.ru_stime.tv_usec, 0, 999999);
	EQ(wait4(pid, NULL, 0, NULL), -1);
	// By group.
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		_exit(6);
	}
	siginfo_t info;
	OKC(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
	ERRNO(waitpid(0, &status, WNOHANG), ECHILD); // not of my group
	EQ(waitpid(-pid, &status, 0), pid);
	ROW("by group");
	row_exited(status, 6);
}

TEST(waitid)
{
	siginfo_t info;
	pid_t pid = fork();

	if (!pid)
		_exit(33);
	ERRNO(waitid(P_ALL, 0, &info, 0), EINVAL);
	ERRNO(waitid(P_ALL, 0, &info, WNOHANG), EINVAL);
	ERRNO(waitid(P_ALL, 0, &info, WEXITED | 0x10000000), EINVAL);
	ERRNO(waitid((idtype_t)77, 0, &info, WEXITED), EINVAL);
	ERRNO(waitid(P_PID, 0, &info, WEXITED), EINVAL);
	ERRNO(waitid(P_PID, (id_t)-5, &info, WEXITED), EINVAL);
	memset(&info, 0xa5, sizeof(info));
	OKC(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
	EQ(info.si_pid, pid);
	EQ(info.si_signo, SIGCHLD);
	EQ(info.si_code, CLD_EXITED);
	EQ(info.si_status, 33);
	EQ(info.si_uid, getuid());
	OKC(waitid(P_ALL, 0, &info, WEXITED)); // still there
	EQ(info.si_pid, pid);
	ERRNO(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	memset(&info, 0xa5, sizeof(info));
	OKC(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG));
	EQ(info.si_pid, 0); // nothing yet: zeros
	EQ(info.si_signo, 0);
	kill(pid, SIGSTOP);
	OKC(waitid(P_PID, (id_t)pid, &info, WSTOPPED));
	EQ(info.si_code, CLD_STOPPED);
	EQ(info.si_status, SIGSTOP);
	kill(pid, SIGCONT);
	OKC(waitid(P_PGID, (id_t)getpgrp(), &info, WCONTINUED));
	EQ(info.si_code, CLD_CONTINUED);
	EQ(info.si_status, SIGCONT);
	kill(pid, SIGKILL);
	OKC(waitid(P_PID, (id_t)pid, &info, WEXITED));
	EQ(info.si_code, CLD_KILLED);
	EQ(info.si_status, SIGKILL);
}

// SIG_IGN and SA_NOCLDWAIT on SIGCHLD: no zombies, wait ends when the last child does.
TEST(no_zombies)
{
	signal(SIGCHLD, SIG_IGN);
	pid_t pid = fork();
	if (!pid) {
		sleep_ms(10);
		_exit(3);
	}
	ERRNO(waitpid(pid, NULL, 0), ECHILD);
	ERRNO(kill(pid, 0), ESRCH);
	handle(SIGCHLD, SA_NOCLDWAIT);
	pid = fork();
	if (!pid)
		_exit(3);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	EQ(errno, ECHILD);
	EQ(handled_count, 1); // Linux still tells
}

// An orphan goes to the nearest subreaper.
TEST(orphans)
{
	int fds[2];
	pid_t ids[2];

	OKC(pipe(fds));
	OKC(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	int on = 0;
	OKC(prctl(PR_GET_CHILD_SUBREAPER, &on, 0, 0, 0));
	EQ(on, 1);
	pid_t pid = fork();
	if (!pid) {
		pid_t parent = getpid();
		if (!fork()) {
			while (getppid() == parent)
				sleep_ms(1);
			ids[0] = getpid();
			ids[1] = getppid();
			_exit(write(fds[1], ids, sizeof(ids)) == sizeof(ids) ? 8 : 9);
		}
		_exit(0);
	}
	ROW("parent");
	row_exited(child_wait(pid), 0);
	EQ(read(fds[0], ids, sizeof(ids)), sizeof(ids));
	EQ(ids[1], getpid());
	ROW("the orphan, waited for by its new parent");
	row_exited(child_wait(ids[0]), 8);
}

TEST(parent_death_signal)
{
	int fds[2];
	char c;

	OKC(pipe(fds));
	ERRNO(prctl(PR_SET_PDEATHSIG, 65, 0, 0, 0), EINVAL);
	pid_t pid = fork();
	if (!pid) {
		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
			if (write(fds[1], "r", 1) == 1)
				for (;;)
					pause();
		}
		if (read(fds[0], &c, 1) != 1)
			_exit(1);
		_exit(0);
	}
	close(fds[1]);
	ROW("middle");
	row_exited(child_wait(pid), 0);
	EQ(read(fds[0], &c, 1), 0); // the last writer is dead
}

TEST(groups_and_sessions)
{
	int status;

	ERR(sys(SYS_setpgid, -1, 0), EINVAL);
	ERR(sys(SYS_setpgid, 0, -1), EINVAL);
	ERR(sys(SYS_setpgid, 0x3ffffff, 0), ESRCH);
	ERR(sys(SYS_setpgid, 0, 0x3ffffff), EPERM);
	ERR(sys(SYS_setpgid, 1, 0), ESRCH);
	ERR(sys(SYS_getpgid, 0x3ffffff), ESRCH);
	ERR(sys(SYS_getsid, 0x3ffffff), ESRCH);
	EQ(getpgid(0), getpgrp());
	EQ(getpgrp(), getpid()); // the runner made us one
	ERR(sys(SYS_setsid), EPERM);
	pid_t pid = fork();
	if (!pid) {
		TRUE(getpgrp() != getpid());
		EQ(sys(SYS_setsid), getpid());
		EQ(getsid(0), getpid());
		EQ(getpgrp(), getpid());
		ERR(sys(SYS_setpgid, 0, 0), EPERM); // a leader of a session
		_exit(test_failures() ? 1 : 5);
	}
	ROW("session");
	row_exited(child_wait(pid), 5);
	// A child may be moved until it executes something.
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	OKC(setpgid(pid, pid));
	EQ(getpgid(pid), pid);
	OKC(setpgid(pid, getpgrp()));
	EQ(getpgid(pid), getpgrp());
	OKC(setpgid(pid, pid));
	// A signal to a group reaches its members only.
	handle(SIGUSR1, 0);
	OKC(kill(-pid, SIGUSR1));
	EQ(handled_count, 0);
	EQ(waitpid(-pid, &status, 0), pid);
	ROW("group signal");
	row_signalled(status, SIGUSR1);
	int fds[2];
	OKC(pipe(fds));
	pid = fork();
	if (!pid) {
		dup2(fds[1], 1);
		execl(self_path(), "guest-tests", "--child", "say_and_wait", NULL);
		_exit(9);
	}
	char c;
	EQ(read(fds[0], &c, 1), 1);
	ERR(sys(SYS_setpgid, pid, 0), EACCES);
	kill(pid, SIGKILL);
	child_wait(pid);
}

CHILD_PROGRAM(say_and_wait)
{
	(void)argc;
	(void)argv;
	if (write(1, "r", 1) != 1)
		return 1;
	pause();
	return 0;
}

// An orphaned group with a stopped member gets SIGHUP and SIGCONT (POSIX, _exit).
TEST(orphaned_group)
{
	int fds[2], status;
	char c = 0;

	OKC(pipe(fds));
	pid_t pid = fork();
	if (!pid) {
		pid_t stopped = fork();
		if (!stopped) {
			setpgid(0, 0);
			handle(SIGHUP, 0);
			raise(SIGSTOP);
			c = handled_count == 1 ? 'h' : 'n';
			_exit(write(fds[1], &c, 1) == 1 ? 0 : 1);
		}
		waitpid(stopped, &status, WUNTRACED);
		_exit(WIFSTOPPED(status) ? 0 : 1);
	}
	close(fds[1]);
	ROW("parent");
	row_exited(child_wait(pid), 0);
	EQ(read(fds[0], &c, 1), 1);
	EQ(c, 'h');
}

#ifdef __i386__
#define CLONE(flags, stack, ptid, tls, ctid) sys(SYS_clone, flags, stack, ptid, tls, ctid)
#else
#define CLONE(flags, stack, ptid, tls, ctid) sys(SYS_clone, flags, stack, ptid, ctid, tls)
#endif

TEST(clone_flags)
{
	int tid = 0, child_tid = 0;

	// As fork, with another signal at its end.
	handle(SIGUSR1, 0);
	pid_t pid = (pid_t)CLONE(SIGUSR1, 0, 0, 0, 0);
	if (!pid)
		_exit(2);
	TRUE(pid > 0);
	EQ(waitpid(pid, NULL, WNOHANG) == pid ? -1 : -errno, -ECHILD); // needs __WCLONE
	int status = 0;
	while (waitpid(pid, &status, (int)__WALL) < 0 && errno == EINTR)
		;
	ROW("clone with SIGUSR1");
	row_exited(status, 2);
	EQ(handled_count, 1);
	// The tid into the parent's and the child's memory.
	pid = (pid_t)CLONE(CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, 0, &tid, 0,
			   &child_tid);
	if (!pid)
		_exit(child_tid == getpid() ? 5 : 1);
	EQ(tid, pid);
	EQ(child_tid, 0);
	ROW("settid");
	row_exited(child_wait(pid), 5);
	// Shared files, shared file system view.
	pid = (pid_t)CLONE(CLONE_FILES | CLONE_FS | SIGCHLD, 0, 0, 0, 0);
	if (!pid) {
		umask(0123);
		_exit(dup2(1, 77) == 77 ? 5 : 1);
	}
	ROW("files");
	row_exited(child_wait(pid), 5);
	EQ(fcntl(77, F_GETFD), 0);
	EQ(umask(022), 0123);
	// The same parent.
	ERR(CLONE(CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0), EINVAL); // without CLONE_VM
	ERR(CLONE(CLONE_THREAD | CLONE_VM, 0, 0, 0, 0), EINVAL); // without CLONE_SIGHAND
	ERR(CLONE(CLONE_FS | 0x00020000, 0, 0, 0, 0), EINVAL);	 // and CLONE_NEWNS
	// A hostile address for the tid in the parent: Linux does not look at the result.
	pid = (pid_t)CLONE(CLONE_PARENT_SETTID | SIGCHLD, 0, hostile_addresses[0], 0, 0);
	if (!pid)
		_exit(0);
	TRUE(pid > 0 || pid == -EFAULT);
	if (pid > 0)
		child_wait(pid);
}

TEST(sigchld_order)
{
	// SIGCHLD is pending before wait sees the child.
	sigset_t set = sigset_of(SIGCHLD), pending;

	sigprocmask(SIG_BLOCK, &set, NULL);
	pid_t pid = fork();
	if (!pid)
		_exit(0);
	siginfo_t info;
	OKC(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
	sigpending(&pending);
	EQ(sigismember(&pending, SIGCHLD), 1);
	child_wait(pid);
}

TEST(times)
{
	struct rusage before, after, children;

	OKC(getrusage(RUSAGE_SELF, &before));
	u64 end = now_ns(CLOCK_PROCESS_CPUTIME_ID) + 30000000;
	while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < end)
		;
	OKC(getrusage(RUSAGE_SELF, &after));
	u64 used = (u64)(after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1000000 +
		   (u64)(after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1000000 +
		   (u64)(after.ru_utime.tv_usec - before.ru_utime.tv_usec) +
		   (u64)(after.ru_stime.tv_usec - before.ru_stime.tv_usec);
	BETWEEN(used, 15000, 400000);
	EXITS(0, {
		u64 until = now_ns(CLOCK_PROCESS_CPUTIME_ID) + 20000000;
		while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < until)
			;
	});
	OKC(getrusage(RUSAGE_CHILDREN, &children));
	used = (u64)(children.ru_utime.tv_usec + children.ru_stime.tv_usec);
	BETWEEN(used, 8000, 400000);
	ERRNO(getrusage((__rusage_who_t)5, &after), EINVAL);
	TRUE(after.ru_maxrss > 0);
	TRUE(after.ru_minflt > 0);
}

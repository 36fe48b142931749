// SPDX-License-Identifier: MIT
// Calls that tell and set what a process is: names, limits, ids, priorities, affinity, prctl.
#include "test/guest/test.h"

#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

TEST(uname)
{
	struct utsname u;

	OKC(uname(&u));
	EQ(strcmp(u.sysname, "Linux"), 0); // programs ask for it
	TRUE(strlen(u.release) > 2 && u.release[0] >= '1' && u.release[0] <= '9');
	TRUE(strlen(u.version) > 0);
	EQ(strcmp(u.machine, "x86_64"), 0); // for i386 too, unless by personality
	ERR(sys(SYS_uname, map_bad()), EFAULT);
	if (getuid() == 0 && on_postern()) {
		EQ(sys(SYS_sethostname, "guest", 5), 0);
		OKC(uname(&u));
		EQ(strcmp(u.nodename, "guest"), 0);
		EQ(sys(SYS_setdomainname, "domain", 6), 0);
		OKC(uname(&u));
		EQ(strcmp(u.domainname, "domain"), 0);
	}
	ERR(sys(SYS_sethostname, "x", 65), EINVAL);
	ERR(sys(SYS_sethostname, "x", -1), EINVAL);
	ERR(sys(SYS_sethostname, map_bad(), 4), EFAULT);
}

TEST(sysinfo)
{
	struct sysinfo s;

	OKC(sysinfo(&s));
	TRUE(s.uptime >= 0);
	TRUE(s.mem_unit > 0);
	TRUE(s.totalram > 0 && s.freeram > 0 && s.freeram <= s.totalram);
	TRUE(s.procs > 0);
}

TEST_FULL(ABIS_ALL, 60, limits)
{
	struct rlimit r, old;

	for (int i = 0; i < 16; i++) {
		OKC(getrlimit((__rlimit_resource_t)i, &r));
		TRUE(r.rlim_cur <= r.rlim_max);
	}
	ERRNO(getrlimit((__rlimit_resource_t)16, &r), EINVAL);
	OKC(getrlimit(RLIMIT_NOFILE, &old));
	r = (struct rlimit){100, 50};
	ERRNO(setrlimit(RLIMIT_NOFILE, &r), EINVAL);
	r = (struct rlimit){50, old.rlim_max};
	OKC(setrlimit(RLIMIT_NOFILE, &r));
	OKC(getrlimit(RLIMIT_NOFILE, &r));
	EQ(r.rlim_cur, 50);
	u64 new64[2] = {60, old.rlim_max == RLIM_INFINITY ? ~0ull : old.rlim_max}, old64[2];
	EQ(sys(SYS_prlimit64, 0, RLIMIT_NOFILE, new64, old64), 0);
	EQ(old64[0], 50);
	EQ(sys(SYS_prlimit64, getpid(), RLIMIT_NOFILE, NULL, old64), 0);
	EQ(old64[0], 60);
	ERR(sys(SYS_prlimit64, 0x3ffffff, RLIMIT_NOFILE, NULL, old64), ESRCH);
	ERR(sys(SYS_prlimit64, 0, 99, NULL, old64), EINVAL);
	// A child has them.
	EXITS(5, { _exit(getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur == 60 ? 5 : 1); });
	EXITS(5, {
		setresuid(1000, 1000, 1000);
		r = (struct rlimit){60, 60};
		bool good = setrlimit(RLIMIT_NOFILE, &r) == 0;
		r = (struct rlimit){60, 70};
		_exit(good && setrlimit(RLIMIT_NOFILE, &r) == -1 && errno == EPERM ? 5 : 1);
	});
	SIGNALLED(SIGXCPU, {
		r = (struct rlimit){1, 3};
		setrlimit(RLIMIT_CPU, &r);
		for (;;)
			;
	});
}

TEST(ids)
{
	uid_t r, e, s;

	OKC(getresuid(&r, &e, &s));
	EQ(r, getuid());
	EQ(e, geteuid());
	if (getuid())
		test_skip("not root");
	EXITS(5, {
		gid_t groups[3] = {10, 20, 30}, got[3];
		EQ(sys(SYS_getgroups, 0, NULL) >= 0, 1);
		OKC(setgid(5)); // libc's, for all threads
		EQ(getegid(), 5);
#ifdef __i386__
		EQ(sys(SYS_setgroups32, 3, groups), 0);
		EQ(sys(SYS_getgroups32, 3, got), 3);
		EQ(got[2], 30);
		ERR(sys(SYS_getgroups32, 2, got), EINVAL);
		u16 small[3];
		EQ(sys(SYS_getgroups, 3, small), 3);
		EQ(small[1], 20);
#else
		EQ(sys(SYS_setgroups, 3, groups), 0);
		EQ(sys(SYS_getgroups, 3, got), 3);
		EQ(got[2], 30);
		ERR(sys(SYS_getgroups, 2, got), EINVAL);
		ERR(sys(SYS_setgroups, 65537, groups), EINVAL);
#endif
		OKC(setresuid(1000, 1001, 1002));
		OKC(getresuid(&r, &e, &s));
		EQ(r, 1000);
		EQ(e, 1001);
		EQ(s, 1002);
		ERRNO(setresuid(5, 5, 5), EPERM);
		OKC(setresuid((uid_t)-1, 1002, (uid_t)-1));
		EQ(geteuid(), 1002);
		OKC(setreuid(1002, 1000));
		EQ(getuid(), 1002);
		ERRNO(setgid(99), EPERM);
		ERRNO(setgroups(0, NULL), EPERM);
		_exit(test_failures() ? 1 : 5);
	});
	EXITS(5, {
		OKC(setuid(1234)); // root's setuid sets all three
		OKC(getresuid(&r, &e, &s));
		EQ(r, 1234);
		EQ(s, 1234);
		ERRNO(setuid(0), EPERM);
		EQ(sys(SYS_setfsuid, -1), 1234);
		_exit(test_failures() ? 1 : 5);
	});
}

TEST(priorities)
{
	errno = 0;
	if (on_native() && getpriority(PRIO_PROCESS, 0))
		test_skip("started by nice");
	EQ(getpriority(PRIO_PROCESS, 0), 0);
	OKC(setpriority(PRIO_PROCESS, 0, 5));
	EQ(getpriority(PRIO_PROCESS, 0), 5);
	EQ(sys(SYS_getpriority, PRIO_PROCESS, 0), 15); // the raw call: 20 - nice
	OKC(setpriority(PRIO_PROCESS, 0, 100));
	EQ(getpriority(PRIO_PROCESS, 0), 19);
	ERR(sys(SYS_getpriority, 7, 0), EINVAL);
	ERR(sys(SYS_setpriority, PRIO_PROCESS, 0x3ffffff, 1), ESRCH);
	EXITS(5, {
		setresuid(1000, 1000, 1000);
		ERRNO(setpriority(PRIO_PROCESS, 0, 0), EACCES);
		_exit(getpriority(PRIO_PROCESS, 0) == 19 && !test_failures() ? 5 : 1);
	});
}

TEST(scheduling)
{
	cpu_set_t set;
	struct sched_param param = {.sched_priority = 77};
	unsigned long small;

	EQ(sched_yield(), 0);
	EQ(sched_getscheduler(0), SCHED_OTHER);
	OKC(sched_getparam(0, &param));
	EQ(param.sched_priority, 0);
	EQ(sched_get_priority_max(SCHED_FIFO), 99);
	EQ(sched_get_priority_min(SCHED_FIFO), 1);
	EQ(sched_get_priority_max(SCHED_OTHER), 0);
	ERRNO(sched_get_priority_max(77), EINVAL);
	ERRNO(sched_getscheduler(0x3ffffff), ESRCH);
	ERRNO(sched_getscheduler(-1), EINVAL);
	CPU_ZERO(&set);
	OKC(sched_getaffinity(0, sizeof(set), &set));
	TRUE(CPU_COUNT(&set) >= 1);
	ERR(sys(SYS_sched_getaffinity, 0, 1, &small), EINVAL);
	int first = 0;
	while (!CPU_ISSET(first, &set))
		first++;
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET(first, &one);
	OKC(sched_setaffinity(0, sizeof(one), &one));
	unsigned cpu = 777, node;
	EQ(sys(SYS_getcpu, &cpu, &node, NULL), 0);
	EQ(cpu, first);
	EXITS(5, {
		cpu_set_t mine;
		sched_getaffinity(0, sizeof(mine), &mine);
		_exit(CPU_EQUAL(&mine, &one) ? 5 : 1);
	});
	CPU_ZERO(&one);
	ERRNO(sched_setaffinity(0, sizeof(one), &one), EINVAL);
	// Each CPU in turn.
	for (int i = first; i < 64; i++)
		if (CPU_ISSET(i, &set)) {
			CPU_ZERO(&one);
			CPU_SET(i, &one);
			OKC(sched_setaffinity(0, sizeof(one), &one));
			sys(SYS_getcpu, &cpu, NULL, NULL);
			EQ(cpu, i);
		}
}

TEST(prctl)
{
	char name[16];

	OKC(prctl(PR_SET_NAME, "a name of more than 15"));
	OKC(prctl(PR_GET_NAME, name));
	EQ(strcmp(name, "a name of more "), 0);
	ERRNO(prctl(9999, 0, 0, 0, 0), EINVAL);
	ERRNO(prctl(PR_SET_NAME, map_bad()), EFAULT);
	ERRNO(prctl(PR_GET_NAME, map_bad()), EFAULT);
	EQ(prctl(PR_GET_DUMPABLE), 1);
	OKC(prctl(PR_SET_DUMPABLE, 0));
	EQ(prctl(PR_GET_DUMPABLE), 0);
	ERRNO(prctl(PR_SET_DUMPABLE, 7), EINVAL);
	EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
	ERRNO(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
	OKC(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
	EXITS(1, { _exit(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)); });
	int sig = 99;
	OKC(prctl(PR_GET_PDEATHSIG, &sig));
	EQ(sig, 0);
}

static void read_tsc(void *arg)
{
	(void)arg;
	__asm__ volatile("rdtsc" ::: "eax", "edx");
}

// Hazard 38: a task without the time stamp counter; its neighbours keep it, its children don't.
TEST(no_tsc)
{
	int mode = 0;

	EQ(caught_run(read_tsc, NULL), 0);
	OKC(prctl(PR_GET_TSC, &mode));
	EQ(mode, PR_TSC_ENABLE);
	ERRNO(prctl(PR_SET_TSC, 77), EINVAL);
	pid_t pid = fork();
	if (!pid) {
		sleep_ms(30);
		_exit(caught_run(read_tsc, NULL) == 0 ? 5 : 1);
	}
	OKC(prctl(PR_SET_TSC, PR_TSC_SIGSEGV));
	EQ(caught_run(read_tsc, NULL), SIGSEGV);
	EQ(caught.info.si_code, 0x80);
	sleep_ms(50);
	EQ(caught_run(read_tsc, NULL), SIGSEGV);
	EXITS(5, { _exit(caught_run(read_tsc, NULL) == SIGSEGV ? 5 : 1); });
	OKC(prctl(PR_SET_TSC, PR_TSC_ENABLE));
	EQ(caught_run(read_tsc, NULL), 0);
	ROW("neighbour");
	row_exited(child_wait(pid), 5);
}

TEST(umask)
{
	umask(0);
	EQ(umask(0777), 0);
	EQ(umask(017777), 0777);
	EQ(umask(022), 0777);
}

// SPDX-License-Identifier: MIT
// The parent: starts children, each from a seed of its own, ends those that take too long, collects
// orphans, cleans up and prints one line of summary. Nothing may survive SIGKILL for 10 s.
#include "test/fuzz/calls/fuzz.h"

#include <dirent.h>
#include <ftw.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sysinfo.h>

enum { JOBS_MAX = 16, SOFT_NS = 1000000000, ORPHANS = 256 };
#define HARD_NS (10 * 1000000000ull)

struct stats *stats;
struct options options = {.seed = 0, .seconds = 0, .per_child = 300, .jobs = 8, .tasks = TASKS_MAX};

static struct job {
	pid_t pid;
	u64 start, killed, seed;
	char dir[32];
} jobs[JOBS_MAX];

static struct orphan {
	pid_t pid;
	u64 seen;
} orphans[ORPHANS];

static struct {
	u64 children, late, signals[65], statuses, hung;
} ended;
static int mounts_at_start;

/* --- cleaning up --- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)ftw;
	(void)st;
	if (type == FTW_DP || type == FTW_D || type == FTW_DNR)
		rmdir(path);
	else
		unlink(path);
	return 0;
}

// What is mounted beyond what was there in the beginning goes, the last first.
static void unmount_all(void)
{
	static char text[65536];
	char *lines[512];
	int n = 0, fd = open("/proc/mounts", O_RDONLY);
	ssize_t len = read(fd, text, sizeof(text) - 1);

	close(fd);
	text[len > 0 ? len : 0] = 0;
	for (char *p = text; *p && n < 512; p = strchr(p, '\n') + 1) {
		lines[n++] = p;
		if (!strchr(p, '\n'))
			break;
	}
	if (!mounts_at_start)
		mounts_at_start = n;
	for (int i = n; i-- > mounts_at_start;) {
		char path[256];

		if (sscanf(lines[i], "%*s %255s", path) == 1)
			umount2(path, MNT_DETACH);
	}
}

static void remove_dir(const char *dir)
{
	unmount_all();
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- children --- */

static u64 child_seed(u64 n)
{
	u64 s = options.seed + n * 0x9e3779b97f4a7c15ull;

	return options.child ? options.child : rnd(&s);
}

static void start(struct job *j)
{
	static u64 started;

	*j = (struct job){.start = now_ns(CLOCK_MONOTONIC), .seed = child_seed(started)};
	snprintf(j->dir, sizeof(j->dir), "/tmp/c%llu", started++);
	fflush(stdout);
	j->pid = fork();
	if (!j->pid)
		child_run(j->seed, j->dir);
	if (j->pid < 0)
		j->pid = 0;
	else
		ended.children++;
}

static void tell_hung(pid_t pid, u64 seed)
{
	char name[64], text[1024];
	int fd;
	ssize_t n;

	printf("fuzz-calls: process %d (seed %#llx) is still there 10 s after SIGKILL\n", pid,
	       seed);
	snprintf(name, sizeof(name), "/proc/%d/status", pid);
	fd = open(name, O_RDONLY);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	printf("%s\n", text);
	ended.hung++;
}

static void job_ended(struct job *j, int status)
{
	if (WIFSIGNALED(status))
		ended.signals[WTERMSIG(status) & 63]++;
	else if (WEXITSTATUS(status))
		ended.statuses++;
	remove_dir(j->dir);
	// What chmod() of "." may have hit.
	chmod("/", 0755);
	chmod("/tmp", 01777);
	j->pid = 0;
}

static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED | __WALL)) > 0) {
		if (WIFSTOPPED(status)) {
			kill(pid, SIGCONT);
			continue;
		}
		for (unsigned i = 0; i < options.jobs; i++)
			if (jobs[i].pid == pid)
				job_ended(&jobs[i], status);
		for (unsigned i = 0; i < ORPHANS; i++)
			if (orphans[i].pid == pid)
				orphans[i].pid = 0;
	}
}

static void watch_jobs(void)
{
	u64 now = now_ns(CLOCK_MONOTONIC);

	for (unsigned i = 0; i < options.jobs; i++) {
		struct job *j = &jobs[i];

		if (!j->pid)
			continue;
		if (!j->killed && now - j->start > SOFT_NS) {
			j->killed = now;
			ended.late++;
			kill(j->pid, SIGKILL);
		} else if (j->killed && now - j->killed > HARD_NS) {
			tell_hung(j->pid, j->seed);
			j->pid = 0;
		}
	}
}

static bool is_job(pid_t pid)
{
	for (unsigned i = 0; i < options.jobs; i++)
		if (jobs[i].pid == pid)
			return true;
	return false;
}

static int parent_of(pid_t pid)
{
	char name[64], text[512], *p;
	int fd, parent = 0;
	ssize_t n;

	snprintf(name, sizeof(name), "/proc/%d/stat", pid);
	fd = open(name, O_RDONLY);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	p = strrchr(text, ')');
	if (p)
		sscanf(p + 1, " %*c %d", &parent);
	return parent;
}

static void watch_orphan(pid_t pid)
{
	struct orphan *free_one = NULL;

	kill(pid, SIGKILL);
	for (unsigned i = 0; i < ORPHANS; i++) {
		struct orphan *o = &orphans[i];

		if (o->pid == pid) {
			if (o->seen && now_ns(CLOCK_MONOTONIC) - o->seen > HARD_NS) {
				tell_hung(pid, 0);
				o->seen = 0;
			}
			return;
		}
		if (!o->pid)
			free_one = o;
	}
	if (free_one)
		*free_one = (struct orphan){pid, now_ns(CLOCK_MONOTONIC)};
}

// Children of children that have died are ours now (PR_SET_CHILD_SUBREAPER). Returns their number.
static unsigned watch_orphans(void)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	unsigned n = 0;

	while (d && (e = readdir(d))) {
		pid_t pid = atoi(e->d_name);

		if (pid > 2 && pid != getpid() && !is_job(pid) && parent_of(pid) == getpid()) {
			watch_orphan(pid);
			n++;
		}
	}
	if (d)
		closedir(d);
	return n;
}

/* --- the run --- */

static bool finished(u64 begin)
{
	if (ended.hung)
		return true;
	if (options.child)
		return ended.children > 0;
	if (options.seconds)
		return now_ns(CLOCK_MONOTONIC) - begin > options.seconds * 1000000000ull;
	return stats->calls >= options.calls;
}

static bool any_job(void)
{
	for (unsigned i = 0; i < options.jobs; i++)
		if (jobs[i].pid)
			return true;
	return false;
}

static void run(void)
{
	u64 begin = now_ns(CLOCK_MONOTONIC), swept = begin;
	bool more = true;

	while (more || any_job()) {
		more = more && !finished(begin);
		for (unsigned i = 0; more && i < options.jobs; i++)
			if (!jobs[i].pid && !finished(begin))
				start(&jobs[i]);
		sleep_ms(2);
		reap();
		watch_jobs();
		if (now_ns(CLOCK_MONOTONIC) - swept > 500000000) {
			swept = now_ns(CLOCK_MONOTONIC);
			watch_orphans();
		}
	}
	for (u64 last = now_ns(CLOCK_MONOTONIC);
	     watch_orphans() && now_ns(CLOCK_MONOTONIC) - last < 2 * HARD_NS;) {
		sleep_ms(20);
		reap();
	}
}

static u64 memory_free(void)
{
	struct sysinfo si = {0};

	sysinfo(&si);
	return (u64)si.freeram * si.mem_unit >> 10;
}

static void print_table(void)
{
	for (unsigned i = 0; i < syscall_info_len && i < CALLS_MAX; i++)
		if (stats->tried[i])
			printf("%8llu %8llu %s\n", stats->tried[i], stats->done[i],
			       syscall_info[i].name);
}

static void print_summary(s64 memory)
{
	unsigned errnos = 0;

	for (unsigned i = 0; i < ERRNO_END; i++)
		errnos += stats->errnos[i] != 0;
	if (stats->setup_failed)
		printf("fuzz-calls: a child could not be set up, step %u\n", stats->setup_failed);
	if (stats->leaks)
		printf("fuzz-calls: %u words that look like kernel addresses, the last %#llx by "
		       "%s, "
		       "seed %#llx\n",
		       stats->leaks, stats->leak_value, stats->leak_call, stats->leak_seed);
	if (stats->bad_results)
		printf("fuzz-calls: %u results that no call may have, the last %#llx by %s, seed "
		       "%#llx\n",
		       stats->bad_results, stats->bad_value, stats->bad_call, stats->bad_seed);
	printf("fuzz-calls %s: %llu calls, %u errnos, %llu children, %llu ended with a status, "
	       "%llu "
	       "late,",
	       ABI_NAME, stats->calls, errnos, ended.children, ended.statuses, ended.late);
	for (int s = 1; s < 64; s++)
		if (ended.signals[s])
			printf(" %s %llu", sigabbrev_np(s) ? sigabbrev_np(s) : "RT",
			       ended.signals[s]);
	printf(", %+lld KiB, seed %#llx\n", memory, options.seed);
}

static void usage(void)
{
	fputs("usage: fuzz-calls [--seed S] [--calls N | --time SECONDS] [--only NAME,...]\n"
	      "  [--child SEED] [--per-child N] [--jobs N] [--tasks N] [--trace] [--table]\n",
	      stderr);
	exit(2);
}

static u64 arg_number(char ***arg)
{
	char *end, *text = *++*arg;
	u64 v;

	if (!text)
		usage();
	v = strtoull(text, &end, 0);
	if (*end)
		usage();
	return v;
}

static void parse(char **arg)
{
	options.seed = now_ns(CLOCK_REALTIME) & 0xffffffff;
	options.calls = 20000;
	for (arg++; *arg; arg++) {
		if (!strcmp(*arg, "--seed"))
			options.seed = arg_number(&arg);
		else if (!strcmp(*arg, "--calls"))
			options.calls = arg_number(&arg);
		else if (!strcmp(*arg, "--time"))
			options.seconds = (unsigned)arg_number(&arg);
		else if (!strcmp(*arg, "--child"))
			options.child = arg_number(&arg);
		else if (!strcmp(*arg, "--per-child"))
			options.per_child = (unsigned)arg_number(&arg);
		else if (!strcmp(*arg, "--jobs"))
			options.jobs = (unsigned)arg_number(&arg);
		else if (!strcmp(*arg, "--tasks"))
			options.tasks = (unsigned)arg_number(&arg);
		else if (!strcmp(*arg, "--only") && arg[1])
			options.only = *++arg;
		else if (!strcmp(*arg, "--trace"))
			options.trace = true;
		else if (!strcmp(*arg, "--table"))
			options.table = true;
		else
			usage();
	}
	if (options.child)
		options.jobs = 1;
	if (!options.jobs || options.jobs > JOBS_MAX || !options.tasks || options.tasks > TASKS_MAX)
		usage();
}

int main(int argc, char **argv)
{
	u64 before;

	(void)argc;
	parse(argv);
	stats = mmap(NULL, sizeof(*stats), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (stats == MAP_FAILED)
		return 2;
	fuzz_parent = getpid();
	fuzz_parent_group = getpgrp();
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	umask(0);
	entry_ways_probe();
	unmount_all();
	mkdir("/tmp", 01777);
	printf("fuzz-calls %s: seed %#llx\n", ABI_NAME, options.seed);
	before = memory_free();
	run();
	unmount_all();
	if (options.table)
		print_table();
	print_summary((s64)(before - memory_free()));
	return ended.hung || stats->leaks || stats->bad_results ? 1 : 0;
}

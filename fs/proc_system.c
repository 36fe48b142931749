// SPDX-License-Identifier: MIT
// The names at the top of /proc that are about the whole system (proc(5)). What this kernel has no
// true content for is not there.

#include "fs/namei.h"
#include "fs/proc.h"
#include "kern/process.h"
#include "kern/sched.h"
#include "kern/time.h"
#include "kern/usage.h"
#include "kern/uts.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "machine/cpu.h"
#include "machine/cpuinfo.h"
#include "vm/page.h"

#include <asm/errno.h>

#define TICK_NS (NSEC_PER_SEC / 100) // USER_HZ
#define LLU(v)	((unsigned long long)(v))

static void text_out(void *arg, const char *fmt, ...) PRINTF(2, 3);

// cpu_describe's sink: short pieces.
static void text_out(void *arg, const char *fmt, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, fmt);
	int n = fmt_vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	proc_append(arg, line, (size_t)MIN(n, (int)sizeof(line) - 1));
}

static int show_cpuinfo(struct proc_text *t, const struct proc_ref *r)
{
	(void)r;
	for (u32 i = 0; i < cpu_count; i++)
		cpu_describe(i, text_out, t);
	return 0;
}

static void put_kib(struct proc_text *t, const char *name, u64 pages)
{
	size_t line = t->len;

	proc_printf(t, "%s:", name);
	proc_pad(t, line, 16);
	proc_printf(t, "%8llu kB\n", LLU(pages * (PAGE_SIZE / 1024)));
}

static int show_meminfo(struct proc_text *t, const struct proc_ref *r)
{
	struct page_stats s;

	(void)r;
	page_stats(&s);
	put_kib(t, "MemTotal", s.total);
	put_kib(t, "MemFree", s.free);
	// The page cache is tmpfs's and programs': nothing of it can be given up.
	put_kib(t, "MemAvailable", s.free);
	put_kib(t, "Buffers", 0);
	put_kib(t, "Cached", s.cache);
	put_kib(t, "SwapCached", 0);
	put_kib(t, "Active", s.anon + s.cache);
	put_kib(t, "Inactive", 0);
	put_kib(t, "Unevictable", s.cache);
	put_kib(t, "SwapTotal", 0);
	put_kib(t, "SwapFree", 0);
	put_kib(t, "Dirty", 0);
	put_kib(t, "Writeback", 0);
	put_kib(t, "AnonPages", s.anon);
	put_kib(t, "Shmem", s.cache);
	put_kib(t, "Slab", s.slab);
	put_kib(t, "SReclaimable", 0);
	put_kib(t, "SUnreclaim", s.slab);
	return 0;
}

static int show_uptime(struct proc_text *t, const struct proc_ref *r)
{
	struct sched_stats s;
	u64 up = clock_ns() / TICK_NS, idle = 0;

	(void)r;
	sched_stats(&s);
	for (u32 i = 0; i < cpu_count; i++)
		idle += s.idle_ns[i];
	idle /= TICK_NS;
	proc_printf(t, "%llu.%02llu %llu.%02llu\n", LLU(up / 100), LLU(up % 100), LLU(idle / 100),
		    LLU(idle % 100));
	return 0;
}

static int show_loadavg(struct proc_text *t, const struct proc_ref *r)
{
	struct sched_stats s;

	(void)r;
	sched_stats(&s);
	for (u32 i = 0; i < 3; i++) {
		// Rounded to hundredths from 16 bits of fraction.
		u64 v = s.loads[i] + (1 << 16) / 200;
		proc_printf(t, "%llu.%02llu ", LLU(v >> 16), LLU((v & 0xffff) * 100 >> 16));
	}
	spin_lock(&tasklist_lock);
	u32 total = task_count;
	pid_t last = list_last_entry(&init_process->p_all, struct process, p_all)
			     ->p_pid; // of those that live
	spin_unlock(&tasklist_lock);
	proc_printf(t, "%u/%u %d\n", s.running, total, last);
	return 0;
}

// CPU time in use, all processes that still count somewhere: the living, and the dead through who
// waited for them.
static void sum_times(u64 *user, u64 *system, u32 *blocked)
{
	struct process *p = init_process;

	spin_lock(&tasklist_lock);
	do {
		struct task *t;
		u64 u = 0, s = 0;

		process_times_locked(p, &u, &s);
		*user += u + p->p_cutime;
		*system += s + p->p_cstime;
		list_for_each_entry (t, &p->p_threads, t_threads)
			*blocked += t->t_state == TASK_UNINTERRUPTIBLE ||
				    t->t_state == TASK_KILLABLE;
		p = list_next_entry(p, p_all);
	} while (p != init_process);
	spin_unlock(&tasklist_lock);
}

static void put_cpu(struct proc_text *t, const char *name, u64 user, u64 system, u64 idle)
{
	proc_printf(t, "%s %llu 0 %llu %llu 0 0 0 0 0 0\n", name, LLU(user / TICK_NS),
		    LLU(system / TICK_NS), LLU(idle / TICK_NS));
}

// A CPU's busy time is exact; how it splits into user and system is taken to be as in the whole
// system.
static int show_stat(struct proc_text *t, const struct proc_ref *r)
{
	struct sched_stats s;
	u64 now = clock_ns(), user = 0, system = 0, idle = 0, busy;
	u32 blocked = 0;

	(void)r;
	sched_stats(&s);
	sum_times(&user, &system, &blocked);
	for (u32 i = 0; i < cpu_count; i++)
		idle += MIN(s.idle_ns[i], now);
	busy = now * cpu_count - idle;
	u64 both = MAX(user + system, (u64)1),
	    share = (user >> 10) * 1000 / MAX(both >> 10, (u64)1); // per mille
	put_cpu(t, "cpu ", busy / 1000 * share, busy - busy / 1000 * share, idle);
	for (u32 i = 0; i < cpu_count; i++) {
		char name[8];
		u64 own = now - MIN(s.idle_ns[i], now);
		fmt_snprintf(name, sizeof(name), "cpu%u", i);
		put_cpu(t, name, own / 1000 * share, own - own / 1000 * share,
			MIN(s.idle_ns[i], now));
	}
	proc_printf(t, "ctxt %llu\nbtime %llu\nprocs_running %u\nprocs_blocked %u\n",
		    LLU(s.switches), LLU((time_realtime_ns() - now) / NSEC_PER_SEC),
		    MAX(s.running, 1u), blocked);
	return 0;
}

static int show_version(struct proc_text *t, const struct proc_ref *r)
{
	(void)r;
	proc_printf(t, UTS_SYSNAME " version " UTS_RELEASE " (postern) (" __VERSION__
				   ") " UTS_VERSION "\n");
	return 0;
}

static void show_type(const struct fs_type *type, void *arg)
{
	proc_printf(arg, "nodev\t%s\n", type->name);
}

static int show_filesystems(struct proc_text *t, const struct proc_ref *r)
{
	(void)r;
	fs_type_for_each(show_type, t);
	return 0;
}

static int show_cmdline(struct proc_text *t, const struct proc_ref *r)
{
	(void)r;
	proc_append(t, proc_cmdline, strlen(proc_cmdline));
	proc_append(t, "\n", 1);
	return 0;
}

static int show_devices(struct proc_text *t, const struct proc_ref *r)
{
	(void)r;
	proc_printf(t, "Character devices:\n  1 mem\n  4 ttyS\n  5 /dev/tty\n  5 /dev/console\n229 "
		       "hvc\n\nBlock devices:\n");
	return 0;
}

// --- links that depend on who looks ---

static long readlink_self(const struct proc_ref *r, char *buf, size_t size)
{
	(void)r;
	return MIN(fmt_scnprintf(buf, size, "%d", current->t_proc->p_pid), (int)size);
}

static long readlink_thread_self(const struct proc_ref *r, char *buf, size_t size)
{
	(void)r;
	return MIN(fmt_scnprintf(buf, size, "%d/task/%d", current->t_proc->p_pid, current->t_tid),
		   (int)size);
}

static long readlink_mounts(const struct proc_ref *r, char *buf, size_t size)
{
	(void)r;
	return MIN(fmt_scnprintf(buf, size, "self/mounts"), (int)size);
}

const struct proc_entry proc_root_static[] = {
	{.name = "self", .mode = S_IFLNK | 0777, .readlink = readlink_self},
	{.name = "thread-self", .mode = S_IFLNK | 0777, .readlink = readlink_thread_self},
	{.name = "mounts", .mode = S_IFLNK | 0777, .readlink = readlink_mounts},
	{.name = "cmdline", .mode = S_IFREG | 0444, .show = show_cmdline},
	{.name = "cpuinfo", .mode = S_IFREG | 0444, .show = show_cpuinfo},
	{.name = "devices", .mode = S_IFREG | 0444, .show = show_devices},
	{.name = "filesystems", .mode = S_IFREG | 0444, .show = show_filesystems},
	{.name = "loadavg", .mode = S_IFREG | 0444, .show = show_loadavg},
	{.name = "meminfo", .mode = S_IFREG | 0444, .show = show_meminfo},
	{.name = "stat", .mode = S_IFREG | 0444, .show = show_stat},
	{.name = "sys", .mode = S_IFDIR | 0555, .children = proc_sys_entries},
	{.name = "uptime", .mode = S_IFREG | 0444, .show = show_uptime},
	{.name = "version", .mode = S_IFREG | 0444, .show = show_version},
	{.name = NULL},
};

// SPDX-License-Identifier: MIT
// What /proc/PID and /proc/PID/task/TID hold. Anything that shows addresses or the inside of a
// process asks proc_access first.

#include "fs/proc.h"

#include "kern/files.h"
#include "kern/process.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "vm/mm.h"
#include "vm/slab.h"

#include <asm/errno.h>
#include <linux/resource.h>

#define AREA_MAX \
	(2u << 20) // arguments and environment are at most 6 MiB at exec; more than this is not
		   // shown

static int show_comm(struct proc_text *t, const struct proc_ref *r)
{
	struct task *task = proc_task(r);

	if (!task)
		return -ESRCH;
	proc_printf(t, "%s\n", task->t_name);
	task_put(task);
	return 0;
}

// A thread of the same process may rename it (proc(5), /proc/pid/comm).
static int write_comm(const struct proc_ref *r, const char *data, size_t n)
{
	struct task *task = proc_task(r);
	char name[TASK_NAME_LEN];
	int err = 0;

	if (!task)
		return -ESRCH;
	(void)n;
	str_copy(name, data, sizeof(name));
	if (task->t_proc == current->t_proc)
		task_set_name(task, name);
	else
		err = -EINVAL;
	task_put(task);
	return err;
}

// Appends [start, end) of an address space: bytes, as far as they are mapped.
static u64 append_memory(struct proc_text *t, struct mm *mm, u64 start, u64 end)
{
	u64 at = start;
	u8 *buf = kmalloc(PAGE_SIZE);

	if (!buf) {
		t->failed = true;
		return 0;
	}
	while (at < end) {
		size_t n = (size_t)MIN(end - at, (u64)PAGE_SIZE);
		long r = mm_access(mm, at, buf, n, false);

		if (r <= 0)
			break;
		proc_append(t, buf, (size_t)r);
		at += (u64)r;
	}
	kfree(buf);
	return at - start;
}

static int show_cmdline(struct proc_text *t, const struct proc_ref *r)
{
	struct mm *mm = proc_mm(r);

	if (!mm)
		return 0;
	u64 start = mm->mm_arg_start, end = mm->mm_arg_end, env_end = mm->mm_env_end;
	if (end > start && end - start <= AREA_MAX) {
		append_memory(t, mm, start, end);
		// A program that wrote a longer title over its arguments and environment has no NUL
		// at their border: then the title ends at the first one.
		if (t->len && t->buf[t->len - 1] && env_end > end && env_end - end <= AREA_MAX) {
			append_memory(t, mm, end, env_end);
			t->len = strnlen(t->buf, t->len);
		}
	}
	mm_put(mm);
	return 0;
}

static int show_environ(struct proc_text *t, const struct proc_ref *r)
{
	int err = proc_access(r);

	if (err)
		return err;
	struct mm *mm = proc_mm(r);
	if (!mm)
		return 0;
	if (mm->mm_env_end > mm->mm_env_start && mm->mm_env_end - mm->mm_env_start <= AREA_MAX)
		append_memory(t, mm, mm->mm_env_start, mm->mm_env_end);
	mm_put(mm);
	return 0;
}

static int show_auxv(struct proc_text *t, const struct proc_ref *r)
{
	int err = proc_access(r);

	if (err)
		return err;
	struct mm *mm = proc_mm(r);
	if (!mm)
		return 0;
	proc_append(t, mm->mm_auxv, MIN(mm->mm_auxv_bytes, (u32)sizeof(mm->mm_auxv)));
	mm_put(mm);
	return 0;
}

static int follow_exe(const struct proc_ref *r, struct path *out)
{
	int err = proc_access(r);

	if (err)
		return err;
	struct mm *mm = proc_mm(r);
	if (!mm)
		return -ENOENT;
	err = mm->mm_exe ? 0 : -ENOENT;
	if (!err) {
		*out = mm->mm_exe->f_path;
		path_get(out);
	}
	mm_put(mm);
	return err;
}

static int follow_cwd(const struct proc_ref *r, struct path *out)
{
	int err = proc_access(r);

	return err ? err : proc_fs_path(r, false, out);
}

static int follow_root(const struct proc_ref *r, struct path *out)
{
	int err = proc_access(r);

	return err ? err : proc_fs_path(r, true, out);
}

static const struct {
	u32 resource;
	const char *name, *unit;
} limits[] = {
	{RLIMIT_CPU, "Max cpu time", "seconds"},
	{RLIMIT_FSIZE, "Max file size", "bytes"},
	{RLIMIT_DATA, "Max data size", "bytes"},
	{RLIMIT_STACK, "Max stack size", "bytes"},
	{RLIMIT_CORE, "Max core file size", "bytes"},
	{RLIMIT_RSS, "Max resident set", "bytes"},
	{RLIMIT_NPROC, "Max processes", "processes"},
	{RLIMIT_NOFILE, "Max open files", "files"},
	{RLIMIT_MEMLOCK, "Max locked memory", "bytes"},
	{RLIMIT_AS, "Max address space", "bytes"},
	{RLIMIT_LOCKS, "Max file locks", "locks"},
	{RLIMIT_SIGPENDING, "Max pending signals", "signals"},
	{RLIMIT_MSGQUEUE, "Max msgqueue size", "bytes"},
	{RLIMIT_NICE, "Max nice priority", ""},
	{RLIMIT_RTPRIO, "Max realtime priority", ""},
	{RLIMIT_RTTIME, "Max realtime timeout", "us"},
};

static void show_limit(struct proc_text *t, u64 v)
{
	if (v == ~0ull)
		proc_printf(t, "%-20s ", "unlimited");
	else
		proc_printf(t, "%-20llu ", (unsigned long long)v);
}

static int show_limits(struct proc_text *t, const struct proc_ref *r)
{
	if (proc_process_gone(r->process))
		return -ESRCH;
	proc_printf(t, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (u32 i = 0; i < ARRAY_SIZE(limits); i++) {
		const struct rlimit *l = &r->process->p_rlimit[limits[i].resource];
		proc_printf(t, "%-25s ", limits[i].name);
		show_limit(t, READ_ONCE(l->rlim_cur));
		show_limit(t, READ_ONCE(l->rlim_max));
		proc_printf(t, limits[i].unit[0] ? "%-10s\n" : "%s\n", limits[i].unit);
	}
	return 0;
}

// --- /proc/PID/task ---

static int task_dir_lookup(const struct proc_ref *dir, const char *name, struct proc_ref *child)
{
	int tid = proc_parse_id(name);
	struct task *t = tid > 0 ? task_find(tid) : NULL;

	if (!t)
		return -ENOENT;
	if (t->t_proc != dir->process) {
		task_put(t);
		return -ENOENT;
	}
	*child = (struct proc_ref){&proc_task_entry, dir->process, t, 0};
	ref_get(&dir->process->p_ref);
	return 0;
}

static bool task_dir_next(const struct proc_ref *dir, u32 *cursor, struct proc_name *out)
{
	struct task *t;
	u32 best = ~0u;

	spin_lock(&tasklist_lock);
	list_for_each_entry (t, &dir->process->p_threads, t_threads)
		if ((u32)t->t_tid >= *cursor && (u32)t->t_tid < best)
			best = (u32)t->t_tid;
	spin_unlock(&tasklist_lock);
	if (best == ~0u)
		return false;
	*cursor = best;
	fmt_snprintf(out->name, sizeof(out->name), "%u", best);
	out->dtype = S_IFDIR >> 12;
	return true;
}

// --- the lists of names ---

#define COMMON                                                                                    \
	{.name = "stat", .mode = S_IFREG | 0444, .show = proc_show_stat},                         \
		{.name = "statm", .mode = S_IFREG | 0444, .show = proc_show_statm},               \
		{.name = "status", .mode = S_IFREG | 0444, .show = proc_show_status},             \
		{.name = "comm", .mode = S_IFREG | 0644, .show = show_comm, .write = write_comm}, \
		{.name = "cmdline", .mode = S_IFREG | 0444, .show = show_cmdline},                \
		{.name = "environ", .mode = S_IFREG | 0400, .show = show_environ},                \
		{.name = "auxv", .mode = S_IFREG | 0400, .show = show_auxv},                      \
		{.name = "maps", .mode = S_IFREG | 0444, .show = proc_show_maps},                 \
		{.name = "mem", .mode = S_IFREG | 0600, .fops = &proc_mem_ops},                   \
		{.name = "limits", .mode = S_IFREG | 0444, .show = show_limits},                  \
		{.name = "mounts",                                                                \
		 .mode = S_IFREG | 0444,                                                          \
		 .show = proc_show_mounts,                                                        \
		 .at_open = true},                                                                \
		{.name = "mountinfo",                                                             \
		 .mode = S_IFREG | 0444,                                                          \
		 .show = proc_show_mountinfo,                                                     \
		 .at_open = true},                                                                \
		{.name = "exe", .mode = S_IFLNK | 0777, .follow = follow_exe},                    \
		{.name = "cwd", .mode = S_IFLNK | 0777, .follow = follow_cwd},                    \
		{.name = "root", .mode = S_IFLNK | 0777, .follow = follow_root},                  \
		{.name = "fd",                                                                    \
		 .mode = S_IFDIR | 0500,                                                          \
		 .lookup = proc_fd_lookup,                                                        \
		 .next = proc_fd_next,                                                            \
		 .number_is_link = true},                                                         \
	{                                                                                         \
		.name = "fdinfo", .mode = S_IFDIR | 0555, .lookup = proc_fdinfo_lookup,           \
		.next = proc_fd_next                                                              \
	}

static const struct proc_entry task_names[] = {COMMON, {.name = NULL}};

static const struct proc_entry pid_names[] = {
	COMMON,
	{.name = "task", .mode = S_IFDIR | 0555, .lookup = task_dir_lookup, .next = task_dir_next},
	{.name = NULL},
};

const struct proc_entry proc_pid_entry = {
	.name = "", .mode = S_IFDIR | 0555, .children = pid_names};
const struct proc_entry proc_task_entry = {
	.name = "", .mode = S_IFDIR | 0555, .children = task_names};

// SPDX-License-Identifier: MIT
// procfs: a tree of static entries, of which some directories also have names that depend on the
// state of the system (processes, threads, descriptors). Texts are made whole at the first read and
// kept until the file is rewound.
#pragma once

#include "fs/vfs.h"
#include "kern/task.h"
#include "lib/types.h"

struct files;
struct mm;
struct proc_entry;

// Text that grows. `failed`: there was no memory; what is in it is then not shown.
struct proc_text {
	char *buf;
	size_t len, cap;
	bool failed;
};
void proc_printf(struct proc_text *t, const char *fmt, ...) PRINTF(2, 3);
void proc_append(struct proc_text *t, const void *data, size_t n);
// blanks until the text from `from` is that wide
void proc_pad(struct proc_text *t, size_t from, size_t width);
// A path or name with what `special` lists, and control characters, as \ooo (as Linux shows it).
void proc_append_escaped(struct proc_text *t, const char *s, const char *special);

// What an entry is about. The inode holds counted references of process and task.
struct proc_ref {
	const struct proc_entry *entry;
	struct process *process; // NULL outside of /proc/PID
	struct task *task;	 // NULL outside of /proc/PID/task/TID
	int number;		 // descriptor
};

// The next name that a directory makes up, for readdir.
struct proc_name {
	char name[16];
	u32 dtype;
};

struct proc_entry {
	const char *name;
	u32 mode; // type and permissions
	const struct proc_entry
		*children; // of a directory: static names, ended by one without name
	int (*show)(struct proc_text *t, const struct proc_ref *r); // a file's text: 0 or errno
	// a whole value: 0 or errno
	int (*write)(const struct proc_ref *r, const char *data, size_t n);
	long (*readlink)(const struct proc_ref *r, char *buf, size_t size);
	int (*follow)(const struct proc_ref *r, struct path *out); // a magic link's object, counted
	// Names that are made up. lookup: 0 with *child (references counted), -ENOENT. next: the
	// first name at or after *cursor, which is set to it; false: no more.
	int (*lookup)(const struct proc_ref *dir, const char *name, struct proc_ref *child);
	bool (*next)(const struct proc_ref *dir, u32 *cursor, struct proc_name *out);
	// The text is made at open, where no lock is held yet, and stays: for what takes locks that
	// come before a file's.
	bool at_open;
	bool number_is_link;	     // what next makes up are links
	const struct file_ops *fops; // instead of all that
};

extern const struct proc_entry proc_root_static[];		// fs/proc_system.c
extern const struct proc_entry proc_pid_entry, proc_task_entry; // fs/proc_pid.c
extern const struct proc_entry proc_sys_entries[];		// fs/proc_sys.c
// fs/proc_fd.c: the names inside fd and fdinfo
int proc_fd_lookup(const struct proc_ref *dir, const char *name, struct proc_ref *child);
int proc_fdinfo_lookup(const struct proc_ref *dir, const char *name, struct proc_ref *child);
bool proc_fd_next(const struct proc_ref *dir, u32 *cursor, struct proc_name *out);
const struct proc_ref *proc_inode_ref(const struct inode *i);

// A name that is a number in Linux's eyes: decimal, no leading zero. -1 otherwise.
int proc_parse_id(const char *name);

// --- other tasks' things, taken under tasklist_lock (fs/proc_task.c) ---
// The thread that an entry is about (of a process: its leader), counted; NULL: it is gone.
struct task *proc_task(const struct proc_ref *r);
struct mm *proc_mm(const struct proc_ref *r);	    // counted; NULL: none (any more)
struct files *proc_files(const struct proc_ref *r); // counted; NULL
// cwd or root, counted; -ENOENT
int proc_fs_path(const struct proc_ref *r, bool root, struct path *out);
// May current look into that process (ptrace(2), "Ptrace access mode checking", the part about
// ids)? 0, -EACCES, -ESRCH
int proc_access(const struct proc_ref *r);
bool proc_process_gone(const struct process *p); // reaped; a hint without a lock

// fs/proc_pid.c, fs/proc_stat.c, fs/proc_maps.c, fs/proc_mounts.c
int proc_show_stat(struct proc_text *t, const struct proc_ref *r);
int proc_show_statm(struct proc_text *t, const struct proc_ref *r);
int proc_show_status(struct proc_text *t, const struct proc_ref *r);
int proc_show_maps(struct proc_text *t, const struct proc_ref *r);
int proc_show_mounts(struct proc_text *t, const struct proc_ref *r);
int proc_show_mountinfo(struct proc_text *t, const struct proc_ref *r);
extern const struct file_ops proc_mem_ops;

void proc_init(const char *cmdline); // registers the type; the command line must stay
extern const char *proc_cmdline;

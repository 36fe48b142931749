// SPDX-License-Identifier: MIT
// /proc/PID/fd and fdinfo: a name for each open descriptor.

#include "fs/proc.h"

#include "kern/files.h"
#include "lib/bitmap.h"
#include "lib/fmt.h"

#include <asm/errno.h>

// The file behind descriptor n of that process, counted; NULL.
static struct file *file_of(const struct proc_ref *r, int n, bool *cloexec)
{
	struct files *fs = proc_files(r);
	struct file *f = NULL;

	if (!fs)
		return NULL;
	spin_lock(&fs->fs_lock);
	if (n >= 0 && (u32)n < fs->fs_max && bitmap_test(fs->fs_open, (size_t)n))
		f = fs->fs_fd[n];
	if (f) {
		file_get(f);
		*cloexec = bitmap_test(fs->fs_cloexec, (size_t)n);
	}
	spin_unlock(&fs->fs_lock);
	files_put(fs);
	return f;
}

static int fd_follow(const struct proc_ref *r, struct path *out)
{
	bool cloexec;
	int err = proc_access(r);

	if (err)
		return err;
	struct file *f = file_of(r, r->number, &cloexec);
	if (!f)
		return -ENOENT;
	*out = f->f_path;
	path_get(out);
	file_put(f);
	return 0;
}

static int fdinfo_show(struct proc_text *t, const struct proc_ref *r)
{
	bool cloexec;
	int err = proc_access(r);

	if (err)
		return err;
	struct file *f = file_of(r, r->number, &cloexec);
	if (!f)
		return -ENOENT;
	proc_printf(t, "pos:\t%lld\nflags:\t0%o\nmnt_id:\t%u\nino:\t%llu\n", (long long)f->f_pos,
		    f->f_flags | (cloexec ? O_CLOEXEC : 0), f->f_path.mnt->mnt_id,
		    (unsigned long long)f->f_inode->i_ino);
	file_put(f);
	return 0;
}

// The link's own mode shows how the file is open (proc(5), /proc/pid/fd), by FMODE_READ |
// FMODE_WRITE.
static const struct proc_entry fd_entries[4] = {
	{.name = "", .mode = S_IFLNK | 0100, .follow = fd_follow},
	{.name = "", .mode = S_IFLNK | 0500, .follow = fd_follow},
	{.name = "", .mode = S_IFLNK | 0300, .follow = fd_follow},
	{.name = "", .mode = S_IFLNK | 0700, .follow = fd_follow},
};
static const struct proc_entry fdinfo_entry = {
	.name = "", .mode = S_IFREG | 0444, .show = fdinfo_show};

// entry NULL: a link, by the file's mode.
static int lookup(const struct proc_ref *dir, const char *name, const struct proc_entry *entry,
		  struct proc_ref *child)
{
	int n = proc_parse_id(name);
	bool cloexec;

	if (n < 0 || proc_access(dir))
		return -ENOENT;
	struct file *f = file_of(dir, n, &cloexec);
	if (!f)
		return -ENOENT;
	if (!entry)
		entry = &fd_entries[f->f_mode & (FMODE_READ | FMODE_WRITE)];
	file_put(f);
	*child = (struct proc_ref){entry, dir->process, dir->task, n};
	if (child->process)
		ref_get(&child->process->p_ref);
	if (child->task)
		task_get(child->task);
	return 0;
}

int proc_fd_lookup(const struct proc_ref *dir, const char *name, struct proc_ref *child)
{
	return lookup(dir, name, NULL, child);
}

int proc_fdinfo_lookup(const struct proc_ref *dir, const char *name, struct proc_ref *child)
{
	return lookup(dir, name, &fdinfo_entry, child);
}

bool proc_fd_next(const struct proc_ref *dir, u32 *cursor, struct proc_name *out)
{
	struct files *fs = proc_access(dir) ? NULL : proc_files(dir);
	bool found = false;

	if (!fs)
		return false;
	spin_lock(&fs->fs_lock);
	// A reserved slot has no file yet.
	for (size_t n = *cursor; !found && n < fs->fs_max; n++) {
		n = bitmap_find_set(fs->fs_open, fs->fs_max, n);
		if (n < fs->fs_max && fs->fs_fd[n]) {
			*cursor = (u32)n;
			found = true;
		}
	}
	spin_unlock(&fs->fs_lock);
	files_put(fs);
	fmt_snprintf(out->name, sizeof(out->name), "%u", *cursor);
	out->dtype = (dir->entry->number_is_link ? S_IFLNK : S_IFREG) >> 12;
	return found;
}

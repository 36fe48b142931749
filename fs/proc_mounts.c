// SPDX-License-Identifier: MIT
// /proc/PID/mounts and mountinfo: the mounts that the process can see, which are those below its
// root.

#include "fs/proc.h"

#include "lib/string.h"
#include "vm/slab.h"

#include <asm/errno.h>
#include <linux/mount.h>

#define SPECIAL " \t\\" // and newline: what fstab's format cannot hold

struct mounts_walk {
	struct proc_text *text;
	struct path root;
	char *buf;
	bool info;
};

// In Linux's order.
static const struct {
	u32 flag;
	const char *name;
} options[] = {
	{MS_NOSUID, ",nosuid"},	  {MS_NODEV, ",nodev"},		  {MS_NOEXEC, ",noexec"},
	{MS_NOATIME, ",noatime"}, {MS_NODIRATIME, ",nodiratime"},
};

static void show_options(struct proc_text *t, u32 flags)
{
	proc_printf(t, flags & MS_RDONLY ? "ro" : "rw");
	for (u32 i = 0; i < ARRAY_SIZE(options); i++)
		if (flags & options[i].flag)
			proc_printf(t, "%s", options[i].name);
	if (!(flags & (MS_NOATIME | MS_STRICTATIME)))
		proc_printf(t, ",relatime");
}

// Where in its own file system a directory is: not "/" for a bind mount. buf: PATH_MAX_LEN bytes.
static const char *path_inside(const struct dentry *d, char *buf)
{
	char *at = buf + PATH_MAX_LEN - 1;

	*at = '\0';
	spin_lock(&dcache_lock);
	for (; d->d_parent != d && at - buf > d->d_name_len; d = d->d_parent) {
		at -= d->d_name_len;
		memcpy(at, d->d_name, d->d_name_len);
		*--at = '/';
	}
	spin_unlock(&dcache_lock);
	return *at ? at : "/";
}

static void show_mount(const struct mount *m, void *arg)
{
	struct mounts_walk *w = arg;
	struct proc_text *t = w->text;
	struct path at = {(struct mount *)m, m->mnt_root};
	const char *where = path_text(&at, &w->root, w->buf, PATH_MAX_LEN);
	const char *source = m->mnt_source[0] ? m->mnt_source : "none";

	if (!where || str_starts(where, "(unreachable)"))
		return;
	if (w->info) {
		// A bind mount shows another directory than the file system's root there.
		const kdev dev = m->mnt_super->s_dev;
		proc_printf(t, "%u %u %u:%u ", m->mnt_id,
			    m->mnt_parent ? m->mnt_parent->mnt_id : m->mnt_id, KDEV_MAJOR(dev),
			    KDEV_MINOR(dev));
		proc_append_escaped(t, path_inside(m->mnt_root, w->buf + PATH_MAX_LEN), SPECIAL);
		proc_printf(t, " ");
		proc_append_escaped(t, where, SPECIAL);
		proc_printf(t, " ");
		show_options(t, m->mnt_flags);
		proc_printf(t, " - %s ", m->mnt_super->s_type);
		proc_append_escaped(t, source, SPECIAL);
		proc_printf(t, m->mnt_flags & MS_RDONLY ? " ro\n" : " rw\n");
		return;
	}
	proc_append_escaped(t, source, SPECIAL);
	proc_printf(t, " ");
	proc_append_escaped(t, where, SPECIAL);
	proc_printf(t, " %s ", m->mnt_super->s_type);
	show_options(t, m->mnt_flags);
	proc_printf(t, " 0 0\n");
}

static int show_all(struct proc_text *t, const struct proc_ref *r, bool info)
{
	struct mounts_walk w = {.text = t, .info = info};
	int err = proc_fs_path(r, true, &w.root);

	if (err)
		return err;
	w.buf = kmalloc(2 * PATH_MAX_LEN); // two paths
	if (w.buf)
		mount_for_each(show_mount, &w);
	path_put(&w.root);
	kfree(w.buf);
	return w.buf ? 0 : -ENOMEM;
}

int proc_show_mounts(struct proc_text *t, const struct proc_ref *r)
{
	return show_all(t, r, false);
}

int proc_show_mountinfo(struct proc_text *t, const struct proc_ref *r)
{
	return show_all(t, r, true);
}

// SPDX-License-Identifier: MIT
/*
 * Paths as pairs of mount and dentry: their counts, their text, and what a mount's flags permit.
 */
#include "fs/vfs.h"
#include "lib/string.h"

#include <linux/errno.h>
#include <linux/mount.h>

void path_get(const struct path *p)
{
	mount_get(p->mnt);
	dentry_get(p->dentry);
}

void path_put(const struct path *p)
{
	dentry_put(p->dentry);
	mount_put(p->mnt);
}

bool mount_readonly(const struct mount *m)
{
	return m->mnt_flags & MS_RDONLY;
}

int path_permission(const struct path *p, u32 may)
{
	struct inode *i = p->dentry->d_inode;
	u32 mode = i->i_mode;

	/* Pipes and devices may be written to on a read-only file system: nothing of it changes. */
	if (may & MAY_WRITE && mount_readonly(p->mnt) &&
	    (S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode)))
		return -EROFS;
	if (may & MAY_EXEC && S_ISREG(mode) && p->mnt->mnt_flags & MS_NOEXEC)
		return -EACCES;
	return inode_permission(p->dentry->d_inode, may);
}

/* Text is built from the end of a buffer to its front. */
struct text {
	char *start, *at;
};

static bool prepend(struct text *t, const char *s, size_t len)
{
	if ((size_t)(t->at - t->start) < len)
		return false;
	t->at -= len;
	memcpy(t->at, s, len);
	return true;
}

/* dcache_lock held. -ENAMETOOLONG; 1 when the way up ended elsewhere than at `root`. */
static int prepend_path(struct text *t, const struct path *p, const struct path *root)
{
	const struct dentry *d = p->dentry;
	const struct mount *m = p->mnt;
	bool any = false;
	int stray = 0;

	while (!root || d != root->dentry || m != root->mnt) {
		if (d == m->mnt_root) {
			if (!m->mnt_parent) {
				stray = root != NULL;
				break;
			}
			d = m->mnt_mountpoint;
			m = m->mnt_parent;
			continue;
		}
		if (d->d_parent == d) {
			stray = 1;
			break;
		}
		if (!prepend(t, d->d_name, d->d_name_len) || !prepend(t, "/", 1))
			return -ENAMETOOLONG;
		any = true;
		d = d->d_parent;
	}
	if (!any && !prepend(t, "/", 1))
		return -ENAMETOOLONG;
	return stray;
}

char *path_text(const struct path *p, const struct path *root, char *buf, size_t size)
{
	static const char deleted[] = " (deleted)", unreachable[] = "(unreachable)";
	const struct dentry *d = p->dentry;
	struct text t = {buf, buf + size};
	bool ok = prepend(&t, "", 1);
	int r;

	spin_lock(&dcache_lock);
	if (d->d_super->s_flags & SUPER_PSEUDO) {
		ok = ok && prepend(&t, d->d_name, d->d_name_len);
		spin_unlock(&dcache_lock);
		return ok ? t.at : NULL;
	}
	if (d->d_unhashed && d->d_parent != d)
		ok = ok && prepend(&t, deleted, sizeof(deleted) - 1);
	r = ok ? prepend_path(&t, p, root) : -ENAMETOOLONG;
	spin_unlock(&dcache_lock);
	if (r == 1 && !prepend(&t, unreachable, sizeof(unreachable) - 1))
		r = -ENAMETOOLONG;
	return r < 0 ? NULL : t.at;
}

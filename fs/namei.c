// SPDX-License-Identifier: MIT
/*
 * From a name to a path. As long as names are cached, a walk runs under dcache_lock alone and
 * counts nothing on its way: one lock and one reference for the whole path. It leaves the lock,
 * with a reference on where it is, only to ask a file system or to read a symbolic link. Links are
 * spliced into the text: no recursion, and at most 40 of them.
 */
#include "fs/namei.h"
#include "fs/dcache.h"
#include "kern/task.h"
#include "lib/string.h"
#include "vm/slab.h"

#include <linux/errno.h>

static struct slab_cache name_slab = SLAB_CACHE_SIZED(name_slab, "name", PATH_MAX_LEN, sizeof(u64));

char *name_alloc(void)
{
	return slab_alloc(&name_slab);
}

void name_free(char *name)
{
	slab_free(&name_slab, name);
}

/* --- where it starts --- */

/* A context that no other task shares changes only by current itself: its paths may be borrowed. */
static void context_path(const struct path *p, struct path *out, bool *counted)
{
	struct fsctx *x = current->t_fs;

	if (unlikely(!x || !p->mnt)) {
		mount_root_path(out); /* before there is a first process */
		*counted = true;
		return;
	}
	*counted = __atomic_load_n(&x->x_ref.r_n, __ATOMIC_ACQUIRE) != 1;
	if (*counted)
		spin_lock(&x->x_lock);
	*out = *p;
	if (*counted) {
		path_get(out);
		spin_unlock(&x->x_lock);
	}
}

static int begin_at_descriptor(struct walk *w, int dirfd, bool empty)
{
	w->fd = fd_get_path(dirfd);
	if (!w->fd.file)
		return -EBADF;
	w->start = w->fd.file->f_path;
	if (!empty && !S_ISDIR(w->fd.file->f_inode->i_mode))
		return -ENOTDIR;
	return 0;
}

int walk_begin(struct walk *w, int dirfd, const char *name, u32 flags, const struct cred *c)
{
	struct fsctx *x = current->t_fs;
	bool scoped = flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT);
	int err = 0;

	*w = (struct walk){.rest = name, .flags = flags, .cred = c};
	if (!*name && !(flags & LOOKUP_EMPTY))
		return -ENOENT;
	if (*name == '/' && flags & LOOKUP_BENEATH)
		return -EXDEV;
	if (!scoped)
		context_path(x ? &x->x_root : NULL, &w->root, &w->root_counted);
	if (*name == '/' && !scoped)
		w->start = w->root;
	else if (dirfd == AT_FDCWD)
		context_path(x ? &x->x_cwd : NULL, &w->start, &w->start_counted);
	else
		err = begin_at_descriptor(w, dirfd, !*name);
	if (scoped)
		w->root = w->start;
	w->at = w->start;
	return err;
}

void walk_end(struct walk *w)
{
	if (w->found)
		dentry_put(w->found);
	if (w->at_counted)
		path_put(&w->at);
	if (w->root_counted)
		path_put(&w->root);
	if (w->start_counted)
		path_put(&w->start);
	if (w->fd.file)
		fd_put(w->fd);
	if (w->buf_large)
		kfree(w->buf);
	else if (w->buf)
		name_free(w->buf);
}

/* --- one component, dcache_lock held --- */

enum step { STEP_DONE, STEP_LAST, STEP_MISS, STEP_LINK };

/* Through what is mounted on p, and on that, and so on. */
static NOINLINE int cross_mounts(const struct walk *w, struct path *p)
{
	while (p->dentry->d_mounted) {
		struct mount *m = mount_child(p->mnt, p->dentry);

		if (!m)
			break;
		if (w->flags & LOOKUP_NO_XDEV)
			return -EXDEV;
		p->mnt = m;
		p->dentry = m->mnt_root;
	}
	return 0;
}

static inline int cross_down(const struct walk *w, struct path *p)
{
	return unlikely(p->dentry->d_mounted) ? cross_mounts(w, p) : 0;
}

static NOINLINE int step_up(struct walk *w)
{
	struct path *at = &w->at;

	for (;;) {
		if (at->dentry == w->root.dentry && at->mnt == w->root.mnt) {
			if (w->flags & LOOKUP_BENEATH)
				return -EXDEV;
			break;
		}
		if (at->dentry != at->mnt->mnt_root) {
			at->dentry = at->dentry->d_parent;
			break;
		}
		if (!at->mnt->mnt_parent)
			break;
		if (w->flags & LOOKUP_NO_XDEV)
			return -EXDEV;
		at->dentry = at->mnt->mnt_mountpoint;
		at->mnt = at->mnt->mnt_parent;
	}
	return cross_down(w, at);
}

/* All may search most directories: anything else is looked at closely. */
static inline int may_search(const struct walk *w, struct inode *dir)
{
	if (likely((dir->i_mode & (S_IFMT | 0111)) == (S_IFDIR | 0111)))
		return 0;
	return S_ISDIR(dir->i_mode) ? inode_access(dir, MAY_EXEC, w->cred) : -ENOTDIR;
}

static inline int component_type(const struct component *c)
{
	if (likely(c->name[0] != '.') || c->len > 2)
		return LAST_NORMAL;
	if (c->len == 1)
		return LAST_DOT;
	return c->name[1] == '.' ? LAST_DOTDOT : LAST_NORMAL;
}

/* Is there no component behind p but slashes? */
static inline bool ends_here(const char *p)
{
	while (*p == '/')
		p++;
	return !*p;
}

/* Stops at the component, for what walk_run does about it. */
static int stop_at(struct walk *w, const struct component *c, int type, int step)
{
	w->name = w->rest = c->name;
	w->len = c->len;
	w->type = type;
	w->trailing_slash = c->name[c->len] == '/';
	return c->len > NAME_MAX_LEN ? -ENAMETOOLONG : step;
}

/* d is a link that is to be followed: it is counted, and what is left begins behind its name. */
static int stop_at_link(struct walk *w, const struct component *c, struct dentry *d)
{
	if (!w->found) {
		dentry_get(d);
		w->found = d;
	}
	w->rest = c->name + c->len;
	w->name = NULL; /* no last component: see walk_follow */
	return STEP_LINK;
}

/* The child of w->at that c names, which no cached dentry is. */
static int step_unknown(struct walk *w, const struct component *c)
{
	int r = stop_at(w, c, LAST_NORMAL, STEP_MISS);

	return r == STEP_MISS && w->at.dentry->d_super->s_flags & SUPER_CACHE_IS_ALL ? -ENOENT : r;
}

static inline int step_into(struct walk *w, const struct component *c)
{
	struct dentry *d = w->found;
	u32 mode;

	if (likely(!d))
		d = component_find(c, w->at.dentry);
	if (unlikely(!d))
		return step_unknown(w, c);
	if (unlikely((d->d_flags & (DENTRY_USED | DENTRY_CHECK)) != DENTRY_USED) && !w->found &&
	    !dentry_true(d))
		return step_unknown(w, c);
	if (!d->d_inode)
		return -ENOENT;
	mode = d->d_inode->i_mode;
	if (unlikely(S_ISLNK(mode)) &&
	    (w->flags & LOOKUP_FOLLOW || c->name[c->len] == '/' || !ends_here(c->name + c->len)))
		return stop_at_link(w, c, d);
	w->at.dentry = d;
	return cross_down(w, &w->at);
}

/* Runs until the path ends or something must be asked for. Negative: errno. */
static int walk_cached(struct walk *w)
{
	const char *p = w->rest;
	struct component c;
	int r, type;

	for (;;) {
		if (*p == '/') {
			w->need_dir = true;
			do
				p++;
			while (*p == '/');
		}
		if (!*p) {
			w->rest = p;
			w->type = LAST_ROOT;
			return w->parent ? STEP_LAST : STEP_DONE;
		}
		r = may_search(w, w->at.dentry->d_inode);
		if (unlikely(r))
			return r;
		component_scan(&c, w->at.dentry, p);
		p += c.len;
		type = component_type(&c);
		if (w->parent && ends_here(p))
			return stop_at(w, &c, type, STEP_LAST);
		w->need_dir = false;
		if (unlikely(type == LAST_DOT))
			continue;
		r = likely(type == LAST_NORMAL) ? step_into(w, &c) : step_up(w);
		if (unlikely(r))
			return r;
		if (unlikely(w->found)) {
			/* It was the answer to a miss: walk_run drops its reference once w->at has
			 * one. */
			w->rest = p;
			return STEP_MISS;
		}
	}
}

/* --- without the lock --- */

/* Puts the link's text before what is left of the path. */
static int splice(struct walk *w, char *text, size_t n)
{
	size_t rest = strlen(w->rest);
	char *buf = text;
	bool large = n + rest + 1 > PATH_MAX_LEN;

	if (large) {
		buf = kmalloc(n + rest + 1);
		if (!buf) {
			name_free(text);
			return -ENOMEM;
		}
		memcpy(buf, text, n);
	}
	memcpy(buf + n, w->rest, rest + 1);
	if (large)
		name_free(text);
	if (w->buf_large)
		kfree(w->buf);
	else if (w->buf)
		name_free(w->buf);
	w->buf = buf;
	w->buf_large = large;
	w->rest = buf;
	return 0;
}

/* w->at becomes *p, whose reference is taken over. */
static void stand_on(struct walk *w, const struct path *p)
{
	struct path old = w->at;
	bool counted = w->at_counted;

	w->at = *p;
	w->at_counted = true;
	if (counted)
		path_put(&old);
}

static int follow_text(struct walk *w, struct inode *link)
{
	char *text = name_alloc();
	int n;

	if (!text)
		return -ENOMEM;
	n = link->i_ops->readlink ? link->i_ops->readlink(link, text, PATH_MAX_LEN - 1) : -EINVAL;
	if (n <= 0) {
		name_free(text);
		return n ? n : -ENOENT;
	}
	text[n] = '\0';
	if (text[0] == '/') {
		if (w->flags & LOOKUP_BENEATH ||
		    (w->flags & LOOKUP_NO_XDEV && w->root.mnt != w->at.mnt)) {
			name_free(text);
			return -EXDEV;
		}
		path_get(&w->root);
		stand_on(w, &w->root);
	}
	return splice(w, text, (size_t)n);
}

/* /proc's links go straight to an object, whatever its name. */
static int follow_magic(struct walk *w, struct inode *link)
{
	struct path to;
	int err;

	if (w->flags & LOOKUP_NO_MAGIC)
		return -ELOOP;
	if (w->flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT))
		return -EXDEV;
	err = link->i_ops->follow(link, &to);
	if (err)
		return err;
	if (w->flags & LOOKUP_NO_XDEV && to.mnt != w->at.mnt) {
		path_put(&to);
		return -EXDEV;
	}
	stand_on(w, &to);
	return 0;
}

int walk_follow(struct walk *w, struct dentry *link)
{
	struct inode *i = link->d_inode;
	int err;

	if (w->rest == w->name)
		w->rest = w->name + w->len; /* a last component: what is left are its slashes */
	if (++w->links > SYMLINK_DEPTH_MAX || w->flags & LOOKUP_NO_SYMLINKS)
		err = -ELOOP;
	else if (i->i_ops->follow)
		err = follow_magic(w, i);
	else
		err = follow_text(w, i);
	dentry_put(link);
	return err;
}

/* Asks the file system for w->name: w->found. */
static int ask(struct walk *w)
{
	struct inode *dir = w->at.dentry->d_inode;
	int err;

	mutex_lock(&dir->i_lock);
	err = dentry_lookup(w->at.dentry, w->name, w->len, &w->found);
	mutex_unlock(&dir->i_lock);
	return err;
}

int walk_run(struct walk *w)
{
	for (;;) {
		struct path old = w->at;
		bool old_counted = w->at_counted;
		struct dentry *used = w->found, *link = NULL;
		int r;

		spin_lock(&dcache_lock);
		r = walk_cached(w);
		path_get(&w->at);
		w->at_counted = true;
		spin_unlock(&dcache_lock);
		if (old_counted)
			path_put(&old);
		if (r == STEP_LINK) {
			link = w->found;
			w->found = NULL;
			r = walk_follow(w, link);
			if (r)
				return r;
			continue;
		}
		if (used) {
			w->found = NULL;
			dentry_put(used);
			if (r == STEP_MISS)
				continue;
		}
		if (r == STEP_MISS) {
			r = ask(w);
			if (!r)
				continue;
		}
		if (r < 0)
			return r;
		if (r == STEP_DONE && (w->need_dir || w->flags & LOOKUP_DIRECTORY) &&
		    !S_ISDIR(w->at.dentry->d_inode->i_mode))
			return -ENOTDIR;
		return 0;
	}
}

int walk_lock_last(struct walk *w, struct dentry **out)
{
	struct inode *dir = w->at.dentry->d_inode;
	int err;

	mutex_lock(&dir->i_lock);
	err = dentry_lookup(w->at.dentry, w->name, w->len, out);
	if (err)
		mutex_unlock(&dir->i_lock);
	return err;
}

void walk_unlock(struct walk *w)
{
	mutex_unlock(&w->at.dentry->d_inode->i_lock);
}

void walk_cross(const struct walk *w, struct dentry *d, struct path *out)
{
	out->mnt = w->at.mnt;
	out->dentry = d;
	spin_lock(&dcache_lock);
	(void)cross_down(w, out); /* LOOKUP_NO_XDEV: stays below */
	path_get(out);
	spin_unlock(&dcache_lock);
}

/* --- the plain cases --- */

int path_lookup_cred(int dirfd, const char *name, u32 flags, const struct cred *c, struct path *out)
{
	struct walk w;
	int err = walk_begin(&w, dirfd, name, flags, c);

	if (!err)
		err = walk_run(&w);
	if (!err) {
		*out = w.at;
		w.at_counted = false; /* it goes with *out */
	}
	walk_end(&w);
	return err;
}

int path_lookup(int dirfd, const char *name, u32 flags, struct path *out)
{
	return path_lookup_cred(dirfd, name, flags, cred_current(), out);
}

int path_lookup_parent(int dirfd, const char *name, u32 flags, struct last_component *out)
{
	struct walk w;
	int err = walk_begin(&w, dirfd, name, flags, cred_current());

	w.parent = true;
	if (!err)
		err = walk_run(&w);
	out->dentry = NULL;
	out->type = w.type;
	out->trailing_slash = w.trailing_slash;
	if (!err && w.type == LAST_NORMAL)
		err = walk_lock_last(&w, &out->dentry);
	if (!err) {
		out->parent = w.at;
		w.at_counted = false;
	}
	walk_end(&w);
	return err;
}

void path_lookup_parent_done(struct last_component *lc)
{
	if (lc->dentry) {
		mutex_unlock(&lc->parent.dentry->d_inode->i_lock);
		dentry_put(lc->dentry);
	}
	path_put(&lc->parent);
}

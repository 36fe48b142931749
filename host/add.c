// SPDX-License-Identifier: MIT
// What is added to the guest's root from the host: --add, and PROGRAM itself. Directories are
// walked with a work list, parents before what is in them, names sorted so that a run can be
// repeated.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "host/root.h"
#include "host/say.h"

static void addition_push(struct root *r, const struct root_addition *d)
{
	struct tree_node n = {
		.mode = d->mode, .target = d->target, .host = d->host, .size = d->size};

	if ((r->addition_count & (r->addition_count - 1)) == 0)
		r->additions = mem_resize(r->additions,
					  (r->addition_count ? r->addition_count * 2 : 1) *
						  sizeof(*r->additions));
	r->additions[r->addition_count++] = *d;
	tree_add(&r->tree, d->guest, &n);
	r->bytes += d->size;
	if (r->bytes > r->bytes_max)
		fail(STATUS_FAILURE,
		     "%s: the initial file system is larger than the guest's memory: "
		     "give more with --mem",
		     d->host ? d->host : d->guest);
}

// Directories above `guest` that the root doesn't hold yet, as root's own, mode 0755.
static void add_parents(struct root *r, const char *guest)
{
	char *path = mem_strdup(guest);

	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		struct tree_node *n;

		*p = '\0';
		int err = tree_find(&r->tree, path, &n, NULL);
		if (err == -ENOENT) {
			struct root_addition d = {.guest = mem_strdup(path),
						  .mode = S_IFDIR | 0755};

			addition_push(r, &d);
		} else if (err || (n && !S_ISDIR(n->mode))) {
			fail(STATUS_FAILURE,
			     "can't add %s: %s is not a directory in the root archive", guest,
			     path);
		}
		*p = '/';
	}
	free(path);
}

static char *link_target(const char *host, off_t size)
{
	char *target = mem_alloc((size_t)size + PATH_MAX);
	ssize_t n = readlink(host, target, (size_t)size + PATH_MAX - 1);

	if (n < 0)
		fail(STATUS_FAILURE, "%s: %s", host, strerror(errno));
	target[n] = '\0';
	return target;
}

// Adds one name with the stat that the caller made. False: a kind that can't be carried over.
static bool add_one(struct root *r, const char *host, const char *guest, const struct stat *st)
{
	struct root_addition d = {
		.host = mem_strdup(host),
		.guest = mem_strdup(guest),
		.mode = st->st_mode,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.mtime = (uint32_t)st->st_mtime,
	};

	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		if (access(host, R_OK) < 0)
			fail(STATUS_FAILURE, "can't add %s: %s", host, strerror(errno));
		d.size = (uint64_t)st->st_size;
		break;
	case S_IFLNK:
		d.target = link_target(host, st->st_size);
		d.size = strlen(d.target);
		break;
	case S_IFCHR:
	case S_IFBLK:
		d.rdev_major = major(st->st_rdev);
		d.rdev_minor = minor(st->st_rdev);
		break;
	case S_IFDIR:
	case S_IFIFO:
		break;
	default: // a socket means nothing without the process behind it
		free(d.host);
		free(d.guest);
		return false;
	}
	addition_push(r, &d);
	return true;
}

void root_add_file(struct root *r, const char *host, const char *guest)
{
	struct stat st;

	if (stat(host, &st) < 0)
		fail(STATUS_FAILURE, "can't add %s: %s", host, strerror(errno));
	add_parents(r, guest);
	add_one(r, host, guest, &st);
}

struct work {
	char *host, *guest;
};

struct work_list {
	struct work *v;
	size_t n;
};

static void work_push(struct work_list *l, char *host, char *guest)
{
	if ((l->n & (l->n - 1)) == 0)
		l->v = mem_resize(l->v, (l->n ? l->n * 2 : 1) * sizeof(*l->v));
	l->v[l->n++] = (struct work){host, guest};
}

static void push_children(struct work_list *l, const char *host, const char *guest)
{
	struct dirent **names;
	int n = scandir(host, &names, NULL, alphasort);

	if (n < 0)
		fail(STATUS_FAILURE, "can't add %s: %s", host, strerror(errno));
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;

		if (strcmp(name, ".") && strcmp(name, ".."))
			work_push(l, mem_printf("%s/%s", host, name),
				  mem_printf("%s/%s", strcmp(guest, "/") ? guest : "", name));
		free(names[i]);
	}
	free(names);
}

// The top name is followed when it is a symlink (as cp -H does); below it symlinks are kept.
static void add_recursively(struct root *r, const char *host, const char *guest)
{
	struct work_list l = {0};
	struct stat st;

	work_push(&l, mem_strdup(host), mem_strdup(guest));
	for (size_t i = 0; i < l.n; i++) {
		struct work w = l.v[i];

		if ((i ? lstat(w.host, &st) : stat(w.host, &st)) < 0)
			fail(STATUS_FAILURE, "can't add %s: %s", w.host, strerror(errno));
		if (strcmp(w.guest, "/") && !add_one(r, w.host, w.guest, &st))
			say("%s is a socket: not added", w.host);
		if (S_ISDIR(st.st_mode))
			push_children(&l, w.host, w.guest);
		else if (!strcmp(w.guest, "/"))
			fail(STATUS_FAILURE, "--add %s: only a directory can be added as /", host);
		free(w.host);
		free(w.guest);
	}
	free(l.v);
}

// Removes `.`, `..` and doubled slashes by their text alone; `path` is absolute.
static char *path_clean(const char *path)
{
	char *out = mem_alloc(strlen(path) + 2);
	size_t n = 0;

	for (const char *p = path; *(p += strspn(p, "/"));) {
		size_t len = strcspn(p, "/");

		if (len == 2 && p[0] == '.' && p[1] == '.') {
			while (n && out[--n] != '/')
				;
		} else if (len != 1 || p[0] != '.') {
			out[n++] = '/';
			memcpy(out + n, p, len);
			n += len;
		}
		p += len;
	}
	if (!n)
		out[n++] = '/';
	out[n] = '\0';
	return out;
}

char *path_absolute(const char *path)
{
	char cwd[PATH_MAX] = "";

	if (path[0] == '/')
		return path_clean(path);
	if (!getcwd(cwd, sizeof(cwd)))
		fail(STATUS_FAILURE, "the current directory: %s", strerror(errno));
	char *joined = mem_printf("%s/%s", cwd, path);
	char *clean = path_clean(joined);
	free(joined);
	return clean;
}

void root_add_option(struct root *r, const char *arg)
{
	struct stat st;
	char *host = mem_strdup(arg);
	const char *colon = strrchr(arg, ':');
	char *guest;

	// A file whose own name has a colon needs no escaping: it exists.
	if (colon && lstat(arg, &st) < 0) {
		host[colon - arg] = '\0';
		if (colon[1] != '/')
			fail(STATUS_FAILURE, "--add %s: the guest's path must begin with /", arg);
		guest = path_clean(colon + 1);
	} else {
		guest = path_absolute(host);
	}
	if (!*host)
		fail(STATUS_FAILURE, "--add %s: give HOST or HOST:GUEST", arg);
	if (stat(host, &st) < 0)
		fail(STATUS_FAILURE, "can't add %s: %s", host, strerror(errno));
	// As cp: a file that is added to an existing directory goes into it.
	struct tree_node *n;
	if (!S_ISDIR(st.st_mode) && !tree_find(&r->tree, guest, &n, NULL) &&
	    (!n || S_ISDIR(n->mode))) {
		const char *base = strrchr(host, '/') ? strrchr(host, '/') + 1 : host;
		char *into = mem_printf("%s/%s", strcmp(guest, "/") ? guest : "", base);

		free(guest);
		guest = into;
	}
	add_parents(r, guest);
	add_recursively(r, host, guest);
	free(host);
	free(guest);
}

// SPDX-License-Identifier: MIT
// An index of the guest's root by canonical path, and a path walk over it with Linux's rules for
// symlinks. Nothing recurses: a symlink's target is spliced in front of what is left to walk.
#include "host/tree.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/say.h"

#define TREE_LINKS_MAX 40 // Linux's MAXSYMLINKS

static struct tree_node **bucket_of(struct tree *t, const char *path)
{
	uint32_t h = 2166136261u; // FNV-1a

	for (const char *p = path; *p; p++)
		h = (h ^ (unsigned char)*p) * 16777619u;
	return &t->buckets[h % TREE_BUCKETS];
}

static struct tree_node *node_get(struct tree *t, const char *path)
{
	for (struct tree_node *n = *bucket_of(t, path); n; n = n->next)
		if (!strcmp(n->path, path))
			return n;
	return NULL;
}

// The state of one walk: `at` is canonical ("" for the root), `rest` what is left to walk.
struct walk {
	char *at, *rest, *p;
	int links;
};

static void walk_up(struct walk *w)
{
	char *slash = strrchr(w->at, '/');

	if (slash)
		*slash = '\0';
}

// A symlink's target takes the place of its name.
static int walk_link(struct walk *w, const char *target)
{
	if (++w->links > TREE_LINKS_MAX)
		return -ELOOP;
	char *rest = mem_printf("%s%s", target, w->p); // p is empty or begins with a slash
	free(w->rest);
	w->rest = w->p = rest;
	if (target[0] == '/')
		w->at[0] = '\0';
	return 0;
}

static int walk_name(struct tree *t, struct walk *w, size_t len, struct tree_node **out)
{
	char *next = mem_printf("%s/%.*s", w->at, (int)len, w->p);
	struct tree_node *n = node_get(t, next);
	bool last = w->p[len + strspn(w->p + len, "/")] == '\0';

	w->p += len;
	if (!n || !S_ISLNK(n->mode)) {
		free(w->at);
		w->at = next;
		*out = n;
		if (!n)
			return last ? -ENOENT : -ENOTDIR; // -ENOTDIR: told apart by the caller
		bool more = w->p[0] == '/';
		return more && !S_ISDIR(n->mode) ? -ENOTDIR : 0;
	}
	free(next);
	return walk_link(w, n->target);
}

int tree_find(struct tree *t, const char *path, struct tree_node **out, char **canonical)
{
	struct walk w = {.at = mem_strdup(""), .rest = mem_strdup(path)};
	struct tree_node *n = NULL;
	int err = 0;

	w.p = w.rest;
	while (!err && *(w.p += strspn(w.p, "/"))) {
		size_t len = strcspn(w.p, "/");

		if (len == 1 && w.p[0] == '.') {
			w.p++;
		} else if (len == 2 && w.p[0] == '.' && w.p[1] == '.') {
			w.p += 2;
			walk_up(&w);
			n = node_get(t, w.at);
		} else {
			err = walk_name(t, &w, len, &n);
		}
	}
	bool parent_there = !err || (err == -ENOENT && !n);
	if (err == -ENOTDIR && !n)
		err = -ENOENT; // a directory on the way is missing
	if (!err && !n && w.at[0])
		err = -ENOENT;
	if (out)
		*out = err ? NULL : n;
	if (canonical)
		*canonical = parent_there ? mem_strdup(w.at[0] ? w.at : "/") : NULL;
	free(w.at);
	free(w.rest);
	return err;
}

// The canonical form of a new name: symlinks in its parents followed, its own not.
static char *path_for_new(struct tree *t, const char *path)
{
	char *copy = mem_printf("/%s", path), *parent = NULL, *result;
	size_t len = strlen(copy);

	while (len > 1 && copy[len - 1] == '/')
		copy[--len] = '\0';
	char *last = strrchr(copy, '/');
	*last++ = '\0';
	tree_find(t, copy, NULL, &parent);
	if (!strcmp(last, "..") || !strcmp(last, ".") || !*last)
		result = NULL; // "." is the root directory, which is always there
	else if (parent)
		result = mem_printf("%s/%s", strcmp(parent, "/") ? parent : "", last);
	else
		result = mem_printf("%s/%s", copy,
				    last); // no such directory: found by this name only
	free(parent);
	free(copy);
	return result;
}

void tree_add(struct tree *t, const char *path, const struct tree_node *n)
{
	char *key = path_for_new(t, path);

	if (!key)
		return;
	struct tree_node *old = node_get(t, key);
	if (!old) {
		struct tree_node **b = bucket_of(t, key);

		old = mem_alloc(sizeof(*old));
		old->path = key;
		old->next = *b;
		*b = old;
	} else {
		free(old->target);
		free(key);
	}
	old->mode = n->mode;
	old->target = n->target ? mem_strdup(n->target) : NULL;
	old->data = n->data;
	old->size = n->size;
	old->host = n->host;
}

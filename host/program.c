// SPDX-License-Identifier: MIT
// Finds PROGRAM in the guest's root or on the host, and says before the start why it can't run.
// The guest's own files come first, so that a run means the same on every host.
#include "host/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/elfcheck.h"
#include "host/say.h"

// The judgement of a host file; a file that can't be read is the caller's errno.
static int examine_host(const char *host, struct exe_info *info)
{
	struct stat st;
	int fd = open(host, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return S_ISDIR(st.st_mode) ? -EISDIR : -EACCES;
	}
	void *data = st.st_size ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)
				: NULL;
	close(fd);
	if (data == MAP_FAILED)
		return -errno;
	exe_examine(data, data ? (size_t)st.st_size : 0, info);
	if (data)
		munmap(data, (size_t)st.st_size);
	return 0;
}

// Refuses what can't run; `where` says whose file it is. A program that needs an interpreter runs
// when the root holds that interpreter.
static void judge(struct root *r, const char *path, const struct exe_info *info)
{
	switch (info->kind) {
	case EXE_STATIC:
	case EXE_UNKNOWN: // empty or text: the kernel's execve has the last word
		return;
	case EXE_FOREIGN:
		fail(STATUS_NOEXEC,
		     "%s is a program for %s: only x86-64, x32 and i386 programs run", path,
		     info->detail);
	case EXE_BAD:
		fail(STATUS_NOEXEC, "%s is not a valid program: %s", path, info->detail);
	case EXE_DYNAMIC:
		if (!tree_find(&r->tree, info->detail, NULL, NULL))
			return;
		fail(STATUS_NOEXEC,
		     "%s is dynamically linked: only static programs run with --root "
		     "initrd (link it with -static, or give a root that holds %s)",
		     path, info->detail);
	case EXE_SCRIPT:
		if (info->detail[0] != '/' || !tree_find(&r->tree, info->detail, NULL, NULL))
			return;
		fail(STATUS_NOTFOUND,
		     "%s needs the interpreter %s, which is not in the root: add a "
		     "static one with --add FILE:%s",
		     path, info->detail, info->detail);
	}
}

// A file that the guest's root holds: executable, and of a kind that runs.
static const char *use_guest(struct root *r, const char *path, const struct tree_node *n)
{
	struct exe_info info = {.kind = EXE_UNKNOWN};

	if (!n || S_ISDIR(n->mode))
		fail(STATUS_NOEXEC, "%s is a directory", path);
	if (!S_ISREG(n->mode) || !(n->mode & 0111))
		fail(STATUS_NOEXEC, "%s is not executable (chmod +x it)", path);
	if (n->host)
		examine_host(n->host, &info);
	else if (n->size) // a hard link's data may be with another of its names
		exe_examine(n->data, n->size, &info);
	judge(r, path, &info);
	return path;
}

// A file that only the host has.
static const char *use_host(struct root *r, const char *host)
{
	struct exe_info info;
	char *guest = path_absolute(host);
	struct stat st;

	int err = examine_host(host, &info);
	if (err == -EISDIR)
		fail(STATUS_NOEXEC, "%s is a directory", host);
	if (err)
		fail(STATUS_NOEXEC, "%s can't be read: %s", host, strerror(-err));
	if (stat(host, &st) < 0 || !(st.st_mode & 0111))
		fail(STATUS_NOEXEC, "%s is not executable (chmod +x it)", host);
	judge(r, host, &info);
	root_add_file(r, host, guest);
	return guest;
}

// The next element of a PATH joined with the name; NULL at its end. An empty element means ".".
static char *path_next(const char **path, const char *name)
{
	if (!*path)
		return NULL;
	size_t len = strcspn(*path, ":");
	char *full = len ? mem_printf("%.*s/%s", (int)len, *path, name) : mem_printf("./%s", name);

	*path = (*path)[len] ? *path + len + 1 : NULL;
	return full;
}

static char *guest_absolute(const char *cwd, const char *path)
{
	return path[0] == '/' ? mem_strdup(path) : mem_printf("%s/%s", cwd, path);
}

// execvp's search in the guest: the first regular executable file.
static char *search_guest(struct root *r, const char *name, const char *cwd, const char *path,
			  struct tree_node **n)
{
	for (char *full; (full = path_next(&path, name)); free(full)) {
		char *abs = guest_absolute(cwd, full);

		if (!tree_find(&r->tree, abs, n, NULL) && *n && S_ISREG((*n)->mode) &&
		    ((*n)->mode & 0111)) {
			free(full);
			return abs;
		}
		free(abs);
	}
	return NULL;
}

static char *search_host(const char *name)
{
	const char *path = getenv("PATH");
	struct stat st;

	for (char *full; (full = path_next(&path, name)); free(full))
		if (!access(full, X_OK) && !stat(full, &st) && S_ISREG(st.st_mode))
			return full;
	return NULL;
}

const char *program_resolve(struct root *r, const char *name, const char *guest_cwd,
			    const char *path)
{
	struct tree_node *n = NULL;
	char *found;

	if (!strchr(name, '/')) {
		found = search_guest(r, name, guest_cwd, path, &n);
		if (found)
			return use_guest(r, found, n);
		found = search_host(name);
		if (found)
			return use_host(r, found);
		fail(STATUS_NOTFOUND, "%s: not found, neither in the root nor on the host", name);
	}
	found = guest_absolute(guest_cwd, name);
	int err = tree_find(&r->tree, found, &n, NULL);
	if (!err)
		return use_guest(r, found, n);
	if (err == -ELOOP)
		fail(STATUS_NOEXEC, "%s: %s", name, strerror(ELOOP));
	if (!access(name, F_OK))
		return use_host(r, name);
	fail(errno == ENOENT || errno == ENOTDIR ? STATUS_NOTFOUND : STATUS_NOEXEC, "%s: %s", name,
	     errno == ENOENT ? "not found, neither in the root nor on the host" : strerror(errno));
}

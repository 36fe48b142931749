// SPDX-License-Identifier: MIT
// execve and execveat: copy the path and both string arrays into kernel memory, open the file, and
// hand over to kern/exec.c.

#include "kern/exec.h"
#include "abi/layout.h"
#include "fs/vfs.h"
#include "kern/log.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "machine/uaccess.h"
#include "sys_proto.h"
#include "vm/slab.h"

#include <asm/errno.h>

#define EXECVEAT_FLAGS (AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)
#define FD_PREFIX_MAX  24 // "/dev/fd/N/"

// Entries of a NULL-terminated array of addresses; a NULL array is an empty one (execve(2), NOTES).
static long count_strings(uptr array)
{
	const u32 limit = EXEC_BYTES_MAX / 4;
	uptr p;

	if (uptr_is_null(array))
		return 0;
	for (u32 n = 0; n < limit; n++) {
		int r = abi_copyin_ptr(&p, array, n);

		if (r)
			return r;
		if (uptr_is_null(p))
			return n;
	}
	return -E2BIG;
}

// Last one first: the run of strings grows downwards.
static int push_strings(struct exec_strings *s, uptr array, u32 count)
{
	for (u32 i = count; i-- > 0;) {
		uptr p;
		int r = abi_copyin_ptr(&p, array, i);

		if (!r)
			r = exec_strings_push_user(s, p);
		if (r)
			return r;
	}
	return 0;
}

static int collect_strings(struct exec_strings *s, uptr argv, uptr envp)
{
	long argc = count_strings(argv), envc = argc < 0 ? argc : count_strings(envp);
	int r;

	if (envc < 0)
		return (int)envc;
	s->argc = (u32)argc;
	s->envc = (u32)envc;
	r = push_strings(s, envp, s->envc);
	if (!r)
		r = push_strings(s, argv, s->argc);
	if (r || s->argc)
		return r;
	// Programs rely on argv[0]: an empty one is put in, as Linux does since 5.18.
	s->argc = 1;
	return exec_strings_push(s, "");
}

// What AT_EXECFN shows, and a script's interpreter opens: the name, or /dev/fd/N[/name].
static char *exec_name(int dirfd, const char *path)
{
	size_t size = strlen(path) + FD_PREFIX_MAX;
	char *name;

	if (dirfd == AT_FDCWD || path[0] == '/')
		return kstrdup(path);
	name = kmalloc(size);
	if (name)
		fmt_snprintf(name, size, *path ? "/dev/fd/%d/%s" : "/dev/fd/%d", dirfd, path);
	return name;
}

static long do_exec(int dirfd, const char *path, uptr argv, uptr envp, u32 flags)
{
	struct exec_strings strings;
	struct file *file;
	char *name;
	int r = exec_strings_init(&strings);

	if (r)
		return r;
	name = exec_name(dirfd, path);
	r = name ? file_open_exec(dirfd, path, flags, &file) : -ENOMEM;
	if (!r) {
		r = collect_strings(&strings, argv, envp);
		if (r)
			file_put(file);
		else
			r = kern_exec(file, name, &strings);
	}
	kfree(name);
	exec_strings_free(&strings);
	return r;
}

long sys_execveat(int dirfd, uptr path, uptr argv, uptr envp, unsigned int flags)
{
	char *name;
	long r;

	if (flags & ~(u32)EXECVEAT_FLAGS)
		return -EINVAL;
	name = kmalloc(PATH_MAX_LEN);
	if (!name)
		return -ENOMEM;
	r = copyin_str(name, path, PATH_MAX_LEN);
	if (r == 0 && !(flags & AT_EMPTY_PATH))
		r = -ENOENT;
	if (r >= 0)
		r = do_exec(dirfd, name, argv, envp, flags);
	kfree(name);
	return r;
}

long sys_execve(uptr path, uptr argv, uptr envp)
{
	return sys_execveat(AT_FDCWD, path, argv, envp, 0);
}

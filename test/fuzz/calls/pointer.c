// SPDX-License-Identifier: MIT
// Memory for arguments: each register has a slot of its own in the task's part of the arena, in
// which what it points to is built. Some lie against an unmapped page, some are another task's.
#include "test/fuzz/calls/fuzz.h"

static const char *const names[] = {
	"f",  "g",  "d",    "d/e",   "l",  "loop",  "p",   "x",	   "e", "n",   "d/n",
	".",  "..", "d/..", "",	     "d/", "f/",    "./f", "d//e", "m", "d/l", "l2",
	"n1", "n2", "d/n1", "d/e/n", "h",  "lnone", "q",   "d/q",  "t", "//",  "n/n",
};
static const char *const globals[] = {
	"/",
	"/proc",
	"/proc/self/maps",
	"/proc/self/mem",
	"/proc/self/fd",
	"/proc/self/fd/3",
	"/proc/self/exe",
	"/proc/self/status",
	"/proc/self/stat",
	"/proc/self/environ",
	"/proc/self/root",
	"/proc/self/cwd/f",
	"/proc/self/task",
	"/proc/self/auxv",
	"/proc/self/comm",
	"/proc/thread-self/fdinfo/4",
	"/proc/1/maps",
	"/proc/1/fd",
	"/proc/stat",
	"/proc/meminfo",
	"/proc/mounts",
	"/proc/sys/kernel/hostname",
	"/proc/self/mountinfo",
	"/dev",
	"/dev/null",
	"/dev/zero",
	"/dev/full",
	"/dev/random",
	"/dev/tty",
	"/dev/fd/5",
	"/dev/stdin",
	"/dev/shm",
	"/bin/busybox",
	"/bin/sh",
	"/tmp",
	"/nowhere/at/all",
};

u64 slot(struct fuzz *f, unsigned i)
{
	unsigned task = chance(f, 6) ? below(f, TASKS_MAX) : f->task;

	return ARENA_SLOTS + (u64)(task * SLOTS + i * 2) * SLOT;
}

static void put_text(char *at, const char *text)
{
	while ((*at++ = *text++))
		;
}

// Something of a process that may be about to end.
static void put_process(struct fuzz *f, char *at)
{
	static const char *const parts[] = {"maps",  "fd/3",	"task",	  "mem",
					    "stat",  "status",	"exe",	  "environ",
					    "cwd/f", "cmdline", "fdinfo", "statm"};
	unsigned pid = (unsigned)quiet(SYS_getpid, 0, 0, 0, 0) + below(f, 9) - 4, k = 6;
	char digits[16];

	put_text(at, "/proc/");
	for (unsigned n = 0; pid || n; pid /= 10) {
		if (pid)
			digits[n++] = (char)('0' + pid % 10);
		else
			at[k++] = digits[--n];
	}
	at[k++] = '/';
	put_text(at + k, parts[below(f, COUNT(parts))]);
}

// A name of PATH_MAX bytes or about as many, or one component that is too long.
static void put_long(struct fuzz *f, char *at)
{
	unsigned n = 4090 + below(f, 12), step = chance(f, 50) ? 2 : 250 + below(f, 10);

	for (unsigned i = 0; i < n; i++)
		at[i] = i % step ? 'd' : '/';
	at[n] = 0;
	at[0] = chance(f, 50) ? '/' : 'd';
}

u64 pointer_path(struct fuzz *f, char *at)
{
	unsigned which = below(f, 100);

	// Names 0 to 3 are the child's own wherever it is: nobody needs what they lead to.
	if (strstr(f->call->name, "mount"))
		put_text(at, names[below(f, 4)]);
	else if (which < 65 || avoid_is_destructive(f->call->name))
		put_text(at, names[below(f, COUNT(names))]);
	else if (which < 75)
		put_process(f, at);
	else if (which < 92)
		put_text(at, globals[below(f, COUNT(globals))]);
	else if (which < 94)
		put_long(f, at);
	else
		for (unsigned i = 0; i < 16; i++)
			at[i] = (char)(i == 15 ? 0 : fuzz_rnd(f));
	return (uintptr_t)at;
}

static void put_string(struct fuzz *f, char *at)
{
	static const char *const strings[] = {
		"tmpfs", "proc", "none", "a", "size=1M", "true", "mode=700,size=10%"};

	put_text(at, strings[below(f, COUNT(strings))]);
}

// Changes some of what was built: the structure that nobody has thought of.
static void mutate(struct fuzz *f, char *at, unsigned n)
{
	for (unsigned times = 1 + below(f, 3); n >= 8 && times; times--) {
		unsigned where = below(f, n - 7);
		u64 v = value_int(f);

		switch (below(f, 4)) {
		case 0:
			at[where] ^= (char)(1 << below(f, 8));
			break;
		case 1:
			memcpy(at + (where & ~3u), &v, 4);
			break;
		case 2:
			v = value_hostile(f);
			// Fall through.
		default:
			memcpy(at + (where & ~7u), &v, 8);
		}
	}
}

static unsigned fill(struct fuzz *f, const struct syscall_arg *a, char *at)
{
	unsigned n = 64;

	switch (a->type) {
	case INFO_TYPE_path:
		pointer_path(f, at);
		return 0;
	case INFO_TYPE_str:
		if (chance(f, 70))
			put_string(f, at);
		else
			pointer_path(f, at);
		return 0;
	case INFO_TYPE_struct:
		return structure_fill(f, a->set, at);
	case INFO_TYPE_iov:
		return structure_iov(f, at, 1 + below(f, 12));
	case INFO_TYPE_strv:
		return structure_strv(f, at);
	case INFO_TYPE_buf:
		return 256; // what lies there will do
	default:
		for (unsigned i = 0; i < n; i += 4) {
			u32 v = (u32)(chance(f, 60) ? below(f, 8) : value_int(f));
			memcpy(at + i, &v, 4);
		}
		return n;
	}
}

// Moves what was built so that it ends where the mapping does, or a few bytes too late.
static u64 to_edge(struct fuzz *f, const char *at, unsigned n)
{
	char *end = AS_PTR(ARENA_EDGE + 2 * SLOT * f->task + SLOT);
	unsigned cut = chance(f, 50) || !n ? 0 : below(f, n);

	if (!n)
		n = (unsigned)strlen(at) + 1;
	if (n > SLOT)
		n = SLOT;
	memmove(end - (n - cut), at, n - cut);
	return (uintptr_t)(end - (n - cut));
}

u64 pointer_argument(struct fuzz *f, unsigned i)
{
	const struct syscall_arg *a = &f->call->args[i];
	u64 at = slot(f, i);
	unsigned n;

	if (chance(f, 12))
		return value_hostile(f);
	// Words that tasks meet at.
	if (a->type == INFO_TYPE_uint && chance(f, 60))
		return ARENA_SHARED + 4 * below(f, 6);
	if (a->direction == INFO_OUT && chance(f, 20))
		return 0;
	if (chance(f, 4))
		at += 1 + below(f, 7);
	f->buffer[i] = at;
	n = fill(f, a, AS_PTR(at));
	if (n && chance(f, 15))
		mutate(f, AS_PTR(at), n);
	if (chance(f, 8))
		return to_edge(f, AS_PTR(at), n);
	if (chance(f, 2))
		return ARENA_SHARED + below(f, SLOT);
	return at;
}

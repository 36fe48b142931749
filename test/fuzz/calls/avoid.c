// SPDX-License-Identifier: MIT
// What a random call must not do: end the machine, the fuzzer or its other children, or take away
// the files that they need. Everything else is allowed.
#include "test/fuzz/calls/fuzz.h"

#include <linux/reboot.h>
#include <sched.h>

// Calls that change names or what lies under them: only with names inside the child's directory.
static const char *const destructive[] = {"unlink", "rmdir", "rename",	 "mount", "umount",
					  "chmod",  "chown", "truncate", "creat", "lchown",
					  "link",   "mknod", "pivot",	 "swap",  "symlink"};

bool avoid_is_destructive(const char *name)
{
	for (unsigned i = 0; i < COUNT(destructive); i++)
		if (strstr(name, destructive[i]) && strncmp(name, "readlink", 8))
			return true;
	return false;
}

static bool named(const struct fuzz *f, const char *name)
{
	return !strcmp(f->call->name, name);
}

// A pid, as an int, of somebody whom we need, or of everybody.
static bool is_dear(u64 pid)
{
	s32 p = (s32)pid;

	return p == -1 || p == 1 || p == 2 || p == fuzz_parent || p == -fuzz_parent_group ||
	       p == -fuzz_parent || p == fuzz_parent_group;
}

static bool waits(const struct fuzz *f)
{
	return !strncmp(f->call->name, "wait", 4);
}

static void spare_pids(struct fuzz *f)
{
	for (unsigned i = 0; i < f->call->arg_count; i++)
		if (f->call->args[i].type == INFO_TYPE_pid &&
		    f->call->args[i].direction == INFO_VALUE && !waits(f) && is_dear(f->args[i]))
			f->args[i] = 0;
	// (which, who): a process, a group or all of a user's.
	if (strstr(f->call->name, "priority") || strstr(f->call->name, "ioprio"))
		if (is_dear(f->args[1]) || f->args[0])
			f->args[0] = f->args[1] = 0;
	// F_SETOWN to the fuzzer, and a signal to it.
	if (!strncmp(f->call->name, "fcntl", 5) && is_dear(f->args[2]) && f->args[1] == F_SETOWN)
		f->args[2] = 0;
}

// Death by one's own hand is fine, but not too often.
static bool ends_task(struct fuzz *f)
{
	if (named(f, "exit") || named(f, "exit_group"))
		return !chance(f, 4);
	if (strstr(f->call->name, "sigreturn"))
		return !chance(f, 6);
	if (!strncmp(f->call->name, "execve", 6))
		return !chance(f, 15);
	return false;
}

static bool forks_too_much(struct fuzz *f)
{
	bool forks = strstr(f->call->name, "fork") || !strncmp(f->call->name, "clone", 5);

	if (!forks)
		return false;
	if (f->depth >= 2 || !chance(f, 40))
		return true;
	return f->clones++ >= FORKS_MAX;
}

bool avoid(struct fuzz *f)
{
	if (named(f, "reboot") && (u32)f->args[0] == LINUX_REBOOT_MAGIC1)
		return false;
	if (ends_task(f) || forks_too_much(f))
		return false;
	// A random length takes the program itself away too often.
	if ((named(f, "munmap") || named(f, "mprotect") || named(f, "mremap")) &&
	    f->args[1] > 0x100000 && !chance(f, 5))
		f->args[1] &= 0xfffff;
	spare_pids(f);
	return true;
}

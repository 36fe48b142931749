// SPDX-License-Identifier: MIT
/*
 * mount and umount: strings and the page of options from user memory.
 */
#include "kern/task.h"
#include "lib/string.h"
#include "machine/uaccess.h"
#include "sys/fs.h"
#include "sys_proto.h"

#include <linux/capability.h>
#include <linux/errno.h>

#define UMOUNT_NOFOLLOW 8 /* umount2(2); not in the UAPI headers */

struct mount_args {
	char *source, *type, *data; /* NULL: not given */
};

static int optional_name(char **out, uptr p)
{
	*out = NULL;
	return uptr_is_null(p) ? 0 : user_name(out, p);
}

/* A page of options: less is taken if the memory ends before (mount(2) promises only a string). */
static int optional_data(char **out, uptr p)
{
	size_t left;

	*out = NULL;
	if (uptr_is_null(p))
		return 0;
	*out = name_alloc();
	if (!*out)
		return -ENOMEM;
	memset(*out, 0, PATH_MAX_LEN);
	left = copyin_part(*out, p, PATH_MAX_LEN - 1);
	if (left < PATH_MAX_LEN - 1)
		return 0;
	name_free(*out);
	*out = NULL;
	return -EFAULT;
}

static void free_args(struct mount_args *a)
{
	if (a->source)
		name_free(a->source);
	if (a->type)
		name_free(a->type);
	if (a->data)
		name_free(a->data);
}

long sys_mount(uptr source, uptr target, uptr fstype, unsigned long flags, uptr data)
{
	struct mount_args a = {NULL, NULL, NULL};
	struct path where;
	int err = optional_name(&a.type, fstype);

	if (!err)
		err = optional_name(&a.source, source);
	if (!err)
		err = optional_data(&a.data, data);
	if (!err)
		err = user_path(AT_FDCWD, target, LOOKUP_FOLLOW, &where);
	if (!err) {
		err = vfs_mount(&where, a.source, a.type, flags, a.data);
		path_put(&where);
	}
	free_args(&a);
	return err;
}

long sys_umount2(uptr target, unsigned int flags)
{
	struct path where;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = user_path(AT_FDCWD, target, flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &where);
	if (err)
		return err;
	err = vfs_umount(&where, (int)flags);
	path_put(&where);
	return err;
}

long sys_umount(uptr target)
{
	return sys_umount2(target, 0);
}

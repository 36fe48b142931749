// SPDX-License-Identifier: MIT
/*
 * Start of the file systems: the root is a tmpfs with what Linux's own first initramfs has in it:
 * /dev, /dev/console and /root. The boot archives are unpacked over it.
 */
#include "fs/namei.h"
#include "kern/files.h"
#include "kern/log.h"
#include "kern/task.h"
#include "vm/page.h"

#include <linux/errno.h>
#include <linux/major.h>

static int root_init(void)
{
	struct page_stats stats;
	struct super *root;
	int err;

	page_stats(&stats);
	err = tmpfs_create("rootfs", stats.total / 2, 0, &root);
	if (!err)
		err = mount_root(root);
	if (!err) { // the kernel's own tasks start here, and the first programs from them
		mount_root_path(&current->t_fs->x_root);
		mount_root_path(&current->t_fs->x_cwd);
	}
	if (!err)
		err = vfs_create(AT_FDCWD, "/dev", S_IFDIR | 0755, 0);
	if (!err)
		err = vfs_create(AT_FDCWD, "/dev/console", S_IFCHR | 0600, KDEV(TTYAUX_MAJOR, 1));
	if (!err)
		err = vfs_create(AT_FDCWD, "/root", S_IFDIR | 0700, 0);
	return err;
}

void fs_init(void)
{
	int err;

	dcache_init();
	rename_init();
	locks_init();
	tmpfs_init();
	devfs_init();
	err = anon_init();
	if (!err)
		err = root_init();
	if (err)
		panic("no root file system: error %d", -err);
}

// SPDX-License-Identifier: MIT
// Process 1's beginning, and the ways the machine ends. The initrd decides: with a boot spec in it
// the kernel itself stays process 1 and runs the spec's program; without one the initramfs's own
// init becomes process 1.

#include "kern/init.h"

#include "dev/control.h"
#include "dev/work.h"
#include "fs/unpack.h"
#include "fs/vfs.h"
#include "kern/log.h"
#include "kern/task.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "machine/boot.h"
#include "machine/cpu.h"
#include "machine/serial.h"
#include "vm/slab.h"

#include <asm/errno.h>

#define FAIL_WAIT (1 * NSEC_PER_SEC)
#define LINE_MAX  512

static char *spec_text;
static size_t spec_len;

static void take_spec(const char *text, size_t len)
{
	kfree(spec_text);
	spec_text = kmalloc(len + 1); // the parser wants room for a NUL
	if (!spec_text)
		init_fail("not enough memory for the boot spec");
	memcpy(spec_text, text, len);
	spec_len = len;
}

void init_fail(const char *fmt, ...)
{
	char line[LINE_MAX];
	va_list ap;

	va_start(ap, fmt);
	int n = fmt_vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	n = MIN(n, (int)sizeof(line) - 2);
	serial_write("postern: ", 9);
	serial_write(line, (size_t)n);
	serial_write("\n", 1);
	if (!control_wait(clock_ns() + FAIL_WAIT))
		control_exit(CONTROL_FAILURE, 0, line);
	cpu_poweroff();
}

// The kernel's own tasks, and so what they start, get the root that fs_init has mounted.
static void enter_root(void)
{
	struct path root;

	if (path_lookup(AT_FDCWD, "/", LOOKUP_DIRECTORY, &root) || vfs_chroot(&root) ||
	    vfs_chdir(&root))
		panic("no root directory");
	path_put(&root);
}

static void unpack(const struct boot_info *bi)
{
	const char *why = "";

	if (!bi->initrd_len)
		return;
	int r = unpack_initramfs(bi->initrd_phys, bi->initrd_len, take_spec, &why);
	if (r)
		init_fail("cannot unpack the initramfs: %s (error %d)", why, -r);
}

void init_main(void *arg)
{
	const struct boot_info *bi = arg;

	enter_root();
	unpack(bi);
	smp_start();
	arch_boot_done();
	work_start();
	log_printf("%u CPUs, boot took %llu us", cpu_count, (unsigned long long)clock_ns() / 1000);
	if (spec_text)
		init_run(spec_text, spec_len);
	init_plain(bi->cmdline);
}

void init_exit(s32 status)
{
	// As Linux words it: people search for this line.
	panic("Attempted to kill init! exitcode=0x%08x", (u32)status);
}

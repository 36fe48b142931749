// SPDX-License-Identifier: MIT
// The machine as a whole: its names, its memory and load, randomness, and its end.

#include "abi/layout.h"
#include "dev/console.h"
#include "dev/control.h"
#include "kern/lock.h"
#include "kern/random.h"
#include "kern/sched.h"
#include "kern/task.h"
#include "kern/time.h"
#include "kern/uts.h"
#include "lib/string.h"
#include "machine/cpu.h"
#include "machine/uaccess.h"
#include "sys_proto.h"
#include "vm/page.h"

#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/random.h>
#include <linux/reboot.h>
#include <linux/utsname.h>

#define OLDOLD_FIELD (__OLD_UTS_LEN + 1)
#define RANDOM_CHUNK 256
#define RANDOM_MAX   0x7ffff000u // most that one call moves, as read(2)
#define FLUSH_NS     (2 * NSEC_PER_SEC)

// --- names ---

static struct new_utsname name_copy(void)
{
	struct new_utsname name = {
		.sysname = UTS_SYSNAME,
		.release = UTS_RELEASE,
		.version = UTS_VERSION,
		.machine = "x86_64",
	};

	uts_hostname(name.nodename);
	uts_domainname(name.domainname);
	return name;
}

long sys_uname(uptr buf)
{
	struct new_utsname name = name_copy();

	return copyout(buf, &name, sizeof(name));
}

// The same without the last field.
long sys_olduname(uptr buf)
{
	struct new_utsname name = name_copy();

	return copyout(buf, &name, sizeof(struct old_utsname));
}

// Five fields of eight characters and a NUL.
long sys_oldolduname(uptr buf)
{
	struct new_utsname name = name_copy();
	const char *from[5] = {name.sysname, name.nodename, name.release, name.version,
			       name.machine};
	struct oldold_utsname old = {0};
	char *to[5] = {old.sysname, old.nodename, old.release, old.version, old.machine};

	if (uptr_is_null(buf))
		return -EFAULT;
	for (u32 i = 0; i < 5; i++)
		memcpy(to[i], from[i], OLDOLD_FIELD - 1);
	return copyout(buf, &old, sizeof(old));
}

static long set_name(int (*set)(const char *name, size_t len), uptr src, int len)
{
	char name[UTS_LEN];

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (len < 0 || len >= UTS_LEN)
		return -EINVAL;
	if (copyin(name, src, (size_t)len))
		return -EFAULT;
	return set(name, (size_t)len);
}

long sys_sethostname(uptr name, int len)
{
	return set_name(uts_set_hostname, name, len);
}

long sys_setdomainname(uptr name, int len)
{
	return set_name(uts_set_domainname, name, len);
}

// --- memory and load ---

static u32 count_tasks(void)
{
	struct process *p;
	u32 n;

	spin_lock(&tasklist_lock);
	n = init_process->p_nthreads;
	list_for_each_entry (p, &init_process->p_all, p_all)
		n += p->p_nthreads;
	spin_unlock(&tasklist_lock);
	return n;
}

long sys_sysinfo(uptr info)
{
	struct ksysinfo si = {.mem_unit = 1, .procs = count_tasks()};
	struct sched_stats load;
	struct page_stats pages;

	sched_stats(&load);
	page_stats(&pages);
	si.uptime = (s64)DIV_ROUND_UP(clock_ns(), NSEC_PER_SEC);
	memcpy(si.loads, load.loads, sizeof(si.loads));
	si.totalram = pages.total * PAGE_SIZE;
	si.freeram = pages.free * PAGE_SIZE;
	return abi_copyout_sysinfo(info, &si);
}

// --- randomness ---

// The generator is seeded before the first program runs, so no flag makes a difference but that bad
// ones are refused. A signal ends a long request early (getrandom(2)).
long sys_getrandom(uptr buf, size_t n, unsigned int flags)
{
	u8 chunk[RANDOM_CHUNK];
	size_t done = 0, left = 0;

	if (flags & ~(u32)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if ((flags & GRND_RANDOM) && (flags & GRND_INSECURE))
		return -EINVAL;
	n = MIN(n, (size_t)RANDOM_MAX);
	while (done < n && !left) {
		size_t step = MIN(n - done, sizeof(chunk));

		if (done && done % PAGE_SIZE == 0) {
			if (signal_pending(current))
				break;
			sched_point();
		}
		random_bytes(chunk, step);
		left = copyout_part(uptr_add(buf, done), chunk, step);
		done += step - left;
	}
	mem_wipe(chunk, sizeof(chunk));
	return done || !left ? (long)done : -EFAULT;
}

// --- the end ---

static NORETURN void machine_end(bool restart)
{
	console_flush_all(clock_ns() + FLUSH_NS);
	if (control_is_open())
		control_exit(CONTROL_EXITED, 0, "");
	if (restart)
		cpu_reset();
	cpu_poweroff();
}

static bool magic_ok(u32 magic1, u32 magic2)
{
	return magic1 == LINUX_REBOOT_MAGIC1 &&
	       (magic2 == LINUX_REBOOT_MAGIC2 || magic2 == LINUX_REBOOT_MAGIC2A ||
		magic2 == LINUX_REBOOT_MAGIC2B || magic2 == LINUX_REBOOT_MAGIC2C);
}

long sys_reboot(int magic1, int magic2, unsigned int cmd, uptr arg)
{
	char command[256];

	if (!capable(CAP_SYS_BOOT))
		return -EPERM;
	if (!magic_ok((u32)magic1, (u32)magic2))
		return -EINVAL;
	switch (cmd) {
	case LINUX_REBOOT_CMD_CAD_ON: // no keyboard: there is no Ctrl-Alt-Del to obey or pass on
	case LINUX_REBOOT_CMD_CAD_OFF:
		return 0;
	case LINUX_REBOOT_CMD_RESTART:
		machine_end(true);
	case LINUX_REBOOT_CMD_RESTART2: // the command is for firmware; ours knows none
		if (copyin_str(command, arg, sizeof(command)) == -EFAULT)
			return -EFAULT;
		machine_end(true);
	case LINUX_REBOOT_CMD_HALT: // a virtual machine that stands still is of no use to anybody
	case LINUX_REBOOT_CMD_POWER_OFF:
		machine_end(false);
	default:
		return -EINVAL;
	}
}

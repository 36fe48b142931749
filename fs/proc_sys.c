// SPDX-License-Identifier: MIT
// /proc/sys: the settings that exist here (proc(5)). Most are facts and cannot be written; the
// names can.

#include "fs/pipe.h"
#include "fs/proc.h"
#include "kern/process.h"
#include "kern/random.h"
#include "kern/uts.h"
#include "lib/string.h"
#include "vm/vm.h"

#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/limits.h>

#define VALUE(fn, ...)                                               \
	static int fn(struct proc_text *t, const struct proc_ref *r) \
	{                                                            \
		(void)r;                                             \
		proc_printf(t, __VA_ARGS__);                         \
		return 0;                                            \
	}

VALUE(show_ostype, UTS_SYSNAME "\n")
VALUE(show_osrelease, UTS_RELEASE "\n")
VALUE(show_version, UTS_VERSION "\n")
VALUE(show_pid_max, "%d\n", PID_MAX)
VALUE(show_threads_max, "%u\n", task_max)
VALUE(show_ngroups_max, "%d\n", NGROUPS_MAX)
VALUE(show_cap_last_cap, "%d\n", CAP_LAST_CAP)
VALUE(show_entropy,
      "256\n") // Linux says so once its generator is seeded, as ours is from the start
VALUE(show_overcommit, "0\n") // vm/mm.c refuses only what could never fit
VALUE(show_max_map_count, "%d\n", VMA_MAX)
VALUE(show_mmap_min_addr, "%d\n", MMAP_MIN_ADDR)
VALUE(show_file_max, "%llu\n", 0x7fffffffffffffffull) // only memory limits it
VALUE(show_nr_open, "%u\n", 1024u * 1024)
VALUE(show_pipe_max_size, "%u\n", 1024u * 1024)
VALUE(show_randomize, "2\n")

static int show_hostname(struct proc_text *t, const struct proc_ref *r)
{
	char name[UTS_LEN];

	(void)r;
	uts_hostname(name);
	proc_printf(t, "%s\n", name);
	return 0;
}

static int show_domainname(struct proc_text *t, const struct proc_ref *r)
{
	char name[UTS_LEN];

	(void)r;
	uts_domainname(name);
	proc_printf(t, "%s\n", name);
	return 0;
}

// Up to the first newline; what is too long is cut (as Linux's sysctl strings are).
static size_t line_length(const char *data, size_t n)
{
	const char *end = memchr(data, '\n', n);

	return MIN(end ? (size_t)(end - data) : n, (size_t)UTS_LEN - 1);
}

static int write_hostname(const struct proc_ref *r, const char *data, size_t n)
{
	(void)r;
	return capable(CAP_SYS_ADMIN) ? uts_set_hostname(data, line_length(data, n)) : -EPERM;
}

static int write_domainname(const struct proc_ref *r, const char *data, size_t n)
{
	(void)r;
	return capable(CAP_SYS_ADMIN) ? uts_set_domainname(data, line_length(data, n)) : -EPERM;
}

// RFC 4122, version 4.
static void put_uuid(struct proc_text *t, const u8 random[16])
{
	u8 b[16];

	memcpy(b, random, sizeof(b));
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	for (u32 i = 0; i < 16; i++)
		proc_printf(t, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", b[i]);
	proc_append(t, "\n", 1);
}

static int show_uuid(struct proc_text *t, const struct proc_ref *r)
{
	u8 b[16];

	(void)r;
	random_bytes(b, sizeof(b));
	put_uuid(t, b);
	return 0;
}

// The same for the whole run; made when first asked for.
static int show_boot_id(struct proc_text *t, const struct proc_ref *r)
{
	static struct spinlock lock = SPINLOCK("boot id", RANK_LEAF);
	static u8 id[16];
	u8 fresh[16];

	(void)r;
	random_bytes(fresh, sizeof(fresh));
	spin_lock(&lock);
	if (mem_is_zero(id, sizeof(id)))
		memcpy(id, fresh, sizeof(id));
	memcpy(fresh, id, sizeof(fresh));
	spin_unlock(&lock);
	put_uuid(t, fresh);
	return 0;
}

#define FACT(n, fn)                                           \
	{                                                     \
		.name = n, .mode = S_IFREG | 0444, .show = fn \
	}
#define DIR(n, list)                                                \
	{                                                           \
		.name = n, .mode = S_IFDIR | 0555, .children = list \
	}
#define END                  \
	{                    \
		.name = NULL \
	}

static const struct proc_entry random_entries[] = {
	FACT("boot_id", show_boot_id),
	FACT("entropy_avail", show_entropy),
	FACT("uuid", show_uuid),
	END,
};

static const struct proc_entry kernel_entries[] = {
	FACT("cap_last_cap", show_cap_last_cap),
	{.name = "domainname",
	 .mode = S_IFREG | 0644,
	 .show = show_domainname,
	 .write = write_domainname},
	{.name = "hostname",
	 .mode = S_IFREG | 0644,
	 .show = show_hostname,
	 .write = write_hostname},
	FACT("ngroups_max", show_ngroups_max),
	FACT("osrelease", show_osrelease),
	FACT("ostype", show_ostype),
	FACT("pid_max", show_pid_max),
	DIR("random", random_entries),
	FACT("randomize_va_space", show_randomize),
	FACT("threads-max", show_threads_max),
	FACT("version", show_version),
	END,
};

static const struct proc_entry vm_entries[] = {
	FACT("max_map_count", show_max_map_count),
	FACT("mmap_min_addr", show_mmap_min_addr),
	FACT("overcommit_memory", show_overcommit),
	END,
};

static const struct proc_entry fs_entries[] = {
	FACT("file-max", show_file_max),
	FACT("nr_open", show_nr_open),
	FACT("pipe-max-size", show_pipe_max_size),
	END,
};

const struct proc_entry proc_sys_entries[] = {
	DIR("fs", fs_entries),
	DIR("kernel", kernel_entries),
	DIR("vm", vm_entries),
	END,
};

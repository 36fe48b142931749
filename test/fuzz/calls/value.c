// SPDX-License-Identifier: MIT
// Values for arguments: the boundaries at which kernels have gone wrong, and for flags and
// enumerations the words that a call knows, sometimes with others among them.
#include "test/fuzz/calls/fuzz.h"

#include <asm/prctl.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <termios.h>

static const u64 interesting[] = {
	0,
	1,
	2,
	3,
	4,
	7,
	8,
	15,
	16,
	31,
	32,
	63,
	64,
	65,
	127,
	128,
	255,
	256,
	511,
	512,
	1023,
	1024,
	1025,
	4095,
	4096,
	4097,
	8191,
	8192,
	65535,
	65536,
	0x7ffff000,
	0x7fffffff,
	0x80000000,
	0xfffff000,
	0xffffffff,
	0x100000000,
	0x7fffffffffffffff,
	0x8000000000000000,
	1ull << 47,
	(1ull << 47) - 4096,
	(1ull << 47) - 1,
	-1ull,
	-2ull,
	-4ull,
	-4095ull,
	-4096ull,
};

static const u64 hostile[] = {
	0xffff800000000000,
	0xffff8000001ff000,
	0xffffc00000001000,
	0xffffffff80000000,
	0xffffffff81000000,
	0xffffffffffffffff,
	0xfffffffffffffff8,
	0xffff888000000000,
	0x800000000000,
	0x8000000000000000,
	0x7ffffffff000,
	0x7ffffffffff8,
	0x7fffffffe000,
	0xffffffffff600000,
	0x1000,
	0xfff,
	0xfffffffc,
	0xffffe000,
	0xfffff000,
	1,
};

u64 value_int(struct fuzz *f)
{
	if (chance(f, 50))
		return interesting[below(f, 6)];
	if (chance(f, 80))
		return interesting[below(f, COUNT(interesting))];
	return fuzz_rnd(f) >> below(f, 64);
}

u64 value_length(struct fuzz *f)
{
	switch (below(f, 10)) {
	case 0:
	case 1:
		return interesting[below(f, COUNT(interesting))];
	case 2:
		return below(f, 3 * SLOT);
	default:
		return interesting[below(f, 28)];
	}
}

u64 value_hostile(struct fuzz *f)
{
	switch (below(f, 8)) {
	case 0:
		return 0;
	case 1:
		return ARENA_HOLE + below(f, 2) * 8;
	case 2:
		return ARENA_RO + below(f, 4096);
	case 3:
		return ARENA_NONE + below(f, 16);
	case 4: // behind the end of the file
		return ARENA_FILE + 3 * SLOT + below(f, 16);
	case 5: // the last bytes before nothing
		return ARENA_EDGE + 2 * SLOT * f->task + SLOT - 1 - below(f, 24);
	default:
		return hostile[below(f, COUNT(hostile))];
	}
}

bool value_is_hostile(u64 v)
{
	for (unsigned i = 0; i < COUNT(hostile); i++)
		if (v - hostile[i] + 0x10000 < 0x20000 || __builtin_popcountll(v ^ hostile[i]) <= 3)
			return true;
	return false;
}

u64 value_fd(struct fuzz *f)
{
	switch (below(f, 12)) {
	case 0:
		return value_int(f);
	case 1:
		return below(f, 3);
	case 2:
		return 24 + below(f, 40);
	default:
		return 3 + below(f, 22);
	}
}

u64 value_pid(struct fuzz *f, bool wait)
{
	switch (below(f, 10)) {
	case 0:
		return value_int(f);
	case 1:
	case 8:
	case 9:
		return (u64)quiet(SYS_gettid, 0, 0, 0, 0);
	case 2:
		return 99999;
	case 3: // a neighbour
		return (u64)(quiet(SYS_getpid, 0, 0, 0, 0) + below(f, 5) - 2);
	case 4:
		return wait ? -1ull : (u64)-quiet(SYS_getpid, 0, 0, 0, 0);
	case 5:
		return wait ? -1ull : (u64)quiet(SYS_getpid, 0, 0, 0, 0);
	default:
		return wait ? -1ull : 0;
	}
}

u64 value_sig(struct fuzz *f)
{
	static const signed char often[] = {0,	     SIGUSR1, SIGUSR2, SIGALRM, SIGCHLD,
					    SIGCONT, SIGURG,  34,      35,	64};

	if (chance(f, 80))
		return (u64)often[below(f, COUNT(often))];
	if (chance(f, 50))
		return 1 + below(f, 64);
	return value_int(f);
}

// Mostly whole pages of the playground; also the arena, and what no call may map.
u64 value_memory(struct fuzz *f)
{
	switch (below(f, 12)) {
	case 0:
		return 0;
	case 1:
		return value_hostile(f);
	case 2:
		return ARENA_PLAY + below(f, PLAY_PAGES * SLOT);
	case 3:
		return ARENA_FILE + SLOT * below(f, 4);
	default:
		return ARENA_PLAY + SLOT * below(f, PLAY_PAGES);
	}
}

/* --- flags and enumerations --- */

#define WORDS(...)                                                                     \
	{                                                                              \
		(const unsigned[]){__VA_ARGS__}, sizeof((unsigned[]){__VA_ARGS__}) / 4 \
	}
static const struct words {
	const unsigned *word;
	unsigned n;
} flag_words[INFO_SETS] = {
	[INFO_SET_flags_access] = WORDS(0, 1, 2, 4),
	[INFO_SET_flags_at] = WORDS(0, 0x100, 0x200, 0x400, 0x800, 0x1000, 0x2000, 0x4000, 0x8000),
	[INFO_SET_flags_clone] = WORDS(
		SIGCHLD, CLONE_VM | CLONE_VFORK | SIGCHLD, CLONE_VM, CLONE_FS, CLONE_FILES,
		CLONE_VM | CLONE_SIGHAND, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD,
		CLONE_PARENT_SETTID, CLONE_CHILD_CLEARTID, CLONE_CHILD_SETTID, CLONE_SETTLS,
		CLONE_SYSVSEM, CLONE_PARENT, CLONE_NEWNS, CLONE_PIDFD, CLONE_UNTRACED, 64),
	[INFO_SET_flags_close_range] = WORDS(0, 2, 4),
	[INFO_SET_flags_epoll_create] = WORDS(0, O_CLOEXEC),
	[INFO_SET_flags_eventfd] = WORDS(0, 1, O_CLOEXEC, O_NONBLOCK),
	[INFO_SET_flags_fallocate] = WORDS(0, 1, 2, 3, 8, 0x10, 0x20, 0x40),
	[INFO_SET_flags_flock] = WORDS(1, 2, 4, 5, 6, 8),
	[INFO_SET_flags_getrandom] = WORDS(0, 1, 2, 4),
	[INFO_SET_flags_inotify] = WORDS(0xfff, 1, 0x02000000, 0x20000000, 0x80000000),
	[INFO_SET_flags_inotify_init] = WORDS(0, O_CLOEXEC, O_NONBLOCK),
	[INFO_SET_flags_memfd] = WORDS(0, 1, 2, 4),
	[INFO_SET_flags_mlock] = WORDS(0, 1),
	[INFO_SET_flags_mlockall] = WORDS(1, 2, 4),
	[INFO_SET_flags_mmap] = WORDS(MAP_PRIVATE | MAP_ANONYMOUS, MAP_SHARED | MAP_ANONYMOUS,
				      MAP_PRIVATE, MAP_SHARED, 3, MAP_FIXED, MAP_FIXED_NOREPLACE,
				      MAP_POPULATE, MAP_GROWSDOWN, MAP_NORESERVE, MAP_LOCKED,
				      MAP_STACK, 0x40, MAP_HUGETLB),
	[INFO_SET_flags_mmap_prot] = WORDS(0, PROT_READ, PROT_READ | PROT_WRITE, PROT_WRITE,
					   PROT_READ | PROT_WRITE | PROT_EXEC, PROT_EXEC,
					   PROT_GROWSDOWN, PROT_GROWSUP, 8),
	[INFO_SET_flags_mount] = WORDS(0, MS_BIND, MS_REMOUNT, MS_RDONLY, MS_MOVE, MS_REC | MS_BIND,
				       MS_PRIVATE, MS_NOSUID, MS_NOEXEC, MS_SHARED,
				       MS_REMOUNT | MS_BIND | MS_RDONLY),
	[INFO_SET_flags_mremap] = WORDS(0, 1, 3, 4, 5, 7),
	[INFO_SET_flags_msync] = WORDS(0, 1, 2, 4),
	[INFO_SET_flags_open] = WORDS(O_RDONLY, O_WRONLY, O_RDWR, 3, O_CREAT, O_EXCL, O_NOCTTY,
				      O_TRUNC, O_APPEND, O_NONBLOCK, O_DIRECTORY, O_NOFOLLOW,
				      O_CLOEXEC, O_PATH, O_TMPFILE, O_DIRECT, O_SYNC, O_NOATIME),
	[INFO_SET_flags_rename] = WORDS(0, 1, 2, 4),
	[INFO_SET_flags_rwf] = WORDS(0, 1, 2, 4, 8, 16),
	[INFO_SET_flags_splice] = WORDS(0, 1, 2, 4, 8),
	[INFO_SET_flags_statx] = WORDS(0x7ff, 0xfff, 0x80000000, 1),
	[INFO_SET_flags_timer] = WORDS(0, 1),
	[INFO_SET_flags_umount] = WORDS(0, MNT_DETACH, MNT_FORCE, MNT_EXPIRE, UMOUNT_NOFOLLOW),
	[INFO_SET_flags_wait] = WORDS(0, WNOHANG, WUNTRACED, WCONTINUED, WEXITED, WEXITED | WNOHANG,
				      WNOWAIT, 0x20000000, 0x40000000, 0x80000000),
	[INFO_SET_enum_arch_prctl] = WORDS(ARCH_SET_GS, ARCH_SET_FS, ARCH_GET_FS, ARCH_GET_GS,
					   ARCH_GET_CPUID, ARCH_SET_CPUID, 0x2001),
	[INFO_SET_enum_clockid] = WORDS(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, -6u, -2u, 15, 16),
	[INFO_SET_enum_epoll_op] = WORDS(0, 1, 2, 3, 4),
	[INFO_SET_enum_fadvise] = WORDS(0, 1, 2, 3, 4, 5, 6),
	[INFO_SET_enum_fcntl] = WORDS(F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, 5, 6, 7, 8, 9,
				      10, 11, 12, 13, 14, 15, 16, 36, 37, 38, F_SETLEASE,
				      F_GETLEASE, F_NOTIFY, F_DUPFD_CLOEXEC, F_SETPIPE_SZ,
				      F_GETPIPE_SZ, F_ADD_SEALS, F_GET_SEALS, 1035, 1036),
	[INFO_SET_enum_futex] = WORDS(0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 128, 129, 131, 132,
				      133, 137, 138, 256, 265, 393),
	[INFO_SET_enum_idtype] = WORDS(0, 1, 2, 3),
	[INFO_SET_enum_ioctl] = WORDS(FIONREAD, FIONBIO, FIOASYNC, FIOCLEX, FIONCLEX, TCGETS,
				      TCSETS, TCSETSW, TIOCGWINSZ, TIOCSWINSZ, TIOCGPGRP, TIOCSPGRP,
				      TIOCSCTTY, TIOCNOTTY, TIOCGSID, TCFLSH, TCXONC, TCSBRK,
				      TIOCOUTQ, FS_IOC_GETFLAGS, FIOQSIZE, BLKGETSIZE),
	[INFO_SET_enum_itimer] = WORDS(0, 1, 2, 3),
	[INFO_SET_enum_madvise] = WORDS(0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
					20, 21, 22, 23, 100),
	[INFO_SET_enum_membarrier] = WORDS(0, 1, 2, 4, 8, 16, 32, 64),
	[INFO_SET_enum_modify_ldt] = WORDS(0, 1, 2, 0x11),
	[INFO_SET_enum_prctl] = WORDS(
		PR_SET_PDEATHSIG, PR_GET_PDEATHSIG, PR_GET_DUMPABLE, PR_SET_DUMPABLE,
		PR_SET_KEEPCAPS, PR_GET_KEEPCAPS, PR_SET_NAME, PR_GET_NAME, PR_GET_SECCOMP,
		PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_GET_TSC, PR_SET_TSC, PR_GET_SECUREBITS,
		PR_SET_SECUREBITS, PR_SET_TIMERSLACK, PR_GET_TIMERSLACK, PR_SET_MM,
		PR_SET_CHILD_SUBREAPER, PR_GET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS,
		PR_GET_NO_NEW_PRIVS, PR_GET_TID_ADDRESS, PR_SET_THP_DISABLE, PR_CAP_AMBIENT,
		PR_SET_VMA, PR_GET_UNALIGN, PR_SET_TIMING),
	[INFO_SET_enum_prio] = WORDS(0, 1, 2, 3),
	[INFO_SET_enum_rlimit] = WORDS(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16),
	[INFO_SET_enum_rusage] = WORDS(0, -1u, -2u, 1),
	[INFO_SET_enum_sched] = WORDS(0, 1, 2, 3, 5, 6, 0x40000000),
	[INFO_SET_enum_sig_how] = WORDS(0, 1, 2, 3),
	[INFO_SET_enum_whence] = WORDS(0, 1, 2, 3, 4, 5),
};

static bool is_flags(unsigned set)
{
	return info_set_name[set][0] == 'f';
}

u64 value_set(struct fuzz *f, unsigned set)
{
	const struct words *w = &flag_words[set];
	u64 v;

	if (is_flags(set) && chance(f, 30))
		return 0;
	if (!w->n || chance(f, 5))
		return value_int(f);
	v = w->word[below(f, w->n)];
	if (!is_flags(set)) {
		if (chance(f, 3))
			v ^= 1ull << below(f, 64);
		return v;
	}
	while (chance(f, 45))
		v |= w->word[below(f, w->n)];
	if (chance(f, 4))
		v |= 1ull << below(f, 64);
	return v;
}

/* --- arguments by value --- */

static bool has_sets(const struct syscall_info *c, unsigned set)
{
	for (unsigned i = 0; i < c->arg_count; i++)
		if (c->args[i].set == set)
			return true;
	return false;
}

// A number that counts what another argument points to.
static bool is_length(const struct syscall_info *c, unsigned i)
{
	for (unsigned k = 0; k < c->arg_count; k++)
		if (c->args[k].length_kind == INFO_IN_ARG && c->args[k].length == i)
			return true;
	return false;
}

static bool counts_bytes(const struct syscall_info *c, unsigned i)
{
	for (unsigned k = 0; k < c->arg_count; k++)
		if (c->args[k].length_kind == INFO_IN_ARG && c->args[k].length == i)
			return c->args[k].length_bytes || c->args[k].type == INFO_TYPE_buf ||
			       c->args[k].type == INFO_TYPE_str ||
			       c->args[k].type == INFO_TYPE_fdset ||
			       c->args[k].type == INFO_TYPE_pagevec;
	return false;
}

static u64 value_size(struct fuzz *f, unsigned i)
{
	const struct syscall_info *c = f->call;

	if (!strcmp(c->args[i].name, "sigsetsize"))
		return chance(f, 95) ? 8 : value_int(f);
	if (!strcmp(c->name, "set_robust_list") && chance(f, 90))
		return f->way->abi == INFO_X86_64 ? 24 : 12;
	if (c->args[0].type == INFO_TYPE_ptr || c->args[0].set == INFO_SET_struct_mmap_arg_struct)
		return chance(f, 75) ? SLOT * (1 + below(f, 12)) : value_length(f);
	return value_length(f);
}

// What an ioctl, fcntl or prctl is given: a number or an address with something at it.
static u64 value_var(struct fuzz *f, unsigned i)
{
	u64 at = slot(f, i);

	switch (below(f, 5)) {
	case 0:
		return value_int(f);
	case 1:
		return value_hostile(f);
	case 2:
		return value_fd(f);
	default: // struct flock, termios, winsize: words and small numbers
		for (unsigned k = 0; k < 16; k++)
			((u32 *)(uintptr_t)at)[k] = (u32)(chance(f, 60) ? below(f, 4)
									: value_int(f));
		return at;
	}
}

u64 value_argument(struct fuzz *f, unsigned i)
{
	const struct syscall_info *c = f->call;
	const struct syscall_arg *a = &c->args[i];

	if (a->set != INFO_SET_none && info_set_name[a->set][0] == 'v')
		return value_var(f, i);
	if (a->set != INFO_SET_none)
		return value_set(f, a->set);
	if (is_length(c, i))
		return chance(f, 10) || counts_bytes(c, i) ? value_length(f) : below(f, 12);
	switch (a->type) {
	case INFO_TYPE_fd:
		return value_fd(f);
	case INFO_TYPE_dirfd:
		return chance(f, 60) ? (u64)AT_FDCWD : value_fd(f);
	case INFO_TYPE_pid:
		return value_pid(f, has_sets(c, INFO_SET_flags_wait));
	case INFO_TYPE_sig:
		return value_sig(f);
	case INFO_TYPE_uid:
	case INFO_TYPE_gid:
	case INFO_TYPE_uid16:
	case INFO_TYPE_gid16:
		return chance(f, 60) ? 0 : chance(f, 50) ? 1000 : value_int(f);
	case INFO_TYPE_mode:
		return chance(f, 50) ? 0777 : (u64)below(f, 16) << 12 | below(f, 010000);
	case INFO_TYPE_ptr:
		return value_memory(f);
	case INFO_TYPE_size:
		return value_size(f, i);
	case INFO_TYPE_off:
	case INFO_TYPE_loff:
		return chance(f, 60) ? below(f, 5 * SLOT) : value_int(f);
	default:
		return value_int(f);
	}
}

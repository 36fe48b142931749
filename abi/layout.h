// SPDX-License-Identifier: MIT
// User structures whose layout differs between ABIs: one pair of converters each. The ABI is that
// of the entry of the running call (current_regs()->abi). All return 0 or a negative errno, -EFAULT
// first of all. Results are built whole in a zeroed buffer and copied out once (hazards 44, 45).
#pragma once

#include "fs/uio.h"
#include "fs/vfs.h"
#include "kern/signal.h"
#include "kern/task.h"
#include "kern/time.h"
#include "lib/types.h"

u8 abi_current(void); // ABI_* of the running call: what sigaction keeps for the frame
u32 abi_word(void);   // bytes of a pointer in the running call's ABI: 8, 4, 4 (x86_64, i386, x32)
u32 abi_long(void); // bytes of a long: 8, 4, and 8 for x32, whose shared calls are the 64-bit ones
bool abi_is_32bit_map(void); // mmap of this call stays below 4 GiB
// Reads or writes one user long.
int abi_copyin_long(s64 *v, uptr src);
int abi_copyin_ulong(u64 *v, uptr src); // zero-extended
int abi_copyout_long(uptr dst, s64 v); // truncated to the word; -EOVERFLOW is the caller's business
// argv/envp style arrays: pointer number `index`; and a pointer (or compat size) as a result.
int abi_copyin_ptr(uptr *v, uptr array, u32 index);
int abi_copyout_ptr(uptr dst, uptr v);

// timespec, timeval in the ABI's own width (x32: 64-bit); _64: always two 64-bit words (time64
// calls of i386)
int abi_copyin_timespec(struct ktime_spec *ts, uptr src);
int abi_copyout_timespec(uptr dst, const struct ktime_spec *ts);
// i386: upper half of tv_nsec is ignored
int abi_copyin_timespec64(struct ktime_spec *ts, uptr src);
int abi_copyout_timespec64(uptr dst, const struct ktime_spec *ts);
// nsec = usec * 1000; range of usec checked by the caller through abi_timeval_ok
int abi_copyin_timeval(struct ktime_spec *ts, uptr src);
int abi_copyout_timeval(uptr dst, const struct ktime_spec *ts);
int abi_copyin_itimerval(struct ktime_spec *interval, struct ktime_spec *value, uptr src);
int abi_copyout_itimerval(uptr dst, const struct ktime_spec *interval,
			  const struct ktime_spec *value);
int abi_copyin_itimerspec(struct ktime_spec *interval, struct ktime_spec *value, uptr src);
int abi_copyout_itimerspec(uptr dst, const struct ktime_spec *interval,
			   const struct ktime_spec *value);

// struct stat of stat(2) (i386: the "new" 32-bit one); -EOVERFLOW
int abi_copyout_stat(uptr dst, const struct kstat *st);
int abi_copyout_stat64(uptr dst, const struct kstat *st);  // i386 stat64
int abi_copyout_oldstat(uptr dst, const struct kstat *st); // i386 __old_kernel_stat
int abi_copyout_statx(uptr dst, const struct kstat *st, u32 mask);
int abi_copyout_statfs(uptr dst, const struct kstatfs *st);
int abi_copyout_statfs64(uptr dst, const struct kstatfs *st, size_t size);

// iovec array → segments. segs has room for UIO_MAXIOV; checks count and total (-EINVAL), returns
// total bytes.
long abi_copyin_iovec(struct uio_seg *segs, uptr iov, u32 count);

int abi_copyin_sigset(sigset64 *set, uptr src, size_t size); // size checked: -EINVAL unless 8
int abi_copyout_sigset(uptr dst, sigset64 set, size_t size); // up to 8 bytes
int abi_copyin_old_sigset(sigset64 *set, uptr src);	     // 32-bit mask of i386
int abi_copyin_sigaction(struct kaction *a, uptr src);	     // rt_sigaction; sets a->abi
int abi_copyout_sigaction(uptr dst, const struct kaction *a);
int abi_copyin_old_sigaction(struct kaction *a, uptr src); // i386 sigaction(67)
int abi_copyout_old_sigaction(uptr dst, const struct kaction *a);
int abi_copyin_siginfo(struct ksiginfo *si, uptr src); // rt_sigqueueinfo
int abi_copyout_siginfo(uptr dst, const struct ksiginfo *si);
int abi_copyin_altstack(struct altstack *a, uptr src);
int abi_copyout_altstack(uptr dst, const struct altstack *a);
int abi_copyin_sigset_arg(uptr *set, size_t *size, uptr src); // pselect6's sixth argument

int abi_copyout_rusage(uptr dst, const struct krusage *ru);
// the kernel's 64-bit struct rlimit; i386: RLIM_INFINITY widened
int abi_copyin_rlimit(struct rlimit *r, uptr src);
int abi_copyout_rlimit(uptr dst, const struct rlimit *r);
int abi_copyout_old_rlimit(uptr dst, const struct rlimit *r); // i386 getrlimit(76)
struct ksysinfo {
	s64 uptime;
	u64 loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap, totalhigh,
		freehigh;
	u32 procs, mem_unit;
};
int abi_copyout_sysinfo(uptr dst, const struct ksysinfo *si);
int abi_copyout_tms(uptr dst, const s64 ticks[4]);

// fcntl's struct flock; wide: flock64 of i386.
struct kflock {
	s16 type, whence;
	s64 start, len;
	s32 pid;
};
int abi_copyin_flock(struct kflock *fl, uptr src, bool wide);
int abi_copyout_flock(uptr dst, const struct kflock *fl, bool wide);

// fd_set of n bits: 32- or 64-bit words are the same bytes on little-endian, but sizes round to the
// ABI's long.
size_t abi_fdset_bytes(u32 n);
// One getdents record. Returns bytes used (aligned), 0 when it does not fit into room. old:
// getdents(78/141), else getdents64.
long abi_put_dirent(uptr dst, size_t room, bool old, const char *name, u32 len, u64 ino, u32 dtype,
		    u64 next);
bool abi_tls_is_desc(void); // thread-local storage is a GDT descriptor (i386), not a base
int abi_copyin_user_desc(void *desc16, uptr src); // struct user_desc, same in all ABIs

// SPDX-License-Identifier: MIT
// Converters of user layouts: words, signals, limits and usage. Files and times have their own.

#include "abi/layout.h"

#include "abi/abi.h"
#include "abi/sigframe.h"
#include "lib/string.h"
#include "machine/context.h"
#include "machine/regs.h"
#include "machine/uaccess.h"

#include <asm/errno.h>
#include <linux/signal.h>

static const struct abi *call_abi(void)
{
	return regs_abi(current_regs());
}

static bool is_i386(void)
{
	return current_regs()->abi == ABI_I386;
}

u8 abi_current(void)
{
	return current_regs()->abi;
}

u32 abi_word(void)
{
	return call_abi()->word;
}

u32 abi_long(void)
{
	return is_i386() ? 4 : 8;
}

bool abi_is_32bit_map(void)
{
	return call_abi()->map_32bit;
}

static int copyin_word(u64 *v, uptr src, u32 bytes)
{
	u32 small;
	int r;

	if (bytes == 8)
		return get_user_u64(v, src);
	r = get_user_u32(&small, src);
	*v = small;
	return r;
}

int abi_copyin_long(s64 *v, uptr src)
{
	u64 word;
	int r = copyin_word(&word, src, abi_long());

	*v = is_i386() ? (s32)word : (s64)word;
	return r;
}

int abi_copyin_ulong(u64 *v, uptr src)
{
	return copyin_word(v, src, abi_long());
}

int abi_copyout_long(uptr dst, s64 v)
{
	return abi_long() == 8 ? put_user_u64(dst, (u64)v) : put_user_u32(dst, (u32)v);
}

int abi_copyin_ptr(uptr *v, uptr array, u32 index)
{
	return copyin_word(&v->va, uptr_add(array, (u64)index * abi_word()), abi_word());
}

int abi_copyout_ptr(uptr dst, uptr v)
{
	return abi_word() == 8 ? put_user_u64(dst, v.va) : put_user_u32(dst, (u32)v.va);
}

// --- Signals ---

int abi_copyin_sigset(sigset64 *set, uptr src, size_t size)
{
	if (size != sizeof(*set))
		return -EINVAL;
	return get_user_u64(set, src);
}

int abi_copyout_sigset(uptr dst, sigset64 set, size_t size)
{
	return copyout(dst, &set, MIN(size, sizeof(set)));
}

int abi_copyin_old_sigset(sigset64 *set, uptr src)
{
	u32 small;
	int r = get_user_u32(&small, src);

	*set = small;
	return r;
}

// struct sigaction of rt_sigaction. x32's and i386's have pointers and flags of 32 bits.
struct sigaction_64 {
	u64 handler, flags, restorer, mask;
};
struct sigaction_32 {
	u32 handler, flags, restorer;
	u32 mask[2];
};
struct old_sigaction {
	u32 handler, mask, flags, restorer;
};

#define SA_KNOWN                                                                           \
	(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER | \
	 SA_RESETHAND | SA_RESTORER | SA_EXPOSE_TAGBITS)

// Bits the kernel does not know are cleared, so that user space can find out (sigaction(2)).
static u64 known_flags(u64 flags)
{
	return flags & SA_KNOWN;
}

int abi_copyin_sigaction(struct kaction *a, uptr src)
{
	struct sigaction_64 wide;
	struct sigaction_32 small;
	int r;

	*a = (struct kaction){.abi = current_regs()->abi};
	if (abi_word() == 8) {
		r = copyin(&wide, src, sizeof(wide));
		a->handler = wide.handler;
		a->flags = known_flags(wide.flags);
		a->restorer = wide.restorer;
		a->mask = wide.mask;
	} else {
		r = copyin(&small, src, sizeof(small));
		a->handler = small.handler;
		a->flags = known_flags(small.flags);
		a->restorer = small.restorer;
		a->mask = small.mask[0] | (u64)small.mask[1] << 32;
	}
	return r;
}

int abi_copyout_sigaction(uptr dst, const struct kaction *a)
{
	struct sigaction_64 wide = {a->handler, a->flags, a->restorer, a->mask};
	struct sigaction_32 small = {(u32)a->handler,
				     (u32)a->flags,
				     (u32)a->restorer,
				     {(u32)a->mask, (u32)(a->mask >> 32)}};

	return abi_word() == 8 ? copyout(dst, &wide, sizeof(wide))
			       : copyout(dst, &small, sizeof(small));
}

int abi_copyin_old_sigaction(struct kaction *a, uptr src)
{
	struct old_sigaction old;
	int r = copyin(&old, src, sizeof(old));

	*a = (struct kaction){old.handler, known_flags(old.flags), old.restorer, old.mask,
			      current_regs()->abi};
	return r;
}

int abi_copyout_old_sigaction(uptr dst, const struct kaction *a)
{
	struct old_sigaction old = {(u32)a->handler, (u32)a->mask, (u32)a->flags, (u32)a->restorer};

	return copyout(dst, &old, sizeof(old));
}

int abi_copyin_siginfo(struct ksiginfo *si, uptr src)
{
	u8 image[SIGINFO_BYTES];
	int r = copyin(image, src, sizeof(image));

	if (!r)
		siginfo_unpack(si, image, current_regs()->abi);
	return r;
}

int abi_copyout_siginfo(uptr dst, const struct ksiginfo *si)
{
	u8 image[SIGINFO_BYTES];

	siginfo_pack(image, si, current_regs()->abi);
	return copyout(dst, image, sizeof(image));
}

struct stack_64 {
	u64 sp;
	s32 flags;
	u32 pad;
	u64 size;
};
struct stack_32 {
	u32 sp;
	s32 flags;
	u32 size;
};

int abi_copyin_altstack(struct altstack *a, uptr src)
{
	struct stack_64 wide;
	struct stack_32 small;
	int r;

	if (abi_word() == 8) {
		r = copyin(&wide, src, sizeof(wide));
		*a = (struct altstack){wide.sp, wide.size, (u32)wide.flags};
	} else {
		r = copyin(&small, src, sizeof(small));
		*a = (struct altstack){small.sp, small.size, (u32)small.flags};
	}
	return r;
}

int abi_copyout_altstack(uptr dst, const struct altstack *a)
{
	struct stack_64 wide = {.sp = a->sp, .flags = (s32)a->flags, .size = a->size};
	struct stack_32 small = {(u32)a->sp, (s32)a->flags, (u32)a->size};

	return abi_word() == 8 ? copyout(dst, &wide, sizeof(wide))
			       : copyout(dst, &small, sizeof(small));
}

int abi_copyin_sigset_arg(uptr *set, size_t *size, uptr src)
{
	u64 bytes;
	int r = abi_copyin_ulong(&set->va, src);

	if (!r)
		r = abi_copyin_ulong(&bytes, uptr_add(src, abi_long()));
	*size = r ? 0 : bytes;
	return r;
}

// --- Usage and limits ---

// x32 has 64-bit longs in struct rusage, i386 32-bit ones: two times, then fourteen counts.
int abi_copyout_rusage(uptr dst, const struct krusage *ru)
{
	u64 v[18] = {
		ru->utime / NSEC_PER_SEC, ru->utime % NSEC_PER_SEC / 1000,
		ru->stime / NSEC_PER_SEC, ru->stime % NSEC_PER_SEC / 1000,
		[4] = ru->maxrss,	  [8] = ru->minflt,
		[9] = ru->majflt,	  [11] = ru->inblock,
		[12] = ru->oublock,	  [16] = ru->nvcsw,
		[17] = ru->nivcsw,
	};
	u32 small[18];

	if (!is_i386())
		return copyout(dst, v, sizeof(v));
	for (u32 i = 0; i < 18; i++)
		small[i] = (u32)v[i];
	return copyout(dst, small, sizeof(small));
}

#define INFINITY_32 0xffffffffu

static u64 rlimit_widen(u32 v)
{
	return v == INFINITY_32 ? RLIM64_INFINITY : v;
}

static u32 rlimit_narrow(u64 v)
{
	return v > INFINITY_32 ? INFINITY_32 : (u32)v;
}

int abi_copyin_rlimit(struct rlimit *r, uptr src)
{
	u32 small[2];
	int error;

	if (!is_i386())
		return copyin(r, src, sizeof(*r));
	error = copyin(small, src, sizeof(small));
	r->rlim_cur = rlimit_widen(small[0]);
	r->rlim_max = rlimit_widen(small[1]);
	return error;
}

int abi_copyout_rlimit(uptr dst, const struct rlimit *r)
{
	u32 small[2] = {rlimit_narrow(r->rlim_cur), rlimit_narrow(r->rlim_max)};

	return is_i386() ? copyout(dst, small, sizeof(small)) : copyout(dst, r, sizeof(*r));
}

// The first getrlimit knew signed limits only.
int abi_copyout_old_rlimit(uptr dst, const struct rlimit *r)
{
	u32 small[2] = {(u32)MIN((u64)r->rlim_cur, (u64)INT32_MAX),
			(u32)MIN((u64)r->rlim_max, (u64)INT32_MAX)};

	return copyout(dst, small, sizeof(small));
}

struct sysinfo_64 {
	s64 uptime;
	u64 loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	u16 procs, pad;
	u64 totalhigh, freehigh;
	u32 mem_unit;
};
struct sysinfo_32 {
	s32 uptime;
	u32 loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	u16 procs, pad;
	u32 totalhigh, freehigh, mem_unit;
	u8 rest[8];
};

BUILD_ASSERT(sizeof(struct sysinfo_64) == 112);
BUILD_ASSERT(sizeof(struct sysinfo_32) == 64);

// Amounts of memory in units that make the largest fit 32 bits: a byte, or a page (sysinfo(2)).
static int copyout_sysinfo_32(uptr dst, const struct ksysinfo *si)
{
	u32 shift = (si->totalram * si->mem_unit) >> 32 ? 12 : 0;
	u64 scale = si->mem_unit;
	struct sysinfo_32 s = {
		.uptime = (s32)si->uptime,
		.loads = {(u32)si->loads[0], (u32)si->loads[1], (u32)si->loads[2]},
		.totalram = (u32)(si->totalram * scale >> shift),
		.freeram = (u32)(si->freeram * scale >> shift),
		.sharedram = (u32)(si->sharedram * scale >> shift),
		.bufferram = (u32)(si->bufferram * scale >> shift),
		.totalswap = (u32)(si->totalswap * scale >> shift),
		.freeswap = (u32)(si->freeswap * scale >> shift),
		.procs = (u16)si->procs,
		.mem_unit = 1u << shift,
	};

	return copyout(dst, &s, sizeof(s));
}

int abi_copyout_sysinfo(uptr dst, const struct ksysinfo *si)
{
	struct sysinfo_64 s = {
		.uptime = si->uptime,
		.loads = {si->loads[0], si->loads[1], si->loads[2]},
		.totalram = si->totalram,
		.freeram = si->freeram,
		.sharedram = si->sharedram,
		.bufferram = si->bufferram,
		.totalswap = si->totalswap,
		.freeswap = si->freeswap,
		.procs = (u16)si->procs,
		.totalhigh = si->totalhigh,
		.freehigh = si->freehigh,
		.mem_unit = si->mem_unit,
	};

	return is_i386() ? copyout_sysinfo_32(dst, si) : copyout(dst, &s, sizeof(s));
}

int abi_copyout_tms(uptr dst, const s64 ticks[4])
{
	s32 small[4] = {(s32)ticks[0], (s32)ticks[1], (s32)ticks[2], (s32)ticks[3]};

	return is_i386() ? copyout(dst, small, sizeof(small))
			 : copyout(dst, ticks, 4 * sizeof(s64));
}

// --- Sets and descriptors ---

size_t abi_fdset_bytes(u32 n)
{
	u32 bytes = abi_long();

	return (size_t)DIV_ROUND_UP(n, bytes * 8) * bytes;
}

bool abi_tls_is_desc(void)
{
	return is_i386();
}

int abi_copyin_user_desc(void *desc16, uptr src)
{
	return copyin(desc16, src, 16);
}

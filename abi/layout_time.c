// SPDX-License-Identifier: MIT
// Times in user layouts: timespec, timeval and the interval forms. i386 has two widths of each, the
// others only the 64-bit ones.

#include "abi/layout.h"
#include "machine/context.h"
#include "machine/regs.h"
#include "machine/uaccess.h"

#include <asm/errno.h>

struct pair_32 {
	s32 sec, frac;
};
struct pair_64 {
	s64 sec, frac;
};

static bool narrow(void)
{
	return current_regs()->abi == ABI_I386;
}

static int copyin_pair(s64 *sec, s64 *frac, uptr src)
{
	struct pair_64 wide = {0};
	struct pair_32 small;
	int r;

	if (narrow()) {
		r = copyin(&small, src, sizeof(small));
		wide = (struct pair_64){small.sec, small.frac};
	} else {
		r = copyin(&wide, src, sizeof(wide));
	}
	*sec = wide.sec;
	*frac = wide.frac;
	return r;
}

static NOINLINE int copyout_small(uptr dst, s64 sec, s64 frac)
{
	struct pair_32 small = {(s32)sec, (s32)frac};

	return copyout(dst, &small, sizeof(small));
}

static u64 pair_size(void)
{
	return narrow() ? sizeof(struct pair_32) : sizeof(struct pair_64);
}

int abi_copyin_timespec(struct ktime_spec *ts, uptr src)
{
	return copyin_pair(&ts->sec, &ts->nsec, src);
}

int abi_copyout_timespec(uptr dst, const struct ktime_spec *ts)
{
	BUILD_ASSERT(sizeof(*ts) == sizeof(struct pair_64)); // the kernel's form is the wide one

	return narrow() ? copyout_small(dst, ts->sec, ts->nsec) : copyout(dst, ts, sizeof(*ts));
}

// i386's tv_nsec is a 32-bit long with padding behind it that user space does not clear; x86_64 and
// x32 have the 64-bit calls only, where the upper half counts.
int abi_copyin_timespec64(struct ktime_spec *ts, uptr src)
{
	struct pair_64 wide = {0};
	int r = copyin(&wide, src, sizeof(wide));

	*ts = (struct ktime_spec){wide.sec, narrow() ? (s64)(u32)wide.frac : wide.frac};
	return r;
}

int abi_copyout_timespec64(uptr dst, const struct ktime_spec *ts)
{
	return copyout(dst, ts, sizeof(*ts));
}

// A microsecond value that would overflow in nanoseconds is out of range anyway: it is kept
// invalid.
static s64 usec_to_nsec(s64 usec)
{
	return usec >= 0 && usec < 1000000 ? usec * 1000 : -1;
}

int abi_copyin_timeval(struct ktime_spec *ts, uptr src)
{
	s64 usec;
	int r = copyin_pair(&ts->sec, &usec, src);

	ts->nsec = usec_to_nsec(usec);
	return r;
}

int abi_copyout_timeval(uptr dst, const struct ktime_spec *ts)
{
	struct ktime_spec usec = {ts->sec, ts->nsec / 1000};

	return abi_copyout_timespec(dst, &usec);
}

int abi_copyin_itimerval(struct ktime_spec *interval, struct ktime_spec *value, uptr src)
{
	int r = abi_copyin_timeval(interval, src);

	return r ? r : abi_copyin_timeval(value, uptr_add(src, pair_size()));
}

int abi_copyout_itimerval(uptr dst, const struct ktime_spec *interval,
			  const struct ktime_spec *value)
{
	int r = abi_copyout_timeval(dst, interval);

	return r ? r : abi_copyout_timeval(uptr_add(dst, pair_size()), value);
}

int abi_copyin_itimerspec(struct ktime_spec *interval, struct ktime_spec *value, uptr src)
{
	int r = abi_copyin_timespec(interval, src);

	return r ? r : abi_copyin_timespec(value, uptr_add(src, pair_size()));
}

int abi_copyout_itimerspec(uptr dst, const struct ktime_spec *interval,
			   const struct ktime_spec *value)
{
	int r = abi_copyout_timespec(dst, interval);

	return r ? r : abi_copyout_timespec(uptr_add(dst, pair_size()), value);
}

// SPDX-License-Identifier: MIT
// Clocks and kernel timers. Times inside the kernel are u64 nanoseconds of clock_ns()
// (CLOCK_MONOTONIC) unless said.
#pragma once

#include "kern/lock.h"
#include "lib/rbtree.h"
#include "lib/types.h"
#include "machine/cpu.h"

#define NSEC_PER_SEC  1000000000ULL
#define NSEC_PER_MSEC 1000000ULL
#define NSEC_PER_USEC 1000ULL

// A kernel's own timespec, always 64-bit; converters for user layouts are in abi/layout.h.
struct ktime_spec {
	s64 sec;
	s64 nsec;
};

struct timer {
	struct rb_node tm_node;
	u64 tm_expires;		       // absolute clock_ns()
	void (*tm_fn)(struct timer *); // in interrupt context, no timer lock held; may re-arm
	u32 tm_cpu;
	u8 tm_armed;
};

// The grain of the *_COARSE clocks; the vDSO's VDSO_COARSE_NS.
#define TIME_COARSE_NS (1u << 22)
#define TIME_TICK_NS   4000000u		     // resolution of times that ticks measure
#define TIME_USER_HZ   100		     // clock ticks of times(2), /proc and siginfo
#define TIME_NS_MAX    0x7fffffffffffffffull // where conversions saturate: 292 years

// What settimeofday(2) stored; nothing but gettimeofday(2) looks at it.
struct time_zone {
	s32 minuteswest, dsttime;
};
extern struct time_zone time_zone;

void time_init(void);
// abi/vdso.c: takes over a changed offset.
void vdso_update(void);

void timer_init(struct timer *t, void (*fn)(struct timer *));
void timer_arm(struct timer *t, u64 expires); // (re)arms, on this CPU
// true if it was armed and will not fire; waits for a running tm_fn to end
bool timer_cancel(struct timer *t);
// from the arch timer vector: runs what expired, programs the next
void timer_interrupt(void);
u64 timer_next(void); // earliest expiry on this CPU, 0: none
// The scheduler's tick of this CPU: sched_tick() is called once, not later than `when`. Interrupts
// off.
void timer_tick_arm(u64 when);

u64 time_realtime_ns(void); // CLOCK_REALTIME
// What is added to clock_ns() for CLOCK_REALTIME and CLOCK_MONOTONIC, by clock id; the second is 0.
// [A]
extern u64 time_offset[2];
static inline u64 time_realtime_offset(void)
{
	return READ_ONCE(time_offset[0]);
}
void time_set_realtime(u64 ns_since_1970);
u64 time_coarse_ns(void); // for file times: realtime, fine is good enough

// clock ids of clock_gettime incl. CPU clocks of current/other tasks: 0, -EINVAL.
int kern_clock_ns(int clockid, u64 *ns);
// Sleeps until the clock shows `deadline`: 0, -ERESTARTSYS on a signal, -EINVAL for a CPU clock
// whose owner is gone.
int kern_clock_sleep(int clockid, u64 deadline);
int kern_clock_getres(int clockid, struct ktime_spec *out);
int ktime_check(const struct ktime_spec *ts); // -EINVAL unless sec >= 0 and 0 <= nsec < 1e9
u64 ktime_to_ns(const struct ktime_spec *ts); // saturates
static inline struct ktime_spec ns_to_ktime(u64 ns)
{
	return (struct ktime_spec){(s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC)};
}

static inline int kern_clock_get(int clockid, struct ktime_spec *out)
{
	u64 ns;
	int r;

	// The two that programs ask for, without a call more than needed.
	if (likely((u32)clockid < 2)) {
		*out = ns_to_ktime(clock_ns() + READ_ONCE(time_offset[clockid]));
		return 0;
	}
	r = kern_clock_ns(clockid, &ns);
	if (!r)
		*out = ns_to_ktime(ns);
	return r;
}

// SPDX-License-Identifier: MIT
/*
 * The clock data that the kernel shares with the three vDSO images: one page, read-only for
 *programs, mapped directly below the image (image - VDSO_DATA_SIZE). The layout is the same for
 *-m64, -mx32 and -m32. Every clock is a straight line over the time stamp counter: ns(clock) =
 *(floor(tsc * mult / 2^shift) & keep) + offset	(mod 2^64) The kernel reads its clocks by the same
 *function, so a vDSO answer and a system call's answer agree exactly and nothing has to be
 *refreshed by a tick: the page changes only when a clock is set.
 */
#pragma once

#define VDSO_DATA_SIZE	  4096
#define VDSO_CLOCKS	  12 /* clock ids 0 ... CLOCK_TAI */
#define VDSO_NSEC_PER_SEC 1000000000

/* Grain of the *_COARSE clocks: 4.19 ms, a power of two, near the tick of Linux at 250 Hz. */
#define VDSO_COARSE_NS (1 << 22)

/* getcpu reads this descriptor by LSL, as on Linux: GDT entry 15, RPL 3, limit = cpu | node << 12.
 */
#define VDSO_CPUNODE_SEG      (15 * 8 + 3)
#define VDSO_CPUNODE_CPU_BITS 12

/* Offsets in struct vdso_data for gettime32.S, asserted below. */
#define VDSO_DATA_BEGUN	 0
#define VDSO_DATA_DONE	 4
#define VDSO_DATA_MULT	 8
#define VDSO_DATA_SHIFT	 12
#define VDSO_DATA_OFFSET 16
#define VDSO_DATA_KEEP	 (16 + 8 * VDSO_CLOCKS)

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vdso_data {
	uint32_t begun; /* writes begun and writes done: the page is stable while they are equal */
	uint32_t done;
	uint32_t mult;
	uint32_t shift;		      /* 0 ... 31 */
	uint64_t offset[VDSO_CLOCKS]; /* ns to add, by clock id; two's complement */
	int32_t keep[VDSO_CLOCKS];    /* mask with bit 31 set; 0: clock_gettime is a system call */
	uint32_t res_ns[VDSO_CLOCKS]; /* clock_getres; 0: ask the system call */
	int32_t tz_minuteswest;	      /* what settimeofday stored, zero at boot */
	int32_t tz_dsttime;
};

_Static_assert(offsetof(struct vdso_data, begun) == VDSO_DATA_BEGUN, "gettime32.S");
_Static_assert(offsetof(struct vdso_data, done) == VDSO_DATA_DONE, "gettime32.S");
_Static_assert(offsetof(struct vdso_data, mult) == VDSO_DATA_MULT, "gettime32.S");
_Static_assert(offsetof(struct vdso_data, shift) == VDSO_DATA_SHIFT, "gettime32.S");
_Static_assert(offsetof(struct vdso_data, offset) == VDSO_DATA_OFFSET, "gettime32.S");
_Static_assert(offsetof(struct vdso_data, keep) == VDSO_DATA_KEEP, "gettime32.S");
_Static_assert(sizeof(struct vdso_data) == 16 + 16 * VDSO_CLOCKS + 8, "the same for every ABI");

/*
 * Counter to ns over the whole 64-bit range: a product of 96 bits, then a shift below 32. Where
 * there is no 128-bit type (i386), two multiplications and SHRD, which no compiler finds by itself.
 */
static inline uint64_t vdso_scale(uint64_t tsc, uint32_t mult, uint32_t shift)
{
#ifdef __SIZEOF_INT128__
	return (uint64_t)(((unsigned __int128)tsc * mult) >> (shift & 31));
#else
	uint64_t low = (uint64_t)(uint32_t)tsc * mult;
	uint64_t high = (uint64_t)(uint32_t)(tsc >> 32) * mult + (low >> 32);
	uint32_t bits[3] = {(uint32_t)low, (uint32_t)high, (uint32_t)(high >> 32)};

	asm("shrdl %%cl, %1, %0" : "+r"(bits[0]) : "r"(bits[1]), "c"(shift) : "cc");
	asm("shrdl %%cl, %1, %0" : "+r"(bits[1]) : "r"(bits[2]), "c"(shift) : "cc");
	return (uint64_t)bits[1] << 32 | bits[0];
#endif
}

/* One clock, in ns, at counter value `tsc`. The clock must be served: keep != 0. */
static inline uint64_t vdso_clock_at(const struct vdso_data *data, unsigned int clock, uint64_t tsc)
{
	uint64_t ns = vdso_scale(tsc, data->mult, data->shift);

	return (ns & (uint64_t)(int64_t)data->keep[clock]) + data->offset[clock];
}

/*
 * The writer's side. Writers exclude each other by a lock of their own, and have interrupts off:
 * readers spin from begin to end. Any member may change in between, and no other way.
 */
static inline void vdso_write_begin(struct vdso_data *data)
{
	__atomic_store_n(&data->begun, data->begun + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static inline void vdso_write_end(struct vdso_data *data)
{
	__atomic_store_n(&data->done, data->begun, __ATOMIC_RELEASE);
}

/*
 * Chooses mult and shift for a counter of `hz`: the largest shift whose mult fits 32 bits. The rate
 * is then wrong by at most one part in 2 * mult: 0.25e-9 up to 1 GHz, 1e-9 at 4 GHz. The offsets
 * must be set anew afterwards. Between vdso_write_begin and vdso_write_end.
 */
static inline void vdso_set_scale(struct vdso_data *data, uint64_t hz)
{
	uint32_t shift = 31;

	while (shift > 0 && ((uint64_t)VDSO_NSEC_PER_SEC << shift) / hz >= UINT32_MAX)
		shift--;
	data->shift = shift;
	data->mult = (uint32_t)((((uint64_t)VDSO_NSEC_PER_SEC << shift) + hz / 2) / hz);
}

/*
 * Serves a clock from the page, fine (1 ns) or coarse. offset = (ns of the clock) - vdso_scale() at
 * one counter value. Between vdso_write_begin and vdso_write_end.
 */
static inline void vdso_set_clock(struct vdso_data *data, unsigned int clock, uint64_t offset,
				  bool coarse)
{
	data->offset[clock] = offset;
	data->keep[clock] = coarse ? -VDSO_COARSE_NS : -1;
	data->res_ns[clock] = coarse ? VDSO_COARSE_NS : 1;
}
#endif

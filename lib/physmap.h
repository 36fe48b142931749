// SPDX-License-Identifier: MIT
/*
 * How the firmware table parsers reach physical memory: the caller decides what may be read.
 */
#pragma once

#include "lib/types.h"

struct physmap {
	/* The bytes [phys, phys + len), len > 0, readable until the parse ends; NULL: not to be
	 * had. */
	const void *(*map)(void *ctx, u64 phys, size_t len);
	void *ctx;
};

/* Where the boot firmware may leave its tables: PC BIOS data area, extended area, ROM. */
#define PHYSMAP_EBDA_POINTER 0x40e /* u16, a real-mode segment */
#define PHYSMAP_EBDA_MIN     0x80000
#define PHYSMAP_EBDA_MAX     0xa0000
#define PHYSMAP_ROM_END	     0x100000

static inline const u8 *physmap_get(const struct physmap *m, u64 phys, size_t len)
{
	return phys + len < phys ? NULL : (const u8 *)m->map(m->ctx, phys, len);
}

/* Firmware tables are little endian and not aligned. */
static inline u16 physmap_u16(const u8 *p)
{
	return (u16)(p[0] | p[1] << 8);
}

static inline u32 physmap_u32(const u8 *p)
{
	return (u32)physmap_u16(p) | (u32)physmap_u16(p + 2) << 16;
}

static inline u64 physmap_u64(const u8 *p)
{
	return (u64)physmap_u32(p) | (u64)physmap_u32(p + 4) << 32;
}

/* True when the bytes sum up to 0 modulo 256: the checksum of all these tables. */
bool physmap_sums_to_zero(const u8 *p, size_t len);

/*
 * The address of the first 16-byte step in [start, start + len) at which `sig` stands and `size`
 * bytes, all inside the range, sum up to zero; 0: none.
 */
u64 physmap_scan(const struct physmap *m, u64 start, size_t len, const char *sig, size_t size);
/* The address of the extended BIOS data area, 0 when the pointer makes no sense. */
u64 physmap_ebda(const struct physmap *m);

// SPDX-License-Identifier: MIT
/*
 * Hash functions. Tables whose keys a program chooses (names in directories) use the keyed SipHash,
 * so that nobody can aim all keys at one bucket; tables with keys of the kernel's own use the cheap
 * ones.
 */
#pragma once

#include "lib/types.h"

/* A bijection of 64 bits in which each input bit reaches each output bit. */
static inline u64 hash_u64(u64 x)
{
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ull;
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ull;
	x ^= x >> 32;
	return x;
}

/* An index below 1 << bits (1 to 32), by the golden ratio; one multiplication. */
static inline u32 hash_bits(u64 x, unsigned int bits)
{
	return (u32)(x * 0x9e3779b97f4a7c15ull >> (64 - bits));
}

static inline u32 hash_ptr(const void *p, unsigned int bits)
{
	return hash_bits((uintptr_t)p, bits);
}

static inline u64 hash_mix(u64 seed, u64 x)
{
	return hash_u64(seed ^ (x + 0x9e3779b97f4a7c15ull + (seed << 6) + (seed >> 2)));
}

/* FNV-1a, unkeyed: for names that no program chooses. */
u64 hash_bytes(const void *data, size_t len);
u64 hash_str(const char *s);

struct hash_key {
	u64 k[2]; /* from the random generator, at boot */
};

/* SipHash-1-3: a keyed hash for tables (names of dentries). */
u64 hash_sip(const struct hash_key *key, const void *data, size_t len);
/* SipHash-2-4: the original, stronger one; it has published test vectors. */
u64 hash_sip24(const struct hash_key *key, const void *data, size_t len);

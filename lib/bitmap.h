// SPDX-License-Identifier: MIT
/*
 * Bitmaps over an array of u64 words, bit 0 the lowest of word 0. Not atomic: a lock of the owner
 * covers them. Bits at and beyond `nbits` are neither read into results nor changed.
 */
#pragma once

#include "lib/types.h"

#define BITMAP_WORDS(nbits) (((nbits) + 63) / 64)

static inline bool bitmap_test(const u64 *map, size_t bit)
{
	return map[bit / 64] >> (bit % 64) & 1;
}

static inline void bitmap_set(u64 *map, size_t bit)
{
	map[bit / 64] |= BIT(bit % 64);
}

static inline void bitmap_clear(u64 *map, size_t bit)
{
	map[bit / 64] &= ~BIT(bit % 64);
}

/* The bits of word `w` that lie in [from, to). */
static inline u64 bitmap_word_mask_(size_t w, size_t from, size_t to)
{
	u64 mask = ~0ull;

	if (from > w * 64)
		mask &= ~0ull << (from - w * 64);
	if (to < w * 64 + 64)
		mask &= BIT(to - w * 64) - 1;
	return mask;
}

static inline void bitmap_set_range(u64 *map, size_t from, size_t n)
{
	for (size_t w = from / 64; w * 64 < from + n; w++)
		map[w] |= bitmap_word_mask_(w, from, from + n);
}

static inline void bitmap_clear_range(u64 *map, size_t from, size_t n)
{
	for (size_t w = from / 64; w * 64 < from + n; w++)
		map[w] &= ~bitmap_word_mask_(w, from, from + n);
}

static inline size_t bitmap_find_(const u64 *map, size_t nbits, size_t from, u64 invert)
{
	for (size_t w = from / 64; w * 64 < nbits; w++) {
		u64 word = (map[w] ^ invert) & bitmap_word_mask_(w, MIN(from, nbits), nbits);

		if (word)
			return w * 64 + (size_t)__builtin_ctzll(word);
	}
	return nbits;
}

/* The first set (clear) bit at or after `from`, or `nbits` when there is none. */
static inline size_t bitmap_find_set(const u64 *map, size_t nbits, size_t from)
{
	return bitmap_find_(map, nbits, from, 0);
}

static inline size_t bitmap_find_zero(const u64 *map, size_t nbits, size_t from)
{
	return bitmap_find_(map, nbits, from, ~0ull);
}

/* The start of the first run of `n` clear bits at or after `from`, or `nbits`. */
static inline size_t bitmap_find_zero_range(const u64 *map, size_t nbits, size_t from, size_t n)
{
	for (;;) {
		size_t start = bitmap_find_zero(map, nbits, from);

		if (start >= nbits || n > nbits - start)
			return nbits;
		from = bitmap_find_set(map, start + n, start);
		if (from == start + n)
			return start;
	}
}

static inline size_t bitmap_count(const u64 *map, size_t nbits)
{
	size_t n = 0;

	for (size_t w = 0; w * 64 < nbits; w++)
		n += (size_t)__builtin_popcountll(map[w] & bitmap_word_mask_(w, 0, nbits));
	return n;
}

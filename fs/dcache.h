// SPDX-License-Identifier: MIT
// The inner loop of a path walk: hashing a component and finding it in the name cache, eight bytes
// a step.
#pragma once

#include "fs/vfs.h"
#include "lib/string.h"

// Keyed at boot, so that no program can choose names that all meet in one bucket: a secret odd
// multiplier for each word of the name, and the directory's address mixed in by a second secret.
// [D] but for the keys.
struct dcache_table {
	struct hlist *buckets;
	u32 mask;
	u64 multiplier, key;
};
extern struct dcache_table dcache_table;

#define WORD_ONES 0x0101010101010101ull
#define WORD_HIGH 0x8080808080808080ull

// Reading past an object, but not past its page: sanitizers are told that it is meant.
#define NAME_UNCHECKED \
	__attribute__((no_sanitize("address"))) __attribute__((no_sanitize("kernel-address")))

// The eight bytes at p, of which those behind the end of the name may be anything: a load that
// stays within p's page cannot fault, the others go by the byte.
static inline NAME_UNCHECKED u64 name_word(const char *p)
{
	u64 w = 0;

	if (likely(((uintptr_t)p & (PAGE_SIZE - 1)) <= PAGE_SIZE - 8)) {
		memcpy(&w, p, 8);
		return w;
	}
	for (u32 i = 0; i < 8; i++) {
		w |= (u64)(u8)p[i] << (8 * i);
		if (!p[i] || p[i] == '/')
			break;
	}
	return w;
}

// A set high bit in the first byte of w that is 0 (those above it may be wrong).
static inline u64 zero_byte(u64 w)
{
	return (w - WORD_ONES) & ~w & WORD_HIGH;
}

static inline u64 hash_word(u64 h, u64 w)
{
	return (h ^ w) * dcache_table.multiplier;
}

static inline u32 hash_finish(u64 h, const struct dentry *dir)
{
	return (u32)(((h ^ (u64)dir) * dcache_table.key) >> 32);
}

struct component {
	const char *name;
	u32 len, hash;
	u64 word; // the name's last word, zero-padded: all of a name below eight bytes
};

// A name up to '/' or NUL.
static inline void component_scan(struct component *c, const struct dentry *dir, const char *p)
{
	u32 len = 0, n;
	u64 h = 0, w, stop;

	for (;; len += 8) {
		w = name_word(p + len);
		stop = zero_byte(w) | zero_byte(w ^ '/' * WORD_ONES);
		if (likely(stop))
			break;
		h = hash_word(h, w);
	}
	n = (u32)__builtin_ctzll(stop) & 0x38;
	w &= BIT(n) - 1;
	c->name = p;
	c->len = len + n / 8;
	c->word = w;
	c->hash = hash_finish(hash_word(h, w), dir);
}

// dcache_lock held. Whatever the file system says of it: see dentry_cached().
static inline struct dentry *component_find(const struct component *c, const struct dentry *dir)
{
	struct dentry *d;

	hlist_for_each_entry (d, &dcache_table.buckets[c->hash & dcache_table.mask], d_hash) {
		if (d->d_hash_value != c->hash || d->d_parent != dir || d->d_name_len != c->len)
			continue;
		/* Inline names are padded with zeros. */
		if (c->len < 8 ? *(const u64 *)d->d_inline == c->word
			       : !memcmp(d->d_name, c->name, c->len))
			return d;
	}
	return NULL;
}

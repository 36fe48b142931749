// SPDX-License-Identifier: MIT
/*
 * SipHash (Aumasson, Bernstein: "SipHash: a fast short-input PRF") with c compression and d
 * finalization rounds, and FNV-1a.
 */
#include "lib/hash.h"

#include "lib/string.h"

struct sip {
	u64 v0, v1, v2, v3;
};

static ALWAYS_INLINE u64 sip_rotl(u64 x, int n)
{
	return x << n | x >> (64 - n);
}

static ALWAYS_INLINE void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = sip_rotl(s->v1, 13) ^ s->v0;
	s->v3 = sip_rotl(s->v3, 16) ^ s->v2;
	s->v0 = sip_rotl(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = sip_rotl(s->v1, 17) ^ s->v2;
	s->v3 = sip_rotl(s->v3, 21) ^ s->v0;
	s->v2 = sip_rotl(s->v2, 32);
}

/* The last 0 to 7 bytes, little endian, without a loop over them. */
static ALWAYS_INLINE u64 sip_tail(const u8 *p, size_t n)
{
	u64 tail = 0;
	u32 w;
	u16 h;

	if (n & 4) {
		memcpy(&w, p, 4);
		tail = w;
		p += 4;
	}
	if (n & 2) {
		memcpy(&h, p, 2);
		tail |= (u64)h << (n & 4) * 8;
		p += 2;
	}
	if (n & 1)
		tail |= (u64)*p << (n & 6) * 8;
	return tail;
}

static ALWAYS_INLINE u64 sip_hash(const struct hash_key *key, const u8 *p, size_t len, int c, int d)
{
	struct sip s = {
		/* "somepseudorandomlygeneratedbytes" */
		.v0 = key->k[0] ^ 0x736f6d6570736575ull,
		.v1 = key->k[1] ^ 0x646f72616e646f6dull,
		.v2 = key->k[0] ^ 0x6c7967656e657261ull,
		.v3 = key->k[1] ^ 0x7465646279746573ull,
	};
	const u8 *end = p + (len & ~(size_t)7);
	u64 m;

	for (; p < end; p += 8) {
		memcpy(&m, p, 8);
		s.v3 ^= m;
		for (int i = 0; i < c; i++)
			sip_round(&s);
		s.v0 ^= m;
	}
	m = (u64)len << 56 | sip_tail(p, len & 7);
	s.v3 ^= m;
	for (int i = 0; i < c; i++)
		sip_round(&s);
	s.v0 ^= m;
	s.v2 ^= 0xff;
	for (int i = 0; i < d; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

u64 hash_sip(const struct hash_key *key, const void *data, size_t len)
{
	return sip_hash(key, data, len, 1, 3);
}

u64 hash_sip24(const struct hash_key *key, const void *data, size_t len)
{
	return sip_hash(key, data, len, 2, 4);
}

#define FNV_BASIS 0xcbf29ce484222325ull
#define FNV_PRIME 0x100000001b3ull

u64 hash_bytes(const void *data, size_t len)
{
	const u8 *p = data;
	u64 h = FNV_BASIS;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * FNV_PRIME;
	return h;
}

u64 hash_str(const char *s)
{
	u64 h = FNV_BASIS;

	for (; *s; s++)
		h = (h ^ (u8)*s) * FNV_PRIME;
	return h;
}

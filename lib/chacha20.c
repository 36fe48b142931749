// SPDX-License-Identifier: MIT
/*
 * The ChaCha20 block function of RFC 8439, and fast key erasure on top of it.
 */
#include "lib/chacha20.h"

#include "lib/string.h"

static u32 chacha20_load(const u8 *p)
{
	return (u32)p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
}

static ALWAYS_INLINE u32 chacha20_rotl(u32 x, int n)
{
	return x << n | x >> (32 - n);
}

static ALWAYS_INLINE void chacha20_quarter(u32 x[16], int a, int b, int c, int d)
{
	x[a] += x[b];
	x[d] = chacha20_rotl(x[d] ^ x[a], 16);
	x[c] += x[d];
	x[b] = chacha20_rotl(x[b] ^ x[c], 12);
	x[a] += x[b];
	x[d] = chacha20_rotl(x[d] ^ x[a], 8);
	x[c] += x[d];
	x[b] = chacha20_rotl(x[b] ^ x[c], 7);
}

void chacha20_init(struct chacha20 *c, const u8 key[CHACHA20_KEY_SIZE], u32 counter,
		   const u8 nonce[CHACHA20_NONCE_SIZE])
{
	static const char sigma[16] = "expand 32-byte k";

	for (int i = 0; i < 4; i++)
		c->word[i] = chacha20_load((const u8 *)sigma + 4 * i);
	for (int i = 0; i < 8; i++)
		c->word[4 + i] = chacha20_load(key + 4 * i);
	c->word[12] = counter;
	for (int i = 0; i < 3; i++)
		c->word[13 + i] = chacha20_load(nonce + 4 * i);
}

void chacha20_block(struct chacha20 *c, u8 out[CHACHA20_BLOCK_SIZE])
{
	u32 x[16];

	memcpy(x, c->word, sizeof(x));
	for (int round = 0; round < 20; round += 2) {
		chacha20_quarter(x, 0, 4, 8, 12);
		chacha20_quarter(x, 1, 5, 9, 13);
		chacha20_quarter(x, 2, 6, 10, 14);
		chacha20_quarter(x, 3, 7, 11, 15);
		chacha20_quarter(x, 0, 5, 10, 15);
		chacha20_quarter(x, 1, 6, 11, 12);
		chacha20_quarter(x, 2, 7, 8, 13);
		chacha20_quarter(x, 3, 4, 9, 14);
	}
	for (int i = 0; i < 16; i++) {
		u32 w = x[i] + c->word[i];

		out[4 * i] = (u8)w;
		out[4 * i + 1] = (u8)(w >> 8);
		out[4 * i + 2] = (u8)(w >> 16);
		out[4 * i + 3] = (u8)(w >> 24);
	}
	c->word[12]++;
	mem_wipe(x, sizeof(x));
}

void chacha20_draw(struct chacha20 *c, u8 *out, size_t len)
{
	u8 block[CHACHA20_BLOCK_SIZE];

	chacha20_block(c, block);
	for (int i = 0; i < 8; i++)
		c->word[4 + i] = chacha20_load(block + 4 * i);
	memcpy(out, block + CHACHA20_KEY_SIZE, MIN(len, (size_t)32));
	mem_wipe(block, sizeof(block));
}

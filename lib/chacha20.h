// SPDX-License-Identifier: MIT
/*
 * The ChaCha20 block function (RFC 8439 §2.3): the core of the kernel's random generator.
 */
#pragma once

#include "lib/types.h"

#define CHACHA20_KEY_SIZE   32
#define CHACHA20_NONCE_SIZE 12
#define CHACHA20_BLOCK_SIZE 64

struct chacha20 {
	u32 word[16]; /* constants, key, counter (word 12), nonce */
};

void chacha20_init(struct chacha20 *c, const u8 key[CHACHA20_KEY_SIZE], u32 counter,
		   const u8 nonce[CHACHA20_NONCE_SIZE]);
/* Writes one block of key stream and increments the block counter (modulo 2^32). */
void chacha20_block(struct chacha20 *c, u8 out[CHACHA20_BLOCK_SIZE]);
/*
 * Fast key erasure: fills `out` with len <= 32 random bytes and replaces the key by the other half
 * of the block, so that a later leak of `c` does not reveal what was handed out.
 */
void chacha20_draw(struct chacha20 *c, u8 *out, size_t len);

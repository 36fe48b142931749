// SPDX-License-Identifier: MIT
/*
 * lib/hash.c, lib/crc32.c, lib/chacha20.c against published vectors.
 */
#include "test/unit/unit.h"

#include "lib/chacha20.h"
#include "lib/crc32.h"
#include "lib/hash.h"

/* SipHash paper, appendix A: key 00…0f, message 00…0e; and the empty message from the authors'
 * vector list. */
static void test_siphash(void **state)
{
	const struct hash_key key = {{0x0706050403020100ull, 0x0f0e0d0c0b0a0908ull}};
	u8 in[64];

	(void)state;
	for (u8 i = 0; i < sizeof(in); i++)
		in[i] = i;
	assert_true(hash_sip24(&key, in, 15) == 0xa129ca6149be45e5ull);
	assert_true(hash_sip24(&key, in, 0) == 0x726fdb47dd0e0e31ull);
	assert_true(hash_sip24(&key, in, 8) == 0x93f5f5799a932462ull);
	/* Every length and every byte counts, in the fast form too. */
	for (size_t n = 1; n < sizeof(in); n++) {
		u64 h = hash_sip(&key, in, n);

		assert_true(h != hash_sip(&key, in, n - 1));
		for (size_t i = 0; i < n; i++) {
			in[i] ^= 0x10;
			assert_true(h != hash_sip(&key, in, n));
			in[i] ^= 0x10;
		}
	}
}

static void test_simple(void **state)
{
	(void)state;
	/* FNV-1a, from its specification's test list. */
	assert_true(hash_str("") == 0xcbf29ce484222325ull);
	assert_true(hash_str("a") == 0xaf63dc4c8601ec8cull);
	assert_true(hash_str("foobar") == 0x85944171f73967e8ull);
	assert_true(hash_bytes("foobar", 6) == hash_str("foobar"));
	assert_true(hash_u64(1) != hash_u64(2));
	for (unsigned int bits = 1; bits <= 32; bits++)
		assert_true(bits == 32 || hash_bits(~0ull, bits) < BIT(bits));
	assert_true(hash_mix(1, 2) != hash_mix(2, 1));
}

static void test_crc32(void **state)
{
	static struct crc32_table tab;
	const char *s = "123456789";
	u8 block[100];

	(void)state;
	crc32_init(&tab);
	assert_int_equal(crc32_update(&tab, 0, s, 9), 0xcbf43926u);
	assert_int_equal(crc32_update(&tab, 0, s, 0), 0);
	memset(block, 0x5a, sizeof(block));
	for (size_t cut = 0; cut <= sizeof(block); cut++) {
		u32 crc = crc32_update(&tab, 0, block, cut);

		assert_int_equal(crc32_update(&tab, crc, block + cut, sizeof(block) - cut),
				 crc32_update(&tab, 0, block, sizeof(block)));
	}
}

/* RFC 8439 §2.3.2. */
static void test_chacha20(void **state)
{
	static const u8 want[64] = {
		0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3,
		0x20, 0x71, 0xc4, 0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22,
		0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e, 0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa,
		0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2, 0xb5, 0x12, 0x9c, 0xd1,
		0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e};
	static const u8 nonce[12] = {0, 0, 0, 9, 0, 0, 0, 0x4a};
	struct chacha20 c, copy;
	u8 key[32], out[64], drawn[32];

	(void)state;
	for (u8 i = 0; i < 32; i++)
		key[i] = i;
	chacha20_init(&c, key, 1, nonce);
	copy = c;
	chacha20_block(&c, out);
	assert_memory_equal(out, want, 64);
	assert_int_equal(c.word[12], 2);
	/* The key is replaced, and what was drawn is the half that is not the new key. */
	chacha20_draw(&copy, drawn, 32);
	assert_memory_equal(drawn, want + 32, 32);
	assert_memory_equal(&copy.word[4], want, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_siphash),
		cmocka_unit_test(test_simple),
		cmocka_unit_test(test_crc32),
		cmocka_unit_test(test_chacha20),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

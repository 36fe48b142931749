// SPDX-License-Identifier: MIT
/*
 * lib/inflate.c: what gzip makes of data of several kinds, at all levels, whole and through the
 * callback; hand-made blocks; truncation at each byte and damage to each bit.
 */
#include "test/unit/unit.h"

#include <unistd.h>

#include "lib/inflate.h"

static struct inflate z;

struct blob {
	u8 *p;
	size_t n;
};

static struct blob gzip_of(const u8 *data, size_t n, const char *options)
{
	char path[] = "/tmp/postern-inflate-XXXXXX", cmd[128];
	struct blob b = {malloc(n + 70000), 0};
	int fd = mkstemp(path);
	FILE *p;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, n), n);
	close(fd);
	snprintf(cmd, sizeof(cmd), "gzip -c %s %s", options, path);
	p = popen(cmd, "r");
	assert_non_null(p);
	b.n = fread(b.p, 1, n + 70000, p);
	assert_int_equal(pclose(p), 0);
	unlink(path);
	return b;
}

struct sink {
	u8 *p;
	size_t n, max;
};

static int sink_take(void *ctx, const u8 *data, size_t len)
{
	struct sink *s = ctx;

	if (len > s->max - s->n)
		return -EIO;
	memcpy(s->p + s->n, data, len);
	s->n += len;
	return 0;
}

static void expect_whole(const struct blob *gz, const u8 *data, size_t n)
{
	u8 *buf = malloc(n + 1);
	struct inflate_out out = {.buf = buf, .size = n};
	size_t used = 0;
	int err = inflate_gzip(&z, gz->p, gz->n, &used, &out);

	if (err)
		print_error("%s\n", z.error);
	assert_int_equal(err, 0);
	assert_int_equal(used, gz->n);
	assert_int_equal(out.total, n);
	assert_memory_equal(buf, data, n);
	if (n) {
		out.size = n - 1;
		assert_int_equal(inflate_gzip(&z, gz->p, gz->n, NULL, &out), -ENOSPC);
	}
	free(buf);
}

static void expect_through_callback(const struct blob *gz, const u8 *data, size_t n, size_t size)
{
	struct sink sink = {malloc(n + 1), 0, n};
	u8 *buf = malloc(size);
	struct inflate_out out = {.buf = buf, .size = size, .flush = sink_take, .ctx = &sink};

	assert_int_equal(inflate_gzip(&z, gz->p, gz->n, NULL, &out), 0);
	assert_int_equal(sink.n, n);
	assert_memory_equal(sink.p, data, n);
	if (n) { /* the callback's own error comes through */
		sink.n = 0;
		sink.max = n - 1;
		assert_int_equal(inflate_gzip(&z, gz->p, gz->n, NULL, &out), -EIO);
	}
	free(buf);
	free(sink.p);
}

static void fill(u8 *p, size_t n, int kind)
{
	struct unit_rng rng = {10 + (u64)kind};

	for (size_t i = 0; i < n; i++) {
		u64 r = unit_rand(&rng) >> 20;

		switch (kind) {
		case 0: /* incompressible: stored blocks */
			p[i] = (u8)r;
			break;
		case 1: /* one long run */
			p[i] = 'a';
			break;
		case 2: /* skewed letters: long codes */
			p[i] = (u8)('a' + __builtin_ctzll(r | BIT(20)));
			break;
		case 3: /* far repeats */
			p[i] = i < 32768 ? (u8)r : r % 50 ? p[i - 32768] : (u8)r;
			break;
		default: /* near repeats of all distances */
			p[i] = i < 300 || r % 20 == 0 ? (u8)r : p[i - 1 - (i / 97) % 290];
		}
	}
}

static void test_round_trips(void **state)
{
	static const size_t sizes[] = {0, 1, 100, 5000, 65536, 300001};
	static u8 data[300001];

	(void)state;
	for (int kind = 0; kind < 5; kind++)
		for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
			const char *level = kind == 2 ? "-n -9" : s % 2 ? "-1" : "-6";
			struct blob gz;

			fill(data, sizes[s], kind);
			gz = gzip_of(data, sizes[s], level);
			expect_whole(&gz, data, sizes[s]);
			expect_through_callback(&gz, data, sizes[s], INFLATE_BUF_MIN);
			expect_through_callback(&gz, data, sizes[s], 100003);
			free(gz.p);
		}
}

static void test_members(void **state)
{
	struct blob a = gzip_of((const u8 *)"first", 5, "-n"),
		    b = gzip_of((const u8 *)"2nd", 3, "");
	u8 both[200], buf[16];
	struct inflate_out out = {.buf = buf, .size = sizeof(buf)};
	size_t used;

	(void)state;
	memcpy(both, a.p, a.n);
	memcpy(both + a.n, b.p, b.n);
	assert_int_equal(inflate_gzip(&z, both, a.n + b.n, &used, &out), 0);
	assert_int_equal(used, a.n);
	assert_memory_equal(buf, "first", 5);
	assert_true(inflate_is_gzip(both + used, b.n));
	assert_false(inflate_is_gzip(both + used, 2));
	assert_int_equal(inflate_gzip(&z, both + used, b.n, &used, &out), 0);
	assert_int_equal(used, b.n);
	assert_memory_equal(buf, "2nd", 3);
	free(a.p);
	free(b.p);
}

static int run_raw(const char *in, size_t n, u8 *buf, size_t size, size_t *total)
{
	struct inflate_out out = {.buf = buf, .size = size};
	u8 *copy = malloc(n ? n : 1);
	int err;

	memcpy(copy, in, n);
	err = inflate_raw(&z, copy, n, NULL, &out);
	*total = out.total;
	free(copy);
	return err;
}

static void expect_bad(const char *in, size_t n, const char *why)
{
	u8 buf[64];
	size_t total;

	assert_int_equal(run_raw(in, n, buf, sizeof(buf), &total), -EINVAL);
	assert_string_equal(z.error, why);
}

static void test_raw_blocks(void **state)
{
	u8 buf[64];
	size_t total;

	(void)state;
	assert_int_equal(run_raw("\x03\x00", 2, buf, sizeof(buf), &total), 0);
	assert_int_equal(total, 0);
	/* Stored "hi", not last; then fixed "a" × 9 by a match of distance 1. */
	assert_int_equal(
		run_raw("\x00\x02\x00\xfd\xffhi\x4b\x84\x01\x00", 11, buf, sizeof(buf), &total), 0);
	assert_int_equal(total, 11);
	assert_memory_equal(buf, "hiaaaaaaaaa", 11);
	expect_bad("", 0, "input ends too early");
	expect_bad("\x07", 1, "undefined block type");
	expect_bad("\x01\x02\x00\xfd\xfehi", 7, "length of a stored block is wrong");
	expect_bad("\x01\x03\x00\xfc\xffhi", 7, "input ends too early");
	expect_bad("\x01\x03\x00", 3, "input ends too early");
	expect_bad("\x63\x00", 1, "input ends too early");
	/* Fixed: length code 286; a match with nothing before it; distance code 30. */
	expect_bad("\x1b\x03\x00\x00", 4, "undefined literal or length code");
	expect_bad("\x03\x02\x00\x00", 4, "distance before the start of the output");
	expect_bad("\x4b\x04\x3e\x00\x00", 5, "undefined distance code");
	/* Dynamic headers: 30 distance codes are the most, and 286 lengths. */
	expect_bad("\xfd\x00\x00", 3, "too many codes");
	expect_bad("\x05\x1f\x00", 3, "too many codes");
	expect_bad("\x05\x00\x82\xe0\xff\x1f\x00\x00", 8, "too many code lengths");
	expect_bad("\x05\x00\x82\x00\x00\x00", 6, "repeat without a code length before it");
	expect_bad("\x05\x00\x82\xe0\xff\x16\x00\x00\x00", 9, "no end-of-block code");
	expect_bad("\x05\x00\x00\x00\x00", 5, "incomplete code");
	expect_bad("\x05\xe0\xff\xff\xff\xff\xff\xff\xff\xff", 10, "incomplete code");
	expect_bad("\x05\xe0\x49\x92\x24\x49\x92\x24\x49\x92", 10, "oversubscribed code");
}

static void test_gzip_header(void **state)
{
	struct blob gz = gzip_of((const u8 *)"data data data", 14, "-n");
	u8 b[256], buf[64];
	struct inflate_out out = {.buf = buf, .size = sizeof(buf)};
	static struct crc32_table tab;
	size_t n = 10;
	u32 crc;

	(void)state;
	memcpy(b, gz.p, 10);
	b[3] = 2 | 4 | 8 | 16;
	memcpy(b + n, "\x05\x00XTRAS", 7);
	memcpy(b + n + 7, "name\0comment", 13);
	n += 20;
	crc32_init(&tab);
	crc = crc32_update(&tab, 0, b, n);
	b[n++] = (u8)crc;
	b[n++] = (u8)(crc >> 8);
	memcpy(b + n, gz.p + 10, gz.n - 10);
	n += gz.n - 10;
	assert_int_equal(inflate_gzip(&z, b, n, NULL, &out), 0);
	assert_int_equal(out.total, 14);
	for (size_t cut = 0; cut < n; cut++) {
		u8 *copy = malloc(cut ? cut : 1);

		memcpy(copy, b, cut);
		assert_int_equal(inflate_gzip(&z, copy, cut, NULL, &out), -EINVAL);
		free(copy);
	}
	b[15] ^= 1;
	assert_int_equal(inflate_gzip(&z, b, n, NULL, &out), -EINVAL);
	assert_string_equal(z.error, "gzip header checksum is wrong");
	b[3] |= 0x20;
	assert_int_equal(inflate_gzip(&z, b, n, NULL, &out), -EINVAL);
	assert_string_equal(z.error, "reserved gzip flags");
	b[2] = 7;
	assert_int_equal(inflate_gzip(&z, b, n, NULL, &out), -EINVAL);
	assert_string_equal(z.error, "unknown gzip method");
	free(gz.p);
}

/* No flipped bit and no cut may pass unnoticed: the checksum and the length guard the whole. */
static void test_damage(void **state)
{
	static u8 data[6000], buf[8000];
	struct inflate_out out = {.buf = buf, .size = sizeof(buf)};
	struct blob gz;

	(void)state;
	for (int kind = 0; kind < 5; kind++) {
		size_t size = kind == 0 ? 400 : sizeof(data);

		fill(data, size, kind);
		gz = gzip_of(data, size, "-n");
		for (size_t cut = 0; cut < gz.n; cut++) {
			u8 *copy = malloc(cut ? cut : 1);

			memcpy(copy, gz.p, cut);
			assert_int_equal(inflate_gzip(&z, copy, cut, NULL, &out), -EINVAL);
			assert_non_null(z.error);
			free(copy);
		}
		for (size_t bit = 0; bit < gz.n * 8; bit++) {
			int err;

			if (bit / 8 >= 3 && bit / 8 < 10)
				continue; /* flags, time, system: not covered by any sum */
			gz.p[bit / 8] ^= (u8)(1 << bit % 8);
			err = inflate_gzip(&z, gz.p, gz.n, NULL, &out);
			gz.p[bit / 8] ^= (u8)(1 << bit % 8);
			if (err == 0) /* unused bits, such as the padding of the last byte */
				assert_memory_equal(buf, data, size);
			else
				assert_true(err == -EINVAL || err == -ENOSPC);
		}
		free(gz.p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trips), cmocka_unit_test(test_members),
		cmocka_unit_test(test_raw_blocks),  cmocka_unit_test(test_gzip_header),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

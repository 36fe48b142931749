// SPDX-License-Identifier: MIT
/*
 * lib/num.c and lib/cmdline.c: rows of text, expected error and value.
 */
#include "test/unit/unit.h"

#include "lib/cmdline.h"
#include "lib/num.h"

static void test_u64(void **state)
{
	static const struct {
		const char *s;
		unsigned int base;
		int err;
		u64 value;
	} rows[] = {
		{"0", 0, 0, 0},
		{"10", 0, 0, 10},
		{"010", 0, 0, 8},
		{"010", 10, 0, 10},
		{"0x1F", 0, 0, 31},
		{"0X1f", 16, 0, 31},
		{"1f", 16, 0, 31},
		{"777", 8, 0, 0777},
		{"18446744073709551615", 0, 0, UINT64_MAX},
		{"18446744073709551616", 0, -ERANGE, 0},
		{"0xffffffffffffffff", 0, 0, UINT64_MAX},
		{"0x10000000000000000", 0, -ERANGE, 0},
		{"", 0, -EINVAL, 0},
		{"0x", 0, -EINVAL, 0},
		{"08", 0, -EINVAL, 0},
		{"1f", 10, -EINVAL, 0},
		{" 1", 0, -EINVAL, 0},
		{"1 ", 0, -EINVAL, 0},
		{"-1", 0, -EINVAL, 0},
		{"0x0x1", 0, -EINVAL, 0},
		{"0x1", 10, -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 v = 99;

		assert_int_equal(num_parse_u64(rows[i].s, rows[i].base, &v), rows[i].err);
		assert_true(v == (rows[i].err ? 99 : rows[i].value));
	}
}

static void test_narrow(void **state)
{
	u32 u;
	s32 s;
	s64 l;
	u64 v;

	(void)state;
	assert_int_equal(num_parse_u32("4294967295", 10, &u), 0);
	assert_int_equal(u, UINT32_MAX);
	assert_int_equal(num_parse_u32("4294967296", 10, &u), -ERANGE);
	assert_int_equal(num_parse_s32("-2147483648", 10, &s), 0);
	assert_int_equal(s, INT32_MIN);
	assert_int_equal(num_parse_s32("-2147483649", 10, &s), -ERANGE);
	assert_int_equal(num_parse_s32("2147483648", 10, &s), -ERANGE);
	assert_int_equal(num_parse_s64("-9223372036854775808", 10, &l), 0);
	assert_true(l == INT64_MIN);
	assert_int_equal(num_parse_s64("9223372036854775808", 10, &l), -ERANGE);
	assert_int_equal(num_parse_s64("+5", 10, &l), 0);
	assert_int_equal(l, 5);
	assert_int_equal(num_parse_s64("+-5", 10, &l), -EINVAL);
	assert_int_equal(num_parse_s64("-", 10, &l), -EINVAL);
	assert_int_equal(num_parse_n("123456", 3, 10, &v), 0);
	assert_int_equal(v, 123);
}

static void test_size(void **state)
{
	u64 v;

	(void)state;
	assert_int_equal(num_parse_size("64M", &v), 0);
	assert_int_equal(v, 64 << 20);
	assert_int_equal(num_parse_size("1t", &v), 0);
	assert_true(v == 1ull << 40);
	assert_int_equal(num_parse_size("0x10k", &v), 0);
	assert_int_equal(v, 16384);
	assert_int_equal(num_parse_size("512", &v), 0);
	assert_int_equal(v, 512);
	assert_int_equal(num_parse_size("16777216t", &v), -ERANGE);
	assert_int_equal(num_parse_size("k", &v), -EINVAL);
	assert_int_equal(num_parse_size("", &v), -EINVAL);
	assert_int_equal(num_parse_size("1kk", &v), -EINVAL);
}

static void test_cmdline_words(void **state)
{
	static const struct {
		const char *key, *value;
		bool for_init;
	} want[] = {
		{"quiet", NULL, false}, {"root", "", false}, {"a", "b c", false},
		{"d", "e f=g", false},	{"x", "y=z", false}, {"i", NULL, true},
		{"--", NULL, true},	{"k", "v", true},
	};
	struct cmdline_iter it;
	struct cmdline_word w;

	(void)state;
	cmdline_init(&it, "  quiet root= a=\"b c\"\t\"d=e f=g\" x=y=z -- i -- k=v\n");
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		assert_true(cmdline_next(&it, &w));
		assert_int_equal(w.key_len, strlen(want[i].key));
		assert_memory_equal(w.key, want[i].key, w.key_len);
		assert_int_equal(w.value != NULL, want[i].value != NULL);
		if (w.value) {
			assert_int_equal(w.value_len, strlen(want[i].value));
			assert_memory_equal(w.value, want[i].value, w.value_len);
		}
		assert_int_equal(w.for_init, want[i].for_init);
	}
	assert_false(cmdline_next(&it, &w));
	assert_false(cmdline_next(&it, &w));
}

static void test_cmdline_odd(void **state)
{
	static const char *const lines[] = {"\"",	 "=",	"\"\"", "a=\"",
					    "\"a=\"b\"", "\"=", "--",	"a\""};
	struct cmdline_iter it;
	struct cmdline_word w;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		cmdline_init(&it, lines[i]);
		while (cmdline_next(&it, &w))
			assert_true(w.key_len + w.value_len <= strlen(lines[i]));
	}
}

static void test_cmdline_get(void **state)
{
	const char *line =
		"mem=64M rdinit=/bin/sh rdinit=\"/my init\" klog n=zz y=on z=0 -- late=1";
	char b[16];
	u64 v;

	(void)state;
	assert_int_equal(cmdline_get(line, "rdinit", b, sizeof(b)), 8);
	assert_string_equal(b, "/my init");
	assert_int_equal(cmdline_get(line, "rdinit", b, 8), -ENAMETOOLONG);
	assert_int_equal(cmdline_get(line, "rdini", b, sizeof(b)), -ENOENT);
	assert_int_equal(cmdline_get(line, "late", b, sizeof(b)), -ENOENT);
	assert_int_equal(cmdline_get(line, "klog", b, sizeof(b)), 0);
	assert_int_equal(cmdline_get_u64(line, "mem", &v), 0);
	assert_int_equal(v, 64 << 20);
	assert_int_equal(cmdline_get_u64(line, "n", &v), -EINVAL);
	assert_int_equal(cmdline_get_u64(line, "none", &v), -ENOENT);
	assert_true(cmdline_get_bool(line, "klog", false));
	assert_true(cmdline_get_bool(line, "y", false));
	assert_false(cmdline_get_bool(line, "z", true));
	assert_true(cmdline_get_bool(line, "none", true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_u64),	    cmocka_unit_test(test_narrow),
		cmocka_unit_test(test_size),	    cmocka_unit_test(test_cmdline_words),
		cmocka_unit_test(test_cmdline_odd), cmocka_unit_test(test_cmdline_get),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/*
 * lib/fmt.c against libc's snprintf: each conversion with each set of flags, widths, precisions and
 * edge values.
 */
#include "test/unit/unit.h"

#include "lib/fmt.h"

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

#define SAME(...)                                                                \
	do {                                                                     \
		char a_[256], b_[256];                                           \
		int n_ = snprintf(a_, sizeof(a_), __VA_ARGS__);                  \
		assert_int_equal(fmt_snprintf(b_, sizeof(b_), __VA_ARGS__), n_); \
		assert_string_equal(b_, a_);                                     \
	} while (0)

static const char *const flag_sets[] = {"",   "-",  "0",  "+",	" ",   "#",    "-0",
					"-+", "0+", "#0", "-#", "+ 0", "-#0+ "};
static const char *const sizes[] = {"", "1", "5", "12", ".0", ".1", ".4", "8.3", "3.8", "12.12"};

static void build(char *fmt, const char *flags, const char *size, const char *conv)
{
	snprintf(fmt, 32, "<%%%s%s%s>", flags, size, conv);
}

static void test_numbers(void **state)
{
	static const char *const ints[] = {"d", "i", "u", "x", "X", "o", "hd", "hu", "hhd", "hhx"};
	static const char *const longs[] = {"ld", "lu", "lx", "lld", "llu", "llX",
					    "zu", "zd", "lo", "jd",  "td"};
	static const long values[] = {0,	 1,	    -1,		 7,	      42,
				      255,	 -128,	    65535,	 INT32_MAX,   INT32_MIN,
				      INT64_MAX, INT64_MIN, 0x123456789, -77777777777};
	char fmt[32];

	(void)state;
	for (size_t f = 0; f < ARRAY_SIZE(flag_sets); f++)
		for (size_t s = 0; s < ARRAY_SIZE(sizes); s++)
			for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
				for (size_t c = 0; c < ARRAY_SIZE(ints); c++) {
					build(fmt, flag_sets[f], sizes[s], ints[c]);
					SAME(fmt, (int)values[v]);
				}
				for (size_t c = 0; c < ARRAY_SIZE(longs); c++) {
					build(fmt, flag_sets[f], sizes[s], longs[c]);
					SAME(fmt, values[v]);
				}
			}
}

static void test_strings(void **state)
{
	static const char unterminated[3] = {'x', 'y', 'z'};

	(void)state;
	SAME("%s|%5s|%-5s|%.2s|%6.2s|%.0s|", "abc", "abc", "abc", "abc", "abc", "abc");
	SAME("%.3s|%.*s", unterminated, 2, unterminated);
	SAME("%*d|%-*d|%*d|%.*d|%.*d", 6, 42, 6, 42, -6, 42, 4, 42, -1, 42);
	SAME("%c%c|%3c|%-3c|", 'a', 'b', 'c', 'd');
	SAME("%%|100%%|%d%%", 5);
	SAME("%p", (void *)0x1234abcd);
	SAME("plain");
	SAME("%s", "");
}

static void test_own_rules(void **state)
{
	/* Not literals, so that the compiler does not judge them. */
	const char *volatile none = NULL, *volatile odd = "%y %d%";
	char b[32];

	(void)state;
	assert_int_equal(fmt_snprintf(b, sizeof(b), "%s", none), 6);
	assert_string_equal(b, "(null)");
	fmt_snprintf(b, sizeof(b), "%p", NULL);
	assert_string_equal(b, "0x0");
	/* Unknown conversions and a lone % come out as they are, and take no argument. */
	fmt_snprintf(b, sizeof(b), odd, 7);
	assert_string_equal(b, "%y 7%");
	assert_int_equal(fmt_u64(b, UINT64_MAX), 20);
	assert_memory_equal(b, "18446744073709551615", 20);
	assert_int_equal(fmt_u64(b, 0), 1);
	assert_int_equal(b[0], '0');
}

static void test_truncation(void **state)
{
	char b[16];

	(void)state;
	for (size_t size = 0; size < 12; size++) {
		memset(b, '#', sizeof(b));
		assert_int_equal(fmt_snprintf(b, size, "%d-%s", 123, "abcd"), 8);
		if (size) {
			assert_int_equal(strlen(b), MIN(size - 1, (size_t)8));
			assert_memory_equal(b, "123-abcd", strlen(b));
		}
		for (size_t i = size; i < sizeof(b); i++)
			assert_int_equal(b[i], '#');
		memset(b, '#', sizeof(b));
		assert_int_equal(fmt_scnprintf(b, size, "%s", "01234567"),
				 size ? MIN(size - 1, (size_t)8) : 0);
	}
	assert_int_equal(fmt_snprintf(NULL, 0, "%08x", 1u), 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_own_rules),
		cmocka_unit_test(test_truncation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/*
 * lib/string.c: the kernel's memory functions, built here as our_…, against byte loops for all
 * small sizes, alignments and overlaps; canary bytes around each block.
 */
#include "test/unit/unit.h"

#include <sys/mman.h>
#include <unistd.h>

#include "lib/string.h"

#define STRING_TEST
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#include "lib/string.c" // NOLINT
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr

#define AREA 512
#define MAXN 140

static u8 area[AREA], want[AREA];

static void scramble(struct unit_rng *rng)
{
	for (int i = 0; i < AREA; i++)
		area[i] = want[i] = (u8)unit_rand(rng);
}

static void test_copy(void **state)
{
	struct unit_rng rng = {6};

	(void)state;
	for (size_t n = 0; n < MAXN; n++)
		for (size_t from = 100; from < 117; from++)
			for (size_t to = 300; to < 309; to++) {
				scramble(&rng);
				for (size_t i = 0; i < n; i++)
					want[to + i] = area[from + i];
				assert_ptr_equal(our_memcpy(area + to, area + from, n), area + to);
				assert_memory_equal(area, want, AREA);
			}
}

static void test_move(void **state)
{
	struct unit_rng rng = {7};
	u8 tmp[MAXN];

	(void)state;
	for (size_t n = 0; n < MAXN; n++)
		for (size_t from = 150; from < 153; from++)
			for (size_t to = from - 45; to < from + 45; to++) {
				scramble(&rng);
				for (size_t i = 0; i < n; i++)
					tmp[i] = area[from + i];
				for (size_t i = 0; i < n; i++)
					want[to + i] = tmp[i];
				assert_ptr_equal(our_memmove(area + to, area + from, n), area + to);
				assert_memory_equal(area, want, AREA);
			}
}

static void test_set(void **state)
{
	struct unit_rng rng = {8};

	(void)state;
	for (size_t n = 0; n < MAXN; n++)
		for (size_t to = 100; to < 109; to++) {
			scramble(&rng);
			for (size_t i = 0; i < n; i++)
				want[to + i] = 0xa7;
			assert_ptr_equal(our_memset(area + to, (int)0xffffffa7, n), area + to);
			assert_memory_equal(area, want, AREA);
		}
}

static int sign(int x)
{
	return (x > 0) - (x < 0);
}

static void test_compare(void **state)
{
	struct unit_rng rng = {9};

	(void)state;
	for (size_t n = 0; n < 40; n++)
		for (size_t at = 0; at < n; at++)
			for (int other = 0; other < 4; other++) {
				scramble(&rng);
				want[at] = (u8)unit_rand(&rng);
				want[n] = (u8)~area[n]; /* behind the end: no matter */
				assert_int_equal(sign(our_memcmp(area, want, n)),
						 sign(memcmp(area, want, n)));
			}
	assert_int_equal(our_memcmp("x", "y", 0), 0);
}

static void test_memchr(void **state)
{
	u8 b[20] = {0};

	(void)state;
	b[7] = 0xff;
	b[9] = 0xff;
	assert_ptr_equal(our_memchr(b, -1, sizeof(b)), b + 7);
	assert_null(our_memchr(b, 0xff, 7));
	assert_null(our_memchr(b, 0, 0));
}

/* Strings end at the end of a page; the next one is not there. */
static void test_strlen_at_page_end(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(p != MAP_FAILED);
	assert_int_equal(mprotect(p + page, page, PROT_NONE), 0);
	memset(p, 0x80, page);
	for (size_t n = 1; n < 60; n++) {
		char *s = p + page - n;

		assert_int_equal(our_strnlen(s, n), n);
		for (size_t cut = 0; cut < n; cut++)
			assert_int_equal(our_strnlen(s, cut), cut);
		for (size_t nul = 0; nul < n; nul++) {
			s[nul] = '\0';
			assert_int_equal(our_strlen(s), nul);
			assert_int_equal(our_strnlen(s, n), nul);
			assert_int_equal(our_strnlen(s, nul + 1), nul);
			s[nul] = 1;
		}
		memset(p, 0x80, page);
	}
	munmap(p, 2 * page);
}

static void test_strings(void **state)
{
	static const char *const words[] = {"", "a", "ab", "abc", "abd", "b", "\xff", "abca"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		const char *a = words[i];

		for (size_t j = 0; j < ARRAY_SIZE(words); j++) {
			const char *b = words[j];

			assert_int_equal(sign(our_strcmp(a, b)), sign(strcmp(a, b)));
			for (size_t n = 0; n < 6; n++)
				assert_int_equal(sign(our_strncmp(a, b, n)),
						 sign(strncmp(a, b, n)));
		}
		for (const char *c = "abcx\xff"; *c; c++) {
			assert_ptr_equal(our_strchr(a, *c), strchr(a, *c));
			assert_ptr_equal(our_strrchr(a, *c), strrchr(a, *c));
		}
		assert_ptr_equal(our_strchr(a, 0), a + strlen(a));
		assert_ptr_equal(our_strrchr(a, 0), a + strlen(a));
	}
}

static void test_ours(void **state)
{
	char b[8];
	u8 z[40] = {0};

	(void)state;
	assert_int_equal(str_copy(b, "abc", sizeof(b)), 3);
	assert_string_equal(b, "abc");
	assert_int_equal(str_append(b, "defg", sizeof(b)), 7);
	assert_string_equal(b, "abcdefg");
	assert_int_equal(str_append(b, "hi", sizeof(b)), 9);
	assert_string_equal(b, "abcdefg");
	assert_int_equal(str_copy(b, "0123456789", 4), 10);
	assert_string_equal(b, "012");
	assert_int_equal(str_copy(NULL, "0123", 0), 4);
	assert_true(str_starts("/dev/null", "/dev"));
	assert_true(str_starts("x", ""));
	assert_false(str_starts("/de", "/dev"));
	assert_true(str_eq("a", "a"));
	for (size_t n = 0; n < sizeof(z); n++) {
		assert_true(mem_is_zero(z, n));
		z[n] = 1;
		assert_true(mem_is_zero(z, n));
		assert_false(mem_is_zero(z, n + 1));
		mem_wipe(z, n + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy),	cmocka_unit_test(test_move),
		cmocka_unit_test(test_set),	cmocka_unit_test(test_compare),
		cmocka_unit_test(test_memchr),	cmocka_unit_test(test_strlen_at_page_end),
		cmocka_unit_test(test_strings), cmocka_unit_test(test_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/*
 * lib/bitmap.h against an array of bools, with sizes around the word borders.
 */
#include "test/unit/unit.h"

#include "lib/bitmap.h"

#define BITS 200

static u64 map[BITMAP_WORDS(BITS)];
static bool model[BITS];

static void compare(size_t nbits)
{
	size_t count = 0;

	for (size_t i = 0; i < BITS; i++)
		assert_int_equal(bitmap_test(map, i), model[i]);
	for (size_t from = 0; from <= nbits; from++) {
		size_t set = from, zero = from;

		while (set < nbits && !model[set])
			set++;
		while (zero < nbits && model[zero])
			zero++;
		assert_int_equal(bitmap_find_set(map, nbits, from), set);
		assert_int_equal(bitmap_find_zero(map, nbits, from), zero);
	}
	for (size_t i = 0; i < nbits; i++)
		count += model[i];
	assert_int_equal(bitmap_count(map, nbits), count);
}

static size_t model_zero_range(size_t nbits, size_t from, size_t n)
{
	for (size_t start = from; start + n <= nbits; start++) {
		size_t i = 0;

		while (i < n && !model[start + i])
			i++;
		if (i == n && !model[start])
			return start;
	}
	return nbits;
}

static void test_random(void **state)
{
	static const size_t sizes[] = {1, 63, 64, 65, 127, 128, 129, BITS};
	struct unit_rng rng = {5};

	(void)state;
	for (int step = 0; step < 2000; step++) {
		size_t from = unit_below(&rng, BITS), n = unit_below(&rng, (u32)(BITS - from) + 1);
		size_t nbits = sizes[unit_below(&rng, ARRAY_SIZE(sizes))];
		bool set = unit_below(&rng, 2);

		n = unit_below(&rng, 3) ? n % 20 : n;
		if (set)
			bitmap_set_range(map, from, n);
		else
			bitmap_clear_range(map, from, n);
		for (size_t i = 0; i < n; i++)
			model[from + i] = set;
		from = unit_below(&rng, BITS);
		model[from] = !model[from];
		if (model[from])
			bitmap_set(map, from);
		else
			bitmap_clear(map, from);
		compare(nbits);
		n = 1 + unit_below(&rng, 70);
		from = unit_below(&rng, (u32)nbits);
		assert_int_equal(bitmap_find_zero_range(map, nbits, from, n),
				 model_zero_range(nbits, from, n));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

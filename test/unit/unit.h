// SPDX-License-Identifier: MIT
/*
 * What every unit test includes: cmocka in the order it wants, and a generator of repeatable
 * numbers.
 */
#pragma once

/* cmocka.h needs the first four before it. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/types.h"

/* xorshift64*: the same numbers in each run. */
struct unit_rng {
	u64 s;
};

static inline u64 unit_rand(struct unit_rng *r)
{
	r->s ^= r->s >> 12;
	r->s ^= r->s << 25;
	r->s ^= r->s >> 27;
	return r->s * 0x2545f4914f6cdd1dull;
}

static inline u32 unit_below(struct unit_rng *r, u32 n)
{
	return (u32)((unit_rand(r) >> 32) % n);
}

// SPDX-License-Identifier: MIT
/*
 * Text to numbers. Every function takes the whole string or fails: no blanks, no rest, no silent
 * overflow. -EINVAL: not a number; -ERANGE: one that does not fit.
 */
#pragma once

#include "lib/types.h"

/* base 8, 10 or 16; 0: by prefix 0x, 0 or none. In base 16 a 0x prefix is allowed. */
int num_parse_u64(const char *s, unsigned int base, u64 *out) MUST_CHECK;
int num_parse_u32(const char *s, unsigned int base, u32 *out) MUST_CHECK;
/* With an optional + or -. */
int num_parse_s64(const char *s, unsigned int base, s64 *out) MUST_CHECK;
int num_parse_s32(const char *s, unsigned int base, s32 *out) MUST_CHECK;
/* A number by prefix with an optional suffix k, m, g or t (either case): powers of 1024. */
int num_parse_size(const char *s, u64 *out) MUST_CHECK;
/* Exactly `len` characters of `s`, which need no NUL after them. */
int num_parse_n(const char *s, size_t len, unsigned int base, u64 *out) MUST_CHECK;

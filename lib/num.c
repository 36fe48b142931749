// SPDX-License-Identifier: MIT
/*
 * Numbers from text, strictly: the whole string or nothing.
 */
#include "lib/num.h"

#include <linux/errno.h>

#include "lib/string.h"

static unsigned int num_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned int)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned int)(c - 'A') + 10;
	return 255;
}

static bool num_has_hex_prefix(const char *s, size_t len)
{
	return len > 2 && s[0] == '0' && (s[1] | 0x20) == 'x';
}

int num_parse_n(const char *s, size_t len, unsigned int base, u64 *out)
{
	u64 value = 0;

	if ((base == 0 || base == 16) && num_has_hex_prefix(s, len)) {
		base = 16;
		s += 2;
		len -= 2;
	} else if (base == 0) {
		base = len > 1 && s[0] == '0' ? 8 : 10;
	}
	if (len == 0)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		unsigned int d = num_digit(s[i]);

		if (d >= base)
			return -EINVAL;
		if (__builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, d, &value))
			return -ERANGE;
	}
	*out = value;
	return 0;
}

int num_parse_u64(const char *s, unsigned int base, u64 *out)
{
	return num_parse_n(s, strlen(s), base, out);
}

int num_parse_u32(const char *s, unsigned int base, u32 *out)
{
	u64 value;
	int err = num_parse_u64(s, base, &value);

	if (err)
		return err;
	if (value > UINT32_MAX)
		return -ERANGE;
	*out = (u32)value;
	return 0;
}

int num_parse_s64(const char *s, unsigned int base, s64 *out)
{
	bool negative = *s == '-';
	u64 value;
	int err;

	if (*s == '-' || *s == '+')
		s++;
	err = num_parse_u64(s, base, &value);
	if (err)
		return err;
	if (value > (u64)INT64_MAX + negative)
		return -ERANGE;
	*out = (s64)(negative ? 0 - value : value);
	return 0;
}

int num_parse_s32(const char *s, unsigned int base, s32 *out)
{
	s64 value;
	int err = num_parse_s64(s, base, &value);

	if (err)
		return err;
	if (value < INT32_MIN || value > INT32_MAX)
		return -ERANGE;
	*out = (s32)value;
	return 0;
}

int num_parse_size(const char *s, u64 *out)
{
	static const char suffixes[] = "kmgt";
	size_t len = strlen(s);
	unsigned int shift = 0;
	u64 value;
	int err;

	for (unsigned int i = 0; len > 0 && i < sizeof(suffixes) - 1; i++)
		if ((s[len - 1] | 0x20) == suffixes[i])
			shift = 10 * (i + 1);
	err = num_parse_n(s, len - (shift ? 1 : 0), 0, &value);
	if (err)
		return err;
	if (value << shift >> shift != value)
		return -ERANGE;
	*out = value << shift;
	return 0;
}

// SPDX-License-Identifier: MIT
/*
 * What the parsers of ACPI and MP tables share: searching low memory and checksums.
 */
#include "lib/physmap.h"

#include "lib/string.h"

bool physmap_sums_to_zero(const u8 *p, size_t len)
{
	u8 sum = 0;

	while (len--)
		sum = (u8)(sum + *p++);
	return sum == 0;
}

u64 physmap_scan(const struct physmap *m, u64 start, size_t len, const char *sig, size_t size)
{
	const size_t sig_len = strlen(sig);
	const u8 *p = physmap_get(m, start, len);

	if (!p)
		return 0;
	for (size_t at = 0; at + size <= len; at += 16)
		if (memcmp(p + at, sig, sig_len) == 0 && physmap_sums_to_zero(p + at, size))
			return start + at;
	return 0;
}

u64 physmap_ebda(const struct physmap *m)
{
	const u8 *p = physmap_get(m, PHYSMAP_EBDA_POINTER, 2);
	u64 ebda = p ? (u64)physmap_u16(p) << 4 : 0;

	return ebda >= PHYSMAP_EBDA_MIN && ebda < PHYSMAP_EBDA_MAX ? ebda : 0;
}

// SPDX-License-Identifier: MIT
/*
 * CRC-32, polynomial 0xedb88320 (reflected). t[k][b] is the effect of byte b followed by k zero
 * bytes.
 */
#include "lib/crc32.h"

#include "lib/string.h"

void crc32_init(struct crc32_table *tab)
{
	for (u32 b = 0; b < 256; b++) {
		u32 c = b;

		for (int i = 0; i < 8; i++)
			c = c >> 1 ^ (c & 1 ? 0xedb88320u : 0);
		tab->t[0][b] = c;
	}
	for (u32 b = 0; b < 256; b++)
		for (int k = 1; k < 4; k++) {
			u32 c = tab->t[k - 1][b];

			tab->t[k][b] = c >> 8 ^ tab->t[0][c & 0xff];
		}
}

u32 crc32_update(const struct crc32_table *tab, u32 crc, const void *data, size_t len)
{
	const u8 *p = data;
	u32 c = ~crc, w;

	for (; len >= 4; len -= 4, p += 4) {
		memcpy(&w, p, 4);
		c ^= w;
		c = tab->t[3][c & 0xff] ^ tab->t[2][c >> 8 & 0xff] ^ tab->t[1][c >> 16 & 0xff] ^
		    tab->t[0][c >> 24];
	}
	for (; len; len--, p++)
		c = c >> 8 ^ tab->t[0][(c ^ *p) & 0xff];
	return ~c;
}

// SPDX-License-Identifier: MIT
/*
 * The exception table and the SMAP patch sites: tables that the linker collects and that are worked
 * on once at boot, before paging_init() seals the image.
 */
#include "machine/extable.h"
#include "kern/log.h"
#include "machine/features.h"
#include "machine/smap.h"

extern u64 smap_sites_start[], smap_sites_end[];

// Nearly in order already: the linker keeps the order of the files.
void extable_sort(void)
{
	for (struct ex_entry *e = ex_table_start + 1; e < ex_table_end; e++) {
		struct ex_entry moved = *e, *p = e;
		for (; p > ex_table_start && p[-1].ip > moved.ip; p--)
			*p = p[-1];
		*p = moved;
	}
}

const struct ex_entry *extable_find(u64 rip)
{
	const struct ex_entry *low = ex_table_start, *high = ex_table_end;

	while (low < high) {
		const struct ex_entry *mid = low + (high - low) / 2;
		if (mid->ip == rip)
			return mid;
		if (mid->ip < rip)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

void smap_patch(void)
{
	if (!cpu_features.f_smap)
		return;
	for (u64 *site = smap_sites_start; site < smap_sites_end; site++) {
		u8 *code = (u8 *)*site;
		bool close = code[2] == 0x03;
		ASSERT(code[0] == 0x0f && code[1] == 0x1f && (close || code[2] == 0x00));
		code[1] = 0x01;
		code[2] = close ? 0xca : 0xcb;
	}
	// Taking the new code needs a serialising instruction (SDM vol. 3, 9.1.3): paging_init()
	// loads CR3 and CR4.
}

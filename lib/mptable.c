// SPDX-License-Identifier: MIT
/*
 * The MP floating pointer (§4.1) and configuration table (§4.2, §4.3) of the MultiProcessor
 * specification 1.4, and its default configurations (§5), which mean two CPUs.
 */
#include "lib/mptable.h"

#include <linux/errno.h>

#include "lib/string.h"

#define FLOATING_SIZE	 16
#define FLOATING_TABLE	 4
#define FLOATING_FEATURE 11

#define CONFIG_HEADER_SIZE 44
#define CONFIG_LENGTH	   4
#define CONFIG_COUNT	   34
#define CONFIG_LAPIC	   36

#define ENTRY_CPU	 0
#define ENTRY_IOAPIC	 2
#define ENTRY_LAST	 4
#define ENTRY_CPU_SIZE	 20
#define ENTRY_OTHER_SIZE 8
#define CPU_ENABLED	 1
#define CPU_BSP		 2
#define IOAPIC_ENABLED	 1

static int mptable_fail(struct mptable_info *info, const char *why)
{
	info->error = why;
	return -EINVAL;
}

static u64 mptable_find(const struct physmap *map)
{
	u64 ebda = physmap_ebda(map), phys = 0;

	if (ebda)
		phys = physmap_scan(map, ebda, 1024, "_MP_", FLOATING_SIZE);
	if (!phys) /* the last KiB of 640 KiB base memory */
		phys = physmap_scan(map, PHYSMAP_EBDA_MAX - 1024, 1024, "_MP_", FLOATING_SIZE);
	if (!phys)
		phys = physmap_scan(map, 0xf0000, PHYSMAP_ROM_END - 0xf0000, "_MP_", FLOATING_SIZE);
	return phys;
}

static int mptable_add_cpu(struct mptable_info *info, const u8 *e)
{
	if (!(e[3] & CPU_ENABLED))
		return 0;
	if (info->ncpus == MPTABLE_CPUS_MAX)
		return mptable_fail(info, "MP table with too many CPUs");
	info->apic_id[info->ncpus++] = e[1];
	if (e[3] & CPU_BSP) {
		info->bsp_apic_id = e[1];
		info->has_bsp = true;
	}
	return 0;
}

static void mptable_add_ioapic(struct mptable_info *info, const u8 *e)
{
	if (!(e[3] & IOAPIC_ENABLED) || info->ioapic_addr)
		return;
	info->ioapic_id = e[1];
	info->ioapic_addr = physmap_u32(e + 4);
}

static int mptable_parse_entries(struct mptable_info *info, const u8 *p, size_t len)
{
	size_t at = CONFIG_HEADER_SIZE;
	int err = 0;

	/* qboot leaves the count 0: the length alone tells then. */
	u32 count = physmap_u16(p + CONFIG_COUNT);
	bool by_length = count == 0;

	while (!err && (by_length ? at < len : count-- > 0)) {
		size_t size;

		if (at >= len || p[at] > ENTRY_LAST)
			return mptable_fail(info, "MP table with an unknown entry");
		size = p[at] == ENTRY_CPU ? ENTRY_CPU_SIZE : ENTRY_OTHER_SIZE;
		if (size > len - at)
			return mptable_fail(info, "MP table with a truncated entry");
		if (p[at] == ENTRY_CPU)
			err = mptable_add_cpu(info, p + at);
		else if (p[at] == ENTRY_IOAPIC)
			mptable_add_ioapic(info, p + at);
		at += size;
	}
	return err;
}

static int mptable_parse_config(struct mptable_info *info, const struct physmap *map, u64 phys)
{
	const u8 *p = physmap_get(map, phys, CONFIG_HEADER_SIZE);
	size_t len;

	if (!p || memcmp(p, "PCMP", 4) != 0)
		return mptable_fail(info, "MP table cannot be read");
	len = physmap_u16(p + CONFIG_LENGTH);
	if (len < CONFIG_HEADER_SIZE)
		return mptable_fail(info, "MP table with a bad length");
	p = physmap_get(map, phys, len);
	if (!p)
		return mptable_fail(info, "MP table cannot be read");
	if (!physmap_sums_to_zero(p, len))
		return mptable_fail(info, "MP table with a bad checksum");
	info->lapic_addr = physmap_u32(p + CONFIG_LAPIC);
	return mptable_parse_entries(info, p, len);
}

int mptable_parse(struct mptable_info *info, const struct physmap *map)
{
	u64 phys = mptable_find(map);
	const u8 *p = phys ? physmap_get(map, phys, FLOATING_SIZE) : NULL;

	memset(info, 0, sizeof(*info));
	if (!p)
		return -ENOENT;
	if (p[FLOATING_FEATURE]) {
		info->ncpus = 2;
		info->apic_id[1] = 1;
		info->lapic_addr = 0xfee00000;
		info->ioapic_addr = 0xfec00000;
		info->ioapic_id = 2;
		return 0;
	}
	if (physmap_u32(p + FLOATING_TABLE) == 0)
		return mptable_fail(info, "MP pointer without a table");
	return mptable_parse_config(info, map, physmap_u32(p + FLOATING_TABLE));
}

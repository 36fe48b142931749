// SPDX-License-Identifier: MIT
/*
 * lib/acpi.c and lib/mptable.c on tables with any contents. The first byte chooses which table the
 * rest is; lengths and checksums are put right, or nothing would get past them; one case leaves
 * them alone.
 */
#include <stdlib.h>

#include "lib/acpi.h"
#include "lib/mptable.h"
#include "lib/string.h"

#define CHECK(cond)                       \
	do {                              \
		if (!(cond))              \
			__builtin_trap(); \
	} while (0)

enum {
	RSDP = 0xe0000,
	RSDT = 0x1000,
	TABLE = 0x2000,
	FADT = 0x40000,
	MPF = 0xf0000,
	MEM = 0x100000
};

static u8 *mem;
static void *lent[64];
static size_t nlent;

/* Copies of exactly the bytes asked for, so that ASan sees any step further. */
static const void *map(void *ctx, u64 phys, size_t len)
{
	(void)ctx;
	CHECK(len > 0);
	if (phys > MEM || len > MEM - phys || nlent == ARRAY_SIZE(lent))
		return NULL;
	lent[nlent] = malloc(len);
	memcpy(lent[nlent], mem + phys, len);
	return lent[nlent++];
}

static void fix_sum(size_t at, size_t len, size_t where)
{
	u8 sum = 0;

	mem[at + where] = 0;
	for (size_t i = 0; i < len; i++)
		sum = (u8)(sum + mem[at + i]);
	mem[at + where] = (u8)-sum;
}

static void put_table(size_t at, const char *sig, u32 len)
{
	memcpy(mem + at, sig, 4);
	memcpy(mem + at + 4, &len, 4);
	fix_sum(at, len, 9);
}

static void put_pointer(size_t at, u32 to)
{
	memcpy(mem + at, &to, 4);
}

static void put_acpi(const char *sig, const u8 *data, size_t size)
{
	memcpy(mem + RSDP, "RSD PTR ", 8);
	put_pointer(RSDP + 16, RSDT);
	fix_sum(RSDP, 20, 8);
	memcpy(mem + TABLE + 36, data, size);
	put_table(TABLE, sig, (u32)(36 + size));
	put_pointer(RSDT + 36, TABLE);
	if (memcmp(sig, "DSDT", 4) == 0) {
		put_pointer(FADT + 40, TABLE);
		put_table(FADT, "FACP", 116);
		put_pointer(RSDT + 36, FADT);
	}
	put_table(RSDT, "RSDT", 40);
}

static void put_mp(const u8 *data, size_t size)
{
	u16 len;

	memcpy(mem + MPF, "_MP_", 4);
	put_pointer(MPF + 4, TABLE);
	fix_sum(MPF, 16, 10);
	memcpy(mem + TABLE, data, size);
	memcpy(mem + TABLE, "PCMP", 4);
	len = (u16)MAX(size, (size_t)44);
	memcpy(mem + TABLE + 4, &len, 2);
	fix_sum(TABLE, len, 7);
}

static void run(void)
{
	static struct acpi_info acpi;
	static struct mptable_info mp;
	const struct physmap m = {map, NULL};

	if (acpi_parse(&acpi, &m, 0) == 0)
		CHECK(acpi.ncpus <= ACPI_CPUS_MAX && acpi.nioapics <= ACPI_IOAPICS_MAX);
	if (mptable_parse(&mp, &m) == 0)
		CHECK(mp.ncpus <= MPTABLE_CPUS_MAX);
	while (nlent)
		free(lent[--nlent]);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u8 kind;

	if (size == 0)
		return 0;
	kind = *data++ % 5;
	size = MIN(size - 1, (size_t)4096);
	if (!mem)
		mem = malloc(MEM);
	/* Only what any case writes: clearing the megabyte each time would be most of the work. */
	memset(mem, 0, 0x4000);
	memset(mem + FADT, 0, 512);
	memset(mem + RSDP, 0, 4200);
	memset(mem + MPF, 0, 4200);
	if (kind == 0)
		put_acpi("APIC", data, size);
	else if (kind == 1)
		put_acpi("FACP", data, size);
	else if (kind == 2)
		put_acpi("DSDT", data, size);
	else if (kind == 3)
		put_mp(data, size);
	else
		memcpy(mem + RSDP, data, size);
	run();
	return 0;
}

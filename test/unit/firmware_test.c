// SPDX-License-Identifier: MIT
/*
 * lib/acpi.c, lib/mptable.c: tables laid out in a megabyte of pretended physical memory, damaged
 * one byte at a time.
 */
#include "test/unit/unit.h"

#include "lib/acpi.h"
#include "lib/mptable.h"

#define MEM 0x100000

static u8 *mem;

/* Nothing beyond the megabyte; and a copy of exactly the bytes asked for, so that ASan sees any
 * step further. */
static void *lent[64];
static size_t nlent;

static const void *map(void *ctx, u64 phys, size_t len)
{
	(void)ctx;
	if (phys > MEM || len > MEM - phys)
		return NULL;
	assert_true(nlent < ARRAY_SIZE(lent));
	lent[nlent] = malloc(len);
	memcpy(lent[nlent], mem + phys, len);
	return lent[nlent++];
}

static const struct physmap physmap = {map, NULL};

static void give_back(void)
{
	while (nlent)
		free(lent[--nlent]);
}

static int parse_acpi(struct acpi_info *info, u64 rsdp)
{
	int err = acpi_parse(info, &physmap, rsdp);

	give_back();
	return err;
}

static int parse_mp(struct mptable_info *info)
{
	int err = mptable_parse(info, &physmap);

	give_back();
	return err;
}

static void put32(u64 at, u32 v)
{
	for (int i = 0; i < 4; i++)
		mem[at + (u64)i] = (u8)(v >> 8 * i);
}

static void put64(u64 at, u64 v)
{
	put32(at, (u32)v);
	put32(at + 4, (u32)(v >> 32));
}

static void fix_sum(u64 at, size_t len, size_t where)
{
	u8 sum = 0;

	mem[at + where] = 0;
	for (size_t i = 0; i < len; i++)
		sum = (u8)(sum + mem[at + i]);
	mem[at + where] = (u8)-sum;
}

static void put_header(u64 at, const char *sig, u32 len)
{
	memcpy(mem + at, sig, 4);
	put32(at + 4, len);
	fix_sum(at, len, 9);
}

static void put_cpu(u64 *at, u8 id, u32 flags)
{
	mem[*at] = 0;
	mem[*at + 1] = 8;
	mem[*at + 3] = id;
	put32(*at + 4, flags);
	*at += 8;
}

static void put_x2apic(u64 *at, u32 id, u32 flags)
{
	mem[*at] = 9;
	mem[*at + 1] = 16;
	put32(*at + 4, id);
	put32(*at + 8, flags);
	*at += 16;
}

enum { RSDP = 0xf1230, XSDT = 0x1000, RSDT = 0x1100, MADT = 0x2000, FADT = 0x3000, DSDT = 0x4000 };

static const u8 s5_package[] = {0x08, '\\', '_', 'S',  '5', '_', 0x12, 0x06,
				4,    0x0a, 5,	 0x0a, 6,   0,	 0};

static void put_madt(void)
{
	u64 at = MADT + 44;

	put32(MADT + 36, 0xfee00000);
	put_cpu(&at, 0, 1);
	put_cpu(&at, 7, 0); /* disabled */
	put_cpu(&at, 3, 1);
	put_x2apic(&at, 3, 1); /* the same again */
	put_x2apic(&at, 0x12345, 1);
	memcpy(mem + at, (u8[]){1, 12, 9, 0, 0, 0, 0xc0, 0xfe, 24, 0, 0, 0}, 12);
	at += 12;
	memcpy(mem + at, (u8[]){99, 3, 0}, 3); /* of a kind not known */
	at += 3;
	put_header(MADT, "APIC", (u32)(at - MADT));
}

static void put_fadt(u32 flags)
{
	memset(mem + FADT, 0, 276);
	put32(FADT + 40, DSDT);
	put32(FADT + 64, 0x604);
	put32(FADT + 76, 0x608);
	mem[FADT + 91] = 4;
	put32(FADT + 112, flags);
	mem[FADT + 116] = 1;
	put64(FADT + 120, 0xcf9);
	mem[FADT + 128] = 0xf;
	put64(FADT + 248, 0xfeb00000);
	put64(FADT + 260, 0xfeb00001);
	put_header(FADT, "FACP", 276);
}

static void put_acpi(void)
{
	memset(mem, 0, MEM);
	memcpy(mem + RSDP, "RSD PTR ", 8);
	mem[RSDP + 15] = 2;
	put32(RSDP + 16, RSDT);
	put32(RSDP + 20, 36);
	put64(RSDP + 24, XSDT);
	fix_sum(RSDP, 20, 8);
	fix_sum(RSDP, 36, 32);
	put64(XSDT + 36, FADT);
	put64(XSDT + 44, MADT);
	put_header(XSDT, "XSDT", 52);
	put32(RSDT + 36, MADT);
	put_header(RSDT, "RSDT", 40);
	put_madt();
	put_fadt(BIT(8) | BIT(10));
	memcpy(mem + DSDT + 40, "\x5b_S5_", 5); /* a use, not the definition */
	memcpy(mem + DSDT + 60, s5_package, sizeof(s5_package));
	put_header(DSDT, "DSDT", 100);
}

static void test_acpi_whole(void **state)
{
	struct acpi_info in;

	(void)state;
	put_acpi();
	for (int given = 0; given < 2; given++) {
		assert_int_equal(parse_acpi(&in, given ? RSDP : 0), 0);
		assert_null(in.error);
		assert_int_equal(in.lapic_addr, 0xfee00000);
		assert_int_equal(in.ncpus, 3);
		assert_int_equal(in.apic_id[0], 0);
		assert_int_equal(in.apic_id[1], 3);
		assert_int_equal(in.apic_id[2], 0x12345);
		assert_int_equal(in.nioapics, 1);
		assert_int_equal(in.ioapic[0].addr, 0xfec00000);
		assert_int_equal(in.ioapic[0].gsi_base, 24);
		assert_true(in.has_fadt && !in.hw_reduced && in.pm_timer_32);
		assert_int_equal(in.pm1a_cnt, 0x604);
		assert_int_equal(in.pm_timer, 0x608);
		assert_int_equal(in.reset.addr, 0xcf9);
		assert_int_equal(in.reset_value, 0xf);
		assert_true(in.has_s5);
		assert_int_equal(in.s5_typ_a, 5);
		assert_int_equal(in.s5_typ_b, 6);
	}
}

static void test_acpi_variants(void **state)
{
	struct acpi_info in;

	(void)state;
	put_acpi();
	put_fadt(BIT(20));
	assert_int_equal(parse_acpi(&in, 0), 0);
	assert_true(in.hw_reduced);
	assert_int_equal(in.pm1a_cnt, 0);
	assert_int_equal(in.pm_timer, 0);
	assert_int_equal(in.reset.addr, 0);
	assert_int_equal(in.sleep_control.addr, 0xfeb00000);
	assert_int_equal(in.sleep_status.addr, 0xfeb00001);
	/* ACPI 1.0: only the RSDT, and a short FADT. */
	mem[RSDP + 15] = 0;
	fix_sum(RSDP, 20, 8);
	put_fadt(0);
	put_header(FADT, "FACP", 116);
	put32(RSDT + 40, FADT);
	put_header(RSDT, "RSDT", 44);
	assert_int_equal(parse_acpi(&in, 0), 0);
	assert_int_equal(in.ncpus, 3);
	assert_int_equal(in.pm1a_cnt, 0x604);
	assert_true(in.has_s5);
	/* The extended blocks win. */
	put_acpi();
	mem[FADT + 172] = 1;
	put64(FADT + 176, 0xb004);
	put_header(FADT, "FACP", 276);
	assert_int_equal(parse_acpi(&in, 0), 0);
	assert_int_equal(in.pm1a_cnt, 0xb004);
	/* In the EBDA. */
	memmove(mem + 0x9fc10, mem + RSDP, 36);
	memset(mem + RSDP, 0, 36);
	assert_int_equal(parse_acpi(&in, 0), -ENOENT);
	mem[0x40f] = 0x9f;
	mem[0x40e] = 0xc0;
	assert_int_equal(parse_acpi(&in, 0), 0);
}

static void test_acpi_many_cpus(void **state)
{
	struct acpi_info in;
	u64 at = MADT + 44;

	(void)state;
	put_acpi();
	memset(mem + FADT, 0, 0x1000);
	for (u32 i = 0; i < 300; i++)
		put_x2apic(&at, i, 1);
	put_header(MADT, "APIC", (u32)(at - MADT));
	assert_int_equal(parse_acpi(&in, 0), 0);
	assert_int_equal(in.ncpus, ACPI_CPUS_MAX);
	assert_int_equal(in.ncpus_skipped, 300 - ACPI_CPUS_MAX);
}

static void test_acpi_damage(void **state)
{
	static const struct {
		u64 at;
		size_t len;
	} tables[] = {{XSDT, 52}, {MADT, 107}, {FADT, 276}, {DSDT, 100}};
	struct acpi_info in;

	(void)state;
	put_acpi();
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (size_t i = 0; i < tables[t].len; i++) {
			/* The checksum must catch it, or the length is out of bounds. */
			mem[tables[t].at + i] ^= 0x80;
			assert_int_equal(parse_acpi(&in, 0), 0);
			assert_true(in.error || !in.has_fadt);
			mem[tables[t].at + i] ^= 0x80;
		}
	for (size_t i = 0; i < 20; i++) {
		mem[RSDP + i] ^= 1;
		assert_int_equal(parse_acpi(&in, 0), -ENOENT);
		assert_int_equal(parse_acpi(&in, RSDP), -ENOENT);
		mem[RSDP + i] ^= 1;
	}
	assert_int_equal(parse_acpi(&in, MEM - 10), -ENOENT);
	assert_int_equal(parse_acpi(&in, ~0ull - 10), -ENOENT);
}

/* Right checksums around wrong contents. */
static void test_acpi_malformed(void **state)
{
	struct acpi_info in;

	(void)state;
	put_acpi();
	mem[MADT + 44 + 1] = 1;
	put_header(MADT, "APIC", 107);
	assert_int_equal(parse_acpi(&in, 0), 0);
	assert_string_equal(in.error, "MADT with a malformed entry");
	put_acpi();
	put_header(MADT, "APIC", 106);
	assert_int_equal(parse_acpi(&in, 0), 0);
	assert_string_equal(in.error, "MADT with a malformed entry");
	put_acpi();
	put_header(MADT, "APIC", 40);
	assert_int_equal(parse_acpi(&in, 0), 0);
	assert_string_equal(in.error, "MADT is too short");
	put_acpi();
	put_header(FADT, "FACP", 100);
	assert_int_equal(parse_acpi(&in, 0), 0);
	assert_string_equal(in.error, "FADT is too short");
	put_acpi();
	put32(MADT + 4, 35);
	assert_int_equal(parse_acpi(&in, 0), 0);
	assert_string_equal(in.error, "ACPI table with a bad length");
	for (u32 len = 62; len < 60 + sizeof(s5_package); len++) {
		put_acpi();
		memset(mem + DSDT + len, 0, 60);
		put_header(DSDT, "DSDT", len);
		assert_int_equal(parse_acpi(&in, 0), 0);
		assert_int_equal(in.has_s5, len >= 60 + 13);
	}
}

enum { MPF = 0xf5000, MPC = 0xf5100 };

static void put_mp(void)
{
	u64 at = MPC + 44;

	memset(mem, 0, MEM);
	memcpy(mem + MPF, "_MP_", 4);
	put32(MPF + 4, MPC);
	mem[MPF + 8] = 1;
	mem[MPF + 9] = 4;
	fix_sum(MPF, 16, 10);
	memcpy(mem + MPC, "PCMP", 4);
	put32(MPC + 36, 0xfee00000);
	for (u8 i = 0; i < 3; i++, at += 20) {
		mem[at + 1] = (u8)(i * 2);
		mem[at + 3] = (u8[]){1, 3, 0}[i];
	}
	memcpy(mem + at, (u8[]){1, 0, 'I', 'S', 'A', ' ', ' ', ' '}, 8);
	at += 8;
	memcpy(mem + at, (u8[]){2, 5, 0x11, 1, 0, 0, 0xc0, 0xfe}, 8);
	at += 8;
	mem[MPC + 34] = 5;
	mem[MPC + 4] = (u8)(at - MPC);
	fix_sum(MPC, (size_t)(at - MPC), 7);
}

static void test_mp(void **state)
{
	struct mptable_info in;

	(void)state;
	put_mp();
	assert_int_equal(parse_mp(&in), 0);
	assert_int_equal(in.ncpus, 2);
	assert_int_equal(in.apic_id[0], 0);
	assert_int_equal(in.apic_id[1], 2);
	assert_true(in.has_bsp && in.bsp_apic_id == 2);
	assert_int_equal(in.lapic_addr, 0xfee00000);
	assert_int_equal(in.ioapic_addr, 0xfec00000);
	assert_int_equal(in.ioapic_id, 5);
	for (size_t i = 0; i < 120; i++) {
		mem[MPC + i] ^= 0x40;
		assert_int_equal(parse_mp(&in), -EINVAL);
		assert_non_null(in.error);
		mem[MPC + i] ^= 0x40;
	}
	for (size_t i = 0; i < 16; i++) {
		mem[MPF + i] ^= 1;
		assert_int_equal(parse_mp(&in), -ENOENT);
		mem[MPF + i] ^= 1;
	}
	memmove(mem + 0x9fff0, mem + MPF, 16); /* the last paragraph of base memory */
	mem[MPF] = 0;
	assert_int_equal(parse_mp(&in), 0);
}

static void test_mp_malformed(void **state)
{
	struct mptable_info in;

	(void)state;
	put_mp();
	mem[MPC + 34] = 6; /* more entries than bytes */
	fix_sum(MPC, 120, 7);
	assert_int_equal(parse_mp(&in), -EINVAL);
	assert_string_equal(in.error, "MP table with an unknown entry");
	put_mp();
	mem[MPC + 4] = 119;
	fix_sum(MPC, 119, 7);
	assert_int_equal(parse_mp(&in), -EINVAL);
	assert_string_equal(in.error, "MP table with a truncated entry");
	put_mp();
	mem[MPC + 4] = 43;
	assert_int_equal(parse_mp(&in), -EINVAL);
	assert_string_equal(in.error, "MP table with a bad length");
	put_mp();
	put32(MPF + 4, 0);
	fix_sum(MPF, 16, 10);
	assert_int_equal(parse_mp(&in), -EINVAL);
	assert_string_equal(in.error, "MP pointer without a table");
	put32(MPF + 4, 0xfffffff0);
	fix_sum(MPF, 16, 10);
	assert_int_equal(parse_mp(&in), -EINVAL);
	put_mp();
	mem[MPF + 11] = 5; /* default configuration */
	fix_sum(MPF, 16, 10);
	assert_int_equal(parse_mp(&in), 0);
	assert_int_equal(in.ncpus, 2);
	assert_int_equal(in.apic_id[1], 1);
}

static int setup(void **state)
{
	(void)state;
	mem = calloc(1, MEM);
	return mem ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	free(mem);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_acpi_whole),     cmocka_unit_test(test_acpi_variants),
		cmocka_unit_test(test_acpi_many_cpus), cmocka_unit_test(test_acpi_damage),
		cmocka_unit_test(test_acpi_malformed), cmocka_unit_test(test_mp),
		cmocka_unit_test(test_mp_malformed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

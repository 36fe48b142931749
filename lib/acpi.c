// SPDX-License-Identifier: MIT
/*
 * ACPI tables: RSDP → XSDT or RSDT → MADT, FADT → DSDT. Fields are read at the offsets that
 * ACPI 6.4 gives (chapter 5), each only when the table is long enough to have it.
 */
#include "lib/acpi.h"

#include <linux/errno.h>

#include "lib/string.h"

/* RSDP, §5.2.5.3. */
#define RSDP_SIZE_V1  20
#define RSDP_SIZE_V2  36
#define RSDP_REVISION 15
#define RSDP_RSDT     16
#define RSDP_XSDT     24

/* Every other table begins with this header, §5.2.6. */
#define TABLE_HEADER_SIZE 36
#define TABLE_LENGTH	  4
#define TABLE_MAX	  (16u << 20)

/* MADT, §5.2.12. */
#define MADT_LAPIC_ADDR	   36
#define MADT_ENTRIES	   44
#define MADT_LAPIC	   0
#define MADT_IOAPIC	   1
#define MADT_LAPIC_ADDR_64 5
#define MADT_X2APIC	   9
#define MADT_CPU_ENABLED   1u

/* FADT, §5.2.9. */
#define FADT_DSDT	   40
#define FADT_PM1A_CNT	   64
#define FADT_PM1B_CNT	   68
#define FADT_PM_TIMER	   76
#define FADT_PM_TIMER_LEN  91
#define FADT_FLAGS	   112
#define FADT_RESET_REG	   116
#define FADT_RESET_VALUE   128
#define FADT_X_DSDT	   140
#define FADT_X_PM1A_CNT	   172
#define FADT_X_PM1B_CNT	   184
#define FADT_X_PM_TIMER	   208
#define FADT_SLEEP_CONTROL 244
#define FADT_SLEEP_STATUS  256
#define FADT_SIZE_MIN	   116
#define FADT_TIMER_32	   BIT(8)
#define FADT_RESET_SUP	   BIT(10)
#define FADT_HW_REDUCED	   BIT(20)
#define GAS_SIZE	   12
#define GAS_SPACE_IO	   1

/* AML, §20.2: NameOp, PackageOp and the integers a package may hold. */
#define AML_NAME    0x08
#define AML_PACKAGE 0x12
#define AML_ZERO    0x00
#define AML_ONE	    0x01
#define AML_BYTE    0x0a
#define AML_WORD    0x0b
#define AML_DWORD   0x0c

struct acpi_table {
	const u8 *p;
	u32 len;
};

/* Maps the table at `phys` whole when its length and checksum are right; its error goes to *why. */
static bool acpi_table_get(const struct physmap *map, u64 phys, struct acpi_table *t,
			   const char **why)
{
	const u8 *p = phys ? physmap_get(map, phys, TABLE_HEADER_SIZE) : NULL;

	*why = "ACPI table cannot be read";
	if (!p)
		return false;
	t->len = physmap_u32(p + TABLE_LENGTH);
	if (t->len < TABLE_HEADER_SIZE || t->len > TABLE_MAX) {
		*why = "ACPI table with a bad length";
		return false;
	}
	t->p = physmap_get(map, phys, t->len);
	if (!t->p)
		return false;
	if (!physmap_sums_to_zero(t->p, t->len)) {
		*why = "ACPI table with a bad checksum";
		return false;
	}
	return true;
}

static void acpi_add_cpu(struct acpi_info *info, u32 apic_id, u32 flags)
{
	if (!(flags & MADT_CPU_ENABLED))
		return;
	/* A CPU may be listed in both forms: the second mention is no second CPU. */
	for (u32 i = 0; i < info->ncpus; i++)
		if (info->apic_id[i] == apic_id)
			return;
	if (info->ncpus == ACPI_CPUS_MAX)
		info->ncpus_skipped++;
	else
		info->apic_id[info->ncpus++] = apic_id;
}

static void acpi_add_ioapic(struct acpi_info *info, const u8 *e)
{
	if (info->nioapics == ACPI_IOAPICS_MAX)
		return;
	info->ioapic[info->nioapics].addr = physmap_u32(e + 4);
	info->ioapic[info->nioapics].gsi_base = physmap_u32(e + 8);
	info->nioapics++;
}

static void acpi_parse_madt_entry(struct acpi_info *info, const u8 *e, size_t len)
{
	if (e[0] == MADT_LAPIC && len >= 8)
		acpi_add_cpu(info, e[3], physmap_u32(e + 4));
	else if (e[0] == MADT_X2APIC && len >= 16)
		acpi_add_cpu(info, physmap_u32(e + 4), physmap_u32(e + 8));
	else if (e[0] == MADT_IOAPIC && len >= 12)
		acpi_add_ioapic(info, e);
	else if (e[0] == MADT_LAPIC_ADDR_64 && len >= 12)
		info->lapic_addr = physmap_u64(e + 4);
}

static void acpi_parse_madt(struct acpi_info *info, const struct acpi_table *t)
{
	size_t at = MADT_ENTRIES;

	if (t->len < MADT_ENTRIES) {
		info->error = "MADT is too short";
		return;
	}
	info->lapic_addr = physmap_u32(t->p + MADT_LAPIC_ADDR);
	while (t->len - at >= 2) {
		size_t len = t->p[at + 1];

		if (len < 2 || len > t->len - at) {
			info->error = "MADT with a malformed entry";
			return;
		}
		acpi_parse_madt_entry(info, t->p + at, len);
		at += len;
	}
}

static bool fadt_has(const struct acpi_table *t, size_t at, size_t size)
{
	return at + size <= t->len;
}

static void acpi_parse_gas(const struct acpi_table *t, size_t at, struct acpi_gas *gas)
{
	if (!fadt_has(t, at, GAS_SIZE))
		return;
	gas->space = t->p[at];
	gas->bits = t->p[at + 1];
	gas->addr = physmap_u64(t->p + at + 4);
}

/* A register block has an old 32-bit I/O address and a new generic one, which counts when it is
 * there. */
static u32 fadt_port(const struct acpi_table *t, size_t at, size_t x_at)
{
	struct acpi_gas gas = {0};

	acpi_parse_gas(t, x_at, &gas);
	if (gas.addr && gas.space == GAS_SPACE_IO)
		return (u32)gas.addr;
	return physmap_u32(t->p + at);
}

static void acpi_parse_fadt(struct acpi_info *info, const struct acpi_table *t, u64 *dsdt)
{
	u32 flags;

	if (t->len < FADT_SIZE_MIN) {
		info->error = "FADT is too short";
		return;
	}
	info->has_fadt = true;
	flags = physmap_u32(t->p + FADT_FLAGS);
	info->hw_reduced = flags & FADT_HW_REDUCED;
	if (!info->hw_reduced) {
		info->pm1a_cnt = fadt_port(t, FADT_PM1A_CNT, FADT_X_PM1A_CNT);
		info->pm1b_cnt = fadt_port(t, FADT_PM1B_CNT, FADT_X_PM1B_CNT);
		if (t->p[FADT_PM_TIMER_LEN] == 4)
			info->pm_timer = fadt_port(t, FADT_PM_TIMER, FADT_X_PM_TIMER);
		info->pm_timer_32 = flags & FADT_TIMER_32;
	}
	if (flags & FADT_RESET_SUP && fadt_has(t, FADT_RESET_VALUE, 1)) {
		acpi_parse_gas(t, FADT_RESET_REG, &info->reset);
		info->reset_value = t->p[FADT_RESET_VALUE];
	}
	acpi_parse_gas(t, FADT_SLEEP_CONTROL, &info->sleep_control);
	acpi_parse_gas(t, FADT_SLEEP_STATUS, &info->sleep_status);
	*dsdt = fadt_has(t, FADT_X_DSDT, 8) ? physmap_u64(t->p + FADT_X_DSDT) : 0;
	if (!*dsdt)
		*dsdt = physmap_u32(t->p + FADT_DSDT);
}

/* One integer of a package at *at; its low byte. */
static bool aml_integer(const u8 *p, size_t len, size_t *at, u8 *out)
{
	size_t width;

	if (*at >= len)
		return false;
	switch (p[*at]) {
	case AML_ZERO:
	case AML_ONE:
		*out = p[(*at)++];
		return true;
	case AML_BYTE:
		width = 1;
		break;
	case AML_WORD:
		width = 2;
		break;
	case AML_DWORD:
		width = 4;
		break;
	default:
		return false;
	}
	if (len - *at < 1 + width)
		return false;
	*out = p[*at + 1];
	*at += 1 + width;
	return true;
}

/* `at` is behind "_S5_": PackageOp, PkgLength (1 to 4 bytes, §20.2.4), NumElements, then the two
 * sleep types. */
static bool aml_parse_s5(struct acpi_info *info, const u8 *p, size_t len, size_t at)
{
	u8 count, a, b = 0;

	if (len - at < 2 || p[at] != AML_PACKAGE)
		return false;
	at += 2u + (p[at + 1] >> 6);
	if (at >= len)
		return false;
	count = p[at++];
	if (count < 1 || !aml_integer(p, len, &at, &a))
		return false;
	if (count > 1 && !aml_integer(p, len, &at, &b))
		return false;
	info->s5_typ_a = a;
	info->s5_typ_b = b;
	return true;
}

/* The name must be one that is being defined: after NameOp, perhaps with a `\` between. */
static bool aml_is_definition(const u8 *p, size_t at)
{
	if (at >= 1 && p[at - 1] == AML_NAME)
		return true;
	return at >= 2 && p[at - 1] == '\\' && p[at - 2] == AML_NAME;
}

static void acpi_parse_dsdt(struct acpi_info *info, const struct acpi_table *t)
{
	for (size_t at = TABLE_HEADER_SIZE; at + 4 <= t->len && !info->has_s5; at++)
		if (memcmp(t->p + at, "_S5_", 4) == 0 && aml_is_definition(t->p, at))
			info->has_s5 = aml_parse_s5(info, t->p, t->len, at + 4);
}

static void acpi_parse_table(struct acpi_info *info, const struct physmap *map,
			     const struct acpi_table *t)
{
	struct acpi_table dsdt_table;
	const char *why;
	u64 dsdt = 0;

	if (memcmp(t->p, "APIC", 4) == 0) {
		acpi_parse_madt(info, t);
	} else if (memcmp(t->p, "FACP", 4) == 0) {
		acpi_parse_fadt(info, t, &dsdt);
		if (!dsdt)
			return;
		if (!acpi_table_get(map, dsdt, &dsdt_table, &why))
			info->error = why;
		else if (memcmp(dsdt_table.p, "DSDT", 4) == 0)
			acpi_parse_dsdt(info, &dsdt_table);
	}
}

/* The root table: an array of addresses, of 8 bytes in the XSDT and 4 in the RSDT. */
static bool acpi_parse_root(struct acpi_info *info, const struct physmap *map, u64 phys,
			    const char *sig, size_t width)
{
	struct acpi_table root, t;
	const char *why;

	if (!acpi_table_get(map, phys, &root, &why) || memcmp(root.p, sig, 4) != 0)
		return false;
	for (size_t at = TABLE_HEADER_SIZE; at + width <= root.len; at += width) {
		u64 addr = width == 8 ? physmap_u64(root.p + at) : physmap_u32(root.p + at);

		if (acpi_table_get(map, addr, &t, &why))
			acpi_parse_table(info, map, &t);
		else
			info->error = why;
	}
	return true;
}

static u64 acpi_find_rsdp(const struct physmap *map)
{
	u64 ebda = physmap_ebda(map), rsdp = 0;

	if (ebda)
		rsdp = physmap_scan(map, ebda, 1024, "RSD PTR ", RSDP_SIZE_V1);
	if (!rsdp)
		rsdp = physmap_scan(map, 0xe0000, PHYSMAP_ROM_END - 0xe0000, "RSD PTR ",
				    RSDP_SIZE_V1);
	return rsdp;
}

int acpi_parse(struct acpi_info *info, const struct physmap *map, u64 rsdp)
{
	u64 rsdt, xsdt = 0;
	const u8 *p;

	memset(info, 0, sizeof(*info));
	if (!rsdp)
		rsdp = acpi_find_rsdp(map);
	p = rsdp ? physmap_get(map, rsdp, RSDP_SIZE_V1) : NULL;
	if (!p || memcmp(p, "RSD PTR ", 8) != 0 || !physmap_sums_to_zero(p, RSDP_SIZE_V1))
		return -ENOENT;
	rsdt = physmap_u32(p + RSDP_RSDT);
	if (p[RSDP_REVISION] >= 2) {
		p = physmap_get(map, rsdp, RSDP_SIZE_V2);
		if (p && physmap_sums_to_zero(p, RSDP_SIZE_V2))
			xsdt = physmap_u64(p + RSDP_XSDT);
	}
	if (xsdt && acpi_parse_root(info, map, xsdt, "XSDT", 8))
		return 0;
	return acpi_parse_root(info, map, rsdt, "RSDT", 4) ? 0 : -ENOENT;
}

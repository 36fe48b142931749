// SPDX-License-Identifier: MIT
/*
 * What the firmware's tables tell: the CPUs, the I/O APICs, how to power off. ACPI where the loader
 * names an RSDP, else the MP table, else ACPI by search; a machine with neither has one CPU and an
 * I/O APIC at the usual address.
 */
#include "machine/firmware.h"
#include "kern/log.h"
#include "lib/acpi.h"
#include "lib/mptable.h"
#include "machine/apic.h"
#include "machine/boot.h"
#include "machine/fpu.h"
#include "machine/io.h"
#include "machine/kmap.h"
#include "machine/pt.h"

#define IOAPIC_DEFAULT 0xfec00000
#define DIRECT_STEP    (2ull << 20) // the direct map ends on such a boundary
#define TABLE_MAX      (1u << 20)   // nothing that describes hardware is longer

struct firmware firmware;

static struct acpi_info acpi;
static struct mptable_info mptable;

// Tables lie in memory below ram_end or, seldom, in reserved pages that the direct map leaves out.
static const void *map_table(void *ctx, u64 phys, size_t len)
{
	const struct boot_info *bi = ctx;

	if (len > TABLE_MAX || phys + len < phys || phys + len >= KVM_BASE - DIRECT_BASE)
		return NULL;
	if (phys + len <= ALIGN_UP(bi->ram_end, DIRECT_STEP) && kernel_mapped(DIRECT_BASE + phys) &&
	    kernel_mapped(DIRECT_BASE + phys + len - 1))
		return phys_to_virt(phys);
	return kmap_mmio(phys, len);
}

static void add_cpu(u32 id)
{
	for (u32 i = 0; i < firmware.fw_ncpus; i++)
		if (firmware.fw_apic_id[i] == id)
			return;
	if (firmware.fw_ncpus < CPU_MAX)
		firmware.fw_apic_id[firmware.fw_ncpus++] = id;
}

static bool use_acpi(const struct physmap *map, u64 rsdp)
{
	if (acpi_parse(&acpi, map, rsdp))
		return false;
	for (u32 i = 0; i < acpi.ncpus; i++)
		add_cpu(acpi.apic_id[i]);
	for (u32 i = 0; i < acpi.nioapics; i++)
		ioapic_add(acpi.ioapic[i].addr, acpi.ioapic[i].gsi_base);
	if (acpi.error)
		log_printf("acpi: %s", acpi.error);
	firmware.fw_source = "ACPI";
	return true;
}

static bool use_mptable(const struct physmap *map)
{
	if (mptable_parse(&mptable, map))
		return false;
	for (u32 i = 0; i < mptable.ncpus; i++)
		add_cpu(mptable.apic_id[i]);
	if (mptable.ioapic_addr)
		ioapic_add(mptable.ioapic_addr, 0);
	firmware.fw_source = "MP table";
	return true;
}

void arch_init(const struct boot_info *bi)
{
	struct physmap map = {map_table, (void *)bi};

	fpu_init_cache();
	// The boot CPU first, wherever the tables list it.
	cpus[0].c_apic_id = apic_id();
	firmware.fw_apic_id[firmware.fw_ncpus++] = apic_id();
	if (!(bi->rsdp && use_acpi(&map, bi->rsdp)) && !use_mptable(&map) && !use_acpi(&map, 0)) {
		ioapic_add(IOAPIC_DEFAULT, 0);
		firmware.fw_source = "no tables";
	}
	log_printf("firmware: %s, %u CPUs", firmware.fw_source, firmware.fw_ncpus);
}

// ACPI 6.4, 16.1.7 (hardware-reduced: sleep control register) and 4.8.3.2.1 (PM1 control).
#define SLP_EN		0x2000
#define SLP_TYP_SHIFT	10
#define SLEEP_EN	0x20
#define SLEEP_TYP_SHIFT 2

static void gas_write8(const struct acpi_gas *gas, u8 v)
{
	if (gas->space == 1) {
		outb((u16)gas->addr, v);
	} else if (gas->space == 0) {
		u8 *reg = kmap_mmio(gas->addr, 1);
		if (reg)
			mmio_write8(reg, v);
	}
}

void firmware_poweroff(void)
{
	if (!acpi.has_fadt || !acpi.has_s5)
		return;
	if (acpi.sleep_control.addr)
		gas_write8(&acpi.sleep_control, (u8)(acpi.s5_typ_a << SLEEP_TYP_SHIFT | SLEEP_EN));
	if (acpi.pm1a_cnt && !acpi.hw_reduced)
		outw((u16)acpi.pm1a_cnt, (u16)(acpi.s5_typ_a << SLP_TYP_SHIFT | SLP_EN));
	if (acpi.pm1b_cnt && !acpi.hw_reduced)
		outw((u16)acpi.pm1b_cnt, (u16)(acpi.s5_typ_b << SLP_TYP_SHIFT | SLP_EN));
}

void firmware_reset(void)
{
	if (acpi.reset.addr)
		gas_write8(&acpi.reset, acpi.reset_value);
}

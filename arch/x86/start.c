// SPDX-License-Identifier: MIT
/*
 * The first C of the kernel: reads what the PVH loader left (hvm_start_info of the Xen project's
 * public interface), decides what memory is free, builds the final page tables and hands over to
 * kernel_main(). Runs once, on the boot CPU, on the static boot stack with interrupts off. Its text
 * is boot-only memory.
 */
#include "kern/log.h"
#include "lib/cmdline.h"
#include "lib/string.h"
#include "machine/apic.h"
#include "machine/archcpu.h"
#include "machine/boot.h"
#include "machine/clock.h"
#include "machine/extable.h"
#include "machine/image.h"
#include "machine/msr.h"
#include "machine/pt.h"
#include "machine/serial.h"
#include "machine/smap.h"

#define HVM_START_MAGIC 0x336ec578
#define E820_RAM	1
#define E820_ACPI	3
#define E820_NVS	4

// Only this much is mapped, by boot.S, before paging_init().
#define EARLY_LIMIT (1ull << 30)
#define LOW_LIMIT   (1ull << 20) // firmware's and the trampoline's: never handed out
#define RAM_LIMIT   (KVM_BASE - DIRECT_BASE)

struct hvm_start_info {
	u32 magic, version, flags, nr_modules;
	u64 modlist, cmdline, rsdp;
	u64 memmap; // from version 1 on
	u32 memmap_entries, reserved;
};

struct hvm_module {
	u64 paddr, size, cmdline, reserved;
};

struct hvm_memmap {
	u64 addr, size;
	u32 type, reserved;
};

struct boot_stack boot_stack ALIGNED(PAGE_SIZE);
struct boot_ist boot_ist[IST_COUNT] ALIGNED(PAGE_SIZE);

// What boot.S runs on, at physical addresses known to the linker. Boot-only memory, like the text
// of this file.
#define INIT_DATA SECTION(".init.data") USED
#define TABLE(t)  ((u64)(t)-KERNEL_BASE + (PTE_P | PTE_W))
#define FRAME1(n) ((u64)(n) << 21 | PTE_PS | PTE_P | PTE_W),
#define FRAME8(n)     \
	FRAME1(n)     \
	FRAME1(n + 1) \
	FRAME1(n + 2) FRAME1(n + 3) FRAME1(n + 4) FRAME1(n + 5) FRAME1(n + 6) FRAME1(n + 7)
#define FRAME64(n)    \
	FRAME8(n)     \
	FRAME8(n + 8) \
	FRAME8(n + 16) FRAME8(n + 24) FRAME8(n + 32) FRAME8(n + 40) FRAME8(n + 48) FRAME8(n + 56)

extern u64 early_pml4[512];
extern const u64 boot_gdt[4];

static INIT_DATA u64 early_pd[512] ALIGNED(PAGE_SIZE) = {
	FRAME64(0) FRAME64(64) FRAME64(128) FRAME64(192) FRAME64(256) FRAME64(320) FRAME64(384)
		FRAME64(448)};
static INIT_DATA u64 early_pdpt_low[512] ALIGNED(PAGE_SIZE) = {[0] = TABLE(early_pd)};
static INIT_DATA u64 early_pdpt_high[512] ALIGNED(PAGE_SIZE) = {
	[510] = TABLE(early_pd)}; // KERNEL_BASE
INIT_DATA u64 early_pml4[512] ALIGNED(PAGE_SIZE) = {
	[0] = TABLE(early_pdpt_low),
	[256] = TABLE(early_pdpt_low), // DIRECT_BASE
	[511] = TABLE(early_pdpt_high),
};
// Null, 32-bit code (SEL_BOOT_CS32 in boot.S), SEL_KERNEL_CS, SEL_KERNEL_DS.
const u64 boot_gdt[4] = {0, 0x00cf9b000000ffff, 0x00af9b000000ffff, 0x00cf93000000ffff};

static struct boot_info boot_info;
static struct boot_range ram[BOOT_RANGES_MAX]; // everything to be mapped directly
static u32 nram;
static u64 boot_limit = EARLY_LIMIT;

NORETURN void arch_start(u64 info_phys);

// Takes [start, end), rounded outwards to pages, out of the free ranges.
static void boot_reserve(struct boot_info *bi, u64 start, u64 end)
{
	start = ALIGN_DOWN(start, PAGE_SIZE);
	end = ALIGN_UP(end, PAGE_SIZE);
	for (u32 i = 0; i < bi->nfree; i++) {
		struct boot_range *r = &bi->free[i];
		if (end <= r->start || start >= r->end)
			continue;
		if (start > r->start && end < r->end) {
			// In the middle: what lies behind it becomes a range of its own, or is
			// lost.
			if (bi->nfree < BOOT_RANGES_MAX) {
				memmove(r + 2, r + 1, (bi->nfree - i - 1) * sizeof(*r));
				r[1] = (struct boot_range){end, r->end};
				bi->nfree++;
			}
			r->end = start;
		} else if (start > r->start) {
			r->end = start;
		} else if (end < r->end) {
			r->start = end;
		} else {
			memmove(r, r + 1, (bi->nfree - i - 1) * sizeof(*r));
			bi->nfree--;
			i--;
		}
	}
}

void *boot_alloc(u64 size, u64 align)
{
	struct boot_info *bi = &boot_info;

	size = ALIGN_UP(size, PAGE_SIZE);
	align = MAX(align, (u64)PAGE_SIZE);
	for (u32 i = 0; i < bi->nfree; i++) {
		u64 start = ALIGN_UP(bi->free[i].start, align);
		u64 end = MIN(bi->free[i].end, boot_limit);
		if (start >= end || end - start < size)
			continue;
		boot_reserve(bi, start, start + size);
		return phys_to_virt(start);
	}
	panic("not enough memory to start: %llu KiB wanted", (unsigned long long)size >> 10);
}

void *boot_zalloc(u64 size, u64 align)
{
	return memset(boot_alloc(size, align), 0, ALIGN_UP(size, PAGE_SIZE));
}

// Inserts by address; what does not fit in the table is not used.
static void add_range(struct boot_range *list, u32 *n, u64 start, u64 end)
{
	u32 i = *n;

	if (start >= end || i == BOOT_RANGES_MAX)
		return;
	for (; i > 0 && list[i - 1].start > start; i--)
		list[i] = list[i - 1];
	list[i] = (struct boot_range){start, end};
	++*n;
}

static void parse_memmap(struct boot_info *bi, const struct hvm_memmap *map, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		u64 start = map[i].addr, end = start + map[i].size;
		if (end < start || start >= RAM_LIMIT)
			continue;
		end = MIN(end, RAM_LIMIT);
		if (map[i].type == E820_RAM) {
			bi->ram_bytes += end - start;
			bi->ram_end = MAX(bi->ram_end, end);
			add_range(bi->free, &bi->nfree, MAX(ALIGN_UP(start, PAGE_SIZE), LOW_LIMIT),
				  ALIGN_DOWN(end, PAGE_SIZE));
		}
		// Firmware tables are wanted in the direct map too.
		if (map[i].type == E820_RAM || map[i].type == E820_ACPI || map[i].type == E820_NVS)
			add_range(ram, &nram, start, end);
	}
	// The first 2 MiB hold the start info, the BIOS areas and the kernel's head, whatever the
	// map says.
	add_range(ram, &nram, 0, 2 << 20);
}

static void parse_start_info(struct boot_info *bi, u64 phys)
{
	const struct hvm_start_info *info = phys_to_virt(phys);

	if (info->magic != HVM_START_MAGIC || info->version < 1 || !info->memmap_entries)
		panic("not started by a PVH loader of version 1 or later");
	parse_memmap(bi, phys_to_virt(info->memmap), info->memmap_entries);
	bi->rsdp = info->rsdp;
	bi->cmdline = "";
	if (info->cmdline) {
		bi->cmdline = phys_to_virt(info->cmdline);
		boot_reserve(bi, info->cmdline, info->cmdline + strlen(bi->cmdline) + 1);
	}
	if (info->nr_modules) {
		const struct hvm_module *mod = phys_to_virt(info->modlist);
		bi->initrd_phys = mod->paddr;
		bi->initrd_len = mod->size;
		boot_reserve(bi, mod->paddr, mod->paddr + mod->size);
	}
	boot_reserve(bi, virt_to_phys(image_start), virt_to_phys(image_end));
}

static void start_boot_cpu(void)
{
	u64 ist_top[IST_COUNT];

	for (u32 i = 0; i < IST_COUNT; i++)
		ist_top[i] = (u64)(&boot_ist[i] + 1);
	cpus[0].c_kstack_top = (u64)(&boot_stack + 1);
	cpus[0].c_online = true;
	arch_cpus[0].a_cr3_root = virt_to_phys(kernel_pml4);
	cpu_features_init();
	cpu_init_tables(&cpus[0], ist_top);
	trap_init();
	trap_init_cpu();
}

void arch_start(u64 info_phys)
{
	serial_init();
	start_boot_cpu(); // from here on a fault is reported
	parse_start_info(&boot_info, info_phys);
	log_enabled = cmdline_get_bool(boot_info.cmdline, "klog", false);
	// Both write to what paging_init() makes read-only.
	extable_sort();
	smap_patch();
	paging_init(ram, nram);
	boot_limit = ~0ull;
	cpu_init_control();
	apic_init_early();
	clock_sample_first();
	kernel_main(&boot_info);
}

// SPDX-License-Identifier: MIT
/*
 * The kernel's own page tables, built once: the image page by page with W^X, the direct map in the
 * largest pages there are, never executable and read-only where it aliases the kernel's text and
 * constants. All of it is global, and marked accessed and dirty so that the CPU never writes to
 * these tables. Its text is boot-only memory.
 */
#include "lib/string.h"
#include "machine/apic.h"
#include "machine/archcpu.h"
#include "machine/boot.h"
#include "machine/features.h"
#include "machine/image.h"
#include "machine/kmap.h"
#include "machine/msr.h"
#include "machine/pt.h"

#define TABLE_FLAGS (PTE_P | PTE_W | PTE_A)
#define LEAF_FLAGS  (PTE_P | PTE_A | PTE_D | PTE_G)
#define SIZE_4K	    (1ull << 12)
#define SIZE_2M	    (1ull << 21)
#define SIZE_1G	    (1ull << 30)

u64 kernel_pml4[512] ALIGNED(PAGE_SIZE);

// The entry for va in a leaf of `size` bytes, making tables on the way.
static u64 *entry_make(u64 va, u64 size)
{
	u64 *table = kernel_pml4;

	for (u32 shift = 39;; shift -= 9) {
		u64 *e = &table[va >> shift & 511];
		if (1ull << shift == size)
			return e;
		if (!*e)
			*e = virt_to_phys(boot_zalloc(PAGE_SIZE, PAGE_SIZE)) | TABLE_FLAGS;
		table = phys_to_virt(*e & PTE_ADDR);
	}
}

static void map_image(const char *start, const char *end, u64 flags)
{
	for (u64 va = (u64)start; va < (u64)end; va += PAGE_SIZE)
		*entry_make(va, SIZE_4K) = (va - KERNEL_BASE) | LEAF_FLAGS | flags;
}

static bool overlaps_sealed(u64 phys, u64 size)
{
	return phys < virt_to_phys(rodata_end) && phys + size > virt_to_phys(image_start);
}

static u64 direct_size(u64 phys, u64 end)
{
	if (cpu_features.f_gib_pages && IS_ALIGNED(phys, SIZE_1G) && end - phys >= SIZE_1G &&
	    !overlaps_sealed(phys, SIZE_1G))
		return SIZE_1G;
	return overlaps_sealed(ALIGN_DOWN(phys, SIZE_2M), SIZE_2M) ? SIZE_4K : SIZE_2M;
}

// Ranges are rounded outwards to 2 MiB: memory ends on such a boundary but for the firmware's own
// tail.
static void map_direct(const struct boot_range *ram, u32 nram)
{
	u64 done = 0;

	for (u32 i = 0; i < nram; i++) {
		u64 phys = MAX(ALIGN_DOWN(ram[i].start, SIZE_2M), done);
		u64 end = ALIGN_UP(ram[i].end, SIZE_2M);
		while (phys < end) {
			u64 size = direct_size(phys, end);
			u64 flags = LEAF_FLAGS | PTE_NX;
			if (size != SIZE_4K)
				flags |= PTE_PS;
			if (!overlaps_sealed(phys, size))
				flags |= PTE_W;
			*entry_make(DIRECT_BASE + phys, size) = phys | flags;
			phys += size;
		}
		done = MAX(done, end);
	}
}

static void unmap_guards(void)
{
	*entry_make((u64)boot_stack.guard, SIZE_4K) = 0;
	for (u32 i = 0; i < IST_COUNT; i++)
		*entry_make((u64)boot_ist[i].guard, SIZE_4K) = 0;
}

void paging_init(const struct boot_range *ram, u32 nram)
{
	map_image(image_start, text_end, 0);
	map_image(text_end, rodata_end, PTE_NX);
	map_image(rodata_end, image_end, PTE_NX | PTE_W);
	unmap_guards();
	map_direct(ram, nram);
	// One page of the window region for the local APIC, needed before there is a page
	// allocator. Its tables also fix the top-level entry, which address spaces copy.
	*entry_make(KMAP_LAPIC, SIZE_4K) = apic_phys() | LEAF_FLAGS | PTE_W | PTE_NX | PTE_PCD;
	write_cr3(virt_to_phys(kernel_pml4));
	// Global entries of the early map survive that; PGE off and on drops them (SDM vol.
	// 3, 4.10.4.1).
	write_cr4(read_cr4() & ~CR4_PGE);
	write_cr4(read_cr4() | CR4_PGE);
}

// SPDX-License-Identifier: MIT
/*
 * Giving back what only the start needed: boot-only text and data leave the image's mapping and
 * join the free pages.
 */
#include "kern/log.h"
#include "machine/boot.h"
#include "machine/image.h"
#include "machine/kmap.h"
#include "machine/pt.h"
#include "machine/tlb.h"
#include "vm/page.h"

static void unmap(const char *start, const char *end)
{
	for (const char *p = start; p < end; p += PAGE_SIZE) {
		u64 phys = virt_to_phys(p);
		u64 *alias = kpt_lookup(DIRECT_BASE + phys);
		WRITE_ONCE(*kpt_lookup((u64)p), 0);
		// Text was read-only in the direct map too.
		if (alias)
			WRITE_ONCE(*alias, *alias | PTE_W);
	}
}

void arch_boot_done(void)
{
	unmap(init_text_start, init_text_end);
	unmap(init_data_start, init_data_end);
	// everything: one interrupt for both ranges and their aliases
	tlb_flush_kernel(DIRECT_BASE, ~0ull);
	page_release_range(virt_to_phys(init_text_start), virt_to_phys(init_text_end));
	page_release_range(virt_to_phys(init_data_start), virt_to_phys(init_data_end));
	log_printf("boot: %llu KiB of boot-only memory released",
		   (unsigned long long)(init_text_end - init_text_start + init_data_end -
					init_data_start) >>
			   10);
}

// SPDX-License-Identifier: MIT
// Opening and closing user memory to kernel accesses (SMAP). In the image each place is a
// three-byte NOP; where the CPU has SMAP, smap_patch() turns them into STAC and CLAC before the
// text becomes read-only. The operand of the NOP says which: (%rax) for STAC, (%rbx) for CLAC.
#pragma once

#define SMAP_SITE(nop)                                                                         \
	".pushsection .smap_sites,\"a\"\n\t.balign 8\n\t.quad 661f\n\t.popsection\n661:\t" nop \
	"\n\t"
#define ASM_STAC SMAP_SITE(".byte 0x0f, 0x1f, 0x00")
#define ASM_CLAC SMAP_SITE(".byte 0x0f, 0x1f, 0x03")

void smap_patch(void);

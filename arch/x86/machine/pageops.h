// SPDX-License-Identifier: MIT
// Clearing and copying whole pages. Both go through SSE registers, which halves the instructions of
// `rep stosq` and `rep movsq`. The kernel owns no vector state: what lies in the registers is the
// user's (the FPU is switched eagerly), so they are put aside on the stack and put back. MOVAPS
// raises no SIMD exception (SDM vol. 2) and legacy SSE leaves the upper halves of YMM alone (SDM
// vol. 1, 14.3.1). An interrupt handler may nest: it restores too.
#pragma once

#include "lib/types.h"

struct pageops_saved {
	u8 reg[4][16];
};

// `page` is page aligned.
static inline void page_clear(void *page)
{
	struct pageops_saved saved;
	u8 *p = page, *end = p + 4096;

	__asm__ volatile("movups %%xmm0, %[save]\n\t"
			 "xorps %%xmm0, %%xmm0\n"
			 "1:\n\t"
			 ".set off, 0\n\t"
			 ".rept 32\n\t"
			 "movaps %%xmm0, off(%[p])\n\t"
			 ".set off, off + 16\n\t"
			 ".endr\n\t"
			 "addq $512, %[p]\n\t"
			 "cmpq %[end], %[p]\n\t"
			 "jne 1b\n\t"
			 "movups %[save], %%xmm0"
			 : [p] "+r"(p), [save] "=m"(saved.reg[0])
			 : [end] "r"(end)
			 : "memory", "cc");
}

// Both page aligned and different.
static inline void page_copy(void *dst, const void *src)
{
	struct pageops_saved saved;
	u8 *d = dst, *end = d + 4096;
	const u8 *s = src;

	__asm__ volatile(
		"movups %%xmm0, %[save0]\n\t"
		"movups %%xmm1, %[save1]\n\t"
		"movups %%xmm2, %[save2]\n\t"
		"movups %%xmm3, %[save3]\n"
		"1:\n\t"
		".set off, 0\n\t"
		".rept 4\n\t"
		"movaps off(%[s]), %%xmm0\n\t"
		"movaps off+16(%[s]), %%xmm1\n\t"
		"movaps off+32(%[s]), %%xmm2\n\t"
		"movaps off+48(%[s]), %%xmm3\n\t"
		"movaps %%xmm0, off(%[d])\n\t"
		"movaps %%xmm1, off+16(%[d])\n\t"
		"movaps %%xmm2, off+32(%[d])\n\t"
		"movaps %%xmm3, off+48(%[d])\n\t"
		".set off, off + 64\n\t"
		".endr\n\t"
		"addq $256, %[s]\n\t"
		"addq $256, %[d]\n\t"
		"cmpq %[end], %[d]\n\t"
		"jne 1b\n\t"
		"movups %[save0], %%xmm0\n\t"
		"movups %[save1], %%xmm1\n\t"
		"movups %[save2], %%xmm2\n\t"
		"movups %[save3], %%xmm3"
		: [d] "+r"(d), [s] "+r"(s), [save0] "=m"(saved.reg[0]), [save1] "=m"(saved.reg[1]),
		  [save2] "=m"(saved.reg[2]), [save3] "=m"(saved.reg[3])
		: [end] "r"(end)
		: "memory", "cc");
}

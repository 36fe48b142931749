// SPDX-License-Identifier: MIT
/*
 * The FPU, switched eagerly (hazard 36). Images have XSAVE's standard format (SDM vol. 1, 13.4.2),
 * whose first 512 bytes are FXSAVE's. Every byte of an image that XSAVE does not write is zero from
 * fpu_alloc() on, so that a whole image may be shown to its owner. The kernel itself never uses
 * these registers.
 */
#include "machine/fpu.h"
#include "kern/log.h"
#include "kern/task.h"
#include "lib/string.h"
#include "machine/context.h"
#include "machine/features.h"
#include "machine/msr.h"
#include "vm/slab.h"

#define XSTATE_X87	   BIT(0)
#define XSTATE_SSE	   BIT(1)
#define XSTATE_AVX	   BIT(2)
#define XSTATE_AVX512	   (BIT(5) | BIT(6) | BIT(7))
#define FXSAVE_SIZE	   512
#define HEADER_AT	   512
#define HEADER_SIZE	   64
#define FCW_AT		   0
#define MXCSR_AT	   24
#define MXCSR_MASK_AT	   28
#define FCW_INIT	   0x37f
#define MXCSR_INIT	   0x1f80
#define MXCSR_MASK_DEFAULT 0xffbf // SDM vol. 1, 11.6.6: where FXSAVE stores a zero mask

u32 fpu_size = FXSAVE_SIZE;
u64 fpu_features = XSTATE_X87 | XSTATE_SSE;

static u32 mxcsr_mask;
static struct slab_cache fpu_cache = SLAB_CACHE_SIZED(fpu_cache, "fpu", FXSAVE_SIZE, 64);

struct xsave_header {
	u64 xstate_bv, xcomp_bv, reserved[6];
};

static void xsetbv(u32 reg, u64 v)
{
	__asm__ volatile("xsetbv" ::"c"(reg), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}

static u64 wanted_features(void)
{
	struct cpuid_regs r = cpuid(13, 0);
	u64 has = (u64)r.edx << 32 | r.eax, want = XSTATE_X87 | XSTATE_SSE;

	if (has & XSTATE_AVX)
		want |= XSTATE_AVX;
	// The three parts of AVX-512 come together and only with AVX (SDM vol. 1, 13.3).
	if (has & XSTATE_AVX && (has & XSTATE_AVX512) == XSTATE_AVX512)
		want |= XSTATE_AVX512;
	return want;
}

static void find_mxcsr_mask(void)
{
	static u8 area[FXSAVE_SIZE] ALIGNED(16);

	__asm__ volatile("fxsave64 %0" : "=m"(area));
	memcpy(&mxcsr_mask, area + MXCSR_MASK_AT, 4);
	if (!mxcsr_mask)
		mxcsr_mask = MXCSR_MASK_DEFAULT;
}

void fpu_init_cpu(void)
{
	write_cr0((read_cr0() & ~(CR0_EM | CR0_TS)) | CR0_MP | CR0_NE);
	__asm__ volatile("fninit");
	if (cpu_features.f_xsave) {
		fpu_features = wanted_features();
		xsetbv(0, fpu_features);
		fpu_size = cpuid(13, 0).ebx; // for what XCR0 enables now
	}
	if (!mxcsr_mask)
		find_mxcsr_mask();
}

void fpu_init_cache(void)
{
	fpu_cache.sc_size = ALIGN_UP(fpu_size, 64u);
}

void fpu_set_init(void *p)
{
	u8 *image = p;
	u16 fcw = FCW_INIT;
	u32 mxcsr = MXCSR_INIT;

	memset(image, 0, fpu_size);
	// With XSTATE_BV = 0 XRSTOR gives every part its initial value, but takes MXCSR from
	// memory.
	memcpy(image + FCW_AT, &fcw, sizeof(fcw));
	memcpy(image + MXCSR_AT, &mxcsr, sizeof(mxcsr));
}

void *fpu_alloc(void)
{
	void *image = slab_alloc(&fpu_cache);

	if (image)
		fpu_set_init(image);
	return image;
}

void fpu_free(void *image)
{
	if (image)
		slab_free(&fpu_cache, image);
}

// XSAVEOPT leaves out what has not changed since the same image was loaded, or is in its initial
// state: right for an image that nobody looks at before the next XRSTOR from it, or that fpu_save()
// completes.
void fpu_switch_out(void *image)
{
	if (cpu_features.f_xsaveopt)
		__asm__ volatile("xsaveopt64 (%0)" ::"r"(image), "a"(~0u), "d"(~0u) : "memory");
	else if (cpu_features.f_xsave)
		__asm__ volatile("xsave64 (%0)" ::"r"(image), "a"(~0u), "d"(~0u) : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" ::"r"(image) : "memory");
}

void fpu_switch_in(const void *image)
{
	static const u32 some_word;

	// AMD: the error pointers of the last task stay unless an x87 instruction of ours replaces
	// them.
	if (cpu_features.f_fxsave_leak)
		__asm__ volatile("fnclex; emms; fildl %0" ::"m"(some_word) : "memory");
	if (cpu_features.f_xsave)
		__asm__ volatile("xrstor64 (%0)" ::"r"(image), "a"(~0u), "d"(~0u) : "memory");
	else
		__asm__ volatile("fxrstor64 (%0)" ::"r"(image) : "memory");
}

// For a signal frame, which shows selectors too: all of t_context is made current.
void fpu_save(struct task *t)
{
	void *image = t->t_context.x_fpu;

	context_refresh(t);
	if (cpu_features.f_xsave)
		__asm__ volatile("xsave64 (%0)" ::"r"(image), "a"(~0u), "d"(~0u) : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" ::"r"(image) : "memory");
}

void fpu_restore(struct task *t)
{
	fpu_switch_in(t->t_context.x_fpu);
}

void fpu_init_state(struct task *t)
{
	fpu_set_init(t->t_context.x_fpu);
	if (t == current)
		fpu_restore(t);
}

// What XRSTOR or FXRSTOR would refuse with #GP (SDM vol. 1, 13.8.1): bits that are not enabled, a
// compacted format, reserved header bytes, reserved MXCSR bits.
bool fpu_image_valid(const void *image, size_t size)
{
	struct xsave_header h;
	u32 mxcsr;

	if (size < FXSAVE_SIZE)
		return false;
	memcpy(&mxcsr, (const u8 *)image + MXCSR_AT, sizeof(mxcsr));
	if (mxcsr & ~mxcsr_mask)
		return false;
	if (!cpu_features.f_xsave)
		return true;
	if (size < HEADER_AT + HEADER_SIZE)
		return false;
	memcpy(&h, (const u8 *)image + HEADER_AT, sizeof(h));
	return !(h.xstate_bv & ~fpu_features) && !h.xcomp_bv &&
	       mem_is_zero(h.reserved, sizeof(h.reserved));
}

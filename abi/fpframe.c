// SPDX-License-Identifier: MIT
// The FPU part of a signal frame: the XSAVE image as the CPU writes it, marked with Linux's
// software bytes so that programs know its size, and for i386 the older FSAVE state in front of it.

#include "abi/sigframe.h"
#include "kern/task.h"
#include "lib/string.h"
#include "machine/context.h"
#include "machine/uaccess.h"
#include "vm/slab.h"

#include <asm/errno.h>
#include <asm/sigcontext.h>

#define FXSAVE_BYTES 512
#define FX_ALIGN     64
#define SW_OFFSET    offsetof(struct _fpstate_64, sw_reserved)
#define HEAD_BYTES   offsetof(struct _fpstate_32, _fxsr_env) // FSAVE state, status and magic

BUILD_ASSERT(sizeof(struct _fpstate_64) == FXSAVE_BYTES);
BUILD_ASSERT(HEAD_BYTES == 112);

u32 fpframe_size(bool legacy_head)
{
	return (legacy_head ? HEAD_BYTES : 0) + fpu_size + FP_XSTATE_MAGIC2_SIZE + FX_ALIGN;
}

static bool has_xsave(void)
{
	return fpu_size > FXSAVE_BYTES;
}

// FXSAVE keeps one "in use" bit a register, FSAVE two bits: valid 0, zero 1, special 2, empty 3
// (SDM vol. 1, 8.1.7 and 10.5.1.1).
static u32 tag_word(const struct _fpstate_64 *fx)
{
	u32 top = fx->swd >> 11 & 7, tags = 0;

	for (u32 reg = 0; reg < 8; reg++) {
		const u16 *st = (const u16 *)&fx->st_space[((reg - top) & 7) * 4];
		u64 significand;
		u32 exponent = st[4] & 0x7fff, tag;

		memcpy(&significand, st, 8);
		if (!(fx->twd & BIT(reg)))
			tag = 3;
		else if (exponent == 0x7fff)
			tag = 2;
		else if (!exponent)
			tag = significand ? 2 : 1;
		else
			tag = significand >> 63 ? 0 : 2;
		tags |= tag << (reg * 2);
	}
	return tags | 0xffff0000;
}

static void head_from_fx(struct _fpstate_32 *head, const struct _fpstate_64 *fx)
{
	memset(head, 0, HEAD_BYTES);
	head->cw = fx->cwd | 0xffff0000;
	head->sw = fx->swd | 0xffff0000;
	head->tag = tag_word(fx);
	head->ipoff = (u32)fx->rip;
	head->cssel = SEL_USER32_CS | (u32)fx->fop << 16;
	head->dataoff = (u32)fx->rdp;
	head->datasel = SEL_USER_DS | 0xffff0000;
	for (u32 i = 0; i < 8; i++)
		memcpy(&head->_st[i], &fx->st_space[i * 4], sizeof(head->_st[i]));
	head->status = fx->swd;
	head->magic = X86_FXSR_MAGIC;
}

// What a handler changed in the old state counts for the x87 registers (as Linux does).
static void fx_from_head(struct _fpstate_64 *fx, const struct _fpstate_32 *head)
{
	u32 in_use = 0;

	for (u32 reg = 0; reg < 8; reg++)
		if ((head->tag >> (reg * 2) & 3) != 3)
			in_use |= BIT(reg);
	fx->cwd = (u16)head->cw;
	fx->swd = (u16)head->sw;
	fx->twd = (u16)in_use;
	fx->fop = (u16)(head->cssel >> 16) & 0x7ff;
	fx->rip = head->ipoff;
	fx->rdp = head->dataoff;
	for (u32 i = 0; i < 8; i++)
		memcpy(&fx->st_space[i * 4], &head->_st[i], sizeof(head->_st[i]));
}

static int put_software_bytes(u64 fx, bool legacy_head)
{
	struct _fpx_sw_bytes sw = {0};
	int r;

	if (has_xsave()) {
		sw.magic1 = FP_XSTATE_MAGIC1;
		sw.extended_size = fpu_size + FP_XSTATE_MAGIC2_SIZE +
				   (legacy_head ? HEAD_BYTES : 0);
		sw.xfeatures = fpu_features;
		sw.xstate_size = fpu_size;
	}
	r = copyout(UPTR(fx + SW_OFFSET), &sw, sizeof(sw));
	if (!r && has_xsave())
		r = put_user_u32(UPTR(fx + fpu_size), FP_XSTATE_MAGIC2);
	return r;
}

int fpframe_save(u64 sp, bool legacy_head, u64 *at)
{
	struct task *t = current;
	u64 fx = ALIGN_DOWN(sp - fpu_size - FP_XSTATE_MAGIC2_SIZE, FX_ALIGN);
	struct _fpstate_32 head;
	int r;

	fpu_save(t);
	*at = fx;
	r = copyout(UPTR(fx), t->t_context.x_fpu, fpu_size);
	if (!r)
		r = put_software_bytes(fx, legacy_head);
	if (!r && legacy_head) {
		head_from_fx(&head, t->t_context.x_fpu);
		*at = fx - HEAD_BYTES;
		r = copyout(UPTR(*at), &head, HEAD_BYTES);
	}
	if (!r) {
		fpu_init_state(t); // a handler starts with a fresh FPU
		fpu_restore(t);
	}
	return r;
}

// Only the FXSAVE part is there when the software bytes do not match what we would have written.
static bool is_extended(const u8 *image, u64 fx)
{
	const struct _fpx_sw_bytes *sw = (const void *)(image + SW_OFFSET);
	u32 magic2;

	return has_xsave() && sw->magic1 == FP_XSTATE_MAGIC1 && sw->xstate_size == fpu_size &&
	       sw->extended_size >= fpu_size + FP_XSTATE_MAGIC2_SIZE &&
	       !get_user_u32(&magic2, UPTR(fx + fpu_size)) && magic2 == FP_XSTATE_MAGIC2;
}

static int image_from_user(u8 *image, u64 at, bool legacy_head)
{
	u64 fx = at + (legacy_head ? HEAD_BYTES : 0);
	struct _fpstate_32 head;
	int r = copyin(image, UPTR(fx), FXSAVE_BYTES);

	if (r)
		return r;
	memset(image + FXSAVE_BYTES, 0, fpu_size - FXSAVE_BYTES);
	if (is_extended(image, fx)) {
		u64 *features = (u64 *)(image + FXSAVE_BYTES);
		u64 marked = ((struct _fpx_sw_bytes *)(image + SW_OFFSET))->xfeatures;

		r = copyin(image + FXSAVE_BYTES, UPTR(fx + FXSAVE_BYTES), fpu_size - FXSAVE_BYTES);
		*features &= marked | ~fpu_features; // unknown bits stay, to be refused
	} else if (has_xsave()) {
		*(u64 *)(image + FXSAVE_BYTES) = 3; // x87 and SSE are there
	}
	if (!r && legacy_head) {
		r = copyin(&head, UPTR(at), HEAD_BYTES);
		if (!r)
			fx_from_head((struct _fpstate_64 *)image, &head);
	}
	return r;
}

// The image is judged in a buffer of its own: the task's is overwritten whenever it is switched
// out.
int fpframe_restore(u64 at, bool legacy_head)
{
	struct task *t = current;
	u8 *image;
	u64 irq;
	int r;

	if (!at) {
		fpu_init_state(t);
		fpu_restore(t);
		return 0;
	}
	image = kmalloc(fpu_size);
	if (!image)
		return -ENOMEM;
	r = image_from_user(image, at, legacy_head);
	if (!r && !fpu_image_valid(image, fpu_size))
		r = -EINVAL;
	if (!r) {
		irq = irq_save();
		memcpy(t->t_context.x_fpu, image, fpu_size);
		fpu_restore(t);
		irq_restore(irq);
	}
	kfree(image);
	return r;
}

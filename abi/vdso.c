// SPDX-License-Identifier: MIT
// The kernel's side of the three vDSO images: prepares them once at boot, maps them with the clock
// page below them into each new address space, and keeps the clock page true.

#include "abi/abi.h"
#include "abi/sigframe.h"
#include "abi/vdso/data.h"
#include "abi/vdso/entry32.h"
#include "kern/exec.h"
#include "kern/lock.h"
#include "kern/random.h"
#include "kern/time.h"
#include "lib/string.h"
#include "machine/clock.h"
#include "machine/cpuid.h"
#include "vdso_offsets.h"
#include "vm/mm.h"

#include <asm/errno.h>
#include <linux/time.h>

#define IMAGE_PAGES_MAX	  2
#define VDSO_RANDOM_PAGES 0x100000 // further entropy where the address space is large

BUILD_ASSERT(VDSO_X86_64_PAGES <= IMAGE_PAGES_MAX && VDSO_X32_PAGES <= IMAGE_PAGES_MAX &&
	     VDSO_I386_PAGES <= IMAGE_PAGES_MAX);

static union {
	struct vdso_data data;
	u8 page[PAGE_SIZE];
} clock_page ALIGNED(PAGE_SIZE);

// Mappings refer to these for as long as they live.
static u64 clock_frame, image_frames[ABI_COUNT][IMAGE_PAGES_MAX];

static struct spinlock update_lock = SPINLOCK("vdso", RANK_LEAF);

const struct vdso_image vdso_x86_64 = {.image = vdso_x86_64_image, .pages = VDSO_X86_64_PAGES};
const struct vdso_image vdso_x32 = {.image = vdso_x32_image, .pages = VDSO_X32_PAGES};
const struct vdso_image vdso_i386 = {
	.image = vdso_i386_image,
	.pages = VDSO_I386_PAGES,
	.sym_vsyscall = VDSO_I386_KERNEL_VSYSCALL,
	.sym_sysenter_return = VDSO_I386_LANDING_PAD,
	.sym_sigreturn = VDSO_I386_SIGRETURN,
	.sym_rt_sigreturn = VDSO_I386_RT_SIGRETURN,
};

// In 32-bit code AMD's CPUs have SYSCALL only when the kernel is in long mode, and Intel's SYSENTER
// only.
void vdso_init(void)
{
	memcpy(vdso_i386_image + VDSO_I386_FAST_ENTRY,
	       cpuid_is_amd() ? vdso_entry_syscall : vdso_entry_sysenter,
	       VDSO_I386_FAST_ENTRY_SIZE);
	clock_frame = virt_to_phys(&clock_page);
	for (u32 abi = 0; abi < ABI_COUNT; abi++)
		for (u32 i = 0; i < abis[abi]->vdso->pages; i++)
			image_frames[abi][i] = virt_to_phys((const u8 *)abis[abi]->vdso->image +
							    i * PAGE_SIZE);
	vdso_update();
}

void vdso_update(void)
{
	struct vdso_data *d = &clock_page.data;
	u64 mono = clock_params.offset;
	u64 real = mono + time_realtime_offset();
	u64 irq = spin_lock_irq(&update_lock);

	vdso_write_begin(d);
	d->mult = clock_params.mult;
	d->shift = clock_params.shift;
	vdso_set_clock(d, CLOCK_REALTIME, real, false);
	vdso_set_clock(d, CLOCK_TAI, real, false); // no leap seconds are known: the offset is 0
	vdso_set_clock(d, CLOCK_MONOTONIC, mono, false);
	vdso_set_clock(d, CLOCK_MONOTONIC_RAW, mono, false);
	vdso_set_clock(d, CLOCK_BOOTTIME, mono, false);
	vdso_set_clock(d, CLOCK_REALTIME_COARSE, real, true);
	vdso_set_clock(d, CLOCK_MONOTONIC_COARSE, mono, true);
	vdso_write_end(d);
	spin_unlock_irq(&update_lock, irq);
}

// Just below the top of the mmap area, which is itself random; in a 64-bit address space at a
// distance of its own, so that one leaked mapping does not give it away.
static u64 choose_address(struct exec_image *img, u64 len)
{
	struct mm *mm = img->mm;
	u64 high = mm->mm_mmap_base;

	if (!img->abi->map_32bit)
		high -= (random_u64() % VDSO_RANDOM_PAGES) << PAGE_SHIFT;
	return mm_find_gap(mm, len, mm->mm_mmap_min, high, true);
}

static const u64 *frames_of(const struct vdso_image *v)
{
	u32 abi = 0;

	while (abis[abi]->vdso != v)
		abi++;
	return image_frames[abi];
}

int vdso_map(struct exec_image *img)
{
	const struct vdso_image *v = img->abi->vdso;
	u64 at;
	int r;

	rw_lock_write(&img->mm->mm_lock);
	at = choose_address(img, (v->pages + 1ull) * PAGE_SIZE);
	rw_unlock_write(&img->mm->mm_lock);
	if (!at)
		return -ENOMEM;
	r = mm_map_special(img->mm, at, &clock_frame, 1, VMA_READ | VMA_MAYREAD, "[vvar]");
	if (!r)
		r = mm_map_special(img->mm, at + PAGE_SIZE, frames_of(v), v->pages,
				   VMA_READ | VMA_EXEC | VMA_MAYREAD | VMA_MAYEXEC, "[vdso]");
	if (r)
		return r;
	img->vdso_base = img->mm->mm_vdso = at + PAGE_SIZE;
	return 0;
}

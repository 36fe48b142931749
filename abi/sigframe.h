// SPDX-License-Identifier: MIT
// Signal frames: what the three ABIs' builders and restorers share.
#pragma once

#include "abi/abi.h"
#include "kern/signal.h"
#include "lib/types.h"
#include "machine/regs.h"

struct exec_image;

int sigframe_build_x86_64(struct regs *regs, const struct ksiginfo *info, const struct kaction *act,
			  sigset64 mask);
int sigframe_build_x32(struct regs *regs, const struct ksiginfo *info, const struct kaction *act,
		       sigset64 mask);
int sigframe_build_i386(struct regs *regs, const struct ksiginfo *info, const struct kaction *act,
			sigset64 mask);
void abi_start_regs_64(struct regs *regs, const struct exec_image *img);

extern const struct vdso_image vdso_x86_64, vdso_x32, vdso_i386;

// The stack pointer below which a frame may be built: the alternate stack when the action asks for
// it. `red_zone` bytes below the stack pointer stay untouched. *bounds gets the alternate stack
// when the frame must fit into it, else size 0.
u64 sigframe_stack(const struct regs *regs, const struct kaction *act, u32 red_zone,
		   struct altstack *bounds);
// Does a frame that begins at sp still lie on the alternate stack that it was meant for?
bool sigframe_fits(u64 sp, const struct altstack *bounds);
// The frame saves the alternate stack as it was; SS_AUTODISARM then drops it.
void sigframe_disarm(void);

// FPU part of a frame. Below `sp`, in the XSAVE layout with Linux's software bytes
// (<asm/sigcontext.h>), behind the 112 bytes of FSAVE state for i386. *at gets its address, the new
// stack limit. 0 or -EFAULT.
int fpframe_save(u64 sp, bool legacy_head, u64 *at);
// Back from user memory at `at` (0: initial state). 0, -EFAULT, or -EINVAL for an image no CPU
// would load (hazard 36).
int fpframe_restore(u64 at, bool legacy_head);
u32 fpframe_size(bool legacy_head);

// A siginfo in the layout of one ABI: 128 bytes, zeroed first.
#define SIGINFO_BYTES 128
void siginfo_pack(u8 out[SIGINFO_BYTES], const struct ksiginfo *si, u8 abi);
void siginfo_unpack(struct ksiginfo *si, const u8 in[SIGINFO_BYTES], u8 abi);

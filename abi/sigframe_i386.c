// SPDX-License-Identifier: MIT
// Signal frames of 32-bit code: the old one for handlers without SA_SIGINFO, and the rt frame. The
// bytes at the frame's end are the trampoline that programs' unwinders look for; it is never run.

#include "abi/sigframe.h"
#include "abi/sigframe_restore.h"
#include "kern/task.h"
#include "lib/string.h"
#include "machine/context.h"
#include "machine/uaccess.h"
#include "vm/mm.h"

#include <asm/errno.h>
#include <asm/sigcontext.h>
#include <linux/signal.h>

#define UC_FP_XSTATE 0x1

struct frame_old {
	u32 restorer;
	s32 signo;
	struct sigcontext_32 sc;
	u8 unused_fpstate[sizeof(struct _fpstate_32)]; // it lies behind the frame nowadays
	u32 extramask;
	u8 retcode[8];
};

struct frame_rt {
	u32 restorer;
	s32 signo;
	u32 pinfo, puc;
	u8 info[SIGINFO_BYTES];
	u32 uc_flags, uc_link;
	u32 stack_sp;
	s32 stack_flags;
	u32 stack_size;
	struct sigcontext_32 uc_mcontext;
	u32 uc_sigmask[2];
	u8 retcode[8];
};

BUILD_ASSERT(sizeof(struct frame_old) == 4 + 4 + 88 + 624 + 4 + 8);
BUILD_ASSERT(offsetof(struct frame_rt, uc_mcontext) == 164);

// popl %eax; movl $sigreturn, %eax; int $0x80   and   movl $rt_sigreturn, %eax; int $0x80
static const u8 old_code[8] = {0x58, 0xb8, 119, 0, 0, 0, 0xcd, 0x80};
static const u8 rt_code[8] = {0xb8, 173, 0, 0, 0, 0xcd, 0x80, 0};

static void save_context(struct sigcontext_32 *sc, const struct regs *regs, sigset64 mask, u64 fp)
{
	const struct task *t = current;

	*sc = (struct sigcontext_32){
		.gs = t->t_context.x_gs,
		.fs = t->t_context.x_fs,
		.es = t->t_context.x_es,
		.ds = t->t_context.x_ds,
		.di = (u32)regs->rdi,
		.si = (u32)regs->rsi,
		.bp = (u32)regs->rbp,
		.sp = (u32)regs->rsp,
		.bx = (u32)regs->rbx,
		.dx = (u32)regs->rdx,
		.cx = (u32)regs->rcx,
		.ax = (u32)regs->rax,
		.trapno = (u32)t->t_trap_nr,
		.err = (u32)t->t_fault_err,
		.ip = (u32)regs->rip,
		.cs = (u16)regs->cs,
		.flags = (u32)regs->rflags,
		.sp_at_signal = (u32)regs->rsp,
		.ss = (u16)regs->ss,
		.fpstate = (u32)fp,
		.oldmask = (u32)mask,
		.cr2 = (u32)t->t_fault_addr,
	};
}

static void restore_context(struct regs *regs, const struct sigcontext_32 *sc)
{
	regs->rdi = sc->di;
	regs->rsi = sc->si;
	regs->rbp = sc->bp;
	regs->rsp = sc->sp;
	regs->rbx = sc->bx;
	regs->rdx = sc->dx;
	regs->rcx = sc->cx;
	regs->rax = sc->ax;
	regs->rip = sc->ip;
	regs->cs = sc->cs | 3u;
	regs->ss = sc->ss | 3u;
	regs->rflags = (regs->rflags & ~(u64)RFLAGS_USER) | (sc->flags & RFLAGS_USER);
	context_load_selectors(current, sc->ds, sc->es, sc->fs, sc->gs);
}

// As behind a call: esp + 4 is a multiple of 16 (System V ABI i386, 2.2.2).
static int place_frame(const struct regs *regs, const struct kaction *act, u64 size, u64 *frame,
		       u64 *fp)
{
	struct altstack bounds;
	u64 sp = (u32)sigframe_stack(regs, act, 0, &bounds);
	u64 need = fpframe_size(true) + size + 32;

	if (sp < need || !sigframe_fits(sp - need, &bounds))
		return -EFAULT;
	if (fpframe_save(sp, true, fp))
		return -EFAULT;
	*frame = ALIGN_DOWN(*fp - size + 4, 16) - 4;
	return 0;
}

// Where the handler returns to: the action's restorer or the vDSO's trampoline.
static u32 return_address(const struct kaction *act, bool rt)
{
	const struct mm *mm = current->t_mm;
	u32 symbol = rt ? vdso_i386.sym_rt_sigreturn : vdso_i386.sym_sigreturn;

	if (act->flags & SA_RESTORER)
		return (u32)act->restorer;
	return mm->mm_vdso && current->t_abi == &abi_i386 ? (u32)mm->mm_vdso + symbol : 0;
}

// Arguments lie on the stack, and in registers for handlers compiled with regparm, as on Linux.
static void enter_handler(struct regs *regs, const struct kaction *act, int signo, u64 frame,
			  u64 info, u64 uc)
{
	regs->rsp = frame;
	regs->rip = (u32)act->handler;
	regs->rax = (u64)signo;
	regs->rdx = info;
	regs->rcx = uc;
	regs->cs = SEL_USER32_CS;
	regs->ss = SEL_USER_DS;
	regs->rflags &= ~(u64)(RFLAGS_DF | RFLAGS_RF | RFLAGS_TF);
	context_load_selectors(current, SEL_USER_DS, SEL_USER_DS, current->t_context.x_fs,
			       current->t_context.x_gs);
}

static int build_old(struct regs *regs, const struct ksiginfo *info, const struct kaction *act,
		     sigset64 mask)
{
	struct frame_old f = {.restorer = return_address(act, false), .signo = info->signo};
	u64 at, fp;

	if (place_frame(regs, act, sizeof(f), &at, &fp))
		return -EFAULT;
	save_context(&f.sc, regs, mask, fp);
	f.extramask = (u32)(mask >> 32);
	memcpy(f.retcode, old_code, sizeof(old_code));
	if (copyout(UPTR(at), &f, sizeof(f)))
		return -EFAULT;
	enter_handler(regs, act, info->signo, at, 0, 0);
	return 0;
}

static int build_rt(struct regs *regs, const struct ksiginfo *info, const struct kaction *act,
		    sigset64 mask)
{
	const struct altstack *a = &current->t_altstack;
	struct frame_rt f = {.restorer = return_address(act, true), .signo = info->signo};
	u64 at, fp;

	if (place_frame(regs, act, sizeof(f), &at, &fp))
		return -EFAULT;
	f.pinfo = (u32)at + offsetof(struct frame_rt, info);
	f.puc = (u32)at + offsetof(struct frame_rt, uc_flags);
	f.uc_flags = fpu_size > 512 ? UC_FP_XSTATE : 0;
	f.stack_sp = (u32)a->sp;
	f.stack_flags = (s32)a->flags;
	f.stack_size = (u32)a->size;
	memcpy(f.uc_sigmask, &mask, sizeof(mask));
	save_context(&f.uc_mcontext, regs, mask, fp);
	siginfo_pack(f.info, info, ABI_I386);
	memcpy(f.retcode, rt_code, sizeof(rt_code));
	if (copyout(UPTR(at), &f, sizeof(f)))
		return -EFAULT;
	sigframe_disarm();
	enter_handler(regs, act, info->signo, at, f.pinfo, f.puc);
	return 0;
}

int sigframe_build_i386(struct regs *regs, const struct ksiginfo *info, const struct kaction *act,
			sigset64 mask)
{
	if (act->flags & SA_SIGINFO)
		return build_rt(regs, info, act, mask);
	return build_old(regs, info, act, mask);
}

// RET took the return address and the trampoline popped the number: the frame begins 8 bytes below.
int sigframe_restore_i386(struct regs *regs)
{
	struct frame_old f;

	if (copyin(&f, UPTR((u32)regs->rsp - 8), sizeof(f)))
		return -EFAULT;
	signal_set_blocked((u64)f.extramask << 32 | f.sc.oldmask);
	restore_context(regs, &f.sc);
	return fpframe_restore(f.sc.fpstate, true);
}

int sigframe_restore_rt_i386(struct regs *regs)
{
	struct frame_rt f;
	struct altstack stack;
	sigset64 mask;

	if (copyin(&f, UPTR((u32)regs->rsp - 4), sizeof(f)))
		return -EFAULT;
	memcpy(&mask, f.uc_sigmask, sizeof(mask));
	signal_set_blocked(mask);
	restore_context(regs, &f.uc_mcontext);
	stack = (struct altstack){f.stack_sp, f.stack_size, (u32)f.stack_flags};
	(void)signal_set_altstack(&stack, regs->rsp);
	return fpframe_restore(f.uc_mcontext.fpstate, true);
}

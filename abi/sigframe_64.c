// SPDX-License-Identifier: MIT
// Signal frames of 64-bit code. x86_64 and x32 have the same registers and the same
// sigcontext; only the ucontext around it and the siginfo have pointers of different width.

#include "abi/sigframe.h"
#include "abi/sigframe_restore.h"
#include "kern/task.h"
#include "lib/string.h"
#include "machine/context.h"
#include "machine/uaccess.h"

#include <asm/errno.h>
#include <asm/sigcontext.h>
#include <linux/signal.h>

#define UC_FP_XSTATE	     0x1 // <asm/ucontext.h> needs user space's types
#define UC_SIGCONTEXT_SS     0x2
#define UC_STRICT_RESTORE_SS 0x4
#define RED_ZONE	     128

struct stack_64 {
	u64 sp;
	s32 flags;
	u32 pad;
	u64 size;
};

struct frame_64 {
	u64 restorer;
	u64 uc_flags, uc_link;
	struct stack_64 uc_stack;
	struct sigcontext_64 uc_mcontext;
	u64 uc_sigmask;
	u8 info[SIGINFO_BYTES];
};

struct frame_x32 {
	u64 restorer;
	u32 uc_flags, uc_link;
	u32 stack_sp;
	s32 stack_flags;
	u32 stack_size;
	u32 pad;
	struct sigcontext_64 uc_mcontext;
	u64 uc_sigmask;
	u8 info[SIGINFO_BYTES];
};

BUILD_ASSERT(offsetof(struct frame_64, info) == 8 + 304);
BUILD_ASSERT(offsetof(struct frame_x32, uc_mcontext) == 8 + 24);

static u64 uc_flags(const struct regs *regs)
{
	u64 strict = regs->cs == SEL_USER_CS ? UC_STRICT_RESTORE_SS : 0;

	return (fpu_size > 512 ? UC_FP_XSTATE : 0) | UC_SIGCONTEXT_SS | strict;
}

static void save_context(struct sigcontext_64 *sc, const struct regs *regs, sigset64 mask, u64 fp)
{
	const struct task *t = current;

	*sc = (struct sigcontext_64){
		.r8 = regs->r8,
		.r9 = regs->r9,
		.r10 = regs->r10,
		.r11 = regs->r11,
		.r12 = regs->r12,
		.r13 = regs->r13,
		.r14 = regs->r14,
		.r15 = regs->r15,
		.di = regs->rdi,
		.si = regs->rsi,
		.bp = regs->rbp,
		.bx = regs->rbx,
		.dx = regs->rdx,
		.ax = regs->rax,
		.cx = regs->rcx,
		.sp = regs->rsp,
		.ip = regs->rip,
		.flags = regs->rflags,
		.cs = (u16)regs->cs,
		.ss = (u16)regs->ss,
		.err = t->t_fault_err,
		.trapno = t->t_trap_nr,
		.oldmask = mask,
		.cr2 = t->t_fault_addr,
		.fpstate = fp,
	};
}

// Only what user code may choose (hazard 21). RPL 3 is forced; a selector that is no good for IRET
// faults there and becomes a signal.
static void restore_context(struct regs *regs, const struct sigcontext_64 *sc, u64 flags)
{
	bool keep_ss = (flags & (UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS)) ==
		       (UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS);

	regs->r8 = sc->r8;
	regs->r9 = sc->r9;
	regs->r10 = sc->r10;
	regs->r11 = sc->r11;
	regs->r12 = sc->r12;
	regs->r13 = sc->r13;
	regs->r14 = sc->r14;
	regs->r15 = sc->r15;
	regs->rdi = sc->di;
	regs->rsi = sc->si;
	regs->rbp = sc->bp;
	regs->rbx = sc->bx;
	regs->rdx = sc->dx;
	regs->rax = sc->ax;
	regs->rcx = sc->cx;
	regs->rsp = sc->sp;
	regs->rip = sc->ip;
	regs->rflags = (regs->rflags & ~(u64)RFLAGS_USER) | (sc->flags & RFLAGS_USER);
	regs->cs = sc->cs | 3u;
	regs->ss = keep_ss || regs->cs != SEL_USER_CS ? (sc->ss | 3u) : SEL_USER_DS;
}

// The handler's registers: handler(signo, &info, &ucontext), no varargs in vector registers.
static void enter_handler(struct regs *regs, const struct kaction *act, int signo, u64 frame,
			  u64 info, u64 uc)
{
	regs->rip = act->handler;
	regs->rsp = frame;
	regs->rax = 0;
	regs->rdi = (u64)signo;
	regs->rsi = info;
	regs->rdx = uc;
	regs->cs = SEL_USER_CS;
	regs->ss = SEL_USER_DS;
	regs->rflags &= ~(u64)(RFLAGS_DF | RFLAGS_RF | RFLAGS_TF);
}

// The address for a frame of `size` bytes: as if a call had just pushed its return address, so that
// rsp + 8 is a multiple of 16 (System V ABI AMD64, 3.2.2). -EFAULT: does not fit.
static int place_frame(const struct regs *regs, const struct kaction *act, u64 size, u64 *frame,
		       u64 *fp)
{
	struct altstack bounds;
	u64 sp = sigframe_stack(regs, act, RED_ZONE, &bounds);
	u64 lowest = ALIGN_DOWN(sp - fpframe_size(false) - size, 16) - 8;

	if (!sigframe_fits(lowest, &bounds) || !(act->flags & SA_RESTORER))
		return -EFAULT;
	if (fpframe_save(sp, false, fp))
		return -EFAULT;
	*frame = ALIGN_DOWN(*fp - size, 16) - 8;
	return 0;
}

int sigframe_build_x86_64(struct regs *regs, const struct ksiginfo *info, const struct kaction *act,
			  sigset64 mask)
{
	const struct altstack *a = &current->t_altstack;
	struct frame_64 f = {.restorer = act->restorer, .uc_flags = uc_flags(regs)};
	u64 at, fp;

	if (place_frame(regs, act, sizeof(f), &at, &fp))
		return -EFAULT;
	f.uc_stack = (struct stack_64){.sp = a->sp, .flags = (s32)a->flags, .size = a->size};
	f.uc_sigmask = mask;
	save_context(&f.uc_mcontext, regs, mask, fp);
	siginfo_pack(f.info, info, ABI_X86_64);
	if (copyout(UPTR(at), &f, sizeof(f)))
		return -EFAULT;
	sigframe_disarm();
	enter_handler(regs, act, info->signo, at, at + offsetof(struct frame_64, info),
		      at + offsetof(struct frame_64, uc_flags));
	return 0;
}

int sigframe_build_x32(struct regs *regs, const struct ksiginfo *info, const struct kaction *act,
		       sigset64 mask)
{
	const struct altstack *a = &current->t_altstack;
	struct frame_x32 f = {.restorer = act->restorer, .uc_flags = (u32)uc_flags(regs)};
	u64 at, fp;

	if (place_frame(regs, act, sizeof(f), &at, &fp))
		return -EFAULT;
	f.stack_sp = (u32)a->sp;
	f.stack_flags = (s32)a->flags;
	f.stack_size = (u32)a->size;
	f.uc_sigmask = mask;
	save_context(&f.uc_mcontext, regs, mask, fp);
	siginfo_pack(f.info, info, ABI_X32);
	if (copyout(UPTR(at), &f, sizeof(f)))
		return -EFAULT;
	sigframe_disarm();
	enter_handler(regs, act, info->signo, at, at + offsetof(struct frame_x32, info),
		      at + offsetof(struct frame_x32, uc_flags));
	return 0;
}

// The restorer's RET took the first word, so the frame begins 8 bytes below the stack pointer.
int sigframe_restore_x86_64(struct regs *regs)
{
	struct frame_64 f;
	struct altstack stack;

	if (copyin(&f, UPTR(regs->rsp - 8), offsetof(struct frame_64, info)))
		return -EFAULT;
	signal_set_blocked(f.uc_sigmask);
	restore_context(regs, &f.uc_mcontext, f.uc_flags);
	stack = (struct altstack){f.uc_stack.sp, f.uc_stack.size, (u32)f.uc_stack.flags};
	(void)signal_set_altstack(&stack, regs->rsp); // as Linux: a bad one is left as it is
	return fpframe_restore(f.uc_mcontext.fpstate, false);
}

int sigframe_restore_x32(struct regs *regs)
{
	struct frame_x32 f;
	struct altstack stack;

	if (copyin(&f, UPTR(regs->rsp - 8), offsetof(struct frame_x32, info)))
		return -EFAULT;
	signal_set_blocked(f.uc_sigmask);
	restore_context(regs, &f.uc_mcontext, f.uc_flags);
	stack = (struct altstack){f.stack_sp, f.stack_size, (u32)f.stack_flags};
	(void)signal_set_altstack(&stack, regs->rsp);
	return fpframe_restore(f.uc_mcontext.fpstate, false);
}

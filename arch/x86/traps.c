// SPDX-License-Identifier: MIT
// Traps: which of them are a signal to the task, a page to bring in, an interrupt to serve, or the
// end of the kernel. User or kernel is told by the saved CS alone (hazard 34); a fault of the
// kernel outside the exception table is always a panic (hazard 40).

#include "gate/gate.h"
#include "kern/log.h"
#include "kern/signal.h"
#include "kern/task.h"
#include "lib/string.h"
#include "machine/cpu.h"
#include "machine/extable.h"
#include "machine/layout.h"
#include "machine/regs.h"
#include "machine/trap.h"
#include "vm/mm.h"

#define MSR_STAR	 0xc0000081
#define MSR_LSTAR	 0xc0000082
#define MSR_CSTAR	 0xc0000083
#define MSR_FMASK	 0xc0000084
#define MSR_SYSENTER_CS	 0x174
#define MSR_SYSENTER_ESP 0x175
#define MSR_SYSENTER_EIP 0x176

#define PF_PRESENT   BIT(0)
#define PF_WRITE     BIT(1)
#define PF_USER	     BIT(2)
#define PF_FETCH     BIT(4)
#define DR6_STEP     BIT(14)
#define DR6_RESERVED 0xffff0ff0

enum vector {
	V_DIVIDE,
	V_DEBUG,
	V_NMI,
	V_BREAKPOINT,
	V_OVERFLOW,
	V_BOUND,
	V_OPCODE,
	V_NO_FPU,
	V_DOUBLE_FAULT,
	V_FPU_SEGMENT,
	V_TSS,
	V_NOT_PRESENT,
	V_STACK,
	V_PROTECTION,
	V_PAGE_FAULT,
	V_FPU = 16,
	V_ALIGNMENT,
	V_MACHINE_CHECK,
	V_SIMD,
};

// An IDT gate (SDM vol. 3, 6.14.1).
struct gate_desc {
	u16 offset_low, selector;
	u8 ist, type;
	u16 offset_mid;
	u32 offset_high, zero;
};

extern const u64 trap_stubs[256];
void entry_syscall64(void);
void entry_syscall32(void);
void entry_sysenter(void);
void entry_sysenter_end(void);
void entry_int80(void);

// Called by entry.S only.
void trap_user(struct regs *regs);
void trap_from_kernel(struct regs *regs);
struct regs *trap_from_ist(struct regs *regs);
struct regs *trap_iret_fault(struct regs *regs);

static struct gate_desc idt[256] ALIGNED(4096);

static inline void wrmsr(u32 msr, u64 value)
{
	__asm__ volatile("wrmsr" ::"c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

static inline u64 read_cr2(void)
{
	u64 v;
	__asm__ volatile("movq %%cr2, %0" : "=r"(v));
	return v;
}

static inline u64 read_dr6(void)
{
	u64 v;
	__asm__ volatile("movq %%dr6, %0" : "=r"(v));
	return v;
}

static inline void write_dr6(u64 v)
{
	__asm__ volatile("movq %0, %%dr6" ::"r"(v));
}

// dpl 3: user code may raise it with INT n. All are interrupt gates: IF is cleared.
static void idt_set(u32 vector, u64 entry, u8 ist, u8 dpl)
{
	idt[vector] = (struct gate_desc){
		.offset_low = (u16)entry,
		.selector = SEL_KERNEL_CS,
		.ist = ist,
		.type = (u8)(0x8e | dpl << 5),
		.offset_mid = (u16)(entry >> 16),
		.offset_high = (u32)(entry >> 32),
	};
}

void trap_init(void)
{
	for (u32 v = 0; v < 256; v++)
		idt_set(v, trap_stubs[v], 0, 0);
	idt_set(V_DEBUG, trap_stubs[V_DEBUG], IST_DEBUG, 0);
	idt_set(V_NMI, trap_stubs[V_NMI], IST_NMI, 0);
	idt_set(V_DOUBLE_FAULT, trap_stubs[V_DOUBLE_FAULT], IST_DOUBLE_FAULT, 0);
	idt_set(V_MACHINE_CHECK, trap_stubs[V_MACHINE_CHECK], IST_MACHINE_CHECK, 0);
	idt_set(V_BREAKPOINT, trap_stubs[V_BREAKPOINT], 0, 3);
	idt_set(V_OVERFLOW, trap_stubs[V_OVERFLOW], 0, 3);
	idt_set(VECTOR_SYSCALL, (u64)entry_int80, 0, 3);
}

// CSTAR is set on Intel too: TCG executes compat SYSCALL there, and a zero would be a double fault.
void trap_init_cpu(void)
{
	struct PACKED {
		u16 limit;
		u64 base;
	} idtr = {sizeof(idt) - 1, (u64)idt};

	__asm__ volatile("lidt %0" ::"m"(idtr));
	wrmsr(MSR_STAR, (u64)STAR_SYSRET_CS << 48 | (u64)STAR_SYSCALL_CS << 32);
	wrmsr(MSR_LSTAR, (u64)entry_syscall64);
	wrmsr(MSR_CSTAR, (u64)entry_syscall32);
	wrmsr(MSR_FMASK, ~(u64)RFLAGS_FIXED & 0x3fffff);
	wrmsr(MSR_SYSENTER_CS, SEL_KERNEL_CS);
	wrmsr(MSR_SYSENTER_ESP, this_cpu()->c_kstack_top);
	wrmsr(MSR_SYSENTER_EIP, (u64)entry_sysenter);
}

static u32 fault_access(const struct regs *regs, u64 error)
{
	u32 access = regs_from_user(regs) ? FAULT_USER : 0;

	if (error & PF_WRITE)
		access |= FAULT_WRITE;
	if (error & PF_FETCH)
		access |= FAULT_EXEC;
	return access;
}

static void page_fault_user(struct regs *regs, u64 addr)
{
	u64 error = regs->orig;
	int code = SEGV_MAPERR, r;

	current->t_fault_addr = addr;
	current->t_fault_err = error | 4;
	current->t_trap_nr = V_PAGE_FAULT;
	if (unlikely(ALIGN_DOWN(addr, PAGE_SIZE) == VSYSCALL_PAGE && regs->rip == addr)) {
		gate_vsyscall(regs);
		return;
	}
	// An access that the CPU made as a supervisor, to a page that is there: SMAP refused it
	// (TCG runs LRET of user mode so, hazard 34). Trying again would not end.
	if (addr >= USER_END_64 || !current->t_mm || (error & (PF_PRESENT | PF_USER)) == PF_PRESENT)
		r = -SIGSEGV;
	else
		r = mm_fault(current->t_mm, addr, fault_access(regs, error), &code);
	if (r == -SIGBUS || r == -SIGSEGV)
		signal_force_fault(-r, code, addr);
}

// DR6 says why (SDM vol. 3, 17.2.3); it is cleared for the next one.
static void debug_user(struct regs *regs)
{
	u64 dr6 = current->t_context.x_dr[6];

	signal_force_fault(SIGTRAP, dr6 & DR6_STEP ? TRAP_TRACE : TRAP_HWBKPT, regs->rip);
}

// The exception bits of x87 and of MXCSR have the same order; the unmasked one with the lowest
// number is reported (Linux: fpu__exception_code).
static int fpe_code(u32 pending)
{
	static const int codes[] = {FPE_FLTINV, FPE_FLTUND, FPE_FLTDIV,
				    FPE_FLTOVF, FPE_FLTUND, FPE_FLTRES};

	for (u32 i = 0; i < ARRAY_SIZE(codes); i++)
		if (pending & BIT(i))
			return codes[i];
	return 0;
}

static void fpu_user(struct regs *regs, bool simd)
{
	u32 mxcsr;
	u16 status, control;

	if (simd) {
		__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
		signal_force_fault(SIGFPE, fpe_code(~(mxcsr >> 7) & mxcsr & 0x3f), regs->rip);
		return;
	}
	__asm__ volatile("fnstsw %0" : "=m"(status));
	__asm__ volatile("fnstcw %0" : "=m"(control));
	signal_force_fault(SIGFPE, fpe_code(~control & status & 0x3f), regs->rip);
}

static void force_kernel_code(int signo)
{
	signal_force_fault(signo, SI_KERNEL, 0);
}

static void exception_user(struct regs *regs)
{
	current->t_trap_nr = regs->entry;
	current->t_fault_err = regs->orig;
	switch (regs->entry) {
	case V_DIVIDE:
		return signal_force_fault(SIGFPE, FPE_INTDIV, regs->rip);
	case V_DEBUG:
		return debug_user(regs);
	case V_BREAKPOINT:
		return force_kernel_code(SIGTRAP);
	case V_OPCODE:
		return signal_force_fault(SIGILL, ILL_ILLOPN, regs->rip);
	case V_NOT_PRESENT:
	case V_STACK:
		return force_kernel_code(SIGBUS);
	case V_FPU:
	case V_SIMD:
		return fpu_user(regs, regs->entry == V_SIMD);
	case V_ALIGNMENT:
		return signal_force_fault(SIGBUS, BUS_ADRALN, 0);
	default: // #OF, #BR, #TS, #GP and what no CPU raises
		return force_kernel_code(SIGSEGV);
	}
}

// From user mode, on the task's own stack, interrupts off. Ends in gate_exit, so the caller may
// leave at once.
void trap_user(struct regs *regs)
{
	if (regs->entry >= VECTOR_SYSCALL) {
		irq_dispatch(regs->entry);
	} else if (regs->entry == V_PAGE_FAULT) {
		u64 addr = read_cr2();

		irq_enable();
		page_fault_user(regs, addr);
	} else {
		irq_enable();
		exception_user(regs);
	}
	gate_exit(regs);
}

// A fault of the kernel on user memory, from an instruction in the exception table: bring the page
// in and retry where the interrupted code allowed sleeping (interrupts on), else take the fixup.
static bool page_fault_fixup(struct regs *regs, u64 addr)
{
	const struct ex_entry *e = extable_find(regs->rip);
	int code;

	if (!e)
		return false;
	if (addr < USER_END_64 && current->t_mm && (regs->rflags & RFLAGS_IF)) {
		irq_enable();
		if (mm_fault(current->t_mm, addr, fault_access(regs, regs->orig), &code) == 0) {
			irq_disable();
			return true;
		}
		irq_disable();
	}
	regs->rip = e->fixup;
	return true;
}

void trap_from_kernel(struct regs *regs)
{
	if (regs->entry >= VECTOR_SYSCALL) {
		irq_dispatch(regs->entry);
		return;
	}
	if (regs->entry == V_PAGE_FAULT) {
		u64 addr = read_cr2();

		if (page_fault_fixup(regs, addr))
			return;
		panic_regs(regs, "page fault at %#lx, error %#lx", addr, regs->orig);
	}
	// A non-canonical user pointer raises #GP instead of #PF; the tables serve both.
	const struct ex_entry *e = extable_find(regs->rip);

	if (e && regs->entry == V_PROTECTION) {
		regs->rip = e->fixup;
		return;
	}
	panic_regs(regs, "exception %u in the kernel, error %#lx", regs->entry, regs->orig);
}

// #DB at CPL 0. SYSENTER keeps the user's TF, so a stepping user traps on our first instructions
// (hazard 27): forget TF there and give it back at the exit. A data breakpoint whose trap MOV SS
// delayed past SYSCALL (hazard 28) is dropped. The kernel sets no breakpoints of its own.
static void debug_kernel(struct regs *regs)
{
	if (!(regs->rflags & RFLAGS_TF))
		return;
	if (regs->rip < (u64)entry_sysenter || regs->rip > (u64)entry_sysenter_end)
		panic_regs(regs, "single step in the kernel");
	regs->rflags &= ~(u64)RFLAGS_TF;
	task_set_work(current, WORK_STEP);
}

// On an IST stack, GS is ours. Returns the frame's copy on the task's stack for a trap of user
// mode that may sleep, NULL when there is nothing left to do.
struct regs *trap_from_ist(struct regs *regs)
{
	struct regs *copy;
	u64 dr6;

	switch (regs->entry) {
	case V_DEBUG:
		dr6 = read_dr6();
		write_dr6(DR6_RESERVED);
		if (!regs_from_user(regs)) {
			debug_kernel(regs);
			return NULL;
		}
		current->t_context.x_dr[6] = dr6;
		copy = (struct regs *)this_cpu()->c_kstack_top - 1;
		*copy = *regs;
		return copy;
	case V_NMI:
		return NULL; // nobody sends any; a stray one must not stop the machine
	case V_DOUBLE_FAULT:
		panic_regs(regs, "double fault (kernel stack overflow?), cr2 %#lx", read_cr2());
	default:
		panic_regs(regs, "machine check");
	}
}

// The frame that IRET could not load lies where regs->rsp points: the top five words of the task's
// stack. The general registers are already the user's.
struct regs *trap_iret_fault(struct regs *regs)
{
	struct regs whole = *regs;
	struct regs *top = (struct regs *)this_cpu()->c_kstack_top - 1;

	memcpy(&whole.rip, (void *)regs->rsp, 5 * sizeof(u64));
	whole.is_call = 0;
	*top = whole;
	return top;
}

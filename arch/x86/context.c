// SPDX-License-Identifier: MIT
/*
 * What belongs to a task and lives in the CPU while it runs: stack pointer, FPU, user segments and
 * bases, TLS descriptors, debug registers. Saved when the task is switched out, loaded before it
 * runs again; a kernel task (no FPU image) leaves the last user task's values where they are. Bases
 * are always loaded after selectors, so they are exact whatever the selector did to them (hazard
 * 37).
 */
#include "machine/context.h"
#include "kern/log.h"
#include "kern/task.h"
#include "lib/string.h"
#include "machine/archcpu.h"
#include "machine/features.h"
#include "machine/fpu.h"
#include "machine/msr.h"
#include "machine/regs.h"

#include <asm/errno.h>

#define DR7_FIXED 0x400 // bit 10 reads as 1; nothing enabled

struct task *context_switch_stack(u64 *save_rsp, u64 load_rsp, struct task *prev);
void context_kernel_entry(void);
void context_kernel_returned(void);
void ret_from_fork(void);

// The frame that context_switch_stack pops.
struct switch_frame {
	u64 r15, r14, r13, r12, rbx, rbp, rip;
};

struct regs *task_regs(struct task *t)
{
	return (struct regs *)(t->t_kstack + KSTACK_SIZE) - 1;
}

// --- bases and selectors of the running task ---

static u64 read_fs_base(void)
{
	u64 v;

	if (!cpu_features.f_fsgsbase)
		return rdmsr(MSR_FS_BASE);
	__asm__ volatile("rdfsbase %0" : "=r"(v));
	return v;
}

static void write_fs_base(u64 v)
{
	if (!cpu_features.f_fsgsbase)
		wrmsr(MSR_FS_BASE, v);
	else
		__asm__ volatile("wrfsbase %0" ::"r"(v) : "memory");
}

// The user's GS base rests in KERNEL_GS_BASE. Interrupts are off around the two swaps; an NMI
// between them finds the kernel's base by itself (entry.S, trap_ist).
static u64 read_user_gs_base(void)
{
	u64 v;

	if (!cpu_features.f_fsgsbase)
		return rdmsr(MSR_KERNEL_GS_BASE);
	u64 irq = irq_save();
	__asm__ volatile("swapgs; rdgsbase %0; swapgs" : "=r"(v)::"memory");
	irq_restore(irq);
	return v;
}

static void write_user_gs_base(u64 v)
{
	if (!cpu_features.f_fsgsbase) {
		wrmsr(MSR_KERNEL_GS_BASE, v);
		return;
	}
	u64 irq = irq_save();
	__asm__ volatile("swapgs; wrgsbase %0; swapgs" ::"r"(v) : "memory");
	irq_restore(irq);
}

// A selector that no longer names a readable segment becomes null instead of a fault (VERR, SDM
// vol. 2). Its RPL is made 3, so that no kernel segment passes.
static u16 usable_selector(u16 sel)
{
	u8 ok;

	if (sel <= 3)
		return sel;
	__asm__ volatile("verr %w1; setz %0" : "=qm"(ok) : "r"((u16)(sel | 3)) : "cc");
	return ok ? sel : 0;
}

static void save_selectors(struct context *x)
{
	__asm__ volatile("movw %%fs, %0" : "=m"(x->x_fs));
	__asm__ volatile("movw %%gs, %0" : "=m"(x->x_gs));
	__asm__ volatile("movw %%ds, %0" : "=m"(x->x_ds));
	__asm__ volatile("movw %%es, %0" : "=m"(x->x_es));
}

static void load_data_selectors(u16 ds, u16 es)
{
	__asm__ volatile("movl %0, %%ds" ::"r"((u32)usable_selector(ds)) : "memory");
	__asm__ volatile("movl %0, %%es" ::"r"((u32)usable_selector(es)) : "memory");
}

// FS and GS are loaded whenever they are not null on either side: the same selector may name
// another descriptor now.
static void load_selectors(const struct context *x)
{
	u16 fs, gs, ds, es;

	__asm__ volatile("movw %%fs, %0" : "=rm"(fs));
	__asm__ volatile("movw %%gs, %0" : "=rm"(gs));
	__asm__ volatile("movw %%ds, %0" : "=rm"(ds));
	__asm__ volatile("movw %%es, %0" : "=rm"(es));
	if (unlikely(fs | x->x_fs))
		__asm__ volatile("movl %0, %%fs" ::"r"((u32)usable_selector(x->x_fs)) : "memory");
	if (unlikely(gs | x->x_gs)) {
		u32 sel = usable_selector(x->x_gs);
		u64 irq = irq_save();
		// MFENCE: no speculation with the user's base (AMD's advice for SWAPGS after a
		// segment load).
		__asm__ volatile("swapgs; movl %0, %%gs; mfence; swapgs" ::"r"(sel) : "memory");
		irq_restore(irq);
	}
	if (unlikely((ds ^ x->x_ds) | (es ^ x->x_es) | (x->x_ds & 4) | (x->x_es & 4) |
		     (x->x_ds > SEL_USER_CS) | (x->x_es > SEL_USER_CS)))
		load_data_selectors(x->x_ds, x->x_es);
}

static void load_tls(const struct context *x)
{
	u64 *gdt = this_cpu()->c_arch->a_gdt + GDT_TLS_FIRST;

	for (u32 i = 0; i < GDT_TLS_COUNT; i++)
		gdt[i] = x->x_tls[i];
}

static void load_debug(const u64 dr[8])
{
	__asm__ volatile(
		"movq %0, %%dr7" ::"r"((u64)DR7_FIXED)); // nothing may hit while they change
	__asm__ volatile("movq %0, %%dr0" ::"r"(dr[0]));
	__asm__ volatile("movq %0, %%dr1" ::"r"(dr[1]));
	__asm__ volatile("movq %0, %%dr2" ::"r"(dr[2]));
	__asm__ volatile("movq %0, %%dr3" ::"r"(dr[3]));
	__asm__ volatile("movq %0, %%dr7" ::"r"(dr[7] | DR7_FIXED));
}

// Brings the saved bases and selectors of current up to date.
void context_refresh(struct task *t)
{
	struct context *x = &t->t_context;

	x->x_fsbase = read_fs_base();
	x->x_gsbase = read_user_gs_base();
	save_selectors(x);
}

// --- switching ---

static void save_user(struct task *t)
{
	struct context *x = &t->t_context;

	fpu_switch_out(x->x_fpu);
	context_refresh(t);
}

static void load_tsc(struct cpu *c, bool notsc)
{
	write_cr4(notsc ? read_cr4() | CR4_TSD : read_cr4() & ~(u64)CR4_TSD);
	c->c_arch->a_notsc = notsc;
}

static void load_user(struct cpu *c, const struct context *x)
{
	load_tls(x); // before the selectors that may name them
	load_selectors(x);
	write_fs_base(x->x_fsbase);
	write_user_gs_base(x->x_gsbase);
	fpu_switch_in(x->x_fpu);
	if (unlikely(x->x_dr[7] || c->c_arch->a_debug_live)) {
		load_debug(x->x_dr);
		c->c_arch->a_debug_live = x->x_dr[7];
	}
	if (unlikely(x->x_notsc != c->c_arch->a_notsc))
		load_tsc(c, x->x_notsc);
}

struct task *context_switch(struct task *prev, struct task *next)
{
	struct cpu *c = this_cpu();

	if (prev->t_context.x_fpu)
		save_user(prev);
	c->c_current = next;
	c->c_kstack_top = next->t_kstack + KSTACK_SIZE;
	c->c_arch->a_tss.rsp0 = c->c_kstack_top;
	if (next->t_context.x_fpu)
		load_user(c, &next->t_context);
	return context_switch_stack(&prev->t_context.x_rsp, next->t_context.x_rsp, prev);
}

// --- making and changing contexts ---

static struct switch_frame *first_frame(struct task *t, void (*entry)(void))
{
	struct switch_frame *f = (struct switch_frame *)task_regs(t) - 1;

	*f = (struct switch_frame){.rip = (u64)entry};
	t->t_context.x_rsp = (u64)f;
	return f;
}

int context_init_user(struct task *t, const struct regs *regs)
{
	struct context *x = &t->t_context, *mine = &current->t_context;

	memset(x, 0, sizeof(*x));
	x->x_fpu = fpu_alloc();
	if (!x->x_fpu)
		return -ENOMEM;
	if (mine->x_fpu) {
		fpu_save(current);
		memcpy(x->x_fpu, mine->x_fpu, fpu_size);
		x->x_fsbase = read_fs_base();
		x->x_gsbase = read_user_gs_base();
		save_selectors(x);
		memcpy(x->x_tls, mine->x_tls, sizeof(x->x_tls));
		x->x_notsc = mine->x_notsc;
	}
	// Hardware breakpoints are not inherited, as on Linux.
	*task_regs(t) = *regs;
	first_frame(t, ret_from_fork);
	return 0;
}

int context_init_kernel(struct task *t, void (*fn)(void *), void *arg)
{
	memset(&t->t_context, 0, sizeof(t->t_context));
	memset(task_regs(t), 0, sizeof(struct regs));
	struct switch_frame *f = first_frame(t, context_kernel_entry);
	f->rbx = (u64)fn;
	f->r12 = (u64)arg;
	return 0;
}

void context_kernel_returned(void)
{
	if (!current->t_mm)
		task_exit(0);
}

void context_free(struct task *t)
{
	fpu_free(t->t_context.x_fpu);
	t->t_context.x_fpu = NULL;
}

void context_exec(struct task *t)
{
	struct context *x = &t->t_context;
	void *image = x->x_fpu;

	// A kernel task becomes a program. This happens once, at boot: there is no errno to give.
	if (!image)
		image = fpu_alloc();
	if (!image)
		panic("no memory for the first program");
	u64 rsp = x->x_rsp;
	bool notsc = x->x_notsc;
	memset(x, 0, sizeof(*x));
	x->x_rsp = rsp;
	x->x_notsc = notsc;
	fpu_set_init(image);
	u64 irq = irq_save();
	x->x_fpu = image;
	if (t == current)
		load_user(this_cpu(), x);
	irq_restore(irq);
}

void context_set_tsc(bool allowed)
{
	u64 irq = irq_save();

	current->t_context.x_notsc = !allowed;
	load_tsc(this_cpu(), !allowed);
	irq_restore(irq);
}

u64 context_get_base(struct task *t, bool gs)
{
	if (t != current)
		return gs ? t->t_context.x_gsbase : t->t_context.x_fsbase;
	return gs ? read_user_gs_base() : read_fs_base();
}

void context_set_base(struct task *t, bool gs, u64 va)
{
	if (gs)
		t->t_context.x_gsbase = va;
	else
		t->t_context.x_fsbase = va;
	if (t != current)
		return;
	if (gs)
		write_user_gs_base(va);
	else
		write_fs_base(va);
}

static bool is_tls(u16 sel)
{
	u32 index = sel >> 3;
	return !(sel & 4) && index >= GDT_TLS_FIRST && index < GDT_TLS_FIRST + GDT_TLS_COUNT;
}

// What loading the selector would put into the hidden base (SDM vol. 3, 3.4.5).
static u64 selector_base(const struct context *x, u16 sel)
{
	if (!is_tls(sel))
		return 0;
	u64 d = x->x_tls[(sel >> 3) - GDT_TLS_FIRST];
	return (d >> 16 & 0xffffff) | (d >> 56) << 24;
}

// A selector that names a changed descriptor is loaded anew, as if the program had done it.
void context_load_tls(struct task *t)
{
	struct context *x = &t->t_context;

	if (t == current) {
		u64 irq = irq_save();
		save_selectors(x);
		x->x_fsbase = is_tls(x->x_fs) ? selector_base(x, x->x_fs) : read_fs_base();
		x->x_gsbase = is_tls(x->x_gs) ? selector_base(x, x->x_gs) : read_user_gs_base();
		load_tls(x);
		load_selectors(x);
		write_fs_base(x->x_fsbase);
		write_user_gs_base(x->x_gsbase);
		irq_restore(irq);
		return;
	}
	if (is_tls(x->x_fs))
		x->x_fsbase = selector_base(x, x->x_fs);
	if (is_tls(x->x_gs))
		x->x_gsbase = selector_base(x, x->x_gs);
}

void context_get_selectors(struct task *t, struct user_selectors *s)
{
	if (t == current)
		context_refresh(t);
	*s = (struct user_selectors){t->t_context.x_fs, t->t_context.x_gs, t->t_context.x_ds,
				     t->t_context.x_es};
}

// A selector that stays keeps the base too, which may have been set apart from it (arch_prctl).
void context_set_selectors(struct task *t, const struct user_selectors *s)
{
	struct context *x = &t->t_context;
	u64 irq = irq_save();

	if (t == current)
		context_refresh(t);
	if (x->x_fs != s->fs)
		x->x_fsbase = selector_base(x, s->fs);
	if (x->x_gs != s->gs)
		x->x_gsbase = selector_base(x, s->gs);
	x->x_fs = s->fs;
	x->x_gs = s->gs;
	x->x_ds = s->ds;
	x->x_es = s->es;
	if (t == current) {
		load_selectors(x);
		write_fs_base(x->x_fsbase);
		write_user_gs_base(x->x_gsbase);
	}
	irq_restore(irq);
}

static u16 user_rpl(u16 sel)
{
	return sel <= 3 ? 0 : sel | 3;
}

void context_load_selectors(struct task *t, u16 ds, u16 es, u16 fs, u16 gs)
{
	struct user_selectors s = {user_rpl(fs), user_rpl(gs), user_rpl(ds), user_rpl(es)};

	context_set_selectors(t, &s);
}

void context_load_debug(struct task *t)
{
	if (t != current)
		return;
	u64 irq = irq_save();
	load_debug(t->t_context.x_dr);
	this_cpu()->c_arch->a_debug_live = t->t_context.x_dr[7];
	irq_restore(irq);
}

// SPDX-License-Identifier: MIT
// What the CPU keeps per task: kernel stack pointer while switched out, FPU image, FS/GS bases, TLS
// descriptors, debug registers. Portable code embeds struct context in struct task and calls these.
#pragma once

#include "lib/types.h"
#include "machine/cpu.h"
#include "machine/layout.h"
#include "machine/regs.h"

struct task;

#define TLS_ENTRIES GDT_TLS_COUNT

struct context {
	u64 x_rsp;		    // kernel stack pointer while not running
	u64 x_fsbase, x_gsbase;	    // user's; live in the MSRs while running
	u16 x_fs, x_gs, x_ds, x_es; // user's selectors
	u64 x_tls[TLS_ENTRIES];	    // GDT descriptors, 0: free
	u64 x_dr[8];		    // hardware breakpoints (ptrace)
	bool x_notsc;		    // PR_SET_TSC: RDTSC raises #GP (hazard 38)
	void *x_fpu;		    // XSAVE image, 64-byte aligned, fpu_size bytes (slab)
};

// One-time set-up of a new task's context; the child of fork leaves through ret_from_fork with
// *regs copied to its stack top. kernel tasks start in fn(arg). 0 or -ENOMEM. copies FPU, bases,
// TLS from current
int context_init_user(struct task *t, const struct regs *regs);
int context_init_kernel(struct task *t, void (*fn)(void *), void *arg);
void context_free(struct task *t);
// exec: FPU to its initial state, bases, selectors, TLS, debug registers zero (hazards 24, 36, 37).
void context_exec(struct task *t);
// Switches from prev to next; returns in next's flow. FPU eagerly.
struct task *context_switch(struct task *prev, struct task *next);
// The frame of a task that is in the kernel by a call or trap from user mode: at the top of its
// kernel stack.
struct regs *task_regs(struct task *t);
// That of the running task. Not volatile: whichever CPU it runs on, its stack stays the same.
static inline struct regs *current_regs(void)
{
	u64 top;

	__asm__("movq %%gs:%c1, %0" : "=r"(top) : "i"(offsetof(struct cpu, c_kstack_top)));
	return (struct regs *)top - 1;
}

// FPU image for signal frames: formats and sizes are in abi/; these only move state between CPU and
// x_fpu. live registers → x_fpu, and live selectors and bases → x_* (t is current)
void fpu_save(struct task *t);
void fpu_restore(struct task *t); // x_fpu → live registers; the image must have been checked
void fpu_init_state(struct task *t);
extern u32 fpu_size;	 // bytes of an XSAVE image in standard format
extern u64 fpu_features; // XCR0 mask in use; 3 (x87, SSE) without XSAVE
// header reserved bits, features, MXCSR mask (hazard 36)
bool fpu_image_valid(const void *image, size_t size);

// User FS/GS bases; set also loads the MSR when t is current. va must be canonical user (checked by
// caller).
u64 context_get_base(struct task *t, bool gs);
void context_set_base(struct task *t, bool gs, u64 va);
// After x_tls changed, of current or of a task that does not run: FS and GS that name a changed
// entry follow it.
// May user code of current read the time stamp counter? Inherited by fork, kept by exec (prctl(2)).
void context_set_tsc(bool allowed);
void context_load_tls(struct task *t);
// User selectors, live when t is current. Setting them sets the bases too, as the CPU does: from
// x_tls, else 0. A selector that names nothing readable becomes null.
struct user_selectors {
	u16 fs, gs, ds, es;
};
void context_get_selectors(struct task *t, struct user_selectors *s);
void context_set_selectors(struct task *t, const struct user_selectors *s);
// After x_dr changed; addresses must be user space's (checked by the caller).
void context_load_debug(struct task *t);
// Loads data segment selectors of current for 32-bit code, RPL forced to 3; one that cannot be
// loaded becomes 0.
void context_load_selectors(struct task *t, u16 ds, u16 es, u16 fs, u16 gs);

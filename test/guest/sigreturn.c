// SPDX-License-Identifier: MIT
// What a program may write into the frame of its own signal handler (hazards 16, 18, 21, 36):
// flags, selectors, addresses, FPU state. A handler changes its saved context, returns, and what
// follows is a value of user mode or a signal, never the kernel's.
#include "test/guest/entry.h"

#include <cpuid.h>
#include <setjmp.h>
#include <ucontext.h>

#ifdef __i386__
#define REG_IP REG_EIP
#define REG_SP REG_ESP
#define REG_AX REG_EAX
#else
#define REG_IP REG_RIP
#define REG_SP REG_RSP
#define REG_AX REG_RAX
#endif

static struct {
	int reg; // index in gregs, or -1
	u64 value;
} edit;

static void edit_handler(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	if (edit.reg >= 0)
		uc->uc_mcontext.gregs[edit.reg] = (greg_t)edit.value;
	handled_count++;
}

// Every bit of the saved flags: those of user mode are taken, IOPL, IF, VM, VIF… are not.
TEST(flags)
{
	static const u64 user = FLAG_ARITH | FLAG_DF | FLAG_AC | FLAG_NT;
	u64 after;

	handle_with(SIGUSR1, 0, edit_handler);
	for (int bit = 0; bit < 32; bit++) {
		edit.reg = REG_EFL;
		edit.value = 1u << bit;
		if (bit == 8)
			continue; // TF: see below
		const struct way *way = way_of(ABI_THIS == I386 ? WAY_INT80 : WAY_SYSCALL);
		entry_set(way, &entry_frame.st, WAY_NR(way, kill),
			  (u64[6]){(u64)getpid(), SIGUSR1});
		way->run(&entry_frame.st);
		__asm__ volatile("cld");
		after = entry_frame.st.flags;
		ROW("flag bit");
		if (!(after & FLAG_IF) || (after & 0x3000) || (after & 0xfff80000 & ~(u64)FLAG_ID))
			test_fail("flag bit %d: flags %#llx", bit, after);
		if (((1u << bit) & user) && !(after & (1u << bit) & user) && bit != 14)
			test_fail("flag bit %d of user mode is lost: %#llx", bit, after);
	}
	// IF cleared and IOPL 3 together: still interrupts on, still no I/O.
	edit.value = 0x3002;
	raise(SIGUSR1);
	EQ(cpu_flags() & 0x3200, FLAG_IF);
}

static volatile int steps;
static void step(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	if (++steps == 3)
		((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~FLAG_TF;
}

TEST(tf)
{
	handle_with(SIGUSR1, 0, edit_handler);
	handle_with(SIGTRAP, 0, step);
	edit.reg = REG_EFL;
	edit.value = FLAG_TF | FLAG_IF;
	raise(SIGUSR1);
	EQ(steps, 3);
	EQ(cpu_flags() & FLAG_TF, 0);
}

// A context with this in it ends in a signal.
static void dies_with(int reg, u64 value, const char *what)
{
	pid_t pid = fork();

	if (!pid) {
		edit.reg = reg;
		edit.value = value;
		handle_with(SIGUSR1, 0, edit_handler);
		raise(SIGUSR1);
		_exit(0);
	}
	int status = child_wait(pid);
	ROW(what);
	if (!WIFSIGNALED(status) || (WTERMSIG(status) != SIGSEGV && WTERMSIG(status) != SIGBUS &&
				     WTERMSIG(status) != SIGILL))
		test_fail("%s = %#llx: wait status %#x, expected a fault's signal", what, value,
			  status);
}

TEST(bad_ip)
{
#ifdef __i386__
	static const u64 bad[] = {0, 0xffffffff, 0xfffff000, 0xfffffffe, 0x1000};
#else
	static const u64 bad[] = {0,
				  0x1000,
				  0x7ffffffff000,
				  0x7fffffffffff,
				  0x7ffffffffffe,
				  0x800000000000,
				  0xffff7fffffffffff,
				  0xffff800000000000,
				  0xffffffff81000000,
				  0xffffffffffffffff,
				  0x8000000000000000,
				  0x4000000000000000,
				  0xfffffffffffff000};
#endif
	for (unsigned i = 0; i < COUNT(bad); i++)
		dies_with(REG_IP, bad[i], "ip");
	EQ(sys(SYS_getpid), getpid());
}

TEST(bad_sp)
{
#ifdef __i386__
	static const u64 bad[] = {0, 0xffffffff, 8};
#else
	static const u64 bad[] = {
		0, 8, 0x800000000000, 0xffff800000000000, 0xffffffff81000000, 0x8000000000000000};
#endif
	for (unsigned i = 0; i < COUNT(bad); i++)
		dies_with(REG_SP, bad[i], "sp");
}

// All selectors of ring 0, null ones, the LDT's and those behind the table, as CS and as SS.
static void selector_handler(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
#ifdef __i386__
	uc->uc_mcontext.gregs[edit.reg] = (greg_t)edit.value;
#else
	u16 *cs = (u16 *)&uc->uc_mcontext.gregs[REG_CSGSFS];

	cs[edit.reg] = (u16)edit.value;
#endif
}

#ifdef __i386__
enum { SEL_CS = REG_CS, SEL_SS = REG_SS };
#else
enum { SEL_CS = 0, SEL_SS = 3 };
#endif

static int selector_status(int which, u64 value)
{
	pid_t pid = fork();

	if (!pid) {
		edit.reg = which;
		edit.value = value;
		handle_with(SIGUSR1, 0, selector_handler);
		raise(SIGUSR1);
		_exit(0);
	}
	return child_wait(pid);
}

TEST(selectors)
{
	static const u64 bad_cs[] = {0,	   1,	 3,    8,      0x10,   0x18,   0x20, 0x28,
				     0x2b, 0x30, 0x38, 0x3b,   0x43,   0x53,   0x7b, 4,
				     7,	   0xf,	 0x17, 0xfff8, 0xfffb, 0xffff, 0x13, 0x1b};

	for (unsigned i = 0; i < COUNT(bad_cs); i++) {
		int status = selector_status(SEL_CS, bad_cs[i]);

		ROW("cs");
		// Linux sets the low two bits and lets the CPU judge; the other code size runs
		// garbage.
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && (bad_cs[i] | 3) != 0x23 &&
		    (bad_cs[i] | 3) != 0x33)
			test_fail("cs %#llx was taken", bad_cs[i]);
	}
	for (unsigned i = 0; i < COUNT(bad_cs); i++) {
		int status = selector_status(SEL_SS, bad_cs[i]);

		ROW("ss");
		if (status == -1)
			test_fail("ss %#llx", bad_cs[i]);
	}
	EQ(sys(SYS_getpid), getpid());
}

// rt_sigreturn (and i386's sigreturn) with no frame: the stack pointer decides, all garbage is a
// signal.
static void sigreturn_at(u64 nr, u64 sp)
{
	pid_t pid = fork();

	if (!pid) {
#ifdef __i386__
		__asm__ volatile("mov %0,%%esp; int $0x80; ud2" ::"r"((u32)sp), "a"((u32)nr)
				 : "memory");
#else
		__asm__ volatile("mov %0,%%rsp; syscall; ud2" ::"r"(sp), "a"(nr) : "memory");
#endif
		_exit(0);
	}
	int status = child_wait(pid);
	ROW("sigreturn");
	if (!WIFSIGNALED(status))
		test_fail("sigreturn %llu at %#llx: status %#x", nr, sp, status);
}

TEST(no_frame)
{
	char *garbage = map_pages(16);
	u64 state = 12345;

	for (unsigned i = 0; i < hostile_count; i++)
		sigreturn_at(SYS_rt_sigreturn, hostile_addresses[i]);
	sigreturn_at(SYS_rt_sigreturn, (uintptr_t)map_edge() - 8);
	sigreturn_at(SYS_rt_sigreturn, 0);
	for (int round = 0; round < 60; round++) {
		for (unsigned i = 0; i < 8 * PAGE; i += 8)
			*(u64 *)(garbage + i) = rnd(&state) &
						(round & 1 ? ~0ull : 0x00007fff00ff00ff);
		sigreturn_at(SYS_rt_sigreturn, (uintptr_t)garbage + (round & 7) * 8);
#ifdef __i386__
		sigreturn_at(SYS_sigreturn, (uintptr_t)garbage + (round & 7) * 4);
#endif
	}
	EQ(sys(SYS_getpid), getpid());
}

/* --- the FPU state in the frame (hazard 36) --- */

static void *fpu_of(void *context)
{
	return ((ucontext_t *)context)->uc_mcontext.fpregs;
}

static u32 fpu_size; // of the xsave part, from its software bytes
static u32 fpu_magic;
static u64 fpu_features;
static int fpu_case;

// On i386 an fxsave image lies behind the 112 bytes of the old one.
static u8 *fxsave_of(void *context)
{
	u8 *fp = fpu_of(context);

	return ABI_THIS == I386 ? fp + 112 : fp;
}

static void fpu_handler(int sig, siginfo_t *info, void *context)
{
	u8 *fx = fxsave_of(context);
	u32 *sw = (u32 *)(fx + 464);

	(void)sig;
	(void)info;
	fpu_magic = sw[0];
	fpu_features = *(u64 *)&sw[2];
	fpu_size = sw[4];
	handled_count++;
	switch (fpu_case) {
	case 1: // reserved bits of MXCSR
		*(u32 *)(fx + 24) = 0xffffffff;
		break;
	case 2: // features that don't exist
		if (fpu_magic)
			*(u64 *)(fx + 512) = ~0ull;
		break;
	case 3: // reserved words of the header
		if (fpu_magic)
			memset(fx + 512 + 16, 0xff, 48);
		break;
	case 4: // xcomp_bv: the compact format
		if (fpu_magic)
			*(u64 *)(fx + 512 + 8) = 1ull << 63;
		break;
	case 5: // sizes that lie
		sw[1] = sw[4] = 0xfffffff0;
		break;
	case 6:
		sw[4] = 0;
		break;
	case 7: // the pointer away
		((ucontext_t *)context)->uc_mcontext.fpregs = NULL;
		break;
	case 8:
		((ucontext_t *)context)->uc_mcontext.fpregs = map_bad();
		break;
	case 9: // in the kernel; as wide as the frame's word
		*(reg_t *)&((ucontext_t *)context)->uc_mcontext.fpregs = (reg_t)
			hostile_addresses[0];
		break;
	case 10: // misaligned
		((ucontext_t *)context)->uc_mcontext.fpregs = (void *)((char *)fpu_of(context) + 4);
		break;
	case 11: // the second magic number is gone: only the legacy part counts
		if (fpu_magic)
			*(u32 *)(fx + fpu_size) = 0;
		break;
	case 12: // all of it is ones
		memset(fx, 0xff, 512);
		break;
	}
}

TEST(fpu_state)
{
	for (fpu_case = 0; fpu_case <= 12; fpu_case++) {
		pid_t pid = fork();

		if (!pid) {
			handle_with(SIGUSR1, 0, fpu_handler);
			raise(SIGUSR1);
			double one = 1.0;
			__asm__ volatile("" : "+m"(one));
			_exit(one * 3.0 == 3.0 ? 0 : 1);
		}
		int status = child_wait(pid);
		ROW("FPU state");
		bool lived = WIFEXITED(status);
		bool may_die = fpu_case != 0 && fpu_case != 7 && fpu_case != 11;
		bool may_live = fpu_case != 8 && fpu_case != 9;
		if (status == -1 ||
		    (lived ? !may_live
			   : (!may_die || (fpu_case < 10 && WTERMSIG(status) != SIGSEGV))))
			test_fail("case %d: status %#x", fpu_case, status);
	}
	EQ(sys(SYS_getpid), getpid());
}

// The frame says what it holds: magic numbers, features, size (asm/sigcontext.h).
TEST(fpu_header)
{
	unsigned a, b, c = 0, d;

	fpu_case = 0;
	handle_with(SIGUSR1, 0, fpu_handler);
	raise(SIGUSR1);
	EQ(handled_count, 1);
	__get_cpuid(1, &a, &b, &c, &d);
	if (!(c & bit_OSXSAVE)) {
		EQ(fpu_magic, 0);
		return;
	}
	EQ(fpu_magic, 0x46505853);
	u32 xcr0, high;
	__asm__("xgetbv" : "=a"(xcr0), "=d"(high) : "c"(0));
	EQ(fpu_features & 7, xcr0 & 7);
	__cpuid_count(13, 0, a, b, c, d);
	BETWEEN(fpu_size, 576, b + 8);
}

// The extended context's header of the frame: uc_flags, link, the saved mask, the alternate stack.
static sigset_t frame_mask;
static unsigned long frame_flags;
static void *frame_link;
static u64 frame_sp;

static void frame_handler(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	frame_flags = uc->uc_flags;
	frame_link = uc->uc_link;
	memcpy(&frame_mask, &uc->uc_sigmask, 8);
	frame_sp = (uintptr_t)__builtin_frame_address(0);
	sigaddset(&uc->uc_sigmask, SIGUSR2);
	sigaddset(&uc->uc_sigmask, SIGKILL);
}

TEST(frame_header)
{
	sigset_t usr1 = sigset_of(SIGHUP), now;

	sigprocmask(SIG_SETMASK, &usr1, NULL);
	handle_with(SIGUSR1, 0, frame_handler);
	raise(SIGUSR1);
	EQ(frame_link, 0);
	EQ(sigismember(&frame_mask, SIGHUP), 1);
	EQ(sigismember(&frame_mask, SIGUSR1), 0);
	// UC_FP_XSTATE (1); 64-bit code adds UC_SIGCONTEXT_SS (2) and UC_STRICT_RESTORE_SS (4).
	EQ(frame_flags & ~1ul, ABI_THIS == I386 ? 0 : 6);
	// What the handler wrote into the mask is the mask now, except for SIGKILL and SIGSTOP.
	sigprocmask(SIG_BLOCK, NULL, &now);
	EQ(sigismember(&now, SIGUSR2), 1);
	EQ(sigismember(&now, SIGKILL), 0);
	EQ(sigismember(&now, SIGHUP), 1);
}

// The alignment a handler finds: as after a call in the System V ABI of each width.
static u64 entered_sp;
void bare_handler(int sig);
#ifdef __i386__
__asm__(".text\n.globl bare_handler\nbare_handler:\n\tmov %esp,bare_sp\n\tret\n"
	".data\n.globl bare_sp\nbare_sp:\n\t.long 0\n.text\n");
extern u32 bare_sp;
#else
__asm__(".text\n.globl bare_handler\nbare_handler:\n\tmov %rsp,bare_sp(%rip)\n\tret\n"
	".data\n.globl bare_sp\n.balign 8\nbare_sp:\n\t.quad 0\n.text\n");
extern u64 bare_sp;
#endif

TEST(handler_stack_alignment)
{
	for (int i = 0; i < 8; i++) {
		volatile char *use = __builtin_alloca(16 + i * 8);

		use[0] = 1;
		signal(SIGUSR1, bare_handler);
		raise(SIGUSR1);
		entered_sp = bare_sp;
		EQ((entered_sp + (ABI_THIS == I386 ? 4 : 8)) & 15, 0);
	}
}

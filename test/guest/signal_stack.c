// SPDX-License-Identifier: MIT
// Alternate signal stacks, and unwinding through a signal frame by its call frame information.
#include "test/guest/test.h"

#include <unwind.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif

static char alt_area[65536] __attribute__((aligned(16)));
static volatile uintptr_t handler_sp;
static stack_t handler_alt;

static void where(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	(void)context;
	handler_sp = (uintptr_t)__builtin_frame_address(0);
	sigaltstack(NULL, &handler_alt);
	handled_count++;
}

static bool on_alt(void)
{
	return handler_sp > (uintptr_t)alt_area &&
	       handler_sp < (uintptr_t)alt_area + sizeof(alt_area);
}

TEST(errnos)
{
	stack_t s = {.ss_sp = alt_area, .ss_size = sizeof(alt_area)}, old;

	OKC(sigaltstack(NULL, &old));
	EQ(old.ss_flags, SS_DISABLE);
	s.ss_size = 1000;
	ERRNO(sigaltstack(&s, NULL), ENOMEM);
	s.ss_size = sizeof(alt_area);
	s.ss_flags = 77;
	ERRNO(sigaltstack(&s, NULL), EINVAL);
	s.ss_flags = SS_ONSTACK; // taken as 0
	OKC(sigaltstack(&s, NULL));
	OKC(sigaltstack(NULL, &old));
	EQ(old.ss_flags, 0);
	EQ((uintptr_t)old.ss_sp, (uintptr_t)alt_area);
	EQ(old.ss_size, sizeof(alt_area));
	s.ss_flags = SS_DISABLE;
	s.ss_size = 0;
	OKC(sigaltstack(&s, NULL));
	ERR(sys(SYS_sigaltstack, map_bad(), NULL), EFAULT);
	ERR(sys(SYS_sigaltstack, NULL, map_bad()), EFAULT);
}

TEST(used)
{
	stack_t s = {.ss_sp = alt_area, .ss_size = sizeof(alt_area)}, old;

	OKC(sigaltstack(&s, NULL));
	handle_with(SIGUSR1, 0, where);
	raise(SIGUSR1);
	TRUE(!on_alt());
	handle_with(SIGUSR1, SA_ONSTACK, where);
	raise(SIGUSR1);
	TRUE(on_alt());
	EQ(handler_alt.ss_flags, SS_ONSTACK);
	OKC(sigaltstack(NULL, &old));
	EQ(old.ss_flags, 0);
	// A child by fork has it too.
	EXITS(5, {
		raise(SIGUSR1);
		_exit(on_alt() ? 5 : 1);
	});
}

static void change(int sig, siginfo_t *info, void *context)
{
	stack_t s = {.ss_flags = SS_DISABLE};
	(void)sig;
	(void)info;
	(void)context;
	ERRNO(sigaltstack(&s, NULL), EPERM);
	handled_count++;
}

TEST(busy)
{
	stack_t s = {.ss_sp = alt_area, .ss_size = sizeof(alt_area)};

	handled_count = 0;
	OKC(sigaltstack(&s, NULL));
	handle_with(SIGUSR1, SA_ONSTACK, change);
	raise(SIGUSR1);
	EQ(handled_count, 1);
}

TEST(autodisarm)
{
	stack_t s = {.ss_sp = alt_area,
		     .ss_size = sizeof(alt_area),
		     .ss_flags = (int)SS_AUTODISARM},
		old;

	OKC(sigaltstack(&s, NULL));
	OKC(sigaltstack(NULL, &old));
	EQ((u32)old.ss_flags, SS_AUTODISARM);
	handle_with(SIGUSR1, SA_ONSTACK, where);
	raise(SIGUSR1);
	TRUE(on_alt());
	EQ(handler_alt.ss_flags, SS_DISABLE); // off while the handler runs
	OKC(sigaltstack(NULL, &old));
	EQ((u32)old.ss_flags, SS_AUTODISARM); // and back
	EQ((uintptr_t)old.ss_sp, (uintptr_t)alt_area);
}

static void deep(int n)
{
	volatile char frame[4096];

	frame[0] = (char)n;
	if (n < 1000000)
		deep(n + 1);
	frame[1] = frame[0];
}

static void overflowed(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	_exit(info->si_code == SEGV_MAPERR || info->si_code == SEGV_ACCERR ? 5 : 6);
}

TEST(stack_overflow)
{
	stack_t s = {.ss_sp = alt_area, .ss_size = sizeof(alt_area)};

	EXITS(5, {
		sigaltstack(&s, NULL);
		handle_with(SIGSEGV, SA_ONSTACK, overflowed);
		deep(0);
	});
	SIGNALLED(SIGSEGV, {
		handle_with(SIGSEGV, 0, overflowed);
		deep(0);
	});
}

// An alternate stack that is not there: the signal can't be delivered, SIGSEGV kills.
TEST(bad_stack)
{
	stack_t s = {.ss_sp = map_bad(), .ss_size = 16 * PAGE};

	SIGNALLED(SIGSEGV, {
		sigaltstack(&s, NULL);
		handle_with(SIGUSR1, SA_ONSTACK, where);
		raise(SIGUSR1);
	});
	SIGNALLED(SIGSEGV, {
		s.ss_sp = AS_PTR(hostile_addresses[0]);
		sigaltstack(&s, NULL);
		handle_with(SIGUSR1, SA_ONSTACK, where);
		raise(SIGUSR1);
	});
}

// A debugger's view: from the handler through the frame to the function that was interrupted.
static uintptr_t marks[2];
static volatile bool found;
static volatile int frames;

static _Unwind_Reason_Code step(struct _Unwind_Context *context, void *arg)
{
	uintptr_t ip = _Unwind_GetIP(context);

	(void)arg;
	frames++;
	if (ip >= marks[0] && ip < marks[1])
		found = true;
	return frames > 64 ? _URC_END_OF_STACK : _URC_NO_REASON;
}

static void unwind(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	(void)context;
	_Unwind_Backtrace(step, NULL);
}

__attribute__((noinline)) static void interrupted_here(void)
{
	__asm__ volatile("fault_here: ud2; after_fault:");
}
extern char fault_here[], after_fault[];

static void unwind_and_skip(int sig, siginfo_t *info, void *context)
{
	unwind(sig, info, context);
	_exit(found ? 5 : frames > 2 ? 6 : 7);
}

TEST(unwind)
{
	marks[0] = (uintptr_t)interrupted_here;
	marks[1] = (uintptr_t)after_fault;
	(void)fault_here;
	EXITS(5, {
		handle_with(SIGILL, 0, unwind_and_skip);
		interrupted_here();
	});
}

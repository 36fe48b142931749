// SPDX-License-Identifier: MIT
// The vsyscall page, 0xffffffffff600000: three calls at fixed addresses, from before the vDSO. The
// page is not mapped; a fetch from it faults, and the call is made here through the 64-bit table.
// Reading it is a plain fault (execute-only, hazard 41).

#include "abi/abi.h"
#include "gate/check.h"
#include "gate/gate.h"
#include "kern/task.h"
#include "machine/uaccess.h"
#include "syscall_numbers.h"
#include "syscall_tables.h"

#include <asm/errno.h>

#define VSYSCALL_STRIDE 1024

static const u32 vsyscall_numbers[] = {X86_64_NR_gettimeofday, X86_64_NR_time, X86_64_NR_getcpu};

// As a `call` into the page followed by the work and a `ret`. A bad pointer is SIGSEGV, not EFAULT:
// the code there was once plain user code. The fault happened in user mode, so there is no
// is_call and no restart: none of the three can sleep.
void gate_vsyscall(struct regs *regs)
{
	u64 offset = regs->rip - VSYSCALL_PAGE;
	u64 slot = offset / VSYSCALL_STRIDE, return_to;
	long result;

	if (offset % VSYSCALL_STRIDE || slot >= ARRAY_SIZE(vsyscall_numbers) ||
	    regs->cs != SEL_USER_CS || get_user_u64(&return_to, UPTR(regs->rsp))) {
		signal_force_fault(SIGSEGV, SEGV_MAPERR, regs->rip);
		return;
	}
	regs->orig = vsyscall_numbers[slot];
	regs->abi = ABI_X86_64;
	result = x86_64_table[vsyscall_numbers[slot]](regs);
	if (result == -EFAULT) {
		signal_force_fault(SIGSEGV, SEGV_MAPERR, regs->rdi);
		return;
	}
	regs->rax = (u64)result;
	regs->rip = return_to;
	regs->rsp += 8;
}

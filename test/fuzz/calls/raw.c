// SPDX-License-Identifier: MIT
// The few helpers that the fuzzer shares with the guest tests by name, without their reports.
#include "test/fuzz/calls/fuzz.h"

#ifdef __i386__
__asm__(".globl sys_raw\n.type sys_raw,@function\n"
	"sys_raw:\n\tpush %ebp\n\tpush %ebx\n\tpush %esi\n\tpush %edi\n"
	"\tmov 20(%esp),%eax\n\tmov 24(%esp),%ebx\n\tmov 28(%esp),%ecx\n\tmov 32(%esp),%edx\n"
	"\tmov 36(%esp),%esi\n\tmov 40(%esp),%edi\n\tmov 44(%esp),%ebp\n\tint $0x80\n"
	"\tpop %edi\n\tpop %esi\n\tpop %ebx\n\tpop %ebp\n\tret\n.size sys_raw,.-sys_raw\n");
#else
sreg_t sys_raw(reg_t nr, reg_t a, reg_t b, reg_t c, reg_t d, reg_t e, reg_t g)
{
	register reg_t r10 __asm__("r10") = d;
	register reg_t r8 __asm__("r8") = e;
	register reg_t r9 __asm__("r9") = g;
	sreg_t result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}
#endif

u64 rnd(u64 *state)
{
	u64 x = *state += 0x9e3779b97f4a7c15ull;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

u64 now_ns(clockid_t clock)
{
	struct timespec ts = {0};

	clock_gettime(clock, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

void sleep_ms(unsigned ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&ts, NULL);
}

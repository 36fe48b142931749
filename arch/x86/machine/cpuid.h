// SPDX-License-Identifier: MIT
// CPU identification for portable code: vendor and features that user space is told of.
#pragma once

#include "lib/types.h"

struct cpuid_regs {
	u32 eax, ebx, ecx, edx;
};

static inline struct cpuid_regs cpuid(u32 leaf, u32 subleaf)
{
	struct cpuid_regs r;

	__asm__ volatile("cpuid"
			 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			 : "a"(leaf), "c"(subleaf));
	return r;
}

// "AuthenticAMD" or "HygonGenuine": SYSCALL is the fast way from 32-bit code there, SYSENTER
// everywhere else.
static inline bool cpuid_is_amd(void)
{
	struct cpuid_regs r = cpuid(0, 0);

	return r.ebx == 0x68747541 || r.ebx == 0x6f677948;
}

static inline u32 cpuid_hwcap(void) // AT_HWCAP: CPUID 1, EDX
{
	return cpuid(1, 0).edx;
}

bool cpu_has_fsgsbase(void); // and enabled in CR4

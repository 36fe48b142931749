// SPDX-License-Identifier: MIT
// Single accesses to user memory in place, for machine/uaccess.h's routines and for the few paths
// that cannot afford a call. The caller has checked the range; each access stands between STAC and
// CLAC with an entry in the exception table, and its fix-up continues inside the same assembly.
#pragma once

#include "lib/types.h"
#include "machine/extable.h"
#include "machine/layout.h"
#include "machine/smap.h"

#include <asm/errno.h>

// For every ABI: 32-bit callers cannot name more.
static ALWAYS_INLINE bool user_range_inside(u64 va, u64 n)
{
	return n <= USER_END_64 && va <= USER_END_64 - n;
}

// One access; err becomes -EFAULT and v zero when it faults.
#define USER_LOAD(insn, size, v, va, err)                                            \
	__asm__ volatile(ASM_STAC "1: " insn " (%[at]), %" size "[val]\n"            \
				  "2: " ASM_CLAC ".pushsection .text.fixup,\"ax\"\n" \
				  "3: movl %[efault], %[e]\n\t"                      \
				  "xorl %k[val], %k[val]\n\t"                        \
				  "jmp 2b\n\t"                                       \
				  ".popsection\n\t" EX_TABLE("1b", "3b")             \
			 : [val] "=&r"(v), [e] "+r"(err)                             \
			 : [at] "r"(va), [efault] "i"(-EFAULT)                       \
			 : "memory")

#define USER_STORE(insn, size, v, va, err)                                           \
	__asm__ volatile(ASM_STAC "1: " insn " %" size "[val], (%[at])\n"            \
				  "2: " ASM_CLAC ".pushsection .text.fixup,\"ax\"\n" \
				  "3: movl %[efault], %[e]\n\t"                      \
				  "jmp 2b\n\t"                                       \
				  ".popsection\n\t" EX_TABLE("1b", "3b")             \
			 : [e] "+r"(err)                                             \
			 : [val] "r"(v), [at] "r"(va), [efault] "i"(-EFAULT)         \
			 : "memory")

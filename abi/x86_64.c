// SPDX-License-Identifier: MIT
// The native ABI: 64-bit code, SYSCALL. Its frames are in sigframe_64.c, shared with x32.

#include "abi/abi.h"
#include "abi/sigframe.h"
#include "kern/exec.h"
#include "lib/elf.h"
#include "lib/string.h"
#include "syscall_numbers.h"

#include <linux/audit.h>

static bool elf_ok(const struct elf_image *elf)
{
	return elf->machine == EM_X86_64 && elf->elf_class == ELFCLASS64;
}

// All registers zero but these (System V ABI AMD64, figure 3.9: rdx = 0, nothing to register with
// atexit).
void abi_start_regs_64(struct regs *regs, const struct exec_image *img)
{
	memset(regs, 0, sizeof(*regs));
	regs->rip = img->start_entry;
	regs->cs = SEL_USER_CS;
	regs->rflags = RFLAGS_IF | RFLAGS_FIXED;
	regs->rsp = img->stack_ptr;
	regs->ss = SEL_USER_DS;
}

const struct abi abi_x86_64 = {
	.name = "x86_64",
	.table = x86_64_table,
	.table_len = X86_64_TABLE_LEN,
	.audit_arch = AUDIT_ARCH_X86_64,
	.word = 8,
	.user_end = USER_END_64,
	.platform = "x86_64",
	.vdso = &vdso_x86_64,
	.mmap_random_bits = 28,
	.stack_random_bits = 22,
	.pie_base = 0x0000555555554000,
	.elf_ok = elf_ok,
	.start_regs = abi_start_regs_64,
	.frame_build = sigframe_build_x86_64,
	.nr_restart_syscall = X86_64_NR_restart_syscall,
};

const struct abi *const abis[ABI_COUNT] = {
	[ABI_X86_64] = &abi_x86_64,
	[ABI_I386] = &abi_i386,
	[ABI_X32] = &abi_x32,
};

const struct abi *abi_for_elf(const struct elf_image *elf)
{
	for (u32 i = 0; i < ABI_COUNT; i++)
		if (abis[i]->elf_ok(elf))
			return abis[i];
	return NULL;
}

// SPDX-License-Identifier: MIT
// i386: 32-bit code, INT 0x80, SYSENTER or compat SYSCALL; and 64-bit code that uses INT 0x80.

#include "abi/abi.h"
#include "abi/sigframe.h"
#include "kern/exec.h"
#include "lib/elf.h"
#include "lib/string.h"
#include "syscall_numbers.h"

#include <linux/audit.h>

static bool elf_ok(const struct elf_image *elf)
{
	return elf->machine == EM_386 && elf->elf_class == ELFCLASS32;
}

static void start_regs(struct regs *regs, const struct exec_image *img)
{
	memset(regs, 0, sizeof(*regs));
	regs->rip = img->start_entry;
	regs->cs = SEL_USER32_CS;
	regs->rflags = RFLAGS_IF | RFLAGS_FIXED;
	regs->rsp = img->stack_ptr;
	regs->ss = SEL_USER_DS;
	regs->abi = ABI_I386;
}

const struct abi abi_i386 = {
	.name = "i386",
	.table = i386_table,
	.table_len = I386_TABLE_LEN,
	.audit_arch = AUDIT_ARCH_I386,
	.word = 4,
	.user_end = USER_END_32,
	.map_32bit = true,
	.platform = "i686",
	.vdso = &vdso_i386,
	.exec_all_default = true,
	.mmap_random_bits = 8,
	.stack_random_bits = 11,
	.pie_base = 0x56555000,
	.elf_ok = elf_ok,
	.start_regs = start_regs,
	.frame_build = sigframe_build_i386,
	.nr_restart_syscall = I386_NR_restart_syscall,
};

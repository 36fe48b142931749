// SPDX-License-Identifier: MIT
// x32: 64-bit code with 32-bit pointers, SYSCALL with bit 30 in the number.

#include "abi/abi.h"
#include "abi/sigframe.h"
#include "lib/elf.h"
#include "syscall_numbers.h"

#include <asm/unistd.h>
#include <linux/audit.h>

static bool elf_ok(const struct elf_image *elf)
{
	return elf_is_x32(elf);
}

const struct abi abi_x32 = {
	.name = "x32",
	.table = x32_table,
	.table_len = X32_TABLE_LEN,
	.number_bit = __X32_SYSCALL_BIT,
	.audit_arch = AUDIT_ARCH_X86_64,
	.word = 4,
	.user_end = USER_END_32,
	.map_32bit = true,
	.platform = "i686", // as Linux tells all programs with 32-bit pointers
	.vdso = &vdso_x32,
	.exec_all_default = true,
	.mmap_random_bits = 8,
	.stack_random_bits = 11,
	.pie_base = 0x56555000,
	.elf_ok = elf_ok,
	.start_regs = abi_start_regs_64,
	.frame_build = sigframe_build_x32,
	.nr_restart_syscall = X32_NR_restart_syscall | __X32_SYSCALL_BIT,
};

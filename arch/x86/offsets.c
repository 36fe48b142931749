// SPDX-License-Identifier: MIT
// Structure offsets for assembly. Compiled to text only; the build turns each `# ->NAME value`
// into a #define in build/gen/asm_offsets.h.
#include <stddef.h>

#include "machine/cpu.h"
#include "machine/regs.h"

#define OFFSET(name, type, member) \
	__asm__ volatile("# ->" #name " %c0" ::"i"(offsetof(type, member)))

void asm_offsets(void);
void asm_offsets(void)
{
	OFFSET(CPU_CURRENT, struct cpu, c_current);
	OFFSET(CPU_KSTACK_TOP, struct cpu, c_kstack_top);
	OFFSET(CPU_SCRATCH, struct cpu, c_scratch);
	OFFSET(REGS_RAX, struct regs, rax);
	OFFSET(REGS_ENTRY, struct regs, entry);
	OFFSET(REGS_ORIG, struct regs, orig);
	OFFSET(REGS_RIP, struct regs, rip);
	OFFSET(REGS_CS, struct regs, cs);
	OFFSET(REGS_RSP, struct regs, rsp);
	__asm__ volatile("# ->REGS_SIZE %c0" ::"i"(sizeof(struct regs)));
}

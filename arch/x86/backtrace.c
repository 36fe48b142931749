// SPDX-License-Identifier: MIT
/*
 * Symbols and call chains for panics. The table in .ksyms is made by tools/ksyms from a first link:
 * a u32 count, then count pairs (offset from KERNEL_BASE, offset of the name) in ascending order,
 * then the names.
 */
#include "machine/backtrace.h"
#include "machine/kmap.h"
#include "machine/msr.h"
#include "machine/regs.h"

#define FRAMES_MAX 32

struct ksym {
	u32 at, name;
};

extern const u32 ksyms_start[], ksyms_end[]; // of the whole table; empty in the first link

const char *ksym_find(u64 va, u64 *offset)
{
	const struct ksym *sym = (const struct ksym *)(ksyms_start + 1);
	u32 count = (u64)ksyms_start < (u64)ksyms_end ? ksyms_start[0] : 0, low = 0, high = count;

	*offset = 0;
	if (va < KERNEL_BASE || !high || va - KERNEL_BASE < sym[0].at)
		return "?";
	u32 at = (u32)(va - KERNEL_BASE);
	while (high - low > 1) {
		u32 mid = (low + high) / 2;
		if (sym[mid].at <= at)
			low = mid;
		else
			high = mid;
	}
	// The last symbol is the end of the text.
	if (low == count - 1)
		return "?";
	*offset = at - sym[low].at;
	return (const char *)&sym[count] + sym[low].name;
}

static void print_frame(void (*out)(const char *fmt, ...), u64 rip)
{
	u64 offset;
	const char *name = ksym_find(rip, &offset);

	out("  %016llx %s+0x%llx\n", (unsigned long long)rip, name, (unsigned long long)offset);
}

// A leaf function may have no frame of its own: its caller's address is then the word at the stack
// pointer.
static void print_leaf_caller(void (*out)(const char *fmt, ...), u64 rsp)
{
	u64 offset;

	if (!rsp || rsp & 7 || !kernel_mapped(rsp))
		return;
	u64 rip = *(const u64 *)rsp - 1;
	const char *name = ksym_find(rip, &offset);
	if (offset)
		out("  %016llx %s+0x%llx (perhaps)\n", (unsigned long long)rip, name,
		    (unsigned long long)offset);
}

void backtrace_print(void (*out)(const char *fmt, ...), u64 rip, u64 rbp, u64 rsp)
{
	out("call trace:\n");
	print_frame(out, rip);
	print_leaf_caller(out, rsp);
	// A frame holds the caller's frame pointer and the return address. Stacks grow down, so
	// frames ascend.
	for (u32 i = 0; i < FRAMES_MAX; i++) {
		if (!rbp || rbp & 7 || !kernel_mapped(rbp) || !kernel_mapped(rbp + 15))
			return;
		const u64 *frame = (const u64 *)rbp;
		if (frame[1] < KERNEL_BASE)
			return;
		print_frame(out, frame[1] - 1); // inside the call: a NORETURN call may be a
						// function's last instruction
		if (frame[0] <= rbp)
			return;
		rbp = frame[0];
	}
}

#define HEX(x) ((unsigned long long)(x))

void regs_print(void (*out)(const char *fmt, ...), const struct regs *r)
{
	u64 offset;
	const char *name = ksym_find(r->rip, &offset);

	out("RIP %04llx:%016llx %s+0x%llx RFLAGS %08llx entry 0x%02x error/orig %llx\n", HEX(r->cs),
	    HEX(r->rip), regs_from_user(r) ? "(user)" : name, HEX(offset), HEX(r->rflags), r->entry,
	    HEX(r->orig));
	out("RSP %04llx:%016llx CR2 %016llx CR3 %016llx\n", HEX(r->ss), HEX(r->rsp),
	    HEX(read_cr2()), HEX(read_cr3()));
	out("RAX %016llx RBX %016llx RCX %016llx\n", HEX(r->rax), HEX(r->rbx), HEX(r->rcx));
	out("RDX %016llx RSI %016llx RDI %016llx\n", HEX(r->rdx), HEX(r->rsi), HEX(r->rdi));
	out("RBP %016llx R8  %016llx R9  %016llx\n", HEX(r->rbp), HEX(r->r8), HEX(r->r9));
	out("R10 %016llx R11 %016llx R12 %016llx\n", HEX(r->r10), HEX(r->r11), HEX(r->r12));
	out("R13 %016llx R14 %016llx R15 %016llx\n", HEX(r->r13), HEX(r->r14), HEX(r->r15));
}

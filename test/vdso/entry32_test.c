// SPDX-License-Identifier: MIT
/*
 * The i386 image's entry code on the host's Linux: each body of __kernel_vsyscall that this CPU
 * executes (Linux returns to its own landing pad, which pops the same frame), and libgcc's unwinder
 * through both signal trampolines.
 */
#include "test/vdso/vdso_test.h"

#ifndef __i386__
void test_entry32(void)
{
}
#else
#include "abi/vdso/entry32.h"

#include <asm/unistd.h>
#include <cpuid.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

/*
 * Calls the function at `entry` with six arguments and reports whether ebx, ecx, edx, esi, edi, ebp
 * and esp came back.
 */
struct frame {
	uint32_t eax, ebx, ecx, edx, esi, edi, ebp, entry, esp_change;
};

void frame_call(struct frame *frame);
asm(".text\nframe_call:\n"
    "	push %ebp; push %ebx; push %esi; push %edi\n"
    "	mov 20(%esp), %eax\n"
    "	push %eax\n"
    "	mov 4(%eax), %ebx; mov 8(%eax), %ecx; mov 12(%eax), %edx\n"
    "	mov 16(%eax), %esi; mov 20(%eax), %edi; mov 24(%eax), %ebp\n"
    "	push 28(%eax)\n" /* the entry's address is on the stack: no register is free */
    "	mov (%eax), %eax\n"
    "	mov %esp, frame_esp\n"
    "	call *(%esp)\n"
    "	sub %esp, frame_esp\n"
    "	add $4, %esp\n"
    "	xchg %eax, (%esp)\n"
    "	mov %ebx, 4(%eax); mov %ecx, 8(%eax); mov %edx, 12(%eax)\n"
    "	mov %esi, 16(%eax); mov %edi, 20(%eax); mov %ebp, 24(%eax)\n"
    "	pop (%eax)\n"
    "	mov frame_esp, %ecx; mov %ecx, 32(%eax)\n"
    "	pop %edi; pop %esi; pop %ebx; pop %ebp\n"
    "	ret\n");
uint32_t frame_esp;

static void vsyscall_check(const uint8_t *body, const char *name)
{
	char *page = (char *)((uintptr_t)vdso.image), *entry;
	struct frame call = {__NR_mmap2, 0, 8192, PROT_READ, MAP_PRIVATE, 0, 1, 0, 1};
	struct frame before;
	int fd = open("/proc/self/exe", O_RDONLY);

	entry = (char *)vdso_find(&vdso, "LINUX_2.5", "__kernel_vsyscall");
	if (body) {
		mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
		__builtin_memcpy(entry + 3, body, VDSO_I386_FAST_ENTRY_SIZE);
		mprotect(page, 4096, PROT_READ | PROT_EXEC);
	}
	/* Six arguments: page 1 of a file by mmap2, whose sixth is the offset. */
	call.edi = (uint32_t)fd;
	call.entry = (uint32_t)entry;
	before = call;
	frame_call(&call);
	ok(call.eax < 0xfffff000 && !memcmp(&call.ebx, &before.ebx, 24) && !call.esp_change,
	   "%s: mmap2 with six arguments, all registers kept", name);
	if (call.eax < 0xfffff000) {
		char expected[64];

		ok(pread(fd, expected, 64, 4096) == 64 && !memcmp((void *)call.eax, expected, 64),
		   "%s: and the sixth argument counted", name);
		munmap((void *)call.eax, 8192);
	}
	call = before;
	call.eax = 100000;
	frame_call(&call);
	ok(call.eax == (uint32_t)-ENOSYS && !memcmp(&call.ebx, &before.ebx, 24), "%s: -ENOSYS",
	   name);
	close(fd);
}

static void vsyscall_test(void)
{
	unsigned int a, b = 0, c, d;

	__get_cpuid(0, &a, &b, &c, &d);
	vsyscall_check(NULL, "__kernel_vsyscall as built (INT 0x80)");
	if (b == signature_INTEL_ebx)
		vsyscall_check(vdso_entry_sysenter, "__kernel_vsyscall by SYSENTER");
	else
		vsyscall_check(vdso_entry_syscall, "__kernel_vsyscall by SYSCALL");
	vsyscall_check(vdso_entry_int80, "__kernel_vsyscall by INT 0x80");
}

/* ---- unwinding ---- */

/*
 * The unwinder asks the dynamic linker which object holds an address (glibc 2.35 and later: by
 * _dl_find_object). It must see the image as ld.so would show it: with the eh_frame_hdr that the
 * program header names.
 */
int _dl_find_object(void *address, struct dl_find_object *result)
{
	static int (*next)(void *, struct dl_find_object *);
	const ElfW(Phdr) *header = segment_find(PT_GNU_EH_FRAME);

	if ((uintptr_t)address - (uintptr_t)vdso.image < 4096) {
		*result = (struct dl_find_object){
			.dlfo_map_start = (void *)vdso.image,
			.dlfo_map_end = (void *)(vdso.image + 4096),
			.dlfo_eh_frame = (void *)(vdso.image + header->p_vaddr)};
		return 0;
	}
	if (!next)
		next = dlsym(RTLD_NEXT, "_dl_find_object");
	return next(address, result);
}

struct dwarf_bases {
	void *text, *data, *function;
};
const void *_Unwind_Find_FDE(void *pc, struct dwarf_bases *bases); /* libgcc, exported */

/* Faults with known registers at trap_at; returns when the handler steps over the two bytes of UD2.
 */
void trap_with_registers(void);
extern char trap_at[];
asm(".text\ntrap_with_registers:\n"
    "	push %ebp; push %ebx; push %esi; push %edi\n"
    "	mov $0x11111111, %eax; mov $0x22222222, %ebx; mov $0x33333333, %ecx\n"
    "	mov $0x44444444, %edx; mov $0x55555555, %esi; mov $0x66666666, %edi\n"
    "	mov $0x77777777, %ebp\n"
    "	mov %esp, trap_esp\n"
    "trap_at:\n"
    "	ud2\n"
    "	pop %edi; pop %esi; pop %ebx; pop %ebp\n"
    "	ret\n");
uint32_t trap_esp;

static struct {
	uintptr_t trampoline;
	bool trampoline_seen, caller_seen, registers_right;
} unwind;

static _Unwind_Reason_Code unwind_frame(struct _Unwind_Context *context, void *unused)
{
	/* eh_frame numbers on i386: eax ecx edx ebx esp ebp esi edi */
	static const uint32_t expected[] = {0x11111111, 0x33333333, 0x44444444, 0x22222222,
					    0,		0x77777777, 0x55555555, 0x66666666};
	int before = 0;
	uintptr_t ip = _Unwind_GetIPInfo(context, &before);

	(void)unused;
	if (unwind.trampoline_seen && !unwind.caller_seen) {
		unwind.caller_seen = ip == (uintptr_t)trap_at && before;
		unwind.registers_right = _Unwind_GetCFA(context) == trap_esp;
		for (int i = 0; i < 8; i++)
			if (i != 4 && _Unwind_GetGR(context, i) != expected[i])
				unwind.registers_right = false;
		return _URC_END_OF_STACK;
	}
	unwind.trampoline_seen = unwind.trampoline_seen || ip == unwind.trampoline;
	return _URC_NO_REASON;
}

static void handler_rt(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	_Unwind_Backtrace(unwind_frame, NULL);
	((ucontext_t *)context)->uc_mcontext.gregs[REG_EIP] += 2;
}

/* The old frame: the sigcontext lies behind the signal number on the stack; eip is its word 14. */
static void handler_old(int number)
{
	volatile uint32_t *context = (volatile uint32_t *)__builtin_dwarf_cfa() + 1;

	(void)number;
	_Unwind_Backtrace(unwind_frame, NULL);
	context[14] += 2;
}

struct kernel_sigaction {
	void *handler;
	unsigned long flags;
	const void *restorer;
	uint64_t mask;
};

static void unwind_check(const char *name, void *handler, unsigned long flags)
{
	struct kernel_sigaction action = {handler, flags | 0x04000000 /* SA_RESTORER */, NULL, 0};
	struct dwarf_bases bases;

	action.restorer = vdso_find(&vdso, "LINUX_2.5", name);
	ok(action.restorer, "%s is LINUX_2.5", name);
	ok(_Unwind_Find_FDE((void *)action.restorer, &bases) &&
		   bases.function == (const char *)action.restorer - 1,
	   "%s is described, from one byte before it", name);
	memset(&unwind, 0, sizeof(unwind));
	unwind.trampoline = (uintptr_t)action.restorer;
	syscall(SYS_rt_sigaction, SIGILL, &action, NULL, 8);
	trap_with_registers();
	ok(unwind.trampoline_seen, "%s returns from a handler and shows in the backtrace", name);
	ok(unwind.caller_seen, "%s: the next frame is the interrupted instruction", name);
	ok(unwind.registers_right, "%s: with all eight registers", name);
}

void test_entry32(void)
{
	vsyscall_test();
	unwind_check("__kernel_rt_sigreturn", handler_rt, SA_SIGINFO);
	unwind_check("__kernel_sigreturn", handler_old, 0);
}
#endif

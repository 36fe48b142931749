// SPDX-License-Identifier: MIT
// What an ABI is: one const object each for x86_64, i386 and x32. The gate picks one by the entry
// (kept in the frame, regs->abi); execve picks one by the image. No member is NULL.
#pragma once

#include "kern/signal.h"
#include "lib/types.h"
#include "machine/regs.h"
#include "syscall_tables.h"

struct exec_image;
struct elf_image;

struct abi {
	const char *name; // "x86_64", "i386", "x32"
	const syscall_fn *table;
	u32 table_len;
	u32 number_bit;	      // or-ed into user's numbers: __X32_SYSCALL_BIT for x32, else 0
	u32 audit_arch;	      // AUDIT_ARCH_*, for seccomp and SIGSYS
	u32 word;	      // bytes of a user long: 8 or 4
	u64 user_end;	      // end of the address space of such an image
	bool map_32bit;	      // mmap results of its calls stay below 4 GiB
	const char *platform; // AT_PLATFORM
	const struct vdso_image *vdso;
	bool exec_all_default; // an image without PT_GNU_STACK may execute all that it may read
	u32 mmap_random_bits;  // pages of entropy: mmap base and PIE load address
	u32 stack_random_bits;
	u64 pie_base; // where a position-independent program is loaded, before randomisation
	bool (*elf_ok)(const struct elf_image *elf); // is this image ours?
	// registers of a new program
	void (*start_regs)(struct regs *regs, const struct exec_image *img);
	// Builds the frame for a handler on the user stack and redirects *regs into it: 0 or
	// -EFAULT (then SIGSEGV is forced).
	int (*frame_build)(struct regs *regs, const struct ksiginfo *info,
			   const struct kaction *act, sigset64 mask_saved);
	// Restarts the interrupted call by number (ERESTART_RESTARTBLOCK → restart_syscall).
	u32 nr_restart_syscall;
};

extern const struct abi *const abis[ABI_COUNT];
extern const struct abi abi_x86_64, abi_i386, abi_x32;

static inline const struct abi *regs_abi(const struct regs *regs)
{
	return abis[regs->abi];
}
const struct abi *abi_for_elf(const struct elf_image *elf); // NULL: none (-ENOEXEC)

// abi/stack.c: writes strings, auxiliary vector, envp and argv onto the new stack below
// img->stack_top (System V ABI, "Process Initialization"), in the image's word size; sets
// img->stack_ptr. 0, or an errno of the memory behind it.
int abi_build_stack(struct exec_image *img);
u32 abi_frame_size_max(const struct abi *abi); // AT_MINSIGSTKSZ

// vDSO: where things are in an image that was mapped at mm_vdso (generated offsets).
struct vdso_image {
	const void *image;
	u32 pages;
	u32 sym_vsyscall;		     // i386: __kernel_vsyscall (AT_SYSINFO)
	u32 sym_sysenter_return;	     // i386: where SYSEXIT lands
	u32 sym_sigreturn, sym_rt_sigreturn; // i386 trampolines
};
void vdso_init(void); // picks __kernel_vsyscall by CPU vendor, fills the data page
int vdso_map(struct exec_image
		     *img); // maps [vvar] and [vdso] into the new address space at a random place
void vdso_update(void);	    // after the realtime offset or the clock scale changed

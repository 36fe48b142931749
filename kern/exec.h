// SPDX-License-Identifier: MIT
// execve: from a file to a running image. Strings are copied into kernel pages before anything is
// torn down; past exec_commit nothing fails but by a fatal signal.
#pragma once

#include "lib/elf.h"
#include "lib/types.h"
#include "vm/mm.h"

struct abi;
struct cred;
struct file;
struct path;

#define EXEC_STRING_MAX (128 * 1024) // bytes of one string with its NUL (MAX_ARG_STRLEN)
#define EXEC_BYTES_MAX \
	(6 * 1024 * 1024) // of all strings and pointers: 3/4 of the default stack limit
#define EXEC_BYTES_MIN	  (128 * 1024)
#define EXEC_SCRIPT_DEPTH 5

// argv and envp, as they will lie on the new stack: one run of NUL-terminated strings, argv first,
// in kernel pages. It is filled from the end downwards, so that a script's interpreter can be put
// in front.
struct exec_strings {
	struct page **pages; // of EXEC_BYTES_MAX, allocated where used
	u64 start;	     // offset of the first byte; the run ends at EXEC_BYTES_MAX
	u32 argc, envc;
	u64 limit; // bytes that strings and pointers may take together
};

struct exec_image {
	struct file *file;	 // the ELF
	struct file *interp;	 // PT_INTERP's, or NULL
	const char *filename;	 // as given (AT_EXECFN)
	const char *script_name; // kmalloc'd: the last interpreter that was itself a script
	struct elf_image elf;
	const struct abi *abi;
	u64 load_bias, entry, interp_base, start_entry; // start_entry: where user mode begins
	u64 phdr_addr;
	u64 stack_top, stack_ptr; // user; filled while the stack is built
	u64 vdso_base;
	struct mm *mm;	   // the new one
	struct cred *cred; // the new one, counted
	bool secure;	   // AT_SECURE
	struct exec_strings *strings;
	u8 random[16];
};

int exec_strings_init(struct exec_strings *s); // 0, -ENOMEM
void exec_strings_free(struct exec_strings *s);
// Put a string in front of all others: 0, -E2BIG, -ENOMEM, -EFAULT. The caller counts argc or envc.
int exec_strings_push(struct exec_strings *s, const char *kernel_str);
int exec_strings_push_user(struct exec_strings *s, uptr user_str);
// Copies n bytes at offset `off` from the start of the run.
void exec_strings_read(const struct exec_strings *s, u64 off, void *dst, size_t n);
static inline u64 exec_strings_bytes(const struct exec_strings *s)
{
	return EXEC_BYTES_MAX - s->start;
}

// kern/exec_load.c: a new address space with the image's segments, its interpreter's and the stack.
// 0 with *mm, or an errno.
int exec_load(struct exec_image *img, struct mm **mm);

// Replaces current's image. `file` is an open executable (consumed), filename what AT_EXECFN shows.
// argc ≥ 1 is guaranteed by adding "". Returns 0 with current_regs() set to the new image, or an
// errno with the old image intact.
int kern_exec(struct file *file, const char *filename, struct exec_strings *strings);
// For the first process: from a kernel task, with argv and envp as NULL-terminated kernel arrays.
// Does the path lookup.
int kern_exec_path(const char *path, const char *const *argv, const char *const *envp);

// SPDX-License-Identifier: MIT
// Small programs without libc, one for each ABI, made in memory and written to a file: for exec
// tests and for mutation. A good one checks what a new program starts with (tiny_asm.S) and exits
// TINY_GOOD.
#pragma once

#include <elf.h>
#include <stdbool.h>

enum { TINY_X86_64, TINY_I386, TINY_X32 };
#if defined(__i386__)
#define TINY_SELF TINY_I386
#elif defined(__ILP32__)
#define TINY_SELF TINY_X32
#else
#define TINY_SELF TINY_X86_64
#endif
enum { TINY_GOOD = 64, TINY_CODE = 0x200, TINY_INTERP = 0x180, TINY_MAX = 8192 };

struct tiny {
	union {
		unsigned char bytes[TINY_MAX];
		Elf64_Ehdr eh64;
		Elf32_Ehdr eh32;
	};
	unsigned size;
	int abi;
};

void tiny_make(struct tiny *t, int abi);
void tiny_add_interp(struct tiny *t, const char *path);
bool tiny_write(const struct tiny *t, const char *name); // executable
Elf64_Phdr *tiny_phdr64(struct tiny *t, int i);
Elf32_Phdr *tiny_phdr32(struct tiny *t, int i);

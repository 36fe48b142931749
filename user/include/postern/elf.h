/* SPDX-License-Identifier: MIT */
/*
 * Part of <postern/vdso.h>: the ELF structures that a vDSO is made of, in the class of the ABI that
 * is compiled for. Own definitions, since <elf.h> belongs to C libraries and <linux/elf.h> cannot
 * be included beside it. [System V gABI, chapters 4 and 5; LSB core 5.0, chapter 10.7, versions]
 */
#pragma once

#include <stdint.h>

/* A program may define it to look at an image of the other class. */
#ifndef POSTERN_ELF_BITS
#if defined(__x86_64__) && !defined(__ILP32__)
#define POSTERN_ELF_BITS 64
#else
#define POSTERN_ELF_BITS 32
#endif
#endif

#if POSTERN_ELF_BITS == 64
enum { POSTERN_ELF_CLASS = 2 };
typedef uint64_t postern_elf_word;
#else
enum { POSTERN_ELF_CLASS = 1 };
typedef uint32_t postern_elf_word;
#endif

#ifdef __i386__
enum { POSTERN_ELF_MACHINE = 3 };
#else
enum { POSTERN_ELF_MACHINE = 62 };
#endif

enum {
	POSTERN_ET_DYN = 3,
	POSTERN_PT_LOAD = 1,
	POSTERN_PT_DYNAMIC = 2,
	POSTERN_DT_NULL = 0,
	POSTERN_DT_HASH = 4,
	POSTERN_DT_STRTAB = 5,
	POSTERN_DT_SYMTAB = 6,
	POSTERN_DT_STRSZ = 10,
	POSTERN_DT_SYMENT = 11,
	POSTERN_DT_GNU_HASH = 0x6ffffef5,
	POSTERN_DT_VERSYM = 0x6ffffff0,
	POSTERN_DT_VERDEF = 0x6ffffffc,
	POSTERN_DT_VERDEFNUM = 0x6ffffffd,
	POSTERN_STT_NOTYPE = 0,
	POSTERN_STT_FUNC = 2,
	POSTERN_VER_BASE = 1,	   /* a definition's flag: the file's own name */
	POSTERN_VER_INDEX = 0x7fff /* the rest of a symbol's version: whether it is hidden */
};

struct postern_elf_header {
	unsigned char ident[16];
	uint16_t type, machine;
	uint32_t version;
	postern_elf_word entry, program_headers, section_headers;
	uint32_t flags;
	uint16_t header_size, program_header_size, program_header_count;
	uint16_t section_header_size, section_header_count, section_names;
};

struct postern_elf_dynamic {
	postern_elf_word tag, value;
};

/* The two classes order these members differently. */
#if POSTERN_ELF_BITS == 64
struct postern_elf_segment {
	uint32_t type, flags;
	postern_elf_word offset, address, physical, file_size, memory_size, alignment;
};

struct postern_elf_symbol {
	uint32_t name;
	unsigned char info, other;
	uint16_t section;
	postern_elf_word value, size;
};
#else
struct postern_elf_segment {
	uint32_t type;
	postern_elf_word offset, address, physical, file_size, memory_size;
	uint32_t flags;
	postern_elf_word alignment;
};

struct postern_elf_symbol {
	uint32_t name;
	postern_elf_word value, size;
	unsigned char info, other;
	uint16_t section;
};
#endif

struct postern_elf_definition {
	uint16_t version, flags, index, count;
	uint32_t hash;
	uint32_t names; /* bytes from here to the first struct postern_elf_version_name */
	uint32_t next;	/* bytes from here to the next definition, or 0 */
};

struct postern_elf_version_name {
	uint32_t name, next;
};

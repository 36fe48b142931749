// SPDX-License-Identifier: MIT
/*
 * The types that a prototype in abi/syscalls.tbl may use: what each is in C, how wide it travels in
 * a register of each ABI, and where it may stand. Named sets (flags:open, struct stat) are declared
 * in the table itself; see table.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* How a value travels. The "long" kinds have 64 bits for x86_64 and 32 bits for i386. */
enum type_width {
	WIDTH_NONE,  /* never in a register: only pointed to */
	WIDTH_INT,   /* 32 bits, sign-extended */
	WIDTH_UINT,  /* 32 bits */
	WIDTH_LONG,  /* long-sized, sign-extended */
	WIDTH_ULONG, /* long-sized, zero-extended */
	WIDTH_S64,   /* always 64 bits: two registers on i386, low half first */
	WIDTH_U64,
	WIDTH_PTR,    /* a user address */
	WIDTH_ID16,   /* 16-bit uid or gid; 0xffff means -1 and is widened so */
	WIDTH_MODE16, /* Linux's umode_t: the upper bits are ignored */
	WIDTH_COUNT
};

/* Where a type may stand; a set of bits. */
enum type_use {
	USE_VALUE = 1,	 /* as an argument by itself */
	USE_POINTEE = 2, /* behind in, out or inout */
	USE_RESULT = 4,	 /* as the result */
	USE_LENGTH = 8,	 /* only with [length] */
	USE_BASE = 16,	 /* as the third part of flags:name:base */
	USE_COUNT = 32,	 /* as the argument that a [length] names */
};

struct type {
	const char *name;
	const char *c_type; /* NULL when WIDTH_NONE */
	enum type_width width;
	unsigned uses;
};

extern const struct type type_list[];
extern const size_t type_count;

/* NULL when there is no such type. `length` bytes of `name` count. */
const struct type *type_find(const char *name, size_t length);

/* Index in type_list; the same in the generated enum info_type. */
size_t type_index(const struct type *type);

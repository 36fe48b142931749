// SPDX-License-Identifier: MIT
/*
 * abi/syscalls.tbl in memory: rows, declared sets and declared gaps, in the order of the file.
 * table_read() checks every line by itself; what lines say about each other is check.h's.
 */
#pragma once

#include "tools/gen/type.h"

enum table_abi { ABI_X86_64, ABI_I386, ABI_X32, ABI_COUNT };

enum {
	TABLE_ARGS = 6,	       /* C parameters and registers of a call */
	TABLE_ABSENT = -1,     /* a number column that says '-' */
	TABLE_X32_FIRST = 512, /* x32's own numbers: 512 up to 547, and closed for ever */
	TABLE_X32_END = 548,
	TABLE_NUMBER_END = 512, /* numbers of x86_64 and i386 lie below */
};

enum set_kind { SET_FLAGS, SET_ENUM, SET_VAR, SET_STRUCT, SET_KINDS };

/* A name declared by %flags, %enum, %var or %struct. */
struct set {
	const char *name;
	enum set_kind kind;
	unsigned line;
	unsigned index; /* in the whole list, from 1: the generated enum info_set */
	bool used;
};

enum arg_direction { ARG_VALUE, ARG_IN, ARG_OUT, ARG_INOUT };
enum arg_length { LENGTH_NONE, LENGTH_FIXED, LENGTH_ARG, LENGTH_POINTED };

struct arg {
	const char *name;
	const struct type *type;
	struct set *set; /* NULL: the type says all */
	enum arg_direction direction;
	enum arg_length length;
	const char *length_name; /* LENGTH_ARG, LENGTH_POINTED: resolved into length_arg */
	unsigned length_arg;
	unsigned length_fixed;
	bool length_bytes;
	unsigned wanted;	 /* @N: 1 to 6; 0 takes the next register */
	unsigned reg[ABI_COUNT]; /* first register, from 0, in the ABI's own order */
};

struct row {
	const char *name;
	unsigned line;
	int number[ABI_COUNT];
	bool implemented;
	bool typed; /* false: the row says enosys and no more */
	bool frame; /* the handler gets struct regs * first */
	const struct type *result;
	const char *handler;
	unsigned arg_count;
	struct arg args[TABLE_ARGS];
};

struct gap {
	unsigned line;
	enum table_abi abi;
	int first, last;
};

struct table {
	const char *path;
	struct row *rows;
	size_t row_count;
	struct set **sets;
	size_t set_count;
	struct gap *gaps;
	size_t gap_count;
};

extern const char *const table_abi_name[ABI_COUNT];
extern const char *const table_set_kind[SET_KINDS];

/* Reads the file; mistakes are reported through diag.h. false: the file cannot be read. */
bool table_read(struct table *table, const char *path);

/* The declared set, or NULL. */
struct set *table_set_find(struct table *table, enum set_kind kind, const char *name,
			   size_t length);

/* One more than the highest number that a row gives to the ABI; 0 without any. */
int table_length(const struct table *table, enum table_abi abi);

/* How many registers the argument takes in that ABI: 2 for the 64-bit types on i386, else 1. */
unsigned arg_registers(const struct arg *arg, enum table_abi abi);

/* The parameter's type in C. */
const char *arg_c_type(const struct arg *arg);

// SPDX-License-Identifier: MIT
/*
 * The type list. Adding one: a line here, its meaning at the head of abi/syscalls.tbl, a renderer
 * in the tracer. C types follow Linux's own prototypes, because what is cut off or sign-extended
 * there is what programs rely on.
 */
#include "tools/gen/type.h"

#include <string.h>

#define VALUE  (USE_VALUE | USE_POINTEE | USE_RESULT)
#define NUMBER (VALUE | USE_BASE | USE_COUNT)

const struct type type_list[] = {
	/* plain numbers */
	{"int", "int", WIDTH_INT, NUMBER},
	{"uint", "unsigned int", WIDTH_UINT, NUMBER},
	{"long", "long", WIDTH_LONG, NUMBER},
	{"ulong", "unsigned long", WIDTH_ULONG, NUMBER},
	{"u64", "u64", WIDTH_U64, NUMBER},
	{"size", "size_t", WIDTH_ULONG, NUMBER},
	{"ssize", "s64", WIDTH_LONG, NUMBER},
	{"off", "s64", WIDTH_LONG, VALUE},
	{"loff", "s64", WIDTH_S64, VALUE},
	{"time", "s64", WIDTH_LONG, VALUE},
	/* names of things */
	{"fd", "int", WIDTH_INT, VALUE},
	{"dirfd", "int", WIDTH_INT, VALUE},
	{"pid", "int", WIDTH_INT, VALUE},
	{"uid", "u32", WIDTH_UINT, VALUE},
	{"gid", "u32", WIDTH_UINT, VALUE},
	{"uid16", "u32", WIDTH_ID16, VALUE},
	{"gid16", "u32", WIDTH_ID16, VALUE},
	{"mode", "u32", WIDTH_MODE16, VALUE},
	{"dev", "u32", WIDTH_UINT, VALUE},
	{"sig", "int", WIDTH_INT, VALUE},
	{"key", "int", WIDTH_INT, VALUE},
	{"timer", "int", WIDTH_INT, VALUE},
	{"socklen", "int", WIDTH_INT, VALUE | USE_COUNT},
	/* user addresses */
	{"ptr", "uptr", WIDTH_PTR, VALUE | USE_BASE},
	{"path", "uptr", WIDTH_PTR, USE_VALUE},
	{"str", "uptr", WIDTH_PTR, USE_VALUE | USE_POINTEE},
	/* only behind a pointer */
	{"strv", NULL, WIDTH_NONE, USE_POINTEE},
	{"buf", NULL, WIDTH_NONE, USE_POINTEE | USE_LENGTH},
	{"iov", NULL, WIDTH_NONE, USE_POINTEE | USE_LENGTH},
	{"fdset", NULL, WIDTH_NONE, USE_POINTEE | USE_LENGTH},
	{"bitmap", NULL, WIDTH_NONE, USE_POINTEE | USE_LENGTH},
	{"pagevec", NULL, WIDTH_NONE, USE_POINTEE | USE_LENGTH},
	{"struct", NULL, WIDTH_NONE, USE_POINTEE},
	/* no result at all: the call does not return */
	{"void", NULL, WIDTH_NONE, USE_RESULT},
};

const size_t type_count = sizeof(type_list) / sizeof(type_list[0]);

const struct type *type_find(const char *name, size_t length)
{
	for (size_t i = 0; i < type_count; i++) {
		const char *known = type_list[i].name;

		if (strlen(known) == length && !memcmp(known, name, length))
			return &type_list[i];
	}
	return NULL;
}

size_t type_index(const struct type *type)
{
	return (size_t)(type - type_list);
}

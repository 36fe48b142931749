// SPDX-License-Identifier: MIT
// `postern abi`: what the table of system calls says about a call, for people and for programs.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct syscall_info;

// Where a handler is defined: generated from the sources by tools/handlers.awk, sorted by name.
struct handler_place {
	const char *name, *file;
	unsigned line;
};
extern const struct handler_place handler_places[];
extern const size_t handler_places_len;

// What to show: calls of one ABI (enum info_abi), or of all when it is ABI_ANY.
#define ABI_ANY (-1)

// The number as a program puts it into eax or rax: x32's with bit 30. -1: the ABI lacks the call.
long abi_number(const struct syscall_info *call, int which);

const struct handler_place *abi_handler_place(const struct syscall_info *call); // NULL: none

// abi_print.c. A block of lines, a line of a list, and a JSON object without a line end.
void abi_print_call(FILE *out, const struct syscall_info *call, int which);
void abi_print_line(FILE *out, const struct syscall_info *call, int which);
void abi_print_list_head(FILE *out, int which);
void abi_print_json(FILE *out, const struct syscall_info *call, int which);

// Single-letter edits (insert, delete, replace, swap of neighbours) that make b from a.
unsigned abi_distance(const char *a, const char *b);

// argv[0] is the subcommand's name for messages. The exit status.
int abi_main(int argc, char **argv);

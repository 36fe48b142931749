// SPDX-License-Identifier: MIT
/*
 * The `#!` line as Linux reads it: within the first 256 bytes, an interpreter and at most one
 * argument, which may hold blanks; blanks at the end are dropped.
 */
#pragma once

#include "lib/types.h"

#define SCRIPT_HEAD_SIZE 256

struct script {
	/* In the head buffer, NUL-terminated. May be empty: Linux then opens the current directory,
	 * which is EACCES. */
	const char *interp;
	const char *arg; /* NULL: none */
};

/*
 * `head`: the file's first SCRIPT_HEAD_SIZE bytes, zeros after its end. On success (0) NULs are
 * written into it. -ENOEXEC: no `#!`, no interpreter, or a name that the buffer cuts; the head is
 * then unchanged.
 */
int script_parse(struct script *s, char head[SCRIPT_HEAD_SIZE]) MUST_CHECK;

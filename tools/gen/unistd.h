// SPDX-License-Identifier: MIT
/*
 * The installed <asm/unistd_64.h>, _32.h and _x32.h are the authority on names and numbers: the
 * table must have every call of theirs, with their number, and none of its own.
 */
#pragma once

#include "tools/gen/table.h"

/* Compares with the three headers in `dir`; reports through diag.h. */
void unistd_check(const struct table *table, const char *dir);

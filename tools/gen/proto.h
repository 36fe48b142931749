// SPDX-License-Identifier: MIT
/*
 * The prototype column: result(argument, …) [=handler], with the grammar at the head of
 * abi/syscalls.tbl. Fills the row and gives every argument its registers.
 */
#pragma once

#include "tools/gen/table.h"

/* `text` is the rest of the row after the numbers. false: one message was printed. */
bool proto_parse(struct table *table, struct row *row, const char *text);

// SPDX-License-Identifier: MIT
/*
 * Writers of the generated files. Each takes a checked table and an open stream; emit_all() gives
 * them their files and leaves a file alone that would not change, so that make rebuilds little.
 */
#pragma once

#include "tools/gen/table.h"

#include <stdio.h>

/* Writes every output below `dir`, which is made when missing. false: a message was printed. */
bool emit_all(const struct table *table, const char *dir);

/* emit_code.c: what the kernel runs. */
void emit_numbers_h(const struct table *table, FILE *out);
void emit_proto_h(const struct table *table, FILE *out);
void emit_stubs_c(const struct table *table, FILE *out);
void emit_tables_h(const struct table *table, FILE *out);
void emit_tables_c(const struct table *table, FILE *out);

/* emit_info.c: what the tracer and the tests read. */
void emit_info_h(const struct table *table, FILE *out);
void emit_info_c(const struct table *table, FILE *out);
void emit_coverage(const struct table *table, FILE *out);

/* The row of a number, or NULL for a gap. */
const struct row *emit_row_at(const struct table *table, enum table_abi abi, int number);

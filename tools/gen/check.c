// SPDX-License-Identifier: MIT
/* Rows against rows; see check.h. */
#include "tools/gen/check.h"

#include "tools/gen/diag.h"

#include <string.h>

/* The earlier row that makes `row` a duplicate in this ABI, by name or by number. */
static void check_duplicate(const struct table *table, size_t index, enum table_abi abi)
{
	const struct row *row = &table->rows[index];

	for (size_t i = 0; i < index; i++) {
		const struct row *other = &table->rows[i];

		if (row->number[abi] == TABLE_ABSENT || other->number[abi] == TABLE_ABSENT)
			continue;
		if (!strcmp(row->name, other->name)) {
			diag_error(table->path, row->line, "%s has an %s row already, at line %u",
				   row->name, table_abi_name[abi], other->line);
			return;
		}
		if (row->number[abi] == other->number[abi]) {
			diag_error(table->path, row->line, "%s: %s number %d is %s's, at line %u",
				   row->name, table_abi_name[abi], row->number[abi], other->name,
				   other->line);
			return;
		}
	}
}

static bool same_parameters(const struct row *a, const struct row *b)
{
	if (a->arg_count != b->arg_count || a->frame != b->frame)
		return false;
	for (unsigned i = 0; i < a->arg_count; i++)
		if (strcmp(arg_c_type(&a->args[i]), arg_c_type(&b->args[i])))
			return false;
	return true;
}

/* Rows that share a handler share its C prototype, and are all implemented or all not. */
static void check_handler(const struct table *table, size_t index)
{
	const struct row *row = &table->rows[index];

	for (size_t i = 0; row->typed && i < index; i++) {
		const struct row *other = &table->rows[i];

		if (!other->typed || strcmp(row->handler, other->handler))
			continue;
		if (!same_parameters(row, other))
			diag_error(table->path, row->line,
				   "%s: the parameters of %s differ in C from those at line %u",
				   row->name, row->handler, other->line);
		else if (row->implemented != other->implemented)
			diag_error(table->path, row->line, "%s: %s is %s here but %s at line %u",
				   row->name, row->handler,
				   row->implemented ? "implemented" : "enosys",
				   other->implemented ? "implemented" : "enosys", other->line);
		return;
	}
}

static const struct row *row_at(const struct table *table, enum table_abi abi, int number)
{
	for (size_t i = 0; i < table->row_count; i++)
		if (table->rows[i].number[abi] == number)
			return &table->rows[i];
	return NULL;
}

static const struct gap *gap_at(const struct table *table, enum table_abi abi, int number)
{
	for (size_t i = 0; i < table->gap_count; i++) {
		const struct gap *gap = &table->gaps[i];

		if (gap->abi == abi && gap->first <= number && number <= gap->last)
			return gap;
	}
	return NULL;
}

/* Every number below the end has exactly one of the two: a row or a gap. */
static void check_numbers(const struct table *table, enum table_abi abi)
{
	int length = table_length(table, abi);

	for (int number = 0; number < length; number++) {
		const struct row *row = row_at(table, abi, number);
		const struct gap *gap = gap_at(table, abi, number);

		if (!row && !gap)
			diag_error(table->path, 0, "%s number %d has no row and no %%gap",
				   table_abi_name[abi], number);
		else if (row && gap)
			diag_error(table->path, gap->line, "this gap hides %s number %d, %s",
				   table_abi_name[abi], number, row->name);
	}
}

/* A gap that reaches past the table would hide numbers that come later. */
static void check_gaps(const struct table *table)
{
	for (size_t i = 0; i < table->gap_count; i++) {
		const struct gap *gap = &table->gaps[i];

		if (gap->last >= table_length(table, gap->abi))
			diag_error(table->path, gap->line, "this gap lies past the end of %s",
				   table_abi_name[gap->abi]);
	}
}

static void check_sets(const struct table *table)
{
	for (size_t i = 0; i < table->set_count; i++) {
		const struct set *set = table->sets[i];

		if (!set->used)
			diag_error(table->path, set->line, "%s:%s is declared but not used",
				   table_set_kind[set->kind], set->name);
	}
}

void check_table(struct table *table)
{
	if (!table->row_count)
		diag_error(table->path, 0, "no rows");
	for (size_t i = 0; i < table->row_count; i++)
		for (int abi = 0; abi < ABI_COUNT; abi++)
			check_duplicate(table, i, (enum table_abi)abi);
	if (diag_count())
		return;
	for (size_t i = 0; i < table->row_count; i++)
		check_handler(table, i);
	for (int abi = 0; abi < ABI_COUNT; abi++)
		check_numbers(table, (enum table_abi)abi);
	check_gaps(table);
	check_sets(table);
}

// SPDX-License-Identifier: MIT
/*
 * Reads abi/syscalls.tbl: comments, % declarations, rows, and lines that begin with a blank, which
 * continue the line before. Each joined line is judged alone here; its first number is its number.
 */
#include "tools/gen/table.h"

#include "tools/gen/arena.h"
#include "tools/gen/diag.h"
#include "tools/gen/proto.h"
#include "tools/gen/scan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const table_abi_name[ABI_COUNT] = {"x86_64", "i386", "x32"};
const char *const table_set_kind[SET_KINDS] = {"flags", "enum", "var", "struct"};

struct set *table_set_find(struct table *table, enum set_kind kind, const char *name, size_t length)
{
	for (size_t i = 0; i < table->set_count; i++) {
		struct set *set = table->sets[i];

		if (set->kind == kind && strlen(set->name) == length &&
		    !memcmp(set->name, name, length))
			return set;
	}
	return NULL;
}

int table_length(const struct table *table, enum table_abi abi)
{
	int length = 0;

	for (size_t i = 0; i < table->row_count; i++)
		if (table->rows[i].number[abi] >= length)
			length = table->rows[i].number[abi] + 1;
	return length;
}

unsigned arg_registers(const struct arg *arg, enum table_abi abi)
{
	bool wide = arg->type->width == WIDTH_S64 || arg->type->width == WIDTH_U64;

	return arg->direction == ARG_VALUE && wide && abi == ABI_I386 ? 2 : 1;
}

const char *arg_c_type(const struct arg *arg)
{
	return arg->direction == ARG_VALUE ? arg->type->c_type : "uptr";
}

/* %flags, %enum, %var, %struct: any number of names. */
static void set_declare(struct table *table, unsigned line, enum set_kind kind, struct scan *scan)
{
	while (!scan_end(scan)) {
		struct word word = scan_name(scan);
		struct set *set;

		if (!word.length) {
			diag_error(table->path, line, "bad character '%c' in a list of names",
				   *scan->at);
			return;
		}
		if (table_set_find(table, kind, word.at, word.length)) {
			diag_error(table->path, line, "%s:%.*s is declared twice",
				   table_set_kind[kind], (int)word.length, word.at);
			return;
		}
		set = arena_alloc(sizeof(*set));
		set->name = arena_text(word.at, word.length);
		set->kind = kind;
		set->line = line;
		table->sets = arena_grow(table->sets, table->set_count, sizeof(struct set *));
		table->sets[table->set_count++] = set;
		set->index = (unsigned)table->set_count;
	}
}

/* %gap ABI FIRST[-LAST] why nobody has these numbers. */
static void gap_declare(struct table *table, unsigned line, struct scan *scan)
{
	struct word abi = scan_name(scan);
	struct gap gap = {.line = line, .abi = ABI_COUNT};

	for (int i = 0; i < ABI_COUNT; i++)
		if (word_is(abi, table_abi_name[i]))
			gap.abi = (enum table_abi)i;
	gap.first = word_number(scan_name(scan));
	gap.last = scan_char(scan, '-') ? word_number(scan_name(scan)) : gap.first;
	if (gap.abi == ABI_COUNT || gap.first < 0 || gap.last < gap.first || scan_end(scan)) {
		diag_error(table->path, line, "a gap needs: %%gap ABI FIRST[-LAST] reason");
		return;
	}
	table->gaps = arena_grow(table->gaps, table->gap_count, sizeof(gap));
	table->gaps[table->gap_count++] = gap;
}

static void line_declare(struct table *table, unsigned line, struct scan *scan)
{
	struct word word;

	scan_char(scan, '%');
	word = scan_column(scan);
	if (word_is(word, "gap")) {
		gap_declare(table, line, scan);
		return;
	}
	for (int i = 0; i < SET_KINDS; i++) {
		if (word_is(word, table_set_kind[i])) {
			set_declare(table, line, (enum set_kind)i, scan);
			return;
		}
	}
	diag_error(table->path, line, "unknown declaration '%%%.*s'", (int)word.length, word.at);
}

static bool row_number(struct table *table, struct row *row, enum table_abi abi, struct word word)
{
	int end = abi == ABI_X32 ? TABLE_X32_END : TABLE_NUMBER_END;
	int number = word_number(word);

	row->number[abi] = TABLE_ABSENT;
	if (word_is(word, "-"))
		return true;
	if (number < 0) {
		diag_error(table->path, row->line, "%s: %s column '%.*s' is no number and no '-'",
			   row->name, table_abi_name[abi], (int)word.length, word.at);
		return false;
	}
	if (number >= end) {
		diag_error(table->path, row->line, "%s: %s number %d is out of range (0 to %d)",
			   row->name, table_abi_name[abi], number, end - 1);
		return false;
	}
	row->number[abi] = number;
	return true;
}

/* x32 has the very calls of x86_64 below 512, and its own from there on. */
static bool row_numbers_agree(struct table *table, struct row *row)
{
	int native = row->number[ABI_X86_64], x32 = row->number[ABI_X32];

	if (native == TABLE_ABSENT && row->number[ABI_I386] == TABLE_ABSENT &&
	    x32 == TABLE_ABSENT) {
		diag_error(table->path, row->line, "%s: no ABI has this call", row->name);
		return false;
	}
	if (x32 != TABLE_ABSENT && x32 < TABLE_X32_FIRST && x32 != native) {
		diag_error(table->path, row->line,
			   "%s: x32 number %d is below 512 and not x86_64's number of this row",
			   row->name, x32);
		return false;
	}
	return true;
}

static void line_row(struct table *table, unsigned line, struct scan *scan)
{
	struct row row = {.line = line};
	struct word name = scan_column(scan), numbers[ABI_COUNT];
	struct scan name_scan = {name.at};

	for (int i = 0; i < ABI_COUNT; i++)
		numbers[i] = scan_column(scan);
	if (scan_end(scan)) {
		diag_error(table->path, line, "a row needs: name x86_64 i386 x32 prototype");
		return;
	}
	row.name = arena_text(name.at, name.length);
	if (scan_name(&name_scan).length != name.length) {
		diag_error(table->path, line, "'%s' is no name of a call", row.name);
		return;
	}
	for (int i = 0; i < ABI_COUNT; i++)
		if (!row_number(table, &row, (enum table_abi)i, numbers[i]))
			return;
	if (!row_numbers_agree(table, &row) || !proto_parse(table, &row, scan->at))
		return;
	table->rows = arena_grow(table->rows, table->row_count, sizeof(row));
	table->rows[table->row_count++] = row;
}

static void line_read(struct table *table, unsigned line, const char *text)
{
	struct scan scan = {text};

	if (scan_end(&scan))
		return;
	if (*scan.at == '%')
		line_declare(table, line, &scan);
	else
		line_row(table, line, &scan);
}

/* The whole file with a NUL behind it, or NULL with errno. */
static char *file_read(const char *path, size_t *size)
{
	FILE *file = fopen(path, "r");
	char *text = NULL, buffer[4096];
	size_t count;
	FILE *copy;

	if (!file)
		return NULL;
	copy = open_memstream(&text, size);
	if (!copy) {
		fclose(file);
		return NULL;
	}
	while ((count = fread(buffer, 1, sizeof(buffer), file)))
		fwrite(buffer, 1, count, copy);
	if (ferror(file)) {
		fclose(copy);
		free(text);
		text = NULL;
		errno = EIO;
	} else if (fclose(copy)) {
		free(text);
		text = NULL;
	}
	fclose(file);
	return text;
}

/* Ends the physical line at a comment or the newline; returns where the next one begins. */
static char *line_cut(char *line)
{
	char *end = line + strcspn(line, "\n");
	char *next = *end ? end + 1 : end;

	*end = '\0';
	line[strcspn(line, "#")] = '\0';
	return next;
}

static void lines_read(struct table *table, char *text)
{
	unsigned line = 0, first = 0;
	char *joined = arena_text("", 0);

	while (*text) {
		char *next = line_cut(text);

		line++;
		if (*text == ' ' || *text == '\t') {
			/* A continuation takes the place of a line's end: join with one blank. */
			size_t have = strlen(joined), more = strlen(text);
			char *longer = arena_alloc(have + more + 1);

			memcpy(longer, joined, have);
			memcpy(longer + have, text, more);
			joined = longer;
		} else {
			line_read(table, first, joined);
			joined = arena_text(text, strlen(text));
			first = line;
		}
		text = next;
	}
	line_read(table, first, joined);
}

bool table_read(struct table *table, const char *path)
{
	size_t size = 0;
	char *text = file_read(path, &size);
	char *nul;

	*table = (struct table){.path = path};
	if (!text) {
		diag_error(path, 0, "cannot read: %s", strerror(errno));
		return false;
	}
	nul = memchr(text, '\0', size);
	if (nul)
		diag_error(path, 0, "has a NUL byte at offset %zu", (size_t)(nul - text));
	else
		lines_read(table, text);
	free(text);
	return true;
}

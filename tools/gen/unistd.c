// SPDX-License-Identifier: MIT
/* Reads `#define __NR_name value` lines and compares; see unistd.h. */
#include "tools/gen/unistd.h"

#include "tools/gen/arena.h"
#include "tools/gen/diag.h"
#include "tools/gen/scan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	const char *name;
	int number;
	unsigned line;
	bool seen;
};

struct header {
	const char *path;
	struct entry *entries;
	size_t count;
};

/* A plain number, or (__X32_SYSCALL_BIT + number). */
static int value_parse(struct scan *scan)
{
	int number;

	if (!scan_char(scan, '('))
		return word_number(scan_name(scan));
	if (!word_is(scan_name(scan), "__X32_SYSCALL_BIT") || !scan_char(scan, '+'))
		return -1;
	number = word_number(scan_name(scan));
	return scan_char(scan, ')') ? number : -1;
}

static void header_line(struct header *header, unsigned line, const char *text)
{
	static const char prefix[] = "__NR_";
	struct scan scan = {text};
	struct entry entry = {.line = line};
	struct word word;

	if (!scan_char(&scan, '#') || !word_is(scan_name(&scan), "define"))
		return;
	word = scan_name(&scan);
	if (word.length < sizeof(prefix) || memcmp(word.at, prefix, sizeof(prefix) - 1))
		return;
	entry.name = arena_text(word.at + sizeof(prefix) - 1, word.length - sizeof(prefix) + 1);
	entry.number = value_parse(&scan);
	if (entry.number < 0 || !scan_end(&scan)) {
		diag_error(header->path, line, "cannot read the number of %s", entry.name);
		return;
	}
	header->entries = arena_grow(header->entries, header->count, sizeof(entry));
	header->entries[header->count++] = entry;
}

static bool header_read(struct header *header, const char *dir, const char *name)
{
	size_t size = strlen(dir) + strlen(name) + 2;
	char *path = arena_alloc(size), *text = NULL;
	size_t capacity = 0;
	unsigned line = 0;
	FILE *file;

	snprintf(path, size, "%s/%s", dir, name);
	*header = (struct header){.path = path};
	file = fopen(path, "r");
	if (!file) {
		diag_error(path, 0, "cannot read: %s", strerror(errno));
		return false;
	}
	while (getline(&text, &capacity, file) > 0) {
		text[strcspn(text, "\r\n")] = '\0';
		header_line(header, ++line, text);
	}
	free(text);
	fclose(file);
	if (!header->count)
		diag_error(path, 0, "defines no system calls");
	return header->count;
}

static void row_compare(const struct table *table, const struct row *row, enum table_abi abi,
			struct header *header)
{
	if (row->number[abi] == TABLE_ABSENT)
		return;
	for (size_t i = 0; i < header->count; i++) {
		struct entry *entry = &header->entries[i];

		if (strcmp(entry->name, row->name))
			continue;
		entry->seen = true;
		if (entry->number != row->number[abi])
			diag_error(table->path, row->line, "%s: %s number is %d here, %d at %s:%u",
				   row->name, table_abi_name[abi], row->number[abi], entry->number,
				   header->path, entry->line);
		return;
	}
	diag_error(table->path, row->line, "%s: %s does not have it", row->name, header->path);
}

void unistd_check(const struct table *table, const char *dir)
{
	static const char *const names[ABI_COUNT] = {"unistd_64.h", "unistd_32.h", "unistd_x32.h"};

	for (int abi = 0; abi < ABI_COUNT; abi++) {
		struct header header;

		if (!header_read(&header, dir, names[abi]))
			continue;
		for (size_t i = 0; i < table->row_count; i++)
			row_compare(table, &table->rows[i], (enum table_abi)abi, &header);
		for (size_t i = 0; i < header.count; i++)
			if (!header.entries[i].seen)
				diag_error(header.path, header.entries[i].line,
					   "%s (%d) has no %s row in %s", header.entries[i].name,
					   header.entries[i].number, table_abi_name[abi],
					   table->path);
	}
}

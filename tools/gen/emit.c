// SPDX-License-Identifier: MIT
/* Files of the generator: each is written to memory first, then compared with what is there. */
#include "tools/gen/emit.h"

#include "tools/gen/arena.h"
#include "tools/gen/diag.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct output {
	const char *name;
	void (*write)(const struct table *table, FILE *out);
};

static const struct output outputs[] = {
	{"syscall_numbers.h", emit_numbers_h}, {"sys_proto.h", emit_proto_h},
	{"syscall_stubs.c", emit_stubs_c},     {"syscall_tables.h", emit_tables_h},
	{"syscall_tables.c", emit_tables_c},   {"syscall_info.h", emit_info_h},
	{"syscall_info.c", emit_info_c},       {"coverage.txt", emit_coverage},
};

const struct row *emit_row_at(const struct table *table, enum table_abi abi, int number)
{
	for (size_t i = 0; i < table->row_count; i++)
		if (table->rows[i].number[abi] == number)
			return &table->rows[i];
	return NULL;
}

/* Is `path` a file with exactly these bytes? */
static bool file_has(const char *path, const char *text, size_t size)
{
	FILE *file = fopen(path, "r");
	char *have;
	size_t count;

	if (!file)
		return false;
	have = malloc(size + 1);
	count = have ? fread(have, 1, size + 1, file) : 0;
	fclose(file);
	if (count != size || memcmp(have, text, size)) {
		free(have);
		return false;
	}
	free(have);
	return true;
}

static bool file_write(const char *path, const char *text, size_t size)
{
	FILE *file;
	bool written;

	if (file_has(path, text, size))
		return true;
	file = fopen(path, "w");
	written = file && fwrite(text, 1, size, file) == size;
	if (file && fclose(file))
		written = false;
	if (!written)
		diag_error(path, 0, "cannot write: %s", strerror(errno));
	return written;
}

static bool output_write(const struct table *table, const char *dir, const struct output *output)
{
	size_t length = strlen(dir) + strlen(output->name) + 2, size = 0;
	char *path = arena_alloc(length), *text = NULL;
	FILE *memory = open_memstream(&text, &size);
	bool written;

	snprintf(path, length, "%s/%s", dir, output->name);
	if (memory)
		output->write(table, memory);
	if (!memory || fclose(memory)) {
		diag_error(path, 0, "cannot write: %s", strerror(errno));
		free(text);
		return false;
	}
	written = file_write(path, text, size);
	free(text);
	return written;
}

/* mkdir -p */
static bool dir_make(const char *dir)
{
	char *path = arena_text(dir, strlen(dir));

	for (char *at = path + 1; *path; at++) {
		char end = *at;

		if (end && end != '/')
			continue;
		*at = '\0';
		if (mkdir(path, 0777) && errno != EEXIST) {
			diag_error(path, 0, "cannot make the directory: %s", strerror(errno));
			return false;
		}
		*at = end;
		if (!end)
			return true;
	}
	return true;
}

bool emit_all(const struct table *table, const char *dir)
{
	if (!dir_make(dir))
		return false;
	for (size_t i = 0; i < sizeof(outputs) / sizeof(outputs[0]); i++)
		if (!output_write(table, dir, &outputs[i]))
			return false;
	return true;
}

// SPDX-License-Identifier: MIT
/*
 * gentbl: checks abi/syscalls.tbl and writes what the kernel and the host tools need of it.
 *
 *	gentbl --table abi/syscalls.tbl --unistd-dir /usr/include/x86_64-linux-gnu/asm --out
 *build/gen gentbl --table … --unistd-dir … --check
 *
 * Exit status: 0 well, 1 the table is wrong, 2 wrong usage. Nothing is written for a wrong table.
 */
#include "tools/gen/arena.h"
#include "tools/gen/check.h"
#include "tools/gen/diag.h"
#include "tools/gen/emit.h"
#include "tools/gen/unistd.h"

#include <stdio.h>
#include <string.h>

struct options {
	const char *table;
	const char *unistd_dir;
	const char *out;
	bool check;
};

static bool options_read(struct options *options, int argc, char **argv)
{
	const struct {
		const char *name;
		const char **value;
	} known[] = {
		{"--table", &options->table},
		{"--unistd-dir", &options->unistd_dir},
		{"--out", &options->out},
	};

	for (int i = 1; i < argc; i++) {
		const char **value = NULL;

		for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
			if (!strcmp(argv[i], known[k].name))
				value = known[k].value;
		if (!strcmp(argv[i], "--check"))
			options->check = true;
		else if (value && i + 1 < argc)
			*value = argv[++i];
		else
			return false;
	}
	return options->table && options->unistd_dir && options->check == !options->out;
}

/* Each phase relies on the one before: the first that finds a mistake is the last that runs. */
static bool table_check(struct table *table, const struct options *options)
{
	if (!table_read(table, options->table) || diag_count())
		return false;
	check_table(table);
	if (diag_count())
		return false;
	unistd_check(table, options->unistd_dir);
	return !diag_count();
}

int main(int argc, char **argv)
{
	struct options options = {0};
	struct table table;
	bool well;

	if (!options_read(&options, argc, argv)) {
		fputs("usage: gentbl --table FILE --unistd-dir DIR (--out DIR | --check)\n",
		      stderr);
		return 2;
	}
	well = table_check(&table, &options);
	if (well && options.out)
		well = emit_all(&table, options.out);
	arena_release();
	return well ? 0 : 1;
}

// SPDX-License-Identifier: MIT
/*
 * The kernel command line: words separated by blanks, `key`, `key=value`, with double quotes around
 * blanks
 * (`key="a b"` or `"key=a b"`). What follows a bare `--` belongs to init. A later word overrides an
 * earlier one.
 */
#pragma once

#include "lib/types.h"

struct cmdline_iter {
	const char *pos;
	bool for_init; /* past `--` */
};

/* A word: `len` bytes at key, then, when value is not NULL, value_len bytes. Not NUL-terminated;
 * quotes removed. */
struct cmdline_word {
	const char *key;
	size_t key_len;
	const char *value; /* NULL: there is no `=` */
	size_t value_len;
	bool for_init;
};

void cmdline_init(struct cmdline_iter *it, const char *line);
/* False at the end. The `--` itself is not returned. */
bool cmdline_next(struct cmdline_iter *it, struct cmdline_word *w);

/*
 * The value of the last `key=…` before `--`, copied with a NUL. Returns its length, -ENOENT when
 * there is none, -ENAMETOOLONG when it does not fit. A key without `=` has the value "".
 */
int cmdline_get(const char *line, const char *key, char *buf, size_t size);
/* A number by prefix, with a size suffix (k, m, g): 0, -ENOENT, -EINVAL or -ERANGE. */
int cmdline_get_u64(const char *line, const char *key, u64 *out);
/* True for `key`, `key=1`, `key=y`, `key=on`; `fallback` when absent; false for any other value. */
bool cmdline_get_bool(const char *line, const char *key, bool fallback);

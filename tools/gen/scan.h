// SPDX-License-Identifier: MIT
/* A cursor over one line of text: words, single characters, numbers. Never passes the NUL. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct scan {
	const char *at;
};

/* A piece of the line; not NUL-terminated. */
struct word {
	const char *at;
	size_t length;
};

void scan_blanks(struct scan *scan);

/* After blanks: letters, digits and '_'. Empty when something else stands there. */
struct word scan_name(struct scan *scan);

/* After blanks: anything up to the next blank. */
struct word scan_column(struct scan *scan);

/* After blanks: takes `c` when it stands there. */
bool scan_char(struct scan *scan, char c);

/* After blanks: is the line at its end? */
bool scan_end(struct scan *scan);

bool word_is(struct word word, const char *text);

/* All digits, at most 9 of them: the value; otherwise -1. */
int word_number(struct word word);

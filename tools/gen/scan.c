// SPDX-License-Identifier: MIT
/* A cursor over one line of text; see scan.h. ASCII only: the locale has no say in a build. */
#include "tools/gen/scan.h"

#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

void scan_blanks(struct scan *scan)
{
	while (is_blank(*scan->at))
		scan->at++;
}

struct word scan_name(struct scan *scan)
{
	struct word word;

	scan_blanks(scan);
	word.at = scan->at;
	while (is_name(*scan->at))
		scan->at++;
	word.length = (size_t)(scan->at - word.at);
	return word;
}

struct word scan_column(struct scan *scan)
{
	struct word word;

	scan_blanks(scan);
	word.at = scan->at;
	while (*scan->at && !is_blank(*scan->at))
		scan->at++;
	word.length = (size_t)(scan->at - word.at);
	return word;
}

bool scan_char(struct scan *scan, char c)
{
	scan_blanks(scan);
	if (*scan->at != c)
		return false;
	scan->at++;
	return true;
}

bool scan_end(struct scan *scan)
{
	scan_blanks(scan);
	return !*scan->at;
}

bool word_is(struct word word, const char *text)
{
	return strlen(text) == word.length && !memcmp(word.at, text, word.length);
}

int word_number(struct word word)
{
	int value = 0;

	if (!word.length || word.length > 9)
		return -1;
	for (size_t i = 0; i < word.length; i++) {
		if (!is_digit(word.at[i]))
			return -1;
		value = 10 * value + (word.at[i] - '0');
	}
	return value;
}

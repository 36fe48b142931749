// SPDX-License-Identifier: MIT
/*
 * The `#!` line, with Linux's rules about blanks, NULs and lines longer than the buffer.
 */
#include "lib/script.h"

#include <linux/errno.h>

#include "lib/string.h"

static bool script_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static size_t script_skip_blanks(const char *head, size_t pos, size_t end)
{
	while (pos < end && script_is_blank(head[pos]))
		pos++;
	return pos;
}

/* The end of the word at pos: a blank, a NUL or `end`. */
static size_t script_word_end(const char *head, size_t pos, size_t end)
{
	while (pos < end && !script_is_blank(head[pos]) && head[pos] != '\0')
		pos++;
	return pos;
}

int script_parse(struct script *s, char head[SCRIPT_HEAD_SIZE])
{
	const char *newline;
	size_t end, name, name_end, arg;

	if (head[0] != '#' || head[1] != '!')
		return -ENOEXEC;
	newline = memchr(head, '\n', SCRIPT_HEAD_SIZE);
	if (newline) {
		end = (size_t)(newline - head);
	} else {
		/*
		 * The line fills the buffer or ends with the file. The interpreter's name must be
		 * seen to end (by a blank or a NUL), or another, shorter one would run; an argument
		 * may be cut.
		 */
		end = SCRIPT_HEAD_SIZE - 1;
		name = script_skip_blanks(head, 2, SCRIPT_HEAD_SIZE);
		if (script_word_end(head, name, SCRIPT_HEAD_SIZE) == SCRIPT_HEAD_SIZE)
			return -ENOEXEC;
	}
	while (script_is_blank(head[end - 1]))
		end--;
	name = script_skip_blanks(head, 2, end);
	if (name >= end)
		return -ENOEXEC;
	name_end = script_word_end(head, name, end);
	arg = end;
	if (name_end < end && head[name_end] != '\0')
		arg = script_skip_blanks(head, name_end, end);
	head[end] = '\0';
	head[name_end] = '\0';
	s->interp = head + name;
	s->arg = arg < end ? head + arg : NULL;
	return 0;
}

// SPDX-License-Identifier: MIT
// Messages and memory for the launcher. A message is one line and one write, so that it never
// interleaves with the guest's own stderr in the middle of a line.
#include "host/say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void say_va(const char *fmt, va_list ap)
{
	char line[1024] = "postern: ";
	size_t at = strlen(line);

	int n = vsnprintf(line + at, sizeof(line) - at - 1, fmt, ap);
	if (n > 0)
		at += (size_t)n;
	if (at > sizeof(line) - 2)
		at = sizeof(line) - 2;
	// File names may hold control characters: a message is one line, and no terminal commands.
	for (size_t i = 0; i < at; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	line[at++] = '\n';
	ssize_t done = write(STDERR_FILENO, line, at);
	(void)done; // nowhere left to report that stderr is closed
}

void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_va(fmt, ap);
	va_end(ap);
}

void fail(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_va(fmt, ap);
	va_end(ap);
	exit(status);
}

void *mem_alloc(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (!p)
		fail(STATUS_FAILURE, "out of memory on the host");
	return p;
}

void *mem_resize(void *old, size_t size)
{
	void *p = realloc(old, size ? size : 1);

	if (!p)
		fail(STATUS_FAILURE, "out of memory on the host");
	return p;
}

char *mem_strdup(const char *s)
{
	size_t size = strlen(s) + 1;

	return memcpy(mem_alloc(size), s, size);
}

char *mem_printf(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	int n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		fail(STATUS_FAILURE, "out of memory on the host");
	return s;
}

void strlist_add(struct strlist *list, const char *s)
{
	// Grown one power of two at a time: n is a power exactly when the array is full.
	if ((list->n & (list->n - 1)) == 0)
		list->v = mem_resize(list->v, (list->n ? list->n * 2 : 1) * sizeof(*list->v));
	list->v[list->n++] = s;
}

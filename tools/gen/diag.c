// SPDX-License-Identifier: MIT
/* Messages of the table generator; see diag.h. */
#include "tools/gen/diag.h"

#include <stdarg.h>
#include <stdio.h>

static unsigned error_count;

void diag_error(const char *file, unsigned line, const char *format, ...)
{
	va_list args;

	error_count++;
	if (line)
		fprintf(stderr, "%s:%u: ", file, line);
	else
		fprintf(stderr, "%s: ", file);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

unsigned diag_count(void)
{
	return error_count;
}

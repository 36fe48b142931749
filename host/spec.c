// SPDX-License-Identifier: MIT
// Writes the boot spec: lines of `key value`, the value escaped so that any byte but NUL survives.
#include "host/spec.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void spec_line(FILE *f, const char *key, const char *value)
{
	fprintf(f, "%s ", key);
	for (const unsigned char *p = (const unsigned char *)value; *p; p++) {
		if (*p == '\\')
			fputs("\\\\", f);
		else if (*p == '\n')
			fputs("\\n", f);
		else if (*p < ' ' || *p == 0x7f)
			fprintf(f, "\\x%02X", *p);
		else
			fputc(*p, f);
	}
	fputc('\n', f);
}

static void time_digits(char *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	// A clock before 2001 would need fewer digits: then leading zeros keep the width.
	snprintf(out, SPEC_TIME_DIGITS + 1, "%0*" PRIu64, SPEC_TIME_DIGITS,
		 (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
}

uint64_t spec_write(const struct spec *s, struct archive *a)
{
	char *text = NULL, digits[SPEC_TIME_DIGITS + 1];
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		fail(STATUS_FAILURE, "out of memory on the host");
	time_digits(digits);
	fprintf(f, "postern 1\ntime %s\n", digits);
	for (char *const *arg = s->argv; *arg; arg++)
		spec_line(f, "arg", *arg);
	if (s->exe)
		spec_line(f, "exe", s->exe);
	for (size_t i = 0; i < s->env.n; i++)
		spec_line(f, "env", s->env.v[i]);
	spec_line(f, "cwd", s->cwd);
	fprintf(f, "uid %" PRIu32 "\ngid %" PRIu32 "\nroot initrd\n", s->uid, s->gid);
	fprintf(f, "io %s\n", s->tty ? "tty" : "streams");
	if (s->tty)
		fprintf(f, "winsize %u %u\n", s->rows, s->cols);
	fprintf(f, "klog %d\n", s->klog);
	if (fclose(f))
		fail(STATUS_FAILURE, "out of memory on the host");

	struct archive_entry e = {.name = ".postern/spec", .mode = S_IFREG | 0600, .size = size};
	archive_put(a, &e, text);
	uint64_t time_at = a->data_at + strlen("postern 1\ntime ");
	archive_end(a);
	free(text);
	return time_at;
}

void spec_set_time(int fd, uint64_t at)
{
	char digits[SPEC_TIME_DIGITS + 1];

	time_digits(digits);
	if (pwrite(fd, digits, SPEC_TIME_DIGITS, (off_t)at) != SPEC_TIME_DIGITS)
		fail(STATUS_FAILURE, "writing the boot spec: %s", strerror(errno));
}

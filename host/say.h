// SPDX-License-Identifier: MIT
// Messages for the person at the terminal, and the launcher's own exit statuses.
#pragma once

#include <stddef.h>

// Exit statuses that don't come from the program; the same numbers env(1), timeout(1) and
// container tools use, so scripts can tell them apart from a program's own small statuses.
enum {
	STATUS_TIMEOUT = 124,
	STATUS_FAILURE = 125,  // the launcher's, QEMU's or the kernel's own failure
	STATUS_NOEXEC = 126,   // PROGRAM is there but can't be executed
	STATUS_NOTFOUND = 127, // PROGRAM is not there
	STATUS_SIGNAL = 128,   // plus the signal's number
};

// One line on stderr, `postern: ` before it.
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

// The same line, then exit(status); atexit handlers restore the terminal.
void fail(int status, const char *fmt, ...) __attribute__((noreturn, format(printf, 2, 3)));

// Memory that can't run out quietly: fail(STATUS_FAILURE) instead of NULL.
void *mem_alloc(size_t size);		  // zeroed
void *mem_resize(void *old, size_t size); // like realloc
char *mem_strdup(const char *s);
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

// A growing list of strings that it does not own.
struct strlist {
	const char **v;
	size_t n;
};
void strlist_add(struct strlist *list, const char *s);

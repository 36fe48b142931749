// SPDX-License-Identifier: MIT
/*
 * Parser of the boot spec: the text in `.postern/spec` by which the launcher describes a run. It
 * works in place: values are unescaped inside the text buffer, and the result points there.
 */
#pragma once

#include "lib/types.h"

#define BOOTSPEC_VERSION 1
#define BOOTSPEC_PATH	 ".postern/spec"

enum bootspec_io { BOOTSPEC_IO_STREAMS, BOOTSPEC_IO_TTY };
enum bootspec_root { BOOTSPEC_ROOT_INITRD };

struct bootspec {
	/* Set by the caller before bootspec_parse: room for the pointers, including the NULL that
	 * ends each list. */
	char **argv;
	char **envp;
	size_t argv_max;
	size_t envp_max;
	/* Results. */
	size_t argc; /* >= 1 */
	size_t envc;
	const char *exe; /* NULL: search argv[0] along PATH */
	const char *cwd; /* absolute; "/" by default */
	u32 uid;
	u32 gid;
	enum bootspec_root root;
	enum bootspec_io io;
	bool has_winsize;
	u16 rows;
	u16 cols;
	bool has_time;
	u64 time_ns; /* CLOCK_REALTIME of the host at launch */
	bool klog;
	/* After a failure. */
	u32 error_line; /* from 1; 0: the spec as a whole */
	const char *error;
};

/*
 * text[len] must be writable and is set to NUL. -EINVAL: malformed (error, error_line); -E2BIG: a
 * list is full.
 */
int bootspec_parse(struct bootspec *spec, char *text, size_t len) MUST_CHECK;

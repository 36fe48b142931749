// SPDX-License-Identifier: MIT
/*
 * Messages of the table generator: one line each, "file:line: text", on stderr, and counted.
 * Every phase looks at the count before the next one starts, so that one mistake gives one message.
 */
#pragma once

/* Prints file:line: and the message; line 0 leaves the number out. */
__attribute__((format(printf, 3, 4))) void diag_error(const char *file, unsigned line,
						      const char *format, ...);

/* How many messages were printed so far. */
unsigned diag_count(void);

// SPDX-License-Identifier: MIT
/*
 * Formatted text into a buffer, for the kernel log and /proc. Understands %d %i %u %x %X %o %c %s
 * %p %%, the flags
 * `-`, `0`, `+`, space and `#`, width and precision (also `*`), and hh h l ll z j t. No floating
 * point, no %n.
 */
#pragma once

#include <stdarg.h>

#include "lib/types.h"

/*
 * Writes at most size-1 bytes and a NUL (nothing for size 0). Returns the length of the whole text:
 * >= size says that it was cut. An unknown conversion is copied as it stands and takes no argument.
 */
int fmt_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap) PRINTF(3, 0);
int fmt_snprintf(char *buf, size_t size, const char *fmt, ...) PRINTF(3, 4);
/* As fmt_snprintf, but returns what is really in the buffer: at most size-1. For building text
 * piece by piece. */
int fmt_scnprintf(char *buf, size_t size, const char *fmt, ...) PRINTF(3, 4);
/* u64 to decimal without the format machinery; `buf` takes up to 20 digits, no NUL. Returns the
 * digits written. */
unsigned int fmt_u64(char *buf, u64 value);

// SPDX-License-Identifier: MIT
/*
 * Memory and string functions. In the kernel lib/string.c supplies the C names and the builtins let
 * the compiler expand small constant sizes in place; on the host they are libc's own (and the
 * sanitizers see them).
 */
#pragma once

#include "lib/types.h"

#if __STDC_HOSTED__
#include <string.h>
#else
void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
/* -ffreestanding turns the builtin meaning of these names off; this turns it on again. */
#define memcpy(d, s, n)	 __builtin_memcpy(d, s, n)
#define memmove(d, s, n) __builtin_memmove(d, s, n)
#define memset(d, c, n)	 __builtin_memset(d, c, n)
#define memcmp(a, b, n)	 __builtin_memcmp(a, b, n)
#define strlen(s)	 __builtin_strlen(s)
#define strcmp(a, b)	 __builtin_strcmp(a, b)
#endif

/*
 * Copies `src` with its NUL into `dst` of `size` bytes, cut short when it does not fit; always
 * terminated for size > 0. Returns strlen(src): a result >= size says that it was cut.
 */
size_t str_copy(char *dst, const char *src, size_t size);
/* Appends likewise; returns the length it tried to make. */
size_t str_append(char *dst, const char *src, size_t size);

static inline bool str_eq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

bool str_starts(const char *s, const char *prefix);
/* Overwrites secrets; the compiler may not drop it as a dead store. */
void mem_wipe(void *p, size_t n);
/* True when all bytes are zero (clone3, openat2 and friends: unknown tails must be). */
bool mem_is_zero(const void *p, size_t n);

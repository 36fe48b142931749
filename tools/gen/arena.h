// SPDX-License-Identifier: MIT
/*
 * Memory of the table generator: everything lives until the end of the run and goes at once.
 * Out of memory ends the program with a message: a build tool has no better answer.
 */
#pragma once

#include <stddef.h>

/* Zeroed memory, aligned for any type. */
void *arena_alloc(size_t size);

/* A NUL-terminated copy of `length` bytes. */
char *arena_text(const char *from, size_t length);

/*
 * Returns `array` with room for one more than `count` elements of `size` bytes: itself, or a copy
 * twice as long when `count` is a power of two (or zero).
 */
void *arena_grow(void *array, size_t count, size_t size);

/* Gives all of it back. */
void arena_release(void);

// SPDX-License-Identifier: MIT
/* Memory of the table generator; see arena.h. The blocks form a list, newest first. */
#include "tools/gen/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct block {
	struct block *next;
	max_align_t bytes[];
};

static struct block *block_list;

void *arena_alloc(size_t size)
{
	struct block *block = calloc(1, sizeof(*block) + size);

	if (!block) {
		fputs("gentbl: out of memory\n", stderr);
		exit(2);
	}
	block->next = block_list;
	block_list = block;
	return block->bytes;
}

char *arena_text(const char *from, size_t length)
{
	char *copy = arena_alloc(length + 1);

	memcpy(copy, from, length);
	return copy;
}

void *arena_grow(void *array, size_t count, size_t size)
{
	void *larger;

	if (count & (count - 1))
		return array;
	larger = arena_alloc((count ? 2 * count : 1) * size);
	if (count)
		memcpy(larger, array, count * size);
	return larger;
}

void arena_release(void)
{
	while (block_list) {
		struct block *next = block_list->next;

		free(block_list);
		block_list = next;
	}
}

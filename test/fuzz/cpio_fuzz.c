// SPDX-License-Identifier: MIT
/*
 * lib/cpio.c on any bytes: every entry lies inside the buffer, the reader always advances, and
 * ends.
 */
#include "lib/cpio.h"
#include "lib/string.h"

#define CHECK(cond)                       \
	do {                              \
		if (!(cond))              \
			__builtin_trap(); \
	} while (0)

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct cpio_reader r;
	struct cpio_entry e;
	size_t last = 0;
	volatile u8 sum = 0;
	int n;

	cpio_init(&r, data, size);
	while ((n = cpio_next(&r, &e)) == 1) {
		CHECK(r.pos > last && r.pos <= size);
		CHECK(strlen(e.name) == e.name_len && e.name_len <= CPIO_NAME_MAX);
		CHECK(e.data >= data && e.data + e.size <= data + size);
		for (u32 i = 0; i < e.size; i++)
			sum = (u8)(sum + e.data[i]);
		last = r.pos;
	}
	CHECK(n == 0 ? r.pos <= size : r.error != NULL && r.error_offset <= size);
	return 0;
}

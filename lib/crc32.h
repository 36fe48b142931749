// SPDX-License-Identifier: MIT
/*
 * CRC-32 of gzip and zip (RFC 1952 §8), four bytes a step. The table is the caller's, made by
 * crc32_init.
 */
#pragma once

#include "lib/types.h"

struct crc32_table {
	u32 t[4][256];
};

void crc32_init(struct crc32_table *tab);
/* Continues `crc` (0 at the start) over `len` more bytes. */
u32 crc32_update(const struct crc32_table *tab, u32 crc, const void *data, size_t len);

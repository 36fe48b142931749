// SPDX-License-Identifier: MIT
/*
 * lib/inflate.c on any bytes, raw and as gzip, into a small buffer and through the callback: both
 * must agree with each other and, for raw data, with zlib.
 */
#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "lib/inflate.h"
#include "lib/string.h"

#define MAX_OUT 200000

#define CHECK(cond)                       \
	do {                              \
		if (!(cond))              \
			__builtin_trap(); \
	} while (0)

static struct inflate z;
static u8 whole[MAX_OUT], pieces[MAX_OUT], ring[INFLATE_BUF_MIN], ref[MAX_OUT];
static size_t npieces;

static int take(void *ctx, const u8 *data, size_t len)
{
	(void)ctx;
	if (len > MAX_OUT - npieces)
		return -ENOSPC;
	memcpy(pieces + npieces, data, len);
	npieces += len;
	return 0;
}

static void compare_with_zlib(const u8 *data, size_t size, int err, u64 total)
{
	z_stream s = {.next_in = (u8 *)(uintptr_t)data,
		      .avail_in = (unsigned int)size,
		      .next_out = ref,
		      .avail_out = MAX_OUT};
	int rc;

	CHECK(inflateInit2(&s, -15) == Z_OK);
	rc = inflate(&s, Z_FINISH);
	if (err == 0)
		CHECK(rc == Z_STREAM_END && s.total_out == total && memcmp(ref, whole, total) == 0);
	else if (err == -EINVAL)
		CHECK(rc != Z_STREAM_END);
	inflateEnd(&s);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct inflate_out a = {.buf = whole, .size = MAX_OUT};
	struct inflate_out b = {.buf = ring, .size = sizeof(ring), .flush = take};
	size_t used_a, used_b;
	int err_a, err_b;

	err_a = inflate_raw(&z, data, size, &used_a, &a);
	CHECK(err_a == 0 || z.error);
	npieces = 0;
	err_b = inflate_raw(&z, data, size, &used_b, &b);
	/* The callback notices later that there is no room: other errors may come first. */
	CHECK(err_a == err_b || err_a == -ENOSPC);
	CHECK(used_a <= size && used_b <= size);
	if (err_a == 0)
		CHECK(used_a == used_b && a.total == npieces &&
		      memcmp(whole, pieces, npieces) == 0);
	compare_with_zlib(data, size, err_a, a.total);
	npieces = 0;
	CHECK(inflate_gzip(&z, data, size, NULL, &b) == 0 || z.error);
	return 0;
}

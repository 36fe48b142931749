// SPDX-License-Identifier: MIT
/*
 * Decompressor for raw deflate (RFC 1951) and gzip (RFC 1952) from one buffer in memory. The output
 * goes to a buffer that either takes everything or is emptied by a callback whenever it is full. No
 * byte of the input is trusted.
 */
#pragma once

#include "lib/crc32.h"
#include "lib/types.h"

#define INFLATE_WINDOW 32768
/* The smallest output buffer that may be used with a flush callback. */
#define INFLATE_BUF_MIN (2 * INFLATE_WINDOW)

#define INFLATE_LITLEN_BITS 11
#define INFLATE_DIST_BITS   8

/* Where the output goes. Set by the caller before the call: */
struct inflate_out {
	u8 *buf;
	size_t size;
	/*
	 * NULL: everything must fit into buf, else -ENOSPC. Otherwise called for each piece of
	 * output in order, the last one included; size must be at least INFLATE_BUF_MIN. A negative
	 * result ends the run and is its result.
	 */
	int (*flush)(void *ctx, const u8 *data, size_t len);
	void *ctx;
	/* Result: all bytes produced so far. */
	u64 total;
};

/* Working memory, about 20 KiB; needs no initialisation, nothing in it survives a call. */
struct inflate {
	const u8 *in;
	const u8 *in_end;
	u64 bits; /* next bits of the stream, the first lowest */
	unsigned int nbits;
	struct inflate_out *out;
	size_t pos;	/* end of the valid bytes in out->buf */
	size_t flushed; /* bytes at the front of out->buf that the callback already had */
	u32 crc;
	bool want_crc;
	const char *error;
	/*
	 * Decoding tables with their subtables. The sizes are the largest that any complete code of
	 * 288 (32) symbols and at most 15 bits needs with these root widths, by enumeration of all
	 * codes; inflate.c checks them still.
	 */
	u32 litlen[2342];
	u32 dist[402];
	u8 lens[320];
	struct crc32_table crc_tab;
};

/*
 * Both: 0, or -EINVAL for corrupt or truncated input, -ENOSPC, or the callback's error; z->error
 * then says what was wrong (static). *used (may be NULL) is the number of input bytes consumed:
 * where the next member may begin.
 */
int inflate_raw(struct inflate *z, const void *in, size_t len, size_t *used,
		struct inflate_out *out) MUST_CHECK;
/* One gzip member; header, CRC-32 and length are verified. */
int inflate_gzip(struct inflate *z, const void *in, size_t len, size_t *used,
		 struct inflate_out *out) MUST_CHECK;
/* True when the bytes begin like a gzip member with deflate. */
bool inflate_is_gzip(const void *in, size_t len);

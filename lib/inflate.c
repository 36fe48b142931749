// SPDX-License-Identifier: MIT
/*
 * Deflate and gzip decompression. A block's two prefix codes become lookup tables: the first 2^root
 * bits of the input select an entry, which holds the symbol or, for longer codes, points to a
 * subtable. All sizes are bounded: no input can write outside the tables, the lengths or the
 * output.
 */
#include "lib/inflate.h"

#include <linux/errno.h>

#include "lib/string.h"

#define MAX_CODE_LEN	15
#define LITLEN_SYMS	286
#define LITLEN_SYMS_MAX 288 /* the fixed code has two more that may not occur */
#define DIST_SYMS	30
#define DIST_SYMS_MAX	32
#define PRECODE_SYMS	19
#define PRECODE_BITS	7
#define END_OF_BLOCK	256

/*
 * A table entry: bits 0–4 how many input bits it uses up, bits 5–7 its kind, bits 8–12 how many
 * extra bits follow (or the width of the subtable), bits 16–31 the value: a literal, the base of a
 * length or distance, or a subtable's index. 0 is a code that the block does not define.
 */
enum entry_kind {
	ENTRY_NONE = 0,
	ENTRY_LITERAL = 1 << 5,
	ENTRY_BASE = 2 << 5,
	ENTRY_END = 3 << 5,
	ENTRY_SUBTABLE = 4 << 5,
	ENTRY_BAD = 5 << 5, /* a symbol that is never valid */
};

#define ENTRY_LEN(e)   ((e)&31)
#define ENTRY_KIND(e)  ((e) & (7u << 5))
#define ENTRY_EXTRA(e) ((e) >> 8 & 31)
#define ENTRY_VALUE(e) ((e) >> 16)

static u32 entry_make(enum entry_kind kind, unsigned int extra, unsigned int value)
{
	return (u32)kind | extra << 8 | value << 16;
}

/* RFC 1951 §3.2.5. */
static const u16 length_base[29] = {3,	4,  5,	6,  7,	8,  9,	10, 11,	 13,  15,  17,	19,  23, 27,
				    31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
static const u8 length_extra[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
				    2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};

static u32 litlen_entry(unsigned int sym)
{
	if (sym < END_OF_BLOCK)
		return entry_make(ENTRY_LITERAL, 0, sym);
	if (sym == END_OF_BLOCK)
		return entry_make(ENTRY_END, 0, 0);
	if (sym >= LITLEN_SYMS)
		return entry_make(ENTRY_BAD, 0, 0);
	return entry_make(ENTRY_BASE, length_extra[sym - 257], length_base[sym - 257]);
}

static u32 dist_entry(unsigned int sym)
{
	unsigned int extra = sym < 4 ? 0 : sym / 2 - 1;

	if (sym >= DIST_SYMS)
		return entry_make(ENTRY_BAD, 0, 0);
	/* From 4 on: two distances classes a power of two, the odd one half a step further. */
	return entry_make(ENTRY_BASE, extra, sym < 4 ? sym + 1 : ((2 + (sym & 1)) << extra) + 1);
}

static u32 precode_entry(unsigned int sym)
{
	return entry_make(ENTRY_LITERAL, 0, sym);
}

static int inflate_fail(struct inflate *z, const char *why)
{
	z->error = why;
	return -EINVAL;
}

/*
 * Fills `bits` to at least 56 valid bits while input lasts. Beyond its end zeros are supplied, and
 * nbits stays what is really there: taking more than that is the truncation error.
 */
static ALWAYS_INLINE void bits_fill(struct inflate *z)
{
	if (likely(z->in_end - z->in >= 8)) {
		u64 w;

		memcpy(&w, z->in, 8);
		z->bits |= w << z->nbits;
		z->in += (63 - z->nbits) >> 3;
		z->nbits |= 56; /* plus the whole bytes taken */
		return;
	}
	while (z->nbits <= 55 && z->in < z->in_end) {
		z->bits |= (u64)*z->in++ << z->nbits;
		z->nbits += 8;
	}
}

/* True when n bits are there; they stay. n <= 56. */
static ALWAYS_INLINE bool bits_need(struct inflate *z, unsigned int n)
{
	if (z->nbits < n)
		bits_fill(z);
	return z->nbits >= n;
}

static ALWAYS_INLINE u32 bits_peek(const struct inflate *z, unsigned int n)
{
	return (u32)(z->bits & ((1ull << n) - 1));
}

static ALWAYS_INLINE void bits_drop(struct inflate *z, unsigned int n)
{
	z->bits >>= n;
	z->nbits -= n;
}

static int bits_take(struct inflate *z, unsigned int n, u32 *out)
{
	if (!bits_need(z, n))
		return inflate_fail(z, "input ends too early");
	*out = bits_peek(z, n);
	bits_drop(z, n);
	return 0;
}

/* Codes are packed most significant bit first into a stream that is least significant bit first. */
static u32 reverse_bits(u32 code, unsigned int len)
{
	u32 r = 0;

	for (; len; len--, code >>= 1)
		r = r << 1 | (code & 1);
	return r;
}

/*
 * Counts the lengths into count[]. A code must be complete, except that with `sparse_ok` a single
 * code of one bit, or none at all, will do: RFC 1951 §3.2.7 has that for distances, and zlib takes
 * it for a block with nothing but its end.
 */
static int code_check(struct inflate *z, const u8 *lens, unsigned int n, bool sparse_ok,
		      u16 count[MAX_CODE_LEN + 1])
{
	int left = 1;

	memset(count, 0, (MAX_CODE_LEN + 1) * sizeof(count[0]));
	for (unsigned int i = 0; i < n; i++)
		count[lens[i]]++;
	for (unsigned int len = 1; len <= MAX_CODE_LEN; len++) {
		left = left * 2 - count[len];
		if (left < 0)
			return inflate_fail(z, "oversubscribed code");
	}
	if (left > 0 && !(sparse_ok && (unsigned int)count[0] + count[1] == n))
		return inflate_fail(z, "incomplete code");
	return 0;
}

struct code_table {
	u32 *entry;
	unsigned int size; /* capacity of entry[] */
	unsigned int root;
	unsigned int used;
	u32 (*make)(unsigned int sym);
};

/* The width of the subtable that begins with a code of `len` bits: wide enough for all codes that
 * share its root bits. */
static unsigned int subtable_bits(const u16 *left, unsigned int len, unsigned int root)
{
	unsigned int width = len - root;
	int space = 1 << width;

	while (width + root < MAX_CODE_LEN) {
		space -= left[width + root];
		if (space <= 0)
			break;
		width++;
		space <<= 1;
	}
	return width;
}

/* Enters one code longer than the root; `left` counts the codes not yet entered, this one included.
 */
static int table_add_long(struct inflate *z, struct code_table *t, u32 rev, unsigned int len, u32 e,
			  const u16 *left)
{
	u32 *slot = &t->entry[rev & ((1u << t->root) - 1)];
	unsigned int width;

	if (*slot == ENTRY_NONE) {
		width = subtable_bits(left, len, t->root);
		if (t->used + (1u << width) > t->size)
			return inflate_fail(z, "code needs too large a table");
		*slot = entry_make(ENTRY_SUBTABLE, width, t->used) | t->root;
		memset(&t->entry[t->used], 0, sizeof(u32) << width);
		t->used += 1u << width;
	}
	width = ENTRY_EXTRA(*slot);
	if (ENTRY_KIND(*slot) != ENTRY_SUBTABLE || len - t->root > width)
		return inflate_fail(z, "inconsistent code");
	for (u32 i = rev >> t->root; i < 1u << width; i += 1u << (len - t->root))
		t->entry[ENTRY_VALUE(*slot) + i] = e | (len - t->root);
	return 0;
}

/* Builds the decoding table of a canonical code (RFC 1951 §3.2.2): codes ascend by length, then by
 * symbol. */
static int table_build(struct inflate *z, struct code_table *t, const u8 *lens, unsigned int n,
		       bool sparse_ok)
{
	u16 count[MAX_CODE_LEN + 1], start[MAX_CODE_LEN + 2];
	u16 sorted[LITLEN_SYMS_MAX];
	u32 code = 0;
	int err = code_check(z, lens, n, sparse_ok, count);

	if (err)
		return err;
	start[1] = 0;
	for (unsigned int len = 1; len <= MAX_CODE_LEN; len++)
		start[len + 1] = start[len] + count[len];
	for (unsigned int sym = 0; sym < n; sym++)
		if (lens[sym])
			sorted[start[lens[sym]]++] = (u16)sym;
	t->used = 1u << t->root;
	memset(t->entry, 0, sizeof(u32) << t->root);
	/* start[len] now stands at the end of that length's symbols, which is where the next one's
	 * begin. */
	for (unsigned int len = 1, i = 0; len <= MAX_CODE_LEN; len++, code <<= 1) {
		for (; i < start[len]; i++, code++, count[len]--) {
			u32 rev = reverse_bits(code, len), e = t->make(sorted[i]);

			if (len > t->root) {
				err = table_add_long(z, t, rev, len, e, count);
				if (err)
					return err;
				continue;
			}
			for (; rev < 1u << t->root; rev += 1u << len)
				t->entry[rev] = e | len;
		}
	}
	return 0;
}

static int build_litlen(struct inflate *z, const u8 *lens, unsigned int n)
{
	struct code_table t = {.entry = z->litlen,
			       .size = ARRAY_SIZE(z->litlen),
			       .root = INFLATE_LITLEN_BITS,
			       .make = litlen_entry};

	return table_build(z, &t, lens, n, true);
}

static int build_dist(struct inflate *z, const u8 *lens, unsigned int n)
{
	struct code_table t = {.entry = z->dist,
			       .size = ARRAY_SIZE(z->dist),
			       .root = INFLATE_DIST_BITS,
			       .make = dist_entry};

	return table_build(z, &t, lens, n, true);
}

/* The code lengths' own code; its table lives in dist[], which is built after it is done with. */
static int build_precode(struct inflate *z, const u8 *lens)
{
	struct code_table t = {.entry = z->dist,
			       .size = ARRAY_SIZE(z->dist),
			       .root = PRECODE_BITS,
			       .make = precode_entry};

	return table_build(z, &t, lens, PRECODE_SYMS, false);
}

/* Hands new output to the callback and keeps the last window of it at the front of the buffer. */
static int out_flush(struct inflate *z, bool final)
{
	struct inflate_out *out = z->out;
	size_t n = z->pos - z->flushed, keep;
	int err;

	if (z->want_crc && n)
		z->crc = crc32_update(&z->crc_tab, z->crc, out->buf + z->flushed, n);
	out->total += n;
	if (out->flush && n) {
		err = out->flush(out->ctx, out->buf + z->flushed, n);
		if (err < 0) {
			z->error = "output refused";
			return err;
		}
	}
	z->flushed = z->pos;
	if (final)
		return 0;
	if (!out->flush) {
		z->error = "output buffer is full";
		return -ENOSPC;
	}
	keep = MIN(z->pos, (size_t)INFLATE_WINDOW);
	memmove(out->buf, out->buf + z->pos - keep, keep);
	z->pos = keep;
	z->flushed = keep;
	return 0;
}

/* Copies a match of `len` bytes from `dist` back; the source may run into the bytes it makes. */
static ALWAYS_INLINE void copy_match(u8 *dst, size_t dist, size_t len, size_t room)
{
	const u8 *src = dst - dist;
	u8 *end = dst + len;
	u64 w;

	if (dist >= 8 && room >= len + 8) {
		/* Whole words: up to seven bytes too many are written, and later overwritten. */
		do {
			memcpy(&w, src, 8);
			memcpy(dst, &w, 8);
			src += 8;
			dst += 8;
		} while (dst < end);
		return;
	}
	if (dist == 1) {
		memset(dst, *src, len);
		return;
	}
	while (dst < end)
		*dst++ = *src++;
}

static ALWAYS_INLINE u32 table_lookup(struct inflate *z, const u32 *table, unsigned int root)
{
	u32 e = table[bits_peek(z, root)];

	if (unlikely(ENTRY_KIND(e) == ENTRY_SUBTABLE)) {
		u64 rest = z->bits >> root;

		e = table[ENTRY_VALUE(e) + (rest & ((1u << ENTRY_EXTRA(e)) - 1))];
		if (e)
			e += root; /* the length now counts both steps */
	}
	return e;
}

/* The rest of a match whose length entry was dropped: extra bits, distance, copy. At most 5 + 15 +
 * 13 bits. */
static int inflate_match(struct inflate *z, u32 e)
{
	size_t len = ENTRY_VALUE(e) + bits_peek(z, ENTRY_EXTRA(e)), dist;
	unsigned int used = ENTRY_EXTRA(e);
	int err;

	if (used > z->nbits)
		return inflate_fail(z, "input ends too early");
	bits_drop(z, used);
	e = table_lookup(z, z->dist, INFLATE_DIST_BITS);
	if (ENTRY_KIND(e) != ENTRY_BASE)
		return inflate_fail(z, "undefined distance code");
	if (ENTRY_LEN(e) + ENTRY_EXTRA(e) > z->nbits)
		return inflate_fail(z, "input ends too early");
	bits_drop(z, ENTRY_LEN(e));
	dist = ENTRY_VALUE(e) + bits_peek(z, ENTRY_EXTRA(e));
	bits_drop(z, ENTRY_EXTRA(e));
	if (len > z->out->size - z->pos) {
		err = out_flush(z, false);
		if (err)
			return err;
	}
	if (dist > z->pos)
		return inflate_fail(z, "distance before the start of the output");
	copy_match(z->out->buf + z->pos, dist, len, z->out->size - z->pos);
	z->pos += len;
	return 0;
}

/* The symbols of one block with the tables in z, up to its end symbol. */
static int inflate_symbols(struct inflate *z)
{
	int err;

	for (;;) {
		u32 e;

		/* A length and a distance with their extra bits take at most 48 bits. */
		if (z->nbits < 48)
			bits_fill(z);
		e = table_lookup(z, z->litlen, INFLATE_LITLEN_BITS);
		if (ENTRY_LEN(e) > z->nbits)
			return inflate_fail(z, "input ends too early");
		bits_drop(z, ENTRY_LEN(e));
		switch (ENTRY_KIND(e)) {
		case ENTRY_LITERAL:
			if (unlikely(z->pos == z->out->size)) {
				err = out_flush(z, false);
				if (err)
					return err;
			}
			z->out->buf[z->pos++] = (u8)ENTRY_VALUE(e);
			break;
		case ENTRY_BASE:
			err = inflate_match(z, e);
			if (err)
				return err;
			break;
		case ENTRY_END:
			return 0;
		default:
			return inflate_fail(z, "undefined literal or length code");
		}
	}
}

static int inflate_fixed(struct inflate *z)
{
	int err;

	/* RFC 1951 §3.2.6. */
	memset(z->lens, 8, 144);
	memset(z->lens + 144, 9, 112);
	memset(z->lens + 256, 7, 24);
	memset(z->lens + 280, 8, 8);
	err = build_litlen(z, z->lens, LITLEN_SYMS_MAX);
	if (err)
		return err;
	memset(z->lens, 5, DIST_SYMS_MAX);
	err = build_dist(z, z->lens, DIST_SYMS_MAX);
	return err ? err : inflate_symbols(z);
}

/* One element of the run-length coded lengths; appends it at z->lens[*n], never beyond `end`. */
static int read_lens_step(struct inflate *z, unsigned int *n, unsigned int end)
{
	static const struct {
		u8 bits, base;
	} repeat[3] = {{2, 3}, {3, 3}, {7, 11}}; /* of symbols 16, 17, 18 */
	u32 e, sym, count;
	u8 value = 0;
	int err;

	if (z->nbits < 14)
		bits_fill(z);
	e = z->dist[bits_peek(z, PRECODE_BITS)];
	if (e == ENTRY_NONE)
		return inflate_fail(z, "undefined code in the code lengths");
	if (ENTRY_LEN(e) > z->nbits)
		return inflate_fail(z, "input ends too early");
	bits_drop(z, ENTRY_LEN(e));
	sym = ENTRY_VALUE(e);
	if (sym < 16) {
		z->lens[(*n)++] = (u8)sym;
		return 0;
	}
	err = bits_take(z, repeat[sym - 16].bits, &count);
	if (err)
		return err;
	count += repeat[sym - 16].base;
	if (sym == 16) {
		if (*n == 0)
			return inflate_fail(z, "repeat without a code length before it");
		value = z->lens[*n - 1];
	}
	if (count > end - *n)
		return inflate_fail(z, "too many code lengths");
	memset(z->lens + *n, value, count);
	*n += count;
	return 0;
}

static int inflate_dynamic(struct inflate *z)
{
	static const u8 order[PRECODE_SYMS] = {16, 17, 18, 0, 8,  7, 9,	 6, 10, 5,
					       11, 4,  12, 3, 13, 2, 14, 1, 15};
	u8 pre[PRECODE_SYMS] = {0};
	u32 head, litlen, dist, precode, len;
	unsigned int n = 0;
	int err = bits_take(z, 14, &head);

	if (err)
		return err;
	litlen = (head & 31) + 257;
	dist = (head >> 5 & 31) + 1;
	precode = (head >> 10) + 4;
	if (litlen > LITLEN_SYMS || dist > DIST_SYMS)
		return inflate_fail(z, "too many codes");
	for (u32 i = 0; i < precode; i++) {
		err = bits_take(z, 3, &len);
		if (err)
			return err;
		pre[order[i]] = (u8)len;
	}
	err = build_precode(z, pre);
	if (err)
		return err;
	while (n < litlen + dist) {
		err = read_lens_step(z, &n, litlen + dist);
		if (err)
			return err;
	}
	if (z->lens[END_OF_BLOCK] == 0)
		return inflate_fail(z, "no end-of-block code");
	err = build_litlen(z, z->lens, litlen);
	if (!err)
		err = build_dist(z, z->lens + litlen, dist);
	return err ? err : inflate_symbols(z);
}

/* Goes to the next byte border and gives whole bytes back from the bit buffer to the input. */
static void bits_align(struct inflate *z)
{
	bits_drop(z, z->nbits & 7);
	z->in -= z->nbits / 8;
	z->bits = 0;
	z->nbits = 0;
}

static int inflate_stored(struct inflate *z)
{
	size_t len;
	int err;

	bits_align(z);
	if (z->in_end - z->in < 4)
		return inflate_fail(z, "input ends too early");
	len = (size_t)z->in[0] | (size_t)z->in[1] << 8;
	if ((len ^ 0xffff) != ((size_t)z->in[2] | (size_t)z->in[3] << 8))
		return inflate_fail(z, "length of a stored block is wrong");
	z->in += 4;
	if ((size_t)(z->in_end - z->in) < len)
		return inflate_fail(z, "input ends too early");
	while (len) {
		size_t n = MIN(len, z->out->size - z->pos);

		if (n == 0) {
			err = out_flush(z, false);
			if (err)
				return err;
			continue;
		}
		memcpy(z->out->buf + z->pos, z->in, n);
		z->in += n;
		z->pos += n;
		len -= n;
	}
	return 0;
}

static int inflate_blocks(struct inflate *z)
{
	u32 head;
	int err;

	do {
		err = bits_take(z, 3, &head);
		if (err)
			return err;
		switch (head >> 1) {
		case 0:
			err = inflate_stored(z);
			break;
		case 1:
			err = inflate_fixed(z);
			break;
		case 2:
			err = inflate_dynamic(z);
			break;
		default:
			err = inflate_fail(z, "undefined block type");
		}
		if (err)
			return err;
	} while (!(head & 1));
	bits_align(z);
	return out_flush(z, true);
}

static int inflate_start(struct inflate *z, const u8 *in, size_t len, struct inflate_out *out)
{
	z->in = in;
	z->in_end = in + len;
	z->bits = 0;
	z->nbits = 0;
	z->out = out;
	z->pos = 0;
	z->flushed = 0;
	z->crc = 0;
	z->want_crc = false;
	z->error = NULL;
	out->total = 0;
	if (out->flush && out->size < INFLATE_BUF_MIN)
		return inflate_fail(z, "output buffer is too small for a callback");
	return 0;
}

int inflate_raw(struct inflate *z, const void *in, size_t len, size_t *used,
		struct inflate_out *out)
{
	int err = inflate_start(z, in, len, out);

	if (!err)
		err = inflate_blocks(z);
	if (used)
		*used = (size_t)(z->in - (const u8 *)in);
	return err;
}

/* RFC 1952 §2.3. */
enum gzip_flag {
	GZIP_HCRC = 2,
	GZIP_EXTRA = 4,
	GZIP_NAME = 8,
	GZIP_COMMENT = 16,
	GZIP_RESERVED = 0xe0,
};

bool inflate_is_gzip(const void *in, size_t len)
{
	const u8 *p = in;

	return len >= 3 && p[0] == 0x1f && p[1] == 0x8b && p[2] == 8;
}

static int gzip_skip_string(struct inflate *z)
{
	const u8 *nul = z->in < z->in_end ? memchr(z->in, 0, (size_t)(z->in_end - z->in)) : NULL;

	if (!nul)
		return inflate_fail(z, "gzip header is truncated");
	z->in = nul + 1;
	return 0;
}

static int gzip_skip_extra(struct inflate *z)
{
	size_t left = (size_t)(z->in_end - z->in), len;

	if (left < 2)
		return inflate_fail(z, "gzip header is truncated");
	len = (size_t)z->in[0] | (size_t)z->in[1] << 8;
	if (left - 2 < len)
		return inflate_fail(z, "gzip header is truncated");
	z->in += 2 + len;
	return 0;
}

static int gzip_header(struct inflate *z)
{
	const u8 *start = z->in;
	u32 crc;
	u8 flags;
	int err = 0;

	if (z->in_end - z->in < 10)
		return inflate_fail(z, "gzip header is truncated");
	if (start[0] != 0x1f || start[1] != 0x8b)
		return inflate_fail(z, "not gzip");
	if (start[2] != 8)
		return inflate_fail(z, "unknown gzip method");
	flags = start[3];
	if (flags & GZIP_RESERVED)
		return inflate_fail(z, "reserved gzip flags");
	z->in += 10;
	if (flags & GZIP_EXTRA)
		err = gzip_skip_extra(z);
	if (!err && flags & GZIP_NAME)
		err = gzip_skip_string(z);
	if (!err && flags & GZIP_COMMENT)
		err = gzip_skip_string(z);
	if (err || !(flags & GZIP_HCRC))
		return err;
	if (z->in_end - z->in < 2)
		return inflate_fail(z, "gzip header is truncated");
	crc = crc32_update(&z->crc_tab, 0, start, (size_t)(z->in - start));
	if ((crc & 0xffff) != ((u32)z->in[0] | (u32)z->in[1] << 8))
		return inflate_fail(z, "gzip header checksum is wrong");
	z->in += 2;
	return 0;
}

static u32 load_le32(const u8 *p)
{
	return (u32)p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
}

static int gzip_trailer(struct inflate *z)
{
	if (z->in_end - z->in < 8)
		return inflate_fail(z, "gzip trailer is truncated");
	if (load_le32(z->in) != z->crc)
		return inflate_fail(z, "gzip checksum is wrong");
	if (load_le32(z->in + 4) != (u32)z->out->total)
		return inflate_fail(z, "gzip length is wrong");
	z->in += 8;
	return 0;
}

int inflate_gzip(struct inflate *z, const void *in, size_t len, size_t *used,
		 struct inflate_out *out)
{
	int err = inflate_start(z, in, len, out);

	if (!err) {
		crc32_init(&z->crc_tab);
		z->want_crc = true;
		err = gzip_header(z);
	}
	if (!err)
		err = inflate_blocks(z);
	if (!err)
		err = gzip_trailer(z);
	if (used)
		*used = (size_t)(z->in - (const u8 *)in);
	return err;
}

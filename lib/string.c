// SPDX-License-Identifier: MIT
/*
 * The C library's memory and string functions for the kernel, and the few of our own. Short blocks
 * are loaded whole before anything is stored, so that the same code serves memmove; long ones go
 * eight bytes a step by string instructions (one counted instruction a word, and microcoded wide
 * moves on real CPUs). DF is clear in the kernel.
 */
#include "lib/string.h"

/* The host has libc's; STRING_TEST builds ours there too, under other names, for the unit test. */
#if !__STDC_HOSTED__ || defined(STRING_TEST)

#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strcmp
#ifdef STRING_TEST
#define memcpy	our_memcpy
#define memmove our_memmove
#define memset	our_memset
#define memcmp	our_memcmp
#define memchr	our_memchr
#define strlen	our_strlen
#define strnlen our_strnlen
#define strcmp	our_strcmp
#define strncmp our_strncmp
#define strchr	our_strchr
#define strrchr our_strrchr
#endif

/* Unaligned words that may alias anything. */
typedef u64 word64 __attribute__((may_alias, aligned(1)));
typedef u32 word32 __attribute__((may_alias, aligned(1)));
typedef u16 word16 __attribute__((may_alias, aligned(1)));

/* Keeps the compiler from recognising a loop here as the very function it implements. */
#define OPAQUE(x) __asm__("" : "+r"(x))

/* Ascending; right also for overlap with dst below src, as each word is loaded before the next one
 * is stored over. */
static ALWAYS_INLINE void copy_words(u8 *dst, const u8 *src, size_t words)
{
#ifdef __x86_64__
	__asm__ volatile("rep movsq" : "+D"(dst), "+S"(src), "+c"(words) : : "memory");
#else
	for (; words; words--, dst += 8, src += 8) {
		OPAQUE(dst);
		*(word64 *)dst = *(const word64 *)src;
	}
#endif
}

static ALWAYS_INLINE void fill_words(u8 *dst, u64 pattern, size_t words)
{
#ifdef __x86_64__
	__asm__ volatile("rep stosq" : "+D"(dst), "+c"(words) : "a"(pattern) : "memory");
#else
	for (; words; words--, dst += 8) {
		OPAQUE(dst);
		*(word64 *)dst = pattern;
	}
#endif
}

/* n <= 32, any overlap: the head and the tail are loaded before either is stored, and may overlap
 * each other. */
static ALWAYS_INLINE void copy_short(u8 *d, const u8 *s, size_t n)
{
	if (n >= 16) {
		u64 a = *(const word64 *)s, b = *(const word64 *)(s + 8);
		u64 y = *(const word64 *)(s + n - 16), z = *(const word64 *)(s + n - 8);

		*(word64 *)d = a;
		*(word64 *)(d + 8) = b;
		*(word64 *)(d + n - 16) = y;
		*(word64 *)(d + n - 8) = z;
	} else if (n >= 8) {
		u64 a = *(const word64 *)s, z = *(const word64 *)(s + n - 8);

		*(word64 *)d = a;
		*(word64 *)(d + n - 8) = z;
	} else if (n >= 4) {
		u32 a = *(const word32 *)s, z = *(const word32 *)(s + n - 4);

		*(word32 *)d = a;
		*(word32 *)(d + n - 4) = z;
	} else if (n >= 2) {
		u16 a = *(const word16 *)s, z = *(const word16 *)(s + n - 2);

		*(word16 *)d = a;
		*(word16 *)(d + n - 2) = z;
	} else if (n) {
		*d = *s;
	}
}

/* n > 32, dst below src or disjoint. The last word is loaded first, for the case that the copy
 * overwrites it. */
static ALWAYS_INLINE void copy_up(u8 *d, const u8 *s, size_t n)
{
	u64 last = *(const word64 *)(s + n - 8);

	copy_words(d, s, (n - 1) / 8);
	*(word64 *)(d + n - 8) = last;
}

/* n > 32, dst above src: the mirror image, descending. */
static ALWAYS_INLINE void copy_down(u8 *d, const u8 *s, size_t n)
{
	u64 first = *(const word64 *)s;

	for (size_t end = n; end > 8; end -= 8) {
		OPAQUE(end);
		*(word64 *)(d + end - 8) = *(const word64 *)(s + end - 8);
	}
	*(word64 *)d = first;
}

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	if (n <= 32)
		copy_short(dst, src, n);
	else
		copy_up(dst, src, n);
	return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
	if (n <= 32)
		copy_short(dst, src, n);
	else if ((uintptr_t)dst - (uintptr_t)src >= n) /* wraps: below src counts as far above */
		copy_up(dst, src, n);
	else
		copy_down(dst, src, n);
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	u64 pattern = (u8)c * 0x0101010101010101ull;
	u8 *d = dst;

	if (n >= 16) {
		fill_words(d, pattern, (n - 1) / 8);
		*(word64 *)(d + n - 8) = pattern;
	} else if (n >= 8) {
		*(word64 *)d = pattern;
		*(word64 *)(d + n - 8) = pattern;
	} else if (n >= 4) {
		*(word32 *)d = (u32)pattern;
		*(word32 *)(d + n - 4) = (u32)pattern;
	} else if (n >= 2) {
		*(word16 *)d = (u16)pattern;
		*(word16 *)(d + n - 2) = (u16)pattern;
	} else if (n) {
		*d = (u8)c;
	}
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *p = a, *q = b;

	for (; n >= 8; n -= 8, p += 8, q += 8) {
		u64 x = *(const word64 *)p, y = *(const word64 *)q;

		if (x == y)
			continue;
		/* The first byte in memory decides: make it the most significant one. */
		return __builtin_bswap64(x) < __builtin_bswap64(y) ? -1 : 1;
	}
	for (; n; n--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

void *memchr(const void *s, int c, size_t n)
{
	const u8 *p = s;

	for (; n; n--, p++)
		if (*p == (u8)c)
			return (void *)(uintptr_t)p;
	return NULL;
}

/* Has the high bit set in the lowest zero byte of x; bytes above it are not to be trusted. */
static ALWAYS_INLINE u64 zero_bytes(u64 x)
{
	return (x - 0x0101010101010101ull) & ~x & 0x8080808080808080ull;
}

/*
 * Reads whole aligned words: at most seven bytes before and after the string, never in another
 * page. Address sanitizers would call that an overrun.
 */
__attribute__((no_sanitize("address"), no_sanitize("kernel-address"))) size_t strnlen(const char *s,
										      size_t max)
{
	size_t skip = (uintptr_t)s & 7;
	const char *p = s - skip;
	u64 zeros;

	if (max == 0)
		return 0;
	/* The bytes before the string are made non-zero. */
	zeros = zero_bytes(*(const word64 *)p | ((1ull << skip * 8) - 1));
	while (!zeros) {
		p += 8;
		if ((size_t)(p - s) >= max)
			return max;
		zeros = zero_bytes(*(const word64 *)p);
	}
	return MIN((size_t)(p - s) + (size_t)__builtin_ctzll(zeros) / 8, max);
}

size_t strlen(const char *s)
{
	return strnlen(s, PTRDIFF_MAX);
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++)
		if (*a != *b || !*a)
			return (u8)*a - (u8)*b;
	return 0;
}

char *strchr(const char *s, int c)
{
	for (; *s != (char)c; s++)
		if (!*s)
			return NULL;
	return (char *)(uintptr_t)s;
}

char *strrchr(const char *s, int c)
{
	const char *found = NULL;

	do {
		if (*s == (char)c)
			found = s;
	} while (*s++);
	return (char *)(uintptr_t)found;
}

#endif /* kernel, or the test of its functions */

#ifndef STRING_TEST

size_t str_copy(char *dst, const char *src, size_t size)
{
	size_t len = strlen(src);

	if (size) {
		size_t n = MIN(len, size - 1);

		memcpy(dst, src, n);
		dst[n] = '\0';
	}
	return len;
}

size_t str_append(char *dst, const char *src, size_t size)
{
	size_t len = strnlen(dst, size);

	return len + str_copy(dst + len, src, size - len);
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

void mem_wipe(void *p, size_t n)
{
	memset(p, 0, n);
	__asm__ volatile("" : : "r"(p) : "memory");
}

bool mem_is_zero(const void *p, size_t n)
{
	const u8 *b = p;
	u64 w;

	for (; n >= 8; n -= 8, b += 8) {
		memcpy(&w, b, 8);
		if (w)
			return false;
	}
	for (; n; n--, b++)
		if (*b)
			return false;
	return true;
}

#endif

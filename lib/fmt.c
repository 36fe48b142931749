// SPDX-License-Identifier: MIT
/*
 * A small printf core without floating point, allocation or locale. Counts what it would write,
 * stores what fits.
 */
#include "lib/fmt.h"

#include "lib/string.h"

enum fmt_flag {
	FMT_LEFT = 1,
	FMT_ZERO = 2,
	FMT_PLUS = 4,
	FMT_SPACE = 8,
	FMT_ALT = 16,
	FMT_UPPER = 32,
};

struct fmt_spec {
	unsigned int flags;
	int width;
	int precision; /* -1: none given */
	int size;      /* -2 hh, -1 h, 0 int, 1 long or longer */
};

struct fmt_out {
	char *buf;
	size_t size;
	size_t len;
};

static void fmt_put(struct fmt_out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void fmt_put_n(struct fmt_out *o, const char *s, size_t n)
{
	/* One bound check for the usual case that all of it fits. */
	if (o->len < o->size && n < o->size - o->len) {
		memcpy(o->buf + o->len, s, n);
		o->len += n;
		return;
	}
	for (size_t i = 0; i < n; i++)
		fmt_put(o, s[i]);
}

static void fmt_fill(struct fmt_out *o, char c, int n)
{
	while (n-- > 0)
		fmt_put(o, c);
}

static void fmt_padded(struct fmt_out *o, const struct fmt_spec *sp, const char *s, int n)
{
	if (!(sp->flags & FMT_LEFT))
		fmt_fill(o, ' ', sp->width - n);
	fmt_put_n(o, s, (size_t)n);
	if (sp->flags & FMT_LEFT)
		fmt_fill(o, ' ', sp->width - n);
}

unsigned int fmt_u64(char *buf, u64 value)
{
	char tmp[20];
	unsigned int n = 0;

	do {
		tmp[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	for (unsigned int i = 0; i < n; i++)
		buf[i] = tmp[n - 1 - i];
	return n;
}

/* Room for 64 bits in octal. */
#define FMT_DIGITS_MAX 22

/* Digits of `value`, none for 0, at the end of buf[FMT_DIGITS_MAX]; returns the index of the first.
 */
static int fmt_digits(char *buf, u64 value, unsigned int base, bool upper)
{
	const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	const unsigned int shift = base == 16 ? 4 : 3;
	int at = FMT_DIGITS_MAX;

	while (value) {
		if (base == 10) {
			buf[--at] = (char)('0' + value % 10);
			value /= 10;
		} else {
			buf[--at] = set[value & (base - 1)];
			value >>= shift;
		}
	}
	return at;
}

static void fmt_number(struct fmt_out *o, const struct fmt_spec *sp, u64 value, unsigned int base,
		       const char *prefix)
{
	char buf[FMT_DIGITS_MAX];
	int first = fmt_digits(buf, value, base, sp->flags & FMT_UPPER);
	int n = FMT_DIGITS_MAX - first;
	/* Without a precision one digit is the least; "%.0d" of 0 prints none (C11 7.21.6.1). */
	int zeros = MAX((sp->precision < 0 ? 1 : sp->precision) - n, 0);
	int prefix_len = (int)strlen(prefix);
	int pad;

	if (base == 8 && (sp->flags & FMT_ALT) && zeros == 0)
		zeros = 1;
	pad = sp->width - prefix_len - zeros - n;
	/* A precision or `-` switches the 0 flag off. */
	if ((sp->flags & FMT_ZERO) && !(sp->flags & FMT_LEFT) && sp->precision < 0 && pad > 0) {
		zeros += pad;
		pad = 0;
	}
	if (!(sp->flags & FMT_LEFT))
		fmt_fill(o, ' ', pad);
	fmt_put_n(o, prefix, (size_t)prefix_len);
	fmt_fill(o, '0', zeros);
	fmt_put_n(o, buf + first, (size_t)n);
	if (sp->flags & FMT_LEFT)
		fmt_fill(o, ' ', pad);
}

static void fmt_signed(struct fmt_out *o, const struct fmt_spec *sp, s64 value)
{
	const char *sign = "";

	if (sp->size == -1)
		value = (s16)value;
	else if (sp->size == -2)
		value = (s8)value;
	if (value < 0)
		sign = "-";
	else if (sp->flags & FMT_PLUS)
		sign = "+";
	else if (sp->flags & FMT_SPACE)
		sign = " ";
	fmt_number(o, sp, value < 0 ? 0 - (u64)value : (u64)value, 10, sign);
}

static void fmt_unsigned(struct fmt_out *o, struct fmt_spec *sp, char conv, u64 value)
{
	const char *prefix = "";
	unsigned int base = conv == 'u' ? 10 : conv == 'o' ? 8 : 16;

	if (sp->size == -1)
		value = (u16)value;
	else if (sp->size == -2)
		value = (u8)value;
	if (conv == 'X')
		sp->flags |= FMT_UPPER;
	if (base == 16 && (sp->flags & FMT_ALT) && value)
		prefix = conv == 'X' ? "0X" : "0x";
	fmt_number(o, sp, value, base, prefix);
}

static void fmt_string(struct fmt_out *o, const struct fmt_spec *sp, const char *s)
{
	size_t max = sp->precision < 0 ? INT32_MAX : (size_t)sp->precision;

	if (!s)
		s = "(null)";
	fmt_padded(o, sp, s, (int)strnlen(s, max));
}

static const char *fmt_parse_flags(const char *f, struct fmt_spec *sp)
{
	for (;; f++) {
		if (*f == '-')
			sp->flags |= FMT_LEFT;
		else if (*f == '0')
			sp->flags |= FMT_ZERO;
		else if (*f == '+')
			sp->flags |= FMT_PLUS;
		else if (*f == ' ')
			sp->flags |= FMT_SPACE;
		else if (*f == '#')
			sp->flags |= FMT_ALT;
		else
			return f;
	}
}

static const char *fmt_parse_int(const char *f, int *out)
{
	int n = 0;

	/* Capped, so that no format can overflow an int. */
	for (; *f >= '0' && *f <= '9'; f++)
		n = MIN(n * 10 + (*f - '0'), 1 << 20);
	*out = n;
	return f;
}

static const char *fmt_parse_length(const char *f, struct fmt_spec *sp)
{
	for (;; f++) {
		if (*f == 'h')
			sp->size--;
		else if (*f == 'l' || *f == 'z' || *f == 'j' || *f == 't')
			sp->size = 1;
		else
			return f;
	}
}

/* va_list is an array type on x86-64: a structure around it can be passed by pointer on every
 * target. */
struct fmt_args {
	va_list ap;
};

static const char *fmt_parse_spec(const char *f, struct fmt_spec *sp, struct fmt_args *args)
{
	*sp = (struct fmt_spec){.precision = -1};
	f = fmt_parse_flags(f, sp);
	if (*f == '*') {
		sp->width = va_arg(args->ap, int);
		if (sp->width < 0) {
			sp->flags |= FMT_LEFT;
			sp->width = sp->width == INT32_MIN ? 0 : -sp->width;
		}
		f++;
	} else {
		f = fmt_parse_int(f, &sp->width);
	}
	if (*f == '.') {
		f++;
		if (*f == '*') {
			sp->precision = va_arg(args->ap, int); /* negative: as if not given */
			f++;
		} else {
			f = fmt_parse_int(f, &sp->precision);
		}
	}
	return fmt_parse_length(f, sp);
}

/* False for a conversion that is not known. */
static bool fmt_convert(struct fmt_out *o, struct fmt_spec *sp, char conv, struct fmt_args *args)
{
	char c;

	switch (conv) {
	case 'd':
	case 'i':
		fmt_signed(o, sp, sp->size > 0 ? va_arg(args->ap, long) : va_arg(args->ap, int));
		return true;
	case 'u':
	case 'x':
	case 'X':
	case 'o':
		fmt_unsigned(o, sp, conv,
			     sp->size > 0 ? va_arg(args->ap, unsigned long)
					  : va_arg(args->ap, unsigned int));
		return true;
	case 'c':
		c = (char)va_arg(args->ap, int);
		fmt_padded(o, sp, &c, 1);
		return true;
	case 's':
		fmt_string(o, sp, va_arg(args->ap, const char *));
		return true;
	case 'p':
		sp->flags |= FMT_ALT;
		fmt_number(o, sp, (uintptr_t)va_arg(args->ap, void *), 16, "0x");
		return true;
	case '%':
		fmt_put(o, '%');
		return true;
	default:
		return false;
	}
}

int fmt_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct fmt_out o = {.buf = buf, .size = size};
	struct fmt_args args;
	struct fmt_spec sp;

	BUILD_ASSERT(sizeof(long) == sizeof(long long)); /* one case serves l, ll, z, j and t */
	va_copy(args.ap, ap);
	while (*fmt) {
		const char *start = fmt;

		while (*fmt && *fmt != '%')
			fmt++;
		fmt_put_n(&o, start, (size_t)(fmt - start));
		if (!*fmt)
			break;
		start = fmt;
		fmt = fmt_parse_spec(fmt + 1, &sp, &args);
		if (*fmt && fmt_convert(&o, &sp, *fmt, &args))
			fmt++;
		else
			fmt_put_n(&o, start, (size_t)(fmt - start));
	}
	va_end(args.ap);
	if (size)
		buf[MIN(o.len, size - 1)] = '\0';
	return (int)MIN(o.len, (size_t)INT32_MAX);
}

int fmt_snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = fmt_vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

int fmt_scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = fmt_vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	if (size == 0)
		return 0;
	return MIN(n, (int)MIN(size - 1, (size_t)INT32_MAX));
}

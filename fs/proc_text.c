// SPDX-License-Identifier: MIT
// Texts of procfs: a buffer that grows by doubling. May be filled under spinlocks: nothing here
// sleeps.

#include "fs/proc.h"

#include "lib/fmt.h"
#include "lib/string.h"
#include "vm/slab.h"

#define TEXT_MIN 1024u
#define TEXT_MAX (32u << 20)

static bool reserve(struct proc_text *t, size_t n)
{
	size_t cap = t->cap ? t->cap : TEXT_MIN;

	if (t->failed)
		return false;
	while (cap < t->len + n)
		cap *= 2;
	if (cap == t->cap)
		return true;
	char *buf = cap <= TEXT_MAX ? krealloc(t->buf, t->cap, cap) : NULL;
	if (!buf) {
		t->failed = true;
		return false;
	}
	t->buf = buf;
	t->cap = cap;
	return true;
}

void proc_append(struct proc_text *t, const void *data, size_t n)
{
	if (!reserve(t, n))
		return;
	memcpy(t->buf + t->len, data, n);
	t->len += n;
}

void proc_printf(struct proc_text *t, const char *fmt, ...)
{
	va_list ap;

	if (!reserve(t, 256))
		return;
	va_start(ap, fmt);
	int n = fmt_vsnprintf(t->buf + t->len, t->cap - t->len, fmt, ap);
	va_end(ap);
	if ((size_t)n >= t->cap - t->len) {
		if (!reserve(t, (size_t)n + 1))
			return;
		va_start(ap, fmt);
		n = fmt_vsnprintf(t->buf + t->len, t->cap - t->len, fmt, ap);
		va_end(ap);
	}
	t->len += (size_t)n;
}

void proc_pad(struct proc_text *t, size_t from, size_t width)
{
	while (!t->failed && t->len < from + width)
		proc_append(t, " ", 1);
}

void proc_append_escaped(struct proc_text *t, const char *s, const char *special)
{
	for (; *s; s++) {
		if (strchr(special, *s) || *s == '\n')
			proc_printf(t, "\\%03o", (u8)*s);
		else
			proc_append(t, s, 1);
	}
}

// SPDX-License-Identifier: MIT
/*
 * The kernel command line, read where it lies.
 */
#include "lib/cmdline.h"

#include <linux/errno.h>

#include "lib/num.h"
#include "lib/string.h"

static bool cmdline_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void cmdline_init(struct cmdline_iter *it, const char *line)
{
	*it = (struct cmdline_iter){.pos = line};
}

/* A leading quote is dropped, and with it a closing one at the end, as Linux does; quotes further
 * in stay. */
static void cmdline_unquote(const char **s, size_t *len)
{
	if (*len == 0 || **s != '"')
		return;
	(*s)++;
	(*len)--;
	if (*len && (*s)[*len - 1] == '"')
		(*len)--;
}

static void cmdline_split(struct cmdline_word *w, const char *s, size_t len)
{
	const char *eq;

	if (len && *s == '"')
		cmdline_unquote(&s, &len);
	eq = len ? memchr(s, '=', len) : NULL;
	w->key = s;
	w->key_len = eq ? (size_t)(eq - s) : len;
	w->value = eq ? eq + 1 : NULL;
	w->value_len = eq ? len - w->key_len - 1 : 0;
	if (eq)
		cmdline_unquote(&w->value, &w->value_len);
}

bool cmdline_next(struct cmdline_iter *it, struct cmdline_word *w)
{
	for (;;) {
		const char *start;
		bool quoted = false;

		while (cmdline_is_blank(*it->pos))
			it->pos++;
		if (!*it->pos)
			return false;
		start = it->pos;
		for (; *it->pos && (quoted || !cmdline_is_blank(*it->pos)); it->pos++)
			if (*it->pos == '"')
				quoted = !quoted;
		if (!it->for_init && it->pos - start == 2 && memcmp(start, "--", 2) == 0) {
			it->for_init = true;
			continue;
		}
		cmdline_split(w, start, (size_t)(it->pos - start));
		w->for_init = it->for_init;
		return true;
	}
}

/* The last word with this key before `--`. */
static bool cmdline_find(const char *line, const char *key, struct cmdline_word *found)
{
	size_t key_len = strlen(key);
	struct cmdline_iter it;
	struct cmdline_word w;
	bool any = false;

	cmdline_init(&it, line);
	while (cmdline_next(&it, &w) && !w.for_init) {
		if (w.key_len == key_len && memcmp(w.key, key, key_len) == 0) {
			*found = w;
			any = true;
		}
	}
	return any;
}

int cmdline_get(const char *line, const char *key, char *buf, size_t size)
{
	struct cmdline_word w;

	if (!cmdline_find(line, key, &w))
		return -ENOENT;
	if (w.value_len >= size)
		return -ENAMETOOLONG;
	if (w.value_len)
		memcpy(buf, w.value, w.value_len);
	buf[w.value_len] = '\0';
	return (int)w.value_len;
}

int cmdline_get_u64(const char *line, const char *key, u64 *out)
{
	char buf[32];
	int n = cmdline_get(line, key, buf, sizeof(buf));

	if (n == -ENAMETOOLONG)
		return -EINVAL;
	return n < 0 ? n : num_parse_size(buf, out);
}

bool cmdline_get_bool(const char *line, const char *key, bool fallback)
{
	static const char *const yes[] = {"1", "y", "Y", "on", "yes", "true"};
	struct cmdline_word w;

	if (!cmdline_find(line, key, &w))
		return fallback;
	if (!w.value)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		if (strlen(yes[i]) == w.value_len && memcmp(yes[i], w.value, w.value_len) == 0)
			return true;
	return false;
}

// SPDX-License-Identifier: MIT
// `postern abi`: finds calls by name or number, and names near the one that does not exist. All it
// knows comes from abi/syscalls.tbl through the generated build/gen/syscall_info.c, so it can't
// disagree with the kernel that was built beside it.
#include "host/abi.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/say.h"
#include "syscall_info.h"

#define X32_BIT	 0x40000000l // __X32_SYSCALL_BIT of <asm/unistd.h>
#define NEAR_MAX 5
#define NEAR_FAR 3  // how many when none is really near
#define WORD_MAX 64 // longer words are cut before they are compared

enum {
	STATUS_UNKNOWN = 1, // no such call: as grep's "nothing found"
	KEY_JSON = 256,
	KEY_MISSING,
};

struct abi_options {
	int which; // enum info_abi or ABI_ANY
	bool json, missing;
	char **words;
	int words_len;
};

long abi_number(const struct syscall_info *call, int which)
{
	long number = call->number[which];

	return number >= 0 && which == INFO_X32 ? number | X32_BIT : number;
}

static int place_compare(const void *key, const void *place)
{
	return strcmp(key, ((const struct handler_place *)place)->name);
}

const struct handler_place *abi_handler_place(const struct syscall_info *call)
{
	if (!call->handler || !call->implemented)
		return NULL;
	return bsearch(call->handler, handler_places, handler_places_len, sizeof(*handler_places),
		       place_compare);
}

// The three names, and those that people use for the same.
static int abi_by_name(const char *name)
{
	static const struct {
		const char *name;
		int which;
	} names[] = {
		{"x86_64", INFO_X86_64}, {"x86-64", INFO_X86_64}, {"amd64", INFO_X86_64},
		{"64", INFO_X86_64},	 {"i386", INFO_I386},	  {"i686", INFO_I386},
		{"x86", INFO_I386},	 {"ia32", INFO_I386},	  {"32", INFO_I386},
		{"x32", INFO_X32},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcasecmp(name, names[i].name))
			return names[i].which;
	return ABI_ANY;
}

// --- near names ---

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

// Optimal string alignment: three rows of the usual matrix, the oldest for swapped neighbours.
unsigned abi_distance(const char *a, const char *b)
{
	unsigned rows[3][WORD_MAX + 1];
	size_t la = strnlen(a, WORD_MAX), lb = strnlen(b, WORD_MAX);

	for (size_t j = 0; j <= lb; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *older = rows[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			row[j] = min3(above[j] + 1, row[j - 1] + 1,
				      above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    older[j - 2] + 1 < row[j])
				row[j] = older[j - 2] + 1;
		}
	}
	return rows[la % 3][lb];
}

// How far a call's name is from a word: one that contains the other is near, whatever its length.
static unsigned name_badness(const char *word, const char *name)
{
	unsigned d = abi_distance(word, name);

	if (strlen(word) >= 3 && (strstr(name, word) || strstr(word, name)) && d > 2)
		return 2;
	return d;
}

// Keeps the NEAR_MAX best, sorted. A name has as many rows as prototypes; it is offered once.
static size_t near_insert(const char **near, unsigned *badness, size_t n, const char *name,
			  unsigned d)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++)
		if (!strcmp(near[i], name))
			return n;
	while (at < n && badness[at] <= d)
		at++;
	if (at == NEAR_MAX)
		return n;
	n -= n == NEAR_MAX;
	memmove(near + at + 1, near + at, (n - at) * sizeof(*near));
	memmove(badness + at + 1, badness + at, (n - at) * sizeof(*badness));
	near[at] = name;
	badness[at] = d;
	return n + 1;
}

// Those within a third of the word's letters, best first; the nearest three when none is.
static size_t names_near(const char *word, const char *near[NEAR_MAX])
{
	unsigned limit = (unsigned)strlen(word) / 3, badness[NEAR_MAX];
	size_t n = 0, good = 0;

	limit = limit < 2 ? 2 : limit;
	for (unsigned i = 0; i < syscall_info_len; i++)
		n = near_insert(near, badness, n, syscall_info[i].name,
				name_badness(word, syscall_info[i].name));
	while (good < n && badness[good] <= limit)
		good++;
	return good ? good : NEAR_FAR;
}

static void say_unknown(const char *word, int which)
{
	const char *near[NEAR_MAX], *abi = which == ABI_ANY ? NULL : info_abi_name[which];
	char *list = mem_strdup("");
	size_t n = names_near(word, near);

	for (size_t i = 0; i < n; i++) {
		char *more = mem_printf("%s%s%s", list,
					!i	     ? ""
					: i + 1 == n ? " or "
						     : ", ",
					near[i]);

		free(list);
		list = more;
	}
	say("%.64s is no system call%s%s; did you mean %s?", word, abi ? " of " : "",
	    abi ? abi : "", list);
	free(list);
}

// --- which calls ---

struct selection {
	const struct syscall_info **v;
	size_t n;
};

static void select_add(struct selection *s, const struct syscall_info *call)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i] == call)
			return;
	s->v[s->n++] = call; // there is room for all rows
}

static bool has_call(const struct syscall_info *call, int which)
{
	return which == ABI_ANY || call->number[which] >= 0;
}

// The call with this number in one ABI, or in each; with bit 30 it can only be x32's.
static bool select_number(struct selection *s, unsigned long number, int which)
{
	bool found = false;

	if (number & X32_BIT) {
		if (which != ABI_ANY && which != INFO_X32)
			return false;
		which = INFO_X32;
		number -= X32_BIT;
	}
	for (int abi = 0; abi < INFO_ABIS && number <= 0xffff; abi++) {
		const struct syscall_info *call = NULL;

		if (which == ABI_ANY || which == abi)
			call = syscall_info_find((enum info_abi)abi, (unsigned)number);
		if (call)
			select_add(s, call);
		found |= call != NULL;
	}
	return found;
}

static bool select_name(struct selection *s, const char *name, int which)
{
	bool found = false;

	// As sources spell them: __NR_openat, SYS_openat, sys_openat.
	if (!strncmp(name, "__NR_", 5))
		name += 5;
	else if (!strncasecmp(name, "SYS_", 4) && name[4])
		name += 4;
	for (unsigned i = 0; i < syscall_info_len; i++) {
		const struct syscall_info *call = &syscall_info[i];

		if (strcmp(call->name, name) || !has_call(call, which))
			continue;
		select_add(s, call);
		found = true;
	}
	return found;
}

static bool select_word(struct selection *s, const char *word, int which)
{
	unsigned long number;
	char *end;

	if (word[0] < '0' || word[0] > '9')
		return select_name(s, word, which);
	errno = 0;
	number = strtoul(word, &end, 0);
	return !*end && !errno && select_number(s, number, which);
}

static void say_bad_word(const char *word, int which)
{
	bool number = word[0] >= '0' && word[0] <= '9';

	if (number)
		say("%.64s is the number of no system call%s%s", word,
		    which == ABI_ANY ? "" : " of ", which == ABI_ANY ? "" : info_abi_name[which]);
	else
		say_unknown(word, which);
}

static void select_all(struct selection *s, const struct abi_options *o)
{
	for (unsigned i = 0; i < syscall_info_len; i++) {
		const struct syscall_info *call = &syscall_info[i];

		// A row without types is one that Linux answers with ENOSYS too: nothing is
		// missing.
		if (has_call(call, o->which) &&
		    (!o->missing || (!call->implemented && call->handler)))
			select_add(s, call);
	}
}

// --- the command ---

static const struct argp_option abi_args[] = {
	{"abi", 'a', "ABI", 0, "Only x86_64, i386 or x32", 0},
	{"json", KEY_JSON, NULL, 0, "An array of JSON objects instead of text", 0},
	{"missing", KEY_MISSING, NULL, 0,
	 "List the calls that Linux has and Postern answers with ENOSYS", 0},
	{0},
};

static error_t abi_option(int key, char *arg, struct argp_state *s)
{
	struct abi_options *o = s->input;

	switch (key) {
	case 'a':
		o->which = abi_by_name(arg);
		if (o->which == ABI_ANY)
			argp_error(s, "--abi %s: give x86_64, i386 or x32", arg);
		break;
	case KEY_JSON:
		o->json = true;
		break;
	case KEY_MISSING:
		o->missing = true;
		break;
	case ARGP_KEY_ARGS:
		o->words = s->argv + s->next;
		o->words_len = s->argc - s->next;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp abi_argp = {
	.options = abi_args,
	.parser = abi_option,
	.args_doc = "[ABI] [NAME|NUMBER...]",
	.doc = "Show what a system call is in each ABI: its number, its prototype, the registers "
	       "of "
	       "its arguments by entry, and its handler in Postern. Without a name: a list of "
	       "all.\v"
	       "The exit status is 1 when a name or a number is no system call.",
};

static void print_all(const struct selection *s, const struct abi_options *o)
{
	bool list = !o->words_len;

	if (o->json) {
		for (size_t i = 0; i < s->n; i++) {
			fputs(i ? ",\n" : "[\n", stdout);
			abi_print_json(stdout, s->v[i], o->which);
		}
		puts(s->n ? "\n]" : "[]");
		return;
	}
	if (list)
		abi_print_list_head(stdout, o->which);
	for (size_t i = 0; i < s->n; i++) {
		if (list) {
			abi_print_line(stdout, s->v[i], o->which);
			continue;
		}
		if (i)
			putchar('\n');
		abi_print_call(stdout, s->v[i], o->which);
	}
	if (o->missing && list)
		printf("%zu of them\n", s->n);
}

int abi_main(int argc, char **argv)
{
	struct abi_options o = {.which = ABI_ANY};
	struct selection s = {0};
	int status = 0;

	if (argp_parse(&abi_argp, argc, argv, 0, NULL, &o))
		return STATUS_FAILURE;
	// An ABI may stand before the words, as in `postern abi i386 5`.
	if (o.words_len && o.which == ABI_ANY && strspn(o.words[0], "0123456789") == 0 &&
	    abi_by_name(o.words[0]) != ABI_ANY) {
		o.which = abi_by_name(*o.words++);
		o.words_len--;
	}
	if (o.missing && o.words_len)
		fail(STATUS_FAILURE, "--missing lists calls: give no names with it");
	s.v = mem_alloc(syscall_info_len * sizeof(*s.v));
	if (!o.words_len)
		select_all(&s, &o);
	for (int i = 0; i < o.words_len; i++) {
		if (select_word(&s, o.words[i], o.which))
			continue;
		say_bad_word(o.words[i], o.which);
		status = STATUS_UNKNOWN;
	}
	if (s.n || !o.words_len)
		print_all(&s, &o);
	else if (o.json)
		puts("[]");
	free(s.v);
	if (fflush(stdout) || ferror(stdout))
		fail(STATUS_FAILURE, "writing output: %s", strerror(errno));
	return status;
}

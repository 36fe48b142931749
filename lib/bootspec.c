// SPDX-License-Identifier: MIT
/*
 * The boot spec's parser. Strict: an unknown key, a second value for a single key, or a byte that
 * cannot be meant is an error with its line, because launcher and kernel are built together and a
 * misread run is worse than none.
 */
#include "lib/bootspec.h"

#include <linux/errno.h>

#include "lib/num.h"
#include "lib/string.h"

static int spec_fail(struct bootspec *spec, const char *why)
{
	spec->error = why;
	return -EINVAL;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Resolves the escapes of s in place: the result is never longer. No value may hold a NUL: all are
 * C strings. */
static int spec_unescape(struct bootspec *spec, char *s)
{
	char *out = s;

	while (*s) {
		int hi, lo;

		if (*s != '\\') {
			*out++ = *s++;
			continue;
		}
		switch (s[1]) {
		case '\\':
			*out++ = '\\';
			s += 2;
			break;
		case 'n':
			*out++ = '\n';
			s += 2;
			break;
		case 'x':
			hi = hex_digit(s[2]);
			lo = hi < 0 ? -1 : hex_digit(s[3]);
			if (lo < 0)
				return spec_fail(spec, "bad \\x escape");
			if (hi == 0 && lo == 0)
				return spec_fail(spec, "NUL in a value");
			*out++ = (char)(hi << 4 | lo);
			s += 4;
			break;
		default:
			return spec_fail(spec, "unknown escape");
		}
	}
	*out = '\0';
	return 0;
}

/* Keys that may appear once: a bit each in the set of those seen. */
enum spec_once {
	ONCE_EXE = 1 << 0,
	ONCE_CWD = 1 << 1,
	ONCE_UID = 1 << 2,
	ONCE_GID = 1 << 3,
	ONCE_ROOT = 1 << 4,
	ONCE_IO = 1 << 5,
	ONCE_WINSIZE = 1 << 6,
	ONCE_TIME = 1 << 7,
	ONCE_KLOG = 1 << 8,
};

typedef int (*spec_handler)(struct bootspec *spec, char *value);

static int spec_arg(struct bootspec *spec, char *value)
{
	if (spec->argc + 1 >= spec->argv_max) {
		spec->error = "too many arguments";
		return -E2BIG;
	}
	spec->argv[spec->argc++] = value;
	return 0;
}

static int spec_env(struct bootspec *spec, char *value)
{
	if (spec->envc + 1 >= spec->envp_max) {
		spec->error = "too many environment variables";
		return -E2BIG;
	}
	spec->envp[spec->envc++] = value;
	return 0;
}

static int spec_exe(struct bootspec *spec, char *value)
{
	if (!*value)
		return spec_fail(spec, "empty exe");
	spec->exe = value;
	return 0;
}

static int spec_cwd(struct bootspec *spec, char *value)
{
	if (*value != '/')
		return spec_fail(spec, "cwd is not absolute");
	spec->cwd = value;
	return 0;
}

static int spec_id(struct bootspec *spec, const char *value, u32 *out)
{
	/* -1 means "no change" in every call that takes an id. */
	if (num_parse_u32(value, 10, out) || *out == UINT32_MAX)
		return spec_fail(spec, "bad uid or gid");
	return 0;
}

static int spec_uid(struct bootspec *spec, char *value)
{
	return spec_id(spec, value, &spec->uid);
}

static int spec_gid(struct bootspec *spec, char *value)
{
	return spec_id(spec, value, &spec->gid);
}

static int spec_root(struct bootspec *spec, char *value)
{
	if (!str_eq(value, "initrd"))
		return spec_fail(spec, "unknown root");
	spec->root = BOOTSPEC_ROOT_INITRD;
	return 0;
}

static int spec_io(struct bootspec *spec, char *value)
{
	if (str_eq(value, "streams"))
		spec->io = BOOTSPEC_IO_STREAMS;
	else if (str_eq(value, "tty"))
		spec->io = BOOTSPEC_IO_TTY;
	else
		return spec_fail(spec, "unknown io");
	return 0;
}

static int spec_winsize(struct bootspec *spec, char *value)
{
	char *cols = strchr(value, ' ');
	u32 r, c;

	if (!cols)
		return spec_fail(spec, "bad winsize");
	*cols++ = '\0';
	if (num_parse_u32(value, 10, &r) || num_parse_u32(cols, 10, &c) || r > UINT16_MAX ||
	    c > UINT16_MAX)
		return spec_fail(spec, "bad winsize");
	spec->has_winsize = true;
	spec->rows = (u16)r;
	spec->cols = (u16)c;
	return 0;
}

static int spec_time(struct bootspec *spec, char *value)
{
	if (num_parse_u64(value, 10, &spec->time_ns))
		return spec_fail(spec, "bad time");
	spec->has_time = true;
	return 0;
}

static int spec_klog(struct bootspec *spec, char *value)
{
	if ((*value != '0' && *value != '1') || value[1])
		return spec_fail(spec, "klog is neither 0 nor 1");
	spec->klog = *value == '1';
	return 0;
}

static const struct spec_key {
	const char *name;
	unsigned int once; /* 0: may be repeated */
	spec_handler handle;
} spec_keys[] = {
	{"arg", 0, spec_arg},
	{"env", 0, spec_env},
	{"exe", ONCE_EXE, spec_exe},
	{"cwd", ONCE_CWD, spec_cwd},
	{"uid", ONCE_UID, spec_uid},
	{"gid", ONCE_GID, spec_gid},
	{"root", ONCE_ROOT, spec_root},
	{"io", ONCE_IO, spec_io},
	{"winsize", ONCE_WINSIZE, spec_winsize},
	{"time", ONCE_TIME, spec_time},
	{"klog", ONCE_KLOG, spec_klog},
};

/* One line without its newline, NUL-terminated. */
static int spec_line(struct bootspec *spec, char *line, unsigned int *seen)
{
	char *value = strchr(line, ' ');

	if (!value)
		return spec_fail(spec, "line without a value");
	*value++ = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(spec_keys); i++) {
		const struct spec_key *key = &spec_keys[i];
		int err;

		if (!str_eq(line, key->name))
			continue;
		if (*seen & key->once)
			return spec_fail(spec, "key appears twice");
		*seen |= key->once;
		err = spec_unescape(spec, value);
		return err ? err : key->handle(spec, value);
	}
	return spec_fail(spec, "unknown key");
}

static int spec_version(struct bootspec *spec, const char *line)
{
	u32 version;

	if (!str_starts(line, "postern ") || num_parse_u32(line + 8, 10, &version))
		return spec_fail(spec, "not a boot spec");
	if (version != BOOTSPEC_VERSION)
		return spec_fail(spec, "unknown version of the boot spec");
	return 0;
}

static int spec_lines(struct bootspec *spec, char *text, size_t len)
{
	char *end = text + len, *next;
	unsigned int seen = 0;
	int err;

	*end = '\0';
	for (char *line = text; line < end; line = next) {
		char *newline = memchr(line, '\n', (size_t)(end - line));

		spec->error_line++;
		if (!newline)
			return spec_fail(spec, "last line is cut off");
		if (memchr(line, '\0', (size_t)(newline - line)))
			return spec_fail(spec, "NUL byte");
		*newline = '\0';
		next = newline + 1;
		err = spec->error_line == 1 ? spec_version(spec, line)
					    : spec_line(spec, line, &seen);
		if (err)
			return err;
	}
	return 0;
}

int bootspec_parse(struct bootspec *spec, char *text, size_t len)
{
	int err;

	/* Only what the caller set survives. */
	*spec = (struct bootspec){.argv = spec->argv,
				  .envp = spec->envp,
				  .argv_max = spec->argv_max,
				  .envp_max = spec->envp_max,
				  .cwd = "/"};
	if (spec->argv_max < 2 || spec->envp_max < 1) {
		spec->error = "no room for the arguments";
		return -E2BIG;
	}
	err = spec_lines(spec, text, len);
	if (err)
		return err;
	spec->error_line = 0;
	if (len == 0)
		return spec_fail(spec, "empty boot spec");
	if (spec->argc == 0)
		return spec_fail(spec, "no arg: nothing to run");
	spec->argv[spec->argc] = NULL;
	spec->envp[spec->envc] = NULL;
	return 0;
}

// SPDX-License-Identifier: MIT
/*
 * lib/script.c: rows, and the same rows given to the host's own execve: what ran, or which errno.
 */
#include "test/unit/unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/script.h"

struct row {
	const char *head;
	size_t len;	    /* 0: strlen */
	const char *interp; /* NULL: ENOEXEC */
	const char *arg;
};

#define A50  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B50  "                                                  "
#define A200 A50 A50 A50 A50
#define B200 B50 B50 B50 B50

static const struct row rows[] = {
	{"#!/bin/echo\n", 0, "/bin/echo", NULL},
	{"#!/bin/echo", 0, "/bin/echo", NULL},
	{"#! \t/bin/echo -x  two words \t \nmore\n", 0, "/bin/echo", "-x  two words"},
	{"#!/bin/echo   \n", 0, "/bin/echo", NULL},
	{"#!/bin/echo\tx\n", 0, "/bin/echo", "x"},
	{"#!/bin/echo x", 0, "/bin/echo", "x"},
	{"#!/bin/echo x  ", 0, "/bin/echo", "x  "},
	{"#!/bin/echo\0ignored\n", 20, "/bin/echo", NULL},
	{"#!/bin/echo a\0b\n", 16, "/bin/echo", "a"},
	{"#!/bin/echo \0b\n", 15, "/bin/echo", ""},
	{"#!\n", 0, NULL, NULL},
	{"#!   \t\n", 0, NULL, NULL},
	{"#!", 0, "", NULL},
	{"#! ", 0, "", NULL},
	{"#!\0\n", 4, "", NULL},
	{"# !/bin/echo\n", 0, NULL, NULL},
	{"#", 0, NULL, NULL},
	{" #!/bin/echo\n", 0, NULL, NULL},
	{"#!" B200 "/bin/echo\n", 0, "/bin/echo", NULL},
	{"#!/bin/echo " A200 A50, 0, "/bin/echo",
	 A200 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
	{"#!/bin/echo " A200 A50 "\n", 0, "/bin/echo",
	 A200 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
	{"#!/bin/echo x" B200 B50 "\n", 0, "/bin/echo", "x"},
	{"#!/bin/echo" B200 B50 "x\n", 0, "/bin/echo", NULL},
	{"#!/" A200 A50 A50, 0, NULL, NULL},
	{"#!/" A200 A50 "\n", 0, "/" A200 A50, NULL},
	{"#!/" A200 A50 "aa", 0, "/" A200 A50 "aa", NULL}, /* a NUL is seen at the last byte */
	{"#!/" A200 A50 "aa\n", 0, "/" A200 A50 "aa", NULL},
	{"#!/" A200 A50 "aaa\n", 0, NULL, NULL},
	{"#!/" A200 A50 "aaa", 0, NULL, NULL},
	{"#!" B200 B50 B50, 0, NULL, NULL},
	{"#!" B200 B50 "   \n", 0, NULL, NULL},
	{"#!" B200 B50 "  /\n", 0, "/", NULL},
	{"#!" B200 B50 "  / x\n", 0, "/", NULL},
	{"#!" B200 B50 "   / x\n", 0, NULL, NULL},
	{"#!" B200 B50 " / x\n", 0, "/", NULL},
};

static size_t row_len(const struct row *r)
{
	return r->len ? r->len : strlen(r->head);
}

static void load(char head[SCRIPT_HEAD_SIZE], const struct row *r)
{
	memset(head, 0, SCRIPT_HEAD_SIZE);
	memcpy(head, r->head, MIN(row_len(r), (size_t)SCRIPT_HEAD_SIZE));
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *head = malloc(SCRIPT_HEAD_SIZE), before[SCRIPT_HEAD_SIZE];
		struct script s;
		int err;

		load(head, &rows[i]);
		load(before, &rows[i]);
		err = script_parse(&s, head);
		if (err != (rows[i].interp ? 0 : -ENOEXEC))
			print_error("row %zu\n", i);
		assert_int_equal(err, rows[i].interp ? 0 : -ENOEXEC);
		if (err) {
			assert_memory_equal(head, before, SCRIPT_HEAD_SIZE);
		} else {
			assert_string_equal(s.interp, rows[i].interp);
			assert_int_equal(s.arg != NULL, rows[i].arg != NULL);
			if (s.arg)
				assert_string_equal(s.arg, rows[i].arg);
		}
		free(head);
	}
}

/* Runs the row on this Linux; its output goes to out, or the errno of execve is returned. */
static int run_on_host(const struct row *r, const char *path, char *out, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0700), p[2], status;
	ssize_t n, len = 0;
	pid_t pid;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, r->head, row_len(r)), row_len(r));
	close(fd);
	assert_int_equal(pipe(p), 0);
	pid = fork();
	if (pid == 0) {
		dup2(p[1], 1);
		execl(path, path, (char *)NULL);
		_exit(errno);
	}
	close(p[1]);
	while ((n = read(p[0], out + len, size - 1 - (size_t)len)) > 0)
		len += n;
	out[len] = '\0';
	close(p[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	unlink(path);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_same_on_host(void **state)
{
	char path[64], out[1024], want[1024];

	(void)state;
	snprintf(path, sizeof(path), "/tmp/postern-script-%d", (int)getpid());
	if (run_on_host(&rows[0], path, out, sizeof(out)) == EACCES)
		skip(); /* /tmp is mounted noexec */
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];
		int got = run_on_host(r, path, out, sizeof(out));

		if (!r->interp) {
			assert_int_equal(got, ENOEXEC);
		} else if (r->interp[0] == '\0' || strcmp(r->interp, "/") == 0) {
			assert_int_equal(
				got, EACCES); /* a directory; the empty name is the current one */
		} else if (strcmp(r->interp, "/bin/echo") != 0) {
			assert_int_equal(got, ENOENT);
		} else {
			snprintf(want, sizeof(want), "%s%s%s\n", r->arg ? r->arg : "",
				 r->arg ? " " : "", path);
			if (r->arg && strncmp(r->arg, "-", 1) == 0)
				assert_non_null(strstr(out, r->arg));
			else
				assert_string_equal(out, want);
			assert_int_equal(got, 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_same_on_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

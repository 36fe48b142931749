// SPDX-License-Identifier: MIT
/*
 * lib/bootspec.c: a whole spec, escapes, and each error with its line.
 */
#include "test/unit/unit.h"

#include "lib/bootspec.h"

static char *argv[8], *envp[8];

static int parse_n(struct bootspec *s, const char *text, size_t len)
{
	static char *buf;

	free(buf);
	buf = malloc(len + 1); /* exact: ASan watches */
	memcpy(buf, text, len);
	*s = (struct bootspec){.argv = argv, .envp = envp, .argv_max = 8, .envp_max = 8};
	return bootspec_parse(s, buf, len);
}

static void expect_bad(const char *text, int err, u32 line, const char *why)
{
	struct bootspec s;

	assert_int_equal(parse_n(&s, text, strlen(text)), err);
	assert_string_equal(s.error, why);
	assert_int_equal(s.error_line, line);
}

static void test_whole(void **state)
{
	static const char text[] =
		"postern 1\n"
		"exe /bin/busybox\narg sh\narg -c\narg echo \\x41\\\\ \\n two\narg \n"
		"env PATH=/bin:/usr/bin\nenv A=\ncwd /tmp dir\nuid 1000\ngid 4294967294\n"
		"root initrd\nio tty\nwinsize 24 80\ntime 1700000000123456789\nklog 1\n";
	struct bootspec s;

	(void)state;
	assert_int_equal(parse_n(&s, text, sizeof(text) - 1), 0);
	assert_string_equal(s.exe, "/bin/busybox");
	assert_int_equal(s.argc, 4);
	assert_string_equal(s.argv[0], "sh");
	assert_string_equal(s.argv[2], "echo A\\ \n two");
	assert_string_equal(s.argv[3], "");
	assert_null(s.argv[4]);
	assert_int_equal(s.envc, 2);
	assert_string_equal(s.envp[0], "PATH=/bin:/usr/bin");
	assert_string_equal(s.envp[1], "A=");
	assert_null(s.envp[2]);
	assert_string_equal(s.cwd, "/tmp dir");
	assert_int_equal(s.uid, 1000);
	assert_int_equal(s.gid, 4294967294u);
	assert_int_equal(s.root, BOOTSPEC_ROOT_INITRD);
	assert_int_equal(s.io, BOOTSPEC_IO_TTY);
	assert_true(s.has_winsize && s.rows == 24 && s.cols == 80);
	assert_true(s.has_time && s.time_ns == 1700000000123456789ull);
	assert_true(s.klog);
}

static void test_defaults(void **state)
{
	struct bootspec s;

	(void)state;
	assert_int_equal(parse_n(&s, "postern 1\narg x\n", 16), 0);
	assert_null(s.exe);
	assert_string_equal(s.cwd, "/");
	assert_int_equal(s.uid, 0);
	assert_int_equal(s.io, BOOTSPEC_IO_STREAMS);
	assert_false(s.has_winsize || s.has_time || s.klog);
	assert_null(s.envp[0]);
}

static void test_errors(void **state)
{
	(void)state;
	expect_bad("", -EINVAL, 0, "empty boot spec");
	expect_bad("postern 1\n", -EINVAL, 0, "no arg: nothing to run");
	expect_bad("postern 2\narg x\n", -EINVAL, 1, "unknown version of the boot spec");
	expect_bad("arg x\n", -EINVAL, 1, "not a boot spec");
	expect_bad("postern 1\narg x", -EINVAL, 2, "last line is cut off");
	expect_bad("postern 1\narg x\nargs y\n", -EINVAL, 3, "unknown key");
	expect_bad("postern 1\narg\n", -EINVAL, 2, "line without a value");
	expect_bad("postern 1\n\n", -EINVAL, 2, "line without a value");
	expect_bad("postern 1\narg \\q\n", -EINVAL, 2, "unknown escape");
	expect_bad("postern 1\narg \\\n", -EINVAL, 2, "unknown escape");
	expect_bad("postern 1\narg \\x4\n", -EINVAL, 2, "bad \\x escape");
	expect_bad("postern 1\narg \\x\n", -EINVAL, 2, "bad \\x escape");
	expect_bad("postern 1\narg \\xg1\n", -EINVAL, 2, "bad \\x escape");
	expect_bad("postern 1\narg \\x1g\n", -EINVAL, 2, "bad \\x escape");
	expect_bad("postern 1\narg \\x00\n", -EINVAL, 2, "NUL in a value");
	expect_bad("postern 1\nuid -1\n", -EINVAL, 2, "bad uid or gid");
	expect_bad("postern 1\ngid 4294967295\n", -EINVAL, 2, "bad uid or gid");
	expect_bad("postern 1\nuid 1\nuid 1\n", -EINVAL, 3, "key appears twice");
	expect_bad("postern 1\ncwd tmp\n", -EINVAL, 2, "cwd is not absolute");
	expect_bad("postern 1\nexe \n", -EINVAL, 2, "empty exe");
	expect_bad("postern 1\nroot 9p\n", -EINVAL, 2, "unknown root");
	expect_bad("postern 1\nio pty\n", -EINVAL, 2, "unknown io");
	expect_bad("postern 1\nwinsize 80\n", -EINVAL, 2, "bad winsize");
	expect_bad("postern 1\nwinsize 1 65536\n", -EINVAL, 2, "bad winsize");
	expect_bad("postern 1\ntime 1s\n", -EINVAL, 2, "bad time");
	expect_bad("postern 1\nklog yes\n", -EINVAL, 2, "klog is neither 0 nor 1");
	expect_bad("postern 1\narg 1\narg 2\narg 3\narg 4\narg 5\narg 6\narg 7\narg 8\n", -E2BIG, 9,
		   "too many arguments");
	expect_bad("postern 1\nenv 1\nenv 2\nenv 3\nenv 4\nenv 5\nenv 6\nenv 7\nenv 8\n", -E2BIG, 9,
		   "too many environment variables");
}

static void test_nul_byte(void **state)
{
	struct bootspec s;

	(void)state;
	assert_int_equal(parse_n(&s, "postern 1\narg a\0b\n", 18), -EINVAL);
	assert_string_equal(s.error, "NUL byte");
	assert_int_equal(s.error_line, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_nul_byte),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	struct bootspec s;

	return parse_n(&s, "", 0) == 0 || failed;
}

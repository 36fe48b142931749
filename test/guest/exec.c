// SPDX-License-Identifier: MIT
// execve: what a new program keeps and loses, scripts, errnos; a failing exec leaves the old image
// as it was, with all its ways into the kernel (hazard 9).
#include "test/guest/entry.h"
#include "test/guest/tiny.h"

static int exec_status(const char *path, char *const argv[], char *const envp[])
{
	pid_t pid = fork();

	if (!pid) {
		sreg_t r = sys(SYS_execve, path, argv, envp);
		_exit(r == -EACCES    ? 113
		      : r == -ENOENT  ? 102
		      : r == -ENOEXEC ? 108
		      : r == -E2BIG   ? 107
				      : 99);
	}
	return child_wait(pid);
}

#define ARGV(...) ((char *[]){__VA_ARGS__, NULL})
static char *no_env[] = {NULL};

static void script(const char *name, const char *text)
{
	int fd = file_with(name, text);

	fchmod(fd, 0755);
	close(fd);
}

TEST(errnos)
{
	char *argv[] = {"x", NULL};

	ERR(sys(SYS_execve, "missing", argv, no_env), ENOENT);
	ERR(sys(SYS_execve, "", argv, no_env), ENOENT);
	ERR(sys(SYS_execve, ".", argv, no_env), EACCES);
	close(file_with("plain", "no program"));
	ERR(sys(SYS_execve, "plain", argv, no_env), EACCES); // no x bit, even for root
	ERR(sys(SYS_execve, "plain/x", argv, no_env), ENOTDIR);
	script("garbage", "no program at all");
	ERR(sys(SYS_execve, "garbage", argv, no_env), ENOEXEC);
	script("empty", "");
	ERR(sys(SYS_execve, "empty", argv, no_env), ENOEXEC);
	script("noint", "#!/nowhere/at/all\n");
	ERR(sys(SYS_execve, "noint", argv, no_env), ENOENT);
	script("blank", "#!   \n");
	ERR(sys(SYS_execve, "blank", argv, no_env), ENOEXEC);
	script("self", "#!./self\n");
	ERR(sys(SYS_execve, "self", argv, no_env), ELOOP);
	OKC(symlink("loop", "loop"));
	ERR(sys(SYS_execve, "loop", argv, no_env), ELOOP);
	ERR(sys(SYS_execve, map_bad(), argv, no_env), EFAULT);
	ERR(sys(SYS_execve, self_path(), map_bad(), no_env), EFAULT);
	ERR(sys(SYS_execve, self_path(), argv, map_bad()), EFAULT);
	char *bad[] = {map_bad(), NULL};
	ERR(sys(SYS_execve, self_path(), bad, no_env), EFAULT);
	char *huge = map_pages(64);
	memset(huge, 'a', 33 * PAGE); // MAX_ARG_STRLEN is 32 pages
	char *too_big[] = {"x", huge, NULL};
	ERR(sys(SYS_execve, self_path(), too_big, no_env), E2BIG);
	static char name[5000];
	memset(name, 'n', sizeof(name) - 1);
	ERR(sys(SYS_execve, name, argv, no_env), ENAMETOOLONG);
	ERR(sys(SYS_execveat, AT_FDCWD, "plain", argv, no_env, 0x1), EINVAL);
	ERR(sys(SYS_execveat, 4000, "plain", argv, no_env, 0), EBADF);
	int fd = open(self_path(), O_RDWR);
	if (fd >= 0)
		test_fail("a running program opened for writing");
	else if (errno != EROFS) // where the root is read-only
		EQ(errno, ETXTBSY);
}

// After each failure all is as before: memory, handlers, descriptors, every way in.
TEST(failure_keeps_the_image)
{
	struct tiny t;
	char *argv[] = {"x", NULL};
	int cloexec = open("/dev/null", O_RDONLY | O_CLOEXEC);

	handle(SIGUSR1, 0);
	for (int other = 0; other < 3; other++) {
		// The same and the two other ABIs, with an interpreter that is not there.
		tiny_make(&t, other);
		tiny_add_interp(&t, "/no/such/interpreter");
		MUST(tiny_write(&t, "bad"));
		sreg_t r = sys(SYS_execve, "bad", argv, no_env);
		TRUE(r == -ENOENT || (r == -ENOEXEC && other == TINY_X32 && !on_postern()));
		tiny_add_interp(&t, "/");
		MUST(tiny_write(&t, "bad"));
		TRUE(sys(SYS_execve, "bad", argv, no_env) < 0);
		tiny_make(&t, other);
		t.size = 40;
		MUST(tiny_write(&t, "bad"));
		TRUE(sys(SYS_execve, "bad", argv, no_env) < 0);
		FOR_WAYS(way)
		EQ(entry_call(way, WAY_NR(way, getpid), 0, 0, 0, 0, 0, 0), getpid());
		EQ(fcntl(cloexec, F_GETFD), FD_CLOEXEC);
		raise(SIGUSR1);
		EQ(handled_count, other + 1);
	}
}

// A program of each ABI from each ABI.
TEST(across_abis)
{
	static const int codes[] = {TINY_X86_64, TINY_I386, TINY_X32};

	for (unsigned i = 0; i < COUNT(codes); i++) {
		struct tiny t;

		tiny_make(&t, codes[i]);
		MUST(tiny_write(&t, "tiny"));
		int status = exec_status("./tiny", ARGV("tiny"), no_env);
		if (codes[i] == TINY_X32 && WIFEXITED(status) && WEXITSTATUS(status) == 108 &&
		    !on_postern()) {
			test_note("this kernel has no x32");
			continue;
		}
		ROW("tiny program");
		if (!WIFEXITED(status) || WEXITSTATUS(status) != TINY_GOOD)
			test_fail("ABI %u: wait status %#x; bit n of exit 64+n: see tiny_asm.S", i,
				  status);
	}
}

TEST(arguments)
{
	EQ(WEXITSTATUS(exec_status(self_path(), ARGV("guest-tests", "--child", "status", "44"),
				   no_env)),
	   44);
	EQ(WEXITSTATUS(exec_status(
		   self_path(), ARGV("guest-tests", "--child", "show_args", "", "two words", "x"),
		   ARGV("A=1", "B=", "C"))),
	   5);
	char *big = map_pages(8);
	memset(big, 'b', 7 * PAGE);
	EQ(WEXITSTATUS(exec_status(
		   self_path(), ARGV("guest-tests", "--child", "show_big", big, big, big), no_env)),
	   6);
}

CHILD_PROGRAM(show_args)
{
	return argc == 4 && !strcmp(argv[1], "") && !strcmp(argv[2], "two words") &&
			       !strcmp(argv[3], "x") && environ[0] && !strcmp(environ[0], "A=1") &&
			       !strcmp(environ[1], "B=") && !strcmp(environ[2], "C") && !environ[3]
		       ? 5
		       : 1;
}

CHILD_PROGRAM(show_big)
{
	for (int i = 1; i < argc; i++)
		if (strlen(argv[i]) != 7 * PAGE || argv[i][7 * PAGE - 1] != 'b')
			return 1;
	return argc == 4 ? 6 : 2;
}

// #! lines: the interpreter, one optional argument, the script's name, then its arguments.
TEST(scripts)
{
	char text[512];

	snprintf(text, sizeof(text), "#!%s --child\n", self_path());
	script("one", text);
	// argv: self, "--child", "./one", "y": there is no such program as ./one.
	EQ(WEXITSTATUS(exec_status("./one", ARGV("ignored", "y"), no_env)), 125);
	script("two", "#!./one\nmore");
	EQ(WEXITSTATUS(exec_status("./two", ARGV("ignored"), no_env)), 125);
	struct tiny t;
	tiny_make(&t, TINY_SELF);
	MUST(tiny_write(&t, "tiny"));
	script("bare", "#!./tiny"); // no newline, nothing behind
	EQ(WEXITSTATUS(exec_status("./bare", ARGV("x"), no_env)), TINY_GOOD);
	// No more than 256 bytes are looked at.
	memset(text, 'q', sizeof(text));
	text[0] = '#';
	text[1] = '!';
	text[sizeof(text) - 1] = 0;
	script("long", text);
	EQ(WEXITSTATUS(exec_status("./long", ARGV("x"), no_env)), 108);
}

// Kept: descriptors without FD_CLOEXEC, cwd, umask, ids, pending alarm. Lost: the other
// descriptors.
TEST(kept_and_lost)
{
	pid_t pid = fork();

	if (!pid) {
		int a = open("/dev/null", O_RDONLY), b = open("/dev/null", O_RDONLY | O_CLOEXEC);
		dup2(a, 50);
		fcntl(b, F_DUPFD_CLOEXEC, 51);
		umask(0751);
		alarm(100);
		execl(self_path(), "guest-tests", "--child", "show_kept", NULL);
		_exit(9);
	}
	ROW("kept and lost");
	row_exited(child_wait(pid), 5);
}

CHILD_PROGRAM(show_kept)
{
	(void)argc;
	(void)argv;
	return fcntl(50, F_GETFD) == 0 && fcntl(51, F_GETFD) == -1 && umask(0) == 0751 &&
			       alarm(0) > 90
		       ? 5
		       : 1;
}

// argv[0] missing: Linux 5.18 gives an empty one.
TEST(no_arguments)
{
	static char *none[] = {NULL};
	struct tiny t;

	EQ(WEXITSTATUS(exec_status(self_path(), none, no_env)), 4);
	tiny_make(&t, TINY_SELF);
	MUST(tiny_write(&t, "tiny"));
	EQ(WEXITSTATUS(exec_status("./tiny", none, no_env)), TINY_GOOD);
	EQ(WEXITSTATUS(exec_status("./tiny", NULL, NULL)), TINY_GOOD);
}

TEST(execveat)
{
	struct tiny t;
	char *argv[] = {"tiny", NULL};

	tiny_make(&t, TINY_SELF);
	MUST(tiny_write(&t, "tiny"));
	EXITS(TINY_GOOD, {
		int dir = open(".", O_RDONLY | O_DIRECTORY);
		sys(SYS_execveat, dir, "tiny", argv, no_env, 0);
	});
	EXITS(TINY_GOOD, {
		int fd = open("tiny", O_RDONLY);
		sys(SYS_execveat, fd, "", argv, no_env, AT_EMPTY_PATH);
	});
	OKC(symlink("tiny", "link"));
	ERR(sys(SYS_execveat, AT_FDCWD, "link", argv, no_env, AT_SYMLINK_NOFOLLOW), ELOOP);
}

// SPDX-License-Identifier: MIT
// The runner: picks tests, forks each, limits its time, prints TAP. What a test's processes have to
// say comes through a pipe, so that a crash loses nothing: "F …" a failed row, "S …" a skip, "N …"
// a note. The row being tried lies in shared memory, for the report of a crash.
#include "test.h"

#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>

extern const struct test *const __start_guest_tests[], *const __stop_guest_tests[];
extern const struct child_program *const __start_guest_programs[], *const __stop_guest_programs[];

char **test_argv;
static int report_fd = -1;
static int row_failures;
static bool verbose;
static char base_dir[64];
static sigset_t mask_outside; // before SIGCHLD was blocked, for sigtimedwait

// The row being tried: this process's own, and for the report of a crash the last one of all.
struct row {
	volatile int line;
	const char *volatile file, *volatile text;
	volatile unsigned rows;
};
static struct row row_here;
static struct row *row_last = &row_here;

/* --- reports --- */

static void report(char kind, const char *format, va_list args)
{
	char line[1024];
	int n = snprintf(line, sizeof(line), "%c", kind);

	n += vsnprintf(line + n, sizeof(line) - n - 1, format, args);
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	for (int i = 0; i < n; i++)
		if (line[i] == '\n')
			line[i] = ' ';
	line[n++] = '\n';
	if (write(report_fd, line, n) != n)
		(void)0; // full: what came first is enough
}

void test_fail(const char *format, ...)
{
	va_list args;

	row_failures++;
	va_start(args, format);
	report('F', format, args);
	va_end(args);
}

void test_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report('N', format, args);
	va_end(args);
}

void test_end(void)
{
	_exit(row_failures ? 1 : 0);
}

void test_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report('S', format, args);
	va_end(args);
	_exit(row_failures ? 1 : 0);
}

int test_failures(void)
{
	return row_failures;
}

static bool is_on(const char *name)
{
	const char *on = getenv("GUEST_ON");

	return on && !strcmp(on, name);
}

bool on_postern(void)
{
	return is_on("postern");
}

bool on_oracle(void)
{
	return is_on("oracle");
}

bool on_native(void)
{
	return !on_postern() && !on_oracle();
}

bool verbose_rows(void)
{
	return verbose;
}

/* --- names --- */

const char *errno_name(int e)
{
	static char text[2][32];
	static int turn;
	const char *name = strerrorname_np(e);

	if (name)
		return name;
	turn ^= 1;
	snprintf(text[turn], sizeof(text[turn]), "errno %d", e);
	return text[turn];
}

const char *signal_text(int sig)
{
	static char text[16];
	const char *name = sigabbrev_np(sig);

	if (name)
		snprintf(text, sizeof(text), "SIG%s", name);
	else
		snprintf(text, sizeof(text), "signal %d", sig);
	return text;
}

static const char *result_text(s64 v)
{
	static char text[2][64];
	static int turn;

	turn ^= 1;
	if (v == -1) // a raw -EPERM, or what libc makes of any errno
		snprintf(text[turn], sizeof(text[turn]), "-1 (EPERM, or libc's %s)",
			 errno_name(errno));
	else if (v < 0 && v >= -4095)
		snprintf(text[turn], sizeof(text[turn]), "%lld (%s)", v, errno_name((int)-v));
	else if (v > -100000 && v < 100000)
		snprintf(text[turn], sizeof(text[turn]), "%lld", v);
	else
		snprintf(text[turn], sizeof(text[turn]), "%lld (%#llx)", v, v);
	return text[turn];
}

/* --- rows --- */

void row_begin(const char *file, int line, const char *text)
{
	row_here.file = row_last->file = file;
	row_here.line = row_last->line = line;
	row_here.text = row_last->text = text;
	row_last->rows++;
	if (verbose) {
		int saved = errno;
		char out[256];
		int n = snprintf(out, sizeof(out), "# %s:%d: %s\n", file, line, text);

		if (write(2, out, n < 256 ? n : 255) < 0)
			(void)0;
		errno = saved;
	}
}

static void row_failed(s64 got, const char *expected)
{
	test_fail("%s:%d: %s: expected %s, got %s", row_here.file, row_here.line, row_here.text,
		  expected, result_text(got));
}

s64 row_err(s64 got, int expected)
{
	if (got != -expected)
		row_failed(got, errno_name(expected));
	return got;
}

s64 row_err_of(s64 got, const int *list, int n)
{
	for (int i = 0; i < n; i++)
		if (got == -list[i])
			return got;
	row_failed(got, "one of the listed errnos");
	return got;
}

s64 row_eq(s64 got, s64 expected)
{
	char text[64];

	if (got != expected) {
		snprintf(text, sizeof(text), "%s", result_text(expected));
		row_failed(got, text);
	}
	return got;
}

s64 row_range(s64 got, s64 low, s64 high)
{
	char text[96];

	if (got < low || got > high) {
		snprintf(text, sizeof(text), "%lld … %lld", low, high);
		row_failed(got, text);
	}
	return got;
}

s64 row_ok(s64 got)
{
	if (got < 0 && got >= -4095)
		row_failed(got, "success");
	return got;
}

bool row_true(bool good)
{
	if (!good)
		test_fail("%s:%d: %s: is false", row_here.file, row_here.line, row_here.text);
	return good;
}

int child_wait(pid_t pid)
{
	int status = -1;

	if (pid < 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

static void status_text(int status, char *text, size_t n)
{
	if (status == -1)
		snprintf(text, n, "no status (fork or wait failed)");
	else if (WIFSIGNALED(status))
		snprintf(text, n, "killed by %s", signal_text(WTERMSIG(status)));
	else if (WIFEXITED(status))
		snprintf(text, n, "exit status %d", WEXITSTATUS(status));
	else
		snprintf(text, n, "wait status %#x", status);
}

void row_signalled(int status, int sig)
{
	char got[64];

	status_text(status, got, sizeof(got));
	if (!WIFSIGNALED(status) || WTERMSIG(status) != sig)
		test_fail("%s:%d: %s: expected death by %s, got %s", row_here.file, row_here.line,
			  row_here.text, signal_text(sig), got);
}

void row_exited(int status, int code)
{
	char got[64];

	status_text(status, got, sizeof(got));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != code)
		test_fail("%s:%d: %s: expected exit status %d, got %s", row_here.file,
			  row_here.line, row_here.text, code, got);
}

/* --- one test --- */

static void remove_tree(const char *path)
{
	DIR *d;
	struct dirent *e;
	char name[PATH_MAX];

	if (unlink(path) == 0 || (errno != EISDIR && errno != EPERM))
		return;
	chmod(path, 0700);
	d = opendir(path);
	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..")) {
			snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
			remove_tree(name);
		}
	if (d)
		closedir(d);
	rmdir(path);
}

// A child's failures are its own, so that its exit status tells of them alone.
static void failures_forget(void)
{
	row_failures = 0;
}

__attribute__((noreturn)) static void test_child(const struct test *t, int fd)
{
	char dir[96];

	setpgid(0, 0);
	report_fd = fcntl(fd, F_DUPFD_CLOEXEC, 200);
	if (report_fd < 0)
		report_fd = fd;
	else
		close(fd);
	fcntl(report_fd, F_SETFL, O_WRONLY | O_NONBLOCK);
	snprintf(dir, sizeof(dir), "%s/%d", base_dir, (int)getpid());
	if (mkdir(dir, 0755) < 0 || chdir(dir) < 0)
		test_note("no folder of its own: %s", strerror(errno));
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_SETMASK, &mask_outside, NULL);
	pthread_atfork(NULL, NULL, failures_forget);
	t->run();
	test_end();
}

// Waits for the child up to its limit; then it dies, whatever it does.
static int test_wait(pid_t pid, unsigned seconds, bool *late)
{
	sigset_t chld = sigset_of(SIGCHLD);
	u64 end = now_ns(CLOCK_MONOTONIC) + seconds * 1000000000ull;
	int status = 0;

	*late = false;
	while (waitpid(pid, &status, WNOHANG) != pid) {
		u64 now = now_ns(CLOCK_MONOTONIC);
		struct timespec ts = {(end - now) / 1000000000, (end - now) % 1000000000};

		if (now >= end) {
			*late = true;
			kill(-pid, SIGKILL);
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			break;
		}
		sigtimedwait(&chld, NULL, &ts);
	}
	kill(-pid, SIGKILL); // what the test left running
	return status;
}

enum verdict { PASSED, FAILED, SKIPPED };

// Prints the child's failed rows and notes; finds the reason of a skip.
static enum verdict test_judge(char *text, char *reason, size_t n)
{
	enum { ROWS_SHOWN = 25 };
	unsigned shown = 0;
	enum verdict v = PASSED;
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (*line == 'F')
			v = FAILED;
		else if (*line == 'S' && v == PASSED)
			v = SKIPPED;
		if (*line == 'S')
			snprintf(reason, n, "%s", line + 1);
		else if (shown++ < ROWS_SHOWN)
			printf("# %s\n", line + 1);
	}
	return v;
}

static enum verdict test_run(const struct test *t, char *reason, size_t n)
{
	static char text[65536 + 1];
	int fds[2], status;
	bool late;
	char how[64];

	if (pipe2(fds, O_CLOEXEC) < 0) {
		printf("# no pipe: %s\n", strerror(errno));
		return FAILED;
	}
	row_last->text = NULL;
	pid_t pid = fork();
	if (!pid)
		test_child(t, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		printf("# no fork: %s\n", strerror(errno));
		close(fds[0]);
		return FAILED;
	}
	status = test_wait(pid, t->seconds, &late);
	fcntl(fds[0], F_SETFL, O_RDONLY | O_NONBLOCK);
	ssize_t got, len = 0;
	while ((got = read(fds[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += got;
	text[len] = 0;
	close(fds[0]);
	enum verdict v = test_judge(text, reason, n);
	if (late || WIFSIGNALED(status)) {
		status_text(status, how, sizeof(how));
		printf("# %s%s", late ? "out of time, " : "", how);
		if (row_last->text)
			printf(", at %s:%d: %s", row_last->file, row_last->line, row_last->text);
		printf("\n");
		return FAILED;
	}
	if (v != FAILED && WEXITSTATUS(status)) {
		printf("# exit status %d\n", WEXITSTATUS(status));
		return FAILED;
	}
	return v;
}

/* --- the whole run --- */

static bool test_named(const struct test *t, char **names, int n)
{
	char full[128];
	size_t stem = strcspn(t->file, ".");

	if (!n)
		return true;
	snprintf(full, sizeof(full), "%.*s/%s", (int)stem, t->file, t->name);
	for (int i = 0; i < n; i++)
		if (!strcmp(names[i], t->name) || !strcmp(names[i], full) ||
		    (strlen(names[i]) == stem && !strncmp(names[i], full, stem)))
			return true;
	return false;
}

static void usage(void)
{
	fputs("usage: guest-tests [-v] [-l] [-s N] [FILE|TEST|FILE/TEST…]\n"
	      "  -v    show each row before it is tried\n"
	      "  -l    list the tests\n"
	      "  -s N  start behind the Nth of the chosen tests\n",
	      stderr);
	exit(2);
}

static void base_dir_make(void)
{
	mkdir("/tmp", 01777);
	snprintf(base_dir, sizeof(base_dir), "/tmp/guest.%d", (int)getpid());
	if (mkdir(base_dir, 0755) < 0)
		printf("# %s: %s\n", base_dir, strerror(errno));
}

static int tests_run(char **names, int count, unsigned start, bool list)
{
	unsigned n = 0, failed = 0, skipped = 0, total = 0;

	for (const struct test *const *t = __start_guest_tests; t < __stop_guest_tests; t++)
		total += test_named(*t, names, count);
	sigset_t chld = sigset_of(SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, &mask_outside);
	if (!list)
		base_dir_make();
	for (const struct test *const *t = __start_guest_tests; t < __stop_guest_tests; t++) {
		char reason[256] = "";
		int stem = (int)strcspn((*t)->file, ".");

		if (!test_named(*t, names, count) || n++ < start)
			continue;
		if (list) {
			printf("%.*s/%s\n", stem, (*t)->file, (*t)->name);
			continue;
		}
		u64 begin = now_ns(CLOCK_MONOTONIC);
		enum verdict v = SKIPPED;
		// For test/run-guest: what runs now, should nothing more be heard.
		if (getenv("GUEST_ON") && ((*t)->abis & ABI_THIS))
			printf("# run %.*s/%s %u\n", stem, (*t)->file, (*t)->name, (*t)->seconds);
		fflush(stdout);
		if ((*t)->abis & ABI_THIS)
			v = test_run(*t, reason, sizeof(reason));
		else
			snprintf(reason, sizeof(reason), "not for %s", ABI_NAME);
		unsigned ms = (unsigned)((now_ns(CLOCK_MONOTONIC) - begin) / 1000000);
		if (ms > 1500)
			printf("# %u ms\n", ms);
		printf("%s %u - %.*s/%s%s%s\n", v == FAILED ? "not ok" : "ok", n, stem, (*t)->file,
		       (*t)->name, v == SKIPPED ? " # SKIP " : "", v == SKIPPED ? reason : "");
		fflush(stdout);
		failed += v == FAILED;
		skipped += v == SKIPPED;
	}
	if (list)
		return 0;
	if (chdir("/") == 0)
		remove_tree(base_dir);
	printf("1..%u\n# %s: %u tests, %u failed, %u skipped, %u rows\n", total, ABI_NAME, n,
	       failed, skipped, row_last->rows);
	return failed ? 1 : 0;
}

int main(int argc, char **argv)
{
	bool list = false;
	unsigned start = 0;
	int i = 1;

	test_argv = argv;
	if (argc < 1 || !argv[0][0])
		return 4; // executed without arguments: exec.c tests that
	if (argc > 2 && !strcmp(argv[1], "--child")) {
		report_fd = 2;
		for (const struct child_program *const *p = __start_guest_programs;
		     p < __stop_guest_programs; p++)
			if (!strcmp((*p)->name, argv[2]))
				return (*p)->run(argc - 2, argv + 2);
		return 125;
	}
	for (; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "-v"))
			verbose = true;
		else if (!strcmp(argv[i], "-l"))
			list = true;
		else if (!strcmp(argv[i], "-s") && i + 1 < argc)
			start = (unsigned)atoi(argv[++i]);
		else
			usage();
	}
	umask(022);
	setvbuf(stdout, NULL, _IOLBF, 0);
	void *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared != MAP_FAILED)
		row_last = shared;
	return tests_run(argv + i, argc - i, start, list);
}

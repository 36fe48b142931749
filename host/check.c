// SPDX-License-Identifier: MIT
// `postern check`: one table of what was tried, natively and in Postern. Nothing in it is taken
// from a version number or a configuration file: the same tiny programs (probe.c) run on both
// sides, and QEMU and KVM are asked by using them.
#include "host/check.h"

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/accel.h"
#include "host/say.h"

#define GUEST_SECONDS "20"
#define OUTPUT_MAX    4096
#define SECOND_MS     1000
#define UNTRIED	      (-1)
#define STATUS_CANNOT 1

struct findings {
	const char *kvm; // NULL: works
	char *kvm_detail;
	char *qemu; // version, or NULL
	char *guest_problem;
	long guest_ms; // of the whole run, with all probes in it
	int host[PROBES], guest[PROBES];
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// Runs a command and gathers what it writes to one of its outputs, for at most so long: its exit
// status, or -1.
static int command_output(const char *const *argv, int of_fd, int limit_ms, char out[OUTPUT_MAX])
{
	int64_t end = now_ms() + limit_ms;
	size_t n = 0;
	int pipe_fd[2], status = 0;
	bool late = false;

	out[0] = '\0';
	if (pipe2(pipe_fd, O_CLOEXEC) < 0)
		return -1;
	pid_t pid = fork();
	if (!pid) {
		int null = open("/dev/null", O_RDWR);

		for (int fd = 0; fd < 3; fd++)
			dup2(fd == of_fd ? pipe_fd[1] : null, fd);
		execvp(argv[0], (char *const *)argv);
		_exit(STATUS_NOTFOUND);
	}
	close(pipe_fd[1]);
	while (pid > 0) {
		struct pollfd p = {.fd = pipe_fd[0], .events = POLLIN};
		int64_t left = end - now_ms();

		late = left <= 0 || poll(&p, 1, (int)left) == 0;
		if (late || n == OUTPUT_MAX - 1)
			break;
		ssize_t got = read(pipe_fd[0], out + n, OUTPUT_MAX - 1 - n);
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	out[n] = '\0';
	close(pipe_fd[0]);
	if (pid > 0 && late)
		kill(pid, SIGKILL);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && !late && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// "QEMU emulator version 7.2.19 (Debian 1:7.2+dfsg-7+deb12u18)": the word behind "version".
static char *qemu_version(void)
{
	const char *const argv[] = {"qemu-system-x86_64", "--version", NULL};
	char out[OUTPUT_MAX], *at;

	if (command_output(argv, STDOUT_FILENO, 10 * SECOND_MS, out))
		return NULL;
	at = strstr(out, "version ");
	if (!at)
		return NULL;
	at += strlen("version ");
	at[strcspn(at, " \n(")] = '\0';
	return mem_strdup(at);
}

// --- the probes in Postern: one run of a shell that executes each and prints the statuses ---

static bool probe_write(const char *dir, size_t i)
{
	unsigned char image[PROBE_MAX];
	size_t size = probe_image(i, image);
	char *path = mem_printf("%s/%s", dir, probes[i].name);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	bool good = fd >= 0 && write(fd, image, size) == (ssize_t)size;

	if (fd >= 0)
		close(fd);
	free(path);
	return good;
}

static void probes_remove(const char *dir)
{
	for (size_t i = 0; i < PROBES; i++) {
		char *path = mem_printf("%s/%s", dir, probes[i].name);

		unlink(path);
		free(path);
	}
	rmdir(dir);
}

// Lines of "NAME STATUS".
static void guest_statuses(struct findings *f, char *text)
{
	char *rest;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		for (size_t i = 0; i < PROBES; i++) {
			size_t n = strlen(probes[i].name);

			if (!strncmp(line, probes[i].name, n) && line[n] == ' ')
				f->guest[i] = atoi(line + n + 1);
		}
}

static void guest_run_probes(struct findings *f, const char *dir)
{
	static const char script[] = "cd /probe; for p in *; do ./$p 2>&-; echo $p $?; done";
	char *add = mem_printf("%s:/probe", dir), out[OUTPUT_MAX];
	const char *const argv[] = {
		"/proc/self/exe", "run", "--timeout", GUEST_SECONDS, "--add", add, "--",
		"/bin/busybox",	  "sh",	 "-c",	      script,	     NULL,
	};
	int64_t start = now_ms();
	int status = command_output(argv, STDOUT_FILENO, 60 * SECOND_MS, out);

	f->guest_ms = (long)(now_ms() - start);
	if (!status) {
		guest_statuses(f, out);
	} else if (command_output(argv, STDERR_FILENO, 60 * SECOND_MS, out)) {
		// It failed again, as it should: this time its one line of complaint was read.
		const char *message = strncmp(out, "postern: ", 9) ? out : out + 9;

		f->guest_problem = mem_printf("%.*s", (int)strcspn(message, "\n"), message);
	} else {
		f->guest_problem = mem_strdup("the first of two runs failed");
	}
	free(add);
}

static void guest_try(struct findings *f)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = mem_printf("%s/postern-check-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	bool good = true;

	if (!mkdtemp(dir)) {
		f->guest_problem = mem_printf("%s: %s", dir, strerror(errno));
	} else {
		for (size_t i = 0; i < PROBES; i++)
			good &= probe_write(dir, i);
		if (good)
			guest_run_probes(f, dir);
		else
			f->guest_problem = mem_printf("%s: the probes can't be written", dir);
		probes_remove(dir);
	}
	free(dir);
}

// KVM works when this very kernel runs under it: a tiny guest's success is not enough where QEMU
// then stumbles over a register that the host's KVM does not have.
static const char *kvm_problem(struct findings *f)
{
	static const char *const argv[] = {
		"/proc/self/exe", "run",  "--accel", "kvm", "--timeout", "5", "--",
		"/bin/busybox",	  "true", NULL,
	};
	const char *problem = kvm_try(), *message;
	char out[OUTPUT_MAX];

	if (problem)
		return problem;
	// Where KVM brings nothing up the run goes on under TCG, with one line that says why.
	if (!command_output(argv, STDERR_FILENO, 10 * SECOND_MS, out) && !*out)
		return NULL;
	message = strncmp(out, "postern: ", 9) ? out : out + 9;
	f->kvm_detail = mem_printf("%.*s", (int)strcspn(message, "\n"), message);
	return "runs a tiny guest, but not Postern";
}

// --- words ---

static const char *status_words(int status)
{
	switch (status) {
	case PROBE_STATUS:
		return "yes";
	case STATUS_NOEXEC:
		return "no: not executed";
	case STATUS_SIGNAL + SIGSEGV:
		return "no: SIGSEGV";
	case STATUS_SIGNAL + SIGILL:
		return "no: SIGILL";
	case STATUS_SIGNAL + SIGSYS:
		return "no: SIGSYS";
	case STATUS_SIGNAL + SIGALRM:
		return "no: it hangs";
	case UNTRIED:
		return "unknown";
	default:
		return "no: wrong status";
	}
}

// As Linux's vsyscall= option calls its modes; the two probes behind it are the last ones.
static const char *vsyscall_mode(const int *status)
{
	if (status[PROBES - 2] == UNTRIED)
		return "unknown";
	if (status[PROBES - 2] != PROBE_STATUS)
		return "none";
	return status[PROBES - 1] == PROBE_STATUS ? "emulate" : "xonly";
}

static bool only_postern(const struct findings *f, size_t i)
{
	return f->guest[i] == PROBE_STATUS && f->host[i] != PROBE_STATUS;
}

// The vsyscall page as the kernel's own map shows it, e.g. "--xp"; "" when there is none.
static void vsyscall_maps(char perms[5])
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char *line = NULL;
	size_t size = 0;

	perms[0] = '\0';
	while (maps && getline(&line, &size, maps) > 0)
		if (strstr(line, "[vsyscall]"))
			sscanf(line, "%*s %4s", perms);
	free(line);
	if (maps)
		fclose(maps);
}

static bool postern_works(const struct findings *f)
{
	return !f->guest_problem && f->guest[0] == PROBE_STATUS;
}

static void print_table(const struct findings *f)
{
	size_t only = 0;
	char perms[5];

	printf("%-30s %-20s %s\n", "", "this host", "in Postern");
	for (size_t i = 0; i + 1 < PROBES; i++) {
		bool mark = only_postern(f, i);

		printf("%-30s %-20s %s%s\n", probes[i].what, status_words(f->host[i]),
		       status_words(f->guest[i]), mark ? "   <- only Postern" : "");
		only += mark;
	}
	vsyscall_maps(perms);
	printf("%-30s %s%s%-*s %s\n", "vsyscall mode", vsyscall_mode(f->host), *perms ? ", " : "",
	       20 - (int)strlen(vsyscall_mode(f->host)) - (*perms ? 2 : 0), perms,
	       vsyscall_mode(f->guest));
	printf("\n%-30s %s\n", "QEMU", f->qemu ? f->qemu : "no qemu-system-x86_64 in PATH");
	printf("%-30s %s\n", "KVM", f->kvm ? f->kvm : "works");
	if (postern_works(f))
		printf("%-30s works (%ld ms for all of the above)\n", "Postern", f->guest_ms);
	else
		printf("%-30s %s\n", "Postern",
		       f->guest_problem ? f->guest_problem : "runs, but not rightly");
	if (only)
		printf("\n%zu way%s into a kernel work%s here only in Postern.\n", only,
		       only == 1 ? "" : "s", only == 1 ? "s" : "");
}

// --- JSON ---

static void json_string(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			putchar('\\');
		if ((unsigned char)*s < ' ')
			printf("\\u%04x", (unsigned char)*s);
		else
			putchar(*s);
	}
	putchar('"');
}

static void json_status(const char *key, int status)
{
	printf("\"%s\": ", key);
	if (status == UNTRIED)
		fputs("null", stdout);
	else
		fputs(status == PROBE_STATUS ? "true" : "false", stdout);
}

static void print_json(const struct findings *f)
{
	char perms[5];

	puts("{\"ways\": [");
	for (size_t i = 0; i < PROBES; i++) {
		printf("  {\"name\": \"%s\", ", probes[i].name);
		json_status("host", f->host[i]);
		fputs(", ", stdout);
		json_status("postern", f->guest[i]);
		printf(", \"host_status\": \"%s\", \"postern_status\": \"%s\"}%s\n",
		       status_words(f->host[i]), status_words(f->guest[i]),
		       i + 1 < PROBES ? "," : "");
	}
	vsyscall_maps(perms);
	printf("],\n\"vsyscall\": {\"host\": \"%s\", \"host_maps\": \"%s\", \"postern\": "
	       "\"%s\"},\n",
	       vsyscall_mode(f->host), perms, vsyscall_mode(f->guest));
	fputs("\"qemu\": ", stdout);
	if (f->qemu)
		json_string(f->qemu);
	else
		fputs("null", stdout);
	printf(",\n\"kvm\": {\"works\": %s", f->kvm ? "false" : "true");
	if (f->kvm) {
		fputs(", \"problem\": ", stdout);
		json_string(f->kvm);
	}
	if (f->kvm_detail) {
		fputs(", \"detail\": ", stdout);
		json_string(f->kvm_detail);
	}
	printf("},\n\"postern\": {\"works\": %s, \"milliseconds\": %ld",
	       postern_works(f) ? "true" : "false", f->guest_ms);
	if (f->guest_problem) {
		fputs(", \"problem\": ", stdout);
		json_string(f->guest_problem);
	}
	puts("}}");
}

// --- the command ---

enum { KEY_JSON = 256 };

static const struct argp_option check_args[] = {
	{"json", KEY_JSON, NULL, 0, "A JSON object instead of the table", 0},
	{0},
};

static error_t check_option(int key, char *arg, struct argp_state *s)
{
	switch (key) {
	case KEY_JSON:
		*(bool *)s->input = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(s, "%s: there is nothing to give but options", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp check_argp = {
	.options = check_args,
	.parser = check_option,
	.doc = "Show what this host runs by itself and what only Postern gives it: each way into a "
	       "kernel is tried by a tiny program, on both sides.\v"
	       "The exit status is 1 when Postern can't run a program here.",
};

int check_main(int argc, char **argv)
{
	struct findings f = {0};
	bool json = false;

	if (argp_parse(&check_argp, argc, argv, 0, NULL, &json))
		return STATUS_FAILURE;
	for (size_t i = 0; i < PROBES; i++) {
		f.host[i] = probe_run(i);
		f.guest[i] = UNTRIED;
	}
	f.kvm = kvm_problem(&f);
	f.qemu = qemu_version();
	guest_try(&f);
	(json ? print_json : print_table)(&f);
	int status = postern_works(&f) ? 0 : STATUS_CANNOT;
	free(f.kvm_detail);
	free(f.qemu);
	free(f.guest_problem);
	if (fflush(stdout) || ferror(stdout))
		fail(STATUS_FAILURE, "writing output: %s", strerror(errno));
	return status;
}

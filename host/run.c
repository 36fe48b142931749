// SPDX-License-Identifier: MIT
// One run from the parsed options to the exit status: gathers the root, writes the initial file
// system, starts the machine (under KVM, and again under TCG when that doesn't work) and says what
// went wrong.
#include "host/run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/accel.h"
#include "host/control.h"
#include "host/program.h"
#include "host/qemu.h"
#include "host/relay.h"
#include "host/root.h"
#include "host/spec.h"
#include "host/terminal.h"

#define MILLISECOND 1000000ll
#define MIB	    (1024 * 1024)

// Memory that the kernel and a small program need beside the initial file system.
#define MEM_KERNEL_MIB 24

// How long the guest's kernel may take to report in. It takes some 30 ms; the rest is for hosts
// that are busy. With --accel auto the fall-back must be done within two seconds.
#define HELLO_KVM (1200 * MILLISECOND)
#define HELLO_TCG (30000 * MILLISECOND)

#define GUEST_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct run {
	const struct options *opt;
	struct root root;
	struct spec spec;
	int initrd;
	uint64_t time_at; // see spec_write
	int64_t deadline;
	int log_fd;
};

// A file that belongs to this command: beside it (a build), or in share/postern (installed).
static char *own_file(const char *name, const char *what)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		fail(STATUS_FAILURE, "/proc/self/exe: %s", strerror(errno));
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	char *beside = mem_printf("%s/%s", self, name);
	if (!access(beside, R_OK))
		return beside;
	char *shared = mem_printf("%s/../share/postern/%s", self, name);
	if (!access(shared, R_OK))
		return shared;
	fail(STATUS_FAILURE, "%s is missing (%s): run `make`", what, beside);
}

// Later settings of the same variable win; the program sees one.
static void env_set(struct strlist *env, const char *setting)
{
	size_t key = strcspn(setting, "=") + 1;

	for (size_t i = 0; i < env->n; i++) {
		if (!strncmp(env->v[i], setting, key)) {
			env->v[i] = setting;
			return;
		}
	}
	strlist_add(env, setting);
}

// A clean environment: what the host's holds (and may be secret) is passed on by -E only.
static void env_build(struct run *run)
{
	struct strlist *env = &run->spec.env;
	const char *term = getenv("TERM");

	env_set(env, "PATH=" GUEST_PATH);
	env_set(env, run->opt->uid ? "HOME=/" : "HOME=/root");
	if (term && *term)
		env_set(env, mem_printf("TERM=%s", term));
	for (size_t i = 0; i < run->opt->envs.n; i++)
		env_set(env, run->opt->envs.v[i]);
}

static const char *env_get(const struct strlist *env, const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < env->n; i++)
		if (!strncmp(env->v[i], key, len) && env->v[i][len] == '=')
			return env->v[i] + len + 1;
	return NULL;
}

// -w, or the host's directory when the root has one of that name, or /.
static const char *cwd_choose(struct run *run)
{
	static const char *const mounts[] = {"/dev", "/proc", "/sys"};
	const char *cwd = run->opt->cwd;
	struct tree_node *n;

	if (!cwd)
		cwd = path_absolute(".");
	int err = tree_find(&run->root.tree, cwd, &n, NULL);
	if (!err && (!n || S_ISDIR(n->mode)))
		return cwd;
	if (!run->opt->cwd)
		return "/";
	// The kernel may mount these over whatever the archive holds.
	for (size_t i = 0; i < 3; i++)
		if (!strncmp(cwd, mounts[i], strlen(mounts[i])))
			return cwd;
	fail(STATUS_FAILURE, "-w %s: %s in the root", cwd,
	     err ? "no such directory" : "not a directory");
}

static void root_gather(struct run *run)
{
	const struct options *o = run->opt;
	const char *path;

	run->root.bytes_max = o->mem_mib * MIB;
	root_load(&run->root,
		  o->root_file ? o->root_file : own_file("root.cpio", "the built-in root archive"));
	for (size_t i = 0; i < o->adds.n; i++)
		root_add_option(&run->root, o->adds.v[i]);
	path = env_get(&run->spec.env, "PATH");
	run->spec.cwd = cwd_choose(run);
	run->spec.exe = program_resolve(&run->root, o->argv[0], run->spec.cwd,
					path ? path : GUEST_PATH);
	// PROGRAM may have brought its directory with it.
	run->spec.cwd = cwd_choose(run);
}

static void initrd_write(struct run *run)
{
	struct archive a;
	uint64_t mem = run->opt->mem_mib;

	run->initrd = memfd_create("postern-initrd", MFD_CLOEXEC);
	if (run->initrd < 0)
		fail(STATUS_FAILURE, "memfd_create: %s", strerror(errno));
	archive_open(&a, run->initrd);
	run->time_at = spec_write(&run->spec, &a);
	root_write(&run->root, &a);
	archive_close(&a);

	uint64_t need = (a.at + MIB - 1) / MIB + MEM_KERNEL_MIB;
	if (mem < need)
		fail(STATUS_FAILURE,
		     "--mem %lluM is too small: the initial file system takes %llu MiB, "
		     "give at least %lluM",
		     (unsigned long long)mem, (unsigned long long)(need - MEM_KERNEL_MIB),
		     (unsigned long long)need);
}

static void log_open(struct run *run)
{
	const char *file = run->opt->kernel_log;

	run->log_fd = -1;
	if (!file)
		return;
	run->log_fd = !strcmp(file, "-")
			      ? dup(STDERR_FILENO)
			      : open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (run->log_fd < 0)
		fail(STATUS_FAILURE, "--kernel-log %s: %s", file, strerror(errno));
}

// A panic's words, when nobody asked for the log: they are all that is left of the machine.
static void serial_show(const struct run *run, const struct relay_result *r)
{
	if (run->log_fd >= 0 || !r->serial_size)
		return;
	ssize_t n = write(STDERR_FILENO, r->serial, r->serial_size);
	(void)n;
}

static int status_of_exit(const struct run *run, const struct relay_result *r)
{
	switch (r->kind) {
	case EXIT_STATUS:
		return (int)(r->value & 0xff);
	case EXIT_SIGNALLED:
		return STATUS_SIGNAL + (int)(r->value & 0x7f);
	case EXIT_NO_EXEC:
		say("%s: %s", run->opt->argv[0], *r->text ? r->text : strerror((int)r->value));
		return r->value == ENOENT ? STATUS_NOTFOUND : STATUS_NOEXEC;
	default:
		serial_show(run, r);
		say("the kernel failed%s%s", *r->text ? ": " : "", r->text);
		return STATUS_FAILURE;
	}
}

static void say_lost(const struct run *run, const struct qemu *q, const struct relay_result *r)
{
	serial_show(run, r);
	if (*r->text)
		say("QEMU failed: %s", r->text);
	else if (WIFSIGNALED(q->status))
		say("QEMU was killed by signal %d", WTERMSIG(q->status));
	else
		say("QEMU ended with status %d and the kernel had not reported the program's end%s",
		    WEXITSTATUS(q->status), run->log_fd < 0 ? " (see --kernel-log FILE)" : "");
}

static void say_no_hello(const struct run *run, const struct qemu *q, const struct relay_result *r)
{
	if (!r->waited) {
		say_lost(run, q, r);
		return;
	}
	serial_show(run, r);
	say("the kernel did not report in within %lld seconds", HELLO_TCG / (1000 * MILLISECOND));
}

static int status_of(const struct run *run, const struct qemu *q, const struct relay_result *r)
{
	int status = STATUS_FAILURE;

	switch (r->end) {
	case RELAY_EXIT:
		status = status_of_exit(run, r);
		break;
	case RELAY_LOST:
		say_lost(run, q, r);
		break;
	case RELAY_NO_HELLO:
		say_no_hello(run, q, r);
		break;
	case RELAY_TIMEOUT:
		say("timed out");
		return STATUS_TIMEOUT;
	case RELAY_SIGNAL:
		return STATUS_SIGNAL + (int)r->value;
	case RELAY_CONFUSED:
		say("%s", r->text);
		break;
	}
	if (r->stdout_error) {
		say("writing output: %s", strerror(r->stdout_error));
		return STATUS_FAILURE;
	}
	return status;
}

static bool kvm_wanted(const struct options *o)
{
	const char *problem;

	if (o->accel == ACCEL_TCG ||
	    (o->accel == ACCEL_AUTO && !accel_cpu_virtualizes("/proc/cpuinfo")))
		return false;
	problem = accel_kvm_problem();
	if (problem && o->accel == ACCEL_KVM)
		fail(STATUS_FAILURE, "--accel kvm: %s; --accel tcg needs no KVM", problem);
	return !problem;
}

// One machine, or two: a KVM that doesn't bring the guest up is followed by TCG.
static int machine_run(struct run *run)
{
	const struct options *o = run->opt;
	struct qemu_config config = {.opt = o, .initrd = run->initrd, .tty = run->spec.tty};
	struct relay_config relay = {
		.tty = run->spec.tty, .deadline = run->deadline, .log_fd = run->log_fd};
	const char *path = qemu_find(o);
	struct relay_result r;
	struct qemu q = {0};

	config.kernel = o->kernel ? o->kernel : own_file("postern.elf", "the kernel");
	if (access(config.kernel, R_OK) < 0)
		fail(STATUS_FAILURE, "the kernel %s: %s", config.kernel, strerror(errno));
	config.kvm = kvm_wanted(o);
	for (;;) {
		relay.hello_ns = config.kvm ? HELLO_KVM : HELLO_TCG;
		spec_set_time(run->initrd, run->time_at);
		qemu_start(&config, path, &q);
		relay_run(&relay, &q, &r);
		if (r.end != RELAY_NO_HELLO || !config.kvm)
			break;
		// Who asked for KVM by name is always told; who did not, only at a terminal.
		if (o->accel == ACCEL_KVM || isatty(STDERR_FILENO))
			say("KVM does not run a guest on this host%s%s: using TCG (--accel tcg "
			    "saves the try)",
			    *r.text ? ": " : "", r.text);
		free(r.serial);
		config.kvm = false;
	}
	int status = status_of(run, &q, &r);
	free(r.serial);
	return status;
}

// Closed standard descriptors would be taken by the machine's ports and be mixed up with them.
static void standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	// QEMU gets what it needs by name; whatever else our caller left open is not for it.
	close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
}

int run_main(const struct options *o)
{
	struct run run = {.opt = o};

	if (o->timeout_ns)
		run.deadline = relay_now() + o->timeout_ns;
	standard_descriptors();
	run.spec = (struct spec){.argv = o->argv,
				 .uid = o->uid,
				 .gid = o->gid,
				 .tty = terminal_is_whole(),
				 .klog = o->kernel_log};
	if (run.spec.tty)
		terminal_size(&run.spec.rows, &run.spec.cols);
	env_build(&run);
	root_gather(&run);
	initrd_write(&run);
	log_open(&run);
	relay_signals();
	return machine_run(&run);
}

// SPDX-License-Identifier: MIT
// Starts QEMU with exactly the devices that a run needs and ends it. QEMU never outlives the
// launcher: the kernel kills it when its parent dies, however that happens.
#include "host/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const port_names[PORT_COUNT] = {
	[PORT_CONTROL] = "control", [PORT_STDIN] = "stdin",	[PORT_STDOUT] = "stdout",
	[PORT_STDERR] = "stderr",   [PORT_CONSOLE] = "console", [PORT_SERIAL] = "serial",
};

const char *qemu_find(const struct options *o)
{
	const char *path = getenv("PATH");

	if (o->qemu) {
		if (access(o->qemu, X_OK) < 0)
			fail(STATUS_FAILURE, "--qemu %s: %s", o->qemu, strerror(errno));
		return o->qemu;
	}
	for (const char *dir = path ? path : "/usr/bin"; dir; dir = strchr(dir, ':')) {
		dir += *dir == ':';
		char *full = mem_printf("%.*s/qemu-system-x86_64", (int)strcspn(dir, ":"), dir);

		if (!access(full, X_OK))
			return full;
		free(full);
	}
	fail(STATUS_FAILURE, "qemu-system-x86_64 is not installed: run `sudo apt install "
			     "qemu-system-x86`, or name it with --qemu FILE");
}

static bool port_wanted(const struct qemu_config *c, enum qemu_port p)
{
	switch (p) {
	case PORT_CONTROL:
	case PORT_SERIAL:
		return true;
	case PORT_CONSOLE:
		return c->tty;
	case PORT_STDIN:
	case PORT_STDOUT:
	case PORT_STDERR:
		return !c->tty;
	default:
		return false;
	}
}

// Adds the character device of one port and the guest's side of it. The control port comes last in
// the guest's eyes too, so that the other ports are known when it opens.
static void args_port(struct strlist *args, enum qemu_port p, int fd)
{
	const char *name = port_names[p];

	strlist_add(args, "-chardev");
	strlist_add(args, mem_printf("socket,id=%s,fd=%d", name, fd));
	if (p == PORT_SERIAL) {
		strlist_add(args, "-serial");
		strlist_add(args, "chardev:serial");
		return;
	}
	strlist_add(args, "-device");
	strlist_add(args, mem_printf("virtserialport,chardev=%s,name=postern.%s", name, name));
}

static void args_machine(struct strlist *args, const struct qemu_config *c)
{
	const struct options *o = c->opt;
	const char *cpu = o->cpu ? o->cpu : c->kvm ? "host" : "max";
	const char *fixed[] = {
		"-nodefaults",
		"-no-user-config",
		"-display",
		"none",
		"-no-reboot",
		"-M",
		// The kernel calibrates the TSC against the PIT and reads the date from the RTC.
		"microvm,acpi=off,pit=on,pic=on,rtc=on,x-option-roms=off",
		"-accel",
		c->kvm ? "kvm" : "tcg,thread=multi",
		"-cpu",
		cpu,
		"-sandbox",
		"on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
	};

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		strlist_add(args, fixed[i]);
	strlist_add(args, "-m");
	strlist_add(args, mem_printf("%" PRIu64 "M", o->mem_mib));
	strlist_add(args, "-smp");
	strlist_add(args, mem_printf("%u", o->cpus));
}

static void args_kernel(struct strlist *args, const struct qemu_config *c)
{
	const struct options *o = c->opt;
	char *append = mem_strdup(o->kernel_log ? "klog=1" : "");

	for (size_t i = 0; i < o->kernel_args.n; i++) {
		char *more = mem_printf("%s%s%s", append, *append ? " " : "", o->kernel_args.v[i]);

		free(append);
		append = more;
	}
	strlist_add(args, "-kernel");
	strlist_add(args, c->kernel);
	strlist_add(args, "-initrd");
	strlist_add(args, mem_printf("/proc/self/fd/%d", c->initrd));
	if (*append) {
		strlist_add(args, "-append");
		strlist_add(args, append);
	}
}

static void args_build(struct strlist *args, const struct qemu_config *c, const char *path,
		       const int guest[PORT_COUNT])
{
	strlist_add(args, path);
	args_machine(args, c);
	strlist_add(args, "-device");
	strlist_add(args, "virtio-serial-device,max_ports=8");
	for (enum qemu_port p = PORT_CONTROL + 1; p < PORT_MESSAGES; p++)
		if (guest[p] >= 0)
			args_port(args, p, guest[p]);
	args_port(args, PORT_CONTROL, guest[PORT_CONTROL]);
	args_kernel(args, c);
	for (size_t i = 0; i < c->opt->qemu_args.n; i++)
		strlist_add(args, c->opt->qemu_args.v[i]);
	strlist_add(args, NULL);
}

// The child's side: from here to exec only async-signal-safe calls.
_Noreturn static void child_run(char *const *args, const int guest[PORT_COUNT], int initrd,
				int messages, bool talkative, pid_t parent)
{
	sigset_t none;

	// Dies with the launcher. The parent may be gone already: then the signal never comes.
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(STATUS_FAILURE);
	// A session of its own: the terminal's ^C is the launcher's to pass on.
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);

	int null = open("/dev/null", O_RDWR);
	dup2(null, STDIN_FILENO);
	dup2(talkative ? STDERR_FILENO : null, STDOUT_FILENO);
	if (!talkative)
		dup2(messages, STDERR_FILENO);
	for (int p = 0; p < PORT_MESSAGES; p++)
		if (guest[p] >= 0)
			fcntl(guest[p], F_SETFD, 0);
	fcntl(initrd, F_SETFD, 0);
	execv(args[0], args);
	dprintf(STDERR_FILENO, "%s: %s\n", args[0], strerror(errno));
	_exit(STATUS_FAILURE);
}

void qemu_start(const struct qemu_config *c, const char *path, struct qemu *q)
{
	int guest[PORT_COUNT], pair[2];
	struct strlist args = {0};

	for (enum qemu_port p = 0; p < PORT_COUNT; p++) {
		q->port[p] = guest[p] = -1;
		if (!port_wanted(c, p))
			continue;
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
			fail(STATUS_FAILURE, "socketpair: %s", strerror(errno));
		fcntl(pair[0], F_SETFL, O_NONBLOCK);
		q->port[p] = pair[0];
		guest[p] = pair[1];
	}
	if (pipe2(pair, O_CLOEXEC) < 0)
		fail(STATUS_FAILURE, "pipe: %s", strerror(errno));
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	q->port[PORT_MESSAGES] = pair[0];
	args_build(&args, c, path, guest);

	pid_t parent = getpid();
	q->pid = fork();
	if (q->pid < 0)
		fail(STATUS_FAILURE, "fork: %s", strerror(errno));
	if (q->pid == 0)
		child_run((char *const *)args.v, guest, c->initrd, pair[1], c->opt->qemu_args.n > 0,
			  parent);
	close(pair[1]);
	for (enum qemu_port p = 0; p < PORT_MESSAGES; p++)
		if (guest[p] >= 0)
			close(guest[p]);
	free(args.v);
}

void qemu_stop(struct qemu *q)
{
	if (!q->pid)
		return;
	kill(q->pid, SIGKILL);
	while (waitpid(q->pid, &q->status, 0) < 0 && errno == EINTR)
		;
	q->pid = 0;
}

bool qemu_ended(struct qemu *q)
{
	if (q->pid && waitpid(q->pid, &q->status, WNOHANG) == q->pid)
		q->pid = 0;
	return !q->pid;
}

void qemu_port_close(struct qemu *q, enum qemu_port p)
{
	if (q->port[p] >= 0)
		close(q->port[p]);
	q->port[p] = -1;
}

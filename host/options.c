// SPDX-License-Identifier: MIT
// The command line of `postern run`. Every value is checked here, so that the rest of the launcher
// may rely on it; a wrong one is one line that says what is expected.
#include "host/options.h"

#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifndef POSTERN_VERSION
#define POSTERN_VERSION "0.1"
#endif

#define CPUS_MAX	8
#define MEM_MIB_DEFAULT 512
#define MEM_MIB_MIN	32
#define MEM_MIB_MAX	(1u << 20)

const char *argp_program_version = "postern " POSTERN_VERSION;
error_t argp_err_exit_status = STATUS_FAILURE;

enum {
	KEY_ROOT = 256,
	KEY_ADD,
	KEY_MEM,
	KEY_CPUS,
	KEY_ACCEL,
	KEY_CPU,
	KEY_TIMEOUT,
	KEY_KERNEL_LOG,
	KEY_KERNEL_ARG,
	KEY_KERNEL,
	KEY_QEMU_ARG,
	KEY_QEMU,
};

static const struct argp_option run_options[] = {
	{.doc = "What the program sees:", .group = 1},
	{"root", KEY_ROOT, "initrd[=FILE]", 0,
	 "Root file system: a newc cpio archive, plain or gzip (default: a built-in one with "
	 "busybox)",
	 0},
	{"add", KEY_ADD, "HOST[:GUEST]", 0,
	 "Add a file or a whole directory to the root (default GUEST: the same path)", 0},
	{"env", 'E', "VAR[=VAL]", 0,
	 "Set a variable; VAR alone passes the host's value on. The program starts with PATH, HOME "
	 "and TERM only",
	 0},
	{"workdir", 'w', "DIR", 0,
	 "Working directory (default: the host's where the root has it, else /)", 0},
	{"user", 'u', "UID[:GID]", 0, "Numeric ids (default 0:0; GID alone missing: same as UID)",
	 0},

	{.doc = "The machine:", .group = 2},
	{"mem", KEY_MEM, "SIZE", 0, "Memory, with M or G behind it (default 512M)", 0},
	{"cpus", KEY_CPUS, "N", 0, "Number of CPUs, 1 to 8 (default 1)", 0},
	{"accel", KEY_ACCEL, "auto|kvm|tcg", 0,
	 "auto takes KVM where it really runs a guest, else TCG, which is emulation (default auto)",
	 0},
	{"cpu", KEY_CPU, "MODEL", 0, "QEMU's CPU model (default: host with KVM, max with TCG)", 0},
	{"kernel-arg", KEY_KERNEL_ARG, "ARG", 0, "Add ARG to the kernel's command line", 0},
	{"kernel", KEY_KERNEL, "FILE", 0, "Kernel (default: postern.elf beside this command)", 0},
	{"qemu-arg", KEY_QEMU_ARG, "ARG", 0,
	 "Add ARG to QEMU's command line; QEMU's own output then goes to stderr", 0},
	{"qemu", KEY_QEMU, "FILE", 0, "QEMU (default: qemu-system-x86_64 from PATH)", 0},

	{.doc = "The run:", .group = 3},
	{"timeout", KEY_TIMEOUT, "DURATION", 0,
	 "End the run after so many seconds (or with s, m, h behind it); the status is 124 then",
	 0},
	{"kernel-log", KEY_KERNEL_LOG, "FILE", 0, "Write the kernel's log to FILE", 0},

	{.doc = "", .group = -1},
	{0},
};

static const char run_doc[] = "Run PROGRAM, an unmodified Linux program, under the Postern kernel "
			      "in a small virtual machine.\n"
			      "\v"
			      "PROGRAM is looked for in the root first. When it is a static "
			      "program or a script of the host, it "
			      "is added to the root by itself, under the same path.\n\n"
			      "The exit status is PROGRAM's; 128+N when signal N ended it; 124 "
			      "when it timed out, 125 when "
			      "the launcher, QEMU or the kernel failed, 126 when PROGRAM can't be "
			      "executed, 127 when it is "
			      "not found.";

static uint64_t parse_number(struct argp_state *s, const char *name, const char *text,
			     const char **end, uint64_t max)
{
	char *stop;

	errno = 0;
	unsigned long long v = strtoull(text, &stop, 10);
	// strtoull takes a sign and blanks; a count has neither.
	if (stop == text || text[0] < '0' || text[0] > '9' || errno || v > max)
		argp_error(s, "%s %s: not a number from 0 to %llu", name, text,
			   (unsigned long long)max);
	if (!end && *stop)
		argp_error(s, "%s %s: not a number", name, text);
	if (end)
		*end = stop;
	return v;
}

static uint64_t parse_mem(struct argp_state *s, const char *text)
{
	const char *unit;
	uint64_t v = parse_number(s, "--mem", text, &unit, UINT32_MAX);

	if (!strcasecmp(unit, "g") || !strcasecmp(unit, "gb") || !strcasecmp(unit, "gib"))
		v *= 1024;
	else if (!strcasecmp(unit, "k") || !strcasecmp(unit, "kb") || !strcasecmp(unit, "kib"))
		v /= 1024;
	else if (*unit && strcasecmp(unit, "m") && strcasecmp(unit, "mb") &&
		 strcasecmp(unit, "mib"))
		argp_error(s, "--mem %s: give a size such as 256M or 2G", text);
	if (v < MEM_MIB_MIN)
		fail(STATUS_FAILURE, "--mem %s is too small: give at least %uM", text, MEM_MIB_MIN);
	if (v > MEM_MIB_MAX)
		fail(STATUS_FAILURE, "--mem %s is too large: at most %uG", text,
		     MEM_MIB_MAX / 1024);
	return v;
}

// As timeout(1): a decimal number of seconds, or of what the unit says.
static int64_t parse_duration(struct argp_state *s, const char *text)
{
	static const char units[] = "smhd";
	static const double seconds[] = {1, 60, 3600, 86400};
	char *stop;
	double v = strtod(text, &stop);
	const char *unit = *stop ? strchr(units, *stop) : units;

	// The comparison is the other way round so that it refuses NaN as well.
	if (stop == text || !(v > 0) || !unit || (*stop && stop[1]) || !isfinite(v))
		argp_error(s, "--timeout %s: give a time such as 10, 0.5 or 2m", text);
	v *= seconds[unit - units];
	if (v > 1e9)
		v = 1e9;
	return v < 1e-9 ? 1 : (int64_t)(v * 1e9);
}

static void parse_user(struct argp_state *s, const char *text, struct options *o)
{
	const char *rest;

	// -1 means "unchanged" in setuid's family, so it is no id.
	o->uid = (uint32_t)parse_number(s, "-u", text, &rest, UINT32_MAX - 1);
	o->gid = o->uid;
	if (*rest == ':')
		o->gid = (uint32_t)parse_number(s, "-u", rest + 1, NULL, UINT32_MAX - 1);
	else if (*rest)
		argp_error(s, "-u %s: give UID or UID:GID as numbers", text);
}

static void parse_root(struct argp_state *s, const char *text, struct options *o)
{
	if (!strcmp(text, "initrd"))
		o->root_file = NULL;
	else if (!strncmp(text, "initrd=", 7) && text[7])
		o->root_file = text + 7;
	else
		argp_error(s, "--root %s: give initrd or initrd=FILE", text);
}

static void parse_accel(struct argp_state *s, const char *text, struct options *o)
{
	if (!strcmp(text, "auto"))
		o->accel = ACCEL_AUTO;
	else if (!strcmp(text, "kvm"))
		o->accel = ACCEL_KVM;
	else if (!strcmp(text, "tcg"))
		o->accel = ACCEL_TCG;
	else
		argp_error(s, "--accel %s: give auto, kvm or tcg", text);
}

// -E VAR takes the host's value; a VAR that the host doesn't have is not set, as in containers.
static void parse_env(struct argp_state *s, const char *text, struct options *o)
{
	if (text[0] == '=' || text[0] == '\0')
		argp_error(s, "-E %s: give VAR=VAL or VAR", text);
	if (strchr(text, '='))
		strlist_add(&o->envs, text);
	else if (getenv(text))
		strlist_add(&o->envs, mem_printf("%s=%s", text, getenv(text)));
}

static void parse_cpus(struct argp_state *s, const char *text, struct options *o)
{
	o->cpus = (unsigned)parse_number(s, "--cpus", text, NULL, UINT32_MAX);
	if (o->cpus < 1 || o->cpus > CPUS_MAX)
		argp_error(s, "--cpus %s: give 1 to %d", text, CPUS_MAX);
}

static error_t parse_option(int key, char *arg, struct argp_state *s)
{
	struct options *o = s->input;

	switch (key) {
	case KEY_ROOT:
		parse_root(s, arg, o);
		break;
	case KEY_ADD:
		strlist_add(&o->adds, arg);
		break;
	case 'E':
		parse_env(s, arg, o);
		break;
	case 'w':
		if (arg[0] != '/')
			argp_error(s, "-w %s: give an absolute path", arg);
		o->cwd = arg;
		break;
	case 'u':
		parse_user(s, arg, o);
		break;
	case KEY_MEM:
		o->mem_mib = parse_mem(s, arg);
		break;
	case KEY_CPUS:
		parse_cpus(s, arg, o);
		break;
	case KEY_ACCEL:
		parse_accel(s, arg, o);
		break;
	case KEY_CPU:
		o->cpu = arg;
		break;
	case KEY_KERNEL_ARG:
		strlist_add(&o->kernel_args, arg);
		break;
	case KEY_KERNEL:
		o->kernel = arg;
		break;
	case KEY_QEMU_ARG:
		strlist_add(&o->qemu_args, arg);
		break;
	case KEY_QEMU:
		o->qemu = arg;
		break;
	case KEY_TIMEOUT:
		o->timeout_ns = parse_duration(s, arg);
		break;
	case KEY_KERNEL_LOG:
		o->kernel_log = arg;
		break;
	case ARGP_KEY_ARG:
		// The first word that is no option begins PROGRAM's own command line.
		o->argv = &s->argv[s->next - 1];
		s->next = s->argc;
		break;
	case ARGP_KEY_NO_ARGS:
		argp_error(s, "give a PROGRAM to run");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void options_parse(int argc, char **argv, struct options *o)
{
	static const struct argp argp = {
		.options = run_options,
		.parser = parse_option,
		.args_doc = "[--] PROGRAM [ARG...]",
		.doc = run_doc,
	};

	*o = (struct options){.mem_mib = MEM_MIB_DEFAULT, .cpus = 1};
	// In order: options behind PROGRAM are PROGRAM's.
	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, o))
		exit(STATUS_FAILURE);
	if (!o->argv || !o->argv[0][0])
		fail(STATUS_NOTFOUND, "the program's name is empty");
}

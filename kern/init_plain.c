// SPDX-License-Identifier: MIT
// Without a boot spec: what Linux does with an initramfs (init/main.c's documented behaviour,
// kernel-parameters: rdinit=, init=). Words of the command line that the kernel has no use for
// become arguments and environment of init.

#include "kern/init.h"

#include "fs/vfs.h"
#include "kern/exec.h"
#include "kern/files.h"
#include "kern/log.h"
#include "kern/task.h"
#include "lib/cmdline.h"
#include "lib/string.h"
#include "vm/slab.h"

#include <asm/errno.h>

#define ARGS_MAX 32 // as Linux's MAX_INIT_ARGS and MAX_INIT_ENVS

static const char *argv[ARGS_MAX + 2] = {"init"};
static const char *envp[ARGS_MAX + 2] = {"HOME=/", "TERM=linux"};

// What Linux itself takes from the command line, so that init does not see it there either, as far
// as one meets it on virtual machines; and our own words.
static const char *const kernel_words[] = {
	"init",	     "rdinit",	 "console",	   "quiet",	  "debug",
	"loglevel",  "root",	 "rootfstype",	   "rootflags",	  "ro",
	"rw",	     "panic",	 "reboot",	   "tsc",	  "acpi",
	"pci",	     "nokaslr",	 "mitigations",	   "nosmp",	  "maxcpus",
	"mem",	     "initrd",	 "earlyprintk",	   "earlycon",	  "noapic",
	"nolapic",   "nomodule", "noreplace-smp",  "clocksource", "rootwait",
	"syscall",   "vsyscall", "vdso32",	   "vdso",	  "random",
	"lpj",	     "selinux",	 "apparmor",	   "audit",	  "ipv6",
	"net",	     "ip",	 "no_timer_check", "nohz",	  "idle",
	"processor", "klog",	 "fail_alloc",
};

static bool is_kernel_word(const struct cmdline_word *w)
{
	// module.parameter
	if (memchr(w->key, '.', w->key_len))
		return true;
	for (u32 i = 0; i < ARRAY_SIZE(kernel_words); i++)
		if (strlen(kernel_words[i]) == w->key_len &&
		    !memcmp(kernel_words[i], w->key, w->key_len))
			return true;
	return false;
}

static char *word_text(const struct cmdline_word *w)
{
	size_t len = w->key_len + (w->value ? 1 + w->value_len : 0);
	char *s = kmalloc(len + 1);

	if (!s)
		panic("no memory for init's arguments");
	memcpy(s, w->key, w->key_len);
	if (w->value) {
		s[w->key_len] = '=';
		memcpy(s + w->key_len + 1, w->value, w->value_len);
	}
	s[len] = '\0';
	return s;
}

static void add_argument(const struct cmdline_word *w)
{
	u32 n = 1;

	while (argv[n])
		n++;
	if (n <= ARGS_MAX)
		argv[n] = word_text(w);
}

// A later NAME=value takes the place of an earlier one.
static void add_variable(const struct cmdline_word *w)
{
	u32 n = 0;

	while (envp[n] && (strncmp(envp[n], w->key, w->key_len) || envp[n][w->key_len] != '='))
		n++;
	if (n <= ARGS_MAX)
		envp[n] = word_text(w);
}

static void take_words(const char *cmdline)
{
	struct cmdline_iter it;
	struct cmdline_word w;

	cmdline_init(&it, cmdline);
	while (cmdline_next(&it, &w)) {
		if (w.for_init)
			add_argument(&w);
		else if (is_kernel_word(&w))
			continue;
		else if (w.value)
			add_variable(&w);
		else
			add_argument(&w);
	}
}

static void open_console(void)
{
	struct file *f;
	int r = file_open(AT_FDCWD, "/dev/console", O_RDWR, 0, &f);

	if (r) {
		log_printf("Warning: unable to open an initial console (error %d)", -r);
		return;
	}
	for (u32 i = 0; i < 3; i++) {
		if (i)
			file_get(f);
		if (fd_alloc_install(f, false) < 0)
			file_put(f);
	}
}

// The last program that is there and could not be started, for the final message.
static const char *failed = "";
static int failed_error;

static int try(const char *path)
{
	argv[0] = path;
	int r = kern_exec_path(path, argv, envp);
	if (r && r != -ENOENT) {
		failed = path;
		failed_error = -r;
		log_printf("%s exists but couldn't execute it (error %d)", path, -r);
	}
	return r;
}

static bool exists(const char *path)
{
	struct path p;

	if (path_lookup(AT_FDCWD, path, LOOKUP_FOLLOW, &p))
		return false;
	path_put(&p);
	return true;
}

void init_plain(const char *cmdline)
{
	static const char *const fallbacks[] = {"/sbin/init", "/etc/init", "/bin/init", "/bin/sh"};
	static char rdinit[256] = "/init", init[256];
	struct fsctx *x = fsctx_copy(current->t_fs);

	if (!x)
		panic("no memory for process 1");
	// Its own from here on: it is no kernel task any more.
	fsctx_put(current->t_fs);
	current->t_fs = x;
	take_words(cmdline);
	(void)cmdline_get(cmdline, "rdinit", rdinit, sizeof(rdinit));
	open_console();
	if (exists(rdinit) && !try(rdinit))
		return;
	if (cmdline_get(cmdline, "init", init, sizeof(init)) > 0) {
		int r = try(init);
		if (r)
			panic("Requested init %s failed (error %d).", init, r);
		return;
	}
	for (u32 i = 0; i < ARRAY_SIZE(fallbacks); i++)
		if (!try(fallbacks[i]))
			return;
	if (failed_error)
		panic("No working init found. Failed to execute %s (error %d)", failed,
		      failed_error);
	panic("No working init found. Is there an initramfs (-initrd) with an executable /init, or "
	      "rdinit= of one?");
}

// SPDX-License-Identifier: MIT
// Runs the program of a boot spec: sets up what it starts with, starts it as process 2 and waits
// for its end, reaping whatever else becomes an orphan. What goes wrong before its first
// instruction is told in one line.

#include "kern/init.h"

#include "dev/console.h"
#include "dev/control.h"
#include "dev/stream.h"
#include "dev/tty.h"
#include "dev/virtio_console.h"
#include "fs/vfs.h"
#include "kern/cred.h"
#include "kern/exec.h"
#include "kern/files.h"
#include "kern/log.h"
#include "kern/task.h"
#include "kern/uts.h"
#include "lib/bootspec.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "machine/cpu.h"
#include "vm/slab.h"

#include <asm/errno.h>
#include <linux/mount.h>
#include <linux/wait.h>

#define PORT_WAIT	  (5 * NSEC_PER_SEC)
#define STDIN_BUFFERS	  32
#define STDOUT_BYTES	  (128u * 1024)
#define STDERR_BYTES	  (32u * 1024)
#define DEFAULT_PATH	  "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define STATUS_CANNOT_RUN (126 << 8)

static struct run {
	struct bootspec spec;
	struct file *stdio[3]; // streams
	struct vport *out[2];
	struct tty *tty; // io tty
	// Told by the program's task when it could not exec.
	int error;
	char message[256];
} run;

// --- before the program ---

static void parse(char *text, size_t len)
{
	struct bootspec *s = &run.spec;
	// No list has more entries than the text has lines.
	size_t lines = 2;

	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	s->argv = kmalloc(lines * sizeof(char *));
	s->envp = kmalloc(lines * sizeof(char *));
	if (!s->argv || !s->envp)
		init_fail("not enough memory for the boot spec");
	s->argv_max = s->envp_max = lines;
	if (bootspec_parse(s, text, len))
		init_fail("boot spec, line %u: %s", s->error_line,
			  s->error ? s->error : "malformed");
	if (s->klog)
		log_enabled = true;
}

static struct vport *port_open(const char *name, u32 rx, u32 tx, u64 deadline)
{
	struct vport *p;
	int r = vcon_open(name, rx, tx, deadline, &p);

	if (r)
		init_fail("virtio-serial port %s: error %d", name, -r);
	return p;
}

static struct file *stream_open(struct vport *p, u32 oflags)
{
	struct file *f;

	if (stream_create(p, oflags, run.spec.uid, run.spec.gid, &f))
		init_fail("not enough memory for the standard streams");
	return f;
}

static void open_streams(u64 deadline)
{
	struct vport *in = port_open("postern.stdin", STDIN_BUFFERS, 0, deadline);

	run.out[0] = port_open("postern.stdout", 0, STDOUT_BYTES, deadline);
	run.out[1] = port_open("postern.stderr", 0, STDERR_BYTES, deadline);
	run.stdio[0] = stream_open(in, O_RDONLY);
	run.stdio[1] = stream_open(run.out[0], O_WRONLY);
	run.stdio[2] = stream_open(run.out[1], O_WRONLY);
}

static void open_terminal(u64 deadline)
{
	struct winsize ws = {.ws_row = run.spec.rows, .ws_col = run.spec.cols};
	int r = hvc_init(&ws, deadline, &run.tty);

	if (r)
		init_fail("virtio-serial port postern.console: error %d", -r);
	console_tty = run.tty;
}

static void mount_all(void)
{
	int r = devfs_mount();

	if (r)
		init_fail("cannot mount /dev: error %d", -r);
	r = vfs_create(AT_FDCWD, "/proc", S_IFDIR | 0555, 0);
	if (!r || r == -EEXIST)
		r = kern_mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	if (r)
		init_fail("cannot mount /proc: error %d", -r);
}

static void prepare(void)
{
	u64 deadline = clock_ns() + PORT_WAIT;

	if (run.spec.has_time)
		time_set_realtime(run.spec.time_ns + clock_ns());
	(void)uts_set_hostname("postern", 7);
	mount_all();
	if (control_wait(deadline))
		init_fail("virtio-serial port postern.control is missing");
	if (run.spec.io == BOOTSPEC_IO_TTY)
		open_terminal(deadline);
	else
		open_streams(deadline);
}

// --- in the program's task, up to its exec ---

static const char *error_text(int r)
{
	switch (-r) {
	case ENOENT:
		return "no such file or directory";
	case EACCES:
		return "permission denied";
	case ENOEXEC:
		return "exec format error";
	case ENOTDIR:
		return "not a directory";
	case EISDIR:
		return "is a directory";
	case ELOOP:
		return "too many levels of symbolic links";
	case ENOMEM:
		return "not enough memory";
	case E2BIG:
		return "argument list too long";
	case ELIBBAD:
		return "its interpreter is corrupt";
	case EINVAL:
		return "invalid executable";
	case EIO:
		return "input/output error";
	case ETXTBSY:
		return "text file busy";
	case EPERM:
		return "operation not permitted";
	default:
		return NULL;
	}
}

NORETURN static void cannot_run(const char *what, const char *name, int r)
{
	const char *text = error_text(r);

	run.error = -r;
	if (text)
		fmt_snprintf(run.message, sizeof(run.message), "%s%s: %s", what, name, text);
	else
		fmt_snprintf(run.message, sizeof(run.message), "%s%s: error %d", what, name, -r);
	process_exit(STATUS_CANNOT_RUN);
}

static int open_terminal_files(void)
{
	for (u32 i = 0; i < 3; i++) {
		struct file *f;
		int r = file_open(AT_FDCWD, "/dev/console", O_RDWR, 0, &f);
		if (r)
			return r;
		r = fd_alloc_install(f, false);
		if (r < 0) {
			file_put(f);
			return r;
		}
	}
	return tty_job_acquire(run.tty, false);
}

static int install_streams(void)
{
	for (u32 i = 0; i < 3; i++) {
		int r = fd_alloc_install(run.stdio[i], false);
		if (r < 0)
			return r;
	}
	return 0;
}

// As login does it: all ids at once, no supplementary groups, and no capabilities unless root.
static int become_user(void)
{
	const struct bootspec *s = &run.spec;
	struct cred *c = cred_copy(cred_current());

	if (!c)
		return -ENOMEM;
	c->c_uid = c->c_euid = c->c_suid = c->c_fsuid = s->uid;
	c->c_gid = c->c_egid = c->c_sgid = c->c_fsgid = s->gid;
	if (s->uid)
		c->c_cap_effective = c->c_cap_permitted = c->c_cap_inheritable = c->c_cap_ambient =
			0;
	cred_commit(c);
	return 0;
}

static int change_directory(const char *name)
{
	struct path p;
	int r = path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	if (r)
		return r;
	r = vfs_chdir(&p);
	path_put(&p);
	return r;
}

static int exec(const char *path)
{
	return kern_exec_path(path, (const char *const *)run.spec.argv,
			      (const char *const *)run.spec.envp);
}

static const char *search_path(void)
{
	for (char **e = run.spec.envp; *e; e++)
		if (str_starts(*e, "PATH="))
			return *e + 5;
	return DEFAULT_PATH;
}

// execvp(3): a name without a slash is looked for along PATH; a directory without permission
// doesn't end the search, but its error is the one that is told in the end.
static int exec_search(const char *name)
{
	int err = -ENOENT;

	if (!*name || strchr(name, '/'))
		return exec(name);
	char *path = kmalloc(PATH_MAX_LEN);
	if (!path)
		return -ENOMEM;
	for (const char *dir = search_path(); dir;) {
		const char *end = strchr(dir, ':');
		int len = end ? (int)(end - dir) : (int)strlen(dir);
		int n = fmt_snprintf(path, PATH_MAX_LEN, "%.*s%s%s", len, dir, len ? "/" : "",
				     name);
		int r = n < PATH_MAX_LEN ? exec(path) : -ENAMETOOLONG;

		if (r == -EACCES)
			err = r;
		else if (r != -ENOENT && r != -ENOTDIR) {
			err = r;
			break;
		}
		dir = end ? end + 1 : NULL;
	}
	kfree(path);
	return err;
}

static void program_main(void *arg)
{
	const struct bootspec *s = &run.spec;
	int r = run.tty ? open_terminal_files() : install_streams();

	(void)arg;
	if (r)
		cannot_run("standard streams", "", r);
	r = become_user();
	if (r)
		cannot_run("user id", "", r);
	r = change_directory(s->cwd);
	if (r)
		cannot_run("working directory ", s->cwd, r);
	r = s->exe ? exec(s->exe) : exec_search(s->argv[0]);
	if (r)
		cannot_run("", s->exe ? s->exe : s->argv[0], r);
}

// --- after it ---

static s32 reap_until(pid_t pid)
{
	for (;;) {
		struct wait_result w = {0};
		long r = kern_wait(P_ALL, 0, WEXITED | __WALL, &w);

		if (r == pid)
			return w.status;
		if (r == -ECHILD)
			panic("process 1 has lost its program");
	}
}

NORETURN static void report(s32 status)
{
	console_flush_all(WAIT_FOREVER);
	for (u32 i = 0; i < 2; i++)
		if (run.out[i])
			vcon_close(run.out[i]);
	if (run.error)
		control_exit(CONTROL_NO_EXEC, (u32)run.error, run.message);
	else if (status & 0x7f)
		control_exit(CONTROL_KILLED, (u32)status & 0x7f, "");
	else
		control_exit(CONTROL_EXITED, (u32)status >> 8 & 0xff, "");
	cpu_poweroff();
}

void init_run(char *text, size_t len)
{
	parse(text, len);
	prepare();
	long pid = task_spawn("program", program_main, NULL);
	if (pid < 0)
		init_fail("cannot make the first process: error %ld", -pid);
	control_set_target((pid_t)pid, run.tty);
	log_printf("process %ld: %s", pid, run.spec.exe ? run.spec.exe : run.spec.argv[0]);
	report(reap_until((pid_t)pid));
}

// SPDX-License-Identifier: MIT
// execve: find out what the file is (an ELF image, or a script that names another file), build the
// new address space beside the old one, then commit. Up to exec_commit any errno leaves the caller
// intact; from there on nothing can fail.

#include "kern/exec.h"

#include "abi/abi.h"
#include "fs/vfs.h"
#include "kern/cred.h"
#include "kern/files.h"
#include "kern/signal.h"
#include "kern/signal_queue.h"
#include "kern/task.h"
#include "lib/script.h"
#include "lib/string.h"
#include "machine/context.h"
#include "machine/pt.h"
#include "vm/slab.h"

#include <asm/errno.h>
#include <linux/mount.h>
#include <linux/securebits.h>

#define CAP_ALL ((1ull << 41) - 1)

static long read_file(void *file, u64 off, void *buf, size_t n)
{
	return file_read_kernel(file, buf, n, off);
}

// argv[0] gives way to: interpreter, its argument, the script's name (execve(2), "Interpreter
// scripts").
static int script_arguments(struct exec_strings *s, const struct script *script,
			    const char *filename)
{
	char c;
	int r;

	if (s->argc) {
		do {
			exec_strings_read(s, 0, &c, 1);
			s->start++;
		} while (c);
		s->argc--;
	}
	r = exec_strings_push(s, filename);
	if (!r && script->arg) {
		r = exec_strings_push(s, script->arg);
		s->argc++;
	}
	if (!r)
		r = exec_strings_push(s, script->interp);
	s->argc += 2;
	return r;
}

// Follows `#!` lines until img->file is not a script. The names live in `head`.
static int resolve_scripts(struct exec_image *img, char *head)
{
	const char *name = img->filename;
	struct script script;

	for (u32 depth = 0;; depth++) {
		long n;
		int r;

		memset(head, 0, SCRIPT_HEAD_SIZE);
		n = file_read_kernel(img->file, head, SCRIPT_HEAD_SIZE, 0);
		if (n < 0)
			return (int)n;
		if (head[0] != '#' || head[1] != '!')
			return 0;
		if (depth == EXEC_SCRIPT_DEPTH)
			return -ELOOP;
		r = script_parse(&script, head);
		if (!r)
			r = script_arguments(img->strings, &script, name);
		if (r)
			return r;
		file_put(img->file);
		img->file = NULL;
		r = file_open_exec(AT_FDCWD, script.interp, 0, &img->file);
		if (r)
			return r;
		// The next script's name is this interpreter's; strings has a copy, but head is
		// reused.
		kfree((void *)img->script_name);
		img->script_name = name = kstrdup(script.interp);
		if (!name)
			return -ENOMEM;
	}
}

static int open_interp(struct exec_image *img)
{
	char *path;
	int r;

	if (!img->elf.interp_len)
		return 0;
	path = kmalloc(img->elf.interp_len);
	if (!path)
		return -ENOMEM;
	r = elf_read_interp(&img->elf, read_file, img->file, path, img->elf.interp_len);
	if (!r)
		r = file_open_exec(AT_FDCWD, path, 0, &img->interp);
	kfree(path);
	return r;
}

// Set-user-ID and set-group-ID bits count unless the mount or no_new_privs says otherwise; root's
// programs get all capabilities in the bounding set (capabilities(7), "Transformation ... during
// execve").
static int new_credentials(struct exec_image *img)
{
	const struct cred *old = cred_current();
	const struct inode *i = img->file->f_inode;
	bool honour = !current->t_no_new_privs && !(img->file->f_path.mnt->mnt_flags & MS_NOSUID);
	struct cred *c = cred_copy(old);

	if (!c)
		return -ENOMEM;
	if (honour && (i->i_mode & S_ISUID))
		c->c_euid = i->i_uid;
	if (honour && (i->i_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		c->c_egid = i->i_gid;
	c->c_suid = c->c_fsuid = c->c_euid;
	c->c_sgid = c->c_fsgid = c->c_egid;
	c->c_cap_permitted = c->c_euid == 0 || c->c_uid == 0 ? CAP_ALL & c->c_cap_bounding
							     : c->c_cap_ambient;
	c->c_cap_effective = c->c_euid == 0 ? c->c_cap_permitted : c->c_cap_ambient;
	c->c_securebits &= ~(u32)SECBIT_KEEP_CAPS;
	img->cred = c;
	img->secure = c->c_euid != old->c_uid || c->c_egid != old->c_gid;
	return 0;
}

static int identify(struct exec_image *img)
{
	u8 head[64] = {0};
	long n = file_read_kernel(img->file, head, sizeof(head), 0);
	int r;

	if (n < 0)
		return (int)n;
	r = elf_parse(&img->elf, head, (size_t)n, read_file, img->file);
	if (r)
		return r;
	img->abi = abi_for_elf(&img->elf);
	return img->abi ? 0 : -ENOEXEC;
}

// A name without its folders, for comm. `filename` is the script's for a script, as on Linux.
static void set_name(const char *filename)
{
	const char *slash = strrchr(filename, '/');

	task_set_name(current, slash ? slash + 1 : filename);
}

// Tables shared with other processes (CLONE_FILES, CLONE_SIGHAND without CLONE_THREAD) become our
// own.
static int unshare_tables(struct files **files, struct sighand **sighand)
{
	struct task *t = current;

	if (__atomic_load_n(&t->t_files->fs_ref.r_n, __ATOMIC_ACQUIRE) > 1) {
		*files = files_copy(t->t_files);
		if (!*files)
			return -ENOMEM;
	}
	if (__atomic_load_n(&t->t_proc->p_sighand->sh_ref.r_n, __ATOMIC_ACQUIRE) > 1) {
		*sighand = sighand_copy(t->t_proc);
		if (!*sighand) {
			if (*files)
				files_put(*files);
			return -ENOMEM;
		}
	}
	return 0;
}

static void install_tables(struct files *files, struct sighand *sighand)
{
	struct task *t = current;
	struct process *p = t->t_proc;

	if (files) {
		struct files *old = t->t_files;

		spin_lock(&tasklist_lock);
		t->t_files = files;
		spin_unlock(&tasklist_lock);
		files_put(old);
	}
	if (sighand) {
		u64 irq = spin_lock_irq(&p->p_siglock);
		struct sighand *old = p->p_sighand;

		p->p_sighand = sighand;
		spin_unlock_irq(&p->p_siglock, irq);
		sighand_put(old);
	}
}

static void install_mm(struct mm *mm)
{
	struct task *t = current;
	u64 irq;

	task_release_mm(t);
	spin_lock(&tasklist_lock); // others look at t_mm under it
	irq = irq_save();
	t->t_mm = mm;
	mm_switch(mm);
	irq_restore(irq);
	spin_unlock(&tasklist_lock);
}

// The point of no return is behind us: the old image goes, the new one is everything.
static void exec_commit(struct exec_image *img, struct mm *mm)
{
	struct task *t = current;

	install_mm(mm);
	cred_commit(img->cred);
	img->cred = NULL;
	t->t_abi = img->abi;
	t->t_dumpable = !img->secure && path_permission(&img->file->f_path, MAY_READ) == 0;
	t->t_robust_list[0] = t->t_robust_list[1] = UPTR(0);
	t->t_restart.fn = NULL;
	t->t_proc->p_execd = true;
	t->t_proc->p_exit_signal = SIGCHLD;
	signal_exec();
	files_close_exec(t->t_files);
	set_name(img->filename);
	context_exec(t);
	img->abi->start_regs(current_regs(), img);
}

static int prepare_and_commit(struct exec_image *img)
{
	struct files *files = NULL;
	struct sighand *sighand = NULL;
	struct mm *mm;
	int r = identify(img);

	if (!r)
		r = open_interp(img);
	if (!r)
		r = new_credentials(img);
	if (!r)
		r = exec_load(img, &mm);
	if (r)
		return r;
	r = unshare_tables(&files, &sighand);
	if (!r)
		r = task_dethread();
	if (r) {
		mm_put(mm);
		if (files)
			files_put(files);
		if (sighand)
			sighand_put(sighand);
		return r;
	}
	install_tables(files, sighand);
	exec_commit(img, mm);
	return 0;
}

int kern_exec(struct file *file, const char *filename, struct exec_strings *strings)
{
	struct exec_image *img = kzalloc(sizeof(*img));
	char *head = kmalloc(SCRIPT_HEAD_SIZE);
	int r = -ENOMEM;

	if (img && head) {
		img->file = file;
		img->filename = filename;
		img->strings = strings;
		r = resolve_scripts(img, head);
		if (!r)
			r = prepare_and_commit(img);
		file = img->file;
		if (img->interp)
			file_put(img->interp);
		if (img->cred)
			cred_put(img->cred);
		kfree((void *)img->script_name);
	}
	if (file)
		file_put(file);
	kfree(head);
	kfree(img);
	return r;
}

static int push_all(struct exec_strings *s, const char *const *list, u32 *count)
{
	u32 n = 0;
	int r = 0;

	while (list[n])
		n++;
	for (u32 i = n; !r && i-- > 0;)
		r = exec_strings_push(s, list[i]);
	*count = n;
	return r;
}

int kern_exec_path(const char *path, const char *const *argv, const char *const *envp)
{
	struct exec_strings strings;
	struct file *file;
	int r = exec_strings_init(&strings);

	if (r)
		return r;
	r = push_all(&strings, envp, &strings.envc);
	if (!r)
		r = push_all(&strings, argv, &strings.argc);
	if (!r)
		r = file_open_exec(AT_FDCWD, path, 0, &file);
	if (!r)
		r = kern_exec(file, path, &strings);
	exec_strings_free(&strings);
	return r;
}

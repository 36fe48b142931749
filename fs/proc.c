// SPDX-License-Identifier: MIT
// procfs as a file system: inodes for entries, directories, links and text files. Nothing is
// cached: a name lives as long as somebody uses it, and a process that is gone has no names.

#include "fs/proc.h"

#include "lib/fmt.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "vm/slab.h"

#include <asm/errno.h>
#include <linux/magic.h>

#define POS_STATIC  2u	 // "." and ".." come first
#define POS_DYNAMIC 256u // as Linux's FIRST_PROCESS_ENTRY
#define WRITE_MAX   4096u

static struct slab_cache ref_slab = SLAB_CACHE(ref_slab, "proc", struct proc_ref);
static const struct inode_ops proc_dir_ops, proc_link_ops, proc_magic_ops, proc_file_ops_i;
static const struct file_ops proc_dir_fops, proc_text_fops, proc_write_fops;
const char *proc_cmdline = "";

const struct proc_ref *proc_inode_ref(const struct inode *i)
{
	return i->i_private;
}

int proc_parse_id(const char *name)
{
	u64 v = 0;

	if (!*name || (*name == '0' && name[1]))
		return -1;
	for (; *name; name++) {
		if (*name < '0' || *name > '9' || v > 0x7fffffff / 10)
			return -1;
		v = v * 10 + (u32)(*name - '0');
	}
	return v > 0x7fffffff ? -1 : (int)v;
}

// --- inodes ---

static void ref_release(struct proc_ref *r)
{
	if (r->process)
		process_put(r->process);
	if (r->task)
		task_put(r->task);
	slab_free(&ref_slab, r);
}

// The same entry has the same number each time. Below 2^31: 32-bit programs must be able to stat
// it.
static u64 inode_number(const struct proc_ref *r)
{
	u64 h = 0;

	for (const char *c = r->entry->name; c && *c; c++)
		h = h * 31 + (u8)*c;
	h = hash_u64(h ^ (u64)r->number << 32);
	h = hash_u64(h ^ (u64)(r->process ? (u32)r->process->p_pid : 0) << 32 ^
		     (r->task ? (u32)r->task->t_tid : 0));
	return (h & 0x7fffffff) | 0x1000; // the first 4096 are for the root
}

// /proc/PID belongs to whom the process runs as, unless it may not be looked into.
static void set_owner(struct inode *i, const struct proc_ref *r)
{
	i->i_uid = i->i_gid = 0;
	struct task *t = r->process ? proc_task(r) : NULL;
	if (!t)
		return;
	spin_lock(&tasklist_lock);
	if (t->t_dumpable && t->t_cred) {
		i->i_uid = t->t_cred->c_euid;
		i->i_gid = t->t_cred->c_egid;
	}
	spin_unlock(&tasklist_lock);
	task_put(t);
}

static void set_ops(struct inode *i, const struct proc_entry *e)
{
	if (S_ISDIR(e->mode)) {
		i->i_ops = &proc_dir_ops;
		i->i_fops = &proc_dir_fops;
		i->i_nlink = 2;
	} else if (S_ISLNK(e->mode)) {
		i->i_ops = e->follow ? &proc_magic_ops : &proc_link_ops;
	} else {
		i->i_ops = &proc_file_ops_i;
		i->i_fops = e->fops ? e->fops : e->write ? &proc_write_fops : &proc_text_fops;
	}
}

// Takes over the references in *r, also when it fails.
static struct inode *proc_inode(struct super *s, const struct proc_ref *r)
{
	struct proc_ref *copy = slab_alloc(&ref_slab);

	if (!copy) {
		if (r->process)
			process_put(r->process);
		if (r->task)
			task_put(r->task);
		return NULL;
	}
	*copy = *r;
	struct inode *i = inode_create(s, r->entry->mode);
	if (!i) {
		ref_release(copy);
		return NULL;
	}
	i->i_private = copy;
	i->i_ino = inode_number(r);
	set_owner(i, r);
	set_ops(i, r->entry);
	return i;
}

static void proc_evict(struct inode *i)
{
	if (i->i_private)
		ref_release(i->i_private);
}

// --- directories ---

static const struct proc_entry *find_static(const struct proc_entry *list, const char *name)
{
	for (; list && list->name; list++)
		if (str_eq(list->name, name))
			return list;
	return NULL;
}

static int proc_lookup(struct inode *dir, struct dentry *d)
{
	const struct proc_ref *r = proc_inode_ref(dir);
	struct proc_ref child = {.entry = find_static(r->entry->children, d->d_name)};
	int err = 0;

	if (r->process && proc_process_gone(r->process))
		return -ENOENT;
	if (child.entry) {
		child.process = r->process;
		child.task = r->task;
		child.number = r->number;
		if (child.process)
			ref_get(&child.process->p_ref);
		if (child.task)
			task_get(child.task);
	} else {
		err = r->entry->lookup ? r->entry->lookup(r, d->d_name, &child) : -ENOENT;
	}
	if (err == -ENOENT)
		return 0; // stays negative
	if (err)
		return err;
	struct inode *i = proc_inode(dir->i_super, &child);
	if (!i)
		return -ENOMEM;
	dentry_attach(d, i);
	return 0;
}

static u32 dtype(u32 mode)
{
	return (mode & S_IFMT) >> 12; // DT_* are the type bits
}

static bool emit_name(struct file *f, struct dir_emit *e, const char *name, u32 type, u64 next)
{
	struct proc_ref r = *proc_inode_ref(f->f_inode);
	struct proc_entry named = {.name = name};

	// An inode number that stat(2) gives too, for static names; made-up names need their own
	// references for that.
	r.entry = &named;
	if (!e->emit(e, name, (u32)strlen(name), inode_number(&r), type, next))
		return false;
	f->f_pos = next;
	return true;
}

static int proc_readdir(struct file *f, struct dir_emit *e)
{
	const struct proc_ref *r = proc_inode_ref(f->f_inode);
	const struct proc_entry *list = r->entry->children;
	u64 n = 0;

	if (r->process && proc_process_gone(r->process))
		return -ENOENT;
	if (!dir_emit_dots(f, e))
		return 0;
	for (; list && list->name; list++, n++) {
		if (f->f_pos > POS_STATIC + n)
			continue;
		if (!emit_name(f, e, list->name, dtype(list->mode), POS_STATIC + n + 1))
			return 0;
	}
	if (!r->entry->next)
		return 0;
	u32 cursor = f->f_pos > POS_DYNAMIC ? (u32)(f->f_pos - POS_DYNAMIC) : 0;
	struct proc_name name;
	for (; r->entry->next(r, &cursor, &name); cursor++)
		if (!emit_name(f, e, name.name, name.dtype, POS_DYNAMIC + cursor + 1ull))
			return 0;
	return 0;
}

// --- links ---

static int proc_readlink(struct inode *i, char *buf, size_t size)
{
	const struct proc_ref *r = proc_inode_ref(i);
	struct path p;

	if (r->entry->readlink)
		return (int)r->entry->readlink(r, buf, size);
	int err = r->entry->follow(r, &p);
	if (err)
		return err;
	char *text = kmalloc(PATH_MAX_LEN);
	if (!text) {
		path_put(&p);
		return -ENOMEM;
	}
	struct path root;
	char *at = NULL;
	const struct proc_ref self = {.process = current->t_proc, .task = current};
	if (!proc_fs_path(&self, true, &root)) {
		at = path_text(&p, &root, text, PATH_MAX_LEN);
		path_put(&root);
	}
	path_put(&p);
	int n = at ? (int)MIN(strlen(at), size) : -ENAMETOOLONG;
	if (at)
		memcpy(buf, at, (size_t)n);
	kfree(text);
	return n;
}

static int proc_follow(struct inode *i, struct path *out)
{
	const struct proc_ref *r = proc_inode_ref(i);

	return r->entry->follow(r, out);
}

// --- text files ---

struct proc_open {
	struct mutex lock;
	struct proc_text text;
	bool filled;
};
static struct slab_cache open_slab = SLAB_CACHE(open_slab, "proc_open", struct proc_open);

static int text_fill(const struct proc_ref *r, struct proc_open *o)
{
	o->filled = false;
	o->text.len = 0;
	o->text.failed = false;
	int err = r->entry->show(&o->text, r);
	if (!err && o->text.failed)
		err = -ENOMEM;
	o->filled = !err;
	return err;
}

static int text_open(struct inode *i, struct file *f)
{
	const struct proc_ref *r = proc_inode_ref(i);
	struct proc_open *o = slab_zalloc(&open_slab);

	if (!o)
		return -ENOMEM;
	// Inside a file's position lock, outside of an address space's.
	mutex_init(&o->lock, "proc", RANK_PIPE);
	f->f_private = o;
	int err = r->entry->at_open ? text_fill(r, o) : 0;
	if (err) {
		kfree(o->text.buf);
		slab_free(&open_slab, o);
	}
	return err;
}

static void text_release(struct file *f)
{
	struct proc_open *o = f->f_private;

	kfree(o->text.buf);
	slab_free(&open_slab, o);
}

static long text_read(struct file *f, struct uio *u, u64 *pos)
{
	const struct proc_entry *entry = proc_inode_ref(f->f_inode)->entry;
	struct proc_open *o = f->f_private;
	long r = 0;

	mutex_lock(&o->lock);
	if (!o->filled || (!*pos && !entry->at_open))
		r = text_fill(proc_inode_ref(f->f_inode), o);
	if (!r && *pos < o->text.len) {
		size_t want = MIN(o->text.len - (size_t)*pos, u->resid);
		size_t n = uio_write(u, o->text.buf + *pos, want);
		*pos += n;
		r = n || !want ? (long)n : -EFAULT;
	}
	mutex_unlock(&o->lock);
	return r;
}

static long text_write(struct file *f, struct uio *u, u64 *pos)
{
	const struct proc_ref *r = proc_inode_ref(f->f_inode);
	size_t n = u->resid;

	if (n >= WRITE_MAX)
		return -EINVAL;
	char *buf = kmalloc(n + 1);
	if (!buf)
		return -ENOMEM;
	long err = -EFAULT;
	if (uio_read(u, buf, n) == n) {
		buf[n] = '\0';
		err = r->entry->write(r, buf, n);
	}
	kfree(buf);
	if (err)
		return err;
	*pos += n;
	return (long)n;
}

// What is shown cannot be changed by chmod and chown.
static int proc_setattr(struct inode *i, const struct iattr *a)
{
	(void)i;
	return a->valid & (ATTR_MODE | ATTR_UID | ATTR_GID) ? -EPERM : 0;
}

static const struct inode_ops proc_dir_ops = {
	.lookup = proc_lookup, .setattr = proc_setattr, .evict = proc_evict};
static const struct inode_ops proc_link_ops = {
	.readlink = proc_readlink, .setattr = proc_setattr, .evict = proc_evict};
static const struct inode_ops proc_magic_ops = {
	.readlink = proc_readlink,
	.follow = proc_follow,
	.setattr = proc_setattr,
	.evict = proc_evict,
};
static const struct inode_ops proc_file_ops_i = {.setattr = proc_setattr, .evict = proc_evict};
static const struct file_ops proc_dir_fops = {.readdir = proc_readdir, .seek = file_seek_plain};
static const struct file_ops proc_text_fops = {
	.read = text_read,
	.seek = file_seek_plain,
	.open = text_open,
	.release = text_release,
};
static const struct file_ops proc_write_fops = {
	.read = text_read,
	.write = text_write,
	.seek = file_seek_plain,
	.open = text_open,
	.release = text_release,
};

// --- the root: static names, and one directory for each process ---

static int root_lookup(const struct proc_ref *dir, const char *name, struct proc_ref *child)
{
	int pid = proc_parse_id(name);

	(void)dir;
	child->process = pid > 0 ? process_find(pid) : NULL;
	child->entry = &proc_pid_entry;
	return child->process ? 0 : -ENOENT;
}

static bool root_next(const struct proc_ref *dir, u32 *cursor, struct proc_name *out)
{
	struct process *p;
	u32 best = ~0u;

	(void)dir;
	spin_lock(&tasklist_lock);
	if ((u32)init_process->p_pid >= *cursor)
		best = (u32)init_process->p_pid;
	list_for_each_entry (p, &init_process->p_all, p_all)
		if ((u32)p->p_pid >= *cursor && (u32)p->p_pid < best)
			best = (u32)p->p_pid;
	spin_unlock(&tasklist_lock);
	if (best == ~0u)
		return false;
	*cursor = best;
	fmt_snprintf(out->name, sizeof(out->name), "%u", best);
	out->dtype = dtype(S_IFDIR);
	return true;
}

static const struct proc_entry root_entry = {
	.name = "",
	.mode = S_IFDIR | 0555,
	.children = proc_root_static,
	.lookup = root_lookup,
	.next = root_next,
};

// --- the file system ---

static int proc_statfs(struct super *s, struct kstatfs *out)
{
	*out = (struct kstatfs){
		.type = s->s_magic, .bsize = 4096, .frsize = 4096, .namelen = NAME_MAX_LEN};
	return 0;
}

static bool proc_valid(struct dentry *d)
{
	const struct proc_ref *r = d->d_inode ? proc_inode_ref(d->d_inode) : NULL;

	return !r || !r->process || !proc_process_gone(r->process);
}

static const struct super_ops proc_super_ops = {.statfs = proc_statfs, .valid = proc_valid};

static int proc_mount(const char *source, const char *data, struct super **out)
{
	const struct proc_ref root = {.entry = &root_entry};
	struct super *s = super_create("proc", &proc_super_ops, PROC_SUPER_MAGIC);

	(void)source;
	(void)data;
	if (!s)
		return -ENOMEM;
	s->s_flags = SUPER_NO_CACHE;
	struct inode *i = proc_inode(s, &root);
	s->s_root = i ? dentry_create_root(s, i) : NULL;
	if (!s->s_root) {
		if (i)
			inode_put(i);
		super_put(s);
		return -ENOMEM;
	}
	i->i_ino = 1;
	*out = s;
	return 0;
}

void proc_init(const char *cmdline)
{
	static const struct fs_type type = {"proc", proc_mount};

	proc_cmdline = cmdline;
	fs_register(&type);
}

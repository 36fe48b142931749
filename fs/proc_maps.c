// SPDX-License-Identifier: MIT
// /proc/PID/maps and /proc/PID/mem.

#include "fs/proc.h"

#include "fs/uio.h"
#include "lib/string.h"
#include "vm/mm.h"
#include "vm/slab.h"

#include <asm/errno.h>

#define NAME_COLUMN 73 // where Linux puts the name: programs cut there

static void show_name(struct proc_text *t, const struct vma *v, size_t line, char *buf)
{
	if (v->v_name) {
		proc_pad(t, line, NAME_COLUMN);
		proc_append(t, v->v_name, strlen(v->v_name));
	} else if (v->v_file) {
		char *path = path_text(&v->v_file->f_path, NULL, buf, PATH_MAX_LEN);
		proc_pad(t, line, NAME_COLUMN);
		proc_append_escaped(t, path ? path : "", "");
	}
	proc_append(t, "\n", 1);
}

static void show_region(struct proc_text *t, const struct vma *v, char *buf)
{
	size_t line = t->len;
	u64 off = v->v_file ? v->v_pgoff << PAGE_SHIFT : 0, ino = 0;
	kdev dev = 0;

	if (v->v_file) {
		dev = v->v_file->f_inode->i_super->s_dev;
		ino = v->v_file->f_inode->i_ino;
	}
	proc_printf(t, "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu ",
		    (unsigned long long)v->v_start, (unsigned long long)v->v_end,
		    v->v_flags & VMA_READ ? 'r' : '-', v->v_flags & VMA_WRITE ? 'w' : '-',
		    v->v_flags & VMA_EXEC ? 'x' : '-', v->v_flags & VMA_SHARED ? 's' : 'p',
		    (unsigned long long)off, KDEV_MAJOR(dev), KDEV_MINOR(dev),
		    (unsigned long long)ino);
	show_name(t, v, line, buf);
}

int proc_show_maps(struct proc_text *t, const struct proc_ref *r)
{
	struct vma *v;
	int err = proc_access(r);

	if (err)
		return err;
	struct mm *mm = proc_mm(r);
	if (!mm)
		return 0;
	char *buf = kmalloc(PATH_MAX_LEN);
	if (buf) {
		rw_lock_read(&mm->mm_lock);
		rb_for_each_entry (v, &mm->mm_vmas, v_node)
			show_region(t, v, buf);
		rw_unlock_read(&mm->mm_lock);
		kfree(buf);
	}
	mm_put(mm);
	return buf ? 0 : -ENOMEM;
}

// --- mem: the position is the address ---

// The address space stays the one that was there at open, through an exec too.
static int mem_open(struct inode *i, struct file *f)
{
	const struct proc_ref *r = proc_inode_ref(i);
	int err = proc_access(r);

	if (err)
		return err;
	f->f_private = proc_mm(r);
	return 0;
}

static void mem_release(struct file *f)
{
	if (f->f_private)
		mm_put(f->f_private);
}

static long mem_move(struct file *f, struct uio *u, u64 *pos, bool write)
{
	struct mm *mm = f->f_private;
	long total = 0;

	if (!mm)
		return 0;
	u8 *buf = kmalloc(PAGE_SIZE);
	if (!buf)
		return -ENOMEM;
	while (u->resid) {
		size_t n = MIN(u->resid, (size_t)(PAGE_SIZE - *pos % PAGE_SIZE));
		long r;

		if (write) {
			n = uio_read(u, buf, n);
			r = n ? mm_access(mm, *pos, buf, n, true) : -EFAULT;
		} else {
			r = mm_access(mm, *pos, buf, n, false);
			if (r > 0 && uio_write(u, buf, (size_t)r) < (size_t)r)
				r = -EFAULT;
		}
		if (r <= 0) {
			// What nobody has mapped is an I/O error here (proc(5), /proc/pid/mem).
			total = total ? total : *pos >= mm->mm_user_end ? 0 : -EIO;
			break;
		}
		*pos += (u64)r;
		total += r;
		if ((size_t)r < n)
			break;
	}
	kfree(buf);
	return total;
}

static long mem_read(struct file *f, struct uio *u, u64 *pos)
{
	return mem_move(f, u, pos, false);
}

static long mem_write(struct file *f, struct uio *u, u64 *pos)
{
	return mem_move(f, u, pos, true);
}

static s64 mem_seek(struct file *f, s64 off, int whence)
{
	if (whence == 1)
		off = (s64)((u64)off + f->f_pos); // an address, which may look negative
	else if (whence)
		return -EINVAL;
	f->f_pos = (u64)off;
	return off;
}

const struct file_ops proc_mem_ops = {
	.read = mem_read,
	.write = mem_write,
	.seek = mem_seek,
	.open = mem_open,
	.release = mem_release,
};

// SPDX-License-Identifier: MIT
/*
 * The initramfs becomes the root file system. Entries act as on Linux: a later one replaces an
 * earlier one of another type, hard links are found by device and inode within one archive; missing
 * parent directories are made. Runs once, at boot, before there is a program: owners and modes are
 * set without asking for permission.
 */
#include "fs/unpack.h"
#include "fs/vfs.h"
#include "lib/cpio.h"
#include "lib/hash.h"
#include "lib/inflate.h"
#include "lib/string.h"
#include "machine/pt.h"
#include "vm/page.h"
#include "vm/slab.h"

#include <linux/errno.h>

#define SPEC_NAME ".postern/spec"
#define LINK_BITS 6
#define SECOND_NS 1000000000ull

/* A file with several names, or a directory whose time is set at the end. */
struct seen {
	struct seen *next;
	struct path path;
	u32 archive, dev_major, dev_minor, ino;
	u64 mtime;
};

struct unpack {
	void (*spec)(const char *text, size_t len);
	const char *why;
	bool in_place; /* the bytes are in the direct map, in reserved pages */
	struct seen *links[1 << LINK_BITS];
	struct seen *dirs;
	u32 archive_base; /* archives of earlier readers */
};

static void seen_free(struct seen *s)
{
	while (s) {
		struct seen *next = s->next;

		path_put(&s->path);
		kfree(s);
		s = next;
	}
}

static struct seen *seen_add(struct seen **head, const struct path *p, const struct cpio_entry *e,
			     u32 archive)
{
	struct seen *s = kmalloc(sizeof(*s));

	if (!s)
		return NULL;
	*s = (struct seen){
		*head, *p, archive, e->dev_major, e->dev_minor, e->ino, e->mtime * SECOND_NS};
	path_get(p);
	*head = s;
	return s;
}

static struct seen **link_bucket(struct unpack *u, const struct cpio_entry *e)
{
	return &u->links[hash_bits(e->ino ^ (u64)e->dev_minor << 32, LINK_BITS)];
}

static struct seen *link_find(struct unpack *u, const struct cpio_entry *e)
{
	struct seen *s = *link_bucket(u, e);

	while (s && (s->ino != e->ino || s->dev_major != e->dev_major ||
		     s->dev_minor != e->dev_minor || s->archive != e->archive + u->archive_base))
		s = s->next;
	return s;
}

/* --- one entry --- */

/* Every directory above the last component. */
static int make_parents(const char *name)
{
	char *copy = kstrdup(name);
	int err = copy ? 0 : -ENOMEM;

	for (char *p = copy; !err && (p = strchr(p + 1, '/'));) {
		*p = '\0';
		if (p[-1] != '/' && *copy)
			err = vfs_create(AT_FDCWD, copy, S_IFDIR | 0755, 0);
		if (err == -EEXIST)
			err = 0;
		*p = '/';
	}
	kfree(copy);
	return err;
}

/* What stands in the way of a new entry goes: everything but a directory or a file of the same
 * type. */
static int clear_place(const char *name, u32 mode)
{
	struct path p;
	u32 old;
	int err = path_lookup(AT_FDCWD, name, 0, &p);

	if (err)
		return err == -ENOENT ? 0 : err;
	old = p.dentry->d_inode->i_mode;
	path_put(&p);
	if ((old & S_IFMT) == (mode & S_IFMT) && (S_ISDIR(mode) || S_ISREG(mode)))
		return 0;
	return vfs_unlink(AT_FDCWD, name, S_ISDIR(old));
}

static int make_symlink(const struct cpio_entry *e)
{
	char *target = kmalloc((size_t)e->size + 1);
	int err;

	if (!target)
		return -ENOMEM;
	memcpy(target, e->data, e->size);
	target[e->size] = '\0';
	err = *target ? vfs_symlink(target, AT_FDCWD, e->name) : -EINVAL;
	kfree(target);
	return err;
}

static int make_once(const struct cpio_entry *e, const struct seen *link)
{
	int err = clear_place(e->name, e->mode);

	if (err)
		return err;
	if (link) {
		/* The first name may have been replaced since; then this is a file of its own. */
		char *buf = kmalloc(PATH_MAX_LEN), *from;

		if (!buf)
			return -ENOMEM;
		from = path_text(&link->path, NULL, buf, PATH_MAX_LEN);
		err = from ? vfs_link(AT_FDCWD, from, AT_FDCWD, e->name, 0) : -ENAMETOOLONG;
		kfree(buf);
		if (err != -ENOENT)
			return err == -EEXIST ? 0 : err;
	}
	if (S_ISLNK(e->mode))
		return make_symlink(e);
	err = vfs_create(AT_FDCWD, e->name, e->mode, KDEV(e->rdev_major, e->rdev_minor));
	return err == -EEXIST && (S_ISDIR(e->mode) || S_ISREG(e->mode)) ? 0 : err;
}

/* The name exists afterwards, with the right type: *out counted. */
static int make_entry(const struct cpio_entry *e, const struct seen *link, struct path *out)
{
	int err = make_once(e, link);

	if (err == -ENOENT) {
		err = make_parents(e->name);
		if (!err)
			err = make_once(e, link);
	}
	return err ? err : path_lookup(AT_FDCWD, e->name, 0, out);
}

/* A page of the archive becomes a page of the file. False: it has to be copied. */
static bool adopt(struct inode *i, const u8 *data, u64 index)
{
	struct page *page = page_adopt(virt_to_phys(data));

	if (!page)
		return false;
	if (pagecache_add(&i->i_cache, index, page)) {
		page_put(page);
		return false;
	}
	return true;
}

static int fill_file(struct unpack *u, struct inode *i, const u8 *data, u64 size)
{
	bool in_place = u->in_place && IS_ALIGNED((uintptr_t)data, PAGE_SIZE);

	inode_set_size(i, 0);
	for (u64 at = 0; at < size; at += PAGE_SIZE) {
		u64 n = MIN(size - at, (u64)PAGE_SIZE);
		struct page *page;
		int err;

		/* Of the last page only a part is the file's, and what follows must read as zeros:
		 * copied. */
		if (in_place && n == PAGE_SIZE && adopt(i, data + at, at / PAGE_SIZE))
			continue;
		err = pagecache_get(&i->i_cache, at / PAGE_SIZE, true, &page);
		if (err)
			return err;
		memcpy(page_address(page), data + at, n);
		page_put(page);
	}
	i->i_size = size;
	return 0;
}

static int set_up(struct unpack *u, const struct cpio_entry *e, const struct path *p, bool linked)
{
	struct inode *i = p->dentry->d_inode;
	int err = 0;

	mutex_lock(&i->i_lock);
	/* Of several names any one may bring the data: an empty one does not take it away. */
	if (S_ISREG(e->mode) && (e->size || !linked))
		err = fill_file(u, i, e->data, e->size);
	i->i_uid = e->uid;
	i->i_gid = e->gid;
	if (!S_ISLNK(e->mode))
		i->i_mode = (i->i_mode & S_IFMT) | (e->mode & 07777);
	i->i_mtime = e->mtime * SECOND_NS;
	mutex_unlock(&i->i_lock);
	return err;
}

static int unpack_entry(struct unpack *u, const struct cpio_entry *e)
{
	bool linkable = e->nlink > 1 && !S_ISDIR(e->mode);
	struct seen *link = linkable ? link_find(u, e) : NULL;
	struct path p;
	int err;

	if (S_ISREG(e->mode) && str_eq(e->name, SPEC_NAME)) {
		if (u->spec)
			u->spec((const char *)e->data, e->size);
		return 0;
	}
	err = make_entry(e, link, &p);
	if (err)
		return err;
	err = set_up(u, e, &p, link != NULL);
	if (!err && linkable && !link &&
	    !seen_add(link_bucket(u, e), &p, e, e->archive + u->archive_base))
		err = -ENOMEM;
	/* What is made in a directory changes its time: it is set when all is done. */
	if (!err && S_ISDIR(e->mode) && !seen_add(&u->dirs, &p, e, 0))
		err = -ENOMEM;
	path_put(&p);
	return err;
}

/* Archives up to the end or to other bytes; *used says where those begin. */
static int unpack_archives(struct unpack *u, const u8 *base, size_t len, size_t *used)
{
	struct cpio_reader r;
	struct cpio_entry e;
	int more;

	cpio_init(&r, base, len);
	while ((more = cpio_next(&r, &e)) > 0) {
		int err = unpack_entry(u, &e);

		if (!err)
			continue;
		u->why = err == -ENOMEM || err == -ENOSPC
				 ? "no memory for the files of the archive"
				 : "an entry of the archive cannot be made";
		return err;
	}
	if (more < 0)
		u->why = r.error;
	u->archive_base += r.archive + 1;
	*used = r.pos;
	return more;
}

/* --- gzip: a member is expanded into pages, which are then mapped in a row --- */

struct expanded {
	u64 *phys;
	u32 n, room;
	u64 bytes;
};

static int expanded_grow(struct expanded *x)
{
	struct page *page;

	if (x->n == x->room) {
		u32 room = x->room ? x->room * 2 : 512;
		u64 *phys = krealloc(x->phys, x->room * sizeof(*phys), room * sizeof(*phys));

		if (!phys)
			return -ENOMEM;
		x->phys = phys;
		x->room = room;
	}
	page = page_alloc(0);
	if (!page)
		return -ENOMEM;
	x->phys[x->n++] = page_phys(page);
	return 0;
}

static int expanded_put(void *ctx, const u8 *data, size_t len)
{
	struct expanded *x = ctx;

	while (len) {
		size_t off = x->bytes % PAGE_SIZE, n = MIN(len, PAGE_SIZE - off);

		if (!off && expanded_grow(x))
			return -ENOMEM;
		memcpy((char *)phys_to_virt(x->phys[x->n - 1]) + off, data, n);
		x->bytes += n;
		data += n;
		len -= n;
	}
	return 0;
}

static int expand(struct unpack *u, const u8 *data, size_t len, size_t *used, struct expanded *x)
{
	struct inflate *z = kmalloc(sizeof(*z));
	struct inflate_out out = {.buf = kmalloc(INFLATE_BUF_MIN),
				  .size = INFLATE_BUF_MIN,
				  .flush = expanded_put,
				  .ctx = x};
	int err = -ENOMEM;

	u->why = "no memory to expand the archive";
	if (z && out.buf) {
		err = inflate_gzip(z, data, len, used, &out);
		if (err && err != -ENOMEM)
			u->why = z->error;
	}
	kfree(out.buf);
	kfree(z);
	return err;
}

static int unpack_expanded(struct unpack *u, const struct expanded *x)
{
	size_t used;
	void *va;
	int err;

	if (!x->n)
		return 0;
	va = kmap_pages(x->phys, x->n);
	if (!va) {
		u->why = "no memory to map the expanded archive";
		return -ENOMEM;
	}
	u->in_place = false;
	err = unpack_archives(u, va, x->bytes, &used);
	u->in_place = true;
	if (!err && used != x->bytes) {
		u->why = "no cpio archive inside the gzip data";
		err = -EINVAL;
	}
	kunmap_pages(va, x->n);
	return err;
}

static int unpack_gzip(struct unpack *u, const u8 *data, size_t len, size_t *used)
{
	struct expanded x = {0};
	int err = expand(u, data, len, used, &x);

	if (!err)
		err = unpack_expanded(u, &x);
	while (x.n)
		page_put(phys_page(x.phys[--x.n]));
	kfree(x.phys);
	return err;
}

/* --- the whole --- */

static int unpack_all(struct unpack *u, const u8 *base, size_t len)
{
	size_t pos = 0, used;
	int err = 0;

	while (!err) {
		while (pos < len && !base[pos])
			pos++;
		if (pos == len)
			break;
		if (inflate_is_gzip(base + pos, len - pos)) {
			err = unpack_gzip(u, base + pos, len - pos, &used);
		} else {
			err = unpack_archives(u, base + pos, len - pos, &used);
			if (!err && !used) {
				u->why = "neither a cpio archive nor gzip data";
				err = -EINVAL;
			}
		}
		pos += used;
	}
	return err;
}

/* While unpacking the limit is memory itself; afterwards half of what is left may be filled. */
static struct super *lift_limit(u64 *limit)
{
	struct path root;
	struct super *s;

	mount_root_path(&root);
	s = root.mnt->mnt_super;
	*limit = s->s_pages_max;
	s->s_pages_max = 0;
	path_put(&root);
	return s;
}

int unpack_initramfs(u64 phys, size_t len, void (*spec)(const char *text, size_t len),
		     const char **why)
{
	struct unpack u = {.spec = spec, .why = "", .in_place = true};
	u64 limit, total;
	struct super *s = lift_limit(&limit);
	struct page_stats stats;
	int err = unpack_all(&u, phys_to_virt(phys), len);

	for (struct seen *d = u.dirs; d; d = d->next)
		d->path.dentry->d_inode->i_mtime = d->mtime;
	seen_free(u.dirs);
	for (u32 b = 0; b < ARRAY_SIZE(u.links); b++)
		seen_free(u.links[b]);
	if (!err)
		page_release_range(phys, phys + len); /* skips what was adopted */
	page_stats(&stats);
	total = stats.total;
	s->s_pages_max = MAX(limit, s->s_pages + (total - MIN(total, s->s_pages)) / 2);
	*why = u.why;
	return err;
}

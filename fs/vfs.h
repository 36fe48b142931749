// SPDX-License-Identifier: MIT
// The virtual file system: inodes, cached names (also negative ones), mounts, open files.
// Locks: [I] i_lock (mutex; of the directory for what is below it), [D] dcache_lock, [M]
// mount_mutex and, to change links that a path walk follows, dcache_lock too; [F] f_pos_lock, [L]
// locks_lock (fs/locks.c), [A] atomic.
#pragma once

#include "fs/uio.h"
#include "kern/lock.h"
#include "kern/time.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "lib/types.h"
#include "vm/pagecache.h"

#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

struct cred;
struct dentry;
struct dir_emit;
struct file;
struct inode;
struct mount;
struct path;
struct poll_table;
struct super;
struct vma;

#define NAME_MAX_LEN	  255
#define PATH_MAX_LEN	  4096
#define SYMLINK_DEPTH_MAX 40

typedef u64 kdev; // major << 32 | minor
#define KDEV(major, minor) (((u64)(major) << 32) | (u32)(minor))
#define KDEV_MAJOR(d)	   ((u32)((d) >> 32))
#define KDEV_MINOR(d)	   ((u32)(d))

struct kstat {
	u64 dev, ino, nlink, rdev; // kdev for dev and rdev
	u32 mode, uid, gid;
	u64 size, blocks; // bytes; 512-byte units
	u32 blksize;
	u64 atime, mtime, ctime, btime; // ns since 1970
};

struct kstatfs {
	u64 type, bsize, blocks, bfree, bavail, files, ffree, namelen, frsize, flags;
	u64 fsid;
};

#define ATTR_MODE      BIT(0)
#define ATTR_UID       BIT(1)
#define ATTR_GID       BIT(2)
#define ATTR_SIZE      BIT(3)
#define ATTR_ATIME     BIT(4)
#define ATTR_MTIME     BIT(5)
#define ATTR_ATIME_NOW BIT(6)
#define ATTR_MTIME_NOW BIT(7)
struct iattr {
	u32 valid;
	u32 mode, uid, gid;
	u64 size, atime, mtime;
};

// All directory ops are called with dir's i_lock held. NULL: the operation does not exist there
// (-EPERM or -EACCES as Linux).
struct inode_ops {
	// sets d's inode by dentry_attach or leaves it negative; 0 or errno
	int (*lookup)(struct inode *dir, struct dentry *d);
	// any type by S_IFMT, directories too
	int (*create)(struct inode *dir, struct dentry *d, u32 mode, kdev rdev);
	int (*symlink)(struct inode *dir, struct dentry *d, const char *target);
	int (*link)(struct inode *dir, struct dentry *d, struct inode *target);
	// not directories; d's inode is locked too
	int (*unlink)(struct inode *dir, struct dentry *d);
	int (*rmdir)(struct inode *dir, struct dentry *d); // -ENOTEMPTY; d's inode is locked too
	// O_TMPFILE: no name, no link
	int (*tmpfile)(struct inode *dir, u32 mode, struct inode **out);
	// new_ may hold a positive dentry, its inode locked: it is replaced (or, RENAME_EXCHANGE,
	// swapped). The caller moves the dentries.
	int (*rename)(struct inode *olddir, struct dentry *old, struct inode *newdir,
		      struct dentry *new_, u32 flags);
	int (*readlink)(struct inode *i, char *buf, size_t size); // bytes, no NUL
	// magic link (/proc/PID/fd/N); counted path
	int (*follow)(struct inode *i, struct path *out);
	// i_lock held; permission already checked
	int (*setattr)(struct inode *i, const struct iattr *a);
	int (*getattr)(struct inode *i, struct kstat *st); // NULL: from the inode's members
	void (*evict)(struct inode *i);			   // last reference gone
};

struct inode {
	const struct inode_ops *i_ops;
	const struct file_ops *i_fops;
	struct super *i_super;
	u64 i_ino;
	struct ref i_ref;
	u32 i_mode, i_uid, i_gid, i_nlink; // [I]
	u64 i_size;			   // [I]; readers may look without
	kdev i_rdev;
	u64 i_atime, i_mtime, i_ctime, i_btime; // ns
	struct mutex i_lock;
	struct pagecache i_cache;
	struct list i_locks; // [L] record locks, flock; fs/locks.c
	s32 i_writers;	     // [A] open for writing; < 0: executed (ETXTBSY)
	bool i_linkable;     // [I] O_TMPFILE without O_EXCL: link(2) may give it a first name
	struct pipe *i_pipe; // FIFO or pipe, while open somewhere; fs/pipe.c
	void *i_private;     // file system's
	u64 i_private2;
};

struct super_ops {
	int (*statfs)(struct super *s, struct kstatfs *out);
	// dentries and inodes are gone; frees s_private. May be NULL
	void (*destroy)(struct super *s);
	// Is the cached name still true? NULL: always. Called with dcache_lock held: a look at
	// memory, nothing that sleeps.
	bool (*valid)(struct dentry *d);
	int (*remount)(struct super *s, const char *data); // NULL: no data to change
	int (*sync)(struct super *s);			   // NULL: nothing behind memory
};
// The name cache holds every name of the file system (tmpfs): a miss there is a missing name.
#define SUPER_CACHE_IS_ALL BIT(0)
// Names are forgotten with their last user (proc): no name is kept, present or absent.
#define SUPER_NO_CACHE BIT(1)
// Files without names: pipes, anonymous objects.
#define SUPER_PSEUDO BIT(2)
struct super {
	const char *s_type; // "tmpfs", "proc", …
	const struct super_ops *s_ops;
	kdev s_dev;
	struct dentry *s_root;
	struct ref s_ref;
	u32 s_flags;	// SUPER_*
	u64 s_next_ino; // [A]
	u64 s_magic;
	u64 s_pages_max, s_pages; // tmpfs limit and use
	u64 s_inodes_max, s_inodes;
	void *s_private;
};

// A name in a directory. The cache itself owns one reference of each dentry that is in the hash, so
// a dentry with no other user stays until the shrinker or an unlink takes it out. A positive dentry
// stays positive till it dies.
struct dentry {
	struct hnode d_hash;	 // [D]
	struct dentry *d_parent; // [D] counted; itself for a root
	struct inode *d_inode;	 // counted; NULL: negative. [I] to set
	struct super *d_super;
	struct ref d_ref;
	u32 d_hash_value;	   // [D]
	struct rb_root d_children; // [D] by d_seq, in order of creation
	struct rb_node d_sibling;  // [D]
	u64 d_seq;		   // [D] position in the parent's directory stream
	u64 d_next_seq;		   // [D] for the next child
	struct list d_lru;	   // [D] when it may be dropped
	u8 d_flags;		   // [D] DENTRY_*
	u8 d_name_len;
	bool d_unhashed;
	bool d_mounted; // [D] a mount sits on it (below some mount): look in the mount table
	char *d_name;	// [D] and the parent's i_lock; d_inline for short ones
	char d_inline[40];
};
#define DENTRY_USED	1 // looked up since the shrinker's last pass
#define DENTRY_PINNED	2 // the file system holds it (tmpfs)
#define DENTRY_NO_COUNT 4 // in the hash without the cache's reference (SUPER_NO_CACHE)
#define DENTRY_CHECK	8 // its super has a valid op

struct mount {
	struct super *mnt_super;
	struct dentry *mnt_root;
	struct mount *mnt_parent;      // NULL: the root mount
	struct dentry *mnt_mountpoint; // in mnt_parent
	struct ref mnt_ref;
	struct hnode mnt_hash;	// [M] by parent and mountpoint
	struct list mnt_link;	// [M] all attached mounts, parents before children
	struct mount *mnt_copy; // [M] scratch of a recursive bind
	bool mnt_attached;	// [M]
	bool mnt_expiring;	// [M] MNT_EXPIRE was asked for once
	s32 mnt_writers;	// [A] files open for writing, for a remount read-only
	u32 mnt_id;
	u32 mnt_flags; // MS_RDONLY, MS_NOSUID, …
	char mnt_source[32];
};

struct path {
	struct mount *mnt;
	struct dentry *dentry;
};

struct file_ops {
	// Bytes moved or negative errno. *pos is advanced. Streams ignore pos.
	long (*read)(struct file *f, struct uio *u, u64 *pos);
	long (*write)(struct file *f, struct uio *u, u64 *pos);
	// sets f_pos, f_pos_lock held; NULL: -ESPIPE, and the file is a stream
	s64 (*seek)(struct file *f, s64 off, int whence);
	// Calls emit for entries from f->f_pos on; emit returns false when full.
	int (*readdir)(struct file *f, struct dir_emit *e);
	u32 (*poll)(struct file *f, struct poll_table *pt); // NULL: always readable and writable
	// -ENOTTY default. arg from abi-neutral layouts only (termios, winsize, int)
	long (*ioctl)(struct file *f, u32 cmd, u64 arg);
	// may set v_cache; NULL: -ENODEV. Default for files with a page cache: file_mmap_cache
	int (*mmap)(struct file *f, struct vma *v);
	int (*open)(struct inode *i, struct file *f);
	int (*flush)(struct file *f);	 // each close; see file_flush
	void (*release)(struct file *f); // last reference
	int (*fsync)(struct file *f, bool data_only);
	long (*fallocate)(struct file *f, u32 mode, u64 off, u64 len);
};

struct dir_emit {
	bool (*emit)(struct dir_emit *e, const char *name, u32 len, u64 ino, u32 dtype,
		     u64 next_pos);
	void *arg;
};

struct file {
	const struct file_ops *f_ops;
	struct path f_path;    // counted; anonymous files have one too (anon_file_create)
	struct inode *f_inode; // of f_path.dentry, cached
	struct ref f_ref;
	u32 f_flags; // O_*, [A] for O_APPEND, O_NONBLOCK…
	u32 f_mode;  // FMODE_*
	u64 f_pos;   // [F]
	struct mutex f_pos_lock;
	void *f_private;
	struct list f_epoll; // epoll items watching it
	s32 f_owner;	     // F_SETOWN: process, or negative: group
	u8 f_owner_type;     // F_OWNER_* of <asm-generic/fcntl.h>
	u32 f_sig;
};
#define FMODE_READ   1
#define FMODE_WRITE  2
#define FMODE_EXEC   4
#define FMODE_PATH   8	// O_PATH
#define FMODE_STREAM 16 // no position
#define FMODE_WRITER 32 // counted in i_writers

// --- names and lookup (fs/namei.c) ---
#define LOOKUP_FOLLOW	   1
#define LOOKUP_DIRECTORY   2
#define LOOKUP_EMPTY	   4 // "" means the start itself (AT_EMPTY_PATH)
#define LOOKUP_NO_XDEV	   8
#define LOOKUP_NO_MAGIC	   16
#define LOOKUP_BENEATH	   32
#define LOOKUP_IN_ROOT	   64
#define LOOKUP_NO_SYMLINKS 128
// `start` as a descriptor (AT_FDCWD …). Result counted. -ENOENT, -ENOTDIR, -ELOOP, -EACCES,
// -ENAMETOOLONG, -EBADF.
int path_lookup(int dirfd, const char *name, u32 flags, struct path *out);
int path_lookup_cred(int dirfd, const char *name, u32 flags, const struct cred *c,
		     struct path *out);
// The directory and the last component: *parent counted, *dentry counted (perhaps negative);
// parent's i_lock is held on success.
struct last_component {
	struct path parent;
	struct dentry *dentry;
	bool trailing_slash;
	int type; // LAST_*; other than LAST_NORMAL: no dentry, and no lock is held
};
enum { LAST_NORMAL, LAST_DOT, LAST_DOTDOT, LAST_ROOT };
int path_lookup_parent(int dirfd, const char *name, u32 flags, struct last_component *out);
void path_lookup_parent_done(struct last_component *lc);
void path_get(const struct path *p);
void path_put(const struct path *p);
// Absolute path text into buf (from the end): pointer inside buf, or NULL when too long.
// "(unreachable)" and " (deleted)" as Linux.
char *path_text(const struct path *p, const struct path *root, char *buf, size_t size);
int path_permission(const struct path *p, u32 may); // inode_permission plus mount flags
#define MAY_EXEC  1
#define MAY_WRITE 2
#define MAY_READ  4
int inode_permission(struct inode *i, u32 may);			  // by fsuid of current; 0, -EACCES
int inode_access(struct inode *i, u32 may, const struct cred *c); // for access(2)'s real ids

// --- dentries and inodes ---
// fresh, ref 1, times now, owner current fs ids; NULL
struct inode *inode_create(struct super *s, u32 mode);
void inode_get(struct inode *i);
void inode_put(struct inode *i);
const struct file_ops *inode_default_fops(u32 mode); // by S_IFMT: device nodes, FIFOs
// ids, set-gid inheritance
void inode_init_owner(struct inode *i, const struct inode *dir, u32 mode);
bool inode_owner_or_capable(const struct inode *i);
bool cred_in_group(const struct cred *c, u32 gid);
void inode_setattr(struct inode *i, const struct iattr *a); // copies what is valid, not the size
void inode_touch(struct inode *i);			    // mtime and ctime are now
void inode_atime(struct file *f);			    // a read: relatime's rule
int inode_remove_privs(struct inode *i);	    // i_lock held: a write takes set-id bits away
void inode_stat(struct inode *i, struct kstat *st); // from the members
int inode_write_get(struct inode *i);		    // counts a writer: 0, -ETXTBSY
void inode_write_put(struct inode *i);
void dentry_get(struct dentry *d);
void dentry_put(struct dentry *d);
void dentry_attach(struct dentry *d, struct inode *i); // consumes the inode reference
struct dentry *dentry_create_root(struct super *s, struct inode *i);
// A name below dir, whose i_lock is held: from the cache, or asked of the file system. Counted,
// perhaps negative.
int dentry_lookup(struct dentry *dir, const char *name, u32 len, struct dentry **out);
// new, negative, not in the hash; NULL
struct dentry *dentry_create(struct dentry *dir, const char *name, u32 len);
// consumes i on success
struct dentry *dentry_create_pseudo(struct super *s, const char *name, struct inode *i);
void dentry_hash(struct dentry *d); // makes it findable
// out of the hash (unlink): lookups miss it from now on
void dentry_drop(struct dentry *d);
// keeps it until dentry_unpin: the file system's reference
void dentry_pin(struct dentry *d);
void dentry_unpin(struct dentry *d);
void dentry_move(struct dentry *d, struct dentry *to); // d takes to's place and name; to is dropped
void dentry_exchange(struct dentry *a, struct dentry *b);
bool dentry_is_ancestor(struct dentry *a, struct dentry *d); // a above d, or d itself
bool dentry_has_children(struct dentry *dir);		     // positive ones
// of directories whose names are all cached
int dcache_readdir(struct file *f, struct dir_emit *e);
// "." and "..": positions 0 and 1; false: full
bool dir_emit_dots(struct file *f, struct dir_emit *e);
// drops up to n unused names; for the reclaimer
u64 dcache_shrink(u64 n);
// all names of a file system that nobody uses any more
void dcache_drop_super(struct super *s);
extern struct spinlock dcache_lock;
bool dentry_true(struct dentry *d); // dcache_lock held: what a walk found is used, and still true
				    // (super_ops' valid)
void dcache_init(void);

// --- whole-path operations for kernel callers and sys/fs.c (fs/ops.c) ---
int vfs_create(int dirfd, const char *name, u32 mode, kdev rdev); // mknod, mkdir (S_IFDIR), regular
int vfs_symlink(const char *target, int dirfd, const char *name);
int vfs_link(int olddirfd, const char *old, int newdirfd, const char *new_, u32 at_flags);
int vfs_unlink(int dirfd, const char *name, bool rmdir);
int vfs_rename(int olddirfd, const char *old, int newdirfd, const char *new_, u32 flags);
long vfs_readlink(int dirfd, const char *name, char *buf, size_t size);
int vfs_getattr(const struct path *p, struct kstat *st);
// checks permission, clears set-id bits; -EROFS
int vfs_setattr(const struct path *p, struct iattr *a);
// size and set-id bits; permission is the caller's business
int vfs_truncate(struct inode *i, u64 size);
// i_lock held: size, pages behind it, zeros in the last page
void inode_set_size(struct inode *i, u64 size);
int vfs_truncate_path(const struct path *p, u64 size); // truncate(2) after the lookup
int vfs_statfs(const struct path *p, struct kstatfs *out);
int vfs_chdir(const struct path *p); // consumes nothing
int vfs_chroot(const struct path *p);
#define VFS_SIZE_MAX 0x7fffffffffffffffULL

// --- files (fs/file.c) ---
// open(2) in full
int file_open(int dirfd, const char *name, u32 oflags, u32 mode, struct file **out);
// with LOOKUP_* of openat2
int file_open_lookup(int dirfd, const char *name, u32 oflags, u32 mode, u32 lookup,
		     struct file **out);
// readable regular file with x permission; counts in i_writers
int file_open_exec(int dirfd, const char *name, u32 at_flags, struct file **out);
int file_open_path(const struct path *p, u32 oflags, struct file **out);
// path is got; NULL
struct file *file_alloc(const struct file_ops *ops, const struct path *p, u32 oflags, u32 mode);
// A file without a name (pipe, eventfd…): path in an internal pseudo file system, shown as e.g.
// "pipe:[7]".
int anon_file_create(const char *name, const struct file_ops *ops, void *priv, u32 oflags,
		     struct file **out);
// Like it, for an inode of one's own (pipes): consumes the inode on success.
int anon_file_create_inode(const char *name, struct inode *i, const struct file_ops *ops,
			   void *priv, u32 oflags, struct file **out);
struct super *anon_super(void); // the pseudo file system they live in
int anon_init(void);
// each close of a descriptor; owner: the descriptor table (record locks)
int file_flush(struct file *f, const void *owner);
void file_get(struct file *f);
void file_put(struct file *f);
// checks mode; pos NULL: f_pos with its lock
long file_read(struct file *f, struct uio *u, u64 *pos);
long file_write(struct file *f, struct uio *u, u64 *pos);
long file_read_kernel(struct file *f, void *buf, size_t n, u64 off); // full unless EOF
s64 file_seek(struct file *f, s64 off, int whence);
// A file_ops.seek for files without an end to seek from: lists, and text made when read.
s64 file_seek_plain(struct file *f, s64 off, int whence);
long file_ioctl(struct file *f, u32 cmd, u64 arg); // the file's own; -ENOTTY
// locks, -ENOTDIR, -ENOENT in a removed directory
int file_getdents(struct file *f, struct dir_emit *e);
// in_pos NULL: in's own position
long file_sendfile(struct file *out, struct file *in, u64 *in_pos, size_t n);
int file_fsync(struct file *f, bool data_only);
long file_fallocate(struct file *f, u32 mode, u64 off, u64 len);
int file_mmap_cache(struct file *f, struct vma *v);
extern const struct file_ops regular_file_ops; // page-cache files: read, write, seek, mmap

// --- mounts (fs/mount.c) ---
int mount_root(struct super *s);	// consumes s on success, as mount_at does
void mount_root_path(struct path *out); // counted: / of the kernel, for the first process's fsctx
int mount_at(const struct path *where, struct super *s, u32 flags, const char *source);
int kern_mount(const char *source, const char *target, const char *type, u64 flags,
	       const char *data);
int kern_umount(const char *target, int flags);
struct fs_type {
	const char *name;
	int (*mount)(const char *source, const char *data, struct super **out);
};
void fs_register(const struct fs_type *t); // static objects
const struct fs_type *fs_type_find(const char *name);
void fs_type_for_each(void (*fn)(const struct fs_type *t, void *arg), void *arg);
// mount(2) after decoding
int vfs_mount(const struct path *where, const char *source, const char *type, u64 flags,
	      const char *data);
int vfs_umount(const struct path *where, int flags);
// dcache_lock held; borrowed
struct mount *mount_child(const struct mount *parent, const struct dentry *point);
void mount_get(struct mount *m);
void mount_put(struct mount *m);
bool mount_readonly(const struct mount *m);
void super_get(struct super *s);
void super_put(struct super *s);
void vfs_sync(void);
int super_sync(struct super *s);
void mount_for_each(void (*fn)(const struct mount *m, void *arg), void *arg);

// --- device nodes (fs/dev.c) ---
// A range of minors of a major; static object. open of a node calls ops->open with i_rdev set.
void chardev_register(u32 major, u32 minor, u32 count, const struct file_ops *ops);
const struct file_ops *chardev_find(kdev dev); // NULL
extern const struct file_ops chardev_open_ops; // of an inode that is a device node
extern const struct file_ops no_open_ops;      // -ENXIO: sockets' names, block devices
// A node of /dev (devtmpfs): made at once if the file system is there, else when it is first
// mounted. 0, -EEXIST, -ENOMEM, -ENOSPC
int devfs_add(const char *name, u32 mode, kdev dev);
// null, zero, full, random, urandom, tty, console, fd, stdin, stdout, stderr, shm
int devfs_populate(struct super *s);
int devfs_mount(void); // at /dev of the root (spec mode)
void memdev_init(void);
void devfs_init(void);

// --- tmpfs (fs/tmpfs.c) ---
// 0: no limit
int tmpfs_create(const char *type, u64 max_pages, u64 max_inodes, struct super **out);
void tmpfs_init(void);
extern const struct inode_ops tmpfs_dir_ops, tmpfs_file_ops;

// --- record locks and flock (fs/locks.c) ---
#define FILE_LOCK_POSIX 0 // owner: the descriptor table
#define FILE_LOCK_OFD	1 // owner: the open file
#define FILE_LOCK_FLOCK 2
struct file_lock_request {
	int type; // F_RDLCK, F_WRLCK, F_UNLCK
	u8 flavor;
	bool wait;
	u64 start, end; // inclusive; end ~0 >> 1: to the end
	const void *owner;
	s32 pid;
};
// 0, -EAGAIN, -EDEADLK, -ENOLCK, -ERESTARTSYS
int file_lock_set(struct file *f, const struct file_lock_request *rq);
// F_GETLK: the first in the way, or type F_UNLCK
void file_lock_test(struct file *f, struct file_lock_request *rq);
void file_locks_remove(struct file *f, const void *owner, u8 flavor);
void locks_init(void);

void fs_init(void); // caches, root tmpfs mounted, /dev and /proc types registered
// ref 1, own device number
struct super *super_create(const char *type, const struct super_ops *ops, u64 magic);

// SPDX-License-Identifier: MIT
// Descriptor tables, and the per-process file-system context (cwd, root, umask).
#pragma once

#include "fs/vfs.h"
#include "kern/lock.h"

#define FILES_INLINE 64 // slots without a further allocation

struct files {
	struct ref fs_ref;
	struct spinlock fs_lock;
	u32 fs_max;	     // slots allocated
	u32 fs_hint;	     // lowest possibly free
	struct file **fs_fd; // slots
	u64 *fs_open;	     // bitmap
	u64 *fs_cloexec;     // bitmap
	struct file *fs_inline_fd[FILES_INLINE];
	u64 fs_inline_open[FILES_INLINE / 64], fs_inline_cloexec[FILES_INLINE / 64];
};

struct fsctx {
	struct ref x_ref;
	struct spinlock x_lock;
	struct path x_cwd, x_root;
	u32 x_umask;
};

struct files *files_create(void);
struct files *files_copy(const struct files *f); // fork; NULL on no memory
void files_put(struct files *f);
void files_close_exec(struct files *f); // exec
u64 files_pages(struct files *f);	// kernel memory that its open files hold, a rough figure
struct fsctx *fsctx_copy(const struct fsctx *x);
void fsctx_put(struct fsctx *x);

// Lends the file behind fd. A table that is not shared needs no count: put with fd_put(ref).
// -EBADF.
struct fdref {
	struct file *file; // NULL: bad descriptor (also O_PATH unless fd_get_path)
	bool counted;
};
struct fdref fd_get(int fd);
struct fdref fd_get_path(int fd); // allows O_PATH files
void fd_put(struct fdref r);
struct file *fd_get_file(int fd); // always counted: file_put
// Lowest free slot >= min, reserved (slot NULL, bit set): fd or -EMFILE. Then fd_install or
// fd_release.
int fd_reserve(int min, bool cloexec);
void fd_install(int fd, struct file *f); // takes over the reference
void fd_release(int fd);
int fd_close(int fd);				    // 0, -EBADF, and the file's flush error
int fd_alloc_install(struct file *f, bool cloexec); // fd or negative; consumes f only on success
// dup2/dup3 onto fd `newfd` (≠ f's own): closes what was there; newfd, -EBADF (past the limit),
// -EBUSY (reserved). f is counted anew.
int fd_replace(int newfd, struct file *f, bool cloexec);
int fd_cloexec_get(int fd);		  // 0 or 1, -EBADF; O_PATH files too
int fd_cloexec_set(int fd, bool cloexec); // 0, -EBADF
// close_range(2): closes (or marks close-on-exec) all of [first, last].
void fd_close_range(u32 first, u32 last, bool only_cloexec);
// Each close of a descriptor (fd_close, exec, exit, dup2) must call file_flush(f, files) of
// fs/vfs.h and then file_put(f).

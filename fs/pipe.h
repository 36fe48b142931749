// SPDX-License-Identifier: MIT
// Pipes and FIFOs: a ring of pages, PIPE_BUF-atomic writes, 64 KiB by default.
#pragma once

#include "lib/types.h"

struct file;
// Flags: O_NONBLOCK (O_CLOEXEC is the descriptor's business). 0, -ENOMEM
int pipe_create(u32 oflags, struct file **rd, struct file **wr);
bool file_is_pipe(const struct file *f);
// Bytes inside at this moment, without its lock.
u64 pipe_held(const struct file *f);
// F_SETPIPE_SZ, F_GETPIPE_SZ: the size in bytes; -EBADF no pipe, -EINVAL, -EPERM, -EBUSY (more
// inside), -ENOMEM
long pipe_set_size(struct file *f, u64 size);
long pipe_get_size(struct file *f);
extern const struct file_ops fifo_ops;

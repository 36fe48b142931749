// SPDX-License-Identifier: MIT
// A run's standard streams when they are no terminal: virtio-serial ports that programs see as
// pipes.
#pragma once

#include "lib/types.h"

struct file;
struct vport;

// An open file on p, O_RDONLY or O_WRONLY, whose inode belongs to uid:gid (so that /dev/stdout can
// be opened again by them). 0, -ENOMEM.
int stream_create(struct vport *p, u32 oflags, u32 uid, u32 gid, struct file **out);

// SPDX-License-Identifier: MIT
// Futexes: hashed wait queues keyed by (mm, address) or (inode, page offset).
#pragma once

#include "lib/types.h"

struct task;
long kern_futex_wait(uptr addr, u32 expect, u32 bitset, u64 deadline, bool shared);
long kern_futex_wake(uptr addr, u32 count, u32 bitset, bool shared);
long kern_futex_requeue(uptr from, uptr to, u32 wake, u32 requeue, bool compare, u32 expect,
			bool shared);
long kern_futex_wake_op(uptr a, uptr b, u32 wake_a, u32 wake_b, u32 op, bool shared);
void futex_init(void);
void futex_exit_robust(struct task *t); // walks the robust lists, bounded

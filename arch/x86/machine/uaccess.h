// SPDX-License-Identifier: MIT
// The only way to user memory. Every routine checks the range against the address limit of the
// current address space before it touches anything, and turns a fault into -EFAULT.
// All may sleep (page faults); none may be called with a spinlock held, except the _nofault ones.
#pragma once

#include "lib/types.h"

MUST_CHECK int copyin(void *dst, uptr src, size_t n); // 0, -EFAULT; dst is zeroed behind a fault
MUST_CHECK int copyout(uptr dst, const void *src, size_t n);
MUST_CHECK int user_zero(uptr dst, size_t n);
// Partial forms for read(2) and write(2): return how many bytes were NOT copied.
size_t copyin_part(void *dst, uptr src, size_t n);
size_t copyout_part(uptr dst, const void *src, size_t n);
// Copies a string with its NUL: length without the NUL, -EFAULT, or -ENAMETOOLONG when it does not
// fit in n.
MUST_CHECK long copyin_str(char *dst, uptr src, size_t n);
// Length of a user string without its NUL; > max when longer; -EFAULT.
MUST_CHECK long user_strlen(uptr src, size_t max);

MUST_CHECK int get_user_u8(u8 *v, uptr src);
MUST_CHECK int get_user_u32(u32 *v, uptr src); // *v = 0 on a fault (hazard 43)
MUST_CHECK int get_user_u64(u64 *v, uptr src);
MUST_CHECK int put_user_u32(uptr dst, u32 v);
MUST_CHECK int put_user_u64(uptr dst, u64 v);
// Does not sleep: -EFAULT also when the page is merely not present. For futexes under a lock.
MUST_CHECK int get_user_u32_nofault(u32 *v, uptr src);
// Atomic compare and exchange: 0 and *old set, -EFAULT.
MUST_CHECK int cmpxchg_user_u32(uptr dst, u32 expect, u32 desired, u32 *old);
// Atomic fetch-op for FUTEX_WAKE_OP; op as in <linux/futex.h> FUTEX_OP_*: 0, -EFAULT, -ENOSYS.
MUST_CHECK int futex_op_user(uptr dst, u32 op, u32 arg, u32 *old);

// Is [va, va+n) inside the user half? For mmap-like calls; copy routines check by themselves.
bool user_range_ok(uptr va, size_t n);

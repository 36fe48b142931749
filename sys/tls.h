// SPDX-License-Identifier: MIT
// Thread-local storage by descriptor: struct user_desc to a GDT entry, for set_thread_area and
// i386's clone.
#pragma once

#include "lib/types.h"

// Reads a user_desc that names its entry: 0 with the index among the TLS entries and the
// descriptor; -EFAULT, -EINVAL.
int tls_get_desc(uptr src, u32 *slot, u64 *desc);

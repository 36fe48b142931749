// SPDX-License-Identifier: MIT
// The initramfs: newc cpio archives, plain or gzip, concatenated, unpacked into the root file
// system.
#pragma once

#include "lib/types.h"

// Unpacks [data, data+len), physically contiguous at phys and reserved; whole pages of file data
// that lie at a page boundary are adopted in place, the rest is copied and its pages go to the
// allocator: after success the range is not the caller's any more. 0, or negative errno with one
// line in *why (static text). Files named `.postern/spec` are not put into the tree but given to
// spec(), which must copy what it wants to keep.
int unpack_initramfs(u64 phys, size_t len, void (*spec)(const char *text, size_t len),
		     const char **why);

// SPDX-License-Identifier: MIT
// The kernel's CSPRNG: ChaCha20 with fast key erasure, one state per CPU, seeded from the CPU and
// the boot spec.
#pragma once

#include "lib/types.h"

void random_init(void);
void random_add(const void *data, size_t n); // mixes in entropy
void random_bytes(void *buf, size_t n);
u64 random_u64(void);

// SPDX-License-Identifier: MIT
/*
 * The bodies that the kernel may write over the four bytes at VDSO_I386_FAST_ENTRY of the i386
 * image, once, at boot, before the first program: the instruction pair that this CPU model executes
 * in 32-bit code (see entry32.S).
 */
#pragma once

#include <stdint.h>

#define VDSO_I386_FAST_ENTRY_SIZE 4

static const uint8_t vdso_entry_int80[VDSO_I386_FAST_ENTRY_SIZE] = {0x0f, 0x1f, 0x40, 0x00};
static const uint8_t vdso_entry_sysenter[VDSO_I386_FAST_ENTRY_SIZE] = {0x89, 0xe5, 0x0f, 0x34};
static const uint8_t vdso_entry_syscall[VDSO_I386_FAST_ENTRY_SIZE] = {0x89, 0xcd, 0x0f, 0x05};

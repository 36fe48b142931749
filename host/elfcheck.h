// SPDX-License-Identifier: MIT
// What kind of executable a file is, told before QEMU is started, for clear messages.
#pragma once

#include <stddef.h>

enum exe_kind {
	EXE_STATIC,  // an x86 ELF without an interpreter
	EXE_DYNAMIC, // an x86 ELF; `detail` is its interpreter
	EXE_SCRIPT,  // `#!`; `detail` is the interpreter
	EXE_FOREIGN, // an ELF for another machine; `detail` names it
	EXE_BAD,     // an ELF that can't be right; `detail` says why
	EXE_UNKNOWN, // neither ELF nor script; `detail` is empty
};

struct exe_info {
	enum exe_kind kind;
	char detail[256];
};

// Looks at the file's bytes; the kernel does the full check later. Never reads outside
// data[0..size).
void exe_examine(const unsigned char *data, size_t size, struct exe_info *out);

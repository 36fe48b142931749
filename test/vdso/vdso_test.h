// SPDX-License-Identifier: MIT
/* What the files of the vDSO test share: the image under test and TAP's ok(). */
#pragma once

#include "test/vdso/vdso_sym.h"

#include <stdbool.h>

struct vdso_data;

extern struct vdso_elf vdso;	    /* the image, as mapped */
extern struct vdso_data *vdso_page; /* the page below it, writable here */

/* The image's first program header of this type, or NULL. */
const ElfW(Phdr) * segment_find(uint32_t type);

void ok(bool good, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* __kernel_vsyscall and the signal trampolines; nothing to do on the 64-bit images. */
void test_entry32(void);

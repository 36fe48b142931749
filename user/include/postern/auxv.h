/* SPDX-License-Identifier: MIT */
/*
 * <postern/auxv.h>: the auxiliary vector, what the kernel tells a new program. Three ways to it:
 * from the stack (postern_auxv_behind), from /proc/self/auxv (postern_auxv_read), or value by value
 * through the C library's getauxval, to which the POSTERN_AT_* may be given.
 * [System V ABI, AMD64 supplement, 3.4.3; getauxval(3)]
 */
#pragma once

#include <postern/syscall.h>

/* One entry; a word is as wide as a pointer, on x32 too. */
struct postern_auxv {
	unsigned long type;
	unsigned long value;
};

enum {
	POSTERN_AT_NULL = 0,
	POSTERN_AT_PAGESZ = 6,
	POSTERN_AT_SYSINFO = 32,      /* i386: address of __kernel_vsyscall */
	POSTERN_AT_SYSINFO_EHDR = 33, /* address of the vDSO image */
	POSTERN_AUXV_MAX = 64	      /* entries that are enough for any Linux */
};

/* The vector on the initial stack lies behind the environment's NULL. A program that moved its
 * environment (setenv does) must have kept the first `envp`. */
POSTERN_INLINE const struct postern_auxv *postern_auxv_behind(char **envp)
{
	while (*envp)
		envp++;
	return (const struct postern_auxv *)(const void *)(envp + 1);
}

/* The value of a type in a vector that ends with POSTERN_AT_NULL; 0 when it is not there. */
static inline unsigned long postern_auxv_value(const struct postern_auxv *auxv, unsigned long type)
{
	for (; auxv->type != POSTERN_AT_NULL; auxv++)
		if (auxv->type == type)
			return auxv->value;
	return 0;
}

/* Copies the vector from /proc/self/auxv. Returns 0, or a negated errno; the vector always ends
 * with POSTERN_AT_NULL, what does not fit is left out. */
static inline int postern_auxv_read(struct postern_auxv *auxv, unsigned int count)
{
	size_t filled = 0, room = (count - 1) * sizeof(*auxv);
	postern_word got = 0;
	postern_word fd = postern_call4(POSTERN_NR_openat, -100, postern_ptr("/proc/self/auxv"), 0,
					0);

	auxv[0].type = POSTERN_AT_NULL;
	auxv[0].value = 0;
	if (postern_is_error(fd))
		return (int)fd;
	while (filled < room) {
		got = postern_call3(POSTERN_NR_read, fd, postern_ptr((char *)auxv + filled),
				    (postern_word)(room - filled));
		if (got <= 0)
			break;
		filled += (size_t)got;
	}
	postern_call1(POSTERN_NR_close, fd);
	auxv[filled / sizeof(*auxv)].type = POSTERN_AT_NULL;
	auxv[filled / sizeof(*auxv)].value = 0;
	return got < 0 ? (int)got : 0;
}

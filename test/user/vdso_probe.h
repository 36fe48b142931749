// SPDX-License-Identifier: MIT
/*
 * What the tests of bad images share: vdso_probe copies an image to a block of exactly its size, so
 * that AddressSanitizer sees a byte read too far, opens it, looks names up in all ways and insists
 * that what is found lies inside.
 */
#pragma once

#include <postern/vdso.h>
#include <stdlib.h>
#include <string.h>

static const char *const vdso_names[] = {"__vdso_clock_gettime", "__vdso_time", "__vdso_getcpu",
					 "__kernel_vsyscall",	 "nothing",	"",
					 "clock_gettime"};
static const char *const vdso_versions[] = {"LINUX_2.6", "LINUX_2.5", "", NULL};

/* The status of opening; *found counts the functions found. */
static inline enum postern_vdso_status vdso_probe(const void *bytes, size_t size,
						  unsigned int *found)
{
	unsigned char *copy = (unsigned char *)malloc(size ? size : 1);
	enum postern_vdso_status status;
	struct postern_vdso vdso;

	*found = 0;
	memcpy(copy, bytes, size);
	/* A maximum of 0 would mean "as the image says". */
	status = size ? postern_vdso_open(&vdso, copy, size) : POSTERN_VDSO_TRUNCATED;
	for (size_t n = 0; !status && n < sizeof(vdso_names) / sizeof(*vdso_names); n++)
		for (size_t v = 0; v < sizeof(vdso_versions) / sizeof(*vdso_versions); v++) {
			postern_vdso_function *at[] = {
				postern_vdso_find(&vdso, vdso_versions[v], vdso_names[n]),
				postern_vdso_find_hash(&vdso, vdso_versions[v], vdso_names[n]),
				postern_vdso_find_gnu(&vdso, vdso_versions[v], vdso_names[n])};

			for (int i = 0; i < 3; i++) {
				*found += at[i] != NULL;
				if (at[i] && ((uintptr_t)at[i] < (uintptr_t)copy ||
					      (uintptr_t)at[i] >= (uintptr_t)copy + size))
					abort();
			}
		}
	free(copy);
	return status;
}

// SPDX-License-Identifier: MIT
// libFuzzer target: any bytes as a vDSO image. Built for both ELF classes.
#include "test/user/vdso_probe.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	unsigned int found;

	vdso_probe(data, size, &found);
	return 0;
}

// SPDX-License-Identifier: MIT
// The smallest program on the header library: no C library, about 300 bytes as a static file.
#include <postern/start.h>

int postern_main(int argc, char **argv, char **envp, const struct postern_auxv *auxv)
{
	(void)argc;
	(void)argv;
	(void)envp;
	(void)auxv;
	return postern_call3(POSTERN_NR_write, 1, postern_ptr("hello\n"), 6) != 6;
}

// SPDX-License-Identifier: MIT
// The same program for every ABI and libc: what its types are, what time it is, who it is.
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
	time_t now = time(NULL);

	printf("%zu %zu %s %s\n", sizeof(long), sizeof(void *), now > 1700000000 ? "now" : "when?",
	       getpid() > 0 ? "alive" : "nobody");
	return 0;
}

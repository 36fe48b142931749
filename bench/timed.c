// SPDX-License-Identifier: MIT
/*
 * timed COMMAND [ARG…]: runs a command and prints "SECONDS PEAK_KIB STATUS" on stderr's last line
 * (fd 3 when open): wall time until the command itself ends and the largest resident set among it
 * and all its descendants. It is their reaper (PR_SET_CHILD_SUBREAPER), so a QEMU that outlives its
 * launcher is waited for and counted too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	double start = now(), seconds = 0;
	struct rusage usage;
	int status, result = 127;
	pid_t child, ended;
	long peak = 0;
	FILE *out;

	if (argc < 2) {
		fprintf(stderr, "usage: timed COMMAND [ARG...]\n");
		return 2;
	}
	out = fdopen(3, "w");
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	child = fork();
	if (child == 0) {
		if (out)
			close(3);
		execvp(argv[1], argv + 1);
		perror(argv[1]);
		_exit(127);
	}
	while ((ended = wait4(-1, &status, 0, &usage)) > 0) {
		if (usage.ru_maxrss > peak)
			peak = usage.ru_maxrss;
		if (ended == child) {
			seconds = now() - start;
			result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		}
	}
	fprintf(out ? out : stderr, "%.4f %ld %d\n", seconds, peak, result);
	return result;
}

// SPDX-License-Identifier: MIT
// Process 1 of the oracle: prepares the few places that the tests use, runs /test with the
// arguments that the kernel's command line gives behind "--", and powers off. Output is the serial
// console's.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static char *environment[] = {"PATH=/bin", "HOME=/", "GUEST_ON=oracle", NULL};
	int status = 0;

	(void)argc;
	mkdir("/proc", 0755);
	mkdir("/dev", 0755);
	mkdir("/tmp", 01777);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
	pid_t pid = fork();
	if (!pid) {
		setsid();
		argv[0] = "/guest-tests";
		execve(argv[0], argv, environment);
		perror(argv[0]);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) != pid)
		;
	printf("oracle: wait status %#x\n", status);
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

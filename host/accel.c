// SPDX-License-Identifier: MIT
// Looks before it leaps: /dev/kvm existing is no proof that it runs a guest. These checks are cheap
// and still not enough; the last word has the guest's HELLO (see relay.h).
#include "host/accel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool accel_cpu_virtualizes(const char *cpuinfo)
{
	FILE *f = fopen(cpuinfo, "re");
	char *line = NULL;
	size_t size = 0;
	bool found = false;

	while (f && !found && getline(&line, &size, f) > 0) {
		if (strncmp(line, "flags", 5))
			continue;
		// Whole words: "svm_lock" or "vmx_foo" alone prove nothing.
		for (char *w = strtok(line, " \t\n"); w && !found; w = strtok(NULL, " \t\n"))
			found = !strcmp(w, "vmx") || !strcmp(w, "svm");
		break;
	}
	free(line);
	if (f)
		fclose(f);
	return found;
}

const char *accel_kvm_problem(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd < 0 && errno == EACCES)
		return "/dev/kvm may not be opened by you (join the group kvm)";
	if (fd < 0 && errno == ENOENT)
		return "this host has no /dev/kvm";
	if (fd < 0)
		return "/dev/kvm can't be opened";
	int version = ioctl(fd, KVM_GET_API_VERSION, 0);
	close(fd);
	return version == KVM_API_VERSION ? NULL : "/dev/kvm is not a working KVM";
}

// SPDX-License-Identifier: MIT
/*
 * A static `true` for the start-to-exit row. Where it is the whole user space (process 1 of a plain
 * initramfs) it ends the machine instead of returning.
 */
#include <sys/reboot.h>
#include <unistd.h>

int main(void)
{
	if (getpid() == 1)
		reboot(RB_AUTOBOOT);
	return 0;
}

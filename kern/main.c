// SPDX-License-Identifier: MIT
// The order of the start. Each line may use what the lines above it have set up and nothing else.
// All of this runs on the boot CPU's first stack with interrupts off; what may sleep is process 1's
// (kern/init.c).

#include "abi/abi.h"
#include "dev/console.h"
#include "dev/control.h"
#include "dev/tty.h"
#include "dev/virtio_console.h"
#include "fs/proc.h"
#include "fs/vfs.h"
#include "kern/futex.h"
#include "kern/init.h"
#include "kern/log.h"
#include "kern/random.h"
#include "kern/sched.h"
#include "kern/task.h"
#include "machine/boot.h"
#include "vm/mm.h"
#include "vm/page.h"
#include "vm/slab.h"

static void devices_init(const struct boot_info *bi)
{
	tty_init();
	console_tty = serial_tty_init();
	// The console device answers while the initrd is being unpacked.
	control_init();
	vcon_init(bi->cmdline);
}

void kernel_main(const struct boot_info *bi)
{
	page_init(bi);
	slab_init();
	task_init(); // from here on `current` is the idle task
	arch_init(bi);
	random_init();
	vm_init();
	sched_init_cpu();
	futex_init();
	fs_init();
	proc_init(bi->cmdline);
	devices_init(bi);
	// Before the first task switch, which arms the timer, and as late as that allows: its
	// calibration measures the time since the start.
	clock_init();
	time_init();
	vdso_init();
	if (!task_create_kernel("init", init_main, (void *)bi))
		panic("no memory for process 1");
	sched_idle();
}

// SPDX-License-Identifier: MIT
// The virtio console device (virtio 1.1 §5.3) with its named ports.
#pragma once

#include "dev/vport.h"
#include "lib/types.h"

// Sets up the devices that `virtio_mmio.device=SIZE@ADDR:IRQ` words of the command line name
// (Linux's interface; QEMU adds them). Ports become known later, by interrupt. False: there is no
// console device.
bool vcon_init(const char *cmdline);
// Opens the port `name` once the device has announced it: 0, -ENODEV (no device, or not announced
// until `deadline`), -ENOMEM. The host's end may be closed all the same.
int vcon_open(const char *name, u32 rx_buffers, u32 tx_size, u64 deadline, struct vport **out);
// A function for the port `name`, called from the interrupt that tells that the host has it open.
// Before vcon_init.
void vcon_watch(const char *name, void (*fn)(struct vport *p));
// Gives a port its memory and tells the host that it is open here. May be called from interrupts.
// 0, -ENOMEM.
int vcon_adopt(struct vport *p, u32 rx_buffers, u32 tx_size);
void vcon_close(struct vport *p); // tells the host that the guest's end is closed
// Sleeps until the host's end of p is known to be open: 0 or -ETIMEDOUT.
int vcon_wait_open(struct vport *p, u64 deadline);
// All opened ports, for draining.
void vcon_for_each(void (*fn)(struct vport *p, void *arg), void *arg);

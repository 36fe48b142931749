// SPDX-License-Identifier: MIT
// Virtio over MMIO (virtio 1.1 §4.2, both the modern registers and the legacy ones that QEMU offers
// by default), and split virtqueues (§2.6). A queue here has one descriptor per buffer, and the
// user of the queue numbers them: buffer i is always descriptor i, so nothing needs to be
// allocated. Locking is the user's.
#pragma once

#include "lib/types.h"

#include <linux/virtio_ring.h>

#define VIRTQ_MAX 64u // buffers of a queue; with its rings it fills less than a page

struct virtio_dev {
	volatile u8 *d_regs;
	u32 d_version;	// 1 legacy, 2 modern
	u32 d_id;	// VIRTIO_ID_*
	u32 d_line;	// interrupt line
	u64 d_features; // agreed upon
};

struct virtq {
	struct vring_desc *q_desc;
	struct vring_avail *q_avail;
	struct vring_used *q_used;
	u16 q_index; // the device's number of it
	u16 q_num;   // 0: not set up
	u16 q_next;  // next avail->idx
	u16 q_seen;  // used->idx up to which we have looked
};

// Looks for a device behind a register window. 0, -ENODEV (nothing there), -ENOMEM.
int virtio_probe(struct virtio_dev *d, u64 phys, u64 size, u32 line);
// Agrees on features out of `wanted`: 0, -EIO when the device refuses.
int virtio_negotiate(struct virtio_dev *d, u64 wanted);
// Sets up queue `index` with at most `num` buffers, before virtio_start. 0, -ENOENT (no such
// queue), -ENOMEM.
int virtq_init(struct virtio_dev *d, struct virtq *q, u32 index, u32 num);
void virtio_start(struct virtio_dev *d);	    // DRIVER_OK
u32 virtio_config32(struct virtio_dev *d, u32 off); // from the device's own configuration
bool virtio_ack(struct virtio_dev *d);		    // quiets the interrupt; was it this device's?

// Gives buffer `id` to the device: to read from, or (to_device false) to write into.
void virtq_put(struct virtq *q, u32 id, u64 phys, u32 len, bool to_device);
void virtq_kick(struct virtio_dev *d, struct virtq *q);
// The next buffer that the device is done with, and how much it wrote. False: none. An id out of
// range stops the machine: the device could otherwise make the kernel write anywhere.
bool virtq_get(struct virtq *q, u32 *id, u32 *len);
static inline bool virtq_pending(const struct virtq *q)
{
	return q->q_num && READ_ONCE(q->q_used->idx) != q->q_seen;
}
void virtq_irq_off(struct virtq *q); // a hint: an interrupt may still come
bool virtq_irq_on(struct virtq *q);  // true: something came before it took effect, look again

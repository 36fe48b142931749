// SPDX-License-Identifier: MIT
// A virtio-serial port as a pair of byte channels. Input lies in the device's own buffers until
// somebody takes it, so a reader that does not read stops the host. Output goes through a byte
// ring: what cannot be handed to the device at once is gathered and follows in larger pieces.
// Locks: [P] p_lock (interrupts off), [R] p_read_lock, [W] p_write_lock, [I] immutable once opened.
#pragma once

#include "dev/virtio.h"
#include "fs/poll.h"
#include "fs/uio.h"
#include "kern/lock.h"
#include "kern/wait.h"

#define VPORT_NAME_MAX	32
#define VPORT_RX_BUFFER 4096u  // QEMU reads no more than this from its side at a time
#define VPORT_TX_PIECE	32768u // largest piece that is handed over at once

struct vport {
	struct virtio_dev *p_dev; // [I]
	u32 p_id;		  // [I] the device's number of it
	char p_name[VPORT_NAME_MAX];
	bool p_host_open; // [P] somebody on the host has it open
	struct spinlock p_lock;
	struct waitqueue p_wait;
	// Told from interrupts, p_lock not held; NULL: nobody.
	void (*p_rx_ready)(struct vport *p);
	void (*p_tx_ready)(struct vport *p);
	void *p_owner;

	struct virtq p_rx; // [P]
	struct mutex p_read_lock;
	u8 *p_rx_buf;		    // [I] p_rx.q_num buffers
	u16 p_rx_len[VIRTQ_MAX];    // [P] by buffer: bytes in it
	u8 p_rx_filled[VIRTQ_MAX];  // [P] ids in order of arrival, a ring
	u32 p_rx_first, p_rx_count; // [P]
	u32 p_rx_off;		    // [R] bytes of the first that were taken
	u32 p_rx_unkicked;	    // [P] buffers given back that the device was not told of

	struct virtq p_tx; // [P]
	struct mutex p_write_lock;
	u8 *p_tx_buf; // [I] p_tx_size bytes, a power of two, physically contiguous
	u32 p_tx_size;
	u64 p_tx_head;		    // [P] bytes written so far
	u64 p_tx_posted;	    // [P] … handed to the device
	u64 p_tx_tail;		    // [P] … that it is done with
	u32 p_tx_len[VIRTQ_MAX];    // [P] by descriptor: bytes posted; 0: done
	u32 p_tx_first, p_tx_count; // [P] descriptors under way, a ring
	u32 p_tx_want;		    // [P] bytes of room that a sleeper waits for, ~0: none
};

// Memory for the channels: rx_buffers buffers of input, tx_size bytes of output (0: none). 0,
// -ENOMEM.
int vport_alloc(struct vport *p, u32 rx_buffers, u32 tx_size);
void vport_interrupt(struct vport *p);		      // from the device's handler
void vport_set_host_open(struct vport *p, bool open); // from the device's handler

// Is there input, or the end of it? A no switches the interrupt on that will tell.
bool vport_readable(struct vport *p);
// Is there room for n bytes of output, or nobody to take it? A no switches the interrupt on.
bool vport_writable(struct vport *p, u32 n);
// Blocking transfers for files. Bytes; 0: end of input; -EPIPE (nobody on the host), -EAGAIN,
// -ERESTARTSYS, -EFAULT.
long vport_read(struct vport *p, struct uio *u, bool nonblock);
long vport_write(struct vport *p, struct uio *u, bool nonblock);
// Non-blocking transfers of kernel bytes; both may move less than n. put may be called from
// interrupts.
u32 vport_get(struct vport *p, void *buf, u32 n);
u32 vport_put(struct vport *p, const void *buf, u32 n);
u32 vport_unsent(struct vport *p); // bytes of output that the device has not consumed
// Sleeps until the device has consumed all output written before the call, at most until
// `deadline`.
void vport_drain(struct vport *p, u64 deadline);
// Puts bytes out and waits for the device without sleeping or interrupts, for panics: best effort,
// at most `ns`.
void vport_put_polled(struct vport *p, const void *buf, u32 n, u64 ns);

// SPDX-License-Identifier: MIT
// The data path of virtio-serial ports. What must hold: between p_rx_first and p_rx_count lie
// exactly the buffers that the device filled and nobody emptied; p_tx_tail <= p_tx_posted <=
// p_tx_head <= p_tx_tail + p_tx_size. Interrupts are asked for only while somebody waits: a stream
// at full speed runs without them.

#include "dev/vport.h"

#include "kern/task.h"
#include "lib/string.h"
#include "machine/pt.h"
#include "vm/page.h"

#include <asm/errno.h>
#include <linux/limits.h>

#define NO_WANT (~0u)

static void *contiguous_alloc(u32 bytes)
{
	u32 order = 0;

	while (((u32)PAGE_SIZE << order) < bytes)
		order++;
	struct page *p = page_alloc_order(order, 0);
	return p ? page_address(p) : NULL;
}

int vport_alloc(struct vport *p, u32 rx_buffers, u32 tx_size)
{
	if (rx_buffers) {
		rx_buffers = MIN(rx_buffers, (u32)p->p_rx.q_num);
		p->p_rx_buf = contiguous_alloc(rx_buffers * VPORT_RX_BUFFER);
		if (!p->p_rx_buf)
			return -ENOMEM;
	}
	if (tx_size) {
		p->p_tx_buf = contiguous_alloc(tx_size);
		if (!p->p_tx_buf)
			return -ENOMEM;
		p->p_tx_size = tx_size;
	}
	p->p_tx_want = NO_WANT;
	u64 irq = spin_lock_irq(&p->p_lock);
	for (u32 i = 0; i < rx_buffers; i++)
		virtq_put(&p->p_rx, i, virt_to_phys(p->p_rx_buf + i * VPORT_RX_BUFFER),
			  VPORT_RX_BUFFER, false);
	virtq_irq_off(&p->p_tx);
	if (rx_buffers)
		virtq_kick(p->p_dev, &p->p_rx);
	spin_unlock_irq(&p->p_lock, irq);
	return 0;
}

// --- input ---

static void rx_pull_locked(struct vport *p)
{
	u32 id, len;

	while (p->p_rx_buf && virtq_get(&p->p_rx, &id, &len)) {
		p->p_rx_len[id] = (u16)MIN(len, VPORT_RX_BUFFER);
		p->p_rx_filled[(p->p_rx_first + p->p_rx_count++) % VIRTQ_MAX] = (u8)id;
	}
}

bool vport_readable(struct vport *p)
{
	u64 irq = spin_lock_irq(&p->p_lock);

	rx_pull_locked(p);
	if (!p->p_rx_count && p->p_rx_buf) {
		// The device may have stopped for lack of buffers.
		if (p->p_rx_unkicked) {
			p->p_rx_unkicked = 0;
			virtq_kick(p->p_dev, &p->p_rx);
		}
		if (virtq_irq_on(&p->p_rx))
			rx_pull_locked(p);
	}
	bool ready = p->p_rx_count || !p->p_host_open;
	spin_unlock_irq(&p->p_lock, irq);
	return ready;
}

// The first filled buffer, which stays first until rx_take_done: only the holder of p_read_lock
// takes any. -1: none.
static int rx_first(struct vport *p)
{
	u64 irq = spin_lock_irq(&p->p_lock);

	rx_pull_locked(p);
	int id = p->p_rx_count ? p->p_rx_filled[p->p_rx_first] : -1;
	spin_unlock_irq(&p->p_lock, irq);
	return id;
}

static void rx_take_done(struct vport *p, u32 id)
{
	u64 irq = spin_lock_irq(&p->p_lock);

	p->p_rx_off = 0;
	p->p_rx_first = (p->p_rx_first + 1) % VIRTQ_MAX;
	p->p_rx_count--;
	virtq_put(&p->p_rx, id, virt_to_phys(p->p_rx_buf + id * VPORT_RX_BUFFER), VPORT_RX_BUFFER,
		  false);
	// Telling the device costs an exit of the virtual machine; half a queue at a time is enough
	// to keep it going.
	if (++p->p_rx_unkicked >= p->p_rx.q_num / 2u) {
		p->p_rx_unkicked = 0;
		virtq_kick(p->p_dev, &p->p_rx);
	}
	spin_unlock_irq(&p->p_lock, irq);
}

// Moves what is there. p_read_lock held. Bytes, or -EFAULT when the first of them could not be
// stored.
static long rx_move(struct vport *p, struct uio *u)
{
	long moved = 0;
	int id;

	while (u->resid && (id = rx_first(p)) >= 0) {
		u32 len = p->p_rx_len[id];
		size_t n = MIN((size_t)(len - p->p_rx_off), u->resid);
		size_t done = uio_write(u, p->p_rx_buf + (u32)id * VPORT_RX_BUFFER + p->p_rx_off,
					n);

		p->p_rx_off += (u32)done;
		moved += (long)done;
		if (p->p_rx_off == len)
			rx_take_done(p, (u32)id);
		if (done < n)
			return moved ? moved : -EFAULT;
	}
	return moved;
}

long vport_read(struct vport *p, struct uio *u, bool nonblock)
{
	for (;;) {
		if (mutex_lock_interruptible(&p->p_read_lock))
			return -ERESTARTSYS;
		// Looked at first: what the host wrote before it closed is in the queue by then.
		bool open = READ_ONCE(p->p_host_open);
		long r = rx_move(p, u);
		mutex_unlock(&p->p_read_lock);
		if (r || !u->resid || !open)
			return r;
		if (nonblock && !vport_readable(p))
			return -EAGAIN;
		r = wait_event(&p->p_wait, vport_readable(p));
		if (r)
			return r;
	}
}

u32 vport_get(struct vport *p, void *buf, u32 n)
{
	struct uio u;

	uio_init_kernel(&u, buf, n);
	mutex_lock(&p->p_read_lock);
	long r = rx_move(p, &u);
	mutex_unlock(&p->p_read_lock);
	return r > 0 ? (u32)r : 0;
}

// --- output ---

static u32 tx_room_locked(const struct vport *p)
{
	return p->p_tx_size - (u32)(p->p_tx_head - p->p_tx_tail);
}

// Takes back what the device is done with. It may finish out of order; bytes become free in order.
static void tx_reap_locked(struct vport *p)
{
	u32 id, len;

	while (virtq_get(&p->p_tx, &id, &len)) {
		p->p_tx_len[id] |= BIT(31);
		while (p->p_tx_count && p->p_tx_len[p->p_tx_first] & BIT(31)) {
			p->p_tx_tail += p->p_tx_len[p->p_tx_first] & ~(u32)BIT(31);
			p->p_tx_len[p->p_tx_first] = 0;
			p->p_tx_first = (p->p_tx_first + 1) % p->p_tx.q_num;
			p->p_tx_count--;
		}
	}
}

// Hands over what waits, as far as there are descriptors.
static void tx_post_locked(struct vport *p)
{
	bool any = false;

	while (p->p_tx_posted < p->p_tx_head && p->p_tx_count < p->p_tx.q_num) {
		u32 off = (u32)p->p_tx_posted & (p->p_tx_size - 1);
		u32 n = (u32)MIN(p->p_tx_head - p->p_tx_posted,
				 (u64)MIN(p->p_tx_size - off, VPORT_TX_PIECE));
		u32 id = (p->p_tx_first + p->p_tx_count++) % p->p_tx.q_num;

		p->p_tx_len[id] = n;
		p->p_tx_posted += n;
		virtq_put(&p->p_tx, id, virt_to_phys(p->p_tx_buf + off), n, true);
		any = true;
	}
	if (any)
		virtq_kick(p->p_dev, &p->p_tx);
}

// Reaps and posts until neither gives the other more to do, with the interrupt on when somebody
// waits or bytes have no descriptor yet.
static void tx_update_locked(struct vport *p)
{
	for (;;) {
		tx_reap_locked(p);
		tx_post_locked(p);
		if (p->p_tx_want == NO_WANT && p->p_tx_posted == p->p_tx_head) {
			virtq_irq_off(&p->p_tx);
			return;
		}
		if (!virtq_irq_on(&p->p_tx))
			return;
	}
}

bool vport_writable(struct vport *p, u32 n)
{
	u64 irq = spin_lock_irq(&p->p_lock);

	tx_update_locked(p);
	if (tx_room_locked(p) < n && p->p_host_open) {
		p->p_tx_want = MIN(p->p_tx_want, n);
		tx_update_locked(p);
	}
	bool ready = tx_room_locked(p) >= n || !p->p_host_open;
	spin_unlock_irq(&p->p_lock, irq);
	return ready;
}

static u32 tx_room(struct vport *p)
{
	u64 irq = spin_lock_irq(&p->p_lock);

	tx_reap_locked(p);
	u32 room = tx_room_locked(p);
	spin_unlock_irq(&p->p_lock, irq);
	return room;
}

static void tx_commit(struct vport *p, u32 n)
{
	u64 irq = spin_lock_irq(&p->p_lock);

	p->p_tx_head += n;
	tx_update_locked(p);
	spin_unlock_irq(&p->p_lock, irq);
}

// One contiguous piece of the transfer into the ring; p_write_lock held, so nobody else moves
// p_tx_head.
static size_t tx_piece(struct vport *p, struct uio *u, u32 room)
{
	u32 off = (u32)p->p_tx_head & (p->p_tx_size - 1);
	size_t n = MIN((size_t)MIN(MIN(room, p->p_tx_size - off), VPORT_TX_PIECE), u->resid);
	size_t done = uio_read(u, p->p_tx_buf + off, n);

	tx_commit(p, (u32)done);
	return done;
}

// As much as fits now. A transfer of up to PIPE_BUF bytes is not split (POSIX, write(), "pipe or
// FIFO"): 0 when it does not fit whole.
static long tx_move(struct vport *p, struct uio *u, bool fresh)
{
	long moved = 0;

	while (u->resid) {
		u32 room = tx_room(p);
		u32 need = fresh && !moved && u->resid <= PIPE_BUF ? (u32)u->resid : 1;

		if (room < need)
			break;
		size_t want = u->resid, done = tx_piece(p, u, room);
		moved += (long)done;
		if (!done && want)
			return moved ? moved : -EFAULT;
	}
	return moved;
}

long vport_write(struct vport *p, struct uio *u, bool nonblock)
{
	long total = 0;

	while (u->resid) {
		bool fresh = !total;
		u32 need = fresh && u->resid <= PIPE_BUF ? (u32)u->resid : PIPE_BUF;

		if (!READ_ONCE(p->p_host_open))
			return total ? total : -EPIPE;
		if (mutex_lock_interruptible(&p->p_write_lock))
			return total ? total : -ERESTARTSYS;
		long r = tx_move(p, u, fresh);
		mutex_unlock(&p->p_write_lock);
		if (r < 0)
			return total ? total : r;
		total += r;
		if (!u->resid)
			break;
		if (nonblock)
			return total ? total : -EAGAIN;
		// A long transfer goes on when a quarter of the ring is free: fewer, larger steps.
		r = wait_event(&p->p_wait, vport_writable(p, MAX(need, p->p_tx_size / 4)));
		if (r)
			return total ? total : r;
	}
	return total;
}

u32 vport_put(struct vport *p, const void *buf, u32 n)
{
	const u8 *src = buf;
	u64 irq = spin_lock_irq(&p->p_lock);

	tx_reap_locked(p);
	n = MIN(n, tx_room_locked(p));
	for (u32 i = 0; i < n;) {
		u32 off = (u32)p->p_tx_head & (p->p_tx_size - 1);
		u32 part = MIN(n - i, p->p_tx_size - off);

		memcpy(p->p_tx_buf + off, src + i, part);
		p->p_tx_head += part;
		i += part;
	}
	tx_update_locked(p);
	spin_unlock_irq(&p->p_lock, irq);
	return n;
}

u32 vport_unsent(struct vport *p)
{
	u64 irq = spin_lock_irq(&p->p_lock);

	tx_reap_locked(p);
	u32 n = (u32)(p->p_tx_head - p->p_tx_tail);
	spin_unlock_irq(&p->p_lock, irq);
	return n;
}

// Has the device consumed the first `target` bytes, or is it not going to? A no asks for an
// interrupt at its next step.
static bool tx_passed(struct vport *p, u64 target)
{
	u64 irq = spin_lock_irq(&p->p_lock);

	tx_update_locked(p);
	if (p->p_tx_tail < target) {
		p->p_tx_want = MIN(p->p_tx_want, tx_room_locked(p) + 1);
		tx_update_locked(p);
	}
	// What lies in a port that nobody has open is never consumed.
	bool passed = p->p_tx_tail >= target || !p->p_host_open;
	spin_unlock_irq(&p->p_lock, irq);
	return passed;
}

void vport_drain(struct vport *p, u64 deadline)
{
	u64 target = READ_ONCE(p->p_tx_head);

	if (p->p_tx_size)
		(void)wait_event_until(&p->p_wait, tx_passed(p, target), TASK_UNINTERRUPTIBLE,
				       deadline);
}

void vport_put_polled(struct vport *p, const void *buf, u32 n, u64 ns)
{
	u64 end = clock_ns() + ns;

	// The panic may have come with the lock held, here or on a CPU that is stopped now: then go
	// without.
	bool locked = spin_trylock(&p->p_lock);
	tx_reap_locked(p);
	for (u32 i = 0; i < n && tx_room_locked(p); i++)
		p->p_tx_buf[p->p_tx_head++ & (p->p_tx_size - 1)] = ((const u8 *)buf)[i];
	tx_post_locked(p);
	// The clock stands still when the kernel dies early, hence the count.
	for (u32 spin = 0; p->p_tx_head != p->p_tx_tail && clock_ns() < end && spin < 100000000;
	     spin++) {
		cpu_relax();
		tx_reap_locked(p);
	}
	if (locked)
		spin_unlock(&p->p_lock);
}

// --- the device's side ---

void vport_interrupt(struct vport *p)
{
	bool rx = false, tx = false;

	spin_lock(&p->p_lock);
	if (p->p_rx_buf && virtq_pending(&p->p_rx)) {
		virtq_irq_off(&p->p_rx);
		rx_pull_locked(p);
		rx = true;
	}
	if (p->p_tx_buf && virtq_pending(&p->p_tx)) {
		tx_reap_locked(p);
		tx = tx_room_locked(p) >= p->p_tx_want;
		if (tx)
			p->p_tx_want = NO_WANT;
		tx_update_locked(p);
	}
	spin_unlock(&p->p_lock);
	if (rx || tx)
		wait_wake(&p->p_wait, (rx ? EPOLLIN : 0) | (tx ? EPOLLOUT : 0), 0);
	if (rx && p->p_rx_ready)
		p->p_rx_ready(p);
	if (tx && p->p_tx_ready)
		p->p_tx_ready(p);
}

void vport_set_host_open(struct vport *p, bool open)
{
	spin_lock(&p->p_lock);
	WRITE_ONCE(p->p_host_open, open);
	spin_unlock(&p->p_lock);
	wait_wake_all(&p->p_wait);
	if (p->p_rx_ready)
		p->p_rx_ready(p);
	if (p->p_tx_ready)
		p->p_tx_ready(p);
}

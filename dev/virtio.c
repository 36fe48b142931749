// SPDX-License-Identifier: MIT
// The MMIO transport and the split virtqueue. What must hold: the device is trusted to carry bytes
// and nothing else; ids and lengths that it reports are checked where they are used.

#include "dev/virtio.h"

#include "kern/log.h"
#include "lib/string.h"
#include "machine/io.h"
#include "machine/pt.h"
#include "vm/page.h"

#include <asm/errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>

#define MMIO_MAGIC 0x74726976 // "virt"
#define RINGS_ALIGN \
	128 // of the used ring: legacy devices are told, modern ones take any multiple of 4

static u32 reg_read(const struct virtio_dev *d, u32 reg)
{
	return mmio_read32(d->d_regs + reg);
}

static void reg_write(const struct virtio_dev *d, u32 reg, u32 v)
{
	mmio_write32(d->d_regs + reg, v);
}

static void status_add(const struct virtio_dev *d, u32 bits)
{
	reg_write(d, VIRTIO_MMIO_STATUS, reg_read(d, VIRTIO_MMIO_STATUS) | bits);
}

int virtio_probe(struct virtio_dev *d, u64 phys, u64 size, u32 line)
{
	if (size < VIRTIO_MMIO_CONFIG)
		return -ENODEV;
	d->d_regs = kmap_mmio(phys, size);
	if (!d->d_regs)
		return -ENOMEM;
	if (reg_read(d, VIRTIO_MMIO_MAGIC_VALUE) != MMIO_MAGIC)
		return -ENODEV;
	d->d_version = reg_read(d, VIRTIO_MMIO_VERSION);
	d->d_id = reg_read(d, VIRTIO_MMIO_DEVICE_ID);
	d->d_line = line;
	// Device id 0: an empty slot (§4.2.3.1.1).
	return (d->d_version == 1 || d->d_version == 2) && d->d_id ? 0 : -ENODEV;
}

// §3.1.1, steps 1 to 6.
int virtio_negotiate(struct virtio_dev *d, u64 wanted)
{
	u64 offered = 0;

	reg_write(d, VIRTIO_MMIO_STATUS, 0);
	status_add(d, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	for (u32 word = 0; word < 2; word++) {
		reg_write(d, VIRTIO_MMIO_DEVICE_FEATURES_SEL, word);
		offered |= (u64)reg_read(d, VIRTIO_MMIO_DEVICE_FEATURES) << (32 * word);
	}
	if (d->d_version == 2)
		wanted |= BIT(VIRTIO_F_VERSION_1);
	d->d_features = offered & wanted;
	for (u32 word = 0; word < 2; word++) {
		reg_write(d, VIRTIO_MMIO_DRIVER_FEATURES_SEL, word);
		reg_write(d, VIRTIO_MMIO_DRIVER_FEATURES, (u32)(d->d_features >> (32 * word)));
	}
	if (d->d_version == 1) {
		reg_write(d, VIRTIO_MMIO_GUEST_PAGE_SIZE, PAGE_SIZE);
		return 0;
	}
	status_add(d, VIRTIO_CONFIG_S_FEATURES_OK);
	return reg_read(d, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_FEATURES_OK ? 0 : -EIO;
}

static void address_write(const struct virtio_dev *d, u32 low_reg, u64 phys)
{
	reg_write(d, low_reg, (u32)phys);
	reg_write(d, low_reg + 4, (u32)(phys >> 32)); // each HIGH register follows its LOW one
}

int virtq_init(struct virtio_dev *d, struct virtq *q, u32 index, u32 num)
{
	reg_write(d, VIRTIO_MMIO_QUEUE_SEL, index);
	u32 max = reg_read(d, VIRTIO_MMIO_QUEUE_NUM_MAX);

	if (!max)
		return -ENOENT;
	num = MIN(MIN(num, max), VIRTQ_MAX);
	struct page *p = page_alloc(PAGE_ZERO);
	if (!p)
		return -ENOMEM;
	// The layout that legacy devices compute for themselves (§2.6.2), good for modern ones too.
	u8 *base = page_address(p);
	u64 avail = num * sizeof(struct vring_desc);
	u64 used = ALIGN_UP(avail + sizeof(u16) * (3ull + num), RINGS_ALIGN);

	q->q_desc = (void *)base;
	q->q_avail = (void *)(base + avail);
	q->q_used = (void *)(base + used);
	q->q_index = (u16)index;
	q->q_num = (u16)num;
	q->q_next = q->q_seen = 0;
	reg_write(d, VIRTIO_MMIO_QUEUE_NUM, num);
	if (d->d_version == 1) {
		reg_write(d, VIRTIO_MMIO_QUEUE_ALIGN, RINGS_ALIGN);
		reg_write(d, VIRTIO_MMIO_QUEUE_PFN, (u32)(page_phys(p) >> PAGE_SHIFT));
		return 0;
	}
	address_write(d, VIRTIO_MMIO_QUEUE_DESC_LOW, page_phys(p));
	address_write(d, VIRTIO_MMIO_QUEUE_AVAIL_LOW, page_phys(p) + avail);
	address_write(d, VIRTIO_MMIO_QUEUE_USED_LOW, page_phys(p) + used);
	reg_write(d, VIRTIO_MMIO_QUEUE_READY, 1);
	return 0;
}

void virtio_start(struct virtio_dev *d)
{
	status_add(d, VIRTIO_CONFIG_S_DRIVER_OK);
}

u32 virtio_config32(struct virtio_dev *d, u32 off)
{
	return reg_read(d, VIRTIO_MMIO_CONFIG + off);
}

bool virtio_ack(struct virtio_dev *d)
{
	u32 why = reg_read(d, VIRTIO_MMIO_INTERRUPT_STATUS);

	if (why)
		reg_write(d, VIRTIO_MMIO_INTERRUPT_ACK, why);
	return why != 0;
}

void virtq_put(struct virtq *q, u32 id, u64 phys, u32 len, bool to_device)
{
	struct vring_desc *desc = &q->q_desc[id];

	desc->addr = phys;
	desc->len = len;
	desc->flags = to_device ? 0 : VRING_DESC_F_WRITE;
	desc->next = 0;
	q->q_avail->ring[q->q_next % q->q_num] = (u16)id;
	q->q_next++;
	// The device reads the entry after it has read the index (§2.6.13.3).
	__atomic_store_n(&q->q_avail->idx, q->q_next, __ATOMIC_RELEASE);
}

void virtq_kick(struct virtio_dev *d, struct virtq *q)
{
	// Index before the flag's look: the device does it the other way round (§2.6.13.4).
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!(READ_ONCE(q->q_used->flags) & VRING_USED_F_NO_NOTIFY))
		reg_write(d, VIRTIO_MMIO_QUEUE_NOTIFY, q->q_index);
}

bool virtq_get(struct virtq *q, u32 *id, u32 *len)
{
	if (__atomic_load_n(&q->q_used->idx, __ATOMIC_ACQUIRE) == q->q_seen)
		return false;
	const struct vring_used_elem *e = &q->q_used->ring[q->q_seen % q->q_num];

	*id = READ_ONCE(e->id);
	*len = READ_ONCE(e->len);
	if (*id >= q->q_num)
		panic("virtio: the device returned buffer %u of %u", *id, q->q_num);
	q->q_seen++;
	return true;
}

void virtq_irq_off(struct virtq *q)
{
	WRITE_ONCE(q->q_avail->flags, VRING_AVAIL_F_NO_INTERRUPT);
}

bool virtq_irq_on(struct virtq *q)
{
	WRITE_ONCE(q->q_avail->flags, 0);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return virtq_pending(q);
}

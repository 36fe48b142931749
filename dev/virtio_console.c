// SPDX-License-Identifier: MIT
// Finds the console device and speaks its control protocol: DEVICE_READY, then for each PORT_ADD a
// PORT_READY, upon which the host tells the port's name and whether its own end is open. All of it
// runs in the interrupt handler; tasks wait for a name to appear. Locks: [C] c_lock (interrupts
// off), [I] immutable after vcon_init.

#include "dev/virtio_console.h"

#include "kern/log.h"
#include "kern/task.h"
#include "lib/cmdline.h"
#include "lib/num.h"
#include "lib/string.h"
#include "machine/irq.h"
#include "machine/pt.h"
#include "vm/page.h"
#include "vm/slab.h"

#include <asm/errno.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>

#define PORTS_MAX	16u
#define CTL_BUFFERS	32u
#define CTL_BUFFER_SIZE 128u // of a message from the host: the header and a name
#define PORT_QUEUE	32u

struct vcon {
	struct virtio_dev c_dev;
	struct spinlock c_lock;
	struct virtq c_ctl_rx, c_ctl_tx;	 // [C]
	u8 *c_rx_buf;				 // [I]
	struct virtio_console_control *c_tx_buf; // [I] CTL_BUFFERS of them
	u32 c_tx_first, c_tx_count;		 // [C] messages under way, a ring
	u32 c_nports;				 // [I]
	struct virtq c_rx[PORTS_MAX],
		c_tx[PORTS_MAX];	 // [I] the ports' queues, until the port has them
	struct vport *c_port[PORTS_MAX]; // [C] set once
	struct waitqueue c_wait;
};

static struct vcon *vcon;
static const char *watch_name = "";
static void (*watch_fn)(struct vport *p);

// Queue numbers (§5.3.2): port 0 has 0 and 1, the control queues are 2 and 3, then two for each
// port.
static u32 port_queue(u32 port)
{
	return port ? 2 * port + 2 : 0;
}

static void ctl_send_locked(struct vcon *c, u32 port, u16 event, u16 value)
{
	u32 id, len;

	while (virtq_get(&c->c_ctl_tx, &id, &len))
		c->c_tx_count--;
	if (c->c_tx_count == c->c_ctl_tx.q_num) {
		log_printf("virtio-console: control queue is full, event %u lost", event);
		return;
	}
	// The device takes them in order, so the next slot of the ring is a free one.
	id = c->c_tx_first++ % c->c_ctl_tx.q_num;
	c->c_tx_count++;
	c->c_tx_buf[id] = (struct virtio_console_control){port, event, value};
	virtq_put(&c->c_ctl_tx, id, virt_to_phys(&c->c_tx_buf[id]), sizeof(c->c_tx_buf[id]), true);
	virtq_kick(&c->c_dev, &c->c_ctl_tx);
}

static void ctl_send(struct vcon *c, u32 port, u16 event, u16 value)
{
	u64 irq = spin_lock_irq(&c->c_lock);

	ctl_send_locked(c, port, event, value);
	spin_unlock_irq(&c->c_lock, irq);
}

static struct vport *port_create(struct vcon *c, u32 id)
{
	struct vport *p = kzalloc(sizeof(*p));

	if (!p)
		return NULL;
	p->p_dev = &c->c_dev;
	p->p_id = id;
	p->p_rx = c->c_rx[id];
	p->p_tx = c->c_tx[id];
	p->p_tx_want = ~0u;
	spin_init(&p->p_lock, "vport", RANK_DEV);
	wait_init(&p->p_wait);
	mutex_init(&p->p_read_lock, "vport read", RANK_PIPE);
	mutex_init(&p->p_write_lock, "vport write", RANK_PIPE);
	return p;
}

// One message of `len` bytes. c_lock held; the port whose host end changed is told after it is
// released.
static void ctl_message_locked(struct vcon *c, const u8 *msg, u32 len, struct vport **changed,
			       bool *open)
{
	struct virtio_console_control m;

	if (len < sizeof(m))
		return;
	memcpy(&m, msg, sizeof(m));
	if (m.id >= c->c_nports)
		return;
	struct vport *p = c->c_port[m.id];
	if (m.event == VIRTIO_CONSOLE_PORT_ADD && !p) {
		p = c->c_port[m.id] = port_create(c, m.id);
		ctl_send_locked(c, m.id, VIRTIO_CONSOLE_PORT_READY, p != NULL);
	} else if (m.event == VIRTIO_CONSOLE_PORT_NAME && p && !p->p_name[0]) {
		u32 n = MIN(len - (u32)sizeof(m), VPORT_NAME_MAX - 1u);
		memcpy(p->p_name, msg + sizeof(m), n);
	} else if (m.event == VIRTIO_CONSOLE_PORT_OPEN && p) {
		*changed = p;
		*open = m.value;
	}
}

static bool ctl_receive(struct vcon *c)
{
	struct vport *changed = NULL;
	bool open = false;
	u32 id, len;

	spin_lock(&c->c_lock);
	bool any = virtq_get(&c->c_ctl_rx, &id, &len);
	if (any) {
		u8 *buf = c->c_rx_buf + id * CTL_BUFFER_SIZE;
		ctl_message_locked(c, buf, MIN(len, CTL_BUFFER_SIZE), &changed, &open);
		virtq_put(&c->c_ctl_rx, id, virt_to_phys(buf), CTL_BUFFER_SIZE, false);
		virtq_kick(&c->c_dev, &c->c_ctl_rx);
	}
	spin_unlock(&c->c_lock);
	if (changed)
		vport_set_host_open(changed, open);
	if (changed && open && str_eq(changed->p_name, watch_name))
		watch_fn(changed);
	return any;
}

static void vcon_interrupt(void *arg)
{
	struct vcon *c = arg;
	bool news = false;

	if (!virtio_ack(&c->c_dev))
		return;
	while (ctl_receive(c))
		news = true;
	for (u32 i = 0; i < c->c_nports; i++)
		if (c->c_port[i])
			vport_interrupt(c->c_port[i]);
	if (news)
		wait_wake_all(&c->c_wait);
}

static int queues_init(struct vcon *c)
{
	int r = 0;

	for (u32 i = 0; i < c->c_nports && !r; i++) {
		r = virtq_init(&c->c_dev, &c->c_rx[i], port_queue(i), PORT_QUEUE);
		if (!r)
			r = virtq_init(&c->c_dev, &c->c_tx[i], port_queue(i) + 1, PORT_QUEUE);
	}
	if (!r)
		r = virtq_init(&c->c_dev, &c->c_ctl_rx, 2, CTL_BUFFERS);
	if (!r)
		r = virtq_init(&c->c_dev, &c->c_ctl_tx, 3, CTL_BUFFERS);
	return r;
}

static int vcon_start(struct vcon *c)
{
	int r = virtio_negotiate(&c->c_dev, BIT(VIRTIO_CONSOLE_F_MULTIPORT));

	if (r)
		return r;
	if (!(c->c_dev.d_features & BIT(VIRTIO_CONSOLE_F_MULTIPORT)))
		return -ENODEV; // a plain console has no names
	c->c_nports = MIN(
		virtio_config32(&c->c_dev, offsetof(struct virtio_console_config, max_nr_ports)),
		PORTS_MAX);
	struct page *p = page_alloc_order(0, 0), *q = page_alloc_order(0, 0);
	if (!p || !q)
		return -ENOMEM;
	c->c_rx_buf = page_address(p);
	c->c_tx_buf = page_address(q);
	r = queues_init(c);
	if (r)
		return r;
	for (u32 i = 0; i < c->c_ctl_rx.q_num; i++)
		virtq_put(&c->c_ctl_rx, i, virt_to_phys(c->c_rx_buf + i * CTL_BUFFER_SIZE),
			  CTL_BUFFER_SIZE, false);
	virtq_irq_off(&c->c_ctl_tx); // its buffers are taken back when the next message goes out
	virtio_start(&c->c_dev);
	r = irq_enable_line(c->c_dev.d_line, vcon_interrupt, c);
	if (r)
		return r;
	virtq_kick(&c->c_dev, &c->c_ctl_rx);
	ctl_send(c, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
	return 0;
}

BUILD_ASSERT(CTL_BUFFERS *CTL_BUFFER_SIZE <= PAGE_SIZE);

// SIZE@ADDR:IRQ, optionally :ID after it.
static bool parse_device(const char *word, size_t len, u64 *size, u64 *addr, u32 *line)
{
	char text[64];
	u64 irq = 0;

	if (len >= sizeof(text))
		return false;
	memcpy(text, word, len);
	text[len] = '\0';
	char *at = strchr(text, '@'), *colon = at ? strchr(at, ':') : NULL;
	if (!colon)
		return false;
	*at = *colon = '\0';
	char *end = strchr(colon + 1, ':');
	if (end)
		*end = '\0';
	if (num_parse_size(text, size) || num_parse_u64(at + 1, 0, addr) ||
	    num_parse_u64(colon + 1, 0, &irq))
		return false;
	*line = (u32)irq;
	return true;
}

static void device_add(u64 size, u64 addr, u32 line)
{
	struct virtio_dev dev;
	int r = virtio_probe(&dev, addr, size, line);

	if (r || dev.d_id != VIRTIO_ID_CONSOLE || vcon)
		return;
	struct vcon *c = kzalloc(sizeof(*c));
	if (!c)
		return;
	c->c_dev = dev;
	spin_init(&c->c_lock, "virtio-console", RANK_DEV);
	wait_init(&c->c_wait);
	vcon = c;
	r = vcon_start(c);
	if (r) {
		log_printf("virtio-console at %#llx: error %d", (unsigned long long)addr, r);
		vcon = NULL; // never freed: the device may still know its queues
	}
}

bool vcon_init(const char *cmdline)
{
	static const char key[] = "virtio_mmio.device";
	struct cmdline_iter it;
	struct cmdline_word w;

	cmdline_init(&it, cmdline);
	while (cmdline_next(&it, &w)) {
		u64 size, addr;
		u32 line;

		if (w.for_init || !w.value || w.key_len != sizeof(key) - 1 ||
		    memcmp(w.key, key, w.key_len))
			continue;
		if (parse_device(w.value, w.value_len, &size, &addr, &line))
			device_add(size, addr, line);
		else
			log_printf("virtio: %.*s is not SIZE@ADDR:IRQ", (int)w.value_len, w.value);
	}
	return vcon != NULL;
}

static struct vport *find_port(struct vcon *c, const char *name)
{
	struct vport *found = NULL;
	u64 irq = spin_lock_irq(&c->c_lock);

	for (u32 i = 0; i < c->c_nports; i++)
		if (c->c_port[i] && str_eq(c->c_port[i]->p_name, name))
			found = c->c_port[i];
	spin_unlock_irq(&c->c_lock, irq);
	return found;
}

int vcon_open(const char *name, u32 rx_buffers, u32 tx_size, u64 deadline, struct vport **out)
{
	struct vcon *c = vcon;
	struct vport *p = NULL;

	if (!c)
		return -ENODEV;
	(void)wait_event_until(&c->c_wait, (p = find_port(c, name)), TASK_UNINTERRUPTIBLE,
			       deadline);
	if (!p)
		return -ENODEV;
	*out = p;
	return vcon_adopt(p, rx_buffers, tx_size);
}

int vcon_adopt(struct vport *p, u32 rx_buffers, u32 tx_size)
{
	int r = vport_alloc(p, rx_buffers, tx_size);

	if (!r)
		ctl_send(vcon, p->p_id, VIRTIO_CONSOLE_PORT_OPEN, 1);
	return r;
}

void vcon_watch(const char *name, void (*fn)(struct vport *p))
{
	watch_name = name;
	watch_fn = fn;
}

void vcon_close(struct vport *p)
{
	ctl_send(vcon, p->p_id, VIRTIO_CONSOLE_PORT_OPEN, 0);
}

int vcon_wait_open(struct vport *p, u64 deadline)
{
	return wait_event_until(&p->p_wait, READ_ONCE(p->p_host_open), TASK_UNINTERRUPTIBLE,
				deadline);
}

void vcon_for_each(void (*fn)(struct vport *p, void *arg), void *arg)
{
	for (u32 i = 0; vcon && i < vcon->c_nports; i++)
		if (vcon->c_port[i] && (vcon->c_port[i]->p_tx_buf || vcon->c_port[i]->p_rx_buf))
			fn(vcon->c_port[i], arg);
}

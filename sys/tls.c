// SPDX-License-Identifier: MIT
// Thread-local storage: GDT descriptors (set_thread_area(2)) and segment bases (arch_prctl(2)).
// Only writable-or-not 32-bit data segments that are present get into the GDT (hazards 18, 19); an
// entry that is empty is not present.

#include "sys/tls.h"

#include "abi/layout.h"
#include "kern/task.h"
#include "lib/string.h"
#include "machine/context.h"
#include "machine/layout.h"
#include "machine/uaccess.h"
#include "sys_proto.h"

#include <asm/errno.h>
#include <asm/ldt.h>
#include <asm/prctl.h>

#define ENTRY_ANY	  ((u32)-1)
#define CONTENTS_DATA_MAX 1 // 0 data, 1 data that grows down; above: code

// Bits of a segment descriptor (SDM vol. 3, 3.4.5).
#define DESC_ACCESSED	 BIT(40) // set at once: the CPU need not write to the GDT
#define DESC_WRITABLE	 BIT(41)
#define DESC_EXPAND_DOWN BIT(42)
#define DESC_SEGMENT	 BIT(44) // not a system one
#define DESC_DPL3	 (BIT(45) | BIT(46))
#define DESC_PRESENT	 BIT(47)
#define DESC_AVAILABLE	 BIT(52)
#define DESC_32BIT	 BIT(54)
#define DESC_PAGES	 BIT(55)

BUILD_ASSERT(sizeof(struct user_desc) == 16);

// Linux's two ways to say "free this entry".
static bool desc_is_empty(const struct user_desc *d)
{
	if (d->base_addr || d->limit || d->contents || d->seg_32bit || d->limit_in_pages ||
	    d->useable)
		return false;
	return d->read_exec_only == d->seg_not_present;
}

static bool desc_is_ok(const struct user_desc *d)
{
	return desc_is_empty(d) ||
	       (d->seg_32bit && d->contents <= CONTENTS_DATA_MAX && !d->seg_not_present);
}

static u64 desc_encode(const struct user_desc *d)
{
	u64 limit = d->limit, base = d->base_addr, v;

	if (desc_is_empty(d))
		return 0;
	v = (limit & 0xffff) | (limit & 0xf0000) << 32;
	v |= (base & 0xffffff) << 16 | (base & 0xff000000) << 32;
	v |= DESC_ACCESSED | DESC_SEGMENT | DESC_DPL3 | DESC_PRESENT | DESC_32BIT;
	v |= d->read_exec_only ? 0 : DESC_WRITABLE;
	v |= d->contents ? DESC_EXPAND_DOWN : 0;
	v |= d->useable ? DESC_AVAILABLE : 0;
	v |= d->limit_in_pages ? DESC_PAGES : 0;
	return v;
}

// An empty entry reads as an empty, not present one, as Linux shows it.
static void desc_decode(struct user_desc *d, u32 entry, u64 v)
{
	memset(d, 0, sizeof(*d));
	d->entry_number = entry;
	d->base_addr = (u32)((v >> 16 & 0xffffff) | (v >> 32 & 0xff000000));
	d->limit = (u32)((v & 0xffff) | (v >> 32 & 0xf0000));
	d->seg_32bit = !!(v & DESC_32BIT);
	d->contents = !!(v & DESC_EXPAND_DOWN);
	d->read_exec_only = !(v & DESC_WRITABLE);
	d->limit_in_pages = !!(v & DESC_PAGES);
	d->seg_not_present = !(v & DESC_PRESENT);
	d->useable = !!(v & DESC_AVAILABLE);
}

static bool entry_slot(u32 entry, u32 *slot)
{
	*slot = entry - GDT_TLS_FIRST;
	return *slot < GDT_TLS_COUNT;
}

int tls_get_desc(uptr src, u32 *slot, u64 *desc)
{
	struct user_desc d;

	if (abi_copyin_user_desc(&d, src))
		return -EFAULT;
	if (!desc_is_ok(&d) || !entry_slot(d.entry_number, slot))
		return -EINVAL;
	*desc = desc_encode(&d);
	return 0;
}

// The first free entry: its number is told to the caller in the structure itself.
static int pick_entry(struct user_desc *d)
{
	const u64 *tls = current->t_context.x_tls;

	for (u32 i = 0; i < GDT_TLS_COUNT; i++) {
		if (!tls[i]) {
			d->entry_number = GDT_TLS_FIRST + i;
			return 0;
		}
	}
	return -ESRCH;
}

long sys_set_thread_area(uptr desc)
{
	struct user_desc d;
	u32 slot;
	int r;

	if (abi_copyin_user_desc(&d, desc))
		return -EFAULT;
	if (!desc_is_ok(&d))
		return -EINVAL;
	if (d.entry_number == ENTRY_ANY) {
		r = pick_entry(&d);
		if (!r)
			r = put_user_u32(uptr_add(desc, offsetof(struct user_desc, entry_number)),
					 d.entry_number);
		if (r)
			return r;
	}
	if (!entry_slot(d.entry_number, &slot))
		return -EINVAL;
	current->t_context.x_tls[slot] = desc_encode(&d);
	context_load_tls(current);
	return 0;
}

long sys_get_thread_area(uptr desc)
{
	struct user_desc d;
	u32 entry, slot;

	if (get_user_u32(&entry, uptr_add(desc, offsetof(struct user_desc, entry_number))))
		return -EFAULT;
	if (!entry_slot(entry, &slot))
		return -EINVAL;
	desc_decode(&d, entry, current->t_context.x_tls[slot]);
	return copyout(desc, &d, sizeof(d));
}

// --- bases ---

static long base_call(int code, u64 addr)
{
	switch (code) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (addr >= USER_END_64)
			return -EPERM;
		context_set_base(current, code == ARCH_SET_GS, addr);
		return 0;
	case ARCH_GET_FS:
	case ARCH_GET_GS:
		return put_user_u64(UPTR(addr), context_get_base(current, code == ARCH_GET_GS));
	default:
		return -EINVAL;
	}
}

// 32-bit code reaches its bases through descriptors only. CPUID is always allowed, and cannot be
// forbidden.
long sys_arch_prctl(int code, unsigned long addr)
{
	switch (code) {
	case ARCH_GET_CPUID:
		return 1;
	case ARCH_SET_CPUID:
		return -ENODEV;
	default:
		return abi_tls_is_desc() ? -EINVAL : base_call(code, addr);
	}
}

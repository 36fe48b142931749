// SPDX-License-Identifier: MIT
// Kernel stacks. A free stack stays mapped and waits on a list, because mapping one costs a
// page-table walk and unmapping one a flush on every CPU. The lowest words of each stack hold its
// note: the frames, and the link while it is free.
#include "kern/lock.h"
#include "kern/log.h"
#include "machine/cpu.h"
#include "machine/pt.h"
#include "vm/page.h"

#define KSTACK_PAGES (KSTACK_SIZE / PAGE_SIZE)
#define KSTACK_KEEP  64
#define KSTACK_MAGIC 0x6b737461636b3a29

struct kstack_note {
	u64 magic; // lost: the stack ran over
	u64 frames[KSTACK_PAGES];
	struct kstack_note *next;
};

static struct {
	struct spinlock lock;
	struct kstack_note *first;
	u32 count;
} kstacks = {.lock = SPINLOCK("kstacks", RANK_LEAF)};

// Takes a free stack when there are more than `keep`.
static struct kstack_note *kstack_pop(u32 keep)
{
	u64 irq = spin_lock_irq(&kstacks.lock);
	struct kstack_note *s = NULL;

	if (kstacks.count > keep) {
		s = kstacks.first;
		kstacks.first = s->next;
		kstacks.count--;
	}
	spin_unlock_irq(&kstacks.lock, irq);
	return s;
}

static void kstack_put_frames(const u64 *frames, u32 n)
{
	for (u32 i = 0; i < n; i++)
		page_put(phys_page(frames[i]));
}

u64 kstack_alloc(void)
{
	struct kstack_note *s = kstack_pop(0), note = {.magic = KSTACK_MAGIC};
	u32 n;

	if (s)
		return (u64)s;
	for (n = 0; n < KSTACK_PAGES; n++) {
		struct page *p = page_alloc(PAGE_MODEST);

		if (!p)
			break;
		note.frames[n] = page_phys(p);
	}
	if (n == KSTACK_PAGES)
		s = kmap_pages(note.frames, n);
	if (s)
		*s = note;
	else
		kstack_put_frames(note.frames, n);
	return (u64)s;
}

static void kstack_destroy(struct kstack_note *s)
{
	struct kstack_note note = *s;

	kunmap_pages(s, KSTACK_PAGES);
	kstack_put_frames(note.frames, KSTACK_PAGES);
}

void kstack_free(u64 stack)
{
	struct kstack_note *s = (struct kstack_note *)stack;
	u64 irq;

	ASSERT(s->magic == KSTACK_MAGIC);
	irq = spin_lock_irq(&kstacks.lock);
	s->next = kstacks.first;
	kstacks.first = s;
	kstacks.count++;
	spin_unlock_irq(&kstacks.lock, irq);
	// Two at a time, so that a burst freed with interrupts off goes away too. The flush needs
	// interrupts on.
	for (u32 i = 0; i < 2 && irq; i++) {
		s = kstack_pop(KSTACK_KEEP);
		if (s)
			kstack_destroy(s);
	}
}

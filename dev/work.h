// SPDX-License-Identifier: MIT
// Work that an interrupt handler leaves to a task: terminal input, frames of the control port. One
// kernel task runs it in order; a work item that is queued again while it runs, runs again.
#pragma once

#include "lib/list.h"
#include "lib/types.h"

struct work {
	struct list w_link;
	void (*w_fn)(struct work *w); // may sleep, though all other work then waits
	bool w_queued;
};

void work_init(struct work *w, void (*fn)(struct work *w));
void work_queue(struct work *w); // from anywhere, interrupts included
void work_start(void);		 // makes the task; until then work only gathers

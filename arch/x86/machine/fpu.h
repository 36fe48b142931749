// SPDX-License-Identifier: MIT
// The FPU inside arch/x86; portable code sees machine/context.h.
#pragma once

#include "lib/types.h"

void fpu_init_cpu(void);   // CR0, XCR0; sizes on the boot CPU
void fpu_init_cache(void); // after slab_init()
void *fpu_alloc(void);	   // an image in its initial state, or NULL
void fpu_set_init(void *image);
void fpu_free(void *image);
// live registers → image; only this image may be loaded next by this task
void fpu_switch_out(void *image);
void fpu_switch_in(const void *image);
struct task;
void context_refresh(struct task *t); // context.c

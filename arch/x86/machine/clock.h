// SPDX-License-Identifier: MIT
// The TSC as a clock: ns = (tsc * mult >> shift) + offset (mod 2^64), the same line that the vDSO
// data page describes.
#pragma once

#include "lib/types.h"

struct clock_params {
	u64 hz;	    // of the TSC; 0 until clock_init()
	u32 mult;   // the largest of 32 bits …
	u32 shift;  // … that a shift of at most 31 allows
	u64 offset; // two's complement: makes clock_ns() start at 0 when the kernel started
};

extern struct clock_params clock_params;

// First sample of the calibration: at the start, so that boot work and the window overlap.
void clock_sample_first(void);
// Programs the local APIC for clock_arm() on this CPU, after clock_init().
void clock_init_cpu(void);

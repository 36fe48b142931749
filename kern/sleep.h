// SPDX-License-Identifier: MIT
// nanosleep and clock_nanosleep, free of any ABI's layout.
#pragma once

#include "kern/time.h"
#include "lib/types.h"

// Writes what is left of an interrupted sleep, in the layout of the call that began it.
typedef int (*sleep_put_fn)(uptr dst, const struct ktime_spec *left);

// Can this clock be slept on? 0, -EINVAL (no such clock), -EOPNOTSUPP (a clock without alarms).
int sleep_check_clock(int clock);
// The clock was checked. 0; -EINVAL for a bad time; absolute: -ERESTARTNOHAND; relative:
// -ERESTART_RESTARTBLOCK after `put` (unless rem is null), or its error.
long kern_nanosleep(int clock, bool absolute, const struct ktime_spec *ts, uptr rem,
		    sleep_put_fn put);

// SPDX-License-Identifier: MIT
// `postern run`.
#pragma once

#include "host/options.h"

// The exit status; doesn't return for failures before the start, which end the process.
int run_main(const struct options *o);

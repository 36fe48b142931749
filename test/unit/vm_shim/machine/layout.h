// SPDX-License-Identifier: MIT
// The direct map of the host tests of vm/: an arena that the test maps at this address.
#pragma once

#include "arch/x86/machine/layout.h"

#undef DIRECT_BASE
#define DIRECT_BASE 0x200000000000

// SPDX-License-Identifier: MIT
// The debug build's oracles of the gate (hazards, section 2): what must hold at the first line of C
// after an entry, and before the return. The normal build compiles them to nothing.
#pragma once

#include "machine/regs.h"

#ifdef CONFIG_DEBUG
void gate_check_entry(const struct regs *regs);
void gate_check_exit(const struct regs *regs);
#else
static inline void gate_check_entry(const struct regs *regs)
{
	(void)regs;
}
static inline void gate_check_exit(const struct regs *regs)
{
	(void)regs;
}
#endif

// SPDX-License-Identifier: MIT
// The host's terminal, when it is the guest program's terminal.
#pragma once

#include <stdbool.h>

// True when stdin, stdout and stderr are one and the same terminal.
bool terminal_is_whole(void);

// True when this process may read from the terminal on stdin (or stdin is no terminal).
bool terminal_foreground(void);

void terminal_size(unsigned *rows, unsigned *cols);

// Raw mode, where every key goes to the guest. Restored at exit() and by deadly signals.
void terminal_raw(void);
void terminal_restore(void);

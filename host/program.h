// SPDX-License-Identifier: MIT
// Which file PROGRAM means, and whether it can run at all.
#pragma once

#include "host/root.h"

// The absolute guest path to execute; adds the file to the root when only the host has it. `path`
// is the program's PATH. Ends the launcher with 126 or 127 and one clear line when it can't run.
const char *program_resolve(struct root *r, const char *name, const char *guest_cwd,
			    const char *path);

// SPDX-License-Identifier: MIT
/*
 * What rows say about each other: no name, number or handler twice with two meanings, no number
 * without a row or a declared gap, no declared set unused.
 */
#pragma once

#include "tools/gen/table.h"

/* Reports through diag.h. */
void check_table(struct table *table);

// SPDX-License-Identifier: MIT
// What uname(2) says. The release is the Linux version whose behaviour programs may count on: C
// libraries refuse older ones.
#pragma once

#include "lib/types.h"

#define UTS_LEN 65 // bytes of each string with its NUL (__NEW_UTS_LEN + 1)

#define UTS_SYSNAME "Linux"
#define UTS_RELEASE "6.1.0-postern"
#define UTS_VERSION "#1 SMP"

// Copies the current name into buf.
void uts_hostname(char buf[UTS_LEN]);
void uts_domainname(char buf[UTS_LEN]);
// len < UTS_LEN; need not be NUL-terminated. 0, -EINVAL when too long. Privilege is the caller's
// question.
int uts_set_hostname(const char *name, size_t len);
int uts_set_domainname(const char *name, size_t len);

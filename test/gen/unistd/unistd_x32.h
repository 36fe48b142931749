/* SPDX-License-Identifier: MIT */
/* Five calls, numbered by nobody but the tests of the table generator. */
#define __NR_read    (__X32_SYSCALL_BIT + 0)
#define __NR_open    (__X32_SYSCALL_BIT + 1)
#define __NR_stat    (__X32_SYSCALL_BIT + 2)
#define __NR_pread64 (__X32_SYSCALL_BIT + 3)
#define __NR_execve  (__X32_SYSCALL_BIT + 512)

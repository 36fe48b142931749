// SPDX-License-Identifier: MIT
/*
 * The descriptors of the real table against the kernel's own headers: each call is found by its
 * number of each ABI, and every name of <asm/unistd_64.h> that the table has says the same number.
 * The implemented ones are printed as "# ABI NUMBER NAME HANDLER", which good_table.t compares with
 * coverage.txt. TAP.
 */
#include "syscall_info.h"
#include "syscall_numbers.h"

#include <asm/unistd_64.h>
#include <stdio.h>
#include <string.h>

static unsigned found_wrong(void)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < syscall_info_len; i++)
		for (int abi = 0; abi < INFO_ABIS; abi++) {
			int number = syscall_info[i].number[abi];

			if (number >= 0 && syscall_info_find((enum info_abi)abi,
							     (unsigned)number) != &syscall_info[i])
				wrong++;
		}
	return wrong;
}

static void print_implemented(void)
{
	for (int abi = 0; abi < INFO_ABIS; abi++)
		for (unsigned number = 0; number < 1024; number++) {
			const struct syscall_info *info = syscall_info_find((enum info_abi)abi,
									    number);

			if (info && info->implemented)
				printf("# %s %u %s %s\n", info_abi_name[abi], number, info->name,
				       info->handler);
		}
}

/* Every length names an argument of the same call that is not a pointer, or is one, as its kind
 * wants. */
static unsigned lengths_wrong(void)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < syscall_info_len; i++) {
		const struct syscall_info *info = &syscall_info[i];

		for (unsigned k = 0; k < info->arg_count; k++) {
			const struct syscall_arg *arg = &info->args[k];
			bool pointed = arg->length_kind == INFO_AT_ARG;

			if (arg->length_kind != INFO_IN_ARG && !pointed)
				continue;
			if (arg->length >= info->arg_count ||
			    (info->args[arg->length].direction != INFO_VALUE) != pointed)
				wrong++;
		}
	}
	return wrong;
}

int main(void)
{
	printf("%s 1 - every call is found by its numbers\n", found_wrong() ? "not ok" : "ok");
	printf("%s 2 - every length is an argument\n", lengths_wrong() ? "not ok" : "ok");
	printf("%s 3 - numbers are the header's\n",
	       X86_64_NR_set_mempolicy_home_node == __NR_set_mempolicy_home_node &&
			       I386_NR__llseek == 140 && X32_NR_execveat == 545
		       ? "ok"
		       : "not ok");
	print_implemented();
	puts("1..3");
	return 0;
}

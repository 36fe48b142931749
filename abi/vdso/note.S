// SPDX-License-Identifier: MIT
/*
 * The "Linux" note of all three images: the kernel version whose interface we follow (6.1.0). The C
 * library's start-up code compares it with the oldest kernel that it supports.
 */
	.section .note.Linux, "a", @note
	.balign	4
	.long	2f - 1f			/* name size, with its NUL */
	.long	4f - 3f			/* descriptor size */
	.long	0			/* type: version code */
1:	.asciz	"Linux"
2:	.balign	4
3:	.long	(6 << 16) | (1 << 8) | 0
4:	.balign	4

	.section .note.GNU-stack, "", @progbits

# SPDX-License-Identifier: MIT
# user/numbers.awk: makes <postern/numbers.h> from the generator's syscall_numbers.h, which has an
# enumerator X86_64_NR_name, I386_NR_name or X32_NR_name (without bit 30) a call.

BEGIN {
	print "/* SPDX-License-Identifier: MIT */"
	print "/*"
	print " * Generated from abi/syscalls.tbl; do not edit. POSTERN_NR_name is the number of a call in the"
	print " * ABI that is compiled for; it is undefined where that ABI lacks the call. The others are for"
	print " * calls by another entry: POSTERN_I386_NR_name for int $0x80 in 64-bit code."
	print " */"
	print "#pragma once\n"
	print "#define POSTERN_X32_BIT 0x40000000"
}

$1 ~ /^(X86_64|I386|X32)_NR_/ && $2 == "=" {
	abi = $1
	sub(/_NR_.*/, "", abi)
	name = substr($1, length(abi) + 5)
	number = $3
	sub(/,$/, "", number)
	if (!(abi in count))
		print ""
	list[abi, ++count[abi]] = name
	if (abi == "X32")
		number = "(POSTERN_X32_BIT + " number ")"
	printf "#define POSTERN_%s_NR_%s %s\n", abi, name, number
}

function own(abi, i)
{
	for (i = 1; i <= count[abi]; i++)
		printf "#define POSTERN_NR_%s POSTERN_%s_NR_%s\n", list[abi, i], abi, list[abi, i]
}

END {
	if (!count["X86_64"] || !count["I386"] || !count["X32"])
		exit 1
	print "\n#if defined(__i386__)"
	own("I386")
	print "#elif defined(__x86_64__) && defined(__ILP32__)"
	own("X32")
	print "#elif defined(__x86_64__)"
	own("X86_64")
	print "#endif"
}

#!/bin/sh
# SPDX-License-Identifier: MIT
# One C program, built static and static-PIE by gcc for x86-64, x32 and i386 and by musl-gcc: all run.
. test/programs/lib.sh

try() { # try NAME EXPECTED COMPILER…
	name=$1 want=$2
	shift 2
	if ! "$@" -O1 -o "$W/$name" test/programs/sizes.c 2> "$W/cc"; then
		skip "cannot build: $(head -n 1 "$W/cc")" "$name"
		return
	fi
	guest -- "$W/$name"
	expect 0 "$want now alive
" "$name"
}

try gcc-x86_64 '8 8' gcc -m64 -static
try gcc-x32 '4 4' gcc -mx32 -static
try gcc-i386 '4 4' gcc -m32 -static
try gcc-x86_64-pie '8 8' gcc -m64 -static-pie
try gcc-x32-pie '4 4' gcc -mx32 -static-pie
try gcc-i386-pie '4 4' gcc -m32 -static-pie
try musl-x86_64 '8 8' musl-gcc -static
done_testing

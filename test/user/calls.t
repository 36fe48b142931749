#!/bin/sh
# SPDX-License-Identifier: MIT
# The headers alone: C11, C17, C++11 and C++20, both compilers, three ABIs, without a C library's
# headers; their numbers against the installed ones; and what a raw call compiles to. TAP.

BUILD=${BUILD:-build}
W=$(mktemp -d) || exit 1
trap 'rm -rf "$W"' EXIT
N=0
I="-Iuser/include -I$BUILD/user/include"

ok() { # ok STATUS NAME
	N=$((N + 1))
	if [ "$1" -eq 0 ]; then echo "ok $N - $2"; else echo "not ok $N - $2"; fi
}
skip() {
	N=$((N + 1))
	echo "ok $N # skip $1"
}
have() { command -v "$1" > /dev/null; }

# Each header alone and twice; all together, so that no two clash.
for header in user/include/postern/*.h "$BUILD"/user/include/postern/numbers.h; do
	name=postern/$(basename "$header")
	printf '#include <%s>\n#include <%s>\nextern int unit;\n' "$name" "$name" > "$W/$(basename "$header" .h).c"
done
printf '#include <postern/%s.h>\n' start clock vdso elf auxv syscall numbers > "$W/all.c"
printf '#include <%s.h>\n' elf link errno sys/auxv sys/syscall linux/errno postern/start \
	postern/clock > "$W/libc.c"

for compiler in gcc clang; do
	if ! have $compiler; then
		skip "no $compiler"
		continue
	fi
	for mode in 64 x32 32; do
		wrong=0
		for flags in '-std=c11 -O0' '-std=c17 -O2'; do
			for file in "$W"/*.c; do
				# Only one has the C library's headers.
				libc='-nostdinc -isystem '$($compiler -print-file-name=include)
				[ "$file" = "$W/libc.c" ] && libc=-I/usr/include/x86_64-linux-gnu
				$compiler -m$mode $flags -Wall -Wextra -Wpedantic -Werror \
					-Wstrict-prototypes -ffreestanding $libc $I -c "$file" -o "$W/o" || wrong=1
			done
		done
		ok $wrong "$compiler -m$mode: each header alone and all together, C11 and C17"
	done
done

for compiler in g++ clang++; do
	if ! have $compiler; then
		skip "no $compiler"
		continue
	fi
	for mode in 64 x32 32; do
		wrong=0
		for std in c++11 c++20; do
			for file in "$W"/*.c; do
				[ "$file" = "$W/libc.c" ] && continue
				$compiler -x c++ -m$mode -std=$std -O2 -Wall -Wextra -Wpedantic -Werror \
					-ffreestanding -nostdinc -isystem "$($compiler -print-file-name=include)" \
					$I -c "$file" -o "$W/o" || wrong=1
			done
		done
		ok $wrong "$compiler -m$mode: the same as C++11 and C++20"
	done
done

# Every entry with every count of arguments, without optimisation and as position-independent code.
{
	echo '#include <postern/syscall.h>'
	echo 'postern_word all(postern_word a); postern_word all(postern_word a) { postern_word r = 0;'
	echo '#ifdef POSTERN_ABI_I386'
	for f in postern_int80_ postern_sysenter_ postern_syscall32_ 'postern_vsyscall_' postern_call; do
		args=a
		[ $f = postern_vsyscall_ ] && args='4096, a'
		for n in 0 1 2 3 4 5 6; do
			echo "r += $f$n($args);"
			args="$args, a + $n"
		done
	done
	echo '#else'
	for f in postern_int80_ postern_syscall postern_call; do
		args=a
		for n in 0 1 2 3 4 5 6; do
			echo "r += $f$n($args);"
			args="$args, a + $n"
		done
	done
	echo '#endif'
	echo 'return r; }'
} > "$W/every.c"
for compiler in gcc clang; do
	have $compiler || continue
	wrong=0
	for mode in 64 x32 32; do
		for flags in -O0 -O2 '-O2 -fPIC' '-O1 -fno-omit-frame-pointer' -Os; do
			$compiler -m$mode -std=c11 $flags -Wall -Wextra -Werror $I -c "$W/every.c" -o "$W/o" ||
				wrong=1
		done
	done
	ok $wrong "$compiler: every entry with 0 to 6 arguments, -O0 to -O2, PIC, frame pointer"
done

# Numbers: as in the installed headers.
for pair in X86_64:64 I386:32 X32:x32; do
	abi=${pair%:*} file=/usr/include/x86_64-linux-gnu/asm/unistd_${pair#*:}.h
	sed -n 's/^#define __NR_\([a-z0-9_]*\) (*\(__X32_SYSCALL_BIT + \)*\([0-9]*\))*$/\1 \3/p' "$file" |
		sort > "$W/installed"
	sed -n "s/^#define POSTERN_${abi}_NR_\([a-z0-9_]*\) (*\(POSTERN_X32_BIT + \)*\([0-9]*\))*\$/\1 \3/p" \
		"$BUILD/user/include/postern/numbers.h" | sort > "$W/ours"
	[ "$(wc -l < "$W/ours")" -gt 300 ] && [ -z "$(comm -23 "$W/installed" "$W/ours")" ]
	ok $? "numbers.h: $abi has the numbers of $file"
done

# A raw call: moves, one instruction, return. Saved registers may be pushed around it on i386.
for compiler in gcc clang; do
	have $compiler || continue
	for mode in 64 x32 32; do
		$compiler -m$mode -std=c11 -O2 -fomit-frame-pointer -fcf-protection=none $I \
			-c test/user/raw_calls.c -o "$W/raw.o" || exit 1
		objdump -d --no-show-raw-insn "$W/raw.o" | awk -v i386=$([ $mode = 32 ] && echo 1) '
			/>:$/ { name = $2; functions++; entries = moves = ended = 0; next }
			!/^ / || ended { next }
			{ op = $2 }
			op == "syscall" || op == "int" { if (++entries > 1) bad = 1; next }
			op == "mov" || op == "xor" { if (++moves > (i386 ? 6 : 2) || /\(/) bad = 1; next }
			i386 && (op == "push" || op == "pop") { next }
			op == "ret" || op == "retq" { ended = 1; if (entries != 1) bad = 1; next }
			{ print "# " name " " $0; bad = 1 }
			END { exit bad || functions < 3 }'
		ok $? "$compiler -m$mode: a raw call is its instruction and register moves"
	done
done

echo "1..$N"

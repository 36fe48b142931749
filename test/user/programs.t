#!/bin/sh
# SPDX-License-Identifier: MIT
# Programs on the header library, natively and in Postern: the library against the C library, the
# smallest "hello", postern-gates. TAP.

BUILD=${BUILD:-build}
POSTERN=${POSTERN:-$BUILD/postern}
U=$(realpath "$BUILD/user")
W=$(mktemp -d) || exit 1
trap 'rm -rf "$W"' EXIT
N=0

ok() {
	N=$((N + 1))
	if [ "$1" -eq 0 ]; then echo "ok $N - $2"; else echo "not ok $N - $2"; fi
}

# run WHERE PROGRAM ARGS…: natively, or in Postern.
run() {
	where=$1
	shift
	if [ "$where" = host ]; then
		timeout 60 "$@"
	else
		timeout 120 "$POSTERN" run --accel tcg -- "$@"
	fi
}
runs() { "$@" > /dev/null 2>&1; [ $? -lt 126 ]; }

for abi in x86_64 i386 x32; do
	size=$(stat -c %s "$U/hello-$abi")
	[ "$size" -le 300 ]
	ok $? "hello-$abi has $size bytes"
	for where in host postern; do
		if [ $where = host ] && ! runs "$U/hello-$abi"; then
			N=$((N + 1))
			echo "ok $N # skip the host does not run $abi"
			continue
		fi
		[ "$(run $where "$U/hello-$abi")" = hello ]
		ok $? "hello-$abi on $where"

		run $where "$U/library-test-$abi" > "$W/tap" 2> "$W/err"
		status=$?
		grep '^not ok' "$W/tap" | sed 's/^/# /'
		sed 's/^/# /' "$W/err"
		count=$(grep -c '^ok .* - ' "$W/tap")
		[ $status = 0 ] && [ "$count" -ge 70 ] && grep -q '^1\.\.' "$W/tap"
		ok $? "the library against the C library, $abi on $where: $count checks"

		run $where "$U/postern-gates-$abi" --rows --quick > "$W/rows"
		status=$?
		[ $status = 0 ] && awk -F'\t' -v abi="$abi" '
			$1 != "@gate" || $2 != abi { bad = 1 }
			$5 == "ok" {
				good++
				if (NF != 11 || !($6 > 0) || !($7 <= $6 && $6 <= $8) || !($10 <= $9 && $9 <= $11))
					bad = 1
			}
			$5 != "ok" && $5 !~ /^(SIG[A-Z]+|ENOSYS)$/ { print "# " $0; bad = 1 }
			$3 == "vdso" && $5 != "ok" { bad = 1 }
			END { exit bad || good < 4 }' "$W/rows"
		ok $? "postern-gates-$abi on $where: figures, and named refusals"
		[ $where = host ] || [ "$abi" = x86_64 ] || ! grep -vq '	ok	' "$W/rows"
		ok $? "postern-gates-$abi on $where: Postern refuses nothing of $abi"
	done
done
"$U/postern-gates-x86_64" --nonsense > /dev/null
[ $? = 2 ]
ok $? "postern-gates with a wrong option: status 2"
"$U/postern-gates-x86_64" | grep -q '^vdso .* cyc .* ns '
ok $? "postern-gates prints a table"

# The matrix and its picture, from rows made up here.
{
	printf 'native\tx86_64\tsyscall\tgetppid\tok\t200\t190\t210\t80.0\t76.0\t84.0\n'
	printf 'postern\tx86_64\tsyscall\tgetppid\tok\t400\t390\t410\t160.0\t150.0\t170.0\n'
	printf 'native\tx86_64\tsysenter\tgetppid\tSIGILL\nnative\tx32\tall\tall\tENOEXEC\n'
	printf 'postern\tx32\tsyscall\tgetppid\tok\t400\t390\t410\t1600.0\t150.0\t170.0\n'
} > "$W/data"
awk -F'\t' -f bench/gates.awk "$W/data" > "$W/table"
grep -q '^x86_64  syscall .* 80.0 ±  5.0%  *-  *160.0 ±' "$W/table" &&
	grep -q '^x32 .* refused: ENOEXEC  *-  *1600.0 ±' "$W/table" && grep -q 'refused: SIGILL' "$W/table"
ok $? 'the matrix as a table'
awk -F'\t' -f bench/gates-svg.awk "$W/data" > "$W/svg" &&
	perl -ne 'while (/<(\/?)(\w+)[^>]*?(\/?)>/g) { $d += $1 ? -1 : $3 ? 0 : 1 } END { exit $d != 0 }' "$W/svg" &&
	[ "$(grep -c '<rect x="250" .* class="\(native\|postern\)"' "$W/svg")" = 4 ] &&
	grep -q '>refused: SIGILL<' "$W/svg" && grep -q '>1.6 µs<' "$W/svg" &&
	grep -q 'prefers-color-scheme: dark' "$W/svg"
ok $? 'the matrix as a picture'

# What is installed is enough to compile and to find the flags.
make --no-print-directory BUILD="$BUILD" DESTDIR="$W/root" PREFIX=/opt/p user-install > "$W/install" 2>&1
printf '#include <postern/start.h>\nint postern_main(int c, char **v, char **e, const struct postern_auxv *a)\n{ return c + !v + !e + !a; }\n' > "$W/a.c"
gcc $(sed -n "s|^Cflags: -I..prefix.|-I$W/root/opt/p|p" "$W/root/opt/p/share/pkgconfig/postern.pc") -std=c11 \
	-ffreestanding -fno-stack-protector -nostdlib -static -o "$W/a" "$W/a.c" && "$W/a"
[ $? = 1 ]
ok $? "user-install: headers, pkg-config file"
[ "$("$W/root/opt/p/bin/postern-gates" --help | head -c 6)" = usage: ]
ok $? "user-install: postern-gates"
echo "1..$N"

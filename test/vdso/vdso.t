#!/bin/sh
# SPDX-License-Identifier: MIT
# The vDSO images in $BUILD/vdso on the host: what binutils sees in them, what tools/vdso2c refuses,
# and their functions, run natively (x32 too, where the host's kernel knows it). TAP; run by prove
# from the root of the checkout.

BUILD=${BUILD:-build}
CC=${CC:-cc}
W=$(mktemp -d) || exit 1
trap 'rm -rf "$W"' EXIT
N=0

ok() { # ok STATUS NAME
	N=$((N + 1))
	if [ "$1" -eq 0 ]; then echo "ok $N - $2"; else echo "not ok $N - $2"; fi
}

program() { # program MODE NAME SOURCES…
	mode=$1 name=$2
	shift 2
	$CC "$mode" -no-pie -std=gnu11 -D_GNU_SOURCE -O1 -Wall -Wextra -Werror -I. -pthread "$@" \
		-o "$W/$name"
}

run() { # run TITLE COMMAND…: its TAP lines, numbered on
	title=$1
	shift
	timeout 60 "$@" > "$W/tap" 2>&1
	status=$?
	sed -n "s/^\(ok\|not ok\) [0-9]* - /\1 - $title: /p" "$W/tap" > "$W/lines"
	while read -r line; do
		N=$((N + 1))
		echo "$line" | sed "s/^\(not ok\|ok\) -/\1 $N -/"
	done < "$W/lines"
	grep -q '^1\.\.' "$W/tap" && [ "$status" -le 1 ]
	ok $? "$title: ran to its end"
}

versions() { # versions IMAGE: "version:name" of every defined dynamic function
	readelf -W --dyn-syms "$1" | awk '$7 != "UND" && $4 == "FUNC" { print $8 }' |
		sed 's/\(.*\)@@\(.*\)/\2:\1/' | LC_ALL=C sort
}

wanted() { # wanted VERSION NAME…
	version=$1
	shift
	printf "$version:%s\n" "$@"
}

names() {
	wanted LINUX_2.6 __vdso_clock_getres __vdso_clock_gettime __vdso_getcpu \
		__vdso_gettimeofday __vdso_time
	case $1 in
	x86_64) wanted LINUX_2.6 clock_getres clock_gettime getcpu gettimeofday time ;;
	i386)
		wanted LINUX_2.6 __vdso_clock_gettime64
		wanted LINUX_2.5 __kernel_rt_sigreturn __kernel_sigreturn __kernel_vsyscall
		;;
	esac
}

for abi in x86_64 x32 i386; do
	image=$BUILD/vdso/$abi.so
	[ -s "$image" ]
	ok $? "$abi: the image is built"
	[ "$(versions "$image")" = "$(names "$abi" | LC_ALL=C sort)" ]
	ok $? "$abi: exactly Linux's names and versions"
	! readelf -Wr "$image" | grep -q R_
	ok $? "$abi: no relocations"
	[ -z "$(nm -u "$BUILD/vdso/$abi.so.dbg")" ]
	ok $? "$abi: no undefined symbols"
	[ "$(readelf -lW "$image" | grep -c LOAD)" = 1 ] &&
		readelf -lW "$image" | grep -q 'LOAD .* R E '
	ok $? "$abi: one segment, read and execute"
	[ "$(stat -c %s "$image")" -le 4096 ]
	ok $? "$abi: fits one page"
	! objdump -d "$image" | grep -qE '\*ABS\*|@plt'
	ok $? "$abi: no calls through a PLT"
done

refuse() { # vdso2c on one image; its message goes to $W/message
	"$BUILD/tools/vdso2c" "$W/out.h" "$W/out.S" "$1" 2> "$W/message"
}

echo 'int data = 1; int *f(void) { return &data; }' > "$W/bad.c"
echo 'int other(void); int f(void) { return other(); }' > "$W/undefined.c"
for kind in bad undefined; do
	$CC -m64 -fPIC -shared -nostdlib "$W/$kind.c" -o "$W/$kind.so"
	! refuse "x86_64=$W/$kind.so:$W/$kind.so"
	ok $? "vdso2c refuses an image: $(sed "s|$W/||" "$W/message")"
done
! refuse "i386=$BUILD/vdso/x32.so.dbg:$BUILD/vdso/x32.so"
ok $? "vdso2c refuses the wrong class: $(sed 's|.*/||' "$W/message")"
head -c 200 "$BUILD/vdso/x86_64.so" > "$W/short.so"
! refuse "x86_64=$W/short.so:$W/short.so"
ok $? "vdso2c refuses a truncated image"

for pair in -m64:x86_64 -mx32:x32 -m32:i386; do
	mode=${pair%%:*} abi=${pair#*:}
	program "$mode" image_test test/vdso/vdso_test.c test/vdso/entry32_test.c &&
		program "$mode" live_test test/vdso/live_test.c
	ok $? "$abi: the test programs compile"
	"$W/live_test" > /dev/null 2>&1
	if [ $? -ge 126 ] && [ "$abi" = x32 ]; then
		N=$((N + 1))
		echo "ok $N # SKIP x32: this host's kernel cannot run it"
		continue
	fi
	run "$abi image" "$W/image_test" "$BUILD/vdso/$abi.so"
	run "$abi host" "$W/live_test"
done
echo "1..$N"

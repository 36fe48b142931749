#!/bin/sh
# SPDX-License-Identifier: MIT
# The launcher under ASan and UBSan, by gcc and by clang: look-ups of calls, good and bad, and the
# probes. TAP; run by prove from the root of the checkout.
BUILD=${BUILD:-build}
W=$(mktemp -d) || exit 1
trap 'rm -rf "$W"' EXIT
N=0
ok() { N=$((N + 1)); if [ "$1" = 0 ]; then echo "ok $N - $2"; else echo "not ok $N - $2"; fi; }

for cc in gcc clang; do
	command -v $cc > /dev/null || { N=$((N + 1)); echo "ok $N # SKIP no $cc"; continue; }
	$cc -std=gnu11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror -I. -I"$BUILD/gen" -fsanitize=address,undefined \
		-fno-sanitize-recover=all -DPOSTERN_VERSION='"test"' host/*.c lib/cpio.c lib/inflate.c lib/crc32.c \
		"$BUILD/gen/syscall_info.c" "$BUILD/gen/handlers.c" -o "$W/$cc" 2> "$W/log"
	ok $? "$cc builds it"
	for args in openat 'i386 5' --json '--missing --json' '--abi x32 --json' nosuch a "$(printf '%0600d' 7)" \
		"$(printf 'x%.0s' $(seq 300))" clock_gettimeofdays 0x40000000 0x3fffffff 65535 65536 -- --; do
		# shellcheck disable=SC2086 # words
		"$W/$cc" abi $args > "$W/out" 2> "$W/err"
		status=$?
		[ $status -le 1 ] && ! grep -q -e ERROR -e 'runtime error' "$W/err"
		ok $? "$cc: abi $(printf '%.30s' "$args")"
	done
	i=0
	while [ $i -lt 60 ]; do # names with a letter changed
		head -c 6 /dev/urandom | base64 | tr -d '=/+'
		i=$((i + 1))
	done > "$W/words"
	xargs "$W/$cc" abi < "$W/words" > "$W/out" 2> "$W/err"
	! grep -q -e ERROR -e 'runtime error' "$W/err" && [ "$(grep -c 'did you mean\|number of no' "$W/err")" = 60 ]
	ok $? "$cc: 60 words that are no names"
done
echo "1..$N"

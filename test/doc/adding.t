#!/bin/bash
# SPDX-License-Identifier: MIT
# The worked example of doc/adding-a-system-call.md: its test fails before the change and passes
# after it, in a guest, in all three ABIs, and on this host's Linux. Everything happens in a copy of
# the tree. TAP; run by prove from the root of the checkout.
MAIN=$(realpath "${BUILD:-build}")
unset BUILD # or make would build the copy into the checkout's own directory
HERE=$PWD
unset MAKEFLAGS MAKELEVEL
CALL=sync_file_range
W=$(mktemp -d) || exit 1
trap 'rm -rf "$W"' EXIT
N=0
ok() {
	N=$((N + 1))
	if [ "$1" = 0 ]; then echo "ok $N - $2"; else echo "not ok $N - $2"; failed=1; fi
}
give_up() { sed 's/^/# /' "$W/log" | tail -20; echo "1..$N"; exit 1; }

sed -n '/^```diff$/,/^```$/p' doc/adding-a-system-call.md | grep -v '^```' > "$W/example.diff"
[ "$(grep -c '^+++ b/' "$W/example.diff")" = 3 ]
ok $? 'the page has a change of three files'

mkdir "$W/tree"
tar -c --exclude='./build*' --exclude=./.git . | tar -x -C "$W/tree"
cd "$W/tree" || exit 1
# Once the tree itself has the call, the example begins by taking it out again.
adopted=0
if ! grep -q "^$CALL .* enosys " abi/syscalls.tbl; then
	adopted=1
	patch -s -p1 -R < "$W/example.diff" > "$W/log" 2>&1
	ok $? 'the tree has the call: the change can be taken back' && [ -z "$failed" ] || give_up
fi

# The frame of the guest tests is there already; only the new file is compiled.
build_test() { # ABI FLAGS...
	local abi=$1 objects
	shift
	[ -e "$MAIN/guest/$abi/test.o" ] ||
		make --no-print-directory -C "$HERE" BUILD="$MAIN" "$MAIN/guest/guest-tests-$abi" > "$W/log" 2>&1 || return
	objects=$(find "$MAIN/guest/$abi" -name '*.o' ! -name sync_range.o)
	# shellcheck disable=SC2086 # a list
	gcc "$@" -std=gnu11 -D_GNU_SOURCE -O2 -fno-pie -Wall -Wextra -Werror -I. -static -no-pie -pthread \
		-o "$W/test-$abi" test/guest/sync_range.c $objects > "$W/log" 2>&1
}
run_test() { "$1" run --accel tcg --timeout 60 -E GUEST_ON=postern -w / -- "$W/test-$2" $CALL > "$W/log" 2>&1; }

if [ $adopted = 0 ]; then
	(mkdir "$W/before" && cp -a . "$W/before" && cd "$W/before" && patch -s -p1 < "$W/example.diff" &&
		cp test/guest/sync_range.c "$W/tree/test/guest/") > "$W/log" 2>&1
	build_test x86_64 -m64 && ! run_test "$MAIN/postern" x86_64 && grep -q ENOSYS "$W/log"
	ok $? 'before the change, the test fails with ENOSYS'
	rm -rf "$W/before" test/guest/sync_range.c
fi

patch -s -p1 --no-backup-if-mismatch < "$W/example.diff" > "$W/log" 2>&1
ok $? 'the change applies'
[ -z "$failed" ] || give_up
make --no-print-directory -j2 all > "$W/log" 2>&1
ok $? 'it builds'
[ -z "$failed" ] || give_up
if command -v clang-format > /dev/null; then
	clang-format --dry-run -Werror sys/file.c test/guest/sync_range.c > "$W/log" 2>&1
	ok $? 'in the house format'
fi

for abi in 'x86_64 -m64' 'i386 -m32 -msse2' 'x32 -mx32'; do
	# shellcheck disable=SC2086 # words
	build_test $abi && run_test build/postern "${abi%% *}" && grep -q "^ok 1 - .*$CALL" "$W/log"
	ok $? "it works in a guest, ${abi%% *}"
done
for abi in x86_64 i386; do
	GUEST_ON=native "$W/test-$abi" $CALL > "$W/log" 2>&1
	status=$?
	if [ $status = 126 ]; then N=$((N + 1)); echo "ok $N # SKIP this host runs no $abi programs"; continue; fi
	ok $status "and Linux agrees, $abi"
done
build/postern abi $CALL | grep -q "implemented: sys_$CALL, sys/file.c:[0-9]"
ok $? 'postern abi knows its handler'
! build/postern abi --missing | grep -q "^$CALL "
ok $? 'and it is no longer missing'
echo "1..$N"

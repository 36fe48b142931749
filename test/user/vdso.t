#!/bin/sh
# SPDX-License-Identifier: MIT
# The vDSO parser: bad images under ASan and UBSan in both classes, a short fuzzing run, and the
# look-up's speed on the host. TAP. FUZZ_RUNS may say how many inputs (100000).

BUILD=${BUILD:-build}
W=$(mktemp -d) || exit 1
trap 'rm -rf "$W"' EXIT
N=0

ok() {
	N=$((N + 1))
	if [ "$1" -eq 0 ]; then echo "ok $N - $2"; else echo "not ok $N - $2"; fi
}

for mode in 64:x86_64 32:i386; do
	bits=${mode%:*}
	gcc -m"$bits" -std=c11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror -I. -Iuser/include \
		-I"$BUILD/user/include" -fsanitize=address,undefined -fno-sanitize-recover=all \
		test/user/vdso_bad_test.c -o "$W/bad" || exit 1
	timeout 120 "$W/bad" "$BUILD/vdso/${mode#*:}.so" > "$W/tap" 2> "$W/err"
	status=$?
	grep '^not ok' "$W/tap" | sed 's/^/# /'
	sed 's/^/# /' "$W/err" | head -n 20
	grep -q '^1\.\.' "$W/tap" && [ "$(grep -c '^ok' "$W/tap")" -ge 50 ] && [ $status = 0 ]
	ok $? "bad images, $bits bits: $(grep -c '^ok' "$W/tap") checks under ASan and UBSan"
done

if command -v clang > /dev/null && echo 'int LLVMFuzzerTestOneInput(void);
	int LLVMFuzzerTestOneInput(void) { return 0; }' |
	clang -x c -fsanitize=fuzzer,address - -o "$W/probe" 2> /dev/null; then
	test/user/fuzz-vdso "${FUZZ_RUNS:-100000}" > "$W/fuzz"
	status=$?
	sed 's/^/# /' "$W/fuzz"
	ok $status "fuzzing of the parser, both classes"
else
	N=$((N + 1))
	echo "ok $N # skip no clang with libFuzzer"
fi

for abi in x86_64 i386; do
	line=$("$BUILD/user/library-test-$abi" speed)
	ok $? "$abi: all look-ups within 5 us on the host ($line)"
done
echo "1..$N"

#!/bin/sh
# SPDX-License-Identifier: MIT
# The launcher on a terminal: builds and runs test/host/terminal_test.c.
BUILD=${BUILD:-build}
POSTERN=$(realpath "${POSTERN:-$BUILD/postern}")
W=$(mktemp -d) || exit 1
trap 'rm -rf "$W"' EXIT
${CC:-cc} -O1 -o "$W/fakeqemu" test/host/fakeqemu.c || exit 1
${CC:-cc} -O1 -D_GNU_SOURCE -o "$W/terminal_test" test/host/terminal_test.c || exit 1
: > "$W/kernel"
timeout 120 "$W/terminal_test" "$POSTERN" "$W/fakeqemu" "$W/kernel"

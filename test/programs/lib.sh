# SPDX-License-Identifier: MIT
# What the tests with whole programs share: a working folder, TAP, the launcher. Sourced from the root of
# the checkout.
BUILD=${BUILD:-build}
CC=${CC:-gcc}
POSTERN=$(realpath "${POSTERN:-$BUILD/postern}")
TOP=$PWD
KERNEL=${GUEST_KERNEL:+--kernel $GUEST_KERNEL} # another one than the launcher's own
W=$(mktemp -d) || exit 1
trap 'rm -rf "$W"' EXIT
N=0

ok() { # ok STATUS NAME
	N=$((N + 1))
	if [ "$1" = 0 ]; then echo "ok $N - $2"; else echo "not ok $N - $2"; fi
}

skip() { # skip REASON NAME
	N=$((N + 1))
	echo "ok $N - $2 # SKIP $1"
}

done_testing() { echo "1..$N"; }

# guest ARGS…: the launcher; leaves out, err and status in the working folder.
guest() {
	timeout 180 "$POSTERN" run $KERNEL --accel tcg --timeout 150 "$@" > "$W/out" 2> "$W/err"
	status=$?
}

# same FILE FILE: equal, or the differences as a comment.
same() {
	cmp -s "$1" "$2" && return 0
	diff "$1" "$2" | head -n 20 | sed 's/^/# /'
	return 1
}

# expect STATUS OUTPUT NAME: after guest.
expect() {
	printf '%s' "$2" > "$W/expected"
	good=0
	[ "$status" = "$1" ] || good=1
	same "$W/expected" "$W/out" || good=1
	ok $good "$3"
	[ $good = 0 ] || { echo "# status $status, expected $1"; sed 's/^/# /' "$W/err" | head -n 20; }
}

#!/bin/sh
# SPDX-License-Identifier: MIT
# A shell session (session.sh) under Debian's busybox sh and bash-static: the same output and status in
# Postern as on this host, on one CPU and on two.
. test/programs/lib.sh

for shell in '/bin/busybox sh' /bin/bash-static; do
	if [ ! -x "${shell%% *}" ]; then
		skip "no ${shell%% *} here" "session under $shell"
		continue
	fi
	mkdir "$W/here"
	# shellcheck disable=SC2086
	env -i PATH=/bin HOME=/ $shell "$TOP/test/programs/session.sh" "$W/here" > "$W/host" 2>&1
	host=$?
	rm -rf "$W/here"
	for cpus in 1 2; do
		# shellcheck disable=SC2086
		guest --cpus $cpus -E PATH=/bin -E HOME=/ --add "$TOP/test/programs/session.sh:/session.sh" -w / \
			-- $shell -c 'mkdir -p /tmp/here 2>/dev/null || /bin/busybox mkdir -p /tmp/here
				exec 2>&1; . /session.sh' session /tmp/here
		[ $status = $host ] && same "$W/host" "$W/out"
		ok $? "$shell, $cpus CPUs: the host's output and status"
	done
done
done_testing

#!/bin/sh
# SPDX-License-Identifier: MIT
# Debian's busybox for i386 runs its shell, in Postern as on this host where it can.
. test/programs/lib.sh

if ! busybox=$(test/programs/fetch-busybox32 2> "$W/err"); then
	sed 's/^/# /' "$W/err"
	skip 'busybox-static:i386 cannot be had' 'busybox of i386'
	done_testing
	exit 0
fi
busybox=$(realpath "$busybox")
sed "s,^B=.*,B=/bin/busybox32," test/programs/session.sh > "$W/session.sh"
guest --add "$busybox:/bin/busybox32" -w / -- /bin/busybox32 sh -c 'echo $((6 * 7)); /bin/busybox32 uname -s; exit 9'
expect 9 '42
Linux
' 'a shell of i386'
guest --add "$busybox:/bin/busybox32" -w / -- /bin/busybox32 sh -c '/bin/busybox32 seq 1 5 | /bin/busybox32 sort -r | /bin/busybox32 head -n 1'
expect 0 '5
' 'a pipeline of i386'
if "$busybox" true 2>/dev/null; then
	mkdir "$W/here"
	sed "s,^B=.*,B=$busybox,; s,/bin/busybox ,$busybox ,g" test/programs/session.sh > "$W/host.sh"
	env -i PATH=/bin HOME=/ "$busybox" sh "$W/host.sh" "$W/here" > "$W/host" 2>&1
	host=$?
	sed "s,^B=.*,B=/bin/busybox32,; s,/bin/busybox ,/bin/busybox32 ,g" test/programs/session.sh > "$W/guest.sh"
	guest -E PATH=/bin -E HOME=/ --add "$busybox:/bin/busybox32" --add "$W/guest.sh:/session.sh" -w / -- \
		/bin/busybox32 sh -c '/bin/busybox32 mkdir -p /tmp/here; exec 2>&1; . /session.sh' session /tmp/here
	[ $status = $host ] && same "$W/host" "$W/out"
	ok $? 'the session under busybox of i386'
else
	skip "this host can't run i386 programs" 'the session under busybox of i386'
fi
done_testing

#!/bin/sh
# SPDX-License-Identifier: MIT
# The launcher and the kernel together: streams, statuses, users, folders, bad programs; what issue "The
# gate opens" shows.
. test/programs/lib.sh
BB=/bin/busybox

# shellcheck disable=SC2016
guest -- $BB sh -c 'for i in 1 2 3; do echo $i; done | sort -r | head -1; exit 7'
expect 7 '3
' 'three in a pipeline, status 7'

for code in 0 1 125 126 127 255; do
	guest -- $BB sh -c "exit $code"
	expect $code '' "exit $code"
done
for sig in 1 2 6 9 11 13 15; do
	# shellcheck disable=SC2016
	guest -- $BB sh -c "kill -$sig \$\$; sleep 5"
	expect $((128 + sig)) '' "killed by signal $sig"
done

guest -- no-such-program-anywhere
ok $((status != 127)) 'not found is 127'
[ "$(wc -l < "$W/err")" = 1 ]
ok $? 'and one line'
echo 'not a program' > "$W/text"
guest -- "$W/text"
ok $((status != 126)) 'not executable is 126'
head -c 3000 $BB > "$W/truncated"
chmod 755 "$W/truncated"
guest -- "$W/truncated"
[ $status = 126 ] && [ "$(wc -l < "$W/err")" = 1 ]
ok $? "a truncated program is 126 (was $status)"
timeout 60 "$POSTERN" run $KERNEL --accel tcg --timeout 1 -- $BB sleep 30 > "$W/out" 2> "$W/err"
ok $(($? != 124)) 'out of time is 124'
timeout 60 "$POSTERN" run $KERNEL --accel tcg --mem 1M -- $BB true > "$W/out" 2> "$W/err"
status=$?
[ $status = 125 ] && grep -q 'too small' "$W/err"
ok $? 'too little memory is 125'

guest -- $BB sh -c 'echo out; echo err >&2'
[ "$(cat "$W/out")" = out ] && [ "$(cat "$W/err")" = err ]
ok $? 'stdout and stderr are apart'
echo 'from here' | guest -- $BB cat
expect 0 'from here
' 'stdin arrives'
guest -- $BB cat < /dev/null
expect 0 '' 'an empty stdin ends'
# shellcheck disable=SC2016
guest -E A=1 -E 'B=two words' -- $BB sh -c 'echo "$A $B"'
expect 0 '1 two words
' 'variables'
guest -w /tmp -- $BB pwd
expect 0 '/tmp
' 'working folder'
guest -u 1000:1001 -- $BB sh -c 'id -u; id -g'
expect 0 '1000
1001
' 'ids'
printf '#!/bin/busybox sh\necho script "$@"\n' > "$W/script"
chmod 755 "$W/script"
guest -- "$W/script" a 'b c'
expect 0 'script a b c
' 'a script of the host'
guest --cpus 4 -- $BB nproc
expect 0 '4
' 'four CPUs'

# 100 MiB through cat, in and out.
dd if=/dev/urandom bs=1M count=4 2>/dev/null > "$W/block"
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do cat "$W/block"; done > "$W/big"
want=$(sha256sum < "$W/big")
begin=$(date +%s)
got=$(timeout 170 "$POSTERN" run $KERNEL --accel tcg --timeout 160 -- $BB cat < "$W/big" 2> "$W/err" | sha256sum)
[ "$want" = "$got" ]
ok $? '100 MiB through cat'
echo "# $(($(date +%s) - begin)) s"

# A reader that goes away ends the writer.
timeout 60 "$POSTERN" run $KERNEL --accel tcg --timeout 50 -- $BB yes 2> "$W/err" | head -n 1 > "$W/out"
[ "$(cat "$W/out")" = y ] && [ ! -s "$W/err" ]
ok $? 'yes ends with its reader'

# SIGTERM to the launcher reaches the program.
# shellcheck disable=SC2016
"$POSTERN" run $KERNEL --accel tcg --timeout 50 -- $BB sh -c 'trap "echo got TERM; exit 3" TERM; echo ready; while :; do sleep 0.1; done' \
	> "$W/out" 2> "$W/err" &
pid=$!
i=0
while [ $i -lt 100 ] && ! grep -q ready "$W/out"; do
	sleep 0.1
	i=$((i + 1))
done
kill -TERM $pid
wait $pid
[ $? = 3 ] && grep -q 'got TERM' "$W/out"
ok $? 'SIGTERM arrives'
done_testing

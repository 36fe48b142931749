#!/bin/sh
# SPDX-License-Identifier: MIT
# The launcher without a kernel: its options, the archive and boot spec that it writes, its streams,
# signals and statuses (against test/host/fakeqemu.c), and every bad input that it can tell itself.
# TAP; run by prove from the root of the checkout. POSTERN and BUILD may say what to test.

BUILD=${BUILD:-build}
POSTERN=${POSTERN:-$BUILD/postern}
W=$(mktemp -d) || exit 1
trap 'rm -rf "$W"' EXIT
POSTERN=$(realpath "$POSTERN")
FAKEQEMU=${FAKEQEMU:-$W/fakeqemu}
[ -x "$FAKEQEMU" ] || ${CC:-cc} -O1 -o "$FAKEQEMU" test/host/fakeqemu.c || exit 1
printf 'kernel' > "$W/kernel"
ROOT=$(realpath "$BUILD/root.cpio")
cd "$W" || exit 1
N=0

ok() { # ok CONDITION-STATUS NAME
	N=$((N + 1))
	if [ "$1" = 0 ]; then echo "ok $N - $2"; else echo "not ok $N - $2"; fi
}

# run SCRIPT ARGS...: the launcher with the fake QEMU; leaves out, err and status.
run() {
	FAKE=$1
	export FAKE
	shift
	timeout 20 "$POSTERN" run --qemu "$FAKEQEMU" --kernel "$W/kernel" "$@" > out 2> err
	status=$?
}

# expect STATUS STDERR-PATTERN NAME: after run; exactly one line on stderr when a pattern is given.
expect() {
	good=0
	[ "$status" = "$1" ] || good=1
	if [ -n "$2" ]; then
		grep -q -e "$2" err || good=1
		[ "$(wc -l < err)" = 1 ] || good=1
	else
		[ ! -s err ] || good=1
	fi
	ok $good "$3"
	[ $good = 0 ] || { echo "# status $status, expected $1"; sed 's/^/# /' err; }
}

nothing_left() { ! pgrep -f "$FAKEQEMU" > pids; }

# --- statuses
run 'exit 0 0' true; expect 0 '' 'the program exits with 0'
run 'exit 0 7' true; expect 7 '' 'the program exits with 7'
run 'exit 1 9' true; expect 137 '' 'signal 9 is status 137'
run 'exit 1 11' true; expect 139 '' 'signal 11 is status 139'
run 'exit 2 2' true; expect 127 'postern: true: No such file' 'exec failure ENOENT is 127'
run 'exit 2 13 may not be run' true; expect 126 'true: may not be run' 'exec failure EACCES is 126'
run 'serial oops exit 3 0 panic: bad' true
[ "$status" = 125 ] && grep -q '^oops.*the kernel failed: panic: bad' err
ok $? 'a kernel failure is 125 and shows the serial port'
run 'message boom die 3' true; expect 125 'QEMU failed: boom' 'QEMU that ends before HELLO'
run 'hello die 3' true; expect 125 'QEMU ended with status 3' 'QEMU that ends after HELLO'
run 'version 2 forever' true; expect 125 'another version' 'another protocol version'
run 'raw 0200000000000010 forever' true; expect 125 'malformed' 'a frame of an absurd length'
run 'raw 020000000400000000000000 forever' true; expect 125 'cut off exit' 'an EXIT frame without its words'
run 'raw 63000000000000000200000008000000 raw 0000000005000000 forever' true
expect 5 '' 'an unknown frame is passed over, a frame in pieces put together'
run 'forever' --timeout 0.3 true; expect 124 'timed out' 'a timeout is 124'
run 'say part forever' --timeout 0.3 true
[ "$(cat out)" = part ]; ok $? 'output before the timeout arrives'
run 'mute' --timeout 0.3 true; expect 124 'timed out' 'a timeout before HELLO'
nothing_left; ok $? 'no QEMU is left running'

# --- KVM
if [ -c /dev/kvm ]; then
	run 'mutekvm exit 0 3' --accel kvm true; expect 3 'using TCG' '--accel kvm that never comes up'
else
	run 'mute' --accel kvm true; expect 125 'tcg needs no KVM' '--accel kvm without /dev/kvm'
fi
sed 's/^flags.*:/& vmx/' /proc/cpuinfo > cpuinfo
grep -q vmx cpuinfo || echo 'flags : vmx' > cpuinfo
cat > auto.sh <<-END
	mount --bind "$W/cpuinfo" /proc/cpuinfo || exit 77
	start=\$(date +%s%N)
	echo input | FAKE='args $W/args mutekvm cat exit 0 3' \\
		"$POSTERN" run --qemu "$FAKEQEMU" --kernel "$W/kernel" true > "$W/out"
	status=\$?
	echo \$(( (\$(date +%s%N) - start) / 1000000 )) > "$W/ms"
	exit \$status
END
unshare -rm sh auto.sh 2> err
if [ $? = 3 ] && [ "$(cat ms)" -lt 2000 ] && [ "$(cat out)" = input ]; then
	ok 0 '--accel auto falls back to TCG within two seconds, stdin whole'
elif [ ! -s ms ]; then
	ok 0 '--accel auto falls back # SKIP no user namespaces'
else
	ok 1 '--accel auto falls back to TCG within two seconds, stdin whole'
fi
if ! grep -qwE 'vmx|svm' /proc/cpuinfo; then
	run 'args args exit 0 0' --accel auto true
	grep -q '^tcg' args; ok $? '--accel auto takes TCG when the CPU flags have neither vmx nor svm'
fi

# --- streams
run 'say out err err exit 0 0' true
[ "$(cat out)" = out ] && [ "$(cat err)" = err ]; ok $? 'stdout and stderr are kept apart'
head -c 104857600 /dev/urandom > big
FAKE='cat exit 0 0' "$POSTERN" run --qemu "$FAKEQEMU" --kernel kernel true < big | cmp - big
ok $? '100 MiB through a pipe are equal'
cat big | FAKE='cat exit 0 0' "$POSTERN" run --qemu "$FAKEQEMU" --kernel kernel true > out
cmp out big; ok $? '100 MiB from a pipe into a file'
rm -f big
FAKE='fill 64 exit 0 0' "$POSTERN" run --qemu "$FAKEQEMU" --kernel kernel true | { sleep 1; wc -c; } > n
[ "$(cat n)" = 67108864 ]; ok $? 'a slow reader gets everything after the EXIT'
{ FAKE='untilclosed err seen exit 0 4' timeout 20 "$POSTERN" run --qemu "$FAKEQEMU" --kernel kernel true 2> err
	echo $? > st; } | head -c 1 > out
[ "$(cat st)" = 4 ] && [ "$(cat err)" = seen ]; ok $? 'a reader that goes away closes the port'
run 'eof say end exit 0 0' true < /dev/null
[ "$(cat out)" = end ]; ok $? 'EOF on stdin from /dev/null'
FAKE='eof say end exit 0 0' timeout 20 "$POSTERN" run --qemu "$FAKEQEMU" --kernel kernel true <&- > out
[ "$(cat out)" = end ]; ok $? 'a closed stdin is an empty one'
(FAKE='say x exit 0 6' timeout 20 "$POSTERN" run --qemu "$FAKEQEMU" --kernel kernel true >&-)
[ $? = 6 ]; ok $? 'a closed stdout'
if [ -c /dev/full ]; then
	FAKE='say x exit 0 0' timeout 20 "$POSTERN" run --qemu "$FAKEQEMU" --kernel kernel true > /dev/full 2> err
	[ $? = 125 ] && grep -q 'writing output: No space' err; ok $? 'a full disk is said and is 125'
fi
sleep 5 | { FAKE='exit 0 0' timeout 3 "$POSTERN" run --qemu "$FAKEQEMU" --kernel kernel true; echo $? > st; } &
sleep 1; [ "$(cat st)" = 0 ]; ok $? 'an open stdin does not delay the end'

# --- signals
# signals SCRIPT SIGNAL...: starts, waits for "go" on stdout, sends each.
signals() {
	FAKE=$1
	export FAKE
	shift
	rm -f out; : > out
	"$POSTERN" run --qemu "$FAKEQEMU" --kernel kernel true > out 2> err < /dev/null &
	pid=$!
	i=0
	while ! grep -q go out && [ $i -lt 100 ]; do sleep 0.05; i=$((i + 1)); done
	for s; do kill -"$s" $pid; sleep 0.15; done
	wait $pid
	status=$?
}
signals 'say go frames 3 exit 0 0' TERM QUIT USR1
[ "$status" = 0 ] && [ "$(tr '\n' ' ' < out)" = 'go16 15 0 16 3 0 16 10 0 ' ]
ok $? 'SIGTERM, SIGQUIT and SIGUSR1 reach the guest'
signals 'say go forever' TERM TERM TERM; expect 143 '' 'the third SIGTERM ends a guest that does not react'
signals 'say go frames 4 exit 0 0' HUP HUP HUP HUP; expect 0 '' 'no such end while the guest answers'
signals 'say go forever' KILL
sleep 0.2; nothing_left; ok $? 'QEMU dies when the launcher is killed'
FAKE='lag 400 exit 0 0' timeout -s INT 0.2 "$POSTERN" run --qemu "$FAKEQEMU" --kernel kernel true
[ $? = 124 ]; ok $? 'a signal before HELLO ends the run'

# --- the boot spec and the initial file system
run "dump $W/initrd exit 0 0" -E 'A=1' -E 'A=2
3' -w /tmp -u 5:6 true 'a\b' ''
head -c 4096 initrd | cpio -t --quiet 2> /dev/null | grep -qx .postern/spec; ok $? 'the boot spec comes first, in an archive of its own'
# Walks the archives of an initrd: writes each to part.N, prints how many regular files of a page or
# more there are, and dies when one of them does not begin on a page.
cat > walk.pl <<'END'
local $/; $_ = <STDIN>;
my ($at, $from, $n, $part) = (0, 0, 0, 0);
sub field { hex substr $_, $at + 6 + 8 * $_[0], 8 }
while ($at + 110 <= length) {
	if (substr($_, $at, 1) eq "\0") { $at++; next }
	die "no header at $at" if substr($_, $at, 6) ne "070701" || $at % 4;
	my ($mode, $size) = (field(1), field(6));
	my $data = ($at + 110 + field(11) + 3) & ~3;
	if (($mode & 0170000) == 0100000 && $size >= 4096) { die "data at $data" if $data % 4096; $n++ }
	my $end = substr($_, $at + 110, 10) eq "TRAILER!!!";
	$at = ($data + $size + 3) & ~3;
	next unless $end;
	open my $f, ">", "part." . $part++; print $f substr $_, $from, $at - $from; $from = ($at + 4095) & ~4095;
}
print "$n\n";
END
aligned() { perl walk.pl < initrd; }
unpack() { # the whole initrd below x
	rm -rf x part.* && mkdir x && aligned > /dev/null || return 1
	for part in part.*; do (cd x && cpio -idu --quiet < "../$part"); done
}
unpack
sed '/^time /d' x/.postern/spec > spec
cat > want <<'END'
postern 1
arg true
arg a\\b
arg 
exe /usr/bin/true
env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
env HOME=/
env A=2\n3
cwd /tmp
uid 5
gid 6
root initrd
io streams
klog 0
END
grep -v '^env TERM=' spec | sed 's|^exe .*true|exe /usr/bin/true|' | diff - want > diff; ok $? 'the boot spec says what was asked for'
sed 's/^/# /' diff
[ "$(stat -c %a x/.postern/spec)" = 600 ]; ok $? 'only root can read the boot spec'
t=$(sed -n 's/^time //p' x/.postern/spec); [ $(($(date +%s) - t / 1000000000)) -lt 60 ]; ok $? 'the launch time is now'

mkdir -p tree/sub/deep && echo one > tree/one && echo two > tree/sub/two && ln -s ../one tree/sub/link
head -c 5000 /dev/urandom > tree/sub/deep/five; chmod 750 tree/one; : > tree/empty
run "dump $W/initrd exit 0 0" --add tree:/a/b --add tree/one:/etc --add tree/one:/new true
unpack
diff -r tree x/a/b && [ "$(readlink x/a/b/sub/link)" = ../one ] && [ "$(stat -c %a x/a/b/one)" = 750 ]
ok $? '--add of a directory keeps contents, symlinks and modes'
[ "$(cat x/etc/one x/new)" = "$(printf 'one\none')" ]; ok $? '--add of a file, also into a directory that exists'
[ "$(aligned)" = 2 ]; ok $? 'data of large files begins on a page'
cmp x/bin/busybox /bin/busybox; ok $? 'the built-in root holds busybox'
run "dump $W/initrd exit 0 0" --add tree true
unpack
diff -r tree "x$W/tree"; ok $? '--add without GUEST keeps the absolute path'
grep -q "^cwd $W" x/.postern/spec; ok $? 'the working directory is kept where the root has it'
run '' --add nowhere true; expect 125 "can't add nowhere: No such file" '--add of nothing'
run '' --add tree:b true; expect 125 'must begin with /' '--add with a relative GUEST'
run '' --add tree:/bin/busybox/x true; expect 125 'is not a directory in the root' '--add below a file'

# --- PROGRAM
cp /bin/busybox static; printf '#!/bin/sh\necho\n' > script; chmod +x script
run "dump $W/initrd exit 0 0" ./static; expect 0 '' 'a static host program is taken along'
unpack
grep -qx "exe $W/static" x/.postern/spec && cmp static "x$W/static"; ok $? '... at its own path'
run "dump $W/initrd exit 0 0" "$W/script"; expect 0 '' 'a script of the host is taken along'
run 'exit 0 0' /bin/sh -c true; expect 0 '' "the root's own program"
run '' ./nowhere; expect 127 'not found' 'a PROGRAM that is not there'
run '' nowhere-at-all; expect 127 'not found' 'a PROGRAM that PATH has not'
run '' /etc/passwd/x; expect 127 'Not a directory' 'a PROGRAM below a file'
run '' ./tree; expect 126 'is a directory' 'a directory as PROGRAM'
run '' /etc; expect 126 'is a directory' 'a directory of the root as PROGRAM'
run '' ./tree/sub/two; expect 126 'not executable' 'a file without the x bit'
run '' ''; expect 127 'empty' 'an empty name'
cp static foreign; printf '\267\000' | dd of=foreign bs=1 seek=18 conv=notrunc 2> /dev/null
run '' ./foreign; expect 126 'Arm (64-bit)' 'an Arm program'
printf '\050\000' | dd of=foreign bs=1 seek=18 conv=notrunc 2> /dev/null
run '' ./foreign; expect 126 'Arm (32-bit)' 'a 32-bit Arm program'
head -c 40 static > cut; chmod +x cut; run '' ./cut; expect 126 'cut off' 'an ELF of 40 bytes'
head -c 100 static > cut; run '' ./cut; expect 126 'not a valid program' 'an ELF without its program headers'
printf '#!/no/such/interp\n' > script; run '' ./script; expect 127 '/no/such/interp' 'a script whose interpreter is missing'
dynamic=$(command -v perl)
run '' "$dynamic"; expect 126 'dynamically linked' 'a dynamic program'

# --- root archives
mkdir -p r/bin && cp static r/bin/prog && (cd r && find . | cpio -o -H newc --quiet) > r.cpio
gzip -k r.cpio
for f in r.cpio r.cpio.gz; do
	run "dump $W/initrd exit 0 0" --root initrd=$f /bin/prog; expect 0 '' "$f as root"
	[ "$(aligned)" = 1 ]; ok $? '... with its data on a page'
	size=$(stat -c %s $f)
	head -c $((size / 2)) $f > bad; run '' --root initrd=bad /bin/prog; expect 125 'is corrupt' "half of $f"
	head -c $((size - 700)) $f > bad; run '' --root initrd=bad /bin/prog; expect 125 'is corrupt' "$f without its end"
done
cat r.cpio r.cpio.gz > two; head -c 512 /dev/zero >> two; cat r.cpio.gz >> two
run 'exit 0 0' --root initrd=two /bin/prog; expect 0 '' 'archives behind each other, plain, gzip and zeros'
cp r.cpio bad; printf zz | dd of=bad bs=1 seek=20 conv=notrunc 2> /dev/null
run '' --root initrd=bad /bin/prog; expect 125 'corrupt at byte 0' 'a header that is not hexadecimal'
cp r.cpio.gz bad; printf '\377\377\377' | dd of=bad bs=1 seek=5000 conv=notrunc 2> /dev/null
run '' --root initrd=bad /bin/prog; expect 125 'is corrupt' 'a flipped byte in gzip'
tar cf bad r; run '' --root initrd=bad /bin/prog; expect 125 'tar archive' 'a tar archive'
printf '\375' > bad; printf '7zXZ\0' >> bad; run '' --root initrd=bad /bin/prog; expect 125 'xz-compressed' 'an xz file'
: > bad; run '' --root initrd=bad /bin/prog; expect 125 'is empty' 'an empty file'
echo hello world > bad; run '' --root initrd=bad /bin/prog; expect 125 'neither' 'a text file'
run '' --root initrd=nowhere /bin/prog; expect 125 'nowhere: No such file' 'no such archive'
mkdir -p p/.postern && : > p/.postern/spec && (cd p && find . | cpio -o -H newc --quiet) > bad
run '' --root initrd=bad /bin/prog; expect 125 'reserved name' "an archive that brings a boot spec"
head -c 200000000 /dev/zero | gzip > bomb.gz
run '' --mem 64M --root initrd=bomb.gz /bin/prog; expect 125 'larger than the guest' 'a gzip bomb'
rm -f bomb.gz two

# Random damage: any of the launcher's own statuses, never a crash or a hang.
cat > damage.pl <<'END'
my ($in, $seed) = @ARGV; srand $seed; local $/; open F, $in; my $d = <F>;
my $head = $in =~ /gz$/ ? length $d : 1500;
for my $i (0 .. rand 6) {
	substr $d, int rand $head, 1, rand() < .5 ? chr int rand 256 : substr "0f7/.\0\xff", int rand 7, 1;
}
$d = substr $d, 0, int rand length $d if rand() < .2;
print $d;
END
(cd r && ln -s prog bin/link && ln -s ../bin dir && ln bin/prog bin/hard && mkdir -p d && echo x > d/f)
(cd r && find . | cpio -o -H newc --quiet) > f.cpio; gzip -k f.cpio
wrong=
for seed in $(seq 150); do
	for f in f.cpio f.cpio.gz; do
		perl damage.pl $f "$seed" > bad
		run 'exit 0 0' --root initrd=bad /bin/prog
		case $status in 0 | 125 | 126 | 127) ;; *) wrong="$wrong $f:$seed:$status" ;; esac
	done
done
[ -z "$wrong" ]; ok $? "300 damaged root archives"; [ -z "$wrong" ] || echo "#$wrong"

# --- options
for bad in '--mem 1' '--mem x' '--mem -5' '--mem 99999999999G' '--cpus 0' '--cpus 9' '--cpus two' '--accel none' \
	'--timeout 0' '--timeout -1' '--timeout nan' '--timeout 3x' '-u x' '-u 1:' '-u 1:y' '-u -1' '-w rel' '--root disk' \
	'--root initrd=' '-E =x' '--unknown'; do
	run '' $bad true # two words each
	[ "$status" = 125 ] && grep -q '^postern' err; ok $? "refused: $bad"
done
run '' --mem 32M --add "$POSTERN" --add static --add static:/b --add static:/c --add static:/d true; expect 125 'give at least' '--mem that the file system does not fit in'
run '' --kernel nowhere true; expect 125 'kernel nowhere' 'a missing kernel'
"$POSTERN" run --qemu /nowhere true 2> err; [ $? = 125 ] && grep -q '/nowhere' err; ok $? 'a missing --qemu'
PATH=/nowhere "$POSTERN" run --kernel kernel true 2> err; [ $? = 125 ] && grep -q 'apt install qemu-system-x86' err; ok $? 'QEMU is not installed: the package is named'
run '' -w /nowhere true; expect 125 'no such directory' '-w of a directory that is not there'
run 'exit 0 0' --kernel-log /nowhere/x true; expect 125 '/nowhere/x: No such file' '--kernel-log that cannot be written'
run 'serial text exit 0 0' --kernel-log log true; [ "$(cat log)" = text ]; ok $? '--kernel-log holds the serial port'
run "args $W/args exit 0 0" --cpus 2 --mem 1G --cpu Skylake-Client --kernel-arg a=b --kernel-arg c --qemu-arg -foo --accel tcg true
tr '\n' ' ' < args > line
grep -q -- '-cpu Skylake-Client' line && grep -q -- '-m 1024M -smp 2' line && grep -q -- '-append a=b c ' line && grep -q -- '-foo $' line
ok $? 'options reach QEMU'
"$POSTERN" --version | grep -q '^postern [0-9]'; ok $? '--version'
"$POSTERN" run --help | grep -q -- --kernel-log; ok $? '--help'
"$POSTERN" 2> err; [ $? = 125 ] && [ "$(wc -l < err)" = 1 ]; ok $? 'no subcommand'
"$POSTERN" walk 2> err; [ $? = 125 ] && grep -q walk err; ok $? 'a wrong subcommand'
nothing_left; ok $? 'no QEMU is left running'
echo "1..$N"

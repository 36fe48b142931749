# SPDX-License-Identifier: MIT
# A working session of a shell: everything that scripts lean on, in about 200 lines whose output is the
# same on every run. Run by bash-static and busybox sh, here and in Postern (session.t compares).
# $1: an empty folder to work in.
set -u
B=/bin/busybox
for tool in cat cp cut date dd find grep gunzip gzip head ls mkdir mkfifo mv od rm rmdir sed seq sha256sum \
	sleep sort tail tar tee touch tr uniq wc xargs basename dirname ln readlink chmod stat cmp expr mktemp; do
	eval "$tool() { $B $tool \"\$@\"; }"
done
cd "$1" || exit 9

section() { printf '\n== %s\n' "$1"; }
check() { if [ "$2" = "$3" ]; then echo "$1: good"; else echo "$1: got '$2', expected '$3'"; fi; }

section 'words and expansion'
set -- one 'two words' three
echo "$#: $2"
for word; do printf '<%s>' "$word"; done; echo
shift; echo "after shift: $1"
name=archive.tar.gz
echo "${name%%.*} ${name##*.} ${name%.gz} ${#name} ${missing:-default}"
echo $((7 * 6)) $((1 << 20)) $((17 % 5)) $((0x1f)) $((-7 / 2))
IFS=:
for part in a:b:c; do printf '%s\n' "$part"; done
unset IFS
case $name in *.zip) echo zip ;; *.tar.gz) echo tarball ;; *) echo other ;; esac

section 'functions and recursion'
factorial() { if [ "$1" -le 1 ]; then echo 1; else echo $(($1 * $(factorial $(($1 - 1))))); fi; }
factorial 12
fib() { a=0 b=1 i=0; while [ $i -lt "$1" ]; do set -- "$1" $((a + b)); a=$b; b=$2; i=$((i + 1)); done; echo $a; }
fib 40
outer=1
scope() { local outer=2 2>/dev/null || outer=2; echo "inside $outer"; }
scope

section 'here-documents'
value=expanded
cat <<END
plain $value $(echo substituted)
	tab kept
END
cat <<'END'
quoted $value $(echo not)
END
cat <<-END
	leading tab removed
	END
sort -r <<END | head -n 2
pear
apple
quince
END
big=$(seq 1 3000)
cat <<END | wc -l | tr -d ' '
$big
END

section 'subshells'
(cd / && echo "in $PWD"; exit 3); echo "status $?"
x=1; (x=2; echo "inner $x"); echo "outer $x"
echo "$(echo "$(echo nested $(echo deep))")"
{ echo grouped; echo output; } > group; cat group

section 'pipelines'
seq 1 1000 | grep 7 | wc -l | tr -d ' '
seq 1 20 | sort -r | head -n 3 | tr '\n' ' '; echo
printf 'b\na\nb\nc\na\n' | sort | uniq -c | sed 's/^ *//'
seq 1 100000 | tail -n 1
yes_like() { while :; do echo y; done; }
yes_like 2>/dev/null | head -n 2
true | false; echo "status $?"
false | true; echo "status $?"
! false; echo "status $?"

section 'redirections'
echo one > out; echo two >> out; cat out
ls missing-file > out 2>&1; echo "status $?"
exec 3> third; echo 'through three' >&3; exec 3>&-; cat third
exec 4< third; read -r line <&4; exec 4<&-; echo "read: $line"
{ echo to-stdout; echo to-stderr >&2; } 2> err; cat err
cat < out > /dev/null; echo "status $?"
: > empty; [ -s empty ] || echo 'empty is empty'
set -C; (echo over > out) 2>/dev/null || echo 'noclobber holds'; set +C

section 'jobs'
sleep 0.2 & first=$!
(exit 7) & second=$!
wait $second; echo "second: $?"
wait $first; echo "first: $?"
for i in 1 2 3 4; do (sleep 0.0$i; echo "job $i" > "job$i") & done; wait
cat job1 job2 job3 job4
sleep 30 & victim=$!
kill -TERM $victim; wait $victim 2>/dev/null; echo "killed: $?"
sleep 30 & victim=$!
kill -9 $victim; wait $victim 2>/dev/null; echo "killed: $?"
wait; echo 'no jobs left'

section 'traps'
trap 'echo caught USR1' USR1
kill -USR1 $$; echo 'after the signal'
trap 'echo caught TERM; stop=1' TERM
stop=0
(sleep 0.1; kill -TERM $$) & sender=$!
while [ $stop = 0 ]; do sleep 0.02; done
wait $sender 2>/dev/null; echo 'loop left'
(trap 'echo exit trap of a subshell' EXIT; exit 4); echo "status $?"
trap '' INT; kill -INT $$; echo 'INT ignored'; trap - INT
(trap - TERM; sleep 30 & p=$!; trap 'kill $p; echo cleaned up; exit 5' TERM
	(sleep 0.1; kill -TERM $p) & wait $p 2>/dev/null; exit 6); echo "status $?"
trap - USR1 TERM

section 'named pipes'
mkfifo queue
(for i in 1 2 3; do echo "message $i"; done > queue) &
while read -r line; do echo "got $line"; done < queue
wait; rm queue
mkfifo there back
(while read -r n; do [ "$n" = end ] && break; echo $((n * n)); done < there > back) &
exec 5> there 6< back
for n in 3 5 12; do echo $n >&5; read -r square <&6; echo "$n squared is $square"; done
echo end >&5; exec 5>&- 6<&-; wait; rm there back

section 'files'
mkdir -p tree/a/b/c tree/d
for i in $(seq 1 12); do echo "file $i" > "tree/a/f$i"; done
cp tree/a/f1 tree/d/copy; ln tree/d/copy tree/d/hard; ln -s ../a/f2 tree/d/soft
mv tree/a/f12 tree/a/b/moved; rm tree/a/f11
chmod 640 tree/d/copy; stat -c '%a %h %s' tree/d/copy
readlink tree/d/soft; cat tree/d/soft
find tree -type f | sort
find tree -type d | wc -l | tr -d ' '
find tree -name 'f1*' -exec basename {} \; | sort
find tree -type l
find tree -type f -print | sort | xargs cat | sha256sum
rmdir tree/a 2>/dev/null || echo 'not empty'
[ -d tree/a/b ] && [ -f tree/d/hard ] && [ -L tree/d/soft ] && [ ! -e tree/none ] && echo 'tests hold'
touch -d '2020-02-02 02:02:02' tree/old 2>/dev/null || touch -t 202002020202.02 tree/old
find tree -newer tree/old -type f | wc -l | tr -d ' '

section 'archives'
tar -cf tree.tar tree
tar -tf tree.tar | sort | sha256sum
mkdir other; tar -xf tree.tar -C other
(cd tree && find . -type f | sort | xargs sha256sum) > sums
(cd other/tree && sha256sum -c ../../sums > /dev/null && echo 'all sums hold')
gzip -c tree.tar > tree.tar.gz; gunzip -c tree.tar.gz | cmp - tree.tar && echo 'gzip there and back'
dd if=/dev/zero of=zeros bs=64k count=40 2>/dev/null
sha256sum zeros; gzip zeros; [ -f zeros.gz ] && [ ! -f zeros ] && echo compressed
gunzip zeros.gz; sha256sum < zeros
tar -czf all.tgz tree && tar -tzf all.tgz | wc -l | tr -d ' '

section 'text'
seq 1 200 | sed -n '10,12p;$p'
printf 'key=value\nother=thing\n' | while IFS== read -r k v; do echo "$k -> $v"; done
printf 'one:two:three\n' | cut -d: -f2
echo 'The Quick Brown Fox' | tr 'A-Z' 'a-z' | tr -d 'aeiou'
seq 1 5000 | sha256sum
seq 1 30000 | sort -n -r | sha256sum
printf '\001\002\377' | od -An -tx1
expr 6 \* 7
seq 3 | tee teed | wc -l | tr -d ' '; cat teed

section 'options and evaluation'
parse() {
	OPTIND=1 verbose=no file=none
	while getopts 'vf:' opt "$@"; do
		case $opt in
		v) verbose=yes ;;
		f) file=$OPTARG ;;
		*) echo "bad option"; return 2 ;;
		esac
	done
	shift $((OPTIND - 1))
	echo "verbose=$verbose file=$file rest=$*"
}
parse -v -f input a b
parse plain
parse -x 2>/dev/null; echo "status $?"
eval 'dynamic="built $name"'; echo "$dynamic"
n=0; until [ $n -ge 3 ]; do n=$((n + 1)); [ $n = 2 ] && continue; printf '%02d ' $n; done; echo
out=$(echo partial; exit 9); echo "substitution: $out, status $?"
printf '%5d|%-5s|%05.1f|%x|%o\n' 42 ab 3.14159 255 8
set -- c a b; for w in "$@"; do echo "$w"; done | sort | tr '\n' ' '; echo

section 'errors and options of the shell'
(set -e; echo before; false; echo never); echo "status $?"
(set -u; echo "${undefined_name}") 2>/dev/null || echo 'unset is an error'
nothing-like-this 2>/dev/null; echo "status $?"
/etc 2>/dev/null; echo "status $?"
(exec /bin/busybox sh -c 'exit 11'); echo "status $?"
{ /bin/busybox sh -c 'kill -KILL $$'; } 2>/dev/null; echo "status $?"
{ /bin/busybox sh -c 'kill -SEGV $$'; } 2>/dev/null; echo "status $?"
command -v cd > /dev/null && echo 'cd is there'
{ read -r a b c; echo "$c|$b|$a"; } <<END
first second third fourth
END

section 'the end'
i=0; while [ $i -lt 2000 ]; do i=$((i + 1)); done; echo "counted to $i"
n=0; for f in $(seq 1 60); do [ "$(echo "$f")" = "$f" ] && n=$((n + 1)); done; echo "$n substitutions"
trap 'echo goodbye' EXIT
exit 42

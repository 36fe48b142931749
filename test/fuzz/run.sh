#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the fuzz targets for a fixed number of inputs each, from seeds made here, so that two runs do the same.
#   test/fuzz/run.sh DIR [RUNS [SEED [TARGET...]]]
# DIR holds the programs DIR/NAME_fuzz; seeds and crashing inputs go there too. Status 0: no target found anything.
set -u
dir=$1
runs=${2:-100000}
seed=${3:-1}
[ $# -ge 3 ] && shift 3 || shift $#
here=$(dirname "$0")
targets=${*:-cpio inflate elf text firmware}

# cpio_entry NAME DATA: one newc entry, padded.
cpio_entry() {
	name=$1 data=$2
	printf '070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X' \
		7 33188 0 0 2 1 ${#data} 8 1 0 0 $((${#name} + 1)) 0
	printf '%s\0' "$name"
	pad $((110 + ${#name} + 1))
	printf '%s' "$data"
	pad ${#data}
}
pad() {
	n=$(($1 % 4))
	while [ $n -ne 0 ] && [ $n -ne 4 ]; do
		printf '\0'
		n=$((n + 1))
	done
}

make_seeds() {
	s=$dir/seeds
	rm -rf "$s"
	mkdir -p "$s/cpio" "$s/inflate" "$s/elf" "$s/text" "$s/firmware"
	{ cpio_entry a data; cpio_entry dir/bb ''; cpio_entry 'TRAILER!!!' ''; } >"$s/cpio/one"
	cat "$s/cpio/one" "$s/cpio/one" >"$s/cpio/two"
	sed 's/070701/070702/' "$s/cpio/one" >"$s/cpio/crc"
	# The compressed text is this script: dynamic blocks. The short one: a fixed block; zeros: long matches.
	gzip -n -9 <"$0" >"$s/inflate/gzip"
	tail -c +11 "$s/inflate/gzip" | head -c -8 >"$s/inflate/dynamic"
	printf 'abababab abab' | gzip -n | tail -c +11 | head -c -8 >"$s/inflate/fixed"
	head -c 100000 /dev/zero | gzip -n | tail -c +11 | head -c -8 >"$s/inflate/zeros"
	head -c 1000 "$s/inflate/gzip" | gzip -n | tail -c +11 | head -c -8 >"$s/inflate/stored"
	head -c 1024 /bin/true >"$s/elf/true"
	printf '0postern 1\narg x\\x41\nenv A=b\ncwd /\nuid 0\nwinsize 1 2\n' >"$s/text/spec"
	printf '1#!/bin/sh -x \n' >"$s/text/script"
	printf '2a=1 b "c d=e" -- f' >"$s/text/cmdline"
}

make_seeds
status=0
for t in $targets; do
	set -- -seed="$seed" -runs="$runs" -max_len=4096 -timeout=10 -artifact_prefix="$dir/$t-"
	[ -f "$here/$t.dict" ] && set -- "$@" -dict="$here/$t.dict"
	if "$dir/${t}_fuzz" "$@" "$dir/seeds/$t" >"$dir/$t.log" 2>&1; then
		echo "fuzz $t: seed $seed, $runs inputs, $(sed -n 's/.*DONE *\(cov: [0-9]*\).*/\1/p' "$dir/$t.log"): nothing found"
	else
		echo "fuzz $t: seed $seed: FAILED, see $dir/$t.log"
		status=1
	fi
done
exit $status

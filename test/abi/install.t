#!/bin/bash
# SPDX-License-Identifier: MIT
# make install: into a DESTDIR, what is there, that it runs from there, the manual pages, pkg-config,
# the completion; and uninstall. TAP; run by prove from the root of the checkout.
BUILD=${BUILD:-build}
W=$(mktemp -d) || exit 1
unset MAKEFLAGS MAKELEVEL
trap 'rm -rf "$W"' EXIT
N=0
ok() { N=$((N + 1)); if [ "$1" = 0 ]; then echo "ok $N - $2"; else echo "not ok $N - $2"; fi; }

make --no-print-directory BUILD="$BUILD" PREFIX=/opt/postern DESTDIR="$W/root" install > "$W/log" 2>&1
installed=$?
ok $installed 'make install'
[ $installed = 0 ] || { sed 's/^/# /' "$W/log"; echo "1..$N"; exit 1; }
P=$W/root/opt/postern
for f in bin/postern bin/postern-gates share/postern/postern.elf share/postern/root.cpio \
	include/postern/syscall.h include/postern/vdso.h include/postern/start.h include/postern/numbers.h \
	share/pkgconfig/postern.pc share/man/man1/postern.1 share/man/man3/postern-syscall.3 \
	share/bash-completion/completions/postern; do
	[ -s "$P/$f" ]
	ok $? "$f"
done
! grep -rIl -e "$PWD" -e "$W" "$P/share" "$P/include" > "$W/found"
ok $? 'no path of the build or of DESTDIR is in it'

mv "$P" "$W/moved" && P=$W/moved
mkdir "$W/empty"
out=$(cd "$W/empty" && "$P/bin/postern" run --timeout 60 -- /bin/busybox sh -c 'echo hello; exit 7')
[ "$?,$out" = 7,hello ]
ok $? 'the installed launcher runs a program, also where it was moved to'
"$P/bin/postern" abi read > "$W/out" && grep -q 'sys/file.c' "$W/out"
ok $? 'postern abi'

flags=$(PKG_CONFIG_PATH=$P/share/pkgconfig pkg-config --define-variable=prefix="$P" --cflags postern)
[ "${flags% }" = "-I$P/include" ]
ok $? 'pkg-config'
printf '%s\n' '#include <postern/start.h>' 'int postern_main(int c, char **v, char **e, const struct postern_auxv *a)' \
	'{ (void)c, (void)v, (void)e, (void)a;' 'return postern_call(POSTERN_NR_write, 1, postern_ptr("hello\n"), 6) != 6; }' \
	> "$W/hello.c"
for mode in -m64 -m32 -mx32; do
	# shellcheck disable=SC2086 # flags are words
	gcc $mode -Wall -Wextra -Werror $flags -ffreestanding -fno-stack-protector -nostdlib -static -no-pie -fno-pie \
		-o "$W/hello$mode" "$W/hello.c" 2> "$W/log" &&
		[ "$("$P/bin/postern" run --timeout 60 -- "$W/hello$mode")" = hello ]
	ok $? "a program on the installed headers, $mode"
done

# Manual pages: no complaint of groff, and they speak of what exists.
for page in "$P"/share/man/man*/*; do
	[ -z "$(groff -ww -z -man -Tutf8 "$page" 2>&1)" ]
	ok $? "groff likes ${page##*/}"
done
sed 's/\\-/-/g; s/\\f[A-Z]//g' "$P/share/man/man1/postern.1" > "$W/man"
for command in run abi check; do
	missing=
	for option in $("$P/bin/postern" $command --help | grep -oE '^ +(-[a-zA-Z], )?--[a-z-]+' | grep -oE -e '--[a-z-]+'); do
		case $option in --help | --usage | --version) continue ;; esac
		grep -q -e "$option" "$W/man" || missing="$missing $option"
	done
	[ -z "$missing" ]
	ok $? "postern(1) has every option of $command$missing"
done
missing=
for name in $(sed 's/\\-/-/g' "$P/share/man/man3/postern-syscall.3" | grep -oE '\bpostern_[a-z0-9_]+' | sort -u); do
	grep -rqw "$name" "$P/include/postern" || missing="$missing $name"
done
[ "$missing" = ' postern_main' ] || [ -z "$missing" ]
ok $? "postern-syscall(3) names only what the headers have:$missing"

# Completion: what bash would offer behind these words.
complete_words() {
	PATH=$P/bin:$PATH bash -c 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _postern; printf "%s\n" "${COMPREPLY[@]}"' \
		"$P/share/bash-completion/completions/postern" "$@"
}
[ "$(complete_words postern '' | tr '\n' ' ')" = 'run abi check --help --version ' ]
ok $? 'completion of the subcommand'
[ "$(complete_words postern abi openat2)" = openat2 ]
ok $? 'of a call'
[ "$(complete_words postern abi --mis)" = --missing ]
ok $? 'of an option of abi'
[ "$(complete_words postern run --kernel-l)" = --kernel-log ]
ok $? 'of an option of run'
[ "$(complete_words postern run --accel = k)" = kvm ]
ok $? 'of a value'
complete_words postern run --mem = 64M /bin/busybo | grep -qx /bin/busybox
ok $? 'of a program'
touch "$W/empty/argument"
(cd "$W/empty" && complete_words postern run -- ls --m arg | grep -qx argument)
ok $? 'of the program'"'"'s own arguments'

mv "$W/moved" "$W/root/opt/postern"
make --no-print-directory BUILD="$BUILD" PREFIX=/opt/postern DESTDIR="$W/root" uninstall > "$W/log" 2>&1
ok $? 'make uninstall'
[ -z "$(find "$W/root" -type f -o -type l)" ]
ok $? 'leaves nothing'
echo "1..$N"

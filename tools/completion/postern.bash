# SPDX-License-Identifier: MIT
# Completion of the postern command for bash. Options and call names are asked from the command
# itself, so that they are never out of date.

_postern_options()
{
	"$1" "$2" --help 2> /dev/null | grep -oE -- '(^|[ ,])--?[a-zA-Z-]+' | tr -d ' ,'
}

# _postern_run: the word after an option that takes a value, an option, or from PROGRAM on the files
# and commands of the host.
_postern_run()
{
	local i word
	for ((i = 2; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		--) ((i++)); break ;;
		=) ((i++)) ;; # bash splits --opt=value in three
		--root | --add | --env | --workdir | --user | --mem | --cpus | --accel | --cpu | \
		--kernel-arg | --kernel | --qemu-arg | --qemu | --timeout | --kernel-log | -E | -w | -u)
			[[ ${COMP_WORDS[i + 1]-} == = ]] || ((i++)) ;;
		-*) ;;
		*) break ;;
		esac
	done
	if ((i < COMP_CWORD)); then # behind PROGRAM: its own arguments
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
	fi
	case $prev in
	--accel) mapfile -t COMPREPLY < <(compgen -W 'auto kvm tcg' -- "$cur") ;;
	--root) mapfile -t COMPREPLY < <(compgen -W 'initrd' -- "$cur") ;;
	--env | -E) mapfile -t COMPREPLY < <(compgen -v -- "$cur") ;;
	--workdir | -w) mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
	--add | --kernel | --qemu | --kernel-log) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
	--mem | --cpus | --cpu | --user | -u | --timeout | --kernel-arg | --qemu-arg) ;;
	*)
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "$(_postern_options "$command" run)" -- "$cur")
		else
			mapfile -t COMPREPLY < <(compgen -c -f -- "$cur" | sort -u)
		fi ;;
	esac
}

_postern_abi()
{
	case $prev in
	--abi | -a) mapfile -t COMPREPLY < <(compgen -W 'x86_64 i386 x32' -- "$cur"); return ;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_postern_options "$command" abi)" -- "$cur")
	else
		mapfile -t COMPREPLY < <(compgen -W "x86_64 i386 x32 $("$command" abi 2> /dev/null |
			awk 'NR > 1 { print $1 }')" -- "$cur")
	fi
}

_postern()
{
	local command=${COMP_WORDS[0]} cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	[[ $cur == = ]] && cur=
	[[ $prev == = ]] && prev=${COMP_WORDS[COMP_CWORD - 2]}
	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W 'run abi check --help --version' -- "$cur")
		return
	fi
	case ${COMP_WORDS[1]} in
	run) _postern_run ;;
	abi) _postern_abi ;;
	check) mapfile -t COMPREPLY < <(compgen -W '--json --help --usage --version' -- "$cur") ;;
	esac
}

complete -o filenames -F _postern postern

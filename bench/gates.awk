# SPDX-License-Identifier: MIT
# bench/gates.awk: the matrix of bench/gates.run as a table. Lines: system, ABI, entry, call, ok or why
# refused, cycles (median, quartiles), nanoseconds (median, quartiles).

{
	key = $2 SUBSEP $3 SUBSEP $4
	if ($3 == "all") {
		whole[$1, $2] = "refused: " $5
		next
	}
	if (!(key in seen)) {
		seen[key] = 1
		order[++rows] = key
	}
	cell[$1, key] = $5 == "ok" ? sprintf("%9.1f ±%5.1f%%", $9, ($11 - $10) / 2 / $9 * 100) : \
		"refused: " $5
}

function show(kern, abi, key)
{
	if ((kern, abi) in whole)
		return whole[kern, abi]
	return (kern SUBSEP key) in cell ? cell[kern, key] : "-"
}

# A cell of 18 columns, figures and words to the right; "±" is two bytes but one column.
function pad(text, n)
{
	n = text ~ /±/ && length("±") > 1 ? 19 : 18
	return sprintf("%" n "s", text)
}

END {
	print "Nanoseconds a call, median ± half the distance of the quartiles; or why it is refused."
	printf "%-7s %-18s %-14s %18s %18s %18s\n", "ABI", "entry", "call", "Linux, this host",
		"Linux in QEMU", "Postern in QEMU"
	for (i = 1; i <= rows; i++) {
		split(order[i], part, SUBSEP)
		printf "%-7s %-18s %-14s %s %s %s\n", part[1], part[2], part[3],
			pad(show("native", part[1], order[i])), pad(show("linux", part[1], order[i])),
			pad(show("postern", part[1], order[i]))
	}
}

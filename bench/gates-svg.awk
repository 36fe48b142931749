# SPDX-License-Identifier: MIT
# bench/gates-svg.awk: the picture of the matrix: getppid by every entry and clock_gettime by the vDSO,
# a group of three bars each (Linux on the host, Linux in QEMU, Postern in QEMU), nanoseconds on a
# logarithmic axis. Refused entries say so. Colours follow the reader's light or dark theme.

BEGIN {
	systems = split("native linux postern", kern, " ")
	title["native"] = "Linux, natively on the host"
	title["linux"] = "Linux in QEMU"
	title["postern"] = "Postern in QEMU"
	low = log(10)
	left = 250
	width = 520
	bar = 11
	group = 3 * bar + 13
	top = 96
}

$3 == "all" { whole[$1, $2] = $5; next }

$4 == "getppid" || $3 == "vdso" || $3 == "vsyscall_page" {
	key = $2 SUBSEP $3 SUBSEP $4
	if (!(key in seen)) {
		seen[key] = 1
		order[++rows] = key
	}
	status[$1, key] = $5
	if ($5 == "ok") {
		ns[$1, key] = $9
		if ($9 > most)
			most = $9
	}
}

function x(value) { return left + width * (log(value < 10 ? 10 : value) - low) / (high - low) }

function text(at_x, at_y, class, words)
{
	printf "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">%s</text>\n", at_x, at_y, class, words
}

function word(value) { return value < 1000 ? sprintf("%.0f ns", value) : sprintf("%.1f µs", value / 1000) }

function axis(bottom, value)
{
	for (value = 10; value <= exp(high) * 1.001; value *= 10) {
		printf "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" class=\"grid\"/>\n", x(value),
			x(value), top - 8, bottom
		text(x(value), top - 13, "tick", value < 1000 ? value " ns" : value / 1000 " µs")
	}
}

function legend(i, at)
{
	at = left
	for (i = 1; i <= systems; i++) {
		printf "<rect x=\"%d\" y=\"44\" width=\"12\" height=\"12\" class=\"%s\"/>\n", at, kern[i]
		text(at + 18, 54.5, "label", title[kern[i]])
		at += 42 + length(title[kern[i]]) * 6.6
	}
}

# One group: its name at the left, three bars.
function draw(key, y, i, part, why)
{
	split(key, part, SUBSEP)
	text(left - 12, y + 1.5 * bar + 4.5, "name", part[2] (part[3] == "getppid" ? "" : ", " part[3]))
	for (i = 1; i <= systems; i++) {
		if ((kern[i] SUBSEP key) in ns) {
			printf "<rect x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" class=\"%s\"/>\n", left,
				y + (i - 1) * bar, x(ns[kern[i], key]) - left, bar - 1, kern[i]
			text(x(ns[kern[i], key]) + 5, y + i * bar - 2, "value", word(ns[kern[i], key]))
			continue
		}
		why = (kern[i], part[1]) in whole ? whole[kern[i], part[1]] : status[kern[i], key]
		if (why != "")
			text(left + 5, y + i * bar - 2, "refused", "refused: " why)
	}
}

function style()
{
	print "<style>"
	print "text { font: 12px system-ui, 'DejaVu Sans', sans-serif; fill: #1f2328 }"
	print ".title { font-size: 15px; font-weight: 600 } .abi { font-weight: 600 }"
	print ".name { text-anchor: end } .tick { text-anchor: middle; fill: #59636e; font-size: 11px }"
	print ".value { font-size: 10px; fill: #59636e } .refused { font-size: 10px; font-style: italic; fill: #59636e }"
	print ".grid { stroke: #d1d9e0 } .paper { fill: #ffffff }"
	print ".native { fill: #8c959f } .linux { fill: #d4a72c } .postern { fill: #0969da }"
	print "@media (prefers-color-scheme: dark) {"
	print "text { fill: #f0f6fc } .tick, .value, .refused { fill: #9198a1 }"
	print ".grid { stroke: #3d444d } .paper { fill: #0d1117 }"
	print ".native { fill: #7d8590 } .linux { fill: #e3b341 } .postern { fill: #4493f8 }"
	print "}\n</style>"
}

END {
	if (!rows)
		exit 1
	high = log(10 ^ int(log(most) / log(10) + 0.9999))
	for (i = 1; i <= rows; i++) {
		split(order[i], part, SUBSEP)
		abis += part[1] != last
		last = part[1]
	}
	height = top + rows * group + abis * 26 + 14
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\">\n",
		left + width + 70, height, left + width + 70, height
	print "<!-- Made by `make bench-gates`; do not edit. -->"
	print "<title>Time of one kern call by every entry: Linux natively, Linux in QEMU, Postern in QEMU</title>"
	style()
	printf "<rect class=\"paper\" width=\"100%%\" height=\"100%%\" rx=\"6\"/>\n"
	text(20, 26, "title", "One getppid, by every way into the kernel (logarithmic; shorter is better)")
	legend()
	axis(height - 10)
	y = top
	last = ""
	for (i = 1; i <= rows; i++) {
		split(order[i], part, SUBSEP)
		if (part[1] != last) {
			text(20, y + 14, "abi", part[1] == "x86_64" ? "x86-64 programs" : part[1] " programs")
			y += 26
		}
		last = part[1]
		draw(order[i], y)
		y += group
	}
	print "</svg>"
}

# SPDX-License-Identifier: MIT
# Input: kernel, mode (icount, time, host), row, value. Prints the table and writes the same figures
# to the file `json`.

# id|title|most (or id|title|unit|decimals|most): the rows in print order with the design's limits
# (section 7 and issue 2), in the unit of the row.
BEGIN {
	count = split("getppid_syscall|getppid, SYSCALL|120\n" \
		"unknown_syscall|an unknown number, SYSCALL|105\n" \
		"getppid_int80|getppid, INT 0x80|140\n" \
		"getppid_vsyscall|getppid, __kernel_vsyscall|150\n" \
		"gettime_vdso64|clock_gettime, vDSO 64-bit|60\n" \
		"gettime_vdso32|clock_gettime, vDSO 32-bit|130\n" \
		"gettime_syscall|clock_gettime, system call|190\n" \
		"pipe|1-byte write and read, pipe|700\n" \
		"mmap|mmap, touch, munmap a page|6000\n" \
		"fork|fork, exit, wait|60000\n" \
		"boot|boot to the program's start|", guest, "\n")
	hosts = split("boot_ms|boot to the program's start|ms|1|30\n" \
		"start_to_exit|start to exit of true|s|2|0.2\n" \
		"resident|resident memory of QEMU|MiB|0|80", host, "\n")
}

{ value[$1, $2, $3] = $4 }

function show(v, decimals)
{
	return v == "" ? "-" : sprintf("%." decimals "f", v)
}

function ratio(postern, linux)
{
	return postern == "" || linux == "" || linux + 0 == 0 ? "-" : sprintf("%.2f", postern / linux)
}

# Nothing when the limit holds, else by how much it is missed.
function missed(v, most)
{
	if (v == "" || most == "" || v + 0 <= most + 0)
		return ""
	return sprintf("  +%.0f%%", (v / most - 1) * 100)
}

function number(v)
{
	return v == "" ? "null" : v
}

function record(id, unit, linux, postern, most)
{
	printf "%s\n    {\"row\": \"%s\", \"unit\": \"%s\", \"linux\": %s, ", \
		records++ ? "," : "", id, unit, number(linux) > json
	printf "\"postern\": %s, \"at_most\": %s}", number(postern), number(most) > json
}

function guest_row(id, title, most,    l, p, lt, pt)
{
	l = value["linux", "icount", id]
	p = value["postern", "icount", id]
	lt = value["linux", "time", id]
	pt = value["postern", "time", id]
	printf line, title, show(l, 0), show(p, 0), ratio(p, l), most, show(lt, 0), show(pt, 0), \
		ratio(pt, lt), missed(p, most)
	record(id, "instructions", l, p, most)
	record(id "_ns", "ns", lt, pt, "")
}

function host_row(id, title, unit, decimals, most,    l, p)
{
	l = value["linux", "host", id]
	p = value["postern", "host", id]
	printf line, title ", " unit, show(l, decimals), show(p, decimals), ratio(p, l), most, \
		"", "", "", missed(p, most)
	record(id, unit, l, p, most)
}

END {
	line = "%-32s %11s %11s %6s %8s  %10s %10s %6s%s\n"
	printf "{\"rows\": [" > json
	printf line, "", "Linux", "Postern", "ratio", "at most", "Linux", "Postern", "ratio", ""
	printf "%-32s %39s %29s\n", "one round of the loop", "instructions (-icount shift=0)", \
		"nanoseconds (TCG)"
	for (i = 1; i <= count; i++) {
		split(guest[i], row, "|")
		guest_row(row[1], row[2], row[3])
	}
	for (k = 1; k <= 2; k++) {
		kernel = k == 1 ? "linux" : "postern"
		if (value[kernel, "time", "boot"] != "")
			value[kernel, "host", "boot_ms"] = value[kernel, "time", "boot"] / 1e6
	}
	for (i = 1; i <= hosts; i++) {
		split(host[i], row, "|")
		host_row(row[1], row[2], row[3], row[4], row[5])
	}
	print "\n]}" > json
}

#!/bin/sh
# SPDX-License-Identifier: MIT
# The guest tests under Postern on an Intel CPU, with one CPU and with two.
exec test/run-guest 'postern:x86_64:max;vendor=GenuineIntel:1' 'postern:i386:max;vendor=GenuineIntel:1' \
	'postern:x32:max;vendor=GenuineIntel:1' postern:x86_64:Skylake-Client:2 \
	postern:i386:Skylake-Client:2 postern:x32:Skylake-Client:2

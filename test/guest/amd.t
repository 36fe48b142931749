#!/bin/sh
# SPDX-License-Identifier: MIT
# The guest tests under Postern on an AMD CPU (QEMU's max is one under TCG), with one CPU and with two.
exec test/run-guest postern:x86_64:max:1 postern:i386:max:1 postern:x32:max:1 \
	postern:x86_64:EPYC:2 postern:i386:EPYC:2 postern:x32:EPYC:2

#!/bin/sh
# SPDX-License-Identifier: MIT
# The figures of doc/*.md are what tools/figures draws from the sources and the build. TAP.
echo 1..1
if tools/figures --check; then
	echo 'ok 1 - the figures are those of this tree'
else
	echo 'not ok 1 - run tools/figures'
fi

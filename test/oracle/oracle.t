#!/bin/sh
# SPDX-License-Identifier: MIT
# The guest tests of all ABIs under Debian's standard kernel. TAP; `make test-oracle`.
exec test/run-guest oracle:x86_64 oracle:i386 oracle:x32

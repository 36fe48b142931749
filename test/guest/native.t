#!/bin/sh
# SPDX-License-Identifier: MIT
# The guest tests on this host's own Linux. TAP; run by prove from the root of the checkout.
exec test/run-guest native:x86_64 native:i386 native:x32

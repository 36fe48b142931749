#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# A few seconds of random calls for each ABI. Long runs are by hand: build/postern run --cpus 2 -- build/fuzz/fuzz-calls-x86_64 --time 600. What a run found is
# found again by its seed: --seed S, or --child SEED for one child, with --trace for its calls.
# Environment: BUILD, GUEST_KERNEL (the debug build's, say), FUZZ_SEED, FUZZ_SECONDS (of each run).
use strict;
use warnings;
use Test::More;

my $build   = $ENV{BUILD} // 'build';
my $seed    = $ENV{FUZZ_SEED} // 1;
my $seconds = $ENV{FUZZ_SECONDS} // 2;
my $kernel  = $ENV{GUEST_KERNEL} // "$build/postern.elf";

sub run
{
	my ($abi) = @_;
	my $limit  = $seconds + 50;
	my $output = qx($build/postern run --cpus 2 --timeout $limit --kernel $kernel -w / -- \\
		$build/fuzz/fuzz-calls-$abi --seed $seed --time $seconds 2>&1 </dev/null);
	my $status = $? >> 8;
	my ($calls) = $output =~ /^fuzz-calls \w+: (\d+) calls/m;

	$output =~ s/\r?\n\z//;
	note $output;
	ok $status == 0 && $calls, "$abi, $kernel: no panic, hang or leak, seed $seed"
		or diag "status $status\n$output";
	cmp_ok $calls // 0, '>', 1000, "$abi, $kernel: calls were made";
}

run($_) for qw(x86_64 i386 x32);
done_testing;

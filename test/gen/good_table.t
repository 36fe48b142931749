#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# The real table is accepted, what is generated from it compiles as the kernel compiles it, with both
# compilers; the stubs do what they say; and no damage to a table makes the generator misbehave.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use GenTest;
use Test::More;

my @kernel = (qw(-std=gnu11 -O2 -ffreestanding -mcmodel=kernel -mno-red-zone -fno-pic),
	qw(-mgeneral-regs-only -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes),
	qw(-I. -Iarch/x86 -c));
my @host = (qw(-std=gnu11 -O1 -g -Wall -Wextra -Werror -I. -Iarch/x86),
	'-fsanitize=address,undefined', '-fno-sanitize-recover=all');
my @outputs = qw(coverage.txt sys_proto.h syscall_info.c syscall_info.h syscall_numbers.h
	syscall_stubs.c syscall_tables.c syscall_tables.h);

# Headers that say just what a table says: for tables of calls that nobody has.
sub headers_like
{
	my ($table, $to) = @_;
	my @lines = ('', '', '');

	for (split /\n/, slurp($table)) {
		my ($name, @numbers) = /^(\w+)\s+(\d+|-)\s+(\d+|-)\s+(\d+|-)\s/ or next;
		for my $abi (0 .. 2) {
			next if $numbers[$abi] eq '-';
			my $value = $abi == 2 ? "(__X32_SYSCALL_BIT + $numbers[2])" : $numbers[$abi];
			$lines[$abi] .= "#define __NR_$name $value\n";
		}
	}
	mkdir $to;
	spew("$to/unistd_" . (qw(64 32 x32))[$_] . '.h', $lines[$_]) for 0 .. 2;
}

# Builds and runs a test program of C, whose TAP becomes a subtest's; returns its output.
sub run_program
{
	my ($compiler, $name, $out, @sources) = @_;
	my $program = "$dir/$name.$compiler";
	my $text = '';

	subtest "$name by $compiler" => sub {
		is(system($compiler, @host, "-I$out", @sources, '-o', $program), 0, 'compiles');
		$text = `$program`;
		is($?, 0, 'ends well');
		ok($1 eq 'ok', $2) while $text =~ /^(ok|not ok) \d+ - (.*)$/mg;
		like($text, qr/^1\.\.\d+$/m, 'came to its end');
	};
	return $text;
}

sub check_compiler
{
	my ($compiler) = @_;
	my $gentbl = build_gentbl($compiler);
	my $out = "$dir/out.$compiler";

	ok($gentbl, "$compiler: builds without a warning") or return;
	my ($status, $stdout, $stderr) = gentbl($gentbl, '--table', 'abi/syscalls.tbl',
		'--unistd-dir', $unistd, '--check');
	is("$status$stdout$stderr", '0', 'the real table is good, in silence');
	($status, $stdout, $stderr) = gentbl($gentbl, '--table', 'abi/syscalls.tbl',
		'--unistd-dir', $unistd, '--out', "$out/deep");
	is("$status$stdout$stderr", '0', 'writes in silence, making the directory');
	is_deeply([ sort map { s/.*\///r } glob("$out/deep/*") ], \@outputs, 'just these files');
	for (qw(stubs tables info)) {
		is(system($compiler, @kernel, "-I$out/deep", "$out/deep/syscall_$_.c", '-o',
				"$dir/object"), 0, "syscall_$_.c compiles for the kernel");
	}
	my $text = run_program($compiler, 'info_test', "$out/deep", 'test/gen/info_test.c',
		"$out/deep/syscall_info.c");
	is(join('', $text =~ /^# (.*\n)/mg), slurp("$out/deep/coverage.txt"),
		'coverage.txt lists what the descriptors call implemented');

	headers_like('test/gen/widths.tbl', "$dir/widths");
	($status, $stdout, $stderr) = gentbl($gentbl, '--table', 'test/gen/widths.tbl',
		'--unistd-dir', "$dir/widths", '--out', $out);
	is("$status$stdout$stderr", '0', 'the table of all widths is good');
	run_program($compiler, 'stub_test', $out, 'test/gen/stub_test.c',
		map { "$out/syscall_$_.c" } qw(stubs tables info));
	return $gentbl;
}

# What did not change is not written again: make looks at the times.
sub check_unchanged
{
	my ($gentbl) = @_;
	my @arguments = ('--table', 'test/gen/good.tbl', '--unistd-dir', 'test/gen/unistd', '--out',
		"$dir/again");

	gentbl($gentbl, @arguments);
	utime 1, 1, "$dir/again/$_" for @outputs;
	spew("$dir/again/coverage.txt", 'old');
	my ($status) = gentbl($gentbl, @arguments);
	is($status, 0, 'written again');
	is_deeply([ grep { (stat "$dir/again/$_")[9] != 1 } @outputs ], ['coverage.txt'],
		'only what differs is written');
	isnt(slurp("$dir/again/coverage.txt"), 'old', 'and that is written');
}

# Damage: bytes changed, pieces cut, doubled, swapped. Never a signal, never a sanitizer's word.
sub check_damage
{
	my ($gentbl, $rounds) = @_;
	my @pieces = (' ', "\n", "\t", '(', ')', '[', ']', '*', ',', ':', '@', '=', '%', '#', '-',
		'in ', 'frame', '9' x 30, "\0", "\xff", 'x' x 5000);
	my $good = slurp('test/gen/good.tbl');
	my $bad = '';

	srand 1;
	for (1 .. $rounds) {
		my $text = $good;
		for (0 .. int rand 3) {
			my $at = int rand length $text;
			my $piece = rand() < 0.5 ? $pieces[rand @pieces]
				: substr($good, int rand length $good, int rand 40);
			substr($text, $at, int rand 8) = $piece;
		}
		spew("$dir/damaged.tbl", $text);
		my ($status, undef, $stderr) = gentbl($gentbl, '--table', "$dir/damaged.tbl",
			'--unistd-dir', 'test/gen/unistd', '--check');
		my $said = grep { !/^(\Q$dir\E\/damaged\.tbl|test\/gen\/unistd\/\S+):/ }
			split /\n/, $stderr;
		next if !$said && ($status eq '0' ? $stderr eq '' : $status eq '1' && $stderr ne '');
		$bad .= "status $status, stderr $stderr\n$text\n";
	}
	is($bad, '', "$rounds damaged tables: a message and status 1, or neither");
}

my @gentbl = map { check_compiler($_) } compilers();
check_unchanged($gentbl[0]);
check_damage($gentbl[0], 500);
done_testing();

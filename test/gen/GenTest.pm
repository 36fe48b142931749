# SPDX-License-Identifier: MIT
# What the tests of the table generator share: building it with every sanitizer, running it, and the
# places of things. No test writes into the tree.
package GenTest;

use strict;
use warnings;
use Cwd 'abs_path';
use Exporter 'import';
use File::Basename;
use File::Temp 'tempdir';

our @EXPORT = qw($root $dir $unistd build_gentbl gentbl slurp spew compilers);
our $root = abs_path(dirname(__FILE__) . '/../..');
our $dir = tempdir('postern-gen-XXXXXX', TMPDIR => 1, CLEANUP => 1);
our $unistd = '/usr/include/x86_64-linux-gnu/asm';
chdir $root or die "$root: $!";

# The compilers of this machine, of the two that must accept everything.
sub compilers
{
	return grep { system("command -v $_ >/dev/null") == 0 } qw(gcc clang);
}

# The generator under ASan and UBSan; returns its path, or undef when it does not compile.
sub build_gentbl
{
	my ($compiler) = @_;
	my $out = "$dir/gentbl.$compiler";
	my @command = ($compiler, qw(-std=gnu11 -O1 -g -Wall -Wextra -Werror -I.),
		'-fsanitize=address,undefined', '-fno-sanitize-recover=all', glob('tools/gen/*.c'),
		'-o', $out);

	return system(@command) == 0 ? $out : undef;
}

sub slurp
{
	my ($path) = @_;

	open my $file, '<', $path or return undef;
	local $/;
	return scalar <$file>;
}

sub spew
{
	my ($path, $text) = @_;

	open my $file, '>', $path or die "$path: $!";
	print $file $text;
	close $file or die "$path: $!";
}

# Runs it: (exit status or "signal N", stdout, stderr).
sub gentbl
{
	my ($program, @arguments) = @_;
	my $pid = fork();

	die "fork: $!" unless defined $pid;
	if (!$pid) {
		open STDOUT, '>', "$dir/stdout" or die;
		open STDERR, '>', "$dir/stderr" or die;
		exec $program, @arguments or die "$program: $!";
	}
	waitpid $pid, 0;
	return ($? & 127 ? 'signal ' . ($? & 127) : $? >> 8, slurp("$dir/stdout"),
		slurp("$dir/stderr"));
}

1;

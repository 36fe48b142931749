#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# `postern abi`: its text, its JSON and its errors; every number against the installed <asm/unistd_*.h>
# and every place of a handler against the sources. TAP; run by prove from the root of the checkout.
use strict;
use warnings;
use JSON::PP;
use Test::More;

my $postern = $ENV{POSTERN} // ($ENV{BUILD} // 'build') . '/postern';
my $uapi    = '/usr/include/x86_64-linux-gnu/asm';
my $err     = `mktemp`;
chomp $err;

# Output, error output and exit status.
sub abi
{
	my $quoted = join ' ', map { "'$_'" } @_;
	my $out    = `$postern abi $quoted 2> $err`;
	my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
	open(my $fh, '<', $err) or die;
	local $/;
	return ($out, scalar <$fh> // '', $status);
}

sub json { my ($out) = abi('--json', @_); return decode_json($out) }

my ($out, $errors, $status) = abi('openat');
is($status, 0, 'openat is a call');
like($out, qr/^int openat\(int dirfd, const char \*path, unsigned int oflags, mode_t mode\)$/m, 'prototype');
like($out, qr/^ +x86_64 +257 +syscall +rax +rdi +rsi +rdx +r10$/m, 'x86_64');
like($out, qr/^ +i386 +295 +int \$0x80 +eax +ebx +ecx +edx +esi$/m, 'i386 by INT 0x80');
like($out, qr/^ +syscall +eax +ebx +ebp +edx +esi$/m, 'i386 by SYSCALL: the second argument is in EBP');
like($out, qr/^ +x32 +1073742081 +syscall +rax +rdi/m, 'x32, with bit 30');
like($out, qr/^ +implemented: sys_openat, sys\/[a-z]+\.c:\d+$/m, 'the handler');

($out) = abi('i386', '5');
like($out, qr/^int open\(/, 'i386 5 is open');
unlike($out, qr/x86_64|x32/, 'and nothing else is shown');
($out) = abi('0x40000203');
like($out, qr/1073742339/, 'a number with bit 30 is x32\'s');
is(() = $out =~ /^\S.*\(/mg, 1, 'and only x32\'s');
is((abi('__NR_openat'))[0], (abi('openat'))[0], 'spelt __NR_openat');
is((abi('SYS_openat'))[0], (abi('openat'))[0], 'spelt SYS_openat');
($out) = abi('i386', 'pread64');
like($out, qr/int \$0x80 +eax +ebx +ecx +edx +esi,edi$/m, 'a split argument, low half first');
($out) = abi('i386', 'futex');
like($out, qr/sysenter +eax .* \(%ebp\)$/m, 'the sixth argument of SYSENTER is on the stack');
($out) = abi('time');
like($out, qr/call 0xffffffffff600400/, 'the vsyscall page');
like($out, qr/__vdso_time/, 'the vDSO');
($out) = abi('select', 'mmap');
is(() = $out =~ /^\S.*\(/mg, 4, 'a call with two prototypes is two blocks');

# --- what does not exist
($out, $errors, $status) = abi('nosuch');
is($status, 1, 'nosuch: status 1');
is($out, '', 'no output');
like($errors, qr/^postern: nosuch is no system call; did you mean \w+.*\?\n\z/, 'one line, and near names');
like((abi('opnat'))[1], qr/did you mean openat/, 'a letter left out');
like((abi('raed'))[1], qr/did you mean read/, 'two letters swapped');
like((abi('affinity'))[1], qr/did you mean sched_[gs]etaffinity/, 'a part of a name');
like((abi('x32', 'waitpid'))[1], qr/no system call of x32/, 'a call of another ABI');
is((abi('5000'))[2], 1, 'a number without a call');
is((abi('i386', '0x40000000'))[2], 1, 'bit 30 is not i386\'s');
is((abi('12abc'))[2], 1, 'not quite a number');
is((abi('99999999999999999999'))[2], 1, 'no number of 64 bits');
is((abi(''))[2], 1, 'an empty name');
is((abi('a' x 5000))[2], 1, 'a very long name');
($out, $errors, $status) = abi('read', 'nosuch');
is($status, 1, 'one of two is unknown');
like($out, qr/^ssize_t read/, 'the other is shown');
is((abi('--json', 'nosuch'))[0], "[]\n", 'no call in JSON');
is((abi('--abi', 'mips'))[2], 125, 'no such ABI');
is((abi('--missing', 'read'))[2], 125, '--missing takes no names');
is(system("$postern abi > /dev/full 2> $err") >> 8, 125, 'output that can\'t be written');

# --- all of them
my $all = json();
cmp_ok(scalar @$all, '>', 400, 'the whole table');
my $x32 = json('--abi', 'x32');
is((grep { !defined $_->{numbers}{x32} } @$x32), 0, '--abi x32: each has a number there');
is((grep { keys %{$_->{numbers}} != 1 } @$x32), 0, 'and only that one is shown');
my $missing = json('--missing');
is((grep { $_->{implemented} || !$_->{linux} } @$missing), 0, '--missing: what Linux has');
is(scalar @$missing, (grep { !$_->{implemented} && $_->{linux} } @$all), 'all of it');

for (['x86_64', 'unistd_64.h', 0], ['i386', 'unistd_32.h', 0], ['x32', 'unistd_x32.h', 0x40000000]) {
	my ($abi, $file, $bit) = @$_;
	my (%linux, %ours);
	open(my $fh, '<', "$uapi/$file") or die "$uapi/$file: $!";
	while (<$fh>) {
		$linux{$1} = $bit + $2 if /^#define __NR_(\w+) \(?(?:__X32_SYSCALL_BIT \+ )?(\d+)\)?/;
	}
	$ours{$_->{name}} = $_->{numbers}{$abi} for grep { defined $_->{numbers}{$abi} } @$all;
	# Our table may know calls that are newer than these headers, but none otherwise.
	is_deeply({ map { $_ => $ours{$_} } grep { exists $ours{$_} } keys %linux }, \%linux,
		"$abi: the numbers of $file");
}

my @lost;
for my $call (grep { $_->{implemented} } @$all) {
	my $line = '';
	if (defined $call->{file} && open(my $fh, '<', $call->{file})) {
		while (<$fh>) { $line = $_ if $. == $call->{line} }
	}
	push @lost, $call->{name} unless $line =~ /^long \Q$call->{handler}\E\(/;
}
is("@lost", '', 'every implemented call has a handler at its file and line');

# The generated stubs are what really picks registers: each register we name is in the stub.
my %stub;
open(my $fh, '<', ($ENV{BUILD} // 'build') . '/gen/syscall_stubs.c') or die;
while (<$fh>) { $stub{$1} = <$fh> . <$fh> if /^long (\w+)\(struct regs/ }
my @wrong;
my %wide = qw(ebx rbx ecx rcx edx rdx esi rsi edi rdi ebp rbp);
for my $call (grep { $_->{implemented} } @$all) {
	for my $way (grep { $_->{entry} eq 'syscall' && $_->{abi} eq 'x86_64' || $_->{entry} eq 'int80' }
		@{ $call->{entries} }) {
		my $body = $stub{"$way->{abi}_$call->{name}"} // '';
		my @used = $body =~ /regs->(\w+)/g;
		my @said = map { $wide{$_} // $_ } map { @$_ } @{ $way->{arguments} };
		push @wrong, "$way->{abi}_$call->{name}: @used / @said" if "@used" ne "@said";
	}
}
is("@wrong", '', 'the registers are those of the decode stubs');

unlink $err;
done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# `postern check`: the table and the JSON object agree, Postern does everything it promises, and a host
# without QEMU is told so. TAP; run by prove from the root of the checkout.
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

my $postern = $ENV{POSTERN} // ($ENV{BUILD} // 'build') . '/postern';
my $tmp     = $ENV{TMPDIR} = tempdir(CLEANUP => 1);
my $text    = `timeout 120 $postern check 2>&1`;
is($? >> 8, 0, 'Postern runs here');
my $json = decode_json(scalar `timeout 120 $postern check --json`);
my %way  = map { $_->{name} => $_ } @{ $json->{ways} };

is((grep { !$_->{postern} } @way{qw(x86_64 x86_64-int80 i386 i386-syscall x32 vsyscall)}), 0,
	'in Postern all ways work');
ok(!$way{'vsyscall-read'}{postern}, 'but the vsyscall page can\'t be read');
is($json->{vsyscall}{postern}, 'xonly', 'which is mode xonly');
ok($way{x86_64}{host}, 'this host runs 64-bit programs');
ok($json->{postern}{works}, 'it says that Postern works');
cmp_ok($json->{postern}{milliseconds}, '<', 60000, 'within a minute');
like($json->{qemu}, qr/^\d+\.\d+/, 'QEMU has a version');
for (@{ $json->{ways} }) {
	next if $_->{name} eq 'vsyscall-read';
	my ($host, $guest) = ($_->{host_status}, $_->{postern_status});
	like($text, qr/  \Q$host\E +\Q$guest\E/, "the table has $_->{name}");
}
my $only = grep { $_->{postern} && !$_->{host} } @{ $json->{ways} };
is(() = $text =~ /<- only Postern/g, $only, 'it marks what only Postern gives');

# The host's vsyscall mode is what its memory map says.
my ($maps) = `cat /proc/self/maps` =~ /^\S+ (\S+) .*\[vsyscall\]/m;
is($json->{vsyscall}{host_maps}, $maps // '', 'the map\'s word on the vsyscall page');

# Whether KVM works is whether a guest runs under it.
my $kvm = `timeout 60 $postern run --accel kvm --timeout 10 -- /bin/busybox true 2>&1` eq '' && $? == 0;
is(!!$json->{kvm}{works}, $kvm, 'KVM ' . ($kvm ? 'works' : 'does not work'));

$text = `PATH=/nowhere $postern check 2>&1`;
is($? >> 8, 1, 'without QEMU: status 1');
like($text, qr/^QEMU +no qemu-system-x86_64/m, 'it says why');
like($text, qr/^Postern +qemu-system-x86_64 is not installed/m, 'and what to do');
like($text, qr/^x86-64 program, syscall +yes +unknown/m, 'the host\'s column is filled all the same');
is(system("$postern check nonsense > /dev/null 2>&1") >> 8, 125, 'arguments are refused');
is(() = glob("$tmp/*"), 0, 'nothing is left behind');
done_testing();

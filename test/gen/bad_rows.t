#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Each kind of bad row, declaration and header: the small good table with one thing spoiled must be
# refused with exit status 1, its own single message at its own line, and nothing written.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use GenTest;
use Test::More;

my $good = slurp('test/gen/good.tbl');
my $headers = 'test/gen/unistd';
my $table = "$dir/bad.tbl";
my $gentbl = build_gentbl((compilers())[0]) or BAIL_OUT('the generator does not compile');

# The table with one piece replaced; the piece must be there exactly once.
sub spoil
{
	my ($from, $to) = @_;
	my $text = $good;
	my $count = () = $text =~ /\Q$from\E/g;

	die "'$from' is $count times in the good table" unless $count == 1;
	$text =~ s/\Q$from\E/$to/;
	return $text;
}

# Refused with just these lines on stderr.
sub is_refused_with
{
	my ($name, $text, $messages, $unistd) = @_;

	subtest $name => sub {
		spew($table, $text);
		for my $mode ([ '--out', "$dir/out" ], ['--check']) {
			my ($status, $stdout, $stderr) = gentbl($gentbl, '--table', $table,
				'--unistd-dir', $unistd, @$mode);
			is($status, 1, "@$mode: status");
			is($stderr, join('', map { "$_\n" } @$messages), 'the message');
			is($stdout, '', 'nothing on stdout');
		}
		ok(!-e "$dir/out", 'nothing written');
	};
}

# Line 0: the message is about the file as a whole.
sub is_refused
{
	my ($name, $text, $line, $message) = @_;

	is_refused_with($name, $text, [ $line ? "$table:$line: $message" : "$table: $message" ],
		$headers);
}

# name, what is replaced, by what, line, message
my @rows = (
	# columns
	[ 'too few columns', 'vserver 5 - -   enosys', 'vserver 5 - -', 13,
		'a row needs: name x86_64 i386 x32 prototype' ],
	[ 'one column', 'vserver 5 - -   enosys', 'vserver', 13,
		'a row needs: name x86_64 i386 x32 prototype' ],
	[ 'bad name', 'vserver 5', 'v-server 5', 13, "'v-server' is no name of a call" ],
	[ 'number is a word', 'vserver 5 -', 'vserver 5 x', 13,
		"vserver: i386 column 'x' is no number and no '-'" ],
	[ 'number is negative', 'vserver 5', 'vserver -5', 13,
		"vserver: x86_64 column '-5' is no number and no '-'" ],
	[ 'number overflows', 'vserver 5', 'vserver 99999999999999999999', 13,
		"vserver: x86_64 column '99999999999999999999' is no number and no '-'" ],
	[ 'x86_64 number out of range', 'vserver 5', 'vserver 512', 13,
		'vserver: x86_64 number 512 is out of range (0 to 511)' ],
	[ 'i386 number out of range', 'waitpid - 6', 'waitpid - 1000', 14,
		'waitpid: i386 number 1000 is out of range (0 to 511)' ],
	[ 'x32 number out of range', 'execve  4 0 512', 'execve 4 0 548', 12,
		'execve: x32 number 548 is out of range (0 to 547)' ],
	[ 'x32 number with bit 30', 'execve  4 0 512', 'execve 4 0 1073742336', 12,
		"execve: x32 column '1073742336' is no number and no '-'" ],
	[ 'in no ABI', 'vserver 5', 'vserver -', 13, 'vserver: no ABI has this call' ],
	[ 'x32 number below 512 of its own', 'waitpid - 6 -', 'waitpid - 6 9', 14,
		"waitpid: x32 number 9 is below 512 and not x86_64's number of this row" ],
	[ 'x32 number unlike x86_64\'s', 'open    1 3 1', 'open 1 3 2', 8,
		"open: x32 number 2 is below 512 and not x86_64's number of this row" ],

	# prototypes
	[ 'no prototype', 'enosys pid(pid pid, out int status, enum:whence:uint how)', '!', 14,
		"waitpid: unknown result type ''" ],
	[ 'unknown result', 'fd(path path', 'handle(path path', 8,
		"open: unknown result type 'handle'" ],
	[ 'result of a kind for arguments only', 'fd(path path', 'path(path path', 8,
		"open: unknown result type 'path'" ],
	[ 'no parenthesis', 'fd(path path', 'fd path path', 8,
		"open: a '(' must follow the result type" ],
	[ 'not closed', 'in strv envp)', 'in strv envp', 12,
		"execve: ',' or ')' expected at ''" ],
	[ 'no comma', 'path path, in strv argv', 'path path in strv argv', 12,
		"execve: ',' or ')' expected at 'in strv argv, in strv envp)'" ],
	[ 'comma at the end', 'in strv envp)', 'in strv envp,)', 12,
		"execve: an argument is missing at ')'" ],
	[ 'text behind', 'in strv envp)', 'in strv envp) twice', 12,
		"execve: text after the prototype: 'twice'" ],
	[ 'unknown type', 'mode mode)', 'mod mode)', 8, "open: unknown type 'mod'" ],
	[ 'unknown pointed type', 'out int status', 'out integer status', 14,
		"waitpid: unknown type 'integer'" ],
	[ 'unknown direction', 'out int status', 'into int status', 14,
		"waitpid: unknown direction 'into'" ],
	[ 'unknown direction of a set', 'out struct stat st', 'ou struct stat st', 9,
		"stat: unknown direction 'ou'" ],
	[ 'direction missing', 'in strv argv', 'strv argv', 12,
		'execve: type strv needs in, out or inout' ],
	[ 'direction too many', 'fd(path path', 'fd(in path path', 8,
		'open: type path takes no direction' ],
	[ 'argument without a name', 'mode mode)', 'mode)', 8,
		'open: an argument of type mode has no name' ],
	[ 'two arguments of one name', 'mode mode)', 'mode path)', 8,
		'open: two arguments are called path' ],
	[ 'set without a name', 'flags:open oflags', 'flags oflags', 8,
		'open: flags needs a name: flags:NAME' ],
	[ 'flags not declared', 'flags:open oflags', 'flags:opne oflags', 8,
		'open: flags:opne is not declared' ],
	[ 'struct not declared', 'struct stat st', 'struct sat st', 9,
		'stat: struct sat is not declared' ],
	[ 'bad base', 'enum:whence:uint', 'enum:whence:path', 14,
		"waitpid: 'path' cannot be the base of enum:whence" ],
	[ 'frame not first', 'mode mode)', 'frame)', 8, "open: unknown type 'frame'" ],

	# lengths
	[ 'length missing', "out buf[n] buf, size n)", "out buf buf, size n)", 7,
		'read: type buf needs a [length]' ],
	[ 'length of no argument', "out buf[n] buf, size n)", "out buf[m] buf, size n)", 7,
		"read: the length of buf is 'm', which is no argument" ],
	[ 'length is no count', "out buf[n] buf, size n)", "out buf[n] buf, path n)", 7,
		'read: the length of buf is n, which is no count' ],
	[ 'length behind a pointer', "out buf[n] buf, size n)", "out buf[n] buf, inout size n)", 7,
		'read: the length of buf is n, which is no count' ],
	[ 'length not behind a pointer', "out buf[n] buf, size n)", "out buf[*n] buf, size n)", 7,
		'read: the length of buf is n, which is no pointer to a count' ],
	[ 'length of a value', 'enum:whence:uint how', 'uint[pid] how', 14,
		'waitpid: a [length] stands only behind in, out or inout' ],
	[ 'length not closed', "out buf[n] buf, size n)", "out buf[n buf, size n)", 7,
		"read: a length is [N], [arg] or [*arg], with 'bytes' or without" ],
	[ 'length empty', "out buf[n] buf, size n)", "out buf[] buf, size n)", 7,
		"read: a length is [N], [arg] or [*arg], with 'bytes' or without" ],

	# registers
	[ 'seven arguments', 'fd(path path, flags:open oflags, mode mode)',
		'int(int a, int b, int c, int d, int e, int f, int g)', 8,
		'open: more than six arguments' ],
	[ 'seven with the frame', 'fd(path path, flags:open oflags, mode mode)',
		'int(frame, int a, int b, int c, int d, int e, int f)', 8,
		'open: more than six arguments' ],
	[ 'seven registers on i386', 'fd(path path, flags:open oflags, mode mode)',
		'int(int a, int b, int c, loff d, loff e)', 8,
		'open: e lies past the sixth register of i386' ],
	[ 'register out of range', 'mode mode)', '@7 mode mode)', 8,
		'open: @ needs a register from 1 to 6' ],
	[ 'register 0', 'mode mode)', '@0 mode mode)', 8, 'open: @ needs a register from 1 to 6' ],
	[ 'register used twice', 'mode mode)', '@2 mode mode)', 8,
		'open: register 2 of x86_64 is used twice' ],

	# handlers
	[ 'handler badly called', 'mode mode)', 'mode mode) =do_open', 8,
		"open: a handler is called sys_NAME, not 'do_open'" ],
	[ 'handler without a name', 'mode mode)', 'mode mode) =', 8,
		"open: a handler is called sys_NAME, not ''" ],
	[ 'handler with two prototypes', 'out struct stat st)', 'out struct stat st) =sys_open', 9,
		'stat: the parameters of sys_open differ in C from those at line 8' ],
	[ 'handler half implemented', 'enosys pid(pid pid, out int status, enum:whence:uint how)',
		'enosys int(path path, enum:whence:uint how, mode mode) =sys_open', 14,
		'waitpid: sys_open is enosys here but implemented at line 8' ],

	# rows against rows
	[ 'name twice in an ABI', 'waitpid - 6', 'read - 6', 14,
		'read has an i386 row already, at line 7' ],
	[ 'x86_64 number twice', 'vserver 5', 'vserver 4', 13,
		"vserver: x86_64 number 4 is execve's, at line 12" ],
	[ 'i386 number twice', 'waitpid - 6', 'waitpid - 5', 14,
		"waitpid: i386 number 5 is pread64's, at line 10" ],
	[ 'x32 number twice', 'waitpid - 6 -', 'waitpid - 6 512', 14,
		"waitpid: x32 number 512 is execve's, at line 12" ],
	[ 'gap nobody accounted for', '%gap i386 1     unused', '', 0,
		'i386 number 1 has no row and no %gap' ],
	[ 'gap over a row', '%gap i386 1     unused', '%gap i386 1-2 unused', 5,
		'this gap hides i386 number 2, read' ],
	[ 'gap past the end', '%gap i386 1     unused', "%gap i386 1 a\n%gap i386 7 b", 6,
		'this gap lies past the end of i386' ],

	# declarations
	[ 'gap without a reason', '%gap i386 1     unused', '%gap i386 1', 5,
		'a gap needs: %gap ABI FIRST[-LAST] reason' ],
	[ 'gap of no ABI', '%gap i386 1     unused', '%gap i486 1 unused', 5,
		'a gap needs: %gap ABI FIRST[-LAST] reason' ],
	[ 'gap backwards', '%gap i386 1     unused', '%gap i386 1-0 unused', 5,
		'a gap needs: %gap ABI FIRST[-LAST] reason' ],
	[ 'unknown declaration', '%gap i386 1     unused', '%hole i386 1 unused', 5,
		"unknown declaration '%hole'" ],
	[ 'declared twice', '%struct stat', '%struct stat stat', 4,
		'struct:stat is declared twice' ],
	[ 'declared but not used', '%struct stat', '%struct stat utsname', 4,
		'struct:utsname is declared but not used' ],
	[ 'bad character in a declaration', '%struct stat', '%struct stat, utsname', 4,
		"bad character ',' in a list of names" ],
);

is_refused($_->[0], spoil($_->[1], $_->[2]), $_->[3], $_->[4]) for @rows;
is_refused('an empty table', "# nothing\n", 0, 'no rows');
is_refused('a NUL byte', "read\0 0 2 0", 0, 'has a NUL byte at offset 4');

# Table against headers: here a message may be about the header.
my @headers = (
	[ 'name that the header does not have', 'vserver 5 - -', 'vsrever 5 - -',
		"$table:13: vsrever: test/gen/unistd/unistd_64.h does not have it",
		"test/gen/unistd/unistd_64.h:8: vserver (5) has no x86_64 row in $table" ],
	[ 'number that the header disagrees with', "waitpid - 6", 'waitpid - 1',
		"$table:13: waitpid: i386 number is 1 here, 6 at test/gen/unistd/unistd_32.h:8" ],
	[ 'x32 number that the header disagrees with', 'execve  4 0 512', 'execve  4 0 513',
		"$table:12: execve: x32 number is 513 here, 512 at test/gen/unistd/unistd_x32.h:7" ],
	[ 'call of the header without a row', 'waitpid - 6', '#',
		"test/gen/unistd/unistd_32.h:8: waitpid (6) has no i386 row in $table" ],
);

for (@headers) {
	my ($name, $from, $to, @messages) = @$_;
	my $text = spoil($from, $to);

	# The gaps follow, so that the numbers alone are well.
	$text =~ s/%gap i386 1 .*\n// if $to =~ /- 1$/;
	$text =~ s/4-511/4-512/ if $to =~ /513/;
	$text =~ s/%enum.*\n// if $to eq '#';
	is_refused_with($name, $text, \@messages, $headers);
}

# Headers that are missing or that nobody can read.
mkdir "$dir/unistd" or die;
my %header = map { $_ => slurp("$headers/unistd_$_.h") } qw(64 32 x32);

sub with_headers
{
	my ($name, $which, $text, $message) = @_;

	spew("$dir/unistd/unistd_$_.h", $header{$_}) for keys %header;
	if (defined $text) {
		spew("$dir/unistd/unistd_$which.h", $text);
	} else {
		unlink "$dir/unistd/unistd_$which.h";
	}
	is_refused_with($name, $good, ["$dir/unistd/unistd_$which.h$message"], "$dir/unistd");
}

with_headers('header missing', '32', undef, ': cannot read: No such file or directory');
with_headers('header without calls', 'x32', "#define X 1\n", ': defines no system calls');
with_headers('header with an odd number', '64', $header{64} . "#define __NR_more (1 + 2)\n",
	':9: cannot read the number of more');

# The command line.
for ([], ['--check'], [ '--table', $table ], [ '--table', $table, '--unistd-dir' ],
	[ '--table', $table, '--unistd-dir', $headers ],
	[ '--table', $table, '--unistd-dir', $headers, '--check', '--out', "$dir/out" ],
	[ '--table', $table, '--unistd-dir', $headers, '--check', '--odd' ])
{
	my ($status, $stdout, $stderr) = gentbl($gentbl, @$_);
	is($status, 2, "usage: @$_");
	like($stderr, qr/^usage: gentbl [^\n]*\n$/, 'one line of usage');
}
my ($status, $stdout, $stderr) = gentbl($gentbl, '--table', "$dir/none", '--unistd-dir', $headers,
	'--check');
is("$status $stderr", "1 $dir/none: cannot read: No such file or directory\n", 'no table');
spew($table, $good);
($status, $stdout, $stderr) = gentbl($gentbl, '--table', $table, '--unistd-dir', $headers, '--out',
	"$table/below");
is("$status $stderr", "1 $table/below: cannot make the directory: Not a directory\n",
	'no place for the output');

done_testing();

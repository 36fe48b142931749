#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Every `file:name` in doc/*.md names something that its file defines; every `folder/file` exists;
# and every relative link leads somewhere.
use strict;
use warnings;

my (@bad, $checked);

sub slurp
{
	my ($path) = @_;
	open(my $fh, '<', $path) or return undef;
	local $/;
	return scalar <$fh>;
}

# A definition: the name at the start of a line behind its type, a label, a macro, a structure.
sub defines
{
	my ($text, $name) = @_;
	$name =~ s/^struct //;
	return $text =~ /^(?:[a-zA-Z_][^;=]*[\s*])?\Q$name\E\s*\(/m
		|| $text =~ /^\s*\Q$name\E:/m
		|| $text =~ /^#define\s+\Q$name\E\b/m
		|| $text =~ /\b(?:struct|enum|union)\s+\Q$name\E\b/;
}

for my $doc ('README.md', glob('doc/*.md')) {
	my $text = slurp($doc) // next;
	(my $prose = $text) =~ s/^(```|    ).*$//mg;
	while ($prose =~ /`([a-z0-9_]+(?:\/[A-Za-z0-9_.-]+)+\.(?:c|h|S|t|tbl|md))(?::([^`]+))?`/g) {
		my ($file, $name) = ($1, $2);
		my $source = slurp($file);
		$checked++;
		if (!defined $source) {
			push @bad, "$doc: $file does not exist";
		} elsif (defined $name && !defines($source, $name)) {
			push @bad, "$doc: $file does not define $name";
		}
	}
	while ($text =~ /\]\((?!https?:)([^)#]+)/g) {
		my $link = $1;
		$checked++;
		(my $base = $doc) =~ s{[^/]*$}{};
		push @bad, "$doc: link to $link leads nowhere" unless -e "$base$link";
	}
}
print "1..2\n";
print $checked ? '' : 'not ', "ok 1 - there are names to check\n";
print @bad ? 'not ' : '', "ok 2 - all of them exist\n";
print "# $_\n" for @bad;

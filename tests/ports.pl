#!/usr/bin/perl
# ports.pl COUNT PID: keeps COUNT ports of loopback in a row for process PID, prints the first, and goes on in the
# background until that process is gone.
#
# They are kept by being bound, and not listened on: a bind(2) of anybody else's fails, whatever checkout or root
# directory he is in. Only SO_REUSEADDR is set afterwards, so a server that sets it too, as they all do, gets the
# port that it is told to take. The ports are below those that the kernel gives to outgoing connections, and above those of inject.py.
use strict;
use warnings;
use Socket;

my ($count, $pid) = @ARGV;
my @kept;
open my $random, '<', '/dev/urandom' or die "ports.pl: /dev/urandom: $!\n";

sub draw {
    read $random, my $bytes, 2;
    return 20000 + unpack('S', $bytes) % (32000 - 20000 - $count);
}

# Bound for 127.0.0.1 and, where there is one, ::1.
sub keep {
    my ($port) = @_;
    for my $address (pack_sockaddr_in($port, INADDR_LOOPBACK), eval { pack_sockaddr_in6($port, Socket::IN6ADDR_LOOPBACK()) }) {
        my $family = sockaddr_family($address);
        socket(my $s, $family, SOCK_STREAM, 0) or next;
        if (!bind($s, $address)) {
            return 0 if $!{EADDRINUSE};
            next;
        }
        setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1) or return 0;
        push @kept, $s;
    }
    return 1;
}

my $first;
for my $try (1 .. 1000) {
    @kept = ();
    my $from = draw();
    next if grep { !keep($_) } $from .. $from + $count - 1;
    $first = $from;
    last;
}
die "ports.pl: no $count free ports in a row\n" if !defined $first;

my $child = fork();
die "ports.pl: fork: $!\n" if !defined $child;
if ($child) {
    print "$first\n";
    exit 0;
}
open STDIN, '<', '/dev/null';
open STDOUT, '>', '/dev/null';
open STDERR, '>', '/dev/null';
sleep 1 while kill 0, $pid;

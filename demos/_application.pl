package Application;

# _application.py in Perl, as a mod_perl handler: the same pages, in Apache's own words.

use strict;
use warnings;
use Apache2::RequestRec ();
use Apache2::RequestIO  ();
use Apache2::Const -compile => 'OK';
use APR::Table ();
use Time::HiRes ();

use constant MOST_BYTES => 1 << 30;

sub answer {
    my ($r, $status, $body) = @_;
    $r->status($status);
    $r->content_type('text/plain');
    my $told = $status < 400 ? $r->headers_out : $r->err_headers_out;
    $told->set('X-Worker-Pid' => $$);
    if ($status != 204 && $status != 304) {
        $r->headers_out->set('Content-Length' => length $body);
        $r->print($body) unless $r->header_only;
    }
}

sub big {
    my ($r, $left, $told) = @_;
    $left = MOST_BYTES if $left > MOST_BYTES;
    $r->content_type('text/plain');
    $r->headers_out->set('X-Worker-Pid' => $$);
    $r->headers_out->set('Content-Length' => $left) if $told;
    for (; $left > 0 && !$r->header_only; $left -= 65536) {
        $r->print('x' x ($left < 65536 ? $left : 65536));
    }
}

sub echo {
    my ($r) = @_;
    my $body = '';
    while ($r->read(my $piece, 65536)) { $body .= $piece }
    answer($r, 200, $body);
}

sub error {
    my ($r) = @_;
    print STDERR "demo: /error was asked of process $$\n";
    answer($r, 500, "error\n");
}

sub handler {
    my ($r) = @_;
    my %query = ((bytes => 100000, ms => 200, code => 204), map { split /=/, $_, 2 } split /&/, $r->args // '');
    my $path = $r->uri;
    if (grep { !/^\d+$/ } @query{qw(bytes ms code)}) { answer($r, 400, "not a number\n") }
    elsif ($path eq '/') { answer($r, 200, "Hello from process $$\n") }
    elsif ($path eq '/slow') {
        my $ms = $query{ms} < 60000 ? $query{ms} : 60000;
        Time::HiRes::sleep($ms / 1000);
        answer($r, 200, "slow\n");
    }
    elsif ($path eq '/big')    { big($r, $query{bytes}, 1) }
    elsif ($path eq '/stream') { big($r, $query{bytes}, 0) }    # without a Content-Length
    elsif ($path eq '/echo')   { echo($r) }
    elsif ($path eq '/status') { answer($r, $query{code}, "status\n") }
    elsif ($path eq '/error')  { error($r) }
    elsif ($path eq '/crash')  { kill 'KILL', $$ }    # as the OOM killer does
    else                       { answer($r, 404, "not found\n") }
    return Apache2::Const::OK;
}

1;

#!/usr/bin/env python3
"""run.py: refreshes per second of latchkey, of the servers that people install, of those that a good engineer writes, and of the
limit, by one client (bench/load.c), at 1, 8 and 64 keep-alive connections: `make bench-peers`.

Each is up alone while it is measured, and the rounds go round them, so that what else the machine does falls on all. Its refresh is
first looked at for being one (right.py). SECONDS (of a run, 2) and ROUNDS (3) may be given in the environment, and words of
rows as arguments, which are then printed beside latchkey and written nowhere. Else it writes bench/data/rates.tsv, and its
parts of README.md, docs/benchmarks.md and docs/scaling.md, in figures and in words.
"""
import collections
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import textwrap
import time

import right
import roster
from peer import BUILD, NODE, TOP, postgres_programs

SECONDS = os.environ.get('SECONDS', '2')
ROUNDS = int(os.environ.get('ROUNDS', '3'))
CONNECTIONS = [1, 8, 64]
SESSIONS = max(CONNECTIONS) + 2

# One row: rates, 50th and 99th percentile, and µs of processor at each number of connections, and how many times as many latchkey makes; None
# where it failed.
Row = collections.namedtuple('Row', 'name kind loses kept rates p50 p99 cpu ratios')
# Columns of a line of the load, and of what is added to it.
RATE, P50, P99, CPU = 1, 2, 3, 6


# ---- the rounds --------------------------------------------------------------

def check(peer):
    found = right.faults(peer) if peer.chains else []
    if found:
        raise RuntimeError(f'{peer.name}: {"; ".join(found)}')


def timed(peer, count):
    """A line of the load, and behind it the server's µs of processor for each answer: those don't depend on what else the machine does."""
    peer.renew()
    before = peer.processor()
    line = peer.load(['-c', str(count), '-d', SECONDS])
    return line and [*line, (peer.processor() - before) * 1e6 / line[0]]


def turn(peer, first):
    """A peer's turn of a round: lines of the load, one for each number of connections."""
    peer.start()
    try:
        peer.ready()
        if first:
            check(peer)
        peer.load(['-c', '8', '-d', peer.warm])
        return [timed(peer, count) for count in CONNECTIONS]
    finally:
        peer.stop()


def rounds(peers):
    lines = collections.defaultdict(list)
    for i in range(ROUNDS):
        for peer in peers:
            lines[peer.name].append(turn(peer, i == 0))
        print(f'peers: round {i + 1} of {ROUNDS} is done', file=sys.stderr)
    return lines


def middle(lines, at, column):
    values = [turns[at] and turns[at][column] for turns in lines]
    return None if None in values else statistics.median(values)


def ratio(ours, theirs, at):
    """The median of what each round says, since a round is one time of the machine."""
    pairs = [(a[at], b[at]) for a, b in zip(ours, theirs)]
    return None if any(a is None or b is None for a, b in pairs) else statistics.median(a[RATE] / b[RATE] for a, b in pairs)


def row_of(peer, lines, ours):
    places = range(len(CONNECTIONS))
    return Row(peer.name, peer.kind, peer.loses, peer.kept, *([middle(lines, at, column) for at in places] for column in (RATE, P50, P99, CPU)),
               [ratio(ours, lines, at) for at in places])


# ---- in figures ---------------------------------------------------------------

def number(value, digits=0):
    return 'fails' if value is None else f'{value:.{digits}f}'


def three(values):
    *first, last = map(number, values)
    return f'{", ".join(first)} and {last}'


def times(values):
    return ', '.join(number(value, 1 if value and value >= 0.995 else 2) for value in values)


def table(rows):
    lines = ['| | ' + ' | '.join(f'refreshes/s at {count}' for count in CONNECTIONS) + ' | latchkey makes, times | p50 / p99 ms at 8 | at 64 | µs of processor at 8 | a power cut takes |',
             '|---' * (len(CONNECTIONS) + 6) + '|']
    titles = {roster.LATCHKEY: 'latchkey', roster.LIMIT: 'the limit', roster.INSTALLED: 'what people install', roster.WRITTEN: 'what a good engineer writes'}
    for kind, title in titles.items():
        lines.append(f'| **{title}** |' + ' |' * (len(CONNECTIONS) + 5))
        lines += ['| ' + ' | '.join([row.name, *(number(rate) for rate in row.rates), times(row.ratios), *(f'{number(row.p50[at], 2)} / {number(row.p99[at], 1)}' for at in (1, 2)), number(row.cpu[1]), row.loses]) + ' |'
                  for row in rows if row.kind == kind]
    return '\n'.join(lines)


def tsv(rows):
    lines = ['name\tkind\tkept\t' + '\t'.join(f'{figure} at {count}' for figure in ('rate', 'p50 ms', 'p99 ms', 'cpu us', 'ratio') for count in CONNECTIONS)]
    lines += ['\t'.join([row.name, row.kind, 'kept' if row.kept else 'not kept', *(number(value, 0) for value in row.rates),
                         *(number(value, 3) for value in (*row.p50, *row.p99, *row.cpu, *row.ratios))]) for row in rows]
    return '\n'.join(lines) + '\n'


# ---- in words -------------------------------------------------------------------

def fastest(rows, kind, durable=False):
    """At each number of connections: the row of this kind that makes the most, of those that keep their sessions on disk, or that are durable."""
    kept = [row for row in rows if row.kind == kind and row.kept and (not durable or row.loses in roster.DURABLE)]
    return [max(kept, key=lambda row, at=at: row.rates[at] or 0) for at in range(len(CONNECTIONS))]


def shares(over, under):
    """Each of the first as a share of the second."""
    return [None if not a or not b else a / b for a, b in zip(over, under)]


def named(best):
    """Rates of the best at each number of connections, and whose they are."""
    names = list(dict.fromkeys(row.name for row in best))
    rates = three([row.rates[at] for at, row in enumerate(best)])
    return f'{rates} ({" and ".join(names)})'


def aims(rows):
    by_name = {row.name: row for row in rows}

    def of_best(durable):
        return [row.ratios[at] for at, row in enumerate(fastest(rows, roster.INSTALLED, durable))]
    listed = [('as a share of nginx\'s empty answers', [0.75, 0.40, 0.50], shares(by_name[roster.REFERENCE].rates, by_name[roster.LIMIT_NAME].rates)),
              ('times the fastest that people install and that keeps its sessions on disk', [4, 8, 12], of_best(False)),
              ('times the fastest of those that lose nobody to a power cut, as latchkey loses nobody', [4, 8, 12], of_best(True)),
              ('times Go with a row per token', [2, 5, 5], by_name['Go, a row per token'].ratios)]
    return '\n'.join(['| `latchkey serve --workers 1` at 1, 8, 64 | wanted | in this run |', '|---|---|---|',
                      *(f'| {title} | {times(wanted)} | {times(got)} |' for title, wanted, got in listed)])


def summary(rows):
    by_name = {row.name: row for row in rows}
    ours = by_name[roster.REFERENCE]
    best, engineer = fastest(rows, roster.INSTALLED), fastest(rows, roster.WRITTEN)
    cgi = shares(by_name[roster.CGI].rates, by_name[roster.EMPTY_CGI].rates)
    return (f'`latchkey serve --workers 1` makes {three(ours.rates)} refreshes a second at 1, 8 and 64 keep-alive connections. '
            f'The fastest that people install and that keeps its sessions on disk makes {named(best)}; '
            f'of those that lose nobody to a power cut, as latchkey loses nobody, {named(fastest(rows, roster.INSTALLED, durable=True))}; '
            f'the fastest that a good engineer writes, {named(engineer)}. '
            f'It is {times(shares(ours.rates, by_name[roster.LIMIT_NAME].rates))} of what nginx makes of empty answers. '
            f'As a CGI program, a process for each refresh, latchkey makes {times(cgi)} of a program that does nothing.')


def readme(rows):
    by_name = {row.name: row for row in rows}
    best = fastest(rows, roster.INSTALLED)
    return (f'`latchkey serve --workers 1` makes {three(by_name[roster.REFERENCE].rates)} refreshes a second at 1, 8 and 64 connections. On the same machine, the '
            f'fastest server that people install and that keeps its sessions on disk makes {named(best)}; one written for it in Go '
            f'{three(by_name["Go, a row per session, grouped commits"].rates)}; nginx, of empty answers, {three(by_name[roster.LIMIT_NAME].rates)}.')


def scaling(rows):
    by_name = {row.name: row for row in rows}
    ours, two = by_name[roster.REFERENCE], by_name['latchkey serve --workers 2']
    return (f'By `serve --workers 1` it is {three(ours.rates)} refreshes a second at 1, 8 and 64 connections, so {ours.rates[1] * 900 / 1e6:.0f} million apps that are open at 8; '
            f'by `--workers 2` {three(two.rates)}. The limit of one process on this machine, nginx with empty answers, is {three(by_name[roster.LIMIT_NAME].rates)}.')


def wrapped(text):
    return textwrap.fill(text, 150, break_long_words=False, break_on_hyphens=False)


def fill(path, part, text):
    """Puts text between the marks of a part of a page."""
    name = f'{TOP}/{path}'
    page = open(name).read()
    found = re.compile(f'(<!-- {part} -->\n).*(<!-- end of {part} -->)', re.S)
    if not found.search(page):
        raise RuntimeError(f'{path} has no part {part}')
    with open(name, 'w') as out:
        out.write(found.sub(lambda m: f'{m.group(1)}{text}\n{m.group(2)}', page))


def said(argv):
    run = subprocess.run(argv, capture_output=True, text=True, check=True)
    return re.search(r'[0-9]+\.[0-9][0-9.]*', run.stdout + run.stderr).group()


def versions():
    packages = json.load(open(BUILD + '/package-lock.json'))['packages']
    names = ('express', 'fastify', 'better-sqlite3', 'pg', '@node-oauth/oauth2-server', 'oidc-provider', 'better-auth')
    listed = [f'{name} {packages["node_modules/" + name]["version"]}' for name in names]
    debian = dict(line.split() for line in open(BUILD + '/debian/versions'))
    listed += [f'{name} {debian[package].rpartition(":")[2]}' for name, package in
               (('glewlwyd', 'glewlwyd'), ('Django', 'python3-django'), ('django-oauth-toolkit', 'python3-django-oauth-toolkit'), ('Go', 'golang-1.19-go'), ('golang-jwt', 'golang-github-golang-jwt-jwt-dev'), ('go-sqlite3', 'golang-github-mattn-go-sqlite3-dev'),
                ('lua-nginx-module', 'libnginx-mod-http-lua'), ('Redis', 'redis-server'))]
    header = re.search('SQLITE_VERSION +"([^"]*)"', open(BUILD + '/sqlite/sqlite3.h').read()).group(1)
    return (f'Node {said([NODE, "--version"])}, {", ".join(listed)}, nginx {said(["/usr/sbin/nginx", "-v"])}, PostgreSQL {said([postgres_programs() + "/postgres", "--version"])}; '
            f'SQLite {header} in those of Go and Lua.')


def host():
    return f'{os.uname().sysname} {os.uname().machine} {os.uname().release}, {os.cpu_count()} cores, {time.strftime("%Y-%m-%d")}.'


def heading():
    return (f'{host()} '
            f'{ROUNDS} rounds of {SECONDS} s, of which these are the medians. latchkey {said([TOP + "/latchkey", "version"])}, {versions()}')


def write_down(rows):
    with open(TOP + '/bench/data/rates.tsv', 'w') as out:
        out.write(tsv(rows))
    fill('docs/benchmarks.md', 'rates', '\n\n'.join([wrapped(heading()), table(rows), aims(rows), wrapped(summary(rows))]))
    fill('README.md', 'rates', wrapped(readme(rows)))
    fill('docs/scaling.md', 'rates', wrapped(scaling(rows)))


# ---- the whole --------------------------------------------------------------------

def names_of(words):
    if not words:
        return [name for name in roster.ROSTER if name not in roster.PROBED]
    return list(dict.fromkeys([roster.REFERENCE, *roster.wanted(words, roster.ROSTER)]))


def measure(peers):
    for peer in peers:
        peer.tokens = peer.seed(SESSIONS)
        peer.stop()
    lines = rounds(peers)
    return [row_of(peer, lines[peer.name], lines[peers[0].name]) for peer in peers]


def main(words):
    os.chdir(TOP)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    missed = [fault for fault, seen in right.controls() if not seen]
    if missed:
        raise RuntimeError(f'the check of a refresh is wrong of: {", ".join(missed)}')
    begun = time.monotonic()
    peers = []
    try:
        for name in names_of(words):
            peers.append(roster.made(name))
        rows = measure(peers)
    finally:
        for peer in peers:
            peer.stop()
            peer.discard()
    print(table(rows))
    if not words:
        write_down(rows)
    print(f'peers: {time.monotonic() - begun:.0f} s', file=sys.stderr)


if __name__ == '__main__':
    main(sys.argv[1:])

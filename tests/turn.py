"""turn.py: is anybody waited for while a process has the store's turn? Traces of strace -ff, one process each, are read for that.

    turn.py LATCHKEY DIR faces TRACES      each route by inetd, SCGI, serve and workers, each verb that uses the store
    turn.py SHIM DIR control TRACES        a refresh by inetd and by serve
    turn.py LATCHKEY DIR slow              who reads slowly, through a pipe of 4 KiB, while others refresh

The turn is held from a flock(LOCK_EX) that succeeded until LOCK_UN or close. In that time a process may not read, write or poll a
descriptor of its peer: 0, 1 and 2, or a socket; but for what can't wait, which is poll with a timeout of 0, MSG_DONTWAIT, and a
connection that was accepted as non-blocking. Nor may it wait for the next event. One line for each face and route: how many turns were
taken, and what was seen, or "none".
"""
import fcntl
import glob
import itertools
import os
import re
import shutil
import socket
import subprocess
import sys

from late import DIR, ENV, LATCHKEY, PASSWORD, forget_tries, free_port, http, login, refresh, refresh_body, scgi, to_json, until, variables

numbers = itertools.count()
STRACE = shutil.which("strace")
# The first prctl is PR_SET_DUMPABLE, after which strace without root's rights could read no path.
TRACE = [STRACE, "-ff", "-s", "80", "-e", "inject=prctl:retval=0:when=1", "-e",
         "trace=flock,close,read,write,readv,writev,poll,ppoll,recvfrom,recvmsg,sendto,sendmsg,accept,accept4,epoll_wait,epoll_pwait,shutdown,dup2,prctl"]
WAITS = re.compile(r"(?:(?:read|write)v?\([012],|p?poll\(\[\{fd=[012],|(?:recvfrom|recvmsg|sendto|sendmsg|shutdown)\((\d+),|epoll_p?wait\()")
AT_ONCE = re.compile(r"MSG_DONTWAIT|\], \d+, 0\)|tv_sec=0, tv_nsec=0\}")


def read_trace(path):
    """How many turns the process took, and the calls that might have waited in one."""
    held, turns, seen, free = None, 0, [], set()
    with open(path, errors="replace") as trace:
        for line in trace:
            if took := re.match(r"flock\((\d+), LOCK_EX(?:\|LOCK_NB)?\) += 0", line):
                held, turns = took[1], turns + 1
            elif held and re.match(rf"flock\({held}, LOCK_UN|close\({held}\)", line):
                held = None
            if taken := re.match(r"accept4\(.*SOCK_NONBLOCK.*\) += (\d+)", line):
                free.add(taken[1])
            wait = WAITS.match(line) if held else None
            if wait and wait[1] not in free and not AT_ONCE.search(line):
                seen.append(line.strip()[:120])
    return turns, seen


def judge(name, prefix):
    turns, seen = 0, []
    for path in glob.glob(f"{prefix}.*"):
        more = read_trace(path)
        turns, seen = turns + more[0], seen + more[1]
        os.remove(path)
    print(name, turns, "; ".join(seen[:3]) or "none", sep="\t")
    return turns


def routes():
    """(name, method, path, body, headers) of each route, well and refused; each has what it needs when its turn comes."""
    bearer = lambda: f"Authorization: Bearer {login()['access_token']}\r\n"
    yield "refresh", "POST", "/refresh", refresh_body(login()["refresh_token"], "turn"), ""
    spent = login()["refresh_token"]
    later = refresh(spent, "one")[1]
    refresh(later, "two")
    yield "reuse", "POST", "/refresh", refresh_body(spent, "three"), ""
    yield "me", "GET", "/me", b"", bearer()
    yield "sessions", "GET", "/sessions", b"", bearer()
    yield "audit", "GET", "/audit", b"", bearer()
    yield "verify", "GET", "/verify?live=1", b"", bearer()
    yield "health", "GET", "/health", b"", ""
    yield "login", "POST", "/login", to_json(username="demo", password=PASSWORD), ""
    yield "login refused", "POST", "/login", to_json(username="demo", password="wrong horse"), ""
    yield "register", "POST", "/register", to_json(username=f"turn{os.getpid()}-{next(numbers)}", password=PASSWORD), ""
    yield "taken", "POST", "/register", to_json(username="demo", password=PASSWORD), ""
    yield "end one", "DELETE", "/sessions/0123456789abcdef", b"", bearer()
    yield "end others", "DELETE", "/sessions", b"", bearer()
    yield "password", "POST", "/password", to_json(access_token=login()["access_token"], current_password=PASSWORD, new_password=PASSWORD), ""
    link = subprocess.run([LATCHKEY, "user", "invite", f"linked{os.getpid()}-{next(numbers)}", "--url", "https://example.org", "--dir", DIR], capture_output=True, text=True, timeout=60)
    ticket = link.stdout.strip().split("#link=")[1]
    yield "link", "POST", "/password/link", to_json(ticket=ticket, new_password=PASSWORD), ""
    yield "link, used", "POST", "/password/link", to_json(ticket=ticket, new_password=PASSWORD + " 2"), ""
    yield "logout", "POST", "/logout", to_json(refresh_token=login()["refresh_token"]), ""


VERBS = (("user add", f"{PASSWORD}\n", "user", "add", "ann"), ("user passwd", f"{PASSWORD} 3\n", "user", "passwd", "ann"),
         ("user set", '{"plan":"pro"}', "user", "set", "ann", "subscription", "-"), ("user list", "", "user", "list", "--json"),
         ("session list", "", "session", "list", "--all"), ("session revoke", "", "session", "revoke", "--user", "ann"),
         ("user invite", "", "user", "invite", "bea", "--url", "https://example.org"), ("user link", "", "user", "link", "bea", "--url", "https://example.org"),
         ("user totp", "", "user", "totp", "ann", "off"), ("user disable", "", "user", "disable", "ann"), ("user enable", "", "user", "enable", "ann"), ("user delete", "", "user", "delete", "ann"),
         ("key stage", "", "key", "stage"), ("key import", "00" * 31 + "01\n", "key", "import"), ("key rotate", "", "key", "rotate"),
         ("key retire", "", "key", "retire", "--old"), ("audit", "", "audit", "--json"), ("check", "", "check"), ("check --repair", "", "check", "--repair"))


def once(prefix, request):
    """A process with a socket as its fds 0 and 1."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        connection, _ = server.accept()
        with connection:
            program = subprocess.Popen([*TRACE, "-o", prefix, LATCHKEY], stdin=connection, stdout=connection, env=ENV)
        client.sendall(request)
        while client.recv(65536):
            pass
        program.wait(60)


class Traced:
    """latchkey serve under strace, which is its child, so that the listener is what is ended."""

    def __init__(self, prefix, *words):
        self.port, self.workers = free_port(), bool(words)
        self.process = subprocess.Popen([TRACE[0], "-D", *TRACE[1:], "-o", prefix, LATCHKEY, "serve", f"127.0.0.1:{self.port}", *words], env=ENV,
                                        stdout=subprocess.DEVNULL)
        until(lambda: b" 200 " in self.ask(http("GET", "/health", more="Connection: close\r\n")))

    def ask(self, request):
        answer = b""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=60) as s:
                s.sendall(request)
                while piece := s.recv(65536):
                    answer += piece
        except OSError:
            pass
        return answer

    def end(self):
        self.process.terminate()
        self.process.wait(60)


def last_request(method, path, body, more):
    return http(method, path, body, more + "Connection: close\r\n")


def faces(traces):
    for name, form in (("inetd", last_request), ("scgi", by_scgi)):
        for route, *parts in routes():
            forget_tries()
            once(f"{traces}/one", form(*parts))
            judge(f"{name} {route}", f"{traces}/one")
    for name, words in (("serve", ()), ("workers", ("--workers", "1"))):
        face = Traced(f"{traces}/many", *words)
        for _, *parts in routes():
            forget_tries()
            face.ask(last_request(*parts))
            face.ask(last_request(*parts) + b"X")
        face.end()
        judge(name, f"{traces}/many")
    for verb, give, *words in VERBS:
        subprocess.run([*TRACE, "-o", f"{traces}/one", LATCHKEY, *words, "--dir", DIR], input=give, text=True, capture_output=True, timeout=120)
        judge(f"verb {verb}", f"{traces}/one")


def by_scgi(method, path, body, more):
    path, _, query = path.partition("?")
    named = {"QUERY_STRING": query}
    if more:
        named["HTTP_AUTHORIZATION"] = more.partition(": ")[2].strip()
    return scgi(method, path, body, named)


def control(traces):
    once(f"{traces}/one", last_request("POST", "/refresh", refresh_body(login()["refresh_token"], "turn"), ""))
    judge("inetd", f"{traces}/one")
    face = Traced(f"{traces}/many")
    face.ask(last_request("POST", "/refresh", refresh_body(login()["refresh_token"], "turn"), ""))
    face.end()
    judge("serve", f"{traces}/many")


def through_pipe(words, environment):
    """Started with a pipe of 4 KiB for its output, of which nothing is read: (process, pipe) once that is full, or it has ended."""
    read, write = os.pipe()
    fcntl.fcntl(write, 1031, 4096)              # F_SETPIPE_SZ
    process = subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, stdout=write, stderr=subprocess.DEVNULL)
    os.close(write)
    until(lambda: process.poll() is not None or full(read))
    return process, read


def full(pipe):
    waiting = bytearray(4)
    fcntl.ioctl(pipe, 0x541B, waiting)          # FIONREAD
    return int.from_bytes(waiting, sys.byteorder) >= 4096


def slow():
    """Long answers that nobody reads, by CGI and by verbs: an honest refresh is answered meanwhile, and then the rest is there."""
    token = login()
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {token['access_token']}"}
    for _ in range(40):
        login()
    readers = [("GET /sessions", [LATCHKEY], variables("GET", "/sessions", b"", bearer)), ("GET /audit", [LATCHKEY], variables("GET", "/audit", b"", bearer))]
    for words in ("session list --all --json", "audit --json"):
        readers.append((words, [LATCHKEY, *words.split(), "--dir", DIR], ENV))
    started = [(name, *through_pipe(words, environment)) for name, words, environment in readers]
    status, next_one = refresh(token["refresh_token"], "slow")
    for name, process, pipe in started:
        waits = process.poll() is None
        with os.fdopen(pipe, "rb") as f:
            rest = len(f.read())
        process.wait(60)
        print(name, "waited" if waits else "ended early", "more" if rest > 4096 else f"no more than {rest}", process.returncode, sep="\t")
    print("refresh", status, sep="\t")


if __name__ == "__main__":
    {"faces": faces, "control": control, "slow": slow}[sys.argv[3]](*sys.argv[4:])

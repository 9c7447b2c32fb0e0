"""late.py LATCHKEY DIR: requests that come before their processes late, behind others of the same client.

A server is stopped (SIGSTOP). A client sends it a request and gives up, by closing; it asks for the same elsewhere, by CGI, and goes
on. Then the server is continued: what it finds waiting mustn't be carried out. Or the network keeps the request, and brings it when the client
has long gone on, and its end a moment after it. Each face in its turn; lines of TAP, and in the end "tried N", in how many of them a
client had gone. With the word "refreshes" nothing but that is tried, with "kept" what the network has kept.
"""
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

LATCHKEY, DIR = sys.argv[1:3]
PASSWORD = "correct horse"
ENV = {"LATCHKEY_DIR": DIR, **{name: os.environ[name] for name in ("LK_SHIM", "ASAN_OPTIONS") if name in os.environ}}
BASE = "/api/auth"
MOMENT = 0.2            # a round trip
STALE = 8               # HTTP_STALE_MS
count = tried = 0


def ok(good, name, note=""):
    global count
    count += 1
    print("ok" if good else "not ok", count, "-", name)
    if not good:
        print("#", repr(note)[:400])


def variables(method, path, body, more=None):
    named = {"GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PROTOCOL": "HTTP/1.1", "SCRIPT_NAME": BASE, "REQUEST_METHOD": method, "PATH_INFO": path,
             "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body)), "REMOTE_ADDR": "127.0.0.1"}
    return {**named, **(more or {}), **ENV}


def forget_tries():
    if os.path.exists(f"{DIR}/throttle"):
        os.remove(f"{DIR}/throttle")


def cgi(method, path, body=b"", more=None):
    """An answer at once: status, and the body's object."""
    forget_tries()
    out = subprocess.run([LATCHKEY], input=body, env=variables(method, path, body, more), capture_output=True, timeout=60).stdout
    head, _, text = out.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(text) if text else None


def http(method, path, body=b"", more=""):
    head = f"{method} {BASE}{path} HTTP/1.1\r\nHost: localhost\r\n{more}"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


def scgi(method, path, body=b"", more=None):
    named = {"CONTENT_LENGTH": str(len(body)), "SCGI": "1", **variables(method, path, body, more)}
    del named["GATEWAY_INTERFACE"]
    text = b"".join(f"{name}\0{value}\0".encode() for name, value in named.items())
    return str(len(text)).encode() + b":" + text + b"," + body


def to_json(**members):
    return json.dumps(members).encode()


def login():
    status, answer = cgi("POST", "/login", to_json(username="demo", password=PASSWORD))
    assert status == 200, answer
    return answer["data"]


def refresh_body(token, key):
    return to_json(refresh_token=token, idempotency_key=key)


def refresh(token, key):
    status, answer = cgi("POST", "/refresh", refresh_body(token, key))
    return status, answer["data"]["refresh_token"] if status == 200 else answer


def sessions():
    out = subprocess.run([LATCHKEY, "session", "list", "--all", "--json", "--dir", DIR], capture_output=True, text=True).stdout
    return sum('"id"' in line for line in out.splitlines()) or out.count('"id"')


def free_port():
    """A port that nobody else on the machine gets until this process ends."""
    keeper = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "ports.pl"), "1", str(os.getpid())]
    return int(subprocess.run(["perl", *keeper], capture_output=True, text=True, check=True, timeout=60).stdout)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [int(word) for word in f.read().split()]


def until(check):
    end = time.monotonic() + 60
    while not check():
        assert time.monotonic() < end
        time.sleep(0.02)


def stop(pid):
    os.kill(pid, signal.SIGSTOP)
    until(lambda: "\nState:\tT" in open(f"/proc/{pid}/status").read())


def go_on(pid):
    os.kill(pid, signal.SIGCONT)


class Listener:
    """latchkey serve; stopped() and continued as a whole."""

    def __init__(self, *words):
        self.port = free_port()
        self.process = subprocess.Popen([LATCHKEY, "serve", f"127.0.0.1:{self.port}", *words], env=ENV, stdout=subprocess.DEVNULL)
        self.workers = bool(words)
        until(self.answers)

    def answers(self):
        try:
            return b" 200 " in self.ask(http("GET", "/health", more="Connection: close\r\n"))[:20]
        except OSError:
            return False

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def ask(self, request, half=False):
        with self.connect() as s:
            s.send(request, socket.MSG_MORE if half else 0)         # with the end in the same segment
            if half:
                s.shutdown(socket.SHUT_WR)
            answer = b""
            while piece := s.recv(65536):
                answer += piece
                if self.workers and b"\r\n\r\n" in answer and not half:
                    break
            return answer

    def everybody(self, number):
        for pid in [*(children(self.process.pid) if self.workers else []), self.process.pid]:
            number(pid)

    def gone(self, request, meanwhile):
        """What a client that has gone asked for is read after `meanwhile`."""
        self.everybody(stop)
        with self.connect() as s:
            s.sendall(request)
        result = meanwhile()
        self.everybody(go_on)
        self.settle()
        return result

    def unread(self, request, meanwhile):
        """What is answered to a request that lies in the kernel for longer than a client waits, and that nobody has closed."""
        self.everybody(stop)
        with self.connect() as s:
            s.sendall(request)
            result = meanwhile()
            self.everybody(go_on)
            return result, s.recv(65536)

    def settle(self):
        """What came before has had its process, and the process has ended: a worker hands this over behind it, and the listener
        forks in the order in which things come."""
        until(lambda: b" 401 " in self.ask(http("POST", "/password/link", to_json(ticket="none", new_password=PASSWORD)))[:20])
        until(lambda: len(children(self.process.pid)) == self.workers)

    def kept(self, request):
        """A request that comes now, and MOMENT later its end: the client has gone, as far as it can tell."""
        with self.connect() as s:
            s.sendall(request)
            time.sleep(MOMENT)
        self.settle()

    def end(self):
        self.process.terminate()
        self.process.wait(60)


class Inetd:
    """A process of its own for each connection, which begins when the client has gone."""

    def gone(self, request, meanwhile):
        with socket.create_server(("127.0.0.1", 0)) as server:
            with socket.create_connection(server.getsockname()) as client:
                client.sendall(request)
            connection, _ = server.accept()
            result = meanwhile()
            with connection:
                subprocess.run([LATCHKEY], stdin=connection, stdout=connection, env=ENV, timeout=60)
            return result

    def ask(self, request):
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
            client.sendall(request)
            connection, _ = server.accept()
            with connection:
                subprocess.run([LATCHKEY], stdin=connection, stdout=connection, env=ENV, timeout=60)
            return client.recv(65536)

    def unread(self, request, meanwhile):
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
            client.sendall(request)
            connection, _ = server.accept()
            result = meanwhile()
            with connection:
                subprocess.run([LATCHKEY], stdin=connection, stdout=connection, env=ENV, timeout=60)
            return result, client.recv(65536)

    def kept(self, request):
        with socket.create_server(("127.0.0.1", 0)) as server:
            client = socket.create_connection(server.getsockname())
            client.sendall(request)
            connection, _ = server.accept()
            with connection, subprocess.Popen([LATCHKEY], stdin=connection, stdout=connection, env=ENV):
                time.sleep(MOMENT)
                client.close()

    def end(self):
        pass


class Cgi:
    """By CGI a client that has gone shows by the pipe that its web server has closed. The program waits for its turn meanwhile."""

    def gone(self, request, meanwhile):
        method, path, body = request
        turn = os.open(f"{DIR}/latchkey.lock", os.O_RDWR)
        fcntl.flock(turn, fcntl.LOCK_EX)
        program = subprocess.Popen([LATCHKEY], env=variables(method, path, body), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        program.stdin.write(body)
        program.stdin.close()
        until(lambda: waits_for_lock(program.pid))
        stop(program.pid)
        os.close(turn)
        result = meanwhile()
        program.stdout.close()
        time.sleep(1.1)                         # from then on a CGI program looks whether its client has gone
        go_on(program.pid)
        program.wait(60)
        return result

    def ask(self, request):
        status, answer = cgi(*request)
        return f"Status: {status} {answer}".encode()

    def kept(self, request):
        method, path, body = request
        program = subprocess.Popen([LATCHKEY], env=variables(method, path, body), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        program.stdin.write(body)
        program.stdin.close()
        time.sleep(MOMENT)
        program.stdout.close()
        program.wait(60)

    def end(self):
        pass


def waits_for_lock(pid):
    """It is in /proc/locks, behind an arrow."""
    with open("/proc/locks") as f:
        return any(" -> " in line and f" {pid} " in line for line in f)


def retry(face, name, form):
    """The same request elsewhere, and the next one: then the late one finds a token that is two generations old."""
    global tried
    tried += 1
    token = login()["refresh_token"]

    def meanwhile():
        second = refresh(token, "one")
        return refresh(second[1], "two")
    third = face.gone(form("POST", "/refresh", refresh_body(token, "one")), meanwhile)
    verdict = refresh(third[1], "three")
    ok(third[0] == 200 and verdict[0] == 200, f"{name}: a refresh that comes late signs nobody out", (third, verdict))


def kept_by_network(face, name, form):
    """The network brings a refresh that its client gave up long ago, and then the client's end. A thief who waits for his answer is found."""
    global tried
    tried += 1
    first = login()["refresh_token"]
    second = refresh(first, "one")
    third = refresh(second[1], "two")
    late = form("POST", "/refresh", refresh_body(first, "one"))
    face.kept(late)
    verdict = refresh(third[1], "three")
    ok(third[0] == 200 and verdict[0] == 200, f"{name}: a refresh that the network has kept signs nobody out", (third, verdict))
    if "kept" in sys.argv:
        return
    answer = face.ask(late)
    ok(b" 401 " in answer[:20] and b"refresh_reused" in answer, f"{name}: who waits for the answer to an old token is found", answer)
    verdict = refresh(verdict[1], "four")
    ok(verdict[0] == 401, f"{name}: and the session is over", verdict)


def unread(face, name, form):
    """A refresh that nobody reads for longer than its client waits, whose end the network doesn't bring at all."""
    global tried
    tried += 1
    first = login()["refresh_token"]

    def meanwhile():
        third = refresh(refresh(first, "one")[1], "two")
        time.sleep(STALE + 0.5)
        return third
    third, answer = face.unread(form("POST", "/refresh", refresh_body(first, "one")), meanwhile)
    ok(b" 503 " in answer[:20] and b"busy" in answer, f"{name}: an old token that nobody has read for {STALE} s is to come again", answer)
    verdict = refresh(third[1], "three")
    ok(verdict[0] == 200, f"{name}: and ends no session", verdict)


def others(face, name, form):
    """What else mustn't be done for nobody; and what a page may ask for when it leaves."""
    global tried
    tried += 4
    before = sessions()
    forget_tries()
    face.gone(form("POST", "/login", to_json(username="demo", password=PASSWORD)), lambda: None)
    ok(sessions() == before, f"{name}: nobody is signed in late", (before, sessions()))
    face.gone(form("POST", "/register", to_json(username=f"late-{name}", password=PASSWORD)), lambda: None)
    status, _ = cgi("POST", "/register", to_json(username=f"late-{name}", password=PASSWORD))
    ok(status == 201, f"{name}: nor registered", status)
    one = login()
    face.gone(form("POST", "/password", to_json(access_token=one["access_token"], current_password=PASSWORD, new_password=PASSWORD + " 2")), lambda: None)
    ok(cgi("POST", "/login", to_json(username="demo", password=PASSWORD))[0] == 200, f"{name}: no password is changed late")
    face.gone(form("POST", "/logout", to_json(refresh_token=one["refresh_token"])), lambda: None)
    ok(refresh(one["refresh_token"], "over")[0] == 401, f"{name}: but a sign-out stands, though its page has gone")


def half(face, name):
    """Who shuts his sending side on purpose can't be told from who has gone."""
    token = login()["refresh_token"]
    ok(b" 200 " in face.ask(http("GET", "/health"), half=True)[:20], f"{name}: a half-closed client may read")
    answer = face.ask(http("POST", "/refresh", refresh_body(token, "half")), half=True)
    ok(b" 408 " in answer[:20] and b"request_timeout" in answer, f"{name}: what it wants changed is refused, with words", answer)
    verdict = refresh(token, "whole")
    ok(verdict[0] == 200, f"{name}: and nothing was", verdict)


def main():
    faces = [("workers", lambda: Listener("--workers", "1"), http), ("serve", Listener, http), ("inetd", Inetd, http), ("scgi", Inetd, scgi),
             ("cgi", Cgi, lambda *parts: parts)]
    for name, make, form in faces:
        face = make()
        if "kept" not in sys.argv:
            retry(face, name, form)
        if "refreshes" not in sys.argv:
            kept_by_network(face, name, form)
        if "refreshes" not in sys.argv and name in ("workers", "inetd"):
            unread(face, name, form)
        if "all" in sys.argv:
            others(face, name, form)
            if isinstance(face, Listener):
                half(face, name)
        face.end()
    print("tried", tried)


if __name__ == "__main__":
    main()

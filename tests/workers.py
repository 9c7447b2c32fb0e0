"""workers.py LATCHKEY DIR PORT MASTER: what a connection meets that workers keep open. TAP; workers.t starts them.

A connection may hold many requests, so what run-once faces need not know is tried here: bytes that come
in pieces or many requests at once, the end of one request and the beginning of the next, peers that
hang up, keys that change while it is open, workers that die in the middle, the store in trouble.
"""
import base64
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

LATCHKEY, DIR, PORT, MASTER = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
count = failed = 0


def ok(good, name, note=""):
    global count, failed
    count += 1
    failed += not good
    print(("ok" if good else "not ok"), count, "-", name)
    if not good and note != "":
        print("#", repr(note)[:400])


def same(got, want, name):
    ok(got == want, name, (got, want))


def until(check, seconds=60):
    """Whether check() comes true in that time; asked often."""
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def verb(*words, give=""):
    return subprocess.run([LATCHKEY, *words, "--dir", DIR], input=give, capture_output=True, text=True)


class Peer:
    """A connection, and what came of it that isn't read yet."""

    def __init__(self):
        self.s = socket.create_connection(("127.0.0.1", PORT), timeout=30)
        self.rest = b""

    def send(self, data):
        self.s.sendall(data)

    def answer(self, bodiless=False):
        """(status, head, body) of the next one; None at the end."""
        while b"\r\n\r\n" not in self.rest:
            got = self.s.recv(65536)
            if not got:
                return None
            self.rest += got
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        status = int(head.split()[1])
        if status == 100 or bodiless:
            return status, head, b""
        size = [int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length")]
        size = size[0] if size else 0
        while len(self.rest) < size:
            self.rest += self.s.recv(65536)
        body, self.rest = self.rest[:size], self.rest[size:]
        return status, head, body

    def ended(self):
        try:
            return self.answer() is None
        except ConnectionResetError:
            return True

    def ask(self, *request):
        self.send(*request)
        return self.answer()


def get(path, *headers):
    return b"\r\n".join([b"GET /api/auth" + path + b" HTTP/1.1", b"Host: a", *headers, b"", b""])


def post(path, body, *headers):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = [b"POST /api/auth" + path + b" HTTP/1.1", b"Host: a", b"Content-Type: application/json",
            b"Content-Length: %d" % len(data), *headers, b"", b""]
    return b"\r\n".join(head) + data


def data_of(answer):
    return json.loads(answer[2])["data"]


def lasting(answer):
    """What is the same in an answer that is given twice: all but what counts from now."""
    return re.sub(rb'"\w+_in":\d+', b"", answer[2])


def login():
    status, _, body = Peer().ask(post(b"/login", {"username": "demo", "password": "correct horse"}))
    assert status == 200, (status, body)
    return json.loads(body)["data"]


def renew(peer, token, key="k"):
    return peer.ask(post(b"/refresh", {"refresh_token": token, "idempotency_key": key}))


def children():
    out = subprocess.run(["pgrep", "-P", str(MASTER)], capture_output=True, text=True).stdout.split()
    return {int(p) for p in out}


# --- one connection, many requests
p, s = Peer(), login()
first = renew(p, s["refresh_token"], "a")
again = renew(p, s["refresh_token"], "a")
same(lasting(first)[:900] == lasting(again)[:900] and data_of(first)["generation"], 2, "a replay on the same connection: the same pair")
token = data_of(first)["refresh_token"]
for n in range(3, 8):
    got = data_of(renew(p, token, str(n)))
    token = got["refresh_token"]
same(got["generation"], 7, "seven generations on one connection")
ok(b"onnection: close" not in p.ask(get(b"/health"))[1], "it isn't closed by an answer")
same(p.ask(get(b"/nothing"))[0], 404, "nor by an error of the request's own")
same(p.ask(post(b"/refresh", b"{"))[0], 400, "or of its body")
p.send(b"HEAD /api/auth/health HTTP/1.1\r\nHost: a\r\n\r\n" + get(b"/nothing"))
same([p.answer(bodiless=True)[0], p.answer()[0]], [200, 404], "behind HEAD's head comes the next answer")
p = Peer()
status, head, _ = p.ask(get(b"/health", b"Connection: keep-alive, Close"))
ok(status == 200 and b"Connection: close" in head and p.ended(), "Connection: close is heeded, and said")
p = Peer()
status, head, _ = p.ask(b"GET /api/auth/health HTTP/1.0\r\n\r\n")
ok(status == 200 and p.ended(), "HTTP/1.0 is one request")

# --- bytes as they come
p = Peer()
for byte in get(b"/health"):
    p.send(bytes([byte]))
same(p.answer()[0], 200, "byte by byte")
p.send(get(b"/health") * 300)
same([p.answer()[0] for _ in range(300)], [200] * 300, "300 requests in one piece are answered in their order")
s = login()
mixed = [get(b"/health"), post(b"/refresh", {"refresh_token": s["refresh_token"]}), get(b"/me", b"Authorization: Bearer " + s["access_token"].encode()),
         get(b"/me"), get(b"/health")]
p.send(b"".join(mixed))
same([p.answer()[0] for _ in mixed], [200, 200, 200, 401, 200], "so are different ones")
request = post(b"/refresh", {"refresh_token": s["refresh_token"]}, b"Expect: 100-continue")
at = request.index(b"\r\n\r\n") + 4
same(p.ask(request[:at])[0], 100, "who waits for 100 Continue is told")
same(p.ask(request[at:])[0], 200, "and answered")
same(p.ask(b"GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n")[0], 400, "bytes that are no request")
ok(p.ended(), "are the last of their connection")
p = Peer()
p.send(post(b"/refresh", {"refresh_token": "x"})[:-3])
p.s.shutdown(socket.SHUT_WR)
same(p.answer()[0], 400, "half a request and the end")
p = Peer()
p.send(get(b"/health"))
p.s.shutdown(socket.SHUT_WR)
ok(p.answer()[0] == 200 and p.ended(), "a whole one and the end")
big = post(b"/refresh", b" " * 16385)
same(Peer().ask(big)[0], 413, "a body over the limit is refused before it is there")
same(Peer().ask(b"GET /" + b"a" * 50000 + b" HTTP/1.1\r\n")[0], 414, "a line over the limit")

# --- an ill-mannered crowd
crowd = []
for i in range(200):
    c = Peer()
    c.send(get(b"/health")[: i % 30])
    crowd.append(c)
same(Peer().ask(get(b"/health"))[0], 200, "200 silent or slow connections keep nobody from an answer")
workers = children()
same(len(workers), 2, "nor do they cost a process")
slow = crowd[17]
try:
    late = slow.answer()
    same(late and late[0], 408, "half a request is told that its time is over")
except ConnectionResetError:
    ok(False, "half a request is told that its time is over", "reset")
ok(crowd[0].ended(), "a silent connection is closed")
for c in crowd:
    c.s.close()

# --- what is slow is done elsewhere, and others go on meanwhile
answers = []
threads = [threading.Thread(target=lambda: answers.append(login()["generation"])) for _ in range(4)]
for t in threads:
    t.start()
p, quick = Peer(), 0
while any(t.is_alive() for t in threads):
    quick += p.ask(get(b"/verify", b"Authorization: Bearer x"))[0] == 401
for t in threads:
    t.join()
ok(answers == [1] * 4 and quick > 0, "four sign-ins, and other requests while they hash", (answers, quick))
p = Peer()
wrong = post(b"/login", {"username": "nobody", "password": "wrong horse"})
p.send(wrong + get(b"/health"))
status, head, _ = p.answer()
ok(status in (401, 429) and b"Connection: close" in head and p.ended(), "a sign-in is the last of its connection", head)

# --- many at once share commits, and each has its own answer
def chain(out, i, mine):
    pair, peer = mine, Peer()
    for key in range(60):
        status, _, body = renew(peer, pair["refresh_token"], str(key))
        if status != 200:
            out[i] = (status, body)
            return
        pair = json.loads(body)["data"]
    out[i] = (mine["session"]["id"], pair["session"]["id"], pair["generation"], pair["refresh_token"])


out = [None] * 8
threads = [threading.Thread(target=chain, args=(out, i, login())) for i in range(8)]
for t in threads:
    t.start()
while any(t.is_alive() for t in threads):    # the operator's verbs, which take their turn in between
    assert verb("session", "list", "demo", "--json").returncode == 0
for t in threads:
    t.join()
ok(all(o and len(o) == 4 and o[0] == o[1] and o[2] == 61 for o in out), "eight chains of 60 beside the operator's verbs, nobody mixed up", out)

# --- a log that was filled and emptied while a worker was at rest looks as it did before
def log_bytes():
    return os.path.getsize(DIR + "/latchkey.db-wal")


p, s = Peer(), login()
pair, sound = data_of(renew(p, s["refresh_token"])), True
has_log = os.path.exists(DIR + "/latchkey.db-wal")     # SQLite's
for i in range(5 if has_log else 0):
    sound &= until(lambda: log_bytes() == 0)
    for k in range(8):
        sound &= verb("user", "add", "u%d-%d" % (i, k), give="a long password\n").returncode == 0
    sound &= verb("backup", DIR + "/../copy%d" % i).returncode == 0 and log_bytes() == 0
    answer = renew(p, pair["refresh_token"], "rest%d" % i)
    sound &= answer[0] == 200 and verb("check").returncode == 0
    pair = data_of(answer) if answer[0] == 200 else pair
same((sound, len(json.loads(verb("user", "list", "--json").stdout))), (True, 41 if has_log else 1), "nothing is overwritten by what a worker still knew")

# --- the operator's word counts at once
p, s = Peer(), login()
pair = data_of(renew(p, s["refresh_token"]))
same(verb("session", "revoke", s["session"]["id"]).returncode, 0, "the operator ends a session")
same(json.loads(renew(p, pair["refresh_token"])[2])["error"]["code"], "session_revoked", "the next refresh knows it")
s = login()
old = {k["kid"] for k in json.loads(verb("key", "list", "--json").stdout)}
same(verb("key", "rotate").returncode, 0, "a new key")
got = Peer().ask(post(b"/refresh", {"refresh_token": s["refresh_token"]}))
same(got[0], 200, "old tokens are taken")
kid = json.loads(base64.urlsafe_b64decode(data_of(got)["refresh_token"].split(".")[0] + "=="))["kid"]
ok(kid not in old, "new ones are signed with it at once", (kid, old))
p = Peer()
same(p.ask(get(b"/health"))[0], 200, "a connection that was there")
before = children()
for k in sorted(old):
    same(verb("key", "retire", k).returncode, 0, "the old key is retired")
same(json.loads(p.ask(post(b"/refresh", {"refresh_token": s["refresh_token"]}))[2])["error"]["code"], "refresh_invalid",
     "there, too, its tokens are refused at once")

# --- signals
ok(until(lambda: not (children() & before) and len(children()) == 2), "others take over, and the ones with the old keys end", children())
before = children()
p = Peer()
same(p.ask(get(b"/health"))[0], 200, "a connection")
os.kill(MASTER, signal.SIGHUP)
ok(until(lambda: len(children() - before) == 2), "SIGHUP: two others")
same(Peer().ask(get(b"/health"))[0], 200, "which answer")
got = p.ask(get(b"/health"))
same(got and got[0], 200, "what was open is answered as well")
ok(until(lambda: not (children() & before)), "the old ones end")
before = children()
with open(DIR + "/latchkey.conf", "a") as f:
    f.write("nonsense = 1\n")
os.kill(MASTER, signal.SIGHUP)
got = Peer().ask(get(b"/health"))
same(got[0], 503, "a configuration that can't be read is told")
lines = open(DIR + "/latchkey.conf").read().replace("nonsense = 1\n", "")
with open(DIR + "/latchkey.conf", "w") as f:
    f.write(lines)
ok(until(lambda: Peer().ask(get(b"/health"))[0] == 200), "and once it is mended all is well")

# --- a worker dies in the middle: what it answered stands
ok(until(lambda: len(children()) == 2 and Peer().ask(get(b"/health"))[0] == 200), "two workers")
s = login()
pair, key, kills = s, 0, 0
for key in range(40):
    peer = Peer()
    peer.send(post(b"/refresh", {"refresh_token": pair["refresh_token"], "idempotency_key": str(key)}))
    if key % 4 == 1:
        for w in children():
            with contextlib.suppress(ProcessLookupError):   # it may have ended since pgrep saw it
                os.kill(w, signal.SIGKILL)
        kills += 1
    got = None
    try:
        got = peer.answer()
    except OSError:
        pass

    def once_more():
        global got
        if not got or got[0] != 200:
            try:
                got = renew(Peer(), pair["refresh_token"], str(key))
            except OSError:
                got = None
        return got and got[0] == 200
    if not until(once_more):
        break
    pair = data_of(got)
same(pair["generation"], 41, "40 refreshes and %d massacres: nobody is signed out" % kills)
same(verb("check").returncode, 0, "the store is whole")

# --- the store in trouble, and out of it
ok(until(lambda: len(children()) == 2), "two workers")
p = Peer()
if not has_log:
    print("1..%d" % count)
    sys.exit(1 if failed else 0)
os.rename(DIR + "/latchkey.db", DIR + "/aside.db")    # the worker has it open all the same
status, head, body = renew(p, pair["refresh_token"], "trouble")
ok(status == 503 and b"Retry-After" in head, "without its database: 503", (status, body))
same(Peer().ask(get(b"/verify", b"Authorization: Bearer " + pair["access_token"].encode()))[0], 204, "what needs none is answered")
os.rename(DIR + "/aside.db", DIR + "/latchkey.db")
got = renew(Peer(), pair["refresh_token"], "trouble")
same(got[0], 200, "and with it the session goes on")

print("1..%d" % count)
sys.exit(1 if failed else 0)

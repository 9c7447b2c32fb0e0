#!/usr/bin/python3
"""hostile.py PORT|SOCKET PATH KIND TOKENS READS: sends a front what no well-meant client sends.

Each case is a request to the byte. By itself, latchkey answers it with the status in the table
(`face`). A front may stand for three things only:

    same      that status, or success where latchkey would succeed
    refused   4xx, 5xx, or no answer at all
    read      what RFC 9110 and 9112 let a server make of it (`lawful`): unfold, decode, dechunk; or
              what its page owns up to in its block `reads`

A front of kind `own` is latchkey reading HTTP, so there `face` it is and nothing else. Anything beside
these is a wrong acceptance. Where a server could be led to see a second request in the first one's
body, there is one: it signs out a user "victim", whose sessions front.sh counts afterwards. Requests
that change something spend a refresh token of alice, one for each case.

A line of output: ok or what is wrong, the case, what came of it, parted by tabs.

    hostile.py TOKENS READS < SESSIONS  which of these sessions were refreshed by a case that mustn't be
    hostile.py alice|victim             the cases that need a session of that user
"""
import re
import socket
import sys

OK = 2
HOST = b"Host: 127.0.0.1\r\n"
JSON = b"Content-Type: application/json\r\n"
ALIEN = b"6.6.6.6"


class Case:
    def __init__(self, name, face, lawful, build, check=None):
        self.name, self.face, self.lawful, self.build, self.check = name, face, lawful, build, check


def line(method, target, base=None):
    return method + b" " + (base if base is not None else BASE) + target + b" HTTP/1.1\r\n"


def bearer(name):
    return b"Authorization: Bearer " + ACCESS[name] + b"\r\n"


def length(n):
    return b"Content-Length: %d\r\n" % n


def spend(name):
    return b'{"refresh_token":"' + REFRESH["alice", name] + b'","idempotency_key":"hostile"}'


def theft(name):
    """A whole request that signs the victim out, to be hidden in a body."""
    body = b'{"refresh_token":"' + REFRESH["victim", name] + b'"}'
    return line(b"POST", b"/logout") + HOST + JSON + length(len(body)) + b"\r\n" + body


def post(head, body):
    return line(b"POST", b"/refresh") + HOST + JSON + head + b"\r\n" + body


def get(head, target=b"/me"):
    return line(b"GET", target) + HOST + head + b"Connection: close\r\n\r\n"


def chunked(body):
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


def lengths(name, order):
    body, hidden = spend(name), theft(name)
    both = [len(body), len(body) + len(hidden)]
    return post(b"".join(map(length, order(both))), body + hidden)


def length_and_coding(name):
    body = chunked(spend(name)) + theft(name)
    return post(length(len(body)) + b"Transfer-Encoding: chunked\r\n", body)


def with_body(name, method, target, head=b""):
    return line(method, target) + HOST + JSON + head + length(len(theft(name))) + b"\r\n" + theft(name)


def close(head, name):
    return post(head + b"Connection: close\r\n", spend(name))


def healthy(body):
    return b'"status":"ok"' in body


def not_alien(body):
    """The session's address is what `me`'s neighbour /sessions shows."""
    return ALIEN not in body


CASES = [
    Case("health", 200, True, lambda n: get(b"", b"/health"), healthy),
    Case("session", 200, True, lambda n: close(length(len(spend(n))), n)),
    Case("two-lengths", 400, False, lambda n: lengths(n, list)),
    Case("two-lengths-longer-first", 400, False, lambda n: lengths(n, lambda b: b[::-1])),
    Case("equal-lengths", 400, True, lambda n: close(length(len(spend(n))) * 2, n)),
    Case("list-of-lengths", 400, True, lambda n: close(b"Content-Length: %d, %d\r\n" % ((len(spend(n)),) * 2), n)),
    Case("signed-length", 400, False, lambda n: close(b"Content-Length: +%d\r\n" % len(spend(n)), n)),
    Case("empty-length", 400, False, lambda n: close(b"Content-Length:\r\n", n)),
    Case("length-and-coding", 400, True, length_and_coding),
    Case("chunked", 200, True, lambda n: post(b"Transfer-Encoding: chunked\r\nConnection: close\r\n", chunked(spend(n)))),
    Case("short-body", 400, False, lambda n: close(length(len(spend(n)) + 9), n)),
    Case("two-authorizations", 400, False, lambda n: get(bearer(n) + b"Authorization: Bearer no\r\n")),
    Case("two-authorizations-good-last", 400, False, lambda n: get(b"Authorization: Bearer no\r\n" + bearer(n))),
    Case("folded-line", 400, True, lambda n: get(b"Authorization: Bearer\r\n " + ACCESS[n] + b"\r\n")),
    Case("nul", 400, False, lambda n: get(b"User-Agent: a\0b\r\n" + bearer(n))),
    Case("bare-lf", 400, True, lambda n: get(b"User-Agent: a\n" + bearer(n))),
    Case("bare-cr", 400, False, lambda n: get(b"User-Agent: a\r" + bearer(n))),
    Case("escaped-slash", 404, True, lambda n: get(b"", b"%2fhealth"), healthy),
    Case("escaped-nul", 404, False, lambda n: get(b"", b"/health%00")),
    Case("absolute-uri", 200, True, lambda n: b"GET http://127.0.0.1" + BASE + b"/health HTTP/1.1\r\n" + HOST
         + b"Connection: close\r\n\r\n", healthy),
    Case("proxy", 200, True, lambda n: get(b"Proxy: http://127.0.0.1:9/\r\n", b"/health"), healthy),
    Case("query-as-argument", 200, True, lambda n: get(b"", b"/health?version"), healthy),
    Case("query-as-option", 200, True, lambda n: get(b"", b"/health?user+list+--dir+/"), healthy),
    Case("get-with-body", 200, True, lambda n: with_body(n, b"GET", b"/health"), healthy),
    Case("put-with-body", 405, False, lambda n: with_body(n, b"PUT", b"/me")),
    Case("delete-with-body", 204, True, lambda n: with_body(n, b"DELETE", b"/sessions/" + SESSION[n], bearer(n))),
    Case("forwarded-for", 200, True, lambda n: close(b"X-Forwarded-For: 6.6.6.6\r\n" + length(len(spend(n))), n)),
    Case("forwarded-for-alias", 200, True, lambda n: close(b"X_Forwarded_For: 6.6.6.6\r\n" + length(len(spend(n))), n)),
    Case("address", 200, True, lambda n: get(bearer(n), b"/sessions"), not_alien),
]
WITH_ALICE = [c.name for c in CASES if c.name not in ("health", "escaped-slash", "escaped-nul", "absolute-uri", "proxy",
                                                      "query-as-argument", "query-as-option", "get-with-body", "put-with-body")]
WITH_VICTIM = ["two-lengths", "two-lengths-longer-first", "length-and-coding", "get-with-body", "put-with-body",
               "delete-with-body"]


def connect():
    if WHERE.isdigit():
        s = socket.socket()
        s.bind(("127.0.0.2", 0))        # no proxy that is trusted
        s.connect(("127.0.0.1", int(WHERE)))
    else:
        s = socket.socket(socket.AF_UNIX)
        s.connect(WHERE)
    return s


def whole(data):
    """Whether that is one answer to its end."""
    head, found, body = data.partition(b"\r\n\r\n")
    if not found:
        return False
    said = re.search(rb"(?im)^content-length: *(\d+)", head)
    if re.search(rb"(?im)^transfer-encoding: *chunked", head):
        return body.endswith(b"0\r\n\r\n")
    return b" 204 " in head.split(b"\r\n")[0] or bool(said) and len(body) >= int(said.group(1))


def ask(request, end):
    """The first answer's status (0: none) and all bytes that came."""
    s, data = connect(), b""
    s.settimeout(8)
    try:
        s.sendall(request)
        if end:
            s.shutdown(socket.SHUT_WR)
        while True:
            piece = s.recv(65536)
            if not piece:
                break
            data += piece
            if whole(data):
                s.settimeout(0.1)       # for an answer to what came behind
    except OSError:
        pass
    s.close()
    status = re.match(rb"HTTP/1\.[01] (\d{3})", data)
    return (int(status.group(1)) if status else 0), data


def may_succeed(case):
    return case.face // 100 == OK or case.lawful or case.name in READS


def judge(case, status, data):
    good = 200 <= status < 300
    if KIND == "own":
        right = status == case.face
    elif good:
        right = may_succeed(case)
    else:
        right = status == 0 or status >= 400
    if right and good and case.check and not case.check(data):
        right = False
    return right


def say(case, status, data):
    if status == 0:
        return "no answer"
    if status // 100 == OK and b'"generation":' in data:
        return "%d refreshed" % status
    if status // 100 == OK and case.face // 100 != OK:
        return "%d read" % status
    return str(status)


def main():
    for case in CASES:
        status, data = ask(case.build(case.name), case.name == "short-body")
        right = judge(case, status, data)
        print("\t".join(["ok" if right else "%d wanted, this came: %r" % (case.face, data[:300]), case.name, say(case, status, data)]),
              flush=True)


def read_tokens(name):
    for row in open(name):
        user, case, session, refresh, access = row.split()
        REFRESH[user, case] = refresh.encode()
        if user == "alice":
            ACCESS[case], SESSION[case] = access.encode(), session.encode()


REFRESH, ACCESS, SESSION = {}, {}, {}
if len(sys.argv) == 2:
    print("\n".join(WITH_ALICE if sys.argv[1] == "alice" else WITH_VICTIM))
    sys.exit()
TOKENS, READS = sys.argv[-2:]
read_tokens(TOKENS)
READS = {row.split(":")[0] for row in open(READS)}
if len(sys.argv) == 3:
    done = {row.strip().encode() for row in sys.stdin}
    print("\n".join(c.name for c in CASES if SESSION.get(c.name) in done and not may_succeed(c)))
    sys.exit()
WHERE, BASE, KIND = sys.argv[1], sys.argv[2].encode(), sys.argv[3]
main()

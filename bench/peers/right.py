"""right.py: whether a server's refresh is one, before it is timed: it answers with both tokens, with another refresh token each time,
and refuses a spent one. `python3 right.py` shows it servers that are wrong, each in one way, and one that isn't: tests/peers.t runs
that, and `make bench-peers` begins with it.
"""
import http.server
import json
import sys
import threading

from peer import Peer, Shape, member


def faults(peer):
    """What is wrong with its refresh, in words; one session of it is used up."""
    found, sent = [], [peer.fresh()]
    for turn in range(2):
        status, text = peer.exchange(sent[-1], f'right{turn}')
        refresh, access = member(text, peer.shape.member), member(text, peer.shape.access)
        if status != 200 or not refresh:
            return [f'refresh {turn + 1} is answered {status}: {text[:200]}']
        if not access or access == refresh:
            found.append('there is no access token')
        if refresh in sent:
            found.append('the same refresh token comes again')
        sent.append(refresh)
    status, _ = peer.exchange(sent[0], 'spent')
    if not 400 <= status < 500:
        found.append(f'a spent refresh token is answered {status}')
    return sorted(set(found))


class Control(Peer):
    """A server in a thread of this process, right but for one fault."""

    def __init__(self, fault):
        super().__init__(fault, Shape('/', 'application/json', '{"refreshToken":"%t"}', 'refreshToken', 'accessToken'))
        self.tokens, good = ['token 0'], {'token 0'}
        number = iter(range(1, 100))

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                token = json.loads(self.rfile.read(int(self.headers['Content-Length'])))['refreshToken']
                pair = {'accessToken': 'an access token', 'refreshToken': token if fault == 'same' else f'token {next(number)}'}
                status = 200 if fault == 'dead' or token in good else 401
                good.add(pair['refreshToken'])
                if fault not in ('spent', 'same'):
                    good.discard(token)
                if fault == 'half':
                    pair['accessToken'] = ''
                self.send_response(500 if fault == 'dead' else status)
                self.end_headers()
                self.wfile.write(json.dumps(pair).encode())

            def log_message(self, *words):
                pass
        self.server = http.server.HTTPServer(('127.0.0.1', self.port), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.discard()


EXPECTED = {
    'none': [],
    'spent': ['a spent refresh token is answered 200'],
    'same': ['a spent refresh token is answered 200', 'the same refresh token comes again'],
    'half': ['there is no access token'],
    'dead': ['refresh 1 is answered 500'],
}


def controls():
    """Each fault, and whether it was seen as what it is."""
    for fault, expected in EXPECTED.items():
        peer = Control(fault)
        try:
            seen = faults(peer)
        finally:
            peer.stop()
        yield fault, len(seen) == len(expected) and all(a.startswith(b) for a, b in zip(seen, expected))


if __name__ == '__main__':
    results = dict(controls())
    for i, (name, seen) in enumerate(results.items(), 1):
        print(f'{"ok" if seen else "not ok"} {i} - a server with the fault "{name}" is {"judged right" if name == "none" else "found out"}')
    print(f'1..{len(results)}')
    sys.exit(not all(results.values()))

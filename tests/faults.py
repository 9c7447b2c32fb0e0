"""
faults.py LATCHKEY DIR: a sweep of faults. Prints "ROUTE FAULTS BROKEN" for each route,
and which promise was broken where.

Every system call of a refresh, a sign-in, a revoke and a sign-out fails once
(EIO, ENOSPC where there is something to write) or is the process's last
(SIGKILL), by strace on the program as it is shipped. After each such point a
client that follows the contract goes on, and what it was promised must hold:

  - it is never told 401 while it holds the newest token;
  - its retry with the same key is answered, and by one successor alone;
  - a session that was handed out by a 2xx can be used;
  - a session whose end was answered by a 2xx has ended;
  - the store passes `latchkey check`.
"""
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

LATCHKEY, DIR = sys.argv[1:3]
STRACE = shutil.which("strace")
PASSWORD = "correct horse"
WRITERS = ("write", "pwrite64", "pwritev", "ftruncate", "fallocate", "fdatasync", "fsync", "open", "openat")
# execve is strace's own way in; exit_group can't fail, and a SIGKILL there comes after all is done.
LEFT_OUT = {"execve", "exit_group"}

peers = 0


def call(method, path, body=None, access=None, strace=()):
    """One request through CGI: (status, JSON or None). 0: no whole answer."""
    global peers
    peers += 1                   # each from a network of its own: the throttle is not what is tested
    text = json.dumps(body).encode() if body else b""
    env = {"GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": method, "SCRIPT_NAME": "/auth", "PATH_INFO": path,
           "SERVER_PROTOCOL": "HTTP/1.1", "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(text)),
           "REMOTE_ADDR": f"10.{peers >> 16 & 255}.{peers >> 8 & 255}.{peers & 255}", "LATCHKEY_DIR": DIR}
    if "ASAN_OPTIONS" in os.environ:
        env["ASAN_OPTIONS"] = os.environ["ASAN_OPTIONS"]
    if access:
        env["HTTP_AUTHORIZATION"] = "Bearer " + access
    done = subprocess.run([*strace, LATCHKEY], input=text, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60)
    head, _, rest = done.stdout.decode("utf-8", "replace").partition("\r\n\r\n")
    status = re.match(r"Status: (\d{3}) ", head)
    length = re.search(r"Content-Length: (\d+)", head)
    if not status or not (length or status[1] == "204") or (length and len(rest) != int(length[1])):
        return 0, None
    return int(status[1]), json.loads(rest) if rest else None


class Broken(Exception):
    """A promise that was not kept."""


def must(good, what):
    if not good:
        raise Broken(what)


class Client:
    """Signed in; keeps the newest pair and the key of a refresh that has no answer yet."""

    def __init__(self):
        status, answer = call("POST", "/login", {"username": "demo", "password": PASSWORD})
        must(status == 200, f"sign-in without faults: {status} {answer}")
        self.turn = 0
        self.take(answer)

    def take(self, answer):
        data = answer["data"]
        self.refresh_token, self.access = data["refresh_token"], data["access_token"]
        self.generation, self.id = data["generation"], data["session"]["id"]
        self.turn += 1

    def refresh(self, strace=()):
        key = f"{self.id}-{self.turn}"
        status, answer = call("POST", "/refresh", {"refresh_token": self.refresh_token, "idempotency_key": key}, strace=strace)
        must(status != 401, f"refresh: {answer}")
        if status == 200:
            must(answer["data"]["generation"] == self.generation + 1, f"generation {answer['data']['generation']}")
            self.take(answer)
        return status

    def goes_on(self):
        must(self.refresh() == 200, "the retry was refused")


# Each route: what is done under the fault, and what must hold afterwards.

def route_refresh(state, strace):
    status = state["client"].refresh(strace)
    must(status in (0, 200, 400, 408, 500, 503), f"refresh: {status}")


def route_login(state, strace):
    status, answer = call("POST", "/login", {"username": "demo", "password": PASSWORD}, strace=strace)
    must(status not in (401, 429), f"login: {status} {answer}")
    if status == 200:
        fresh = Client.__new__(Client)
        fresh.turn = 0
        fresh.take(answer)
        fresh.goes_on()


def ended(state, status, wanted, other):
    """Where the end was answered it is one; where not, either may be, but nothing else."""
    must(status in (0, wanted, 400, 408, 500, 503), f"answered {status}")
    after, answer = call("POST", "/refresh", {"refresh_token": other.refresh_token, "idempotency_key": "after"})
    if after == 401:
        must(answer["error"]["code"] == "session_revoked", answer)
    else:
        must(after == 200, f"after it: {after} {answer}")
        must(status != wanted, "answered as ended, but it goes on")


def route_revoke(state, strace):
    other = Client()
    status, answer = call("DELETE", "/sessions/" + other.id, access=state["client"].access, strace=strace)
    must(status != 401, f"revoke: {answer}")
    ended(state, status, 204, other)


def route_logout(state, strace):
    other = Client()
    status, _ = call("POST", "/logout", {"refresh_token": other.refresh_token}, strace=strace)
    ended(state, status, 204, other)


ROUTES = {"refresh": route_refresh, "login": route_login, "revoke": route_revoke, "logout": route_logout}


def system_calls(route, state, log):
    """The names of those that a route makes."""
    route(state, [STRACE, "-f", "-o", log])
    with open(log, encoding="utf-8", errors="replace") as lines:
        names = {name[1] for name in (re.match(r"\d+ +(\w+)\(", line) for line in lines) if name}
    return sorted(names - LEFT_OUT)


def faults_of(name):
    if name != "close":          # strace's failed close leaves the file open, with its locks; the kernel's never does
        yield "error=EIO"
    if name in WRITERS:
        yield "error=ENOSPC"
    yield "signal=KILL"


def whole():
    done = subprocess.run([LATCHKEY, "check", "--dir", DIR], capture_output=True, text=True, check=False)
    must(done.returncode == 0, done.stdout)


def met(log):
    with open(log, encoding="utf-8", errors="replace") as lines:
        return bool(re.search(r"\(INJECTED\)|killed by SIGKILL", lines.read()))


def sweep(name, step):
    """The first, second, third, ... of each call, until there is no such one."""
    state = {"client": Client()}
    broken = []
    done = 0
    with tempfile.TemporaryDirectory() as scratch:
        log = os.path.join(scratch, "trace")
        faults = [(call_name, fault) for call_name in system_calls(ROUTES[name], state, log) for fault in faults_of(call_name)]
        for at, (call_name, fault) in enumerate(faults):
            # Thinned out, each fault begins at another one; what writes is thinned out less.
            thin = max(1, step // 3) if call_name in WRITERS else step
            for when in itertools.count(1 + at % thin, thin):
                strace = [STRACE, "-f", "-o", log, "-e", f"trace={call_name}", "-e", f"inject={call_name}:{fault}:when={when}"]
                try:
                    ROUTES[name](state, strace)
                    state["client"].goes_on()
                    whole()
                except Broken as why:
                    broken.append(f"{call_name} {when} {fault}: {why}")
                    state["client"] = Client()
                if not met(log):
                    break
                done += 1
    print(name, done, len(broken), flush=True)
    for why in broken[:20]:
        print("#", why.replace("\n", "\n# "), flush=True)


for route_name in ROUTES:
    sweep(route_name, int(os.environ.get("FAULTS_STEP", "3")))

"""
cuts.py PROCESSOR KIND INITRD FLASH CUTS SEED: power cuts of a whole machine. Prints "CUTS BROKEN ANSWERS" and, after a #, which
promise was broken when. With CUTS_CONTROL, which are words of the shim (tests/shim.c), latchkey is broken by them, and the first broken promise ends it.

FLASH is a file, laid for a file system of KIND (guest.sh). A guest boots on it (boot.sh), and lays it (lay). Then

  - `latchkey check` must find the store whole, integrity_check in it;
  - everybody is asked. Who holds the newest token of a session that stands is signed in; a refresh that was under
    way is sent again, with its key, and is answered. What was answered as ended is over: by sign-out, revoke, reuse, a
    password's change. The password that was set last opens, the one before doesn't;
  - a storm begins: CLIENTS at a time refresh, sign in, sign out, revoke, reuse old tokens and change passwords;
  - at a random moment the emulator is killed (SIGKILL). What was under way may have happened or not.

And so on with the same flash. The faces are `latchkey serve`, `latchkey serve --workers 2`, and busybox' httpd with
latchkey in its cgi-bin.
"""
import http.client
import json
import os
import random
import secrets
import socket
import subprocess
import sys
import threading
import time

CLIENTS = 6
SESSIONS = 24                  # about so many stand at a time
OLD_ENDS = 8                   # ends of earlier boots that are asked again, a draw
HERE = os.path.dirname(os.path.abspath(__file__))
# sessions_max: nobody's oldest sessions end, nor are old ends forgotten, by their number.
CONF = "sessions_max = 1000\npassword_memory = 8k\npassword_passes = 1\nreuse_grace = 1s\ntrusted_proxies = 10.0.2.2\n"
FACES = {
    "serve": ("latchkey serve 0.0.0.0:80", "/api/auth"),
    "workers": ("latchkey serve --workers 2 0.0.0.0:80", "/api/auth"),
    "cgi": ("httpd -f -p 80 -h /www", "/cgi-bin/latchkey"),
}


class Broken(Exception):
    """A promise."""


class Silence(Exception):
    """No answer came."""


class Later(Exception):
    """It is to be asked again: a password, as one of that user had been wrong; or anything, of a guest that has no time (503 busy)."""


def must(good, why):
    """Or it is broken."""
    if not good:
        raise Broken(why())


def free_ports(count):
    """Of loopback."""
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in taken]
    for s in taken:
        s.close()
    return ports


class Guest:
    """A machine."""

    def __init__(self, processor, initrd, flash):
        self.control, self.web = free_ports(2)
        self.console = flash + ".console"
        with open(self.console, "w", encoding="ascii"):
            pass
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen([f"{HERE}/boot.sh", processor, "64", initrd, flash, str(self.control), str(self.web), self.console],
                                        stdin=subprocess.DEVNULL)
        self.wait_for("guest: up", 1800)   # another guest may have to end first

    def said(self):
        """Its console."""
        with open(self.console, encoding="utf-8", errors="replace") as f:
            return f.read()

    def wait_for(self, words, seconds):
        """Until the console says so."""
        end = time.monotonic() + seconds
        while words not in self.said():
            if time.monotonic() > end or self.process.poll() is not None:
                raise SystemExit(f"the guest doesn't start: {self.said()}")
            time.sleep(0.1)

    def run(self, lines):
        """Shell lines: what they print, how they end."""
        connection = http.client.HTTPConnection("127.0.0.1", self.control, timeout=120)
        connection.request("POST", "/cgi-bin/run", lines.encode())
        text = connection.getresponse().read().decode(errors="replace")
        connection.close()
        body, _, status = text.rpartition("exit ")
        return body, int(status)

    def ask(self, method, path, body=None, access=None):
        """One request: status, answer."""
        head = {"Content-Type": "application/json", "Connection": "close", "X-Forwarded-For": ".".join(["198"] + [str(1 + secrets.randbelow(250)) for _ in range(3)])}
        if access:
            head["Authorization"] = "Bearer " + access
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.web, timeout=120)
            connection.request(method, path, json.dumps(body) if body is not None else None, head)
            response = connection.getresponse()
            text = response.read()
            connection.close()
            if response.status != 204 and not text:
                raise Silence
            return response.status, json.loads(text) if text else {}
        except (OSError, http.client.HTTPException, ValueError) as why:
            raise Silence from why

    def cut(self):
        """The power goes."""
        self.process.kill()
        self.process.wait()


def verdict(status, answer):
    """"200", "401 session_revoked"."""
    code = answer.get("error", {}).get("code") if isinstance(answer, dict) else None
    return f"{status} {code}" if code else str(status)


class Session:
    """A client's."""

    def __init__(self, user, answer):
        self.user, self.old, self.key = user, [], None
        self.token = None
        self.take(answer)
        self.id = answer["data"]["session"]["id"]
        self.may = {"200"}           # what a refresh may get

    def take(self, answer):
        """The next generation."""
        if self.token:
            self.old.append(self.token)
        self.token, self.access, self.key = answer["data"]["refresh_token"], answer["data"]["access_token"], None

    def request(self):
        """A refresh; one that got no answer again."""
        self.key = self.key or secrets.token_hex(16)
        return {"refresh_token": self.token, "idempotency_key": self.key}

    def stands(self):
        """It does."""
        return self.may == {"200"}


class User:
    """Of sessions."""

    def __init__(self, name):
        self.name, self.password, self.before, self.sure = name, "correct horse", None, True
        self.busy, self.logins = False, 0          # in the storm: his password is being changed; sign-ins under way


class World:
    """Who is signed in, and what was promised to whom."""

    def __init__(self, draw):
        self.draw, self.lock = draw, threading.Lock()
        self.users, self.sessions, self.busy = [User(f"user{n}") for n in range(4)], [], set()
        self.fresh, self.answers, self.broken, self.base = [], 0, [], ""
        self.guest, self.made = None, False        # made: its data directory

    # ---- one request ----

    def ask(self, good, method, path, body=None, access=None):
        """One that must get a good answer, if it gets any."""
        status, answer = self.guest.ask(method, self.base + path, body, access)
        if verdict(status, answer) == "503 busy" or status == 429 and path in ("/login", "/password"):
            raise Later
        must(verdict(status, answer) in good, lambda: f"{method} {path}: {verdict(status, answer)}, not {' or '.join(sorted(good))}")
        self.answers += 1
        return answer

    def patiently(self, *request):
        """The same until it is answered, where nothing else goes on."""
        end = time.monotonic() + 300
        while True:
            try:
                return self.ask(*request)
            except (Silence, Later):
                must(time.monotonic() < end, lambda: f"{request[1]} {request[2]}: not answered")
                time.sleep(1)

    def refresh(self, session):
        """The next generation, now and then asked for twice."""
        body = session.request()
        answer = self.ask({"200"}, "POST", "/refresh", body)
        session.take(answer)
        if self.draw.random() < 0.1:
            again = self.ask({"200"}, "POST", "/refresh", body)
            must(again["data"]["refresh_token"] == session.token, lambda: "one request, two successors")

    def login(self, user):
        """A session."""
        answer = self.ask({"200"}, "POST", "/login", {"username": user.name, "password": user.password})
        with self.lock:
            self.sessions.append(Session(user, answer))

    def signs_in(self, user):
        """The same in the storm, where a change of his password would end it."""
        try:
            self.login(user)
        except Later:
            pass
        with self.lock:
            user.logins -= 1

    def end(self, sessions, code, request):
        """What ends them, request() does: until it is answered they may be over, then they are."""
        with self.lock:
            for session in sessions:
                session.may = {"200", code}
                self.fresh.append(session)
        request()
        with self.lock:
            for session in sessions:
                session.may = {code}

    def logout(self, session):
        """By its token."""
        self.end([session], "401 session_revoked", lambda: self.ask({"204"}, "POST", "/logout", {"refresh_token": session.token}))

    def reuse(self, session):
        """A spent token, of whoever stole it."""
        self.end([session], "401 session_revoked",
                 lambda: self.ask({"401 refresh_reused"}, "POST", "/refresh", {"refresh_token": session.old[-3]}))

    def revoke(self, session, by):
        """From another session."""
        self.end([session], "401 session_revoked", lambda: self.ask({"204"}, "DELETE", "/sessions/" + session.id, None, by.access))

    def change(self, user, mine):
        """The password, from the last of his sessions, which stays. Nobody else does anything of his meanwhile."""
        new = f"horse number {secrets.token_hex(4)}"
        user.sure, user.before = False, (user.password, new)
        body = {"current_password": user.password, "new_password": new}
        self.end(mine[:-1], "401 session_revoked", lambda: self.ask({"204"}, "POST", "/password", body, mine[-1].access))
        user.sure, user.before, user.password = True, (user.password,), new

    # ---- the storm ----

    def take(self, draw):
        """What a client does next: (what, sessions that nobody else may use meanwhile)."""
        with self.lock:
            standing = [s for s in self.sessions if s.stands() and s not in self.busy and not s.user.busy]
            ripe = [s for s in standing if len(s.old) > 3]
            user = draw.choice(self.users)
            mine = [s for s in standing if s.user is user]
            others = any(s.user is user and s in self.busy for s in self.sessions)   # a session of his is being used
            way, chosen, what = draw.random(), [], None
            if len(self.sessions) < SESSIONS // 2 or way < 0.08 or not standing:
                if not user.busy:
                    user.logins += 1
                    what = lambda: self.signs_in(user)
            elif way < 0.11 and len(standing) > SESSIONS // 2:
                chosen = [draw.choice(standing)]
                what = lambda: self.logout(chosen[0])
            elif way < 0.14 and len(mine) > 1:
                chosen = mine[:2]
                what = lambda: self.revoke(chosen[0], chosen[1])
            elif way < 0.16 and ripe:
                chosen = [draw.choice(ripe)]
                what = lambda: self.reuse(chosen[0])
            elif way < 0.17 and not user.busy and not user.logins and len(mine) > 1 and not others:
                chosen, user.busy = mine, True
                what = lambda: self.change(user, mine)
            else:
                chosen = [draw.choice(standing)]
                what = lambda: self.refresh(chosen[0])
            self.busy.update(chosen)
            return what, chosen, user

    def client(self, seed, over):
        """One of the storm."""
        draw = random.Random(seed)
        while not over.is_set():
            what, chosen, user = self.take(draw)
            held = user.busy and chosen and chosen[0].user is user
            try:
                if what:
                    what()
                else:
                    time.sleep(0.01)
            except (Silence, Later):
                time.sleep(0.2)
                continue               # whom it was for nobody uses until the next boot settles it
            except Broken as why:
                self.broken.append(f"in the storm: {why}")
                over.set()
            with self.lock:
                self.busy.difference_update(chosen)
                if held:
                    user.busy = False

    def storm(self, seconds):
        """For so long; then the power goes."""
        over, before = threading.Event(), self.answers
        clients = [threading.Thread(target=self.client, args=(self.draw.random(), over), daemon=True) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        over.wait(seconds)
        over.set()
        self.guest.cut()
        for client in clients:
            client.join()
        return self.answers - before

    # ---- and the next boot ----

    def settle(self, session):
        """Asks one: it is over, or it stands."""
        answer = None
        try:
            answer = self.patiently(session.may, "POST", "/refresh", session.request())
        except Broken as why:
            self.broken.append(f"a session of {session.user.name} that {'stood' if session.stands() else 'had ended'}: {why}")
            session.may = {"gone"}
            return
        if "data" in answer:
            session.take(answer)
            session.may = {"200"}
        else:
            session.may = {f"401 {answer['error']['code']}"}

    def ask_user(self, user):
        """Which password opens."""
        if not user.sure:              # a change was under way: either opens
            answer = self.opens({"200", "401 invalid_credentials"}, user, user.before[1])
            if "data" in answer:
                user.password, user.before = user.before[1], user.before[:1]
            else:
                user.before = None
            user.sure = True
        self.sessions.append(Session(user, self.opens({"200"}, user, user.password)))
        if user.before:
            self.opens({"401 invalid_credentials"}, user, user.before[0])
            user.before = None

    def opens(self, good, user, password):
        """A sign-in."""
        return self.patiently(good, "POST", "/login", {"username": user.name, "password": password})

    def look(self):
        """Asks everybody."""
        over = [s for s in self.sessions if not s.stands() and s not in self.fresh and s.may != {"gone"}]
        for session in [s for s in self.sessions if s.stands()] + self.fresh + self.draw.sample(over, min(OLD_ENDS, len(over))):
            self.settle(session)
        self.fresh, self.busy = [], set()
        for user in self.users:
            user.busy, user.logins = False, 0
        for user in [u for u in self.users if u.before or not u.sure]:
            try:
                self.ask_user(user)
            except Broken as why:
                user.before = None
                self.broken.append(f"{user.name}'s password: {why}")
        standing = [s for s in self.sessions if s.stands()]
        self.sessions = standing[-SESSIONS * 2:] + [s for s in self.sessions if not s.stands() and s.may != {"gone"}][-200:]


def start(world, kind, face):
    """The file system, the store, the server. What is on the flash is looked at before anything writes there."""
    text, status = world.guest.run(f"lay {kind}")
    must(status == 0, lambda: f"the file system isn't mounted: {text} {world.guest.said()}")
    if not world.made:
        add = "\n".join(f"echo '{user.password}' | latchkey user add {user.name}" for user in world.users)
        conf = CONF.replace("\n", "\\n")
        text, status = world.guest.run(f"set -e\nlatchkey init\nprintf '{conf}' >>/data/lk/latchkey.conf\nsync\n{add}")
        must(status == 0, lambda: f"init: {text}")
        world.made = True
    text, status = world.guest.run("latchkey check")
    must(status == 0 and "integrity   ok" in text, lambda: f"check: {text}")
    command, world.base = FACES[face]
    world.guest.run(f"ln -sf /bin/latchkey /www/cgi-bin/latchkey; LK_SHIM='{os.environ.get('CUTS_CONTROL', '')}' {command} >/tmp/served 2>&1 &")
    end = time.monotonic() + 300
    while True:
        try:
            must(world.guest.ask("GET", world.base + "/health")[0] == 200, lambda: "health")
            return
        except Silence as why:
            must(time.monotonic() < end, lambda why=why: f"{face} doesn't answer: {why}")
            time.sleep(0.1)


def main():
    """Cuts until there were enough."""
    processor, kind, initrd, flash, wanted, seed = sys.argv[1:]
    wanted, draw = int(wanted), random.Random(int(seed))
    faces = list(FACES)
    control = os.environ.get("CUTS_CONTROL")
    world, cuts, whole = World(draw), 0, True
    while whole and cuts <= wanted and not (control and world.broken):
        world.guest = Guest(processor, initrd, flash)
        face, before = faces[cuts % len(faces)], len(world.broken)
        try:
            start(world, kind, face)
            world.look()
            if cuts < wanted:
                world.storm(draw.uniform(0.3, 2.5))
        except Broken as why:
            world.broken.append(str(why))
            whole = False              # the store itself: there is no going on
        finally:
            world.guest.cut()
        for why in world.broken[before:]:
            print(f"# behind cut {cuts}, {face}: {why}", flush=True)
        cuts += whole and not (control and world.broken)
        if os.environ.get("CUTS_VERBOSE"):
            print(f"# {cuts} {world.answers} {sum(s.stands() for s in world.sessions)} stand", file=sys.stderr, flush=True)
    print(min(cuts, wanted), len(world.broken), world.answers)


main()

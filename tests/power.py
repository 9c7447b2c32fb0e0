"""
power.py INJECT LATCHKEY DIR SEED STATES: power cuts. Prints "STATES BROKEN CUTS STEPS", and which
promise was broken where. POWER_STEPS is how long a tour is, POWER_CUTS how many states one cut
gives at most. With POWER_SERVE the requests go to `latchkey serve` with these words, many at once. With POWER_CONTROL the
first broken promise ends it.

A tour of requests and verbs, drawn by SEED, runs on the shipped executable, and everything that it
does to files is recorded (tests/inject.c). Behind every change the power may go. What the disk then
holds is what was synced by then, and of the rest anything at all: each file by itself, each directory
by itself, each sector of 512 bytes kept, lost, or full of junk; a file that grew may hold zeros where
its bytes are missing. Nothing reaches the disk by the sync of something else: a new file's name is
lost until its directory is synced, however often the file was.

Each such state becomes a data directory, and the executable is asked:

  - `latchkey check` finds it whole, integrity_check in it;
  - who holds the newest token of a session that stands is signed in, rolled forward where that is
    needed; a refresh that was under way is answered when it is sent again;
  - what was answered as ended is over: by sign-out, revoke, reuse, a password's change, a user's
    end; a retired key's tokens are refused;
  - a user who was made is there; the password that was set last opens, the one before doesn't.

What was under way when the power went may have happened or not. Then, from some of these states, a
second tour begins, and the power goes again.
"""
import collections
import copy
import hashlib
import itertools
import os
import random
import shutil
import sys

from inject import CONF, PASSWORD, Broken, Client, Machine, Server, must, restore, snapshot, verdict

SECTOR = 512
KEEP, DROP, JUNK, ZERO = range(4)
FOREVER = 1 << 60

# ---- what is on disk ----

Write = collections.namedtuple("Write", "at data")
Truncate = collections.namedtuple("Truncate", "size")
Name = collections.namedtuple("Name", "name file")            # file None: the name goes
Rename = collections.namedtuple("Rename", "old new")


class File:
    """Bytes: those that are on disk, and what was done since."""

    def __init__(self, data=b""):
        self.disk, self.pending = data, []

    def sync(self):
        """All of it is on disk."""
        self.disk = content(self, lambda op, piece: KEEP)
        self.pending = []


class Directory:
    """Names: those that are on disk, and what was done since."""

    def __init__(self):
        self.disk, self.pending = {}, []

    def sync(self):
        """All of it is on disk."""
        self.disk = names(self, lambda op, piece: KEEP)
        self.pending = []


def pieces(op):
    """The parts of an operation that reach the disk each by itself."""
    if not isinstance(op, Write):
        return 1
    return (op.at + len(op.data) - 1) // SECTOR - op.at // SECTOR + 1


def put(data, at, part):
    """Bytes at a place; what lies between the end and there is zero."""
    if len(data) < at:
        data.extend(bytes(at - len(data)))
    data[at:at + len(part)] = part


def write(data, op, fate):
    """A write as its sectors fared."""
    first = op.at // SECTOR
    for piece in range(pieces(op)):
        start, end = max(op.at, (first + piece) * SECTOR), min(op.at + len(op.data), (first + piece + 1) * SECTOR)
        what = fate(op, piece)
        if what == KEEP:
            put(data, start, op.data[start - op.at:end - op.at])
        elif what == JUNK:
            put(data, start, hashlib.shake_128(op.data[start - op.at:end - op.at]).digest(end - start))
        elif what == ZERO and end > len(data):
            data.extend(bytes(end - len(data)))


def content(file, fate):
    """A file's bytes, where fate(operation, piece) says what became of what was pending."""
    data = bytearray(file.disk)
    for op in file.pending:
        if isinstance(op, Write):
            write(data, op, fate)
        elif fate(op, 0) == KEEP:
            del data[op.size:]
            data.extend(bytes(op.size - len(data)))
    return bytes(data)


def names(directory, fate):
    """The same of a directory: name to file."""
    there = dict(directory.disk)
    for op in directory.pending:
        if fate(op, 0) != KEEP:
            continue
        if isinstance(op, Rename):
            if op.old in there:
                there[op.new] = there.pop(op.old)
        elif op.file is None:
            there.pop(op.name, None)
        else:
            there[op.name] = op.file
    return there


Event = collections.namedtuple("Event", "kind inode path value")


def events(record):
    """What inject wrote down, one by one."""
    at = 0
    while at < len(record):
        end = record.index(b"\n", at)
        kind, _, rest = record[at:end].decode().partition(" ")
        at = end + 1
        if kind == "W":
            inode, offset, size = (int(word) for word in rest.split())
            yield Event(kind, inode, None, Write(offset, record[at:at + size]))
            at += size
        elif kind == "T":
            inode, size = (int(word) for word in rest.split())
            yield Event(kind, inode, None, Truncate(size))
        elif kind == "S":
            yield Event(kind, int(rest), None, None)
        elif kind in "CD":
            inode, _, path = rest.partition(" ")
            yield Event(kind, int(inode), path, None)
        elif kind in "URMAQ":
            yield Event(kind, None, rest, None)
        else:
            raise SystemExit(f"a system call that changes files and isn't modelled: {rest}")


# What may be lost: the data is the throttle's and the locks'.
PASSING = {"throttle", "latchkey.lock", "password.lock"}


class Disk:
    """The data directory and the one that it lies in, fed with events."""

    def __init__(self, top, directory, files):
        """files: what the data directory has on disk; None where it isn't there."""
        self.top, self.directory = Directory(), Directory()
        self.paths = {top: self.top, directory: self.directory}
        self.inodes = {os.stat(top).st_ino: self.top}
        self.old = None
        if files is None:
            return
        self.top.disk[os.path.basename(directory)] = self.directory
        self.inodes[os.stat(directory).st_ino] = self.directory
        for name, data in files.items():
            self.inodes[os.stat(os.path.join(directory, name)).st_ino] = self.directory.disk[name] = File(data)

    def at(self, path):
        """Its directory and name; None for what lies elsewhere."""
        where, name = os.path.split(path)
        return self.paths.get(where), name

    def feed(self, event):
        """One event; whether it left something that may be lost."""
        if event.kind in "WT" and event.inode in self.inodes:
            self.inodes[event.inode].pending.append(event.value)
        elif event.kind == "S" and event.inode in self.inodes:
            self.inodes[event.inode].sync()
        elif event.kind in "CD":
            return self.made(event)
        elif event.kind == "R":
            self.old = self.at(event.path)
            return False
        elif event.kind in "MU":
            return self.renamed(event)
        else:
            return event.kind == "A"
        return True

    def made(self, event):
        """A new file or directory."""
        where, name = self.at(event.path)
        self.inodes.pop(event.inode, None)        # its number may be a former one's
        if where is None or name in PASSING:
            return False
        self.inodes[event.inode] = self.paths.setdefault(event.path, Directory()) if event.kind == "D" else File()
        where.pending.append(Name(name, self.inodes[event.inode]))
        return True

    def renamed(self, event):
        """Or taken away."""
        where, name = self.at(event.path)
        if where is None:
            return False
        where.pending.append(Name(name, None) if event.kind == "U" else Rename(self.old[1], name))
        return True

    def atoms(self):
        """What may or may not have reached the disk."""
        places = [self.top, self.directory, *{id(f): f for f in self.inodes.values() if isinstance(f, File)}.values()]
        return [(op, piece) for place in places for op in place.pending for piece in range(pieces(op))]

    def state(self, fates):
        """The files of the data directory, name to bytes; None where it is lost itself."""
        def fate(op, piece):
            return fates.get((id(op), piece), KEEP)
        if self.directory not in names(self.top, fate).values():
            return None
        return {name: content(file, fate) for name, file in names(self.directory, fate).items() if isinstance(file, File)}


def fates_of(atoms, draw, most):
    """Fates of the atoms, at most so many: all of them where they are few, else a draw."""
    keys = [(id(op), piece) for op, piece in atoms]
    if 1 << len(keys) <= most:
        for bits in range(1 << len(keys)):
            yield {key: DROP for at, key in enumerate(keys) if not bits >> at & 1}
        return
    operations = list(dict.fromkeys(id(op) for op, _ in atoms))
    yield {}
    yield {key: DROP for key in keys}
    yield {key: DROP for key in keys if key[0] == operations[-1]}
    yield {key: DROP for key in keys if key[0] != operations[-1]}
    for _ in range(most - 4):
        way = draw.randrange(4)
        share = draw.choice((0.05, 0.3, 0.5, 0.7, 0.95))
        if way == 0:                          # in order, up to one that is torn
            last = draw.randrange(len(keys))
            yield {key: draw.choice((DROP, JUNK, ZERO)) if at == last else DROP for at, key in enumerate(keys) if at >= last}
        elif way == 1:                        # whole operations
            lost = {op for op in operations if draw.random() < share}
            yield {key: DROP for key in keys if key[0] in lost}
        elif way == 2:                        # sectors
            yield {key: DROP for key in keys if draw.random() < share}
        else:                                 # and junk
            yield {key: draw.choice((DROP, JUNK, ZERO)) for key in keys if draw.random() < share}


# ---- what was promised ----

class Session:
    """A client's, and when it learnt what."""

    def __init__(self, client, user, at):
        self.client, self.user = client, user
        self.tokens = [(at, client.refresh_token)]
        self.tries = []              # start, answer, token, key
        self.ends = []               # start, answer, what a refresh gets from then on
        self.over = False            # an end is under way

    def expected(self, cut):
        """(body of the next refresh, verdicts that keep the promise); None before its sign-in was answered."""
        tokens = [token for at, token in self.tokens if at <= cut]
        if not tokens:
            return None
        keys = [key for start, answer, token, key in self.tries if start <= cut < answer and token == tokens[-1]]
        sure = [code for _, answer, code in self.ends if answer <= cut]
        maybe = [code for start, answer, code in self.ends if start <= cut < answer]
        body = {"refresh_token": tokens[-1], "idempotency_key": keys[-1] if keys else "after"}
        return body, set(maybe) | ({sure[-1]} if sure else {"200"})

    def stands(self):
        """So far."""
        return not self.ends and not self.over


class User:
    """One, and when what was done to him: each a (start, answer, value)."""

    def __init__(self, name, start, answer, password=PASSWORD):
        self.name = name
        self.passwords = [(start, answer, password)]
        self.admitted = [(start, answer, True)]

    @staticmethod
    def now(changes, cut):
        """The value that counts, the one before it, and whether another change was under way."""
        done = [value for _, answer, value in changes if answer <= cut]
        under_way = any(start <= cut < answer for start, answer, _ in changes)
        return done[-1] if done else None, done[-2] if len(done) > 1 else None, under_way

    def expected(self, cut):
        """[(password, verdicts)]; empty while something is under way that decides."""
        password, before, changing = self.now(self.passwords, cut)
        admitted, _, moving = self.now(self.admitted, cut)
        if password is None or changing or moving:
            return []
        good = {"200"} if admitted else {"401 invalid_credentials"}
        return [(password, good)] + ([(before, {"401 invalid_credentials"})] if before not in (None, password) else [])


# ---- a tour ----

def configure(directory):
    """latchkey.conf is the operator's, and was there long ago."""
    with open(os.path.join(directory, "latchkey.conf"), "w", encoding="ascii") as conf:
        conf.write(CONF + f"throttle_dir = {directory}\ntrusted_proxies = 127.0.0.1\n")


class Tour:
    """Requests, one after another."""

    number = itertools.count(1)  # of users and passwords: none comes twice, on whatever disk

    def __init__(self, m, top, draw, adopted=None):
        self.m, self.draw = m, draw
        self.events, self.sessions, self.users, self.steps = [], [], [], []
        self.made = (FOREVER, FOREVER)        # the directory: its init began, was answered
        files = None
        m.dir = os.path.join(top, "data")
        shutil.rmtree(m.dir, ignore_errors=True)
        if adopted:
            files, self.sessions, self.users = adopted
            self.made = (-1, -1)
            restore(m.dir, files)
        self.disk = Disk(top, m.dir, files)
        if adopted:
            configure(m.dir)

    def traced(self, what):
        """Runs a step: its result, when it began, when it was answered."""
        self.m.arm("t")
        result = what()
        start = len(self.events)
        self.events += events(self.m.last.record)
        answers = [at for at in range(start, len(self.events)) if self.events[at].kind == "A"]
        return result, start, answers[0] + 1 if answers else len(self.events)

    def good(self, what, wanted):
        """A step that must go well; when it began, when it was answered, its answer."""
        result, start, answer = self.traced(what)
        status = result if isinstance(result, int) else verdict(*result)
        must(status == wanted, lambda: f"without a power cut: {status}, not {wanted}: {self.m.last.err}")
        return start, answer, None if isinstance(result, int) else result[1]

    def standing(self, user=None):
        """Sessions that stand, of a user if one is named."""
        return [s for s in self.sessions if s.stands() and user in (None, s.user)]

    def some(self):
        """A session that stands; a new one where there are few."""
        if len(self.standing()) < 3:
            self.login()
        session = self.draw.choice(self.standing())
        return session

    def someone(self):
        """A user who may sign in."""
        there = [u for u in self.users if u.admitted[-1][2]]
        return self.draw.choice(there) if there else self.user_add()

    # Each step is one request or verb; the promises it makes are noted with it.

    def init(self):
        """The directory."""
        start, answer, _ = self.good(lambda: self.m.verb("init"), 0)
        self.made = (start, answer)
        configure(self.m.dir)

    def user_add(self):
        """A user, by the operator."""
        name = f"user{next(self.number)}"
        start, answer, _ = self.good(lambda: self.m.verb("user", "add", name, text=PASSWORD + "\n"), 0)
        self.users.append(User(name, start, answer))
        return self.users[-1]

    def signed_in(self, answer, user, at):
        """A new session."""
        self.sessions.append(Session(Client(answer), user, at))
        return self.sessions[-1]

    def register(self):
        """A user, by himself."""
        name = f"user{next(self.number)}"
        body = {"username": name, "password": PASSWORD}
        start, at, answer = self.good(lambda: self.m.ask("POST", "/register", body), "201")
        self.users.append(User(name, start, at))
        self.signed_in(answer, self.users[-1], at)

    def login(self):
        """A session."""
        user = self.someone()
        _, at, answer = self.good(lambda: self.m.login(user.name, user.passwords[-1][2]), "200")
        self.signed_in(answer, user, at)

    def wrong(self):
        """No session."""
        user = self.someone()
        self.good(lambda: self.m.login(user.name, "not " + PASSWORD), "401 invalid_credentials")

    def refresh(self, session=None):
        """The next generation; now and then the answer is lost, and the request sent again."""
        session = session or self.some()
        body = session.client.request()
        lost = self.draw.random() < 0.2
        start, at, answer = self.good(lambda: self.m.ask("POST", "/refresh", body), "200")
        if lost:
            _, at, answer = self.good(lambda: self.m.ask("POST", "/refresh", body), "200")
        session.client.take(answer)
        session.tries.append((start, at, body["refresh_token"], body["idempotency_key"]))
        session.tokens.append((at, session.client.refresh_token))

    def storm(self):
        """Many, so that the log is emptied."""
        for _ in range(self.draw.randrange(8, 30)):
            self.refresh()

    def ended(self, sessions, start, at, code="401 session_revoked"):
        """What ends them."""
        for session in sessions:
            session.ends.append((start, at, code))
    
    def logout(self):
        """One session, or all of its user's."""
        session, everywhere = self.some(), self.draw.random() < 0.2
        body = {"refresh_token": session.client.refresh_token, "all": everywhere}
        start, at, _ = self.good(lambda: self.m.ask("POST", "/logout", body), "204")
        self.ended(self.standing(session.user) if everywhere else [session], start, at)

    def revoke(self):
        """Another session of the same user."""
        session = self.some()
        others = [s for s in self.standing(session.user) if s is not session]
        if not others:
            return self.login()
        other = self.draw.choice(others)
        start, at, _ = self.good(lambda: self.m.ask("DELETE", "/sessions/" + other.client.id, access=session.client.access), "204")
        return self.ended([other], start, at)

    def operator_revokes(self):
        """By its id."""
        session = self.some()
        start, at, _ = self.good(lambda: self.m.verb("session", "revoke", session.client.id), 0)
        self.ended([session], start, at)

    def reuse(self):
        """A thief's old token."""
        session = self.some()
        old = session.client.refresh_token
        for _ in range(2):
            self.refresh(session)
        start, at, _ = self.good(lambda: self.m.ask("POST", "/refresh", {"refresh_token": old}), "401 refresh_reused")
        self.ended([session], start, at)

    def password(self):
        """By its user: his other sessions end."""
        session = self.some()
        user = session.user
        body = {"current_password": user.passwords[-1][2], "new_password": f"horse number {next(self.number)}"}
        start, at, _ = self.good(lambda: self.m.ask("POST", "/password", body, access=session.client.access), "204")
        user.passwords.append((start, at, body["new_password"]))
        self.ended([s for s in self.standing(user) if s is not session], start, at)

    def passwd(self):
        """By the operator: all of his sessions end."""
        user = self.someone()
        text = f"horse number {next(self.number)}"
        start, at, _ = self.good(lambda: self.m.verb("user", "passwd", user.name, text=text + "\n"), 0)
        user.passwords.append((start, at, text))
        self.ended(self.standing(user), start, at)

    def admit(self, user, word, value):
        """user disable, enable, delete."""
        start, at, _ = self.good(lambda: self.m.verb("user", word, user.name), 0)
        user.admitted.append((start, at, value))
        return start, at

    def disable(self):
        """A user, and now and then admit him again."""
        user = self.someone()
        start, at = self.admit(user, "disable", False)
        self.ended(self.standing(user), start, at)
        if self.draw.random() < 0.7:
            self.admit(user, "enable", True)

    def delete(self):
        """A user, sessions and all, those that had ended too."""
        user = self.someone()
        start, at = self.admit(user, "delete", False)
        self.ended([s for s in self.sessions if s.user is user], start, at, "401 refresh_invalid")
        self.user_add()

    def rotate_and_retire(self):
        """A new key; then the old one is forgotten, with the sessions that have no token of the new one."""
        self.good(lambda: self.m.verb("key", "rotate"), 0)
        stay = self.draw.sample(self.standing(), len(self.standing()) // 2)
        for session in stay:
            self.refresh(session)
        retired = [self.good(lambda kid=kid: self.m.verb("key", "retire", kid), 0) for kid in self.kids()[1:]]
        self.ended([s for s in self.sessions if s not in stay], retired[0][0], retired[-1][1], "401 refresh_invalid")

    def epoch(self):
        """A new key alone; all sessions end."""
        start, at, _ = self.good(lambda: self.m.verb("key", "rotate", "--epoch"), 0)
        self.ended(self.sessions, start, at, "401 refresh_invalid")

    def kids(self):
        """Of the keys, the signing one first."""
        with open(os.path.join(self.m.dir, "latchkey.key"), encoding="ascii") as file:
            return [line.split()[0] for line in file]

    STEPS = (refresh, refresh, refresh, storm, login, login, wrong, logout, revoke, operator_revokes, reuse, register, password,
             passwd, disable, delete, rotate_and_retire, epoch)

    def go(self, steps):
        """So many of them; the first time each comes once."""
        if self.made[0] == FOREVER:
            self.init()
            self.user_add()
            self.login()
        first = self.draw.sample(self.STEPS, len(self.STEPS))
        for number in range(steps):
            step = first[number] if number < len(first) else self.draw.choice(self.STEPS)
            step(self)


# ---- many at once ----

class Crowd:
    """Requests of many clients at once, and the promises in their answers. A user does one thing at a time that ends sessions."""

    def __init__(self, tour):
        self.tour, self.draw = tour, tour.draw
        self.asks, self.notes = [], []
        self.passwords = {user: user.passwords[-1][2] for user in tour.users}

    def ask(self, wanted, then, *request):
        """To be sent with the others. then(answer): what is known at once; it returns what is noted once start and end are known."""
        self.asks.append((wanted, then, (*request, None, None)[:4]))

    def refresh(self, session):
        """The next generation; now and then by the same request twice, of which either may be the first."""
        body = session.client.request()
        taken = []

        def then(answer):
            if not taken:
                session.client = copy.copy(session.client)
                session.client.take(answer)
                taken.append(session.client.refresh_token)
            must(answer["data"]["refresh_token"] == taken[0], "one request, two successors")

            def note(start, at):
                session.tries.append((start, at, body["refresh_token"], body["idempotency_key"]))
                session.tokens.append((at, taken[0]))
                session.tokens.sort(key=lambda known: known[0])
            return note
        for _ in range(1 + (self.draw.random() < 0.2)):
            self.ask("200", then, "POST", "/refresh", body)

    def login(self, user):
        """A session."""
        def then(answer):
            session = self.tour.signed_in(answer, user, FOREVER)
            token = session.client.refresh_token
            return lambda start, at: session.tokens.append((at, token))
        self.ask("200", then, "POST", "/login", {"username": user.name, "password": self.passwords[user]})

    def end(self, sessions, wanted, *request, also=lambda start, at: None):
        """What ends them."""
        for session in sessions:
            session.over = True

        def note(start, at):
            self.tour.ended(sessions, start, at)
            also(start, at)
        self.ask(wanted, lambda answer: note, *request)

    def end_some(self, user, mine):
        """One of the ways in which sessions end."""
        session, access = mine[0], mine[-1].client.access
        old = list(dict.fromkeys(token for at, token in session.tokens if at != FOREVER))[:-2]
        way = self.draw.randrange(4)
        if way == 0 and old:
            self.end([session], "401 refresh_reused", "POST", "/refresh", {"refresh_token": old[-1]})
        elif way == 1 and len(mine) > 1:
            self.end([session], "204", "DELETE", "/sessions/" + session.client.id, None, access)
        elif way == 2 and len(mine) > 1:
            body = {"current_password": self.passwords[user], "new_password": f"horse number {next(self.tour.number)}"}
            self.passwords[user] = body["new_password"]
            self.end(mine[:-1], "204", "POST", "/password", body, access,
                     also=lambda start, at: user.passwords.append((start, at, body["new_password"])))
        else:
            self.end([session], "204", "POST", "/logout", {"refresh_token": session.client.refresh_token})

    def wave(self, server):
        """What all users do in one moment."""
        self.asks = []
        for user in self.tour.users:
            mine = self.tour.standing(user)
            ending = len(mine) > 1 and self.draw.random() < 0.2
            if ending:
                self.end_some(user, mine)
            elif len(mine) < 4 and self.draw.random() < 0.3 or not mine:
                self.login(user)
            for session in mine:
                if not session.over and self.draw.random() < 0.7:
                    self.refresh(session)
        self.draw.shuffle(self.asks)
        answers = server.together([request for _, _, request in self.asks])
        for (wanted, then, request), (port, status, answer) in zip(self.asks, answers):
            must(verdict(status, answer) == wanted, lambda: f"without a power cut: {request[:2]}: {verdict(status, answer)}, not {wanted}")
            self.notes.append((port, then(answer)))

    def settle(self, seen):
        """The notes, now that it is known when things happened. seen: what the server did."""
        start = len(self.tour.events)
        self.tour.events += seen
        asked, said = {}, {}
        for at, event in enumerate(seen, start):
            if event.kind == "Q":
                asked.setdefault(int(event.path), at)
            elif event.kind == "A":
                said.setdefault(int(event.path), at + 1)
        for port, note in self.notes:
            if note:
                note(asked[port], said[port])
        self.notes = []


def served(tour, waves, words):
    """A tour of requests to a server, of several users."""
    if tour.made[0] == FOREVER:
        tour.init()
    while len(tour.users) < 5:
        tour.user_add()
    while len(tour.standing()) < 8:
        tour.login()
    crowd, server = Crowd(tour), Server(tour.m, words, "T")
    try:
        for number in range(waves):
            crowd.wave(server)
            if number % 5 == 4:       # what was handed out is known from here on
                crowd.settle(list(events(server.stop().record)))
                server = Server(tour.m, words, "T")
    finally:
        crowd.settle(list(events(server.stop().record)))


# ---- the power goes ----

class Cut:
    """A state, and what it must keep."""

    def __init__(self, m, tour, at):
        self.m, self.tour, self.at = m, tour, at

    def look(self, draw):
        """Goes through the promises; returns the sessions and users that are as they were."""
        m, tour = self.m, self.tour
        if self.at < tour.made[1] and not self.init_again():
            return None
        m.check()
        sessions, users = [], []
        for session in self.chosen(draw):
            body, good = session.expected(self.at)
            status, answer = m.ask("POST", "/refresh", body)
            must(verdict(status, answer) in good,
                 lambda: f"a session of {session.user.name}: {verdict(status, answer)}, not {' or '.join(sorted(good))}")
            if status == 200:
                sessions.append(Session(Client(answer), session.user.name, -1))
        for user in draw.sample(tour.users, min(2, len(tour.users))):
            users += self.ask_user(user)
        return sessions, users

    def init_again(self):
        """Killed in the middle, init does it when it is asked again. Whether there is more to ask."""
        m = self.m
        code = m.verb("init")
        must(code == 0 or b"there is a database already" in m.last.err, lambda: f"the next init: {code} {m.last.err}")
        configure(m.dir)
        m.check()
        must(m.verb("user", "add", "first", text=PASSWORD + "\n") == 0, lambda: f"user add: {m.last.err}")
        must(m.login("first")[0] == 200, "no sign-in after init")
        return False

    def chosen(self, draw):
        """Sessions that were signed in by then: those that something just happened to, and others."""
        there = [s for s in self.tour.sessions if s.expected(self.at)]
        last = sorted(there, key=lambda s: max([at for at, _ in s.tokens if at <= self.at] + [at for at, _, _ in s.ends if at <= self.at]))
        return last[-3:] + draw.sample(last[:-3], min(2, len(last[:-3])))

    def ask_user(self, user):
        """Which password opens."""
        asked = user.expected(self.at)
        for password, good in asked:
            said = verdict(*self.m.login(user.name, password))
            must(said in good, lambda: f"{user.name} with {password!r}: {said}, not {' or '.join(good)}")
        if asked and asked[0][1] == {"200"}:
            return [User(user.name, -1, -1, asked[0][0])]
        return []


class Cuts:
    """All states of a tour, one after another."""

    def __init__(self, m, top, draw):
        self.m, self.top, self.draw = m, os.path.join(top, "cut"), draw
        self.states, self.cuts, self.steps, self.broken = 0, 0, 0, []
        self.seen = set()
        self.control = bool(os.environ.get("POWER_CONTROL"))
        self.kept = []               # states from which another tour may begin

    def of(self, tour, most, limit):
        """The states behind each event, `most` for one event, `limit` in all."""
        self.seen.clear()
        share = (limit - self.states) / (len(tour.events) * most / 2)       # spread over the tour, where few are wanted
        for at, event in enumerate(tour.events, 1):
            if not tour.disk.feed(event) or self.done(limit) or self.draw.random() > share:
                continue
            self.cuts += 1
            atoms = tour.disk.atoms()
            for fates in fates_of(atoms, self.draw, most):
                self.state(tour, at, tour.disk.state(fates))

    def done(self, limit):
        """Enough states; of a control, one that is broken."""
        return self.states >= limit or (self.control and self.broken)

    def is_new(self, at, files):
        """Not seen yet at this very event."""
        mark = hashlib.blake2b(repr((at, sorted((name, hashlib.blake2b(data).digest()) for name, data in (files or {}).items())
                                     if files is not None else None)).encode()).digest()
        new = mark not in self.seen
        self.seen.add(mark)
        return new

    def state(self, tour, at, files):
        """One state, if it is a new one."""
        if not self.is_new(at, files):
            return
        self.states += 1
        self.m.dir = os.path.join(self.top, "data")
        shutil.rmtree(self.m.dir, ignore_errors=True)
        if files is not None:
            restore(self.m.dir, files)
            configure(self.m.dir)
        try:
            found = Cut(self.m, tour, at).look(self.draw)
            if found and self.draw.random() < 0.01:
                self.keep(found)
        except Broken as why:
            self.broken.append(f"event {at} of {len(tour.events)}: {why}")

    def keep(self, found):
        """As it is now, all of it on disk."""
        sessions, users = found
        by_name = {user.name: user for user in users}
        mine = [s for s in sessions if s.user in by_name]
        for session in mine:
            session.user = by_name[session.user]
        if mine:
            self.kept.append((snapshot(self.m.dir, {*PASSING, "latchkey.conf"}), mine, users))


def main():
    """Tours until there were enough states."""
    inject, latchkey, top, seed, wanted = sys.argv[1:]
    wanted, draw = int(wanted), random.Random(int(seed))
    length, most = int(os.environ.get("POWER_STEPS", "24")), int(os.environ.get("POWER_CUTS", "16"))
    face = os.environ.get("POWER_SERVE")
    m = Machine(inject, latchkey, top)
    for name in ("tour", "cut"):
        os.makedirs(os.path.join(top, name), exist_ok=True)
    cuts = Cuts(m, top, draw)
    while not cuts.done(wanted):
        again = cuts.kept.pop(draw.randrange(len(cuts.kept))) if cuts.kept and draw.random() < 0.5 else None
        tour = Tour(m, os.path.join(top, "tour"), draw, again)
        if face is not None:
            served(tour, length, face.split())
        else:
            tour.go(length)
        cuts.of(tour, most, wanted)
        cuts.steps += length
    print(cuts.states, len(cuts.broken), cuts.cuts, cuts.steps)
    for why in cuts.broken[:20]:
        print("#", why.replace("\n", "\n# "))


main()

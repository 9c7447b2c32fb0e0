"""restore.py LATCHKEY DIR PORT SEQUENCES: copies, stops, starts and restores in every order, or in SEQUENCES drawn ones.

A sequence is a list of steps on one data directory: sign-ins, checkpoints, copies by `backup`, by cp of the database alone
and of both files, copies that are put over the database with and without its log, in place or by a rename, `restore`, a
worker that is started and stopped. After each step the sessions that there are must be those of the copy that was put there,
or those of the moment before; or everything is refused, `check` says what to do, and that does it. Never a third state.

The control asks SQLite's own library, which takes any log, about the same files: there must be a third state among them.
Prints: steps, faults, third states of the control. Faults are told on stderr.
"""
import itertools
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request

LATCHKEY, ROOM, PORT, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
PASSWORD = "correct horse"
REFUSED = "refused"
HELP = "latchkey restore FILE"


def run(*words, data=None, env=None):
    return subprocess.run([LATCHKEY, *words], input=data, env=env, capture_output=True)


class Place:
    """A data directory, what is in it, and the copies that were made of it."""

    def __init__(self, path, seed):
        self.path = path
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(seed, path)
        self.refused = False
        self.now = self.look()      # devices of the sessions, while nothing is refused
        self.base = self.now        # those in latchkey.db alone
        self.copies = []            # (file, devices, those in the file without its log)
        self.number = 0
        self.server = None
        self.third = 0

    def file(self, name):
        return os.path.join(self.path, name)

    def verb(self, *words):
        return run(*words, "--dir", self.path)

    # --- what there is

    def look(self):
        """The devices, or REFUSED."""
        got = self.verb("session", "list", "--json")
        if got.returncode == 0:
            return sorted(row["device"] for row in json.loads(got.stdout))
        return REFUSED

    def look_with_sqlite(self):
        there = self.path + ".control"
        shutil.rmtree(there, ignore_errors=True)
        shutil.copytree(self.path, there)
        try:
            db = sqlite3.connect(os.path.join(there, "latchkey.db"))
            rows = sorted(str(row[0]) for row in db.execute("SELECT device FROM session"))
            whole = db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            db.close()
            return rows if whole else "damaged"
        except sqlite3.Error:
            return "damaged"

    # --- steps. Each returns the states that may be there then.

    def sign_in(self):
        self.number += 1
        device = "d%03d" % self.number
        body = json.dumps({"username": "demo", "password": PASSWORD, "device": device}).encode()
        status = self.by_http(body) if self.server else self.by_cgi(body)
        if status == 200:
            return [sorted(self.now + [device])]
        return [self.now] if self.refused else []

    def by_cgi(self, body):
        got = run(data=body, env={
            "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PROTOCOL": "HTTP/1.1", "SCRIPT_NAME": "/auth", "REQUEST_METHOD": "POST",
            "PATH_INFO": "/login", "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": "192.0.2.1", "LATCHKEY_DIR": self.path})
        return int(got.stdout.split()[1])

    def by_http(self, body):
        asked = urllib.request.Request("http://127.0.0.1:%d/api/auth/login" % PORT, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def checkpoint(self):
        done = self.verb("user", "enable", "demo").returncode == 0
        if done:
            self.base = self.now
        return [self.now]

    def backup(self):
        name = self.new_copy()
        if self.verb("backup", name).returncode == 0:
            self.copies.append((name, self.now, self.now))
            self.base = self.now
        return [self.now]

    def new_copy(self):
        name = self.path + ".copy%d" % len(self.copies)
        for suffix in ("", "-wal"):
            if os.path.exists(name + suffix):
                os.unlink(name + suffix)
        return name

    def copy(self, both):
        name = self.new_copy()
        shutil.copyfile(self.file("latchkey.db"), name)
        if both and os.path.exists(self.file("latchkey.db-wal")):
            shutil.copyfile(self.file("latchkey.db-wal"), name + "-wal")
        if not self.refused:
            self.copies.append((name, self.now if both else self.base, self.base))
        return [self.now]

    def put(self, which, rename, log):
        """Copy `which` over the database; its log stays, goes, or comes with it."""
        name, devices, alone = self.copies[which % len(self.copies)]
        if rename:
            shutil.copyfile(name, self.file("taken"))
            os.rename(self.file("taken"), self.file("latchkey.db"))
        else:
            shutil.copyfile(name, self.file("latchkey.db"))
        if log == "gone" and os.path.exists(self.file("latchkey.db-wal")):
            os.unlink(self.file("latchkey.db-wal"))
        if log == "with it" and os.path.exists(name + "-wal"):
            shutil.copyfile(name + "-wal", self.file("latchkey.db-wal"))
        self.base = alone
        # The half of a pair is the copy that it is: a database tells nobody that it had a log.
        return [devices, self.now] if log == "with it" else [alone, devices, self.now]

    def restore(self, which):
        name, devices, _ = self.copies[which % len(self.copies)]
        got = self.verb("restore", name)
        if got.returncode != 0:
            raise AssertionError("restore: %s" % got.stderr.decode())
        self.base = devices
        self.refused = False
        return [devices]

    def start(self):
        if not self.server:
            self.server = subprocess.Popen([LATCHKEY, "serve", "127.0.0.1:%d" % PORT, "--workers", "1", "--dir", self.path],
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for _ in range(500):
                try:
                    self.by_http(b"{}")
                    break
                except OSError:
                    time.sleep(0.02)
        return [self.now]

    def stop(self):
        if self.server:
            self.server.terminate()
            self.server.wait()
            self.server = None
        return [self.now]


STEPS = {
    "sign in": lambda p: p.sign_in(),
    "checkpoint": lambda p: p.checkpoint(),
    "backup": lambda p: p.backup(),
    "cp the database": lambda p: p.copy(False),
    "cp both files": lambda p: p.copy(True),
    "put the first copy": lambda p: p.put(0, False, "stays"),
    "put the newest copy": lambda p: p.put(-1, False, "stays"),
    "move the first copy there": lambda p: p.put(0, True, "stays"),
    "put the first copy, rm the log": lambda p: p.put(0, False, "gone"),
    "put the newest copy and its log": lambda p: p.put(-1, False, "with it"),
    "restore the first copy": lambda p: p.restore(0),
    "restore the newest copy": lambda p: p.restore(-1),
    "start": lambda p: p.start(),
    "stop": lambda p: p.stop(),
}
BEFORE = ["sign in", "backup", "sign in", "checkpoint", "sign in"]
MANY = 40       # sessions before all that: they take a dozen pages, so that a log has some of them alone


def wrong_after(place, step):
    """None, or what is wrong after this step."""
    try:
        allowed = STEPS[step](place)
    except AssertionError as error:
        return str(error)
    found = place.look()
    control = place.look_with_sqlite()
    if control not in allowed:
        place.third += 1
    if found == REFUSED:
        place.refused = True
        said = place.verb("check").stdout.decode()
        return None if HELP in said else "refused, and check doesn't say what to do:\n" + said
    if found not in allowed:
        return "a third state: %s, not one of %s" % (found, allowed)
    place.now, place.refused = found, False
    return None


def sequence(steps, seed):
    """How many steps were made, what is wrong (or None), third states of the control."""
    place = Place(os.path.join(ROOM, "place"), seed)
    made = 0
    try:
        for step in BEFORE + list(steps):
            made += 1
            wrong = wrong_after(place, step)
            if wrong:
                return made, "%s: %s" % (", ".join((BEFORE + list(steps))[:made]), wrong), place.third
        if place.refused:
            place.restore(0)
            if place.look() != place.copies[0][1]:
                return made, "%s: what is advised doesn't help" % ", ".join(steps), place.third
        return made, None, place.third
    finally:
        place.stop()


def main():
    seed = os.path.join(ROOM, "seed")
    run("init", "--dir", seed)
    with open(os.path.join(seed, "latchkey.conf"), "w") as conf:
        conf.write("password_memory = 8k\npassword_passes = 1\nthrottle_dir = %s\n" % seed)
    run("user", "add", "demo", "--dir", seed, data=PASSWORD.encode() + b"\n")
    made = Place(os.path.join(ROOM, "made"), seed)
    for number in range(MANY):
        made.number = 900 + number
        made.sign_in()
    made.checkpoint()
    os.unlink(os.path.join(seed, "throttle"))
    seed = made.path
    if COUNT:
        draw = random.Random(11)
        todo = [draw.choices(list(STEPS), k=6) for _ in range(COUNT)]
    else:
        todo = itertools.product(STEPS, repeat=3)
    steps = faults = third = 0
    for one in todo:
        made, wrong, thirds = sequence(one, seed)
        steps += made
        third += thirds
        if wrong:
            faults += 1
            print(wrong, file=sys.stderr)
    print(steps, faults, third)


main()

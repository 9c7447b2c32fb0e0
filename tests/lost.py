"""
lost.py INJECT LATCHKEY DIR [bare]: a sign-in, a sign-up, a change of the password, a password by a link, killed at each of its system calls, and
sent again with its key (a link is one itself): it is answered, and what it does is there once. "bare" sends no key: what happens then is what the
harness must notice. Prints a line for each: NAME POINTS FAILURES, and "#" what failed first.
"""
import json
import sys

from inject import KILL, PASSWORD, Machine, must, restore, snapshot, verdict, Broken

NEW = "battery staple"
machine = Machine(sys.argv[1], sys.argv[2], sys.argv[3])
key = {} if "bare" in sys.argv else {"idempotency_key": "the key of this request"}


def listed(*words):
    """What a verb lists, as JSON."""
    must(machine.verb(*words, "--json") == 0, lambda: f"{words}: {machine.last.err}")
    return json.loads(machine.last.out)


def once(name):
    """That user is there once, with one session that stands."""
    must(len([u for u in listed("user", "list") if u["username"] == name]) == 1, f"{name} isn't there once")
    sessions = listed("session", "list", name)
    must(len(sessions) == 1, lambda: f"{len(sessions)} sessions of {name}")


def changed():
    """The password is the new one, and no other."""
    must(machine.login(password=NEW)[0] == 200, "the new password doesn't sign in")
    must(machine.login(password=PASSWORD)[0] == 401, "the old password signs in")


def sweep(name, status, request, holds):
    """The request, killed at each call in turn."""
    before, points, failures = snapshot(machine.dir), 0, 0
    while True:
        restore(machine.dir, before)
        machine.arm("f", KILL, points + 1)
        machine.ask(*request)
        if not machine.last.hit:
            break
        points += 1
        try:
            answer = machine.ask(*request)
            must(answer[0] == status, lambda: f"{verdict(*answer)}, not {status}")
            holds()
            machine.check()
        except Broken as broken:
            failures += 1
            if failures == 1:
                print(f"# {name}, killed at call {points}: {broken}")
    restore(machine.dir, before)
    print(name, points, failures, flush=True)


machine.make()
sweep("sign-in", 200, ("POST", "/login", {"username": "demo", "password": PASSWORD, **key}), lambda: once("demo"))
sweep("sign-up", 201, ("POST", "/register", {"username": "new", "password": NEW, **key}), lambda: once("new"))
must(machine.verb("user", "link", "demo", "--url", "https://example.org") == 0, "no link")
ticket = machine.last.out.decode().strip().split("#link=")[1]
sweep("link", 200, ("POST", "/password/link", {"ticket": ticket, "new_password": NEW}), changed)
access = machine.login()[1]["data"]["access_token"]
sweep("change", 204, ("POST", "/password", {"current_password": PASSWORD, "new_password": NEW, **key}, access), changed)

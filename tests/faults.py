"""
faults.py INJECT LATCHKEY DIR [NAME...]: a sweep of faults over every request that writes, and
every row of the rotation table. Prints "NAME POINTS BROKEN CALLS" for each scenario, and which
promise was broken where. FAULTS_STEP thins the points out (1: all); FAULTS_PART is I/N: the
part of a worker. With FAULTS_WORKERS it is `serve --workers` that is asked, and fails.

A scenario prepares a data directory once. Each point restores it, runs the request with one
system call failed (each errno, a short count, SIGKILL, half a write and SIGKILL; a disk that
stays full or broken from there on), and lets a client that follows the contract go on:

  - what was answered holds: a session handed out can be used, one that was ended is over, a
    password that was changed is the only one, a key that was retired opens nothing;
  - what wasn't answered was done whole or not at all, and asking again does it; not at all, where
    the answer says that nothing was changed;
  - nobody is told 401 who isn't signed out, least of all a bystander;
  - the store passes `latchkey check`, integrity_check in it.
"""
import copy
import errno
import json
import os
import sys
import time

from inject import KILL, SHORT, TORN, PASSWORD, Broken, Client, Machine, must, restore, snapshot, verdict

ERRORS = [errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EINTR, errno.EMFILE, errno.ENOMEM]
FAULTS = [("f", fault) for fault in (KILL, TORN, SHORT, *ERRORS)] + [("s", errno.EIO), ("s", errno.ENOSPC)]
NAMES = {KILL: "KILL", TORN: "TORN", SHORT: "SHORT"}
# write pwrite64 fsync fdatasync ftruncate rename mkdir unlink open close
WRITERS = {1, 18, 74, 75, 77, 82, 83, 87, 2, 3}
NEW = "another horse"
TROUBLE = {0, 400, 408, 500, 503}       # 400: its input could not be read to the end
FAILED = {1, 111, 137, 139}             # of a verb: refused, trouble, killed; libc's own end where it can't start

SCENARIOS = {}


def scenario(name, *conf):
    """A function that prepares, and returns what is done under the fault and what must hold then."""
    def add(prepare):
        SCENARIOS[name] = (prepare, conf)
        return prepare
    return add


def sign_in(m, name="demo", password=PASSWORD):
    """A new session, without faults."""
    status, answer = m.login(name, password)
    must(status in (200, 201), lambda: f"sign-in without faults: {verdict(status, answer)}")
    return Client(answer)


def refreshed(m, *bodies):
    """Refreshes that must be answered, in order; returns the last answer."""
    for body in bodies:
        status, answer = m.ask("POST", "/refresh", body)
        must(status == 200, lambda: f"refresh without faults: {verdict(status, answer)}")
    return answer


def twin(client, key=""):
    """A copy, with keys of its own where one is given."""
    other = copy.copy(client)
    other.id = client.id + key
    return other


def answered(result, wanted):
    """Whether it was; an answer is the right one or tells of trouble."""
    said = verdict(*result)
    must(said == wanted or result[0] in TROUBLE, lambda: f"answered {said}, not {wanted}")
    return said == wanted


def denied(result):
    """Whether it said that nothing was changed."""
    return result[0] == 503 and "nothing was changed" in result[1]["error"]["message"]


def done(code):
    """The same of a verb."""
    must(code == 0 or code in FAILED, lambda: f"exit code {code}")
    return code == 0


def refused_password(m, name, password):
    """A password that isn't the user's."""
    said = verdict(*m.login(name, password))
    must(said == "401 invalid_credentials", lambda: f"{name} with a wrong password: {said}")


def ended_or_not(m, client, sure, who):
    """Over, where that was answered; else over, or as before. Returns whether it is over."""
    said = verdict(*m.ask("POST", "/refresh", client.request()))
    must(said in (["401 session_revoked"] if sure else ["401 session_revoked", "200"]), lambda: f"{who}: {said}")
    return said != "200"


# ---- refresh, by the rows of the rotation table (docs/internals.md) ----

def refusal(client, code):
    """A token that is refused: now, and when asked again."""
    def act(m):
        return m.ask("POST", "/refresh", client.request())

    def judge(m, result):
        answered(result, code)
        client.has_ended(m, "a refused token", code)
    return act, judge


def rotation(client):
    """One that is answered: asked again with its key it gives the same successor, which is good."""
    def act(m):
        return m.ask("POST", "/refresh", client.request())

    def judge(m, result):
        mine = twin(client)
        first = result[1] if answered(result, "200") else None
        status, answer = mine.refresh(m)
        must(status == 200, lambda: f"the retry: {verdict(status, answer)}")
        if first:
            for token in ("refresh_token", "access_token", "generation"):
                must(first["data"][token] == answer["data"][token], f"the retry gave another {token}")
        must(mine.generation == client.generation + 1, lambda: f"generation {mine.generation}")
        mine.goes_on(m, "its successor")
    return act, judge


def verdict_of_reuse(thief, owner):
    """One that ends the session of both."""
    def act(m):
        return m.ask("POST", "/refresh", thief.request())

    def judge(m, result):
        if not answered(result, "401 refresh_reused"):
            said = verdict(*m.ask("POST", "/refresh", thief.request()))
            must(said in ("401 refresh_reused", "401 session_revoked"), lambda: f"asked again: {said}")
        owner.has_ended(m, "the session after its verdict")
    return act, judge


@scenario("refresh/2-unknown")
def _(m):
    client = sign_in(m, "other")
    must(m.verb("user", "delete", "other") == 0, "user delete")
    return refusal(client, "401 refresh_invalid")


@scenario("refresh/3-ended")
def _(m):
    client = sign_in(m)
    must(m.ask("POST", "/logout", {"refresh_token": client.refresh_token})[0] == 204, "logout")
    return refusal(client, "401 session_revoked")


@scenario("refresh/4-expired")
def _(m):
    conf = os.path.join(m.dir, "latchkey.conf")
    with open(conf, encoding="ascii") as file:
        text = file.read()
    with open(conf, "a", encoding="ascii") as file:
        file.write("refresh_ttl = 1s\n")
    client = sign_in(m)
    with open(conf, "w", encoding="ascii") as file:
        file.write(text)
    time.sleep(1.1)
    return refusal(client, "401 refresh_expired")


@scenario("refresh/5-rotate")
def _(m):
    return rotation(sign_in(m))


def log_size(m):
    """Bytes of the write-ahead log."""
    return os.path.getsize(os.path.join(m.dir, "latchkey.db-wal"))


@scenario("refresh/5-checkpoint")
def _(m):
    client = sign_in(m)
    before = snapshot(m.dir)
    while log_size(m):                   # until one has emptied the log: the one before that is the scenario
        before, mine = snapshot(m.dir), twin(client)
        client.goes_on(m)
    restore(m.dir, before)
    return rotation(mine)


@scenario("refresh/5-empty-log")
def _(m):
    client = sign_in(m)
    while log_size(m):
        client.goes_on(m)
    return rotation(client)


@scenario("refresh/5-trim", "audit_max = 1")
def _(m):
    client = sign_in(m)
    while m.verb("audit", "--json") == 0 and m.last.out.count(b'"event"') < 63:
        client.goes_on(m)
    return rotation(client)


def two_branches(m):
    """The owner's heir and another's of the same token; the store has the other's."""
    client = sign_in(m)
    before = snapshot(m.dir)
    mine, other = twin(client, "a"), twin(client, "b")
    mine.goes_on(m)
    restore(m.dir, before)
    other.goes_on(m)
    return mine, other


@scenario("refresh/6-fork")
def _(m):
    return verdict_of_reuse(*two_branches(m))


def replay(client, body):
    """The same successor once more."""
    def act(m):
        return m.ask("POST", "/refresh", body)

    def judge(m, result):
        if answered(result, "200"):
            must(result[1]["data"]["refresh_token"] == client.refresh_token, "another successor")
        twin(client).goes_on(m, "after a replay")
    return act, judge


@scenario("refresh/7-same-key")
def _(m):
    client = sign_in(m)
    body = client.request()
    client.goes_on(m)
    return replay(client, body)


@scenario("refresh/8-in-grace", "reuse_grace = 600s")
def _(m):
    client = sign_in(m)
    body = {"refresh_token": client.refresh_token}
    client.goes_on(m)
    return replay(client, body)


@scenario("refresh/9-late", "reuse_grace = 0")
def _(m):
    thief = sign_in(m)
    owner = twin(thief, "owner")
    owner.goes_on(m)
    time.sleep(1.1)
    return verdict_of_reuse(thief, owner)


@scenario("refresh/9-old")
def _(m):
    thief = sign_in(m)
    owner = twin(thief, "owner")
    owner.goes_on(m)
    owner.goes_on(m)
    return verdict_of_reuse(thief, owner)


@scenario("refresh/10-ahead")
def _(m):
    client = sign_in(m)
    before = snapshot(m.dir)
    for _ in range(3):
        client.goes_on(m)
    restore(m.dir, before)
    return rotation(client)


@scenario("refresh/11-rival")
def _(m):
    thief = sign_in(m)
    before = snapshot(m.dir)
    thief.goes_on(m)
    owner = twin(thief, "owner")
    for _ in range(3):
        owner.goes_on(m)
    time.sleep(1.1)
    restore(m.dir, before)
    thief.goes_on(m)
    return verdict_of_reuse(owner, thief)


# ---- signing in ----

def entrance(wanted, path, body, retry):
    """A session is handed out; where not, asking again does it. `retry` are its good answers."""
    def act(m):
        return m.ask("POST", path, body)

    def judge(m, result):
        if not answered(result, wanted):
            again = m.ask("POST", path, body)
            must(verdict(*again) in retry, lambda: f"asked again: {verdict(*again)}")
            must(again[0] < 300 or not denied(result), lambda: f"it said that nothing was changed, but now: {verdict(*again)}")
            result = again if again[0] < 300 else m.login(body["username"], body["password"])
        must(result[0] in (200, 201), lambda: verdict(*result))
        Client(result[1]).goes_on(m, "a new session")
    return act, judge


@scenario("login")
def _(_):
    return entrance("200", "/login", {"username": "demo", "password": PASSWORD, "device": "a phone"}, ["200"])


@scenario("login/rehash")
def _(m):
    path = os.path.join(m.dir, "latchkey.conf")
    with open(path, encoding="ascii") as file:
        text = file.read()
    with open(path, "w", encoding="ascii") as file:
        file.write(text.replace("password_memory = 8k", "password_memory = 9k"))
    return entrance("200", "/login", {"username": "demo", "password": PASSWORD}, ["200"])


@scenario("login/wrong")
def _(_):
    def act(m):
        return m.login("demo", NEW)

    def judge(m, result):
        answered(result, "401 invalid_credentials")
        refused_password(m, "demo", NEW)
        sign_in(m).goes_on(m)
    return act, judge


@scenario("register")
def _(_):
    return entrance("201", "/register", {"username": "fresh", "password": PASSWORD}, ["201", "409 username_taken"])


# ---- ends of sessions ----

def end(request, ended, standing, wanted="204"):
    """A request that ends sessions; asked again it ends them for good."""
    def act(m):
        return m.ask(*request[:2], **request[2])

    def judge(m, result):
        sure = answered(result, wanted)
        over = [ended_or_not(m, twin(client), sure, "one to be ended") for client in ended]
        must(len(set(over)) == 1, "some were ended, others not")
        must(not (over[0] and denied(result)), "it said that nothing was changed, but they are over")
        if not over[0]:
            m.ask(*request[:2], **request[2])
            for client in ended:
                client.has_ended(m, "asked again, one to be ended")
        for client in standing:
            twin(client).goes_on(m, "one that was not meant")
    return act, judge


@scenario("logout")
def _(m):
    client, other = sign_in(m), sign_in(m)
    return end(("POST", "/logout", {"body": {"refresh_token": client.refresh_token}}), [client], [other])


@scenario("logout/bearer")
def _(m):
    client, other = sign_in(m), sign_in(m)
    return end(("POST", "/logout", {"access": client.access}), [client], [other])


@scenario("logout/all")
def _(m):
    client, other = sign_in(m), sign_in(m)
    return end(("POST", "/logout", {"body": {"refresh_token": client.refresh_token, "all": True}}), [client, other],
               [sign_in(m, "other")])


@scenario("revoke")
def _(m):
    client, other = sign_in(m), sign_in(m)
    return end(("DELETE", "/sessions/" + other.id, {"access": client.access}), [other], [client])


@scenario("revoke/others")
def _(m):
    client, others = sign_in(m), [sign_in(m), sign_in(m)]
    return end(("DELETE", "/sessions", {"access": client.access}), others, [client, sign_in(m, "other")])


# ---- passwords ----

def changed_or_not(m, name, sure):
    """One password is good, and it is the new one where that was answered."""
    said = verdict(*m.login(name, NEW))
    must(said in (["200"] if sure else ["200", "401 invalid_credentials"]), lambda: f"the new password: {said}")
    if said == "200":
        refused_password(m, name, PASSWORD)
    else:
        sign_in(m, name)
    return said == "200"


@scenario("password")
def _(m):
    client, other = sign_in(m), sign_in(m)

    def act(m):
        return m.ask("POST", "/password", {"current_password": PASSWORD, "new_password": NEW}, access=client.access)

    def judge(m, result):
        sure = answered(result, "204")
        over = ended_or_not(m, twin(other), sure, "another session of the user")
        must(changed_or_not(m, "demo", sure) == over, "the password and the other sessions don't agree")
        must(not (over and denied(result)), "it said that nothing was changed, but the password was")
        twin(client).goes_on(m, "who changed it")
    return act, judge


@scenario("password/wrong")
def _(m):
    client = sign_in(m)

    def act(m):
        return m.ask("POST", "/password", {"current_password": NEW, "new_password": NEW}, access=client.access)

    def judge(m, result):
        answered(result, "401 invalid_credentials")
        must(not changed_or_not(m, "demo", False), "a password was changed without the old one")
        twin(client).goes_on(m)
    return act, judge


# ---- the operator's verbs ----

def verb(words, judge, text=""):
    """A verb; judge(m, sure) says whether what it does is done."""
    def act(m):
        return m.verb(*words, text=text)

    def judged(m, code):
        sure = done(code)
        if not judge(m, sure):
            must(m.verb(*words, text=text) == 0, lambda: f"asked again: {m.last.err}")
            must(judge(m, True), "asked again, it is not done")
    return act, judged


@scenario("user/add")
def _(_):
    def judge(m, sure):
        said = verdict(*m.login("fresh"))
        must(said in (["200"] if sure else ["200", "401 invalid_credentials"]), lambda: f"the new user: {said}")
        return said == "200"
    return verb(["user", "add", "fresh"], judge, PASSWORD + "\n")


def user_names(m):
    must(m.verb("user", "list", "--json") == 0, lambda: f"user list: {m.last.err}")
    return sorted(user["username"] for user in json.loads(m.last.out))


def from_names(m, words, after, *text):
    """A verb after which there are these users."""
    before = user_names(m)

    def judge(m, sure):
        now = user_names(m)
        must(now == after or (now == before and not sure), f"users {now}, were {before}")
        return now == after
    return verb(words, judge, *text)


@scenario("user/import")
def _(m):
    hashed = "$5$saltsalt$" + "0" * 43
    return from_names(m, ["user", "import"], sorted([*user_names(m), "fresh", "later"]), f"fresh:{hashed}\nlater:{hashed}\n")


@scenario("user/rename")
def _(m):
    return from_names(m, ["user", "rename", "demo", "fresh"], sorted({*user_names(m), "fresh"} - {"demo"}))


@scenario("user/passwd")
def _(m):
    client = sign_in(m)

    def judge(m, sure):
        over = ended_or_not(m, twin(client), sure, "a session of the user")
        must(changed_or_not(m, "demo", sure) == over, "the password and the sessions don't agree")
        return over
    return verb(["user", "passwd", "demo"], judge, NEW + "\n")


@scenario("user/set")
def _(m):
    client = sign_in(m)

    def judge(m, sure):
        status, answer = m.ask("GET", "/me", access=client.access)
        must(status == 200, lambda: f"/me: {verdict(status, answer)}")
        what = answer["data"]["subscription"]
        must(what == {"plan": "pro"} or (what is None and not sure), lambda: f"the subscription is {what}")
        return what is not None
    return verb(["user", "set", "demo", "subscription", '{"plan":"pro"}'], judge)


@scenario("user/disable")
def _(m):
    client = sign_in(m)

    def judge(m, sure):
        over = ended_or_not(m, twin(client), sure, "a disabled user's session")
        said = verdict(*m.login())
        must(said == ("401 invalid_credentials" if over else "200"), lambda: f"a disabled user's sign-in: {said}")
        return over
    return verb(["user", "disable", "demo"], judge)


@scenario("user/enable")
def _(m):
    client = sign_in(m)
    must(m.verb("user", "disable", "demo") == 0, "user disable")

    def judge(m, sure):
        said = verdict(*m.login())
        must(said in (["200"] if sure else ["200", "401 invalid_credentials"]), lambda: f"an enabled user: {said}")
        client.has_ended(m, "a session from before")
        return said == "200"
    return verb(["user", "enable", "demo"], judge)


@scenario("user/delete")
def _(m):
    client = sign_in(m)

    def judge(m, sure):
        said = verdict(*m.ask("POST", "/refresh", twin(client).request()))
        must(said in (["401 refresh_invalid"] if sure else ["401 refresh_invalid", "200"]), lambda: f"a deleted user's session: {said}")
        login = verdict(*m.login())
        must(login == ("200" if said == "200" else "401 invalid_credentials"), lambda: f"a deleted user's sign-in: {login}")
        return said != "200"
    return verb(["user", "delete", "demo"], judge)


def revocation(words, ended, standing):
    """session revoke, by id or by user."""
    def judge(m, sure):
        over = [ended_or_not(m, twin(client), sure, "one to be ended") for client in ended]
        must(len(set(over)) == 1, "some were ended, others not")
        for client in standing:
            twin(client).goes_on(m, "one that was not meant")
        return over[0]
    return verb(["session", "revoke", *words], judge)


@scenario("session/revoke")
def _(m):
    client, other = sign_in(m), sign_in(m)
    return revocation([client.id], [client], [other])


@scenario("session/revoke-user")
def _(m):
    return revocation(["--user", "demo"], [sign_in(m), sign_in(m)], [sign_in(m, "other")])


def kids(m):
    """Of the keys, the signing one first."""
    with open(os.path.join(m.dir, "latchkey.key"), encoding="ascii") as file:
        return [line.split()[0] for line in file]


def new_key(m, words, *text):
    """A verb that adds a key."""
    client, before = sign_in(m), kids(m)

    def judge(m, sure):
        now = kids(m)
        must(now == before or (now[1:] == before and len(now) == 2), f"keys {now}, were {before}")
        must(not sure or now != before, "no new key")
        twin(client).goes_on(m, "a token of the old key")
        return now != before
    return verb(words, judge, *text)


@scenario("key/rotate")
def _(m):
    return new_key(m, ["key", "rotate"])


@scenario("key/stage")
def _(m):
    before = kids(m)

    def judge(m, sure):
        now = kids(m)
        must(now == before or (len(now) == 2 and now[0] == before[0]), f"keys {now}, were {before}")
        must(not sure or now != before, "no new key")
        sign_in(m).goes_on(m, "a session of the key that signs")
        return now != before
    return verb(["key", "stage"], judge)


@scenario("key/use")
def _(m):
    client = sign_in(m)
    must(m.verb("key", "stage") == 0, "key stage")
    before = kids(m)

    def judge(m, sure):
        now = kids(m)
        must(now in (before, before[::-1]), f"keys {now}, were {before}")
        must(not sure or now != before, "the other key signs still")
        twin(client).goes_on(m, "a token of the old key")
        return now != before
    return verb(["key", "use", before[1]], judge)


@scenario("key/retire")
def _(m):
    client, old = sign_in(m), kids(m)
    must(m.verb("key", "rotate") == 0, "key rotate")
    other = sign_in(m)

    def judge(m, sure):
        said = verdict(*m.ask("POST", "/refresh", twin(client).request()))
        must(said in (["401 refresh_invalid"] if sure else ["401 refresh_invalid", "200"]), lambda: f"a retired key's token: {said}")
        must((old[0] in kids(m)) == (said == "200"), "the key file says otherwise")
        twin(other).goes_on(m, "a token of the other key")
        return said != "200"
    return verb(["key", "retire", old[0]], judge)


@scenario("key/epoch")
def _(m):
    clients, before = [sign_in(m), sign_in(m)], kids(m)

    def judge(m, sure):
        said = {verdict(*m.ask("POST", "/refresh", twin(client).request())) for client in clients}
        must(said in ({"401 refresh_invalid"}, *([] if sure else [{"200"}])), lambda: f"tokens from before: {said}")
        must((kids(m) == before) == (said == {"200"}), "the key file says otherwise")
        sign_in(m).goes_on(m, "a token of the new key")
        return sure
    return verb(["key", "rotate", "--epoch"], judge)


@scenario("key/import")
def _(m):
    return new_key(m, ["key", "import"], "0123456789abcdef" * 4 + "\n")


def usable(m):
    """A directory that init made."""
    m.check()
    must(m.verb("user", "add", "first", text=PASSWORD + "\n") == 0, lambda: f"user add: {m.last.err}")
    m.peers += 1
    sign_in(m, "first").goes_on(m)


def made(m, code):
    """init, asked again until it is content."""
    if not done(code):
        again = m.verb("init")
        must(again == 0 or b"there is a database already" in m.last.err, lambda: f"the next init: {again} {m.last.err}")
    usable(m)


@scenario("init")
def _(m):
    restore(m.dir, {})
    return lambda m: m.verb("init"), made


# ---- the sweep ----

def calls(m, act, files):
    """The numbers of the calls that it makes, in order."""
    restore(m.dir, files)
    m.arm("l")
    act(m)
    return [int(word) for word in m.last.record.split()]


def points(sequence, step):
    """(when, mode, fault): all, or thinned out so that what writes keeps most."""
    for at, call in enumerate(sequence, 1):
        for number, (mode, fault) in enumerate(FAULTS):
            rare = step if call in WRITERS or step == 1 else step * 4
            if (at * len(FAULTS) + number * 5) % rare == 0:
                yield at, mode, fault


def point(m, act, judge, files, bystander):
    """One point; True where the fault was met."""
    restore(m.dir, files)
    result = act(m)
    hit = m.last.hit
    must(m.last.status != 134, "it hung")
    judge(m, result)
    m.check()
    if bystander:
        twin(bystander).goes_on(m, "a bystander")
    return hit


# Where no bystander stays signed in: the scenario deletes him, retires his key, or begins with nothing.
ALONE = {"refresh/2-unknown", "key/retire", "key/epoch", "init"}


def sweep_workers(m, name, step, part, parts):
    """The same under `serve --workers`: each call since the first connection, of any of its processes, until there is no such."""
    prepare, conf = SCENARIOS[name]
    m.make("trusted_proxies = 127.0.0.1", *conf)
    bystander = sign_in(m, "other")
    act, judge = prepare(m)
    files = snapshot(m.dir)
    tried, broken, when, more = 0, [], part, True
    while more:
        when += 1
        met = []                      # of the faults that any call can meet
        for number, (_, fault) in enumerate(FAULTS[:-2]):
            if (when + number) % step:
                continue
            m.arm("F", fault, when)
            try:
                hit = point(m, act, judge, files, bystander)
            except Broken as why:
                hit = 1
                broken.append(f"{name}: call {when} {NAMES.get(fault) or errno.errorcode[fault]}: {why}")
            tried += hit
            met += [hit] if fault not in (TORN, SHORT) else []
        more = any(met) or not met
        when += parts - 1
    print("workers/" + name, tried, len(broken), when, flush=True)
    for why in broken[:10]:
        print("#", why.replace("\n", "\n# "), flush=True)


def sweep(m, name, step, part, parts):
    """All points of a scenario that are this worker's."""
    prepare, conf = SCENARIOS[name]
    m.make(*conf)
    bystander = None if name in ALONE else sign_in(m, "other")
    act, judge = prepare(m)
    files = snapshot(m.dir)
    sequence = calls(m, act, files)
    tried, broken = 0, []
    for number, (when, mode, fault) in enumerate(points(sequence, step)):
        if number % parts != part:
            continue
        m.arm(mode, fault, when)
        try:
            tried += point(m, act, judge, files, bystander)
        except Broken as why:
            tried += 1
            what = NAMES.get(fault) or errno.errorcode[fault]
            broken.append(f"{name}: call {when} ({sequence[when - 1]}) {what}{'+' if mode == 's' else ''}: {why}")
    print(name, tried, len(broken), len(sequence), flush=True)
    for why in broken[:10]:
        print("#", why.replace("\n", "\n# "), flush=True)


def main():
    """All scenarios, or those named."""
    inject, latchkey, directory, *names = sys.argv[1:]
    part, parts = (int(word) for word in os.environ.get("FAULTS_PART", "0/1").split("/"))
    m = Machine(inject, latchkey, directory)
    swept = sweep_workers if "FAULTS_WORKERS" in os.environ else sweep
    for name in names or SCENARIOS:
        swept(m, name, int(os.environ.get("FAULTS_STEP", "8")), part, parts)


main()

"""Holds docs/api.md and docs/openapi.yaml to the running server. Prints TAP.

usage: docs.py URL USERNAME PASSWORD SOURCE-ROOT LINK

LINK is what `latchkey user link` prints for another user.

The routes are read from the tables of the source (struct route, struct member)
and must be the operations of openapi.yaml and the calls of api.md, with the
same members and credentials. Each route is called without anything, and each
of its members is left out, given the wrong type and made too long.

Every operation of openapi.yaml is called, in an order that leaves a session to
go on with; the status must be one that it documents and the body must fit its
schema. Every path is called with every method that it doesn't document. The
error codes of error.c, openapi.yaml and api.md must be the same set, and so
must the calls of both documents.
"""
import glob
import hashlib
import json
import os
import re
import sys
import urllib.error
import urllib.request

import jsonschema
import yaml

from authenticator import Passkey, Wallet

url, username, password, root, link = sys.argv[1:6]
count = failures = 0


def ok(good, what):
    global count, failures
    count += 1
    failures += not good
    print(("ok" if good else "not ok"), count, "-", what)


def read(name):
    with open(f"{root}/{name}", encoding="utf-8") as f:
        return f.read()


def numbers():
    """The limits of the source, by name."""
    return {name: int(value) for name, value in re.findall(r"\b(LIMIT_\w+) = (\d+)", read("base/base.h"))}


whatever = set()        # paths that take every method


def tables():
    """The rows of every struct route, and the members that each names: {"POST /x": (access, {name: (type, required, max)})}."""
    limit, members, rows = numbers(), {}, {}
    for file in sorted(set(glob.glob(f"{root}/*.c")) - {f"{root}/gotrue.c"}):      # whose calls are another's contract
        text = read(os.path.basename(file))
        for table, body in re.findall(r"struct member (\w+)\[\] = \{(.*?)\};", text, re.S):
            members[table] = {name: ("string", required == "true", limit[most])
                              for name, required, most in re.findall(r"TEXT\((\w+), (\w+), (\w+)\)", body)}
            members[table].update({name: ("boolean", False, 0) for name in re.findall(r"FLAG\((\w+)\)", body)})
            members[table].update({row[0]: ("string" if row[1] == "TEXT" else "boolean", tuple(row[1:3]) == ("TEXT", "true"), limit.get(row[3], 0))
                                   for word in re.findall(r"\b[A-Z]{2,}\b(?!\()", body)
                                   for row in re.findall(rf'#define {word} MEMBER\("(\w+)", MEMBER_(\w+), (\w+), (\w+),', text)})
        for table in re.findall(r"struct route \w+\[\] = \{\n(.*?)\n\};", text, re.S):
            for line in table.split("\n"):
                row = re.match(r'\t\{ METHOD_(\w+), *"([^"]+)", *ACCESS_(\w+), *(\w+), *PACE_\w+, *\w+ \},$', line)
                if not row:
                    ok(False, f"a row of a table of routes can be read: {line}")
                    continue
                method, path, access, table_of_members = row.groups()
                path += "{id}" if path.endswith("/") else ""
                if method == "ANY":     # the contract has no word for it: it is told as GET
                    whatever.add(path)
                    method = "GET"
                rows[f"{method} {path}"] = (access, members.get(table_of_members, {}))
    return rows


spec = yaml.safe_load(read("docs/openapi.yaml"))
prose = read("docs/api.md")


def inline(node):
    """The node with every $ref replaced by what it names."""
    if isinstance(node, dict):
        if "$ref" in node:
            target = spec
            for part in node["$ref"][2:].split("/"):
                target = target[part]
            return inline(target)
        return {k: inline(v) for k, v in node.items()}
    return [inline(v) for v in node] if isinstance(node, list) else node


def call(method, path, body=None, token=None, kind="application/json"):
    request = urllib.request.Request(url + path, method=method)
    if body is not None:
        request.data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        request.add_header("Content-Type", kind)
    if token:
        request.add_header("Authorization", "Bearer " + token)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def check(operation, answer, wanted, what):
    """The answer's status is `wanted`, is documented, and fits."""
    status, headers, text = answer
    documented = inline(operation["responses"]).get(str(status))
    ok(status == wanted and documented is not None, f"{what}: {status} is documented")
    if documented is None:
        return
    for name, header in documented.get("headers", {}).items():
        if header.get("required"):
            ok(headers[name] is not None, f"{what}: has {name}")
    if "content" not in documented:
        ok(text == b"", f"{what}: no body")
        return
    schema = documented["content"]["application/json"]["schema"]
    errors = list(jsonschema.Draft202012Validator(schema).iter_errors(json.loads(text)))
    for error in errors:
        print("#", error.message)
    ok(not errors, f"{what}: fits the schema")


def sign_in():
    return json.loads(call("POST", "/login", {"username": username, "password": password})[2])["data"]


def register(name):
    return json.loads(call("POST", "/register", {"username": name, "password": "a long enough one"})[2])["data"]["access_token"]


first, second = sign_in(), sign_in()
token = first["access_token"]
new_user = f"carol{os.getpid()}"
leaver = register(f"erin{os.getpid()}")
login = {"username": username, "password": password}
passkey = Passkey(url.split("/api")[0])


def challenge(**more):
    return json.loads(call("POST", "/passkeys/challenge", more, token)[2])["data"]


registration = passkey.registration(challenge(register=True))
passkey_id = hashlib.sha256(passkey.identifier).hexdigest()[:16]
wallet = Wallet()


def wallet_shown():
    return wallet.shown(json.loads(call("POST", "/wallet/challenge", wallet.who)[2])["data"]["message"])


bad = {"client_data": "AA", "authenticator_data": "AA"}
# operation, path, body, access token, status; and what is refused
story = [
    ("login", "/login", login, None, 200),
    ("login", "/login", dict(login, password="not the one"), None, 401),
    ("login", "/login", {"username": username}, None, 400),
    ("register", "/register", {"username": new_user, "password": "a long enough one"}, None, 201),
    ("register", "/register", {"username": new_user, "password": "a long enough one"}, None, 409),
    ("register", "/register", {"username": "dave", "password": "short"}, None, 422),
    ("refresh", "/refresh", {"refresh_token": first["refresh_token"], "idempotency_key": "docs"}, None, 200),
    ("refresh", "/refresh", {"refresh_token": "no.such.token"}, None, 401),
    ("refresh", "/refresh", {"refresh_token": 1}, None, 400),
    ("me", "/me", None, token, 200),
    ("me", "/me", None, None, 401),
    ("sessions", "/sessions", None, token, 200),
    ("passkeyChallenge", "/passkeys/challenge", {}, None, 200),
    ("passkeyChallenge", "/passkeys/challenge", {"register": True}, token, 200),
    ("passkeyChallenge", "/passkeys/challenge", {"register": True}, None, 401),
    ("addPasskey", "/passkeys", registration, token, 201),
    ("addPasskey", "/passkeys", bad, token, 400),
    ("passkeyLogin", "/passkeys/login", lambda: passkey.assertion(challenge()), None, 200),
    ("passkeyLogin", "/passkeys/login", dict(bad, id="AA", signature="AA"), None, 400),
    ("passkeys", "/passkeys", None, token, 200),
    ("removePasskey", "/passkeys/" + passkey_id, None, token, 204),
    ("removePasskey", "/passkeys/" + passkey_id, None, token, 404),
    ("walletChallenge", "/wallet/challenge", wallet.who, None, 200),
    ("walletChallenge", "/wallet/challenge", {"chain": "solana", "address": "1"}, None, 400),
    ("walletLogin", "/wallet/login", wallet_shown, None, 200),
    ("walletLogin", "/wallet/login", {**wallet.who, "message": "", "signature": ""}, None, 400),
    ("addWallet", "/wallet", wallet_shown, token, 201),
    ("addWallet", "/wallet", wallet_shown, None, 401),
    ("audit", "/audit?limit=100", None, token, 200),
    ("audit", "/audit?limit=101", None, token, 400),
    ("verify", "/verify", None, token, 204),
    ("verify", "/verify?live=1", None, token, 204),
    ("verify", "/verify", None, "no.such.token", 401),
    ("endSession", "/sessions/" + second["session"]["id"], None, token, 204),
    ("endSession", "/sessions/" + second["session"]["id"], None, token, 404),
    ("endOtherSessions", "/sessions", None, token, 204),
    ("changePassword", "/password", {"current_password": password, "new_password": "12345678"}, token, 422),
    ("changePassword", "/password", {"current_password": password, "new_password": password}, token, 204),
    ("chooseByLink", "/password/link", {"ticket": "no.such.ticket", "new_password": "a long enough one"}, None, 401),
    ("chooseByLink", "/password/link", {"ticket": link.split("#link=")[1], "new_password": "short"}, None, 422),
    ("chooseByLink", "/password/link", {"ticket": link.split("#link=")[1], "new_password": "a long enough one"}, None, 200),
    ("makeFactor", "/totp", {"password": "not the one"}, leaver, 401),
    ("makeFactor", "/totp", {"password": "a long enough one"}, leaver, 200),
    ("confirmFactor", "/totp/confirm", {"ticket": "no.such.ticket", "code": "000000"}, leaver, 400),
    ("removeFactor", "/totp/off", {"password": "a long enough one"}, leaver, 204),
    ("deleteMe", "/me", {"password": "a long enough one"}, leaver, 204),
    ("me", "/me", None, leaver, 401),
    ("health", "/health", None, None, 200),
    ("logout", "/logout", {}, token, 204),
]

operations = {}
for path, item in spec["paths"].items():
    for method, operation in item.items():
        operations[operation["operationId"]] = (method.upper(), path, operation)


def refused(operation, answer, wanted, about, what):
    """As check(), and the message names the member."""
    check(operation, answer, wanted, what)
    ok(about is None or json.loads(answer[2])["error"]["message"].startswith(about + ": "), f"{what}: the message names {about}")


def try_members(key, method, path, operation, members):
    """Each member left out, of the wrong type, and one byte too long."""
    good = {name: "x" for name, (_, required, _) in members.items() if required}
    for name, (kind, required, most) in members.items():
        if required:
            refused(operation, call(method, path, {k: v for k, v in good.items() if k != name}), 400, name, f"{key} without {name}")
        refused(operation, call(method, path, {**good, name: 7}), 400, name, f"{key} with a number for {name}")
        if kind == "string" and most < numbers()["LIMIT_BODY"]:
            refused(operation, call(method, path, {**good, name: "x" * (most + 1)}), 400, name, f"{key} with {most + 1} bytes of {name}")
    check(operation, call(method, path, "{}", kind="text/plain"), 415, f"{key} with another type of body")


FORM = "application/x-www-form-urlencoded"


def is_form(operation):
    """Of a GET route, in another spelling."""
    return set(inline(operation).get("requestBody", {}).get("content", {})) == {FORM}


def documented_members(operation):
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return {name: (member["type"], name in schema.get("required", [])) for name, member in schema.get("properties", {}).items()}


def ask_route(key, access, members):
    """A route of the program as it is documented: its credential, its members, and its answer to a bare call."""
    method, path = key.split(" ")
    here = path.replace("{id}", "0" * 16)
    operation = spec["paths"].get(path, {}).get(method.lower())
    ok(operation is not None, f"{key}: is in openapi.yaml")
    if operation is None:
        return
    public = operation.get("security", spec["security"]) == []
    ok(access != "LIVE" or operation.get("security", spec["security"]) == spec["security"], f"{key}: openapi.yaml has its credential")
    if method == "POST" or (method == "DELETE" and members):
        of_program = {name: (kind, required) for name, (kind, required, _) in members.items()}
        ok(of_program == documented_members(operation), f"{key}: openapi.yaml has its members")
        try_members(key, method, here, operation, members)
    elif members:
        twin = inline(spec["paths"][path].get("post", {}))
        ok(set(twin.get("requestBody", {}).get("content", {})) == {FORM} and twin["responses"] == inline(operation["responses"])
           and set(twin["requestBody"]["content"][FORM]["schema"]["properties"]) == set(members), f"{key}: openapi.yaml has its form")
        form = call("POST", here, "access_token=" + token, kind="application/x-www-form-urlencoded")
        ok(not public and form[0] == call("GET", here, token=token)[0], f"{key}: a form with the token is answered as the GET")
    if access == "LIVE" and not any(required for _, required, _ in members.values()):
        check(operation, call(method, here), 401, f"{key} without a token")


routes = tables()
ok(len(routes) > 0, "the source has routes")
for row, (row_access, row_members) in routes.items():
    ask_route(row, row_access, row_members)
documented = {f"{m} {p}" for m, p, o in operations.values() if not is_form(o)}
ok(set(routes) == documented, "openapi.yaml has the routes of the source, and no other")

for name, path, body, bearer, wanted in story:
    method, _, operation = operations[name]
    if os.path.exists(os.environ["THROTTLE"]):          # so many tries aren't one person's
        os.remove(os.environ["THROTTLE"])
    check(operation, call(method, path, body() if callable(body) else body, bearer), wanted, f"{method} {path}")
ok({row[0] for row in story} == {name for name, row in operations.items() if not is_form(row[2])}, "every operation was called")

for path, item in spec["paths"].items():
    here = path.replace("{id}", "0" * 16)
    by_id = spec["paths"].get(path.rpartition("/")[0] + "/{id}", {})     # whose path this one is, too
    other = [m for m in ("GET", "POST", "DELETE", "PUT", "PATCH") if m.lower() not in {*item, *by_id}]
    answers = [call(m, here, {} if m != "GET" else None) for m in other]
    if path in whatever:
        ok(all(a[0] == 401 for a in answers + [call("OPTIONS", here)]), f"{path}: every method is answered as GET")
        continue
    allowed = {m.upper() for m in {*item, *by_id}} | ({"HEAD"} if "get" in item else set()) | {"OPTIONS"}
    known = all(set((a[1]["Allow"] or "").split(", ")) == allowed for a in answers)
    ok(all(a[0] == 405 for a in answers) and known, f"{path}: {' '.join(other)} are 405, and Allow names the others")

own = set(re.findall(r'\[ERROR_\w+\] = \{ \d+, "(\w+)"', read("base/error.c"))) - {"ok"}
ok(own == set(spec["components"]["schemas"]["Error"]["properties"]["error"]["properties"]["code"]["enum"]),
   "openapi.yaml has the error codes of error.c")
ok(own == set(re.findall(r"^\| \d{3} \| `(\w+)`", prose, re.M)), "api.md has the error codes of error.c")
statuses = {code: int(status) for status, code in re.findall(r'\{ (\d+), "(\w+)"', read("base/error.c"))}
ok(all(statuses[code] == int(status) for status, code in re.findall(r"^\| (\d{3}) \| `(\w+)`", prose, re.M)),
   "api.md has their statuses")
events = set(re.findall(r'\[EVENT_\w+\] = "(\w+)"', read("store.c")))
ok(events == set(spec["components"]["schemas"]["Event"]["properties"]["event"]["enum"]),
   "openapi.yaml has the events of store.c")
ok(documented == set(re.findall(r"^\| `([A-Z]+ /[^`]*)` \|", prose, re.M)),
   "api.md has the calls of openapi.yaml")
print(f"1..{count}")
sys.exit(failures > 0)

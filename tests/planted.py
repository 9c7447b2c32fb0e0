"""
planted.py LATCHKEY DIR MOST [wrong]: a refresh with cookies that another host of the domain has planted beside the own one: junk, a
good one of a session of its own, one that has ended, and a spent one of the very session; each MOST of them at most, in each order,
under each name that such a host can set, with and without the name of the session, below a mount and at the root of the host.
"wrong" names the other's session: what happens then is what the harness must notice. Prints POINTS FAILURES.
"""
import itertools
import json
import os
import re
import subprocess
import sys

from inject import PASSWORD, restore, snapshot

latchkey, directory, most = sys.argv[1], sys.argv[2], int(sys.argv[3])
wrong = "wrong" in sys.argv


def ask(path, body, mount, cookie=None):
    """One request by CGI, from a page of the same origin: status, JSON, and the cookie that is set: its name and value."""
    text = json.dumps(body).encode()
    env = {"GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PROTOCOL": "HTTP/1.1", "REQUEST_METHOD": "POST", "SCRIPT_NAME": mount, "PATH_INFO": path,
           "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(text)), "REMOTE_ADDR": "192.0.2.1", "HTTP_HOST": "app.example.org",
           "HTTP_SEC_FETCH_SITE": "same-origin", "HTTPS": "on", "LATCHKEY_DIR": directory,
           **{name: os.environ[name] for name in ("ASAN_OPTIONS", "MSAN_OPTIONS") if name in os.environ}}
    if cookie:
        env["HTTP_COOKIE"] = cookie
    out = subprocess.run([latchkey], input=text, env=env, capture_output=True, check=True).stdout.decode()
    head, _, rest = out.partition("\r\n\r\n")
    found = re.search(r"Set-Cookie: ([^=]*)=([^;]*)", head)
    return int(head.split()[1]), json.loads(rest) if rest else None, found and found.groups()


def sign_in(name, mount):
    """A session by cookie: its id, the cookie's name and value."""
    answer = ask("/login", {"username": name, "password": PASSWORD, "cookie": True}, mount)
    return answer[1]["data"]["session"]["id"], *answer[2]


def judge(mount, cookies, planted, named):
    """What of it must be so, and isn't; None: all is."""
    body = {"cookie": True, **({"session": named} if named else {})}
    status, answer, _ = ask("/refresh", body, mount, "; ".join(cookies))
    whose = answer["data"]["user"]["username"] if status == 200 else answer["error"]["code"]
    rivals = planted and not named and mount
    return None if whose == ("cross_site" if rivals else "demo") else f"{mount or '/'} {len(cookies)} cookies, named {named}: {status} {whose}"


points = failures = 0
for mount in ("/auth", ""):
    session, name, spent = sign_in("demo", mount)
    _, _, (_, own) = ask("/refresh", {"cookie": True, "idempotency_key": "one"}, mount, f"{name}={spent}")
    theirs, _, good = sign_in("other", mount)
    _, _, over = sign_in("other", mount)
    ask("/logout", {}, mount, f"{name}={over}")
    before = snapshot(directory)
    others = {"junk": "junk", "good": good, "over": over, "spent": spent}
    for size in range(1, most + 1):
        for chosen in itertools.combinations(others, size):
            for order in itertools.permutations(("own", *chosen)):
                for alias, named in itertools.product(("__Secure-latchkey", "__Secure-latchkey-00000000"), (session, None)):
                    restore(directory, before)
                    cookies = [f"{name}={own}" if one == "own" else f"{alias}={others[one]}" for one in order]
                    fault = judge(mount, cookies, "good" in chosen, theirs if wrong and named else named)
                    points += 1
                    failures += fault is not None
                    if fault and failures == 1:
                        print("#", order, fault)
print(points, failures)

"""speak.js in Python: a line of JSON in, {"do": "refresh"}, a line out, {"ok": ...} or {"error": "why"}."""
import json
import os
import sys

ISSUER, ID, SECRET, REDIRECT_URI = (os.environ[name] for name in ("ISSUER", "CLIENT_ID", "CLIENT_SECRET", "REDIRECT_URI"))
SCOPE = "openid profile email offline_access"


def say(what):
    print(json.dumps(what), flush=True)


def speak(deeds):
    say({"ok": "ready"})
    for line in sys.stdin:
        args = json.loads(line)
        try:
            said = {"ok": deeds[args.pop("do")](**args)}
        except Exception as error:  # whatever the library throws is the answer
            said = {"error": f"{type(error).__name__}: {error}"}
        say(said)

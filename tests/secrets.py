"""secrets.py: looks for secrets where none may be.

    secrets.py find FILE-OF-SECRETS PLACE...

Each line of FILE-OF-SECRETS is a secret, or hex:DIGITS for bytes that are no text. A PLACE is a file or a directory.
Each secret is sought as it is, in hexadecimal, in base64 and base64url wherever it may begin in one, with JSON's and
URL's escapes, and reversed byte for byte; a token also by its last part alone, which is what makes it one. Prints a
line "PLACE: which secret, in which form", and in the end "N secrets, N forms, N files, N bytes".

    secrets.py derived MASTER LABEL,...

Prints the derived keys of a master key, in hexadecimal (HKDF-SHA256, RFC 5869), a line hex:DIGITS each.

    secrets.py core COMMAND...

Runs it in an empty directory with cores allowed, writes one byte to its fd 0, a pipe, waits until it has taken that, and
sends SIGQUIT; prints whether the kernel made a core of it.

    secrets.py core-at PORT COMMAND...

The same of one that listens there: the signal is sent once it takes connections.
"""
import array
import base64
import fcntl
import hmac
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time
import urllib.parse


def base64_middles(data):
    """What of it is in a base64 text, wherever it begins there: without the characters that its neighbours share."""
    for lead in range(3):
        text = base64.b64encode(b"\0" * lead + data).rstrip(b"=")
        middle = text[(lead * 8 + 5) // 6:len(text) - (1 if (lead + len(data)) % 3 else 0)]
        if len(middle) >= 8:
            yield "base64", middle
            yield "base64url", middle.translate(bytes.maketrans(b"+/", b"-_"))


def forms(secret):
    data = bytes.fromhex(secret[4:]) if secret.startswith("hex:") else secret.encode()
    yield "as it is", data
    yield "hexadecimal", data.hex().encode()
    yield "HEXADECIMAL", data.hex().upper().encode()
    yield "backwards", data[::-1]
    yield from base64_middles(data)
    if not secret.startswith("hex:"):
        yield "in a URL", urllib.parse.quote(secret, safe="").encode()
        yield "in a form", urllib.parse.quote_plus(secret).encode()
        yield "in JSON", "".join(f"\\u{ord(c):04x}" for c in secret).encode()
    if re.fullmatch(r"eyJ[\w-]+\.[\w-]+\.[\w-]{43}", secret):
        yield "its MAC", secret[-43:].encode()
        yield "its MAC's bytes", base64.urlsafe_b64decode(secret[-43:] + "=")


def files(places):
    for place in places:
        if os.path.isdir(place):
            for folder, _, names in sorted(os.walk(place)):
                yield from (os.path.join(folder, name) for name in sorted(names))
        else:
            yield place


def find(secrets, places):
    with open(secrets) as f:
        wanted = {(i, form, text) for i, secret in enumerate(f.read().split("\n")) if secret for form, text in forms(secret)}
    count = size = 0
    for path in files(places):
        with open(path, "rb") as f:
            data = f.read()
        count, size = count + 1, size + len(data)
        for i, form, text in sorted(wanted):
            if text in data:
                print(f"{path}: secret {i + 1}, {form}")
    print(f"{len({i for i, _, _ in wanted})} secrets, {len(wanted)} forms, {count} files, {size} bytes")


def derived(master, labels):
    secret = hmac.digest(bytes(32), bytes.fromhex(master), "sha256")
    for label in labels.split(","):
        print("hex:" + hmac.digest(secret, label.encode() + b"\1", "sha256").hex())


def taken(pipe):
    """Waits until the child has taken what was written. It shows at the pipe, whoever we are; /proc tells only root."""
    left, end = array.array("i", [1]), time.monotonic() + 60
    while left[0] and time.monotonic() < end:
        fcntl.ioctl(pipe, termios.FIONREAD, left)
        time.sleep(0.02)


def listens(port):
    """Waits until it does."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.02)


def core(command, port=None):
    with tempfile.TemporaryDirectory() as where:
        allow = lambda: resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=where, preexec_fn=allow)
        if port:
            listens(port)
        else:
            os.write(child.stdin.fileno(), b"{")
            taken(child.stdin)
        os.kill(child.pid, signal.SIGQUIT)
        _, status = os.waitpid(child.pid, 0)
        print("core" if os.WCOREDUMP(status) or os.listdir(where) else "none", os.WTERMSIG(status))


if __name__ == "__main__":
    if sys.argv[1] == "find":
        find(sys.argv[2], sys.argv[3:])
    elif sys.argv[1] == "derived":
        derived(sys.argv[2], sys.argv[3])
    elif sys.argv[1] == "core-at":
        core(sys.argv[3:], int(sys.argv[2]))
    else:
        core(sys.argv[2:])

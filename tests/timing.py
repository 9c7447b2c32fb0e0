"""Times of requests that are refused for different reasons, in turn and at random, 400 of each.

usage: timing.py LATCHKEY DATA-DIR OUT FORGED-FIRST FORGED-LAST

Writes a line for each reason: quantiles in microseconds of the whole process. Says nothing about them:
a machine under load has times of its own.
"""
import os
import random
import subprocess
import sys
import time

latchkey, data, out, first, last = sys.argv[1:]
COUNT = 400


def request(method, path, body="", **more):
    env = {"GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PROTOCOL": "HTTP/1.1", "SCRIPT_NAME": "/auth", "REQUEST_METHOD": method,
           "PATH_INFO": path, "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body)), "REMOTE_ADDR": "192.0.2.1",
           "LATCHKEY_DIR": data, **more}
    try:
        os.unlink(data + "/throttle")
    except FileNotFoundError:
        pass
    begin = time.perf_counter_ns()
    answer = subprocess.run([latchkey], env=env, input=body.encode(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    spent = time.perf_counter_ns() - begin
    if not answer.stdout.startswith(b"Status: 401"):
        sys.exit("not refused: %r" % answer.stdout[:200])
    return spent / 1000


def login(name, password):
    return lambda: request("POST", "/login", '{"username":"%s","password":"%s"}' % (name, password))


def verify(token):
    return lambda: request("GET", "/verify", HTTP_AUTHORIZATION="Bearer " + token)


groups = [
    {"wrong password": login("demo", "correct horsf"), "unknown user": login("nobo", "correct horsf"),
     "disabled user": login("gone", "correct horse")},
    {"MAC wrong in its first byte": verify(first), "MAC wrong in its last byte": verify(last)},
]
with open(out, "w", encoding="utf-8") as report:
    report.write("%-30s %8s %8s %8s %8s %8s  (microseconds)\n" % ("400 requests each", "p10", "p25", "median", "p75", "p90"))
    for group in groups:
        times = {name: [] for name in group}
        for _ in range(COUNT):
            for name in random.sample(sorted(group), len(group)):
                times[name].append(group[name]())
        for name, spent in times.items():
            spent.sort()
            report.write("%-30s" % name + "".join(" %8.0f" % spent[COUNT * q // 100] for q in (10, 25, 50, 75, 90)) + "\n")

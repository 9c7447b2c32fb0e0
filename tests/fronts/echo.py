#!/usr/bin/python3
"""echo.py PORT: an application behind a server that protects it. It says as whom it was asked, and with which cookies."""
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class App(BaseHTTPRequestHandler):
    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            return
        size = 1
        while size:
            size = int(self.rfile.readline().split(b";")[0], 16)
            self.rfile.read(size + 2)

    def do_GET(self):
        self.read_body()        # what is left unread would reset the connection, and the answer with it
        groups = self.headers.get("X-Auth-Groups")
        cookies = "; ".join(c.strip() for c in self.headers.get("Cookie", "").split(";") if c.strip())
        body = ("for %s%s%s\n" % (self.headers.get("X-Auth-Name", "nobody"), groups and " of " + groups or "", cookies and " with " + cookies[:100])).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_DELETE = do_GET

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), App).serve_forever()

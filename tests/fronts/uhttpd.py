#!/usr/bin/python3
"""uhttpd.py ADDR:PORT WWW [-n PROGRAMS]: a test double of OpenWrt's uhttpd, which Debian doesn't package.

Only what a CGI program sees of it: methods, versions and headers as uhttpd parses them, what it answers by
itself, a cleared environment with the variables of its fixed list, no argument, a body by length or
dechunked, `Status: NNN reason` alone counts, 60 s for a script. No Lua, no ubus, no TLS.

It was compared with the real program (uhttpd f682cca of 2026-07-24, built from source, -x /cgi-bin -n 3), and does
as that does where the two had differed: of two equal headers the first counts; a header that is absent has no
variable; a signed length is refused; a header over 4096 bytes is 413, a head over 16 KiB 431; a script's own Content-Length
takes the place of chunks; `//` in a path is `/`; at most PROGRAMS programs run at once (3), further requests wait for
one to end; and a client that goes away in the middle of its body leaves its program waiting for the rest.
"""
import os
import re
import socket
import stat
import subprocess
import sys
import threading
from urllib.parse import unquote_to_bytes

METHODS = (b"GET", b"POST", b"HEAD", b"OPTIONS", b"PUT", b"PATCH", b"DELETE")
VERSIONS = (b"HTTP/0.9", b"HTTP/1.0", b"HTTP/1.1")
HEADERS = ("accept", "accept-charset", "accept-encoding", "accept-language", "authorization", "connection", "cookie", "host",
           "origin", "referer", "user-agent", "x-http-method-override", "auth-user", "auth-pass", "content-type", "content-length")
LINE, HEAD = 4096, 16384
TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
CONTROL = re.compile(rb"[\0-\x08\x0a-\x1f\x7f]")
PREFIX = b"/cgi-bin"


class Refused(Exception):
    pass


class Client:
    def __init__(self, sock, peer):
        self.sock, self.peer, self.buffer = sock, peer, b""
        self.version, self.method, self.close = b"HTTP/1.0", b"GET", True

    def more(self):
        piece = self.sock.recv(4096)
        if not piece:
            raise EOFError
        self.buffer += piece

    def line(self):
        while b"\r\n" not in self.buffer:
            if len(self.buffer) >= LINE:
                raise Refused(413, "Request Entity Too Large")
            self.more()
        if self.buffer.index(b"\r\n") > LINE:
            raise Refused(413, "Request Entity Too Large")
        text, _, self.buffer = self.buffer.partition(b"\r\n")
        return text

    def take(self, n):
        while len(self.buffer) < n:
            self.more()
        piece, self.buffer = self.buffer[:n], self.buffer[n:]
        return piece

    def send_head(self, code, reason, headers):
        counted = any(name.lower() == b"content-length" for name, _ in headers)
        chunked = (self.version == b"HTTP/1.1" and self.method not in (b"HEAD", b"OPTIONS") and code not in (204, 304)
                   and not counted)
        out = b"%s %03d %s\r\nConnection: %s\r\n" % (self.version, code, reason, b"close" if self.close else b"Keep-Alive")
        out += b"Transfer-Encoding: chunked\r\n" if chunked else b""
        out += b"" if self.close else b"Keep-Alive: timeout=20\r\n"
        self.sock.sendall(out + b"".join(b"%s: %s\r\n" % pair for pair in headers) + b"\r\n")
        return chunked

    def send(self, code, reason, headers, body):
        chunked = self.send_head(code, reason, headers)
        if chunked and body:
            body = b"%X\r\n%s\r\n" % (len(body), body)
        self.sock.sendall(body + (b"0\r\n\r\n" if chunked else b""))

    def request(self):
        text = self.line()
        while not text:
            text = self.line()
        # A C string: it ends at a NUL, of which strstr() then finds no line end either.
        if b"\0" in text:
            raise EOFError
        words = [w for w in text.split(b" ") if w][:3]
        if len(words) < 3 or words[0] not in METHODS or words[2] not in VERSIONS:
            self.version = b"HTTP/1.0"
            raise Refused(400, "Bad Request")
        self.method, url, self.version = words
        self.close = self.version != b"HTTP/1.1"
        return url

    def headers(self):
        found, length, chunked, said, size = {}, 0, False, [], 0
        while True:
            text = self.line()
            if not text:
                break
            size += len(text) + 2
            if size > HEAD:
                raise Refused(431, "Request Header Fields Too Large")
            if b"\0" in text:
                raise EOFError
            name, colon, value = text.partition(b":")
            value = value.lstrip(b" \t")
            if not colon:
                raise EOFError          # it stops reading this connection
            if not TOKEN.match(name) or CONTROL.search(value):
                raise Refused(400, "Bad Request")
            name = name.lower()
            said.append(name)
            if name == b"expect":
                if value.lower() != b"100-continue":
                    raise Refused(412, "Precondition Failed")
            elif name == b"content-length":
                if not re.match(rb"\d+\Z", value) or int(value) > 2**31 - 1:
                    raise Refused(400, "Bad Request")
                length = int(value)
            elif name == b"transfer-encoding":
                if value.lower() != b"chunked":
                    raise Refused(501, "Not Implemented")
                chunked = True
            elif name == b"connection" and value.lower() == b"close":
                self.close = True
            found.setdefault(name.decode("latin-1"), value)
        if said.count(b"content-length") > 1 or (b"content-length" in said and b"transfer-encoding" in said):
            raise Refused(400, "Bad Request")
        if b"expect" in said:
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        return found, length, chunked

    def body(self, length, chunked):
        """In pieces, as they come; a connection that ends early ends the script's input."""
        if not chunked:
            while length:
                if not self.buffer:
                    self.more()
                piece = self.take(min(length, len(self.buffer)))
                length -= len(piece)
                yield piece
            return
        while True:
            size = self.line()
            if not re.match(rb"[0-9A-Fa-f]+(;[0-9A-Za-z]*(=[0-9A-Za-z]*)?)*\Z", size):
                self.close = True
                return
            size = int(size.split(b";")[0], 16)
            if size == 0:
                self.line()
                return
            yield self.take(size)
            if self.take(2) != b"\r\n":
                self.close = True
                return

    def serve(self):
        url = self.request()
        found, length, chunked = self.headers()
        program, name, info, query = look_up(url)
        plain = re.sub(rb"/+", b"/", url.partition(b"?")[0])
        if program is None or not (plain == PREFIX or plain.startswith(PREFIX + b"/")):
            self.close |= bool(length or chunked)
            raise Refused(404, "Not Found")
        if not os.stat(program).st_mode & stat.S_IXOTH:
            self.close |= bool(length or chunked)
            raise Refused(403, "Forbidden")
        environment = {"PATH": "/sbin:/usr/sbin:/bin:/usr/bin"}
        for header in HEADERS:
            variable = header.upper().replace("-", "_")
            if header in found:
                environment[variable if header.startswith("content-") else "HTTP_" + variable] = found[header]
        address, port = self.sock.getsockname()[:2]
        environment.update({
            "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_SOFTWARE": "uhttpd", "SCRIPT_NAME": name, "SCRIPT_FILENAME": program,
            "DOCUMENT_ROOT": WWW, "QUERY_STRING": query, "REQUEST_URI": url, "SERVER_PROTOCOL": self.version,
            "REQUEST_METHOD": self.method, "REDIRECT_STATUS": "200", "SERVER_NAME": address, "SERVER_ADDR": address,
            "SERVER_PORT": str(port), "REMOTE_HOST": self.peer[0], "REMOTE_ADDR": self.peer[0], "REMOTE_PORT": str(self.peer[1]),
        })
        if info:
            environment["PATH_INFO"] = info
        with SLOTS:
            self.run(program, environment, length, chunked)

    def run(self, program, environment, length, chunked):
        script = subprocess.Popen([program], env=environment, cwd=WWW, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            for piece in self.body(length, chunked):
                script.stdin.write(piece)
                script.stdin.flush()
        except BrokenPipeError:
            self.close = True
        except (EOFError, OSError):     # the client is gone: nobody tells the script, and its slot is taken until it ends
            script.stdout.read()
            script.wait()
            script.stdin.close()
            raise
        output = script.communicate(timeout=60)[0]
        self.relay(output)

    def relay(self, output):
        code, reason, headers = 200, b"OK", []
        while True:
            text, newline, output = output.partition(b"\n")
            if not newline:
                raise Refused(502, "Bad Gateway")
            text = text.rstrip(b"\r")
            if not text:
                break
            name, _, value = text.partition(b":")
            value = value.lstrip(b" \t")
            if name != b"Status":
                headers.append((name, value))
            elif value[3:4] == b" " and value.find(b" ") == 3:
                code, reason = int(value[:3]), value[4:]
        self.send(code, reason, headers, output)

    def live(self):
        try:
            while True:
                try:
                    self.serve()
                except Refused as e:
                    code, reason = e.args
                    if code in (400, 412, 413, 431, 501):
                        self.close = True
                    self.send(code, reason.encode(), [(b"Content-Type", b"text/html")], b"<h1>%s</h1>" % reason.encode())
                if self.close:
                    break
        except (EOFError, OSError):
            pass
        self.sock.close()


def look_up(url):
    """The file that a URL leads to, its name below WWW, the path behind it, the query."""
    path, _, query = url.partition(b"?")
    if re.search(rb"%(?![0-9A-Fa-f]{2})", path):
        return None, None, None, query
    path = re.sub(rb"/+", b"/", unquote_to_bytes(path).split(b"\0")[0])
    end = len(path)
    while end > 0:
        physical = os.path.normpath(WWW.encode() + path[:end])
        if os.path.isfile(physical) and physical.startswith(WWW.encode() + b"/"):
            return physical, physical[len(WWW):], path[end:], query
        end = path.rfind(b"/", 0, end)
    return None, None, None, query


ADDRESS, WWW = sys.argv[1].rsplit(":", 1), os.path.realpath(sys.argv[2])
SLOTS = threading.Semaphore(int(sys.argv[4]) if sys.argv[3:4] == ["-n"] else 3)
listener = socket.socket(socket.AF_INET6 if ":" in ADDRESS[0] else socket.AF_INET)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind((ADDRESS[0].strip("[]"), int(ADDRESS[1])))
listener.listen(100)
while True:
    connection, peer_address = listener.accept()
    connection.settimeout(30)
    threading.Thread(target=Client(connection, peer_address).live, daemon=True).start()

"""A proxy on a free port of loopback that stands before a registry and makes trouble.

    push_proxy.py REGISTRY_PORT DIR     writes the port to DIR/port, a line for each request to DIR/requests.log

The file DIR/mode says which trouble, a line for each:

    cut        of the first body over 1 MB half is passed on, then both connections end: such an upload is lost
    keep       the same, but half is kept as registries do that can go on with it: as a chunk of its own
    lost       the first answer to a PUT of a blob is lost after the registry has given it
    busy       each request is refused once, with 503 or 429 in turn
    forget     the first upload is unknown when its body comes
    absolute   locations are whole urls
    token      a bearer token of /token is wanted, which is good for 7 requests; user u, password p
    refuse     manifests are refused, with words of the registry
"""

import base64
import http.client
import http.server
import json
import pathlib
import socket
import sys
import threading

REGISTRY = int(sys.argv[1])
DIR = pathlib.Path(sys.argv[2])
LOCK = threading.Lock()
SEEN = set()
TOKENS = {}
KEPT = {}


def once(key):
    with LOCK:
        if key in SEEN:
            return False
        SEEN.add(key)
        return True


class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, headers=(), body=b""):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def end_both(self, upstream):
        upstream.close()
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def token(self):
        expected = "Basic " + base64.b64encode(b"u:p").decode()
        if self.headers.get("Authorization") != expected:
            self.answer(401, body=b'{"errors":[{"code":"UNAUTHORIZED","message":"who are you?"}]}')
            return
        with LOCK:
            name = "t%d" % len(TOKENS)
            TOKENS[name] = 7
        self.answer(200, body=json.dumps({"token": name}).encode())

    def has_token(self):
        name = self.headers.get("Authorization", "").removeprefix("Bearer ")
        with LOCK:
            if TOKENS.get(name, 0) > 0:
                TOKENS[name] -= 1
                return True
        return False

    def do(self):
        mode = set((DIR / "mode").read_text().split())
        size = int(self.headers.get("Content-Length", "0"))
        with LOCK, open(DIR / "requests.log", "a") as log:
            log.write("%s %s %d\n" % (self.command, self.path.split("?")[0], size))
        if self.path.startswith("/token"):
            return self.token()
        if "token" in mode and not self.has_token():
            self.rfile.read(size)
            realm = 'Bearer realm="http://127.0.0.1:%d/token",service="a service"' % self.server.server_port
            return self.answer(401, [("WWW-Authenticate", realm)])
        if "busy" in mode and once(("busy", self.command, self.path.split("_state")[0])):
            self.rfile.read(size)
            return self.answer(429 if len(SEEN) % 2 else 503, [("Retry-After", "0")])
        if "refuse" in mode and self.command == "PUT" and "/manifests/" in self.path:
            self.rfile.read(size)
            return self.answer(403, body=b'{"errors":[{"code":"DENIED","message":"not by you"}]}')
        if "forget" in mode and self.command == "PATCH" and once("forget"):
            self.rfile.read(size)
            return self.answer(404, body=b'{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN","message":"what?"}]}')

        upload = self.path.split("?")[0]
        if self.command == "GET" and upload in KEPT:
            location, count = KEPT[upload]
            return self.answer(204, [("Location", location), ("Range", "0-%d" % (count - 1))])
        upstream = http.client.HTTPConnection("127.0.0.1", REGISTRY, timeout=60)
        if size > 1000000 and "keep" in mode and once("keep"):
            half = self.rfile.read(size // 2)
            upstream.request("PATCH", self.path, half, {"Content-Type": "application/octet-stream"})
            KEPT[upload] = ("/" + upstream.getresponse().getheader("Location").split("/", 3)[3], len(half))
            return self.end_both(upstream)
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in ("authorization", "expect"):
                upstream.putheader(name, value)
        upstream.endheaders()
        cut = size > 1000000 and "cut" in mode and once("cut")
        left = size // 2 if cut else size
        while left > 0:
            piece = self.rfile.read(min(left, 65536))
            upstream.send(piece)
            left -= len(piece)
        if cut:
            return self.end_both(upstream)
        response = upstream.getresponse()
        body = response.read()
        if "lost" in mode and self.command == "PUT" and "/blobs/" in self.path and once("lost"):
            return self.end_both(upstream)
        headers = [(n, v) for n, v in response.getheaders() if n.lower() not in ("content-length", "connection", "date")]
        if "absolute" not in mode:
            headers = [(n, "/" + v.split("/", 3)[3] if n.lower() == "location" else v) for n, v in headers]
        upstream.close()
        if self.command == "HEAD":
            self.send_response(response.status)
            for name, value in headers + [("Content-Length", response.getheader("Content-Length", "0"))]:
                self.send_header(name, value)
            self.end_headers()
        else:
            self.answer(response.status, headers, body)
        return None

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do


(DIR / "mode").write_text("")
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
server.daemon_threads = True
(DIR / "port.new").write_text(str(server.server_port))
(DIR / "port.new").rename(DIR / "port")
server.serve_forever()

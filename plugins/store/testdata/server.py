"""A web server with every bad habit, for tests: what it does is in the path.

Usage: server.py [CERTIFICATE]. Prints its ports (http, and https when there is a certificate with key) on one line and
serves on the loopback interface until its standard input ends, so it never outlives the test.
"""

import http.server
import os
import socket
import ssl
import struct
import sys
import threading
import time
import urllib.parse

BODY = b"0123456789" * 1000
PAGE = b"\n<!DOCTYPE html><html><body>Please log in</body></html>".ljust(len(BODY))
BIG = bytes(range(256)) * 65536
log = []
ranges = []  # What was asked of /part: path, Range and If-Range.
counts = {}
slow = 0  # Requests for /slow-ok that are waiting now, and the most there ever were.
most_slow = 0
lock = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", length=None, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if length is None:
            length = len(body)
        if length >= 0:
            self.send_header("Content-Length", str(length))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def cut(self):
        """Ends the connection politely."""
        self.close_connection = True

    def do_GET(self):
        path = self.path
        name, _, rest = path.partition("?")[0].lstrip("/").partition("/")
        with lock:
            log.append("%s %s" % (path, self.headers.get("Authorization", "-")))
            counts[path] = count = counts.get(path, 0) + 1
        if path.startswith("http://"):  # We are the proxy.
            return self.answer(200, BODY)
        handler = getattr(self, "get_" + name.replace("-", "_"), None)
        if handler is None:
            return self.answer(404, b"no such path")
        handler(rest, count)

    def get_log(self, rest, count):
        with lock:
            self.answer(200, "".join(line + "\n" for line in log).encode())

    def get_ok(self, rest, count):
        self.answer(200, BODY)

    def get_slow_ok(self, rest, count):
        global slow, most_slow
        with lock:
            slow += 1
            most_slow = max(most_slow, slow)
        time.sleep(0.5)
        with lock:
            slow -= 1
        self.answer(200, BODY)

    def get_most_slow(self, rest, count):
        with lock:
            self.answer(200, b"%d" % most_slow)

    def get_dripping(self, rest, count):
        """Slow in all, but never silent for long."""
        self.answer(200, BODY[:1], length=len(BODY))
        for at in range(1, 7):
            time.sleep(0.4)
            self.wfile.write(BODY[at : at + 1] if at < 6 else BODY[6:])
            self.wfile.flush()

    def get_chunked(self, rest, count):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        body = BODY[: int(rest)] if rest else BODY
        self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))

    def get_flipped(self, rest, count):
        self.answer(200, BODY[:-1] + b"x")

    def get_missing(self, rest, count):
        self.answer(404, b"<html>not found</html>")

    def get_gone(self, rest, count):
        self.answer(410)

    def get_status(self, rest, count):
        self.answer(int(rest), b"something")

    def get_busy(self, rest, count):
        """The status of the path the first two times, then the file: /busy/429/KEY."""
        if count <= 2:
            return self.answer(int(rest.split("/")[0]), b"later", Retry_After="3" if rest.startswith("429") else "0")
        self.answer(200, BODY)

    def get_truncated(self, rest, count):
        self.answer(200, BODY[:5000], length=len(BODY))
        self.cut()

    def get_cut(self, rest, count):
        """Truncated, and the end of the connection is the only end that the body has."""
        self.answer(200, BODY[:5000], length=-1)

    def get_uncut(self, rest, count):
        self.answer(200, BODY, length=-1)

    def get_truncated_once(self, rest, count):
        if count == 1:
            return self.get_truncated(rest, count)
        self.answer(200, BODY)

    def get_empty(self, rest, count):
        self.answer(200)

    def get_html(self, rest, count):
        self.answer(200, PAGE, Content_Type="text/html")

    def get_short_html(self, rest, count):
        self.answer(200, PAGE.rstrip(), Content_Type="text/html")

    def get_wrong_length(self, rest, count):
        self.answer(200, BODY + BODY)

    def get_range(self, rest, count):
        self.answer(206, BODY[:10], Content_Range="bytes 0-9/10000")

    def get_to(self, rest, count):
        self.answer(302, b"moved", Location=urllib.parse.unquote(rest))

    def get_nowhere(self, rest, count):
        self.answer(302, b"moved")

    def get_loop(self, rest, count):
        self.answer(302, Location="/loop/" + str(int(rest or 0) + 1))

    def get_hops(self, rest, count):
        self.answer(302, Location="/hops/%d" % (int(rest) - 1) if int(rest) > 1 else "/ok")

    def get_silent(self, rest, count):
        time.sleep(8)
        self.cut()

    def get_stall(self, rest, count):
        self.answer(200, BODY[:5], length=len(BODY))
        time.sleep(8)
        self.cut()

    def get_reset(self, rest, count):
        self.answer(200, BODY[:5], length=len(BODY))
        time.sleep(0.2)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.cut()

    def get_hangup(self, rest, count):
        self.connection.shutdown(socket.SHUT_RDWR)
        self.cut()

    def get_endless(self, rest, count):
        self.answer(200, length=-1)
        try:
            while True:
                self.wfile.write(b"x" * 65536)
        except OSError:
            pass

    def get_encoded(self, rest, count):
        """Says gzip, which the request did not accept; the bytes are the file's all the same."""
        self.answer(200, BODY, Content_Encoding="gzip")

    def get_ranges(self, rest, count):
        with lock:
            self.answer(200, "".join(line + "\n" for line in ranges).encode())

    def get_token(self, rest, count):
        """For the bearer of the token "hf_me" only."""
        if self.headers.get("Authorization") == "Bearer hf_me":
            return self.answer(200, BODY)
        self.answer(401, b"who are you")

    def get_part(self, rest, count):
        """Ranges of the file, in the way of the first word: /part/WAY/KEY. A request without a range gets half of the file,
        unless the way is "once-..." and it has been asked so before, or "whole"."""
        asked, condition = self.headers.get("Range"), self.headers.get("If-Range")
        with lock:
            ranges.append("%s %s %s" % (self.path, asked or "-", condition or "-"))
            whole = sum(line.startswith(self.path + " - ") for line in ranges)
        way = rest.split("/")[0]
        body = BIG if way == "slow" else BODY
        once = way.startswith("once-")
        way = way[5:] if once else way
        version = {"ETag": '"v1"', "Last-Modified": "Mon, 06 Jul 2026 10:00:00 GMT"}
        if way == "date":
            del version["ETag"]
        if way == "weak":
            version = {"ETag": 'W/"v1"'}
        if way == "nothing":
            version = {}
        if asked is None or way == "unranged" or (way == "replaced" and condition):
            cut = not (once and whole > 1) and way != "slow" and not asked and way != "whole"
            if way == "other" and not asked:
                body = b"x" + body[1:]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            for name, value in version.items():
                self.send_header(name, value if not (way == "replaced" and asked) else '"v2"')
            self.end_headers()
            if way == "slow":
                return self.drip(body)
            self.wfile.write(body[:5000] if cut else body)
            self.wfile.flush()
            return self.cut() if cut else None
        begin, _, end = asked[len("bytes=") :].partition("-")
        begin = int(begin)
        total = len(body)
        body = body[: int(end) + 1] if end else body
        if way == "refused":
            return self.answer(416)
        self.send_response(206)
        self.send_header("Content-Length", str(len(body) - begin))
        shown = begin - 1 if way == "wrong" else begin
        self.send_header("Content-Range", "bytes %d-%d/%d" % (shown, len(body) - 1, total))
        if way == "changed":
            version["ETag"] = '"v2"'
        if way == "dated":
            version["Last-Modified"] = "Tue, 07 Jul 2026 10:00:00 GMT"
        if way == "gzip":
            self.send_header("Content-Encoding", "gzip")
        for name, value in version.items():
            self.send_header(name, value)
        self.end_headers()
        if way == "slow":
            return self.drip(body[begin:])
        self.wfile.write(body[begin:])

    def drip(self, body):
        try:
            for at in range(0, len(body), 1 << 18):
                self.wfile.write(body[at : at + (1 << 18)])
                time.sleep(0.01)
        except OSError:
            self.cut()

    def get_secret(self, rest, count):
        """For user "me" with the password "pass" only."""
        if self.headers.get("Authorization") == "Basic bWU6cGFzcw==":
            return self.answer(200, BODY)
        self.answer(401, b"who are you", WWW_Authenticate='Basic realm="test"')


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass


def main():
    servers = [Server(("127.0.0.1", 0), Handler)]
    if len(sys.argv) > 1:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1])
        secure = Server(("127.0.0.1", 0), Handler)
        secure.socket = context.wrap_socket(secure.socket, server_side=True)
        servers.append(secure)
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(*[server.server_address[1] for server in servers], flush=True)
    sys.stdin.read()
    os._exit(0)


main()

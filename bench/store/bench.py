"""Measures the store on the loopback interface; see README.md.

Usage: bench.py STORE_BENCH DIRECTORY [MIB [KILLS]]. DIRECTORY is on the disk to be measured and gets all files.
"""

import hashlib
import http.server
import os
import pathlib
import random
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time

ROUNDS = 5


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves one file by sendfile, whole or from a byte on, and counts what it was asked for."""

    protocol_version = "HTTP/1.1"
    path_served = None
    begins = []

    def log_message(self, *args):
        pass

    def do_GET(self):
        with open(self.path_served, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            begin = int((self.headers.get("Range") or "bytes=0-")[len("bytes=") : -1])
            self.begins.append(begin)
            self.send_response(206 if "Range" in self.headers else 200)
            if "Range" in self.headers:
                self.send_header("Content-Range", "bytes %d-%d/%d" % (begin, size - 1, size))
            self.send_header("ETag", '"one"')
            self.send_header("Content-Length", str(size - begin))
            self.end_headers()
            self.wfile.flush()
            try:
                while begin < size:
                    begin += os.sendfile(self.connection.fileno(), file.fileno(), begin, size - begin)
            except OSError:
                self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


def make_file(path, size):
    """Bytes that do not compress, and their digest."""
    digest = hashlib.sha256()
    with open(path, "wb") as out:
        while out.tell() < size:
            data = random.randbytes(min(1 << 20, size - out.tell()))
            digest.update(data)
            out.write(data)
    return digest.hexdigest()


def by_curl(url, root):
    """Writes the file and waits for the disk, without looking at what came."""
    root.mkdir()
    subprocess.run(["curl", "-sS", "-f", "-o", str(root / "file"), url], check=True)
    fd = os.open(root / "file", os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def seconds(work, root):
    shutil.rmtree(root, ignore_errors=True)
    os.sync()
    start = time.monotonic()
    work(root)
    return time.monotonic() - start


def throughput(program, url, size, digest, root):
    curl, ours = [], []
    for _ in range(ROUNDS):  # By turns: the disk has its moods.
        curl.append(seconds(lambda root: by_curl(url, root), root))
        ours.append(seconds(lambda root: subprocess.run([program, "fetch", str(root), url, str(size), digest], check=True), root))
    rates = [size / statistics.median(times) / 1e6 for times in (curl, ours)]
    print("curl  %s s, median %.0f MB/s" % (" ".join("%.2f" % t for t in curl), rates[0]))
    print("store %s s, median %.0f MB/s" % (" ".join("%.2f" % t for t in ours), rates[1]))
    print("ratio %.3f" % (rates[1] / rates[0]))


def kills(program, url, size, digest, root, count):
    """Kills fetches at random points; says what each one cost."""
    shutil.rmtree(root, ignore_errors=True)
    data = root / "parts" / (digest + ".data")
    Handler.begins.clear()
    command = [program, "fetch", str(root), url, str(size), digest]
    had = []
    points = sorted(random.sample(range(size // 20, size), count))
    for point in points:
        process = subprocess.Popen(command)
        while process.poll() is None and not (data.exists() and data.stat().st_size >= point):
            time.sleep(0.0005)
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGKILL)
        process.wait()
        had.append(data.stat().st_size)
    subprocess.run(command, check=True)
    lost = [before - after for before, after in zip(had, Handler.begins[1:])]
    for before, loss in zip(had, lost):
        print("killed with %7.1f MiB: fetched again %.2f MiB, %.2f %%" % (before / 2**20, loss / 2**20, 100 * loss / before))
    if lost:
        print("worst %.2f %%" % max(100 * loss / before for before, loss in zip(had, lost)))


def main():
    program, directory = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
    size = int(sys.argv[3] if len(sys.argv) > 3 else 2048) << 20
    count = int(sys.argv[4]) if len(sys.argv) > 4 else 8
    directory.mkdir(parents=True, exist_ok=True)
    root = directory / "root"

    shutil.rmtree(root, ignore_errors=True)
    subprocess.run([program, "fill", str(root), "10000"], check=True)
    for _ in range(3):
        subprocess.run([program, "list", str(root)], check=True)

    Handler.path_served = str(directory / "file")
    digest = make_file(Handler.path_served, size)
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = "http://127.0.0.1:%d/file" % server.server_address[1]
    throughput(program, url, size, digest, root)
    kills(program, url, size, digest, root, count)
    shutil.rmtree(root)
    os.remove(Handler.path_served)


main()

"""Clients of `infer serve`, good and bad: infer_serve.py PROGRAM MODEL

Starts the server on a free port of the loopback interface, prints "PASS name" or "FAIL name: why" for each scenario, and needs
nothing but Python's own library. Shared state between scenarios is the server alone.
"""

import concurrent.futures
import http.client
import json
import math
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

PROGRAM, MODEL = sys.argv[1:3]
MIB = 1 << 20


def wav(seconds, frequency=440, padding=0, repeat=1):
    """A tone, 16 kHz, 16 bits, `repeat` times; `padding` bytes of another chunk that readers skip."""
    samples = [int(8000 * math.sin(2 * math.pi * frequency * i / 16000)) for i in range(int(16000 * seconds))]
    data = struct.pack("<%dh" % len(samples), *samples) * repeat
    more = b"LIST" + struct.pack("<I", padding) + bytes(padding) if padding else b""
    head = b"RIFF" + struct.pack("<I", 36 + len(more) + len(data)) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16)
    return head + more + b"data" + struct.pack("<I", len(data)) + data


class Server:
    def __init__(self, *flags):
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen([PROGRAM, "serve", "--model", MODEL, "--port", "0", "--device", "cpu", *flags],
                                        stdout=subprocess.PIPE, stderr=self.log)
        line = self.process.stdout.readline().decode()
        found = re.fullmatch(r"listening on http://127\.0\.0\.1:(\d+)\n", line)
        if not found:
            raise AssertionError("first line: %r; %s" % (line, self.errors()))
        self.port = int(found[1])
        wait_for(lambda: self.ask("GET", "/health")[0] == 200, "the model")

    def errors(self):
        self.log.seek(0)
        return self.log.read().decode()

    def ask(self, method, path, body=None, headers=None):
        """(status, headers, body) of one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def post(self, fields, path="/v1/audio/transcriptions", sound=None):
        return self.ask("POST", path, *form(fields, sound))

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=120)

    def metric(self, name):
        text = self.ask("GET", "/metrics")[2]
        return sum(float(line.split()[-1]) for line in text.splitlines()
                   if re.match(re.escape(name) + r"(\{| )", line))

    def rss(self):
        with open("/proc/%d/status" % self.process.pid) as status:
            return int(re.search(r"VmHWM:\s+(\d+) kB", status.read())[1]) * 1024

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(60)

    def kill(self):
        self.process.kill()
        self.process.wait()


def form(fields, sound=None):
    """Body and headers of a form with a file."""
    parts = [b'--BoUnD\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n'
             b"Content-Type: audio/wav\r\n\r\n" + (SOUND if sound is None else sound)]
    for name, value in {"model": "whisper-1", **fields}.items():
        for each in value if isinstance(value, list) else [value]:
            parts.append(('--BoUnD\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s' % (name, each)).encode())
    return b"\r\n".join(parts) + b"\r\n--BoUnD--\r\n", {"Content-Type": "multipart/form-data; boundary=BoUnD"}


def head(size, more=""):
    return ("POST /v1/audio/transcriptions HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=BoUnD\r\n"
            "Content-Length: %d\r\n%s\r\n" % (size, more)).encode()


def wait_for(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if condition():
                return
        except OSError:
            pass
        time.sleep(0.02)
    raise AssertionError("waited %d s for %s" % (seconds, what))


def wait_for_no_sequences(server):
    """Gauges are read while the threads that answered still put their things away."""
    wait_for(lambda: server.metric("infer_sequences_running") + server.metric("infer_sequences_waiting") == 0, "no sequences", 10)


def equal(got, expected):
    if got != expected:
        raise AssertionError("got %.300r, expected %.300r" % (got, expected))


def holds(condition, text):
    if not condition:
        raise AssertionError("%.400s" % (text,))


def read_all(connection):
    data = b""
    while True:
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            return data
        if not part:
            return data
        data += part


SOUND = wav(1)
FAILED = []


def scenario(run):
    start = time.monotonic()
    try:
        run()
        print("PASS serve: %s (%.1f s)" % (run.__doc__, time.monotonic() - start), flush=True)
    except Exception as error:  # A scenario that fails must not hide the others.
        FAILED.append(run.__name__)
        print("FAIL serve: %s: %s: %s" % (run.__doc__, type(error).__name__, error), flush=True)


def formats(server):
    def run():
        """the five formats agree"""
        status, headers, body = server.post({})
        equal((status, headers["Content-Type"]), (200, "application/json"))
        text = json.loads(body)["text"]
        status, headers, body = server.post({"response_format": "text"})
        equal((status, headers["Content-Type"], body), (200, "text/plain; charset=utf-8", text + "\n"))
        status, _, body = server.post({"response_format": "verbose_json", "timestamp_granularities[]": ["word", "segment"],
                                       "language": "en"})
        verbose = json.loads(body)
        equal((status, verbose["task"], verbose["language"], verbose["duration"]), (200, "transcribe", "english", 1.0))
        holds({"words", "segments"} <= set(verbose), body)
        for segment in verbose["segments"]:
            equal(sorted(segment), sorted(["id", "seek", "start", "end", "text", "tokens", "temperature", "avg_logprob",
                                           "compression_ratio", "no_speech_prob"]))
        status, headers, srt = server.post({"response_format": "srt"})
        equal((status, headers["Content-Type"]), (200, "application/x-subrip; charset=utf-8"))
        status, headers, vtt = server.post({"response_format": "vtt"})
        equal((status, headers["Content-Type"], vtt[:8]), (200, "text/vtt; charset=utf-8", "WEBVTT\n\n"))
        equal(srt.count(" --> "), vtt.count(" --> "))
        status, _, body = server.post({}, "/inference")
        equal((status, json.loads(body)["text"]), (200, text))
        status, _, body = server.post({"response_format": "verbose_json"}, "/v1/audio/translations")
        equal((status, json.loads(body)["task"]), (200, "translate"))
    return run


def streaming(server):
    def run():
        """events of a stream make the text"""
        _, _, body = server.post({})
        status, headers, events = server.post({"stream": "true"})
        equal((status, headers["Content-Type"]), (200, "text/event-stream"))
        events = [json.loads(event[len("data: "):]) for event in events.split("\n\n") if event]
        equal([event["type"] for event in events[:-1]], ["transcript.text.delta"] * (len(events) - 1))
        equal(events[-1]["type"], "transcript.text.done")
        equal("".join(event["delta"] for event in events[:-1]), events[-1]["text"])
        equal(events[-1]["text"].strip(), json.loads(body)["text"])
    return run


def errors(server):
    def run():
        """errors have OpenAI's form"""
        cases = [
            ({}, b"no sound", 400, "file"),
            ({"model": "other"}, None, 404, "model"),
            ({"response_format": "xml"}, None, 400, "response_format"),
            ({"temperature": "2"}, None, 400, "temperature"),
            ({"language": "xx"}, None, 400, "language"),
            ({"colour": "red"}, None, 400, None),
            ({}, b"", 400, "file"),
        ]
        for fields, sound, status, param in cases:
            got, headers, body = server.post(fields, sound=sound)
            error = json.loads(body)["error"]
            equal((got, error["param"], headers["Content-Type"]), (status, param, "application/json"))
            equal(sorted(error), ["code", "message", "param", "type"])
        equal(server.ask("GET", "/nothing")[0], 404)
        equal(server.ask("GET", "/v1/audio/transcriptions")[0], 405)
        equal(server.ask("POST", "/v1/audio/transcriptions", b"{}", {"Content-Type": "application/json"})[0], 400)
        models = json.loads(server.ask("GET", "/v1/models")[2])
        holds("whisper-1" in [model["id"] for model in models["data"]], models)
        holds("Access-Control-Allow-Origin" not in server.ask("GET", "/health", headers={"Origin": "http://x"})[1], "CORS")
    return run


def oversize(server):
    def run():
        """what is too large is refused, with its length and without"""
        status, _, body = server.ask("POST", "/v1/audio/transcriptions", *form({}, b"x" * (3 * MIB)))
        equal((status, json.loads(body)["error"]["code"]), (413, "request_too_large"))

        def chunks():
            for _ in range(48):
                yield b"x" * 65536
        status, _, _ = server.ask("POST", "/v1/audio/transcriptions", chunks(), form({})[1])
        equal(status, 413)
        with server.connect() as client:
            client.sendall(head(1 << 40))
            holds(read_all(client).startswith(b"HTTP/1.1 413"), "1 TiB")
        # Fields have limits of their own.
        equal(server.post({"prompt": "a" * 100000})[0], 400)
        equal(server.post({"field%d" % i: "x" for i in range(100)})[0], 400)
    return run


def slow():
    """clients that drip lose their connection and hold nobody up"""
    server = Server("--no-fallback", "--beam-size", "1", "--head-timeout", "1", "--body-timeout", "3", "--workers", "1")
    try:
        clients = [server.connect() for _ in range(40)]
        for i, client in enumerate(clients):
            client.sendall(b"POST /v1" if i % 2 else head(MIB) + b"--BoU")
        deadline = time.monotonic() + 30
        alive = set(clients)
        good = 0
        while alive and time.monotonic() < deadline:
            for client in list(alive):
                try:
                    client.sendall(b"x")
                except OSError:
                    alive.discard(client)
            good += server.ask("GET", "/v1/models")[0] == 200
            time.sleep(0.1)
        holds(not alive, "%d connections are still open" % len(alive))
        holds(good > 0, "no good request was answered")
        for client in clients:
            client.close()
        equal(server.post({})[0], 200)
        equal(server.stop(), 0)
    finally:
        server.kill()


def broken(server):
    def run():
        """broken clients leave nothing behind"""
        body, _ = form({})
        for i in range(30):
            client = server.connect()
            if i % 3 == 0:
                client.sendall(head(len(body)) + body[:len(body) // 2])
            elif i % 3 == 1:
                client.sendall(head(len(body)) + body)
            else:
                client.sendall(os.urandom(300))
            if i % 2:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        # Who half-closes after a whole request still gets the answer, behind interim ones.
        with server.connect() as client:
            client.sendall(head(len(body), "Connection: close\r\n") + body)
            client.shutdown(socket.SHUT_WR)
            answer = read_all(client).replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"")
            holds(answer.startswith(b"HTTP/1.1 200 OK"), answer)
        # A body that ends early.
        with server.connect() as client:
            client.sendall(head(len(body)) + body[:-10])
            client.shutdown(socket.SHUT_WR)
            holds(b" 200 " not in read_all(client), "half a form")
        wait_for(lambda: server.metric("infer_requests_running") + server.metric("infer_requests_waiting") == 0, "idleness")
        # A connection that is cut is found out when its turn comes, after the requests that are whole perhaps.
        for name in ["infer_requests_receiving", "infer_body_bytes"]:
            wait_for(lambda: server.metric(name) == 0, "%s to be 0" % name, 10)
    return run


def crowd(server, count):
    def run():
        """200 uploads at once are all answered, with bounded memory"""
        # One in four has sound; the others are files without any, for which there is an error.
        sounds = [wav(0.5 + 0.25 * i, 300 + 50 * i) if i % 4 == 0 else wav(0, padding=400000 + 2 * i) for i in range(8)]
        fields = {"response_format": "verbose_json"}
        expected = [server.post(fields, sound=sound) for sound in sounds]
        equal([status for status, _, _ in expected], [200, 400, 400, 400] * 2)

        def one(number):
            status, _, body = server.post(fields, sound=sounds[number % len(sounds)])
            return (status, body) == (expected[number % len(sounds)][0], expected[number % len(sounds)][2])
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            results = list(pool.map(one, range(count)))
        equal(results.count(True), count)
        holds(server.metric("infer_batch_size_count") > 0, "no batches")
        text = server.ask("GET", "/metrics")[2]
        sizes = [line for line in text.splitlines() if line.startswith('infer_batch_size_bucket{kind="encode",le="1"}')]
        whole = [line for line in text.splitlines() if line.startswith('infer_batch_size_count{kind="encode"}')]
        holds(float(sizes[0].split()[-1]) < float(whole[0].split()[-1]), "no windows were computed together")
        holds(server.metric("infer_sequences_joined_total") > 0, "no sequence joined a batch that ran")
        wait_for_no_sequences(server)
        print("     peak memory of the server: %d MiB" % (server.rss() // MIB))
        holds(server.rss() < 600 * MIB, "%d MiB" % (server.rss() // MIB))
    return run


def leaving():
    """who goes away in the middle of a batch changes nothing for the others"""
    # Room for two, so that sequences wait, too.
    server = Server("--no-fallback", "--beam-size", "1", "--workers", "6", "--max-batch", "1", "--batch-memory", "1", "--log", "none")
    try:
        sounds = [wav(40, 300 + 50 * i) for i in range(3)]
        fields = {"response_format": "verbose_json", "language": "en"}
        expected = [server.post(fields, sound=sound)[2] for sound in sounds]
        body, _ = form(fields, wav(10, repeat=30))
        goers = [server.connect() for _ in range(3)]
        for client in goers:
            client.sendall(head(len(body)) + body)
        wait_for(lambda: server.metric("infer_requests_running") == 3, "work")
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            answers = [pool.submit(server.post, fields, sound=sound) for sound in sounds]
            wait_for(lambda: server.metric("infer_requests_running") > 3, "a batch")
            for client in goers:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.close()
            equal([answer.result()[2] for answer in answers], expected)
        wait_for(lambda: server.metric("infer_requests_running") == 0, "idleness")
        wait_for(lambda: 'infer_failures_total{reason="cancelled"} 3\n' in server.ask("GET", "/metrics")[2], "three cancelled", 10)
        wait_for_no_sequences(server)
        equal(server.stop(), 0)
    finally:
        server.kill()


def full():
    """more than may wait are told when to come again"""
    server = Server("--workers", "1", "--max-waiting", "1", "--no-fallback", "--log", "json")
    try:
        long = wav(60)
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(lambda _: server.post({"response_format": "text"}, sound=long), range(12)))
        statuses = sorted(status for status, _, _ in answers)
        holds(set(statuses) == {200, 429}, statuses)
        for status, headers, _ in answers:
            holds(status == 200 or 1 <= int(headers["Retry-After"]) <= 60, headers)
        equal(server.stop(signal.SIGINT), 0)
        for line in server.errors().splitlines():
            if not line.startswith("infer: "):
                holds({"time", "client", "method", "path", "status", "received", "sent", "seconds", "complete"} <=
                      set(json.loads(line)), line)
    finally:
        server.kill()


def stopping():
    """SIGTERM lets what runs end, and nothing new begin"""
    server = Server("--workers", "2", "--no-fallback", "--api-key-file", KEY_FILE)
    try:
        key = {"Authorization": "Bearer sesame"}
        equal(server.ask("GET", "/v1/models")[0], 401)
        equal(server.ask("GET", "/v1/models", headers=key)[0], 200)
        body, headers = form({"response_format": "verbose_json"}, wav(90))
        results = []
        thread = threading.Thread(target=lambda: results.append(
            server.ask("POST", "/v1/audio/transcriptions", body, {**headers, **key})))
        thread.start()
        wait_for(lambda: re.search(r"infer_requests_running 1\n", server.ask("GET", "/metrics", headers=key)[2]), "work")
        server.process.send_signal(signal.SIGTERM)

        def refused():
            try:
                server.connect().close()
            except ConnectionRefusedError:
                return True
            return False
        wait_for(refused, "the listener to close")
        thread.join()
        equal(results[0][0], 200)
        equal(json.loads(results[0][2])["duration"], 90.0)
        equal(server.process.wait(60), 0)
    finally:
        server.kill()


def without_grace():
    """without grace what runs is answered with 503"""
    server = Server("--workers", "1", "--grace", "0")
    try:
        results = []
        thread = threading.Thread(target=lambda: results.append(server.post({}, sound=wav(90))))
        thread.start()
        wait_for(lambda: server.metric("infer_requests_running") == 1, "work")
        equal(server.stop(), 0)
        thread.join()
        equal((results[0][0], json.loads(results[0][2])["error"]["code"]), (503, "shutting_down"))
    finally:
        server.kill()


def stopping_a_batch():
    """a batch that runs is left when the server stops"""
    server = Server("--workers", "4", "--beam-size", "1", "--no-fallback", "--grace", "0")
    try:
        long = wav(10, repeat=30)
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            answers = [pool.submit(server.post, {}, sound=long) for _ in range(6)]
            wait_for(lambda: server.metric("infer_sequences_running") > 1 and server.metric("infer_requests_waiting") == 2, "a batch")
            equal(server.stop(), 0)
            equal({answer.result()[0] for answer in answers}, {503})
    finally:
        server.kill()


def flags():
    """bad flags and addresses are clear errors"""
    def ends(*arguments):
        done = subprocess.run([PROGRAM, "serve", *arguments], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stderr
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        equal(ends("--model", MODEL, "--port", str(port)),
              (1, "error: server: cannot listen: 127.0.0.1:%d: Address already in use\n" % port))
    code, text = ends("--model", "/nowhere/model.bin", "--port", "0")
    holds(code == 1 and "error: " in text and "/nowhere/model.bin" in text, text)
    equal(ends("--port", "0")[0], 2)
    equal(ends("--model", MODEL, "--workers", "0")[0], 2)


resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
with tempfile.NamedTemporaryFile("w", suffix=".key") as key_file:
    key_file.write("sesame\n")
    key_file.flush()
    KEY_FILE = key_file.name
    main = Server("--no-fallback", "--beam-size", "1", "--max-upload", "2M", "--max-uploads", "128M", "--max-waiting", "300",
                  "--workers", "8", "--log", "none")
    try:
        for each in (formats, streaming, errors, oversize, broken):
            scenario(each(main))
        scenario(crowd(main, 200))
        equal(main.stop(), 0)
    finally:
        main.kill()
    for each in (slow, leaving, full, stopping, without_grace, stopping_a_batch, flags):
        scenario(each)
sys.exit(1 if FAILED else 0)

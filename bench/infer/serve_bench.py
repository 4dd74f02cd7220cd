"""Measures `infer serve` under clients that ask again as soon as they are answered; see README.md.

Usage: serve_bench.py MODEL NAME=PROGRAM... [--clients 1,4,16,64] [--requests 16,32,48,64] [--rounds N]
       [--flags "--workers 16"]

Each program gets the same requests, in turns: sounds of 10 to 30 seconds, greedy decoding without fallback. A table for people goes
to standard output; answers that differ between programs, or from those that a sound gets alone, end it.
"""

import argparse
import concurrent.futures
import hashlib
import http.client
import math
import os
import re
import statistics
import struct
import subprocess
import sys
import time

LENGTHS = [10, 15, 20, 25, 30]
FLAGS = ["--no-fallback", "--beam-size", "1", "--max-waiting", "1000", "--max-uploads", "1G", "--request-timeout", "36000", "--log",
         "none"]
TICK = os.sysconf("SC_CLK_TCK")


def sound(seconds):
    """A tone that rises, with a beat: 16 kHz, 16 bits."""
    count = 16000 * seconds
    tone = lambda at: 8000 * math.sin(at * (600 + 90 * seconds + 30 * at)) * math.cos(20 * at)
    data = struct.pack("<%dh" % count, *(int(tone(i / 16000)) for i in range(count)))
    head = b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16)
    return head + b"data" + struct.pack("<I", len(data)) + data


def form(data):
    parts = [b'--BoUnD\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n' + data]
    for name, value in {"model": "whisper-1", "language": "en", "response_format": "verbose_json"}.items():
        parts.append(('--BoUnD\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s' % (name, value)).encode())
    return b"\r\n".join(parts) + b"\r\n--BoUnD--\r\n"


class Server:
    def __init__(self, program, model, flags):
        self.process = subprocess.Popen([program, "serve", "--model", model, "--port", "0", "--device", "cpu", *FLAGS, *flags],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.port = int(self.process.stdout.readline().decode().rsplit(":", 1)[1])
        while self.ask("GET", "/health")[0] != 200:
            time.sleep(0.05)

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        try:
            connection.request(method, path, body, {"Content-Type": "multipart/form-data; boundary=BoUnD"} if body else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def cpu(self):
        with open("/proc/%d/stat" % self.process.pid) as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def peak(self):
        with open("/proc/%d/status" % self.process.pid) as status:
            return int(re.search(r"VmHWM:\s+(\d+) kB", status.read())[1]) / 1024

    def batches(self):
        """(calls of greedy decoding, sequences in them)"""
        text = self.ask("GET", "/metrics")[1].decode()
        value = lambda name: sum(float(found) for found in re.findall(
            r'^infer_batch_size_%s\{kind="decode_greedy"\} (\S+)$' % name, text, re.M))
        return value("count"), value("sum")

    def stop(self):
        self.process.terminate()
        self.process.wait()


def run(server, bodies, clients, count, answers):
    """(seconds of each request, seconds of all, CPU seconds, mean size of a greedy step)"""
    def one(number):
        begin = time.monotonic()
        status, body = server.ask("POST", "/v1/audio/transcriptions", bodies[number % len(bodies)])
        if status != 200:
            sys.exit("error: got %d: %.200s" % (status, body))
        digest = hashlib.sha256(body).hexdigest()
        if answers.setdefault(number % len(bodies), digest) != digest:
            sys.exit("error: sound %d has two answers" % (number % len(bodies)))
        return time.monotonic() - begin
    before = server.batches()
    cpu, begin = server.cpu(), time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        latencies = list(pool.map(one, range(count)))
    seconds = time.monotonic() - begin
    after = server.batches()
    return latencies, seconds, server.cpu() - cpu, (after[1] - before[1]) / max(1, after[0] - before[0])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("programs", nargs="+", metavar="NAME=PROGRAM")
    parser.add_argument("--clients", default="1,4,16,64")
    parser.add_argument("--requests", default="16,32,48,64")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--flags", default="")
    options = parser.parse_args()
    bodies = [form(sound(seconds)) for seconds in LENGTHS]
    answers = {}
    programs = [program.split("=", 1) for program in options.programs]
    print("| clients | program | requests/s | p50 s | p95 s | CPU s a request | peak MiB | sequences a step |\n"
          "|---|---|---|---|---|---|---|---|")
    for clients, count in zip(map(int, options.clients.split(",")), map(int, options.requests.split(","))):
        rows = {name: [] for name, _ in programs}
        for round_ in range(options.rounds):
            # Who begins changes, so that drifts hit all. A server of its own each time, for its peak of memory.
            for name, program in programs[::-1] if round_ % 2 else programs:
                server = Server(program, options.model, options.flags.split())
                run(server, bodies, 1, len(bodies), answers)
                latencies, seconds, cpu, size = run(server, bodies, clients, count, answers)
                latencies.sort()
                rows[name].append([count / seconds, statistics.median(latencies), latencies[math.ceil(0.95 * count) - 1],
                                   cpu / count, server.peak(), size])
                server.stop()
        for name, _ in programs:
            print("| %d | %s | %.2f | %.2f | %.2f | %.2f | %.0f | %.1f |" % (
                clients, name, *(statistics.median(column) for column in zip(*rows[name]))), flush=True)


main()

"""Notes every open and every read of files: watch_reads.py LOG FILE...

Prints `ready` when it watches; a line `FILE` goes to LOG for each event. Ends when its standard input is closed.
"""

import ctypes
import os
import select
import struct
import sys

IN_ACCESS, IN_OPEN = 0x1, 0x20
EVENT = struct.Struct("iIII")


def main(log, *paths):
    libc = ctypes.CDLL(None, use_errno=True)
    handle = libc.inotify_init()
    if handle < 0:
        sys.exit("error: inotify: " + os.strerror(ctypes.get_errno()))
    watched = {}
    for path in paths:
        watch = libc.inotify_add_watch(handle, os.fsencode(path), IN_ACCESS | IN_OPEN)
        if watch < 0:
            sys.exit(f"error: inotify: {path}: " + os.strerror(ctypes.get_errno()))
        watched[watch] = path
    print("ready", flush=True)
    with open(log, "w", buffering=1) as out:
        while True:
            # What is in the queue is read before the end: events come before the closing of standard input.
            ready, _, _ = select.select([handle, sys.stdin], [], [])
            if handle in ready:
                data = os.read(handle, 1 << 16)
                while data:
                    watch, _, _, length = EVENT.unpack_from(data)
                    print(watched[watch], file=out)
                    data = data[EVENT.size + length :]
            elif sys.stdin in ready:
                return


if __name__ == "__main__":
    main(*sys.argv[1:])

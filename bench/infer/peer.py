"""whisper.cpp as bench.py drives it: a line in, work, a line out. See README.md.

Usage: peer.py FOLDER MODEL THREADS. FOLDER has the shared libraries of a wheel of pywhispercpp.
"""

import ctypes
import glob
import math
import os
import resource
import sys
import time


class Heads(ctypes.Structure):
    _fields_ = [("count", ctypes.c_size_t), ("heads", ctypes.c_void_p)]


class Parameters(ctypes.Structure):
    """whisper_context_params of 1.8."""

    _fields_ = [
        ("use_gpu", ctypes.c_bool),
        ("flash_attn", ctypes.c_bool),
        ("gpu_device", ctypes.c_int),
        ("dtw_token_timestamps", ctypes.c_bool),
        ("dtw_aheads_preset", ctypes.c_int),
        ("dtw_n_top", ctypes.c_int),
        ("dtw_aheads", Heads),
        ("dtw_mem_size", ctypes.c_size_t),
    ]


def load(folder):
    for name in ["libgomp", "libggml-base", "libggml-cpu", "libggml-", "libwhisper"]:
        for path in sorted(glob.glob(os.path.join(folder, name + "*"))):
            library = ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
    library.whisper_init_from_file_with_params.restype = ctypes.c_void_p
    library.whisper_init_from_file_with_params.argtypes = [ctypes.c_char_p, Parameters]
    library.whisper_context_default_params.restype = Parameters
    library.whisper_print_system_info.restype = ctypes.c_char_p
    pointer = ctypes.c_void_p
    library.whisper_set_mel.argtypes = [pointer, pointer, ctypes.c_int, ctypes.c_int]
    library.whisper_encode.argtypes = [pointer, ctypes.c_int, ctypes.c_int]
    library.whisper_decode.argtypes = [pointer, pointer, ctypes.c_int, ctypes.c_int, ctypes.c_int]
    library.whisper_model_n_mels.argtypes = [pointer]
    return library


def main():
    folder, model, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    library = load(folder)
    parameters = library.whisper_context_default_params()
    parameters.use_gpu = False
    parameters.flash_attn = False
    context = library.whisper_init_from_file_with_params(model.encode(), parameters)
    if not context:
        sys.exit("error: whisper.cpp does not open " + model)
    print(library.whisper_print_system_info().decode(), flush=True)
    mels = library.whisper_model_n_mels(context)
    mel = (ctypes.c_float * (3000 * mels))(*(math.sin(0.37 * i) for i in range(3000 * mels)))
    library.whisper_set_mel(context, mel, 3000, mels)
    for line in sys.stdin:
        command, count = line.split()
        count = int(count)
        tokens = (ctypes.c_int * count)(*range(100, 100 + count))
        begin, user = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_utime
        failed = 0
        if command == "encode":
            failed = library.whisper_encode(context, 0, threads)
        elif command == "prompt":
            failed = library.whisper_decode(context, tokens, count, 0, threads)
        else:
            for i in range(count):
                failed |= library.whisper_decode(context, ctypes.byref(tokens, 4 * i), 1, i, threads)
        if failed:
            sys.exit("error: whisper.cpp failed")
        print(time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_utime - user, flush=True)


main()

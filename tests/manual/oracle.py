"""Writes what openai/whisper makes of cases of plugins/infer/decode/testdata/oracle behind their "---". Run by oracle.sh.

    oracle.py ORACLE_INPUTS JFK.WAV CASE...
    oracle.py --alignment-heads FILE

Its transcribe(), decode() and word times run unchanged. Replaced are the weights and the vocabulary (those of our model file), the
length of a window (the model's), and where random numbers come from (ours, so that temperatures above 0 agree, too).
"""

import base64
import gzip
import math
import os
import string
import struct
import subprocess
import sys
import tempfile

import numpy as np
import tiktoken
import torch
import whisper
import whisper.tokenizer

transcribe_module = sys.modules["whisper.transcribe"]
decoding_module = sys.modules["whisper.decoding"]
audio_module = sys.modules["whisper.audio"]
# By the number in front of a tensor: bytes of a block of 32 values.
BLOCKS = {0: 128, 1: 64, 2: 18, 3: 20, 6: 22, 7: 24, 8: 34}
# Layers and heads of the decoder.
SHAPES = {"tiny": (4, 6), "base": (6, 8), "small": (12, 12), "medium": (24, 16), "large": (32, 20), "turbo": (4, 20)}
PATTERN = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""


def dequantized(kind, data):
    """Values of ggml's blocks as f32; written from ggml's description, not from ours."""
    if kind in (0, 1):
        return np.frombuffer(data, "<f4" if kind == 0 else "<f2").astype(np.float32)
    blocks = np.frombuffer(data, np.uint8).reshape(-1, BLOCKS[kind])

    def half(at):
        return blocks[:, at : at + 2].copy().view("<f2").astype(np.float32)

    if kind == 8:  # q8_0
        return (half(0) * blocks[:, 2:].view(np.int8).astype(np.float32)).reshape(-1)
    has_minimum = kind in (3, 7)
    low = 4 if has_minimum else 2
    quants = blocks[:, -16:]
    values = np.concatenate([quants & 15, quants >> 4], axis=1).astype(np.int32)
    if kind in (6, 7):  # q5: the fifth bits of all values are in front of the others.
        bits = blocks[:, low : low + 4].copy().view("<u4")
        values |= ((bits >> np.arange(32, dtype=np.uint32)) & 1).astype(np.int32) << 4
    if has_minimum:
        return (half(0) * values.astype(np.float32) + half(2)).reshape(-1)
    return (half(0) * (values - (8 if kind == 2 else 16)).astype(np.float32)).reshape(-1)


def read_model(path):
    """Dimensions, mel filters, tokens and tensors of a ggml file."""
    with open(path, "rb") as file:
        data = file.read()
    at = 4

    def ints(count):
        nonlocal at
        values = struct.unpack_from(f"<{count}i", data, at)
        at += 4 * count
        return values

    header = ints(11)
    dims = whisper.model.ModelDimensions(header[9], *header[1:5], header[0], *header[5:9])
    rows, columns = ints(2)
    filters = np.frombuffer(data, "<f4", rows * columns, at).reshape(rows, columns)
    at += 4 * rows * columns
    tokens = []
    for _ in range(ints(1)[0]):
        size = ints(1)[0]
        tokens.append(data[at : at + size])
        at += size
    tensors = {}
    while at < len(data):
        dimensions, name_size, kind = ints(3)
        shape = ints(dimensions)[::-1]
        name = data[at : at + name_size].decode()
        at += name_size
        size = math.prod(shape) * BLOCKS[kind] // 32
        values = dequantized(kind, data[at : at + size])
        at += size
        if name in ("encoder.conv1.bias", "encoder.conv2.bias"):
            shape = (-1,)
        tensors[name] = torch.from_numpy(values.reshape(shape))
    return dims, filters, tokens, tensors


def use_vocabulary(tokens):
    ranks = {token: rank for rank, token in enumerate(tokens)}
    encodings = {}

    def get_encoding(name="gpt2", num_languages=99):
        if num_languages not in encodings:
            specials = ["<|endoftext|>", "<|startoftranscript|>"]
            specials += [f"<|{code}|>" for code in list(whisper.tokenizer.LANGUAGES)[:num_languages]]
            specials += ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
            specials += [f"<|{i * 0.02:.2f}|>" for i in range(1501)]
            encodings[num_languages] = tiktoken.Encoding(
                name=name,
                explicit_n_vocab=len(tokens) + len(specials),
                pat_str=PATTERN,
                mergeable_ranks=ranks,
                special_tokens={special: len(tokens) + i for i, special in enumerate(specials)},
            )
        return encodings[num_languages]

    whisper.tokenizer.get_encoding = get_encoding
    whisper.tokenizer.get_tokenizer.cache_clear()


def use_window(frames):
    for module in (audio_module, transcribe_module):
        module.N_FRAMES = frames
        module.N_SAMPLES = frames * 160
    decoding_module.CHUNK_LENGTH = frames / 100


def mix(z):
    z = (z + 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    return z ^ (z >> 31)


class Draws:
    """Stands for torch.distributions.Categorical; plugins/infer/decode/sampling.cc says how it draws."""

    seed = seek = step = 0
    temperature = 0.0

    def __init__(self, logits):
        self.logits = logits.double().numpy()

    def sample(self):
        tokens = []
        for row, logits in enumerate(self.logits):
            bits = mix(Draws.seed)
            for value in (Draws.seek, struct.unpack("<I", struct.pack("<f", Draws.temperature))[0], row, Draws.step):
                bits = mix(bits ^ value)
            weights = np.exp(logits - logits.max())
            tokens.append(int(np.searchsorted(np.cumsum(weights), (bits >> 11) * 2.0**-53 * weights.sum(), side="right")))
        Draws.step += 1
        return torch.tensor(tokens)


class Model(whisper.model.Whisper):
    """Notes for Draws which window is decoded, and keeps the probabilities of languages."""

    probabilities = None

    def decode(self, mel, options):
        # The caller is a function within transcribe(), which knows the window.
        Draws.seek = sys._getframe(2).f_locals["seek"]
        Draws.temperature = options.temperature
        Draws.step = 0
        return super().decode(mel, options)

    def detect_language(self, mel):
        found = super().detect_language(mel)
        self.probabilities = found[1]
        return found


def optional(text):
    return None if text == "none" else float(text)


def read_case(path):
    with open(path, encoding="utf-8") as file:
        head = file.read().split("---\n")[0]
    settings = [line.split(" ") for line in head.splitlines() if line and not line.startswith("#")]
    heads = None
    options = {"temperature": (0.0, 0.2, 0.4, 0.6, 0.8, 1.0), "beam_size": 5, "best_of": 5}
    for name, *values in settings:
        if name in ("language", "initial_prompt"):
            options[name] = " ".join(values)
        elif name in ("beam_size", "best_of"):
            options[name] = int(values[0])
        elif name in ("patience", "length_penalty"):
            options[name] = float(values[0])
        elif name in ("compression_ratio_threshold", "no_speech_threshold", "max_initial_timestamp", "hallucination_silence_threshold"):
            options[name] = optional(values[0])
        elif name == "log_probability_threshold":
            options["logprob_threshold"] = optional(values[0])
        elif name == "temperatures":
            options["temperature"] = tuple(float(value) for value in values)
        elif name == "translate":
            options["task"] = "translate"
        elif name == "no_timestamps":
            options["without_timestamps"] = True
        elif name == "word_timestamps":
            options["word_timestamps"] = True
        elif name == "no_condition":
            options["condition_on_previous_text"] = False
        elif name == "carry":
            options["carry_initial_prompt"] = True
        elif name == "allow_blank":
            options["suppress_blank"] = False
        elif name == "suppress":
            options["suppress_tokens"] = [int(value) for value in values]
        elif name in ("prepend_punctuations", "append_punctuations"):
            options[name] = values[0]
        elif name == "alignment_heads":
            heads = [tuple(int(number) for number in value.split(".")) for value in values]
        elif name == "clips":
            options["clip_timestamps"] = [float(end) for value in values for end in value.split("-") if end]
        elif name == "seed":
            Draws.seed = int(values[0])
    if options["beam_size"] == 1:
        del options["beam_size"]
    return head, options, heads


def escaped(text):
    """As absl::Utf8SafeCHexEscape: a hexadecimal digit behind \\x14 has to be escaped, too."""
    simple = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "'": "\\'", "\\": "\\\\"}
    out, hexadecimal = [], False
    for c in text:
        is_plain = ord(c) >= 0x80 or (0x20 <= ord(c) < 0x7F and not (hexadecimal and c in string.hexdigits))
        hexadecimal = c not in simple and not is_plain
        out.append(simple.get(c) or (c if is_plain else f"\\x{ord(c):02x}"))
    return "".join(out)


def describe(result, probability):
    out = [f"language {result['language']} {probability:.6f}"]
    for s in result["segments"]:
        # openai/whisper keeps segments without time or text as empty ones; we leave them out.
        if not s["text"]:
            continue
        out.append(
            f"segment seek {s['seek']} start {s['start']:.6f} end {s['end']:.6f} temperature {s['temperature']:.6f} "
            f"log_probability {s['avg_logprob']:.6f} compression {s['compression_ratio']:.6f} no_speech {s['no_speech_prob']:.6f}"
        )
        out.append("  tokens " + " ".join(str(token) for token in s["tokens"]))
        out.append("  text " + escaped(s["text"]))
        for word in s.get("words", []):
            out.append(f"  word {word['start']:.6f} {word['end']:.6f} {word['probability']:.6f} {escaped(word['word'])}")
    return "\n".join(out) + "\nend\n"


def write_alignment_heads(path):
    """The tables of openai/whisper: a model a line, LAYER.HEAD of each."""
    with open(path, "w", encoding="utf-8") as out:
        for name, dump in whisper._ALIGNMENT_HEADS.items():
            mask = np.frombuffer(gzip.decompress(base64.b85decode(dump)), dtype=bool)
            layers, heads = SHAPES[name.split("-")[0].removesuffix(".en") if "turbo" not in name else "turbo"]
            places = [f"{at // heads}.{at % heads}" for at in np.flatnonzero(mask)]
            assert mask.size == layers * heads, name
            out.write(" ".join([name, *places]) + "\n")


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--alignment-heads":
        write_alignment_heads(sys.argv[2])
        return
    program, jfk, *cases = sys.argv[1:]
    torch.set_num_threads(1)
    for case in cases:
        Draws.seed = 0
        head, options, heads = read_case(case)
        with tempfile.TemporaryDirectory() as folder:
            model_path, samples_path = os.path.join(folder, "model.bin"), os.path.join(folder, "samples")
            subprocess.run([program, case, model_path, samples_path, jfk], check=True)
            dims, filters, tokens, tensors = read_model(model_path)
            samples = np.fromfile(samples_path, "<f4")
        use_vocabulary(tokens)
        use_window(2 * dims.n_audio_ctx)
        # Its own filters are used; ours have to be the same.
        own = whisper.audio.mel_filters("cpu", dims.n_mels).numpy()
        if np.abs(own - filters).max() > 1e-8:
            sys.exit(f"error: mel filters: {case}: got {np.abs(own - filters).max()} off, expected those of openai/whisper")
        decoding_module.Categorical = Draws
        model = Model(dims)
        model.load_state_dict(tensors)
        if heads is not None:
            mask = torch.zeros(dims.n_text_layer, dims.n_text_head, dtype=torch.bool)
            for layer, number in heads:
                mask[layer, number] = True
            model.register_buffer("alignment_heads", mask.to_sparse(), persistent=False)
        model.eval()
        result = model.transcribe(samples, fp16=False, **options)
        probability = model.probabilities[result["language"]] if model.probabilities else 1.0
        with open(case, "w", encoding="utf-8") as out:
            out.write(head + "---\n" + describe(result, probability))
        print(f"{os.path.basename(case)}: {len(result['segments'])} segments", flush=True)


main()

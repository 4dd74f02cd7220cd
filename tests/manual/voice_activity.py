"""Prints how much speech a voice detector misses and how much noise it keeps. Run by voice_activity.sh.

    voice_activity.py FIND_SPEECH [WAV]

FIND_SPEECH gets a file of samples (f32, 16 kHz) and prints "START END" lines in seconds. What is speech is known: it is what was
loud before noise was added. Missed is the share of its 20 ms steps in no span; kept is the share, of the steps that are farther
than 0.5 s from speech and its pauses below 2 s, that are in one.
"""

import os
import subprocess
import sys
import tempfile
import wave

import numpy as np

RATE = 16000
STEP = RATE // 50
SENTENCES = [
    ("en-us", "The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background."),
    ("en-gb+f3", "It is easy to tell the depth of a well. These days a chicken leg is a rare dish."),
    ("de", "Heute ist schönes Frühlingswetter. Die Sonne lacht am blauen Himmel und der Wind weht sanft."),
    ("fr+f2", "Le chat dort sur la chaise, et personne ne sait pourquoi il est venu."),
    ("en-us+m3", "A large size in stockings is hard to sell. The boy was there when the sun rose."),
]
PAUSES = (5, 2.6, 6, 4, 5, 3)


def read_wav(path):
    with wave.open(path) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
        rate = file.getframerate()
    count = len(samples) * RATE // rate
    return np.interp(np.arange(count) * rate / RATE, np.arange(len(samples)), samples)


def spoken(voice, text, words_a_minute=160):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "speech.wav")
        subprocess.run(["espeak-ng", "-v", voice, "-s", str(words_a_minute), "-w", path, text], check=True)
        return read_wav(path)


def rms(samples):
    return np.sqrt(np.mean(samples**2))


def joined(clips):
    """Clips of one loudness with pauses, and which steps are speech."""
    parts = [np.zeros(3 * RATE)]
    for i, clip in enumerate(clips):
        parts += [clip * 0.1 / rms(clip[np.abs(clip) > 0.02]), np.zeros(int(RATE * PAUSES[i % len(PAUSES)]))]
    samples = np.concatenate(parts)
    samples = samples[: len(samples) // STEP * STEP]
    levels = 10 * np.log10((samples.reshape(-1, STEP) ** 2).mean(1) + 1e-12)
    return samples, levels > levels.max() - 35


def noise(color, count):
    samples = np.random.default_rng(0).standard_normal(count)
    spectrum = np.fft.rfft(samples)
    hertz = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 20)
    spectrum /= {"white": 1, "pink": np.sqrt(hertz), "brown": hertz}[color]
    samples = np.fft.irfft(spectrum, count)
    return samples / rms(samples)


def cases(recordings):
    x, active = joined(recordings + [spoken(*sentence) for sentence in SENTENCES])
    count = len(x)
    time = np.arange(count) / RATE
    loudness = np.sqrt(np.mean(x.reshape(-1, STEP)[active] ** 2))
    faint = 1e-4 * noise("white", count)
    yield "clean", x + faint, active
    for color in ("white", "pink", "brown"):
        for snr in (20, 10, 5, 0):
            yield f"{color} noise, {snr} dB", x + noise(color, count) * loudness * 10 ** (-snr / 20), active
    for low, high in ((40, 10), (30, 20)):
        gain = np.where(time % 24 < 12, 10 ** (-low / 20), 10 ** (-high / 20))
        yield f"noise that steps, {low} and {high} dB", x + noise("pink", count) * loudness * gain, active
    rising = np.repeat((1e-3, 0.03), (30 * RATE, 40 * RATE)) * noise("white", 70 * RATE)
    yield "noise alone that steps by 30 dB", rising, np.zeros(70 * 50, bool)
    gain = 10 ** ((-45 + np.clip((time - 10) * 2, 0, 35)) / 20)
    yield "noise that grows for 17 s, to 10 dB", x + noise("pink", count) * loudness * gain, active
    hum = sum(np.sin(2 * np.pi * 50 * k * time) / k for k in range(1, 12))
    yield "hum of 50 Hz, 5 dB", x + hum / rms(hum) * loudness * 10 ** (-5 / 20) + faint, active
    clicks = np.zeros(count)
    for at in np.arange(0.35, time[-1] - 0.1, 0.7):
        clicks[int(at * RATE) :][:160] += 0.3 * noise("white", 160) * np.exp(-np.arange(160) / 30)
    yield "clicks, each 0.7 s", x + clicks + faint, active
    chord = (time // 2).astype(int) % 4
    notes = 220 * 2 ** ((np.array([0, 5, 7, 0])[chord]) / 12)
    music = sum(np.sin(2 * np.pi * notes * 2 ** (k / 12) * time) for k in (0, 4, 7))
    yield "chords of 2 s, 10 dB", x + music / rms(music) * loudness * 10 ** (-10 / 20) + faint, active
    car = noise("brown", count) * (1 + 0.6 * np.sin(2 * np.pi * 0.2 * time))
    yield "car (brown, rises and falls in 5 s), 0 dB", x + car / rms(car) * loudness, active
    yield "compressed speech", np.tanh(x * 20) * 0.3 + 3e-4 * noise("white", count), active
    for rate in (250, 450):
        text = " ".join(text for _, text in SENTENCES).replace(".", "").replace(",", "")
        fast, active = joined([spoken("en-us", text, rate)])
        level = np.sqrt(np.mean(fast.reshape(-1, STEP)[active] ** 2))
        yield f"{rate} words a minute, pink noise, 10 dB", fast + noise("pink", len(fast)) * level * 10**-0.5, active


def score(spans, active):
    found = np.zeros(len(active), bool)
    for start, end in spans:
        found[round(start * 50) : round(end * 50)] = True
    near = active.copy()
    places = np.flatnonzero(active)
    for a, b in zip(places[:-1], places[1:]):
        if b - a <= 100:
            near[a:b] = True
    near = np.convolve(near.astype(int), np.ones(51, int), "same") > 0
    return (active & ~found).sum() / max(1, active.sum()), (found & ~near).sum() / max(1, (~near).sum())


def main():
    program, *wavs = sys.argv[1:]
    print("| sound | speech missed | noise kept |\n|---|---|---|")
    for name, samples, active in cases([read_wav(path) for path in wavs]):
        with tempfile.NamedTemporaryFile() as file:
            samples.astype("<f4").tofile(file.name)
            lines = subprocess.run([program, file.name], check=True, capture_output=True, text=True).stdout
        spans = [tuple(float(number) for number in line.split()) for line in lines.splitlines()]
        missed, kept = score(spans, active)
        print(f"| {name} | {100 * missed:.1f} % | {100 * kept:.1f} % |", flush=True)


main()

"""Makes the audio files of this folder and the numbers that other programs compute of them (expected.json).

    python3 make.py        (numpy, scipy, ffmpeg 5 or newer with libmp3lame and libvorbis)

The music is synthetic: a kick at 96 beats per minute, a hat between the beats, a chord that swells, seed 96.
"""
import json, re, subprocess, sys
import numpy as np
from scipy.io import wavfile

RATE, SECONDS, BPM = 22050, 12, 96
rng = np.random.default_rng(96)
t = np.arange(RATE * SECONDS) / RATE
left = np.zeros_like(t)
right = np.zeros_like(t)
for beat in range(int(SECONDS * BPM / 60)):
    at = beat * 60 / BPM
    on = t >= at
    kick = np.where(on, np.exp(-18 * np.clip(t - at, 0, None)) * np.sin(2 * np.pi * 70 * (t - at)), 0)
    off = t >= at + 30 / BPM
    hat = np.where(off, np.exp(-60 * np.clip(t - at - 30 / BPM, 0, None)), 0) * rng.normal(0, .25, t.size)
    left += .6 * kick + .5 * hat
    right += .6 * kick + .3 * hat
swell = .03 + .12 * t / SECONDS
for f, pan in [(220, .3), (277.18, .5), (329.63, .7)]:
    tone = swell * np.sin(2 * np.pi * f * t)
    left += (1 - pan) * tone
    right += pan * tone
x = np.stack([left, right], 1)
x *= .7 / np.abs(x).max()
wavfile.write("beat.wav", RATE, (x * 32767).round().astype(np.int16))


def run(*args):
    return subprocess.run(args, check=True, capture_output=True, text=True).stderr


def encode(name, *options, tags=True):
    meta = ["-metadata", "title=Ninety-six", "-metadata", "artist=The Oscillators", "-metadata", "genre=Test"] if tags else []
    run("ffmpeg", "-y", "-i", "beat.wav", "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact", *meta, *options, name)


encode("beat.flac", "-sample_fmt", "s16")
encode("beat.mp3", "-b:a", "64k")
encode("beat.ogg", "-c:a", "libvorbis", "-q:a", "2")
encode("beat.m4a", "-c:a", "aac", "-b:a", "64k")
encode("untagged.mp3", "-b:a", "64k", "-ac", "1", "-t", "7", tags=False)
encode("opus.ogg", "-c:a", "libopus", "-b:a", "24k", "-ac", "1", "-t", "2")

expected = {}
for name in ["beat.flac", "beat.mp3", "beat.ogg", "untagged.mp3"]:
    out = run("ffmpeg", "-nostats", "-i", name, "-af", "ebur128=dualmono=true", "-f", "null", "-")
    summary = out[out.rindex("Summary"):]
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", name, "-f", "f32le", "-ac", "2", "-"], check=True, capture_output=True).stdout
    y = np.frombuffer(raw, np.float32).reshape(-1, 2).astype(float).mean(1)
    size, hop = 512, 256
    window = np.hanning(size + 1)[:-1]
    frames = np.lib.stride_tricks.sliding_window_view(y, size)[::hop]
    magnitude = np.abs(np.fft.rfft(frames * window))
    loud = (frames**2).mean(1) > 1e-7
    hz = np.arange(size // 2 + 1) * RATE / size
    centroid = (magnitude[loud] * hz).sum(1) / magnitude[loud].sum(1)
    expected[name] = {
        "samples": len(y),
        "loudness_lufs": float(re.search(r"I:\s+(-?[\d.]+) LUFS", summary)[1]),
        "loudness_range_lu": float(re.search(r"LRA:\s+([\d.]+) LU", summary)[1]),
        "brightness_hz": round(float(centroid.mean()), 1),
        "tempo_bpm": BPM,
    }
version = subprocess.run(["ffmpeg", "-version"], capture_output=True, text=True).stdout.split()[2]
json.dump({"made with": f"ffmpeg {version}, numpy {np.__version__}, Python {sys.version.split()[0]}", "files": expected}, open("expected.json", "w"), indent=2)

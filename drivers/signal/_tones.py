"""Short tones for cues that have no voice file: a few partials under one envelope, made here and now.

Rising is yes and falling is no, in soft bell-like tones below 1.1 kHz, which older ears hear too. Refusing is the
quietest of them: it is for the one who stands there.
"""

from __future__ import annotations

import io
import wave
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.cue import Cue

RATE_HZ = 48_000
PEAK = 0.6  # of full scale; the rest is room for the loudspeaker
SILENCE_S = 0.05  # at the end, so that no player cuts the last tone off

_PARTIALS = ((1.0, 1.0), (2.0, 0.28), (3.0, 0.1), (4.2, 0.03))  # multiple of the pitch, share
_ATTACK_S = 0.008
_RELEASE_S = 0.02
_C4, _E4, _G4, _A4, _C5, _E5, _G5 = 261.63, 329.63, 392.0, 440.0, 523.25, 659.26, 783.99


@dataclass(frozen=True, slots=True)
class Tone:
    """One stroke."""

    pitch_hz: float
    at_s: float
    lasts_s: float
    loudness: float = 1.0


MELODIES: Mapping[Cue, tuple[Tone, ...]] = {
    Cue.READY: (),  # an empty lane is silent
    Cue.WAIT: (Tone(_A4, 0.0, 0.12, 0.5),),
    Cue.LOOK: (Tone(_C5, 0.0, 0.15, 0.8), Tone(_C5, 0.2, 0.15, 0.8)),
    Cue.WELCOME: (Tone(_C5, 0.0, 0.2), Tone(_E5, 0.14, 0.2), Tone(_G5, 0.28, 0.45)),
    Cue.HELP: (Tone(_G4, 0.0, 0.3), Tone(_G4, 0.4, 0.3), Tone(_C5, 0.8, 0.4)),
    Cue.REFUSED: (Tone(_E4, 0.0, 0.25, 0.5), Tone(_C4, 0.22, 0.4, 0.5)),
    Cue.FREE: (Tone(_G4, 0.0, 0.25), Tone(_G5, 0.2, 0.4)),
    Cue.FAULT: (Tone(_C4, 0.0, 0.5, 0.7),),
}


def samples_of(cue: Cue) -> npt.NDArray[np.float64]:
    """The melody of `cue`: (n,), within ±`PEAK`, at `RATE_HZ`; empty for a cue that is silent."""
    melody = MELODIES[cue]
    if not melody:
        return np.zeros(0)
    lasts_s = max(tone.at_s + tone.lasts_s for tone in melody) + SILENCE_S
    total = np.zeros(round(lasts_s * RATE_HZ))
    for tone in melody:
        stroke = _strike(tone)
        begin = round(tone.at_s * RATE_HZ)
        total[begin : begin + len(stroke)] += stroke
    loudness = max(tone.loudness for tone in melody)
    peak: np.float64 = np.abs(total).max()
    return total * (PEAK * loudness / peak)


def wav_of(cue: Cue) -> bytes:
    """The melody of `cue` as a WAV file: one channel of 16 bits. Empty for a cue that is silent."""
    samples = samples_of(cue)
    return wav(np.round(samples * 32767).astype("<i2")) if len(samples) else b""


def wav(samples: npt.NDArray[np.int16], channels: int = 1, rate_hz: int = RATE_HZ) -> bytes:
    """A WAV file of 16-bit samples, channels interleaved."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(samples.astype("<i2").tobytes())
    return out.getvalue()


def _strike(tone: Tone) -> npt.NDArray[np.float64]:
    """One tone: it comes at once, dies away, and ends without a click. Higher partials die sooner."""
    t = np.arange(round(tone.lasts_s * RATE_HZ)) / RATE_HZ
    sound = np.zeros(len(t))
    for multiple, share in _PARTIALS:
        decay = np.exp(-3.0 * multiple * t / tone.lasts_s)
        sound += share * decay * np.sin(2 * np.pi * tone.pitch_hz * multiple * t)
    envelope = np.minimum(1.0, np.minimum(t / _ATTACK_S, (tone.lasts_s - t) / _RELEASE_S))
    return tone.loudness * envelope * sound

"""What a screen says to the ears: four short tones of our own making, or spoken words from a folder of WAV files.

Rising is yes, two equal strokes ask to look, a call of three brings a colleague, and stop is low and short: told apart
without eyes, and none of them shames the one who stands there. They are made in memory, and played by `aplay` (package
alsa-utils) where it is installed, else by Qt's own sound (package python3-pyqt5.qtmultimedia), else not at all.
"""

from __future__ import annotations

import logging
import math
import os
import shutil
import subprocess
import sys
import wave
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

RATE_HZ = 24_000
MOST_WAV = 4_000_000
_PARTIALS = ((1.0, 1.0), (2.0, 0.25), (3.0, 0.08))  # multiple of the pitch, share
_ATTACK_S, _RELEASE_S, _REST_S = 0.008, 0.02, 0.05
_E4, _G4, _A4, _C5, _E5, _G5 = 329.63, 392.0, 440.0, 523.25, 659.26, 783.99

_log = logging.getLogger("ui.sounds")

Player = Callable[[bytes], None]
"""Takes a WAV file, cuts off what plays, and returns at once."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """One tone: when it begins and how long it lasts."""

    pitch_hz: float
    at_s: float
    lasts_s: float


MELODIES: Mapping[str, tuple[Stroke, ...]] = {
    "go": (Stroke(_C5, 0.0, 0.18), Stroke(_E5, 0.12, 0.18), Stroke(_G5, 0.24, 0.4)),
    "look": (Stroke(_E5, 0.0, 0.14), Stroke(_E5, 0.2, 0.14)),
    "desk": (Stroke(_G4, 0.0, 0.22), Stroke(_G4, 0.28, 0.22), Stroke(_C5, 0.56, 0.35)),
    "stop": (Stroke(_A4, 0.0, 0.2), Stroke(_E4, 0.18, 0.35)),
}


class Sounds:
    """Plays by name. `voices` is a folder with WAV files `<language>/<name or key>.wav`, spoken in place of tones."""

    def __init__(self, player: Player | None = None, voices: Path | None = None) -> None:
        self._player, self._voices = player, voices

    def play(self, name: str, volume: float, *, key: str = "", language: str = "") -> None:
        """Play the words for `key`, or for `name`, or the tone `name`; `volume` from 0 to 1. Trouble is logged."""
        if self._player is None or volume <= 0:
            return
        data = self._spoken(language, key) or self._spoken(language, name) or tone(name)
        if not data:
            return
        try:
            self._player(at_volume(data, min(volume, 1.0)))
        except (OSError, EOFError, wave.Error) as error:
            _log.warning("no sound: %s", error)

    def _spoken(self, language: str, name: str) -> bytes:
        if self._voices is None or not name or not language:
            return b""
        return _read(self._voices / language / f"{name}.wav")


@cache
def _read(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.stat().st_size <= MOST_WAV else b""
    except OSError:
        return b""


@cache
def tone(name: str) -> bytes:
    """The tone of this name as a WAV file, one channel of 16 bits; empty for a name that has none."""
    strokes = MELODIES.get(name, ())
    if not strokes:
        return b""
    total = [0.0] * round((max(one.at_s + one.lasts_s for one in strokes) + _REST_S) * RATE_HZ)
    for stroke in strokes:
        begin = round(stroke.at_s * RATE_HZ)
        for at in range(round(stroke.lasts_s * RATE_HZ)):
            total[begin + at] += _sample(stroke, at / RATE_HZ)
    peak = max(map(abs, total))
    return _wav(array("h", (round(20_000 * each / peak) for each in total)))


def _sample(stroke: Stroke, at_s: float) -> float:
    """Like a small bell: there at once, dying away, ending without a click."""
    envelope = min(1.0, at_s / _ATTACK_S, (stroke.lasts_s - at_s) / _RELEASE_S)
    sound = sum(
        share * math.exp(-3 * multiple * at_s / stroke.lasts_s) * math.sin(math.tau * stroke.pitch_hz * multiple * at_s)
        for multiple, share in _PARTIALS
    )
    return envelope * sound


@lru_cache(maxsize=32)
def at_volume(data: bytes, volume: float) -> bytes:
    """The same WAV file (16 bits a sample) at `volume`. Raises `wave.Error` for another kind."""
    with wave.open(BytesIO(data)) as file:
        if file.getsampwidth() != 2:
            raise wave.Error("give a WAV file with 16 bits a sample")
        samples = _samples(file.readframes(file.getnframes()))
        return _wav(array("h", (round(each * volume) for each in samples)), file.getframerate(), file.getnchannels())


def _samples(data: bytes) -> array[int]:
    samples = array("h", data)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def _wav(samples: array[int], rate_hz: int = RATE_HZ, channels: int = 1) -> bytes:
    out = BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(_samples(samples.tobytes()).tobytes())
    return out.getvalue()


class AlsaPlayer:
    """`aplay`, started anew for each sound and fed from memory."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._child: subprocess.Popen[bytes] | None = None

    def __call__(self, data: bytes) -> None:
        """See `Player`."""
        self.stop()
        memory = os.memfd_create("sound")
        try:
            os.write(memory, data)
            os.lseek(memory, 0, os.SEEK_SET)
            quiet = subprocess.DEVNULL
            self._child = subprocess.Popen([self._program, "-q"], stdin=memory, stdout=quiet, stderr=quiet)  # noqa: S603
        finally:
            os.close(memory)

    def stop(self) -> None:
        """Silence."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait()


class QtPlayer:
    """Qt's own sound. Raises `ImportError` where it is not installed, `OSError` where no loudspeaker is."""

    def __init__(self) -> None:
        from PyQt5 import QtMultimedia

        self._qt: Any = QtMultimedia
        if QtMultimedia.QAudioDeviceInfo.defaultOutputDevice().isNull():
            raise OSError("Qt knows of no loudspeaker")
        self._output: Any = None
        self._buffer: Any = None

    def __call__(self, data: bytes) -> None:
        """See `Player`."""
        from PyQt5.QtCore import QBuffer, QByteArray, QIODevice

        with wave.open(BytesIO(data)) as file:
            frames, rate_hz, channels = file.readframes(file.getnframes()), file.getframerate(), file.getnchannels()
        form = self._qt.QAudioFormat()
        form.setSampleRate(rate_hz)
        form.setChannelCount(channels)
        form.setSampleSize(16)
        form.setSampleType(self._qt.QAudioFormat.SignedInt)
        form.setByteOrder(self._qt.QAudioFormat.LittleEndian)
        form.setCodec("audio/pcm")
        if self._output is not None:
            self._output.stop()
        self._buffer = QBuffer()
        self._buffer.setData(QByteArray(frames))
        self._buffer.open(QIODevice.ReadOnly)
        self._output = self._qt.QAudioOutput(form)
        self._output.start(self._buffer)


def find_player() -> Player | None:
    """What plays here; `None` where nothing does."""
    if program := shutil.which("aplay"):
        return AlsaPlayer(program)
    try:
        return QtPlayer()
    except (ImportError, OSError) as error:
        _log.info("the screens are silent: install aplay (package alsa-utils); Qt says: %s", error)
        return None

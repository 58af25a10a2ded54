"""Voices or tones through the computer's sound: `sound:`, `sound://plughw:1,0?folder=/etc/menshen/voice&volume=80`.

The location is an ALSA device as `aplay -L` lists it, or with `pw-play` a PipeWire target; none is the usual one. The
folder holds WAV files by the names of the cues, `welcome.wav`, `refused.wav`…, 16-bit PCM; a cue without a file gets a
short tone of our own making, and `ready` none. A new cue cuts the old one off. A file is read once, on connecting, and
a file that doesn't fit is told then. User and service need the group `audio`.

A player is a program of its own (`aplay` of alsa-utils, `pw-play` of PipeWire), started anew for each cue. On
connecting it plays a moment of silence, which shows that the device is there. Later on, a loudspeaker's card that was
pulled out shows with the next cue; a loudspeaker that is off or turned down never does.

Device: a loudspeaker at the computer's sound card (ALSA or PipeWire)
Does: a WAV file or a tone for each cue, volume; a new cue cuts the old one off
Tried: a program in the player's place that notes what it is to play, ends badly, or hangs
Untried: aplay, pw-play and any real sound card
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
import time
import wave
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from drivers.errors import DeviceLost, DeviceTimeout, MissingLibrary, UnknownDevice
from drivers.signal._tones import RATE_HZ, wav, wav_of
from drivers.url import DeviceUrl
from models.cue import Cue

OPTIONS: dict[str, str] = {
    "folder": "folder with WAV files by the names of the cues (none: tones)",
    "volume": "0 to 100 (100)",
    "player": "aplay or pw-play (the first that is there)",
}
PLAYERS: Mapping[str, Callable[[str, str], list[str]]] = {
    "aplay": lambda device, file: ["-q", *(["-D", device] if device else []), file],
    "pw-play": lambda device, file: [*(["--target", device] if device else []), file],
}

PROBE_S = 3.0
"""So long the first silence may take."""
OVERTIME_S = 5.0
"""A player that is so much longer at work than its file lasts has been hung up."""

_DIE_S = 0.2
_SILENCE_S = 0.05


class SoundSignal:
    """Plays a file for each cue. `files` are the WAV files as bytes; those of no length are silent."""

    def __init__(
        self, player: str, device: str, files: Mapping[Cue, bytes], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Plays a moment of silence. Raises `DeviceLost` where the player fails, `DeviceTimeout` where it hangs."""
        self._player, self._device = player, device
        self._clock = clock
        self._folder = tempfile.TemporaryDirectory(prefix="menshen-sound-")
        self._errors = Path(self._folder.name, "errors")
        self._lasts_s = {cue: _length_s(data) for cue, data in files.items() if data}
        self._child: subprocess.Popen[bytes] | None = None
        self._ends = 0.0
        self._closed = False
        try:
            for cue in self._lasts_s:
                self._path(cue).write_bytes(files[cue])
            self._probe()
        except BaseException:
            self.close()
            raise

    def show(self, cue: Cue) -> None:
        """Cut off what plays, and begin with `cue`."""
        self._check_open()
        self._stop()
        if cue in self._lasts_s:
            self._play(self._path(cue), self._lasts_s[cue])

    def poll(self) -> None:
        """See how the player is doing. `DeviceLost` where it failed, `DeviceTimeout` where it hangs."""
        self._check_open()
        if self._child is None:
            return
        status = self._child.poll()
        if status is not None:
            self._child = None
            if status:
                raise DeviceLost(f"{self._name} ended with {status}{self._last_words()}")
        elif self._clock() > self._ends:
            self._stop()
            raise DeviceTimeout(f"{self._name} plays on and on: is the sound device stuck?")

    def close(self) -> None:
        """Silence."""
        self._closed = True
        self._stop()
        self._folder.cleanup()

    @property
    def _name(self) -> str:
        return f"{Path(self._player).name} on {self._device or 'the usual sound device'}"

    def _path(self, cue: Cue) -> Path:
        return Path(self._folder.name, f"{cue}.wav")

    def _play(self, file: Path, lasts_s: float) -> None:
        command = [self._player, *PLAYERS[Path(self._player).name](self._device, str(file))]
        nowhere = subprocess.DEVNULL
        try:
            with self._errors.open("wb") as errors:
                # no shell; the program is one of two, found on PATH by the configuration
                self._child = subprocess.Popen(command, stdin=nowhere, stdout=nowhere, stderr=errors)  # noqa: S603
        except OSError as error:
            raise DeviceLost(f"{self._player} does not start: {error}") from error
        self._ends = self._clock() + lasts_s + OVERTIME_S

    def _probe(self) -> None:
        silence = Path(self._folder.name, "silence.wav")
        silence.write_bytes(wav(np.zeros(round(_SILENCE_S * RATE_HZ), np.int16)))
        self._play(silence, _SILENCE_S)
        assert self._child is not None
        try:
            self._child.wait(PROBE_S)
        except subprocess.TimeoutExpired as error:
            raise DeviceTimeout(f"{self._name} takes no sound: does another program hold the device?") from error
        self.poll()

    def _stop(self) -> None:
        """End the player, and if need be hard."""
        child, self._child = self._child, None
        if child is None:
            return
        child.terminate()
        try:
            child.wait(_DIE_S)
        except subprocess.TimeoutExpired:
            child.kill()
            with suppress(subprocess.TimeoutExpired):  # stuck in the kernel; it is reaped later
                child.wait(_DIE_S)

    def _last_words(self) -> str:
        lines = self._errors.read_text(errors="replace").strip().splitlines()
        return f": {lines[-1][:200]}" if lines else ""

    def _check_open(self) -> None:
        if self._closed:
            raise DeviceLost("sound: given back")


def open(url: DeviceUrl) -> SoundSignal:
    """Find the player, read the files, and play a moment of silence."""
    volume = url.option("volume", int, 100, low=0, high=100)
    folder = url.option("folder", Path, None)
    if folder is not None and not folder.is_dir():
        raise UnknownDevice(f"{url}: the folder {folder} is not there")
    player = _find_player(url.choice("player", ("", *PLAYERS), ""))
    files = {cue: _louder(_read(folder, cue) or wav_of(cue), volume) for cue in Cue} if volume else {}
    return SoundSignal(player, url.location, files)


def _find_player(name: str) -> str:
    """The whole path of a player. Raises `MissingLibrary` saying what to install."""
    for one in [name] if name else PLAYERS:
        path = shutil.which(one)
        if path:
            return path
    raise MissingLibrary(
        f"the signal driver 'sound' needs a player, and {name or 'none'} is found on PATH: "
        "install aplay (package alsa-utils) or pw-play (package pipewire-bin)",
        name=name or "aplay",
    )


def _read(folder: Path | None, cue: Cue) -> bytes:
    """The file of `cue`; empty where there is none. Raises `UnknownDevice` for what can't be played."""
    file = folder / f"{cue}.wav" if folder else None
    if file is None or not file.exists():
        return b""
    try:
        data = file.read_bytes()
        with wave.open(io.BytesIO(data)) as sound:
            if sound.getsampwidth() == 2 and sound.getnframes():
                return data
    except (OSError, EOFError, wave.Error) as error:
        raise UnknownDevice(f"{file} can't be played: {error}") from error
    raise UnknownDevice(f"{file} can't be played: give a WAV file with 16 bits a sample, and with something in it")


def _louder(data: bytes, volume: int) -> bytes:
    """The same at `volume` percent, since aplay has no volume of its own."""
    if volume == 100 or not data:
        return data
    with wave.open(io.BytesIO(data)) as sound:
        channels, rate_hz = sound.getnchannels(), sound.getframerate()
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
    return wav(np.round(samples * (volume / 100)).astype(np.int16), channels, rate_hz)


def _length_s(data: bytes) -> float:
    with wave.open(io.BytesIO(data)) as sound:
        return float(sound.getnframes() / sound.getframerate())

"""Sound: the tones, and a program in the player's place that tells what it is to play."""

from __future__ import annotations

import io
import os
import select
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from drivers import connect
from drivers.errors import DeviceLost, DeviceTimeout, MissingLibrary, UnknownDevice
from drivers.signal._tones import MELODIES, PEAK, RATE_HZ, samples_of, wav, wav_of
from drivers.signal.sound import OVERTIME_S, SoundSignal
from models.cue import Cue

PATIENCE_S = 8.0
LOUD = [cue for cue in Cue if MELODIES[cue]]


# --- Tones ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cue", LOUD)
def test_a_tone_is_short_stays_within_its_peak_and_ends_without_a_click(cue: Cue) -> None:
    samples = samples_of(cue)
    assert 0.1 < len(samples) / RATE_HZ < 1.5
    assert 0.2 < np.abs(samples).max() <= PEAK + 1e-9
    assert np.abs(np.diff(samples)).max() < 0.15  # a click is a jump
    assert abs(samples[0]) < 0.001
    assert np.abs(samples[-100:]).max() < 0.001
    assert abs(samples.mean()) < 0.005


def test_only_an_empty_lane_is_silent() -> None:
    assert set(Cue) - set(LOUD) == {Cue.READY}
    assert wav_of(Cue.READY) == b""


def test_no_two_cues_sound_alike_and_refusing_is_quieter_than_welcome() -> None:
    assert len({samples_of(cue).tobytes() for cue in LOUD}) == len(LOUD)
    assert np.abs(samples_of(Cue.REFUSED)).max() < 0.6 * np.abs(samples_of(Cue.WELCOME)).max()


def pitch_hz(samples: np.ndarray) -> float:
    """The strongest frequency."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 18))
    return float(spectrum.argmax() * RATE_HZ / (1 << 18))


@pytest.mark.parametrize(("cue", "rises"), [(Cue.WELCOME, True), (Cue.REFUSED, False)])
def test_welcome_rises_and_refusing_falls(cue: Cue, rises: bool) -> None:
    samples = samples_of(cue)
    tenth = RATE_HZ // 10
    first, last = pitch_hz(samples[:tenth]), pitch_hz(samples[-3 * tenth : -tenth])
    assert (last > first * 1.1) is rises
    assert (last < first * 0.95) is not rises


# --- The player -------------------------------------------------------------------------------------------------------


class Player:
    """A program called aplay. It says its process and arguments on a pipe, then does what `mode` says."""

    def __init__(self, folder: Path, name: str = "aplay") -> None:
        pipe, self._mode = folder / "pipe", folder / "mode"
        os.mkfifo(pipe)
        self._fd = os.open(pipe, os.O_RDWR)
        self._said = b""
        program = folder / name
        program.write_text(f'#!/bin/sh\necho "$$ $*" > {pipe}\n. {self._mode}\n')
        program.chmod(0o755)
        self.do("exit 0")

    def do(self, what: str) -> None:
        """A line of shell for the players to come."""
        self._mode.write_text(what + "\n")

    def next(self) -> tuple[int, list[str]]:
        """Process and arguments of the next player that was started."""
        while b"\n" not in self._said:
            assert select.select([self._fd], [], [], PATIENCE_S)[0], "no player was started"
            self._said += os.read(self._fd, 4096)
        line, _, self._said = self._said.partition(b"\n")
        process, *arguments = line.decode().split(" ")
        return int(process), arguments

    def is_idle(self) -> bool:
        """Whether no other player has been started."""
        return not self._said and not select.select([self._fd], [], [], 0.1)[0]

    def close(self) -> None:
        os.close(self._fd)


@pytest.fixture
def player(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Player]:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    player = Player(folder)
    yield player
    player.close()


def sound(url: str, player: Player) -> SoundSignal:
    """Connected, with the moment of silence behind it."""
    signal = connect("signal", url)
    player.next()
    assert isinstance(signal, SoundSignal)
    return signal


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def until_ended(signal: SoundSignal) -> None:
    """Wait for the player, as its parent would see it end."""
    child = signal._child
    assert child is not None
    child.wait(PATIENCE_S)


def test_connecting_plays_a_moment_of_silence_on_the_device(player: Player) -> None:
    signal = connect("signal", "sound://plughw:1,0")
    assert player.next()[1][:3] == ["-q", "-D", "plughw:1,0"]
    signal.close()


def test_a_cue_is_played_from_a_file_that_is_a_wav(player: Player) -> None:
    signal = sound("sound:", player)
    player.do("exec sleep 60")
    signal.show(Cue.WELCOME)
    _, arguments = player.next()
    assert arguments[:-1] == ["-q"]
    assert Path(arguments[-1]).read_bytes() == wav_of(Cue.WELCOME)
    signal.poll()
    signal.close()
    assert not Path(arguments[-1]).exists()


def test_a_new_cue_cuts_the_old_one_off(player: Player) -> None:
    signal = sound("sound:", player)
    player.do("exec sleep 60")
    signal.show(Cue.HELP)
    first, _ = player.next()
    assert is_alive(first)
    signal.show(Cue.WELCOME)
    assert not is_alive(first)
    second, _ = player.next()
    signal.show(Cue.READY)  # which is silence
    assert not is_alive(second)
    assert player.is_idle()
    signal.close()


def test_a_player_that_will_not_end_is_ended_hard(player: Player) -> None:
    signal = sound("sound:", player)
    player.do("trap '' TERM; exec sleep 60")
    signal.show(Cue.HELP)
    process, _ = player.next()
    signal.close()
    assert not is_alive(process)


def test_a_player_that_fails_is_a_lost_device_in_its_own_words(player: Player) -> None:
    signal = sound("sound:", player)
    player.do("echo 'audio open error: No such device' >&2; exit 1")
    signal.show(Cue.WELCOME)
    until_ended(signal)
    with pytest.raises(DeviceLost, match="No such device"):
        signal.poll()
    signal.close()


def test_a_device_that_is_not_there_is_lost_on_connecting(player: Player) -> None:
    player.do("echo 'aplay: main:831: audio open error: No such file or directory' >&2; exit 1")
    with pytest.raises(DeviceLost, match=r"hw:9.*open error"):
        connect("signal", "sound://hw:9")


def test_a_player_that_plays_on_and_on_is_a_timeout(player: Player, tmp_path: Path) -> None:
    now = [100.0]
    signal = SoundSignal(str(tmp_path / "bin/aplay"), "", {Cue.WAIT: wav_of(Cue.WAIT)}, clock=lambda: now[0])
    player.do("exec sleep 60")
    signal.show(Cue.WAIT)
    signal.poll()
    now[0] += 1.0 + OVERTIME_S
    with pytest.raises(DeviceTimeout, match="stuck"):
        signal.poll()
    signal.poll()
    signal.close()


def test_after_close_it_is_lost_and_leaves_nothing_behind(player: Player) -> None:
    before = sorted(entry.name for entry in Path("/proc/self/fd").iterdir())
    signal = sound("sound:", player)
    signal.show(Cue.WELCOME)
    signal.close()
    signal.close()
    assert sorted(entry.name for entry in Path("/proc/self/fd").iterdir()) == before
    for act in (signal.poll, lambda: signal.show(Cue.WELCOME)):
        with pytest.raises(DeviceLost):
            act()


def test_a_file_in_the_folder_is_played_at_its_volume(player: Player, tmp_path: Path) -> None:
    voice = np.array([1000, -2000, 3000, 32767], np.int16)
    (tmp_path / "welcome.wav").write_bytes(wav(voice, channels=2, rate_hz=22050))
    signal = sound(f"sound:?folder={tmp_path}&volume=50", player)
    player.do("exec sleep 60")
    signal.show(Cue.WELCOME)
    _, arguments = player.next()
    with wave.open(io.BytesIO(Path(arguments[-1]).read_bytes())) as played:
        assert (played.getnchannels(), played.getframerate()) == (2, 22050)
        assert np.frombuffer(played.readframes(2), "<i2").tolist() == [500, -1000, 1500, 16384]
    signal.close()


def test_volume_nought_plays_no_cue(player: Player) -> None:
    signal = sound("sound:?volume=0", player)
    signal.show(Cue.WELCOME)
    assert player.is_idle()
    signal.close()


@pytest.mark.parametrize("data", [b"", b"ID3 no wave", wav(np.zeros(0, np.int16))])
def test_a_file_that_cannot_be_played_is_named_on_connecting(player: Player, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "refused.wav").write_bytes(data)
    with pytest.raises(UnknownDevice, match=r"refused\.wav can't be played"):
        connect("signal", f"sound:?folder={tmp_path}")


@pytest.mark.parametrize("option", ["volume=101", "volume=loud", "player=vlc", "folder=/nowhere/at/all", "tune=1"])
def test_odd_options_are_named(player: Player, option: str) -> None:
    with pytest.raises(UnknownDevice, match=option.partition("=")[0]):
        connect("signal", f"sound:?{option}")


def test_without_a_player_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingLibrary, match="alsa-utils"):
        connect("signal", "sound:")
    with pytest.raises(MissingLibrary, match="pw-play"):
        connect("signal", "sound:?player=pw-play")


def test_pipewire_is_given_its_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    player = Player(tmp_path, "pw-play")
    signal = connect("signal", "sound://hall?player=pw-play")
    assert player.next()[1][:2] == ["--target", "hall"]
    signal.close()
    player.close()

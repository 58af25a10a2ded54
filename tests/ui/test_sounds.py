"""The screens' sounds: what is played, how loud, and by whom."""

from __future__ import annotations

import math
import wave
from array import array
from io import BytesIO
from itertools import combinations
from pathlib import Path

import pytest

from ui import sounds
from ui.sounds import MELODIES, AlsaPlayer, Sounds, at_volume, find_player, tone


def samples(data: bytes) -> array[int]:
    with wave.open(BytesIO(data)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        return array("h", file.readframes(file.getnframes()))


def power(data: array[int], pitch_hz: float) -> float:
    """How much of one pitch is in it (Goertzel)."""
    turn = math.tau * pitch_hz / sounds.RATE_HZ
    real = sum(each * math.cos(turn * at) for at, each in enumerate(data))
    imaginary = sum(each * math.sin(turn * at) for at, each in enumerate(data))
    return math.hypot(real, imaginary) / len(data)


@pytest.mark.parametrize("name", MELODIES)
def test_a_tone_is_short_ends_without_a_click_and_has_its_pitch(name: str) -> None:
    heard = samples(tone(name))
    assert 0.2 < len(heard) / sounds.RATE_HZ < 1.2
    assert max(map(abs, heard[-200:])) == 0
    assert max(map(abs, heard)) == 20_000
    pitch = MELODIES[name][-1].pitch_hz
    assert power(heard, pitch) > 5 * power(heard, pitch * 1.12)


def test_no_two_tones_are_alike() -> None:
    for one, other in combinations(MELODIES, 2):
        assert [(s.pitch_hz, s.at_s) for s in MELODIES[one]] != [(s.pitch_hz, s.at_s) for s in MELODIES[other]]


def test_every_sound_that_a_screen_may_ask_for_is_there() -> None:
    assert set(MELODIES) == {"go", "look", "desk", "stop"}
    assert tone("") == tone("unheard-of") == b""


def test_half_the_volume_is_half_the_sample() -> None:
    whole, half = samples(tone("go")), samples(at_volume(tone("go"), 0.5))
    assert all(abs(2 * b - a) <= 1 for a, b in zip(whole, half, strict=True))


def test_no_volume_no_sound() -> None:
    played: list[bytes] = []
    Sounds(played.append).play("go", 0.0)
    assert played == []


def test_words_are_spoken_where_there_are_some(tmp_path: Path) -> None:
    (tmp_path / "zh").mkdir()
    (tmp_path / "zh" / "reason.no_ticket.wav").write_bytes(tone("look"))
    played: list[bytes] = []
    said = Sounds(played.append, tmp_path)
    said.play("desk", 1.0, key="reason.no_ticket", language="zh")
    said.play("desk", 1.0, key="reason.no_ticket", language="en")
    assert played == [tone("look"), tone("desk")]


def test_a_file_that_is_no_sound_is_told_and_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "zh").mkdir()
    (tmp_path / "zh" / "go.wav").write_bytes(b"RIFF")
    Sounds(lambda data: None, tmp_path).play("go", 1.0, language="zh")
    assert "no sound" in caplog.text


def test_the_player_gets_the_whole_file_and_the_next_sound_cuts_it_off(tmp_path: Path) -> None:
    program = tmp_path / "aplay"
    program.write_text(
        f'#!/bin/sh\ncat > "{tmp_path}/$$.wav"\nmv "{tmp_path}/$$.wav" "{tmp_path}/heard"\nexec sleep 60\n'
    )
    program.chmod(0o755)
    player = AlsaPlayer(str(program))
    player(tone("go"))
    first = player._child
    assert first is not None
    while not (tmp_path / "heard").exists():
        assert first.poll() is None
    assert (tmp_path / "heard").read_bytes() == tone("go")
    player(tone("look"))
    assert first.returncode is not None
    player.stop()


def test_aplay_is_taken_where_it_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "aplay").write_text("#!/bin/sh\n")
    (tmp_path / "aplay").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert isinstance(find_player(), AlsaPlayer)

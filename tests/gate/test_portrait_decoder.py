"""The customer's decoder, good and bad: it has little, it ends in time, and it leaves nothing behind."""

from __future__ import annotations

import os
import select
import time
from contextlib import suppress
from pathlib import Path

import pytest

from drivers.face import sim
from gate.portrait import PortraitUnusable, size_px
from gate.portrait_child import BMP_SIZE, FOLDER_PREFIX, MEMORY_FOLDER
from gate.portrait_decoder import Decoding, sweep
from gate.portrait_face import Opening
from tests.gate.portrait_codec import closed, library, program
from tests.gate.test_portrait import encoded

LONG_S = 10.0
SECONDS = 5.0


def decoded(command: tuple[str, ...], portrait: bytes, seconds: float = SECONDS) -> bytes:
    """What the decoder gives in the end."""
    decoding = Decoding(command, portrait, seconds)
    try:
        return ended(decoding)
    finally:
        decoding.stop()


def ended(decoding: Decoding) -> bytes:
    ends = time.monotonic() + LONG_S
    while (picture := decoding.poll()) is None:
        assert time.monotonic() < ends
        select.select([], [], [], 0.002)
    return picture


def test_a_program_opens_the_picture() -> None:
    picture = encoded(".jpg")
    assert decoded(program("good"), closed(picture)) == picture


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("refusing", "ended with 3"),
        ("silent", "gave nothing"),
        ("crashing", "died of signal 6"),
        ("greedy", "ended with 1"),
        ("chatty", "ended with"),
    ],
)
def test_a_program_that_fails_is_told_without_the_picture(name: str, told: str) -> None:
    with pytest.raises(PortraitUnusable) as caught:
        decoded(program(name), closed(encoded(".jpg")))
    assert caught.value.why == "decoder"
    assert told in caught.value.detail


@pytest.mark.parametrize("name", ["hanging", "busy"])
def test_a_program_that_does_not_end_is_killed_in_time(name: str) -> None:
    began = time.monotonic()
    with pytest.raises(PortraitUnusable) as caught:
        decoded(program(name), b"x", 0.2)
    assert caught.value.detail == "not done within 0.2 s"
    assert time.monotonic() - began < 2.0


def test_a_program_that_is_not_there_is_told() -> None:
    with pytest.raises(PortraitUnusable) as caught:
        Decoding(("/no/such/decoder",), b"x", SECONDS)
    assert caught.value.detail == "can't be started: No such file or directory"


def test_a_program_sees_no_environment_no_file_of_ours_and_no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_GATE", "x")
    with Path(__file__).open() as ours:
        os.set_inheritable(ours.fileno(), True)
        assert decoded(program("curious"), b"x") == b"BM"


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_nothing_is_left_open() -> None:
    before = open_files()
    for name in ("good", "refusing", "crashing"):
        with suppress(PortraitUnusable):
            decoded(program(name), closed(b"x"))
    dropped = Decoding(program("hanging"), b"x", SECONDS)
    dropped.stop()
    dropped.stop()
    assert open_files() == before


@pytest.fixture(scope="module")
def codec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = library(tmp_path_factory.mktemp("codec"))
    if made is None:
        pytest.skip("gcc is not installed: no library can be made")
    return made


def left_in_memory() -> list[Path]:
    return list(MEMORY_FOLDER.glob(f"{FOLDER_PREFIX}*"))


@pytest.mark.parametrize("shape", ["buffers", "file"])
def test_a_shared_library_is_called_and_its_chatter_kept_out_of_the_picture(codec: Path, shape: str) -> None:
    bmp = decoded(("library", str(codec), shape, shape), b"TEST" + bytes([90]) * 1020)
    assert len(bmp) == BMP_SIZE
    assert size_px(bmp) == (102, 126)
    assert bmp[-1] == 90
    assert left_in_memory() == []


@pytest.mark.parametrize("name", ["buffers", "file", "absent"])
def test_a_shared_library_that_can_not_is_told(codec: Path, name: str) -> None:
    shape = "file" if name == "file" else "buffers"
    with pytest.raises(PortraitUnusable) as caught:
        decoded(("library", str(codec), name, shape), bytes(1024))
    assert caught.value.detail == "ended with 1"


def test_the_picture_of_a_killed_child_does_not_stay_in_the_memory_folder(codec: Path) -> None:
    decoding = Decoding(("library", str(codec), "hang", "file"), bytes(1024), SECONDS)
    ends = time.monotonic() + LONG_S
    while not left_in_memory():
        assert time.monotonic() < ends
        assert decoding.poll() is None
        select.select([], [], [], 0.002)
    decoding.stop()
    assert left_in_memory() == []


def test_a_folder_of_a_process_that_lives_is_not_swept(tmp_path: Path) -> None:
    for owner in (str(os.getpid()), "4194999"):
        (tmp_path / f"{FOLDER_PREFIX}{owner}").mkdir()
    sweep(tmp_path)
    assert [left.name for left in tmp_path.iterdir()] == [f"{FOLDER_PREFIX}{os.getpid()}"]


def test_the_decoded_picture_of_a_person_is_hers() -> None:
    opening = Opening(b"", Decoding(program("good"), closed(encoded(".jpg")), SECONDS))
    ends = time.monotonic() + LONG_S
    while (reference := opening.poll(sim.Engine())) is None:
        assert time.monotonic() < ends
        select.select([], [], [], 0.002)
    assert reference.template == sim.template(7)

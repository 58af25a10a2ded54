"""A document's portrait in the vision child: it becomes a reference beside which the camera's face is told, or none."""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import cv2
import pytest

from drivers.face import sim
from gate.messages import DeviceDown, DeviceUp, FaceFailed, FaceHint, FaceProbed, PortraitRefused
from gate.portrait import MOST_BYTES
from gate.vision_link import Decoder
from tests.gate.portrait_codec import closed, program
from tests.gate.test_portrait import png_bomb
from tests.gate.test_vision import HANGER, KILLER, LONG_S, VISITOR, Bench, running

OTHER = 2
SLOW_S = 0.6


def portrait(identity: int) -> bytes:
    """A document's picture of this person."""
    return cv2.imencode(".jpg", sim.marked(identity))[1].tobytes()


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


@pytest.fixture
def bench(stack: ExitStack, tmp_path: Path) -> Bench:
    return stack.enter_context(running(Bench(tmp_path)))


def with_decoder(stack: ExitStack, folder: Path, name: str, seconds: float = 5.0) -> Bench:
    return stack.enter_context(running(Bench(folder, decoder=Decoder(program(name), seconds))))


def said_of(bench: Bench, picture: bytes, attempt: int = 1) -> object:
    bench.vision.capture(attempt, 5.0, picture)
    while isinstance(message := bench.next(), FaceHint):
        pass
    return message


def test_a_portrait_comes_back_as_a_reference_beside_the_probe(bench: Bench) -> None:
    said = said_of(bench, portrait(OTHER))
    assert isinstance(said, FaceProbed)
    assert said.probe.template == sim.template(VISITOR)
    assert said.reference is not None
    assert said.reference.template == sim.template(OTHER)
    assert said.reference.model_version == said.probe.model_version
    assert said.ms["portrait"] > 0


def test_without_a_portrait_there_is_no_reference_and_no_time_for_one(bench: Bench) -> None:
    said = said_of(bench, b"")
    assert isinstance(said, FaceProbed)
    assert said.reference is None
    assert "portrait" not in said.ms


@pytest.mark.parametrize(
    ("picture", "why"),
    [
        (cv2.imencode(".png", sim.marked(1)[60:])[1].tobytes(), "no_face"),
        (portrait(1)[:100], "unreadable"),
        (b"WLf\x01" * 256, "unreadable"),
        (png_bomb(20_000), "too_large"),
    ],
    ids=["nobody", "broken", "closed", "bomb"],
)
def test_a_portrait_that_gives_no_reference_ends_the_capture_before_any_picture(
    bench: Bench, picture: bytes, why: str
) -> None:
    assert said_of(bench, picture) == PortraitRefused(1, why)
    assert bench.stage.frames_taken == 0
    assert isinstance(said_of(bench, portrait(1), 2), FaceProbed)
    assert bench.vision.health()[0].bad_answers == 0


def test_the_largest_portrait_reaches_the_child_and_an_order_after_it(bench: Bench) -> None:
    large = portrait(1) + bytes(MOST_BYTES - len(portrait(1)))
    assert bench.vision.opens(large) == sim.MODEL_VERSION
    assert bench.vision.opens(large + b"\0") == ""
    bench.vision.capture(1, LONG_S, large)
    bench.vision.cancel(1)
    assert isinstance(said_of(bench, large, 2), FaceProbed)


@pytest.mark.parametrize(("who", "why"), [(KILLER, "died of signal 6"), (HANGER, "was silent for")])
def test_a_portrait_that_fells_the_engine_fails_its_own_capture_and_no_other(bench: Bench, who: int, why: str) -> None:
    bench.vision.capture(1, LONG_S, portrait(who))
    down, failed = bench.next(3.0), bench.next(3.0)
    assert isinstance(down, DeviceDown)
    assert why in down.why
    assert failed == FaceFailed(1, down.why)
    bench.until(DeviceUp("vision"))
    assert isinstance(said_of(bench, portrait(1), 2), FaceProbed)


def test_what_is_in_an_open_format_can_be_opened_and_else_only_with_a_decoder(bench: Bench, tmp_path: Path) -> None:
    assert bench.vision.opens(portrait(1)) == sim.MODEL_VERSION
    assert [bench.vision.opens(picture) for picture in (b"", closed(b"x"), bytes(1024))] == ["", "", ""]


def test_a_closed_picture_goes_through_the_customers_decoder(stack: ExitStack, tmp_path: Path) -> None:
    bench = with_decoder(stack, tmp_path, "good")
    picture = closed(portrait(OTHER))
    assert bench.vision.opens(picture) == sim.MODEL_VERSION
    assert bench.vision.opens(b"") == ""
    said = said_of(bench, picture)
    assert isinstance(said, FaceProbed)
    assert said.reference is not None
    assert said.reference.template == sim.template(OTHER)


@pytest.mark.parametrize("name", ["refusing", "crashing", "hanging", "greedy"])
def test_a_decoder_that_fails_is_counted_and_told_without_the_picture_and_fells_nobody(
    stack: ExitStack, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    bench = with_decoder(stack, tmp_path, name, 0.3)
    pid = bench.vision.pid
    bench.stage.clear()
    assert said_of(bench, closed(portrait(1))) == PortraitRefused(1, "decoder")
    assert bench.vision.health()[0].bad_answers == 1
    assert "attempt=1 the portrait can't be opened" in caplog.text
    bench.show(VISITOR)
    assert isinstance(said_of(bench, portrait(1), 2), FaceProbed)
    assert bench.vision.pid == pid


def test_what_a_decoder_makes_up_is_unreadable(stack: ExitStack, tmp_path: Path) -> None:
    bench = with_decoder(stack, tmp_path, "garbling")
    bench.stage.clear()
    assert said_of(bench, closed(portrait(1))) == PortraitRefused(1, "unreadable")


def test_the_camera_looks_while_the_decoder_works_and_the_child_is_not_taken_for_dead(
    stack: ExitStack, tmp_path: Path
) -> None:
    """The face is found at once and waits for the decoder's end, which comes after the child's longest silence."""
    bench = with_decoder(stack, tmp_path, "hanging", 1.5)
    assert said_of(bench, closed(portrait(1))) == PortraitRefused(1, "decoder")
    assert bench.stage.frames_taken == 1


def test_a_capture_that_is_dropped_ends_its_decoder(stack: ExitStack, tmp_path: Path) -> None:
    bench = with_decoder(stack, tmp_path, "hanging", LONG_S)
    bench.vision.capture(1, LONG_S, closed(portrait(1)))
    children = Path(f"/proc/{bench.vision.pid}/task/{bench.vision.pid}/children")
    _wait(lambda: bool(children.read_text()))
    bench.vision.cancel(1)
    _wait(lambda: not children.read_text())
    with pytest.raises(queue.Empty):
        bench.next(0)


def _wait(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < ends

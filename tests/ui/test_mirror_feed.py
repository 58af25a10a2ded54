"""The live picture, from a socket that sends what a camera's process sends, and what none should."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PyQt5.QtCore import QCoreApplication, QEventLoop
from PyQt5.QtGui import QImage

from models import wire
from ui import mirror_feed
from ui.mirror_feed import MOST_PACKET, BadPacket, Header, Kind, MirrorFeed, Packets, picture

pytestmark = pytest.mark.usefixtures("qapp")


def jpeg(width: int = 64, height: int = 48, grey: int = 90) -> bytes:
    return cv2.imencode(".jpg", np.full((height, width, 3), grey, np.uint8))[1].tobytes()


def packet(kind: Kind, image: bytes = b"", attempt: int = 1) -> bytes:
    body = wire.to_json(Header(kind, 64, 48, attempt)) + b"\n" + image
    return struct.pack(">I", len(body)) + body


def turn_until(wanted: Callable[[], object]) -> None:
    ends = monotonic() + 5.0
    while not wanted():
        assert monotonic() < ends, "it did not come to that"
        QCoreApplication.processEvents(QEventLoop.WaitForMoreEvents | QEventLoop.AllEvents, 20)


class Shown:
    """What a window would paint: the grey of each picture, by kind."""

    def __init__(self, feed: MirrorFeed) -> None:
        self.all: list[tuple[str, int]] = []
        feed.frame.connect(lambda image: self.all.append(("frame", grey_of(image))))
        feed.portrait.connect(lambda image: self.all.append(("portrait", grey_of(image))))
        feed.gone.connect(lambda: self.all.append(("gone", 0)))


def grey_of(image: QImage) -> int:
    return round(image.pixelColor(5, 5).red(), -1)


@pytest.fixture
def feed() -> Iterator[MirrorFeed]:
    feed = MirrorFeed()
    yield feed
    feed.stop()


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(tmp_path / "mirror.sock"))
        listener.listen()
        yield listener


def connected(listener: socket.socket, feed: MirrorFeed, tmp_path: Path) -> socket.socket:
    feed.start(tmp_path / "mirror.sock")
    return listener.accept()[0]


def test_pictures_are_shown_and_taken_away(listener: socket.socket, feed: MirrorFeed, tmp_path: Path) -> None:
    shown = Shown(feed)
    with connected(listener, feed, tmp_path) as camera:
        for each in (
            packet(Kind.FRAME, jpeg(grey=40)),
            packet(Kind.PORTRAIT, jpeg(grey=200)),
            packet(Kind.GONE),
        ):
            camera.sendall(each)
            before = len(shown.all)
            turn_until(lambda before=before: len(shown.all) > before)
    assert shown.all == [("frame", 40), ("portrait", 200), ("gone", 0)]


def test_of_frames_that_came_together_the_latest_is_shown_and_no_portrait_is_lost(
    listener: socket.socket, feed: MirrorFeed, tmp_path: Path
) -> None:
    shown = Shown(feed)
    with connected(listener, feed, tmp_path) as camera:
        many = [packet(Kind.FRAME, jpeg(grey=grey)) for grey in (20, 40, 60)]
        camera.sendall(many[0] + packet(Kind.PORTRAIT, jpeg(grey=200)) + many[1] + many[2])
        turn_until(lambda: len(shown.all) == 2)
    assert shown.all == [("portrait", 200), ("frame", 60)]


def test_a_camera_that_stands_still_shows_nobody(
    listener: socket.socket, feed: MirrorFeed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_feed, "STALE_S", 0.05)
    shown = Shown(feed)
    with connected(listener, feed, tmp_path) as camera:
        camera.sendall(packet(Kind.FRAME, jpeg()))
        turn_until(lambda: len(shown.all) == 2)
    assert [kind for kind, _ in shown.all] == ["frame", "gone"]


def test_the_picture_in_the_document_outlives_the_live_one(
    listener: socket.socket, feed: MirrorFeed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_feed, "STALE_S", 0.05)
    shown = Shown(feed)
    with connected(listener, feed, tmp_path) as camera:
        camera.sendall(packet(Kind.PORTRAIT, jpeg(grey=200)) + packet(Kind.FRAME, jpeg(grey=40)))
        turn_until(lambda: len(shown.all) == 4)
        assert shown.all[2:] == [("gone", 0), ("portrait", 200)]
        camera.sendall(packet(Kind.GONE))
        turn_until(lambda: len(shown.all) == 5)
    assert shown.all[4] == ("gone", 0)


def test_a_camera_that_leaves_takes_its_picture_along_and_is_found_again(
    listener: socket.socket, feed: MirrorFeed, tmp_path: Path
) -> None:
    shown = Shown(feed)
    with connected(listener, feed, tmp_path) as camera:
        camera.sendall(packet(Kind.FRAME, jpeg()))
        turn_until(lambda: shown.all)
    turn_until(lambda: len(shown.all) == 2)
    listener.settimeout(5.0)
    turn_until(lambda: feed._socket is not None and feed._socket.is_open)
    with listener.accept()[0] as again:
        again.sendall(packet(Kind.FRAME, jpeg(grey=60)))
        turn_until(lambda: len(shown.all) == 3)
    assert [kind for kind, _ in shown.all] == ["frame", "gone", "frame"]


@pytest.mark.parametrize(
    "noise",
    [
        struct.pack(">I", MOST_PACKET + 1),
        struct.pack(">I", 0),
        struct.pack(">I", 6) + b"nojson",
        struct.pack(">I", 16) + b'{"kind":"soup"}\n',
    ],
)
def test_a_peer_that_makes_no_sense_is_hung_up_on(
    listener: socket.socket, feed: MirrorFeed, tmp_path: Path, noise: bytes
) -> None:
    with connected(listener, feed, tmp_path) as camera:
        camera.settimeout(5.0)
        camera.sendall(noise)
        QCoreApplication.processEvents()
        turn_until(lambda: feed._socket is not None and not feed._socket.is_open)
        assert camera.recv(1) == b""


def test_a_picture_that_is_none_is_not_shown(listener: socket.socket, feed: MirrorFeed, tmp_path: Path) -> None:
    shown = Shown(feed)
    with connected(listener, feed, tmp_path) as camera:
        camera.sendall(packet(Kind.FRAME, jpeg()[:200]) + packet(Kind.PORTRAIT, jpeg(grey=200)))
        turn_until(lambda: shown.all)
    assert shown.all == [("portrait", 200)]


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"<svg xmlns='http://www.w3.org/2000/svg'/>"])
def test_nothing_but_jpeg_is_decoded(data: bytes) -> None:
    assert picture(data).isNull()


def test_a_picture_of_more_pixels_than_a_camera_has_is_not_decoded() -> None:
    assert picture(jpeg(4097, 1)).isNull()
    assert not picture(jpeg(4096, 1)).isNull()


@given(st.data())
def test_packets_are_the_same_however_they_are_cut(data: st.DataObject) -> None:
    stream = packet(Kind.FRAME, b"abc") + packet(Kind.GONE) + packet(Kind.PORTRAIT, b"x" * 300, attempt=9)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    packets, found = Packets(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += packets.feed(stream[start:end])
    assert [(each.header.kind, each.header.attempt, each.jpeg) for each in found] == [
        (Kind.FRAME, 1, b"abc"),
        (Kind.GONE, 1, b""),
        (Kind.PORTRAIT, 9, b"x" * 300),
    ]


@given(st.binary(max_size=200))
def test_any_bytes_are_packets_or_refused(data: bytes) -> None:
    with contextlib.suppress(BadPacket):
        Packets().feed(data)

"""A reader without a card: credentials come as lines of JSON from a program at the other end.

    sim:                                   nobody ever comes
    sim+unix:///run/menshen/reader.sock    a listening program
    sim+serial:///tmp/reader               a pseudo-terminal
    sim+tcp://127.0.0.1:7002

One line is one tap. It has the fields of `Credential`, or those of `CardFault`; medium, document and assurance default
to a resident's card:

    {"number": "000000190001010017", "holder": {"name": "测试样本", "birth": "1900-01-01", "sex": "1"}}
    {"document": "ticket_code", "medium": "code", "assurance": 2, "number": "T-17"}
    {"problem": "unreadable", "detail": "pulled too soon"}

Device: no reader: a program at the other end of a wire
Does: every credential and every fault, as a line of JSON
Tried: over good and bad wires
Untried: nothing
"""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Iterable
from dataclasses import fields
from typing import Any, Protocol, TypeVar

import msgspec

from drivers.errors import BadAnswer
from drivers.transport import Transport, open_transport
from drivers.url import DeviceUrl, did_you_mean
from models.credential import Assurance, CardFault, CardProblem, Credential, Holder, Medium
from models.ids import DocumentType

T = TypeVar("T", Credential, CardFault)

TRANSPORTS = ("", "serial", "tcp", "unix")
OPTIONS: dict[str, str] = {}

LONGEST_LINE = 65536
_DEFAULTS = {"medium": Medium.CHIP_CARD, "document": DocumentType.RESIDENT_ID, "assurance": Assurance.AUTHENTICATED}


def open(url: DeviceUrl) -> SimReader:
    """Open the wire, or none."""
    return SimReader(open_transport(url, 115200) if url.transport else None)


def simulator(port: Port) -> SimPresenter:
    """The other end: `run(stop)` serves, `command(text)` drives (see `SimPresenter.command`)."""
    return SimPresenter(port)


class SimReader:
    """The host's half. Without a stream nobody ever comes."""

    def __init__(self, stream: Transport | None) -> None:
        self._stream = stream
        self._buffer = b""

    def read(self, timeout: float) -> Credential | CardFault | None:
        """See `CardReader.read`."""
        if self._stream is None:
            time.sleep(max(timeout, 0))
            return None
        deadline = time.monotonic() + timeout
        while b"\n" not in self._buffer:
            data = self._stream.read(max(deadline - time.monotonic(), 0))
            if not data:
                return None
            self._buffer += data
            if len(self._buffer) > LONGEST_LINE and b"\n" not in self._buffer:
                self._buffer = b""
                raise BadAnswer(f"a line of more than {LONGEST_LINE} bytes")
        line, _, self._buffer = self._buffer.partition(b"\n")
        return read_line(line) if line.strip() else None

    def close(self) -> None:
        """See `Device.close`."""
        if self._stream is not None:
            self._stream.close()


def read_line(line: bytes) -> Credential | CardFault:
    """What one line says. Raises `BadAnswer` naming the field at fault, not its content."""
    try:
        raw = msgspec.json.decode(line, type=dict[str, Any])
        if "problem" in raw:
            return _convert(raw, CardFault)
        return _convert({**_DEFAULTS, **raw}, Credential)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:  # a ValidationError is a DecodeError
        raise BadAnswer(f"not a credential: {error}") from error


def write_line(outcome: Credential | CardFault) -> bytes:
    """The line that says `outcome`."""
    return msgspec.json.encode(outcome) + b"\n"


def _convert(raw: dict[str, Any], kind: type[T]) -> T:
    known = [field.name for field in fields(kind)]
    for name in raw:
        if name not in known:
            raise BadAnswer(f"not a credential: a field it does not have{did_you_mean(name, known)}")
    return msgspec.convert(raw, kind)


class Port(Protocol):
    """The presenter's end of a wire, such as `PtyPort`."""

    def read(self, timeout: float) -> bytes:
        """What the host wrote, empty after `timeout` seconds."""

    def write(self, data: bytes) -> object:
        """Send to the host."""


class SimPresenter:
    """The device's half: presents credentials at the far end of `port`."""

    def __init__(self, port: Port) -> None:
        self._port = port

    def present(self, *outcomes: Credential | CardFault) -> None:
        """Taps, one after the other."""
        self._port.write(b"".join(write_line(outcome) for outcome in outcomes))

    def run(self, stop: threading.Event) -> None:
        """There is nothing to answer: wait until `stop` is set."""
        stop.wait()

    def command(self, text: str) -> str:
        """Do what one line of text says, and answer `ok` or `error: …`.

        present 000000190001010017 测试样本 [document=resident_id] [birth=1900-01-01] [sex=1] [valid_to=2030-01-01]
        fault unreadable|unsupported|rejected
        remove                  (does nothing: a line is a tap)
        json {"number": …}      one line as it is
        """
        try:
            word, *rest = shlex.split(text) or [""]
            if word == "present":
                self.present(_typed(rest))
            elif word == "fault":
                self.present(CardFault(CardProblem(rest[0])))
            elif word == "json":
                self.present(read_line(text.strip().removeprefix("json").encode()))
            elif word != "remove":
                return f"error: {word!r} is not known here, there are: present, fault, remove, json"
        except (BadAnswer, IndexError, ValueError) as error:
            return f"error: {error}"
        return "ok"


def _typed(words: Iterable[str]) -> Credential:
    number, *rest = words
    name = rest.pop(0) if rest and "=" not in rest[0] else ""
    given: dict[str, Any] = dict(pair.split("=", 1) for pair in rest)
    known = {field.name for field in fields(Holder)}
    holder = {"name": name, **{key: given.pop(key) for key in known & set(given)}}
    outcome = read_line(msgspec.json.encode({"number": number, "holder": holder, **given}))
    if isinstance(outcome, CardFault):
        raise BadAnswer("present gives a credential; for a fault say fault")
    return outcome

"""The evening's reader, exchangeable: what is at the far end of its wire, and which stories fit it.

One module for each, found by its name: `sam` (resident cards), `emrtd` (passports), `pcsc` (contactless cards), `line`
(codes before a scanner), `osdp` (badges). Each brings a `WIRE`.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from drivers import load
from drivers.errors import MissingLibrary
from drivers.pty_port import PtyPort
from models.ids import DocumentType

if TYPE_CHECKING:
    from gate.demo.cast import Person
    from gate.demo.stories import Book
    from models.decision import Policy

NAMES = ("sam", "emrtd", "pcsc", "line", "osdp")


@dataclass(frozen=True)
class Bench:
    """What a lane under construction offers to those who fit its readers.

    `line` gives the far end of a new serial line, which the gate finds at `folder / name`; `run` serves until the lane
    is taken down, `closing` is unwound then; `environment` is the daemon's. `pace`: as slow as the real wires.
    """

    folder: Path
    line: Callable[[str], PtyPort]
    run: Callable[[Callable[[threading.Event], None]], None]
    closing: ExitStack
    environment: dict[str, str]
    pace: bool = True
    poll_ms: int = 50


class NotOnThisWire(NotImplementedError):
    """A story asks a reader for something that can't happen to it."""


class DemoReader:
    """The far end of one reader's wire, in a visitor's hands. A `Person.document` says what is odd about a document."""

    url = ""
    """What the gate connects to."""

    last_answer_at = 0.0
    """When the last bytes of the latest document went to the gate, monotonic seconds."""

    def present(self, one: Person) -> None:
        """Show this person's document."""
        raise NotOnThisWire

    def pull_too_soon(self, one: Person) -> None:
        """Show it, and take it away while it is read."""
        raise NotOnThisWire

    def garble(self, one: Person) -> None:
        """Show it while the wire is disturbed."""
        raise NotOnThisWire

    def forge(self, one: Person) -> None:
        """Show a forgery of it."""
        raise NotOnThisWire

    def show_something_else(self, one: Person) -> None:
        """Show something that is no document here."""
        raise NotOnThisWire

    def remove(self) -> None:
        """Take away whatever is shown. May wait until the reader has seen that."""

    def rest(self) -> None:
        """Wait until the gate has seen that nothing is there; it runs."""


def _unchanged(policy: Policy) -> Policy:
    return policy


def _nothing_more(book: Book) -> None:
    """No stories of its own."""


@dataclass(frozen=True)
class Wire:
    """One kind of reader, and the evening that fits it.

    `left_out` says of stories of the common evening why they make no sense here; `titles` gives others another name;
    `retold` tells them otherwise, and `more` adds some. `dress` changes each visitor before he comes. `meaning` is what
    an owner must know of the rules that `policy` loosens. `timed` says where "card to relay" begins.
    """

    name: str
    about: str
    fit: Callable[[Bench], tuple[DemoReader, DemoReader]] = field(repr=False)
    document: Callable[[Person], tuple[DocumentType, str]] = field(repr=False)
    needs: Callable[[], None] = field(default=lambda: None, repr=False)
    policy: Callable[[Policy], Policy] = field(default=_unchanged, repr=False)
    meaning: str = ""
    left_out: Mapping[str, str] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    retold: Mapping[str, Callable[[Book], None]] = field(default_factory=dict, repr=False)
    more: Callable[[Book], None] = field(default=_nothing_more, repr=False)
    dress: Callable[[Person], Person] = field(default=lambda one: one, repr=False)
    timed: str = "the reader's own time left out"


def wire_of(name: str) -> Wire:
    """The wire of this name. Raises `MissingLibrary`, saying what to install."""
    try:
        load("reader", name)
    except MissingLibrary as error:
        raise MissingLibrary(_INSTALL.get(name, str(error)), name=error.name) from error
    wire: Wire = importlib.import_module(f"gate.demo.readers.{name}").WIRE
    wire.needs()
    return wire


_PCSC = "needs pyscard: pip install 'menshen[pcsc]'; and apt-get install pcscd vsmartcard-vpcd"
_INSTALL = {
    "emrtd": f"the evening with passports {_PCSC}",
    "pcsc": f"the evening with contactless cards {_PCSC}",
    "osdp": "the evening with badges needs libosdp: pip install 'menshen[osdp]'",
}

"""What goes over the gate's Unix socket: snapshots and answers down, commands up; one JSON object a line."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from models.decision import Profile, StewardAction
from models.link import Reach
from models.ticket import ManifestState
from models.view import LaneView, Mode


class Order(StrEnum):
    """What a command asks for."""

    STEWARD = "steward"  # a word about the person in the lane
    MODE = "mode"  # how the lane is run
    MRZ = "mrz"  # what stands on a document's page, for a reader that needs it to open the chip


@dataclass(frozen=True, slots=True)
class Command:
    """One order by one person. `attempt` must be the one that he saw, or the order is too late.

    `mrz`: a typed machine readable zone, or a card access number. `reader` is whom it is for; empty: the first reader
    that takes one.
    """

    id: int
    order: Order
    actor: str
    attempt: int = 0
    action: StewardAction | None = None
    mode: Mode | None = None
    why: str = ""
    mrz: str = field(default="", repr=False)
    reader: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of the command with this `id`; `error` says why it changed nothing."""

    id: int
    ok: bool
    error: str = ""


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """One device as the screens show it."""

    name: str
    up: bool
    why: str = ""
    uses: int = 0  # since it was installed: closings of a contact, turns, documents, cues
    rated: int | None = None  # how many of them its data sheet promises, where somebody wrote that down


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a screen needs. Sent at every change and once a second, so that silence means something."""

    view: LaneView
    at: float
    profile: Profile
    event: str = ""
    devices: tuple[DeviceStatus, ...] = ()
    manifest: ManifestState | None = None
    clock_trusted: bool = True
    inside: int = 0
    reach: Reach | None = None  # whom the sync process reaches; `None`: there is no sync process
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """One line from the gate: a snapshot or an answer."""

    snapshot: Snapshot | None = None
    answer: Answer | None = None

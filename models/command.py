"""What goes over the gate's Unix socket: snapshots and answers down, commands up; one JSON object a line."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from models.decision import OfflineRule, Profile, Reason, StewardAction, Verdict
from models.ids import DocumentType
from models.keeping import Window
from models.link import Reach
from models.passage import Passage
from models.proof import Asked, ProofState, ProofWish
from models.red_path import OpenRed, Urgency
from models.sighting import Sight
from models.staff import Cause as Cause
from models.staff import Role as Role
from models.ticket import ManifestState
from models.view import LaneView, Mode
from models.watch import ListState


class Order(StrEnum):
    """What a command asks for."""

    STEWARD = "steward"  # a word about the person in the lane
    MODE = "mode"  # how the lane is run
    MRZ = "mrz"  # what stands on a document's page, for a reader that needs it to open the chip
    PRESENT = "present"  # a document that no reader can read, as a person reads it off
    SHIFT = "shift"  # somebody begins or ends work at this lane, with a PIN
    RED = "red"  # an emergency goes in at once
    RED_NAMED = "red_named"  # who that was, asked afterwards
    SIGHTING = "sighting"  # a steward reports a suspected scalper
    WINDOW = "window"  # it is this event now, whatever the clock says; or no longer
    SETTINGS = "settings"  # how loud and bright the lane is, and in which language it begins
    PROVE = "prove"  # a test admission, by which nobody is let in


@dataclass(frozen=True, slots=True)
class Presented:
    """A document as a person reads it off: `number` as printed. `child`: it is a child on a household book."""

    document: DocumentType
    number: str = field(repr=False)
    valid_to: str = ""  # an ISO day, where one is printed
    child: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """How the lane presents itself. `volume` and `brightness` go from 0 to 1, `language` is where a visitor begins."""

    volume: float = 0.7
    brightness: float = 1.0
    language: str = "zh"


@dataclass(frozen=True, slots=True)
class Command:
    """One order by one person. `attempt` must be the one that he saw, or the order is too late.

    `mrz`: a typed machine readable zone, or a card access number. `reader` is whom it is for; empty: the first reader
    that takes one. `pin` is the actor's proof, `second` and `second_pin` another supervisor's where two are asked for.
    `cause` belongs to an override. `for_s`: after so many seconds the lane is controlled again; 0: until told.
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
    pin: str = field(default="", repr=False)
    second: str = ""
    second_pin: str = field(default="", repr=False)
    cause: Cause | None = None
    for_s: float = 0.0
    presented: Presented | None = field(default=None, repr=False)
    on: bool = True  # for SHIFT: begin, or end
    settings: Settings | None = None
    window_since: float = 0.0  # for WINDOW: it is later than this (Unix seconds); 0: than the manifest
    window_until: float = 0.0  # and earlier than this; 0: than the manifest's end
    of: str = ""  # for COMPANION: the patient's ticket; empty: who came last
    urgency: Urgency | None = None  # for RED
    red: int = 0  # for RED_NAMED: the attempt; without `presented`, nobody could say who it was
    proof: ProofWish | None = None
    sight: Sight | None = None  # for SIGHTING; `attempt`: it is that person, 0: none who came to the lane


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of the command with this `id`; `error` says why it changed nothing."""

    id: int
    ok: bool
    error: str = ""
    wait_s: float = 0.0  # after wrong PINs: how long no further one is taken


@dataclass(frozen=True, slots=True)
class OnShift:
    """Somebody who works at this lane now. `name` is what colleagues call him."""

    actor: str
    name: str
    role: Role
    since: float


@dataclass(frozen=True, slots=True)
class Recent:
    """One of the last visitors, as little as helps to find her again. `seat` belongs to the ticket."""

    at: float
    attempt: int
    verdict: Verdict
    reason: Reason
    masked_name: str = ""
    seat: str = ""
    passage: Passage | None = None


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
    window: Window | None = None  # what event somebody says it is, while the clock is not trusted
    inside: int = 0
    reach: Reach | None = None  # whom the sync process reaches; `None`: there is no sync process
    counts: dict[str, int] = field(default_factory=dict)
    recent: tuple[Recent, ...] = ()  # the last ten, the newest first
    per_minute: float = 0.0  # how many were admitted a minute, over the last five
    offline_rule: OfflineRule | None = None  # what holds for claims nobody answers; `None`: this event asks for none
    stale_after_s: float = 0.0  # from when on the manifest counts as too old
    face_ready_s: float = 0.0  # faces are looked at before the card, and held so long; 0: after it
    refer_s: float = 0.0  # how long a person has to settle what was referred; 0: nobody said
    mode_until: float | None = None  # when the lane is controlled again, Unix seconds
    staff: tuple[OnShift, ...] = ()
    pins: bool = False  # this lane has a staff book: a word needs a shift, an override and a mode need a PIN
    override_by_two: bool = False
    red_path: bool = False  # one tap lets an emergency in
    reds: tuple[OpenRed, ...] = ()  # those who came so and were not asked for yet, the oldest first
    settings: Settings = field(default_factory=Settings)
    mirror: str = ""  # the Unix socket with the camera's live picture; empty where there is none
    proof: ProofState | None = None  # the last test admission of this process, or the one under way
    asked: Asked | None = None  # what the devices answered since the last visitor; `None`: they were not asked
    camera_height: str = ""  # by where the last visitors' eyes were: unknown, good, too_low or too_high
    listed: ListState | None = None  # the shared list of persons; `None`: this gate has none
    controller: str = ""  # who answers for the visitors' data, and where to ask: the notice at the lane names them


@dataclass(frozen=True, slots=True)
class Line:
    """One line from the gate: a snapshot or an answer."""

    snapshot: Snapshot | None = None
    answer: Answer | None = None

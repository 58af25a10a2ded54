"""What lists did to people elsewhere, and what they may not do here: from the page on the disk to the word at the lane.

Beijing's hospitals share a list of appointment scalpers. One of them was alarmed at another hospital where he had come
as a patient, and was followed through his visit.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gate.core.effects import Record, Release, Show
from gate.core.events import StewardSaid, TicketFound
from gate.core.state import new_lane
from gate.listed import SharedList
from gate.stores import Stores
from models.decision import Profile, Reason, StewardAction, Verdict
from models.ids import DocumentType
from models.passage import Direction
from models.record import DecisionBody
from models.store.ledger_db import Ledger
from models.store.manifest_db import ManifestReader, ManifestWriter
from models.store.vault import DeviceKey
from models.store.watch_db import WatchUpdate, WatchWriter
from models.ticket import NoteKind
from models.view import Phase
from models.watch import HeldList, WatchAction, WatchDone, WatchEntry
from models.watch_domain import digest_of, person_key, turn
from tests.gate.core.paper_lane import PaperLane
from tests.gate.core.strategies import DAY, DOORS, EVENT, GATE, NOW, policy, ticket
from tests.gate.core.told import AN
from tests.gate.lane_bench import Guest, contents, ticket_of

KEY, SECRET = DeviceKey(b"k" * 32), bytes(range(200, 232))
MAN, OTHER = Guest(1), Guest(2)
HOSPITAL = policy(Profile.HOSPITAL)
TEMPLATE = np.random.default_rng(11).normal(0, 0.1, 128).astype("<f4").tobytes()


def listed(item: str = "W1", **more: object) -> WatchEntry:
    """The man, as another hospital lists him."""
    made = WatchEntry(
        item, "Hospital Two", "scalping", WatchAction.NOTIFY, DOORS - DAY, DOORS + DAY,
        approvers=("a", "b"), legal_basis="house order 7", domain="city", appeal="desk 3",
        person_key=person_key(SECRET, DocumentType.RESIDENT_ID, MAN.number),
        template=turn(SECRET, TEMPLATE), model_version="m",
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


class Hospital:
    """A gate's folder with its manifest, the shared list and a ledger, and one lane on paper."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.revision = folder, 0
        self.ledger = Ledger.open(folder / "ledger.db", Ed25519PrivateKey.generate(), gate=GATE, clock=lambda: NOW.wall)
        shared = SharedList(folder / "watch.db", KEY, GATE, lambda: NOW.wall)
        self.stores = Stores(self.ledger, ManifestReader(folder / "manifest.db", KEY), lambda rules: rules, shared)
        self.appoint()
        self.lists()

    def appoint(self, *guests: Guest) -> None:
        """Whoever has an appointment today."""
        writer = ManifestWriter(self.folder / "manifest.db", KEY)
        self.revision += 1
        writer.apply(contents([(one, ticket_of(one)) for one in guests], version=self.revision), NOW.wall)
        writer.close()

    def lists(self, *entries: WatchEntry) -> None:
        """The city's list, from now on."""
        self.revision += 1
        digest = digest_of((one.entry, one.version) for one in entries)
        held = HeldList("city", self.revision, len(entries), digest, NOW.wall, NOW.wall + DAY)
        writer = WatchWriter(self.folder / "watch.db", KEY)
        writer.apply(WatchUpdate(held, 0, {"city": SECRET}, entries))
        writer.close()

    def comes(self, guest: Guest) -> PaperLane:
        """He holds up his card; the stores' answer is that of the disk, and the words go into the ledger."""
        found = self.stores.look_up(guest.card()).facts
        assert found.manifest is not None
        tonight = tuple(ticket(one.ticket, reference_model="") for one in found.tickets)
        manifest = replace(found.manifest, event=EVENT, issued_at=DOORS, expires_at=DOORS + DAY)
        lane = PaperLane(new_lane(GATE, has_sensor=True), HOSPITAL)
        lane.tell(AN, TicketFound(1, replace(found, manifest=manifest, tickets=tonight)))
        return lane

    def close(self) -> None:
        self.stores.close()


@pytest.fixture
def hospital(tmp_path: Path) -> Iterator[Hospital]:
    (tmp_path / "state").mkdir()
    made = Hospital(tmp_path / "state")
    yield made
    made.close()


def word(lane: PaperLane) -> DecisionBody:
    """The last word on record."""
    body = lane.effects(Record)[-1].body
    assert isinstance(body, DecisionBody)
    return body


def test_a_listed_patient_with_an_appointment_goes_in_and_nobody_is_alarmed(hospital: Hospital) -> None:
    hospital.appoint(MAN)
    hospital.lists(listed())
    lane = hospital.comes(MAN)
    assert lane.effects(Release)
    assert (word(lane).decision.verdict, word(lane).decision.flags) == (Verdict.ADMIT, ())
    (note,) = lane.effects(Show)[-1].view.notes
    assert (note.kind, note.hold) == (NoteKind.WATCH, False)
    assert lane.effects(Show)[-1].view.alerts == ()
    (done,) = word(lane).watch
    assert (done.entry, done.done, done.by) == ("W1", WatchDone.NOTED, "")


def test_he_is_not_followed_on_his_way_out(hospital: Hospital) -> None:
    hospital.appoint(MAN)
    hospital.lists(listed())
    found = hospital.stores.look_up(MAN.card()).facts
    lane = PaperLane(new_lane(GATE, direction=Direction.EXIT), HOSPITAL)
    lane.tell(AN, TicketFound(1, found))
    assert word(lane).watch == ()
    assert word(lane).facts.lookup is not None
    assert word(lane).facts.lookup.hits == ()
    assert word(lane).decision.notes == ()


def test_the_same_man_without_an_appointment_gets_a_review_and_no_refusal(hospital: Hospital) -> None:
    hospital.lists(listed())
    lane = hospital.comes(MAN)
    assert lane.phase is Phase.REFERRED
    assert (word(lane).decision.verdict, word(lane).decision.reason) == (Verdict.REFER, Reason.WATCHLISTED)
    lane.tell(StewardSaid(1, StewardAction.TAKE_WATCH, "steward-4"), StewardSaid(1, StewardAction.REFUSE, "steward-4"))
    assert word(lane).decision.reason is Reason.REFUSED_BY_STEWARD
    assert [(one.done, one.by) for one in word(lane).watch] == [(WatchDone.REFUSED, "steward-4")]


@pytest.mark.parametrize("action", WatchAction)
@pytest.mark.parametrize(
    "resting",
    [
        {"valid_to": NOW.wall - 1},
        {"valid_from": NOW.wall + 60},
        {"entrances": ("south",)},
    ],
    ids=["expired", "not begun", "another entrance"],
)
def test_an_entry_that_does_not_count_does_nothing_and_leaves_no_trace(
    hospital: Hospital, resting: dict[str, object], action: WatchAction
) -> None:
    hospital.appoint(MAN)
    hospital.lists(listed(action=action, **resting))
    lane = hospital.comes(MAN)
    assert lane.effects(Release)
    assert (word(lane).decision.notes, word(lane).watch) == ((), ())
    assert "W1" not in str(word(lane))


@pytest.mark.parametrize("action", WatchAction)
def test_an_entry_that_rests_since_he_appealed_or_since_it_was_suspended_does_nothing(
    hospital: Hospital, action: WatchAction
) -> None:
    """A site takes such an entry off the list, and what a gate held of it is gone."""
    hospital.appoint(MAN)
    hospital.lists(listed(action=action), listed("W2", person_key="ab" * 32))
    before = word(hospital.comes(MAN)).watch
    hospital.lists(listed("W2", person_key="ab" * 32))
    lane = hospital.comes(MAN)
    assert lane.effects(Release)
    assert (len(before), word(lane).watch, word(lane).decision.notes) == (1, (), ())


def test_nobody_else_is_taken_for_him(hospital: Hospital) -> None:
    hospital.appoint(OTHER)
    hospital.lists(listed(action=WatchAction.REFUSE_UNLESS_CLEARED))
    lane = hospital.comes(OTHER)
    assert lane.effects(Release)
    assert word(lane).watch == ()


# --- a stolen disk --------------------------------------------------------------------------------------------------


def encodings(secret: bytes) -> dict[str, bytes]:
    """What `secret` may look like on a disk."""
    found = {
        "raw": secret,
        "hex": secret.hex().encode(),
        "HEX": secret.hex().upper().encode(),
        "backwards": secret[::-1],
    }
    for shift in range(3):  # base64 of whatever stands before it
        text = base64.b64encode(b"x" * shift + secret)[4 if shift else 0 :].rstrip(b"=")[:-2]
        found |= {f"base64 {shift}": text, f"base64url {shift}": text.translate(bytes.maketrans(b"+/", b"-_"))}
    return found


def of_text(text: str) -> dict[str, bytes]:
    """The same of words, in whatever letters."""
    return {
        f"{coding} {name}": some
        for coding in ("utf-8", "utf-16-le", "utf-16-be", "gb18030")
        for name, some in encodings(text.encode(coding)).items()
    }


def of_template(template: bytes) -> dict[str, bytes]:
    """The same of a template, as numbers of any width, and of parts of it."""
    values = np.frombuffer(template, "<f4")
    kinds = ("<f4", ">f4", "<f8", ">f8", "<f2", ">f2")
    parts = {f"{kind} at {at}": values[at : at + 8].astype(kind).tobytes() for kind in kinds for at in (0, 40, 120)}
    return {f"{part} {name}": some for part, raw in parts.items() for name, some in encodings(raw).items()}


def forbidden() -> dict[str, bytes]:
    """All that must not be on the disk, in every form."""
    plain = {f"number {name}": some for name, some in of_text(MAN.number).items()}
    plain |= {f"birthday {name}": some for name, some in of_text(MAN.number[6:14]).items()}
    plain |= {f"name {name}": some for name, some in of_text(MAN.name).items()}
    plain |= {f"template {name}": some for name, some in of_template(TEMPLATE).items()}
    plain |= {f"turned {name}": some for name, some in of_template(turn(SECRET, TEMPLATE)).items()}
    plain |= {f"domain {name}": some for name, some in encodings(SECRET).items()}
    return plain | {
        "jpeg": b"\xff\xd8\xff\xe0",
        "exif": b"\xff\xd8\xff\xe1",
        "png": b"\x89PNG",
        "jpeg 2000": b"\x00\x00\x00\x0cjP  ",
    }


def found_in(folder: Path) -> list[str]:
    """What of it is in any file below `folder`."""
    files = [each.read_bytes() for each in sorted(folder.rglob("*")) if each.is_file()]
    return [name for name, some in forbidden().items() if any(some in data for data in files)]


def test_a_stolen_disk_tells_nothing_of_who_is_listed(hospital: Hospital) -> None:
    """With the list open, after hits went into the ledger, and after entries were taken off: no file tells of him."""
    hospital.lists(*(listed(f"W{number}") for number in range(60)))
    lane = hospital.comes(MAN)
    for record in lane.effects(Record):
        hospital.stores.write(record, NOW.wall, "policy")
    assert word(lane).watch
    assert {"watch.db", "ledger.db"} <= {each.name for each in hospital.folder.iterdir()}
    assert found_in(hospital.folder) == []
    hospital.lists(listed("W9"))
    hospital.stores.rules(None)
    assert hospital.stores.shared is not None
    hospital.stores.shared.settle()
    assert found_in(hospital.folder) == []


def test_the_scan_of_the_disk_would_find_each_of_these(tmp_path: Path) -> None:
    for number, some in enumerate(forbidden().values()):
        (tmp_path / str(number)).write_bytes(b"before" + some + b"behind")
    assert len(found_in(tmp_path)) == len(forbidden())

"""The shared list at the lane: looked up by document, searched by face, idle when too old, and never in the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gate.core.watch import search, within
from gate.listed import SharedList
from models.decision import Profile
from models.face import FaceBands, FaceProbe
from models.face_models import DLIB, MOBILEFACENET
from models.ids import DocumentType
from models.profiles import policy_of
from models.store.vault import DeviceKey
from models.store.watch_db import WatchUpdate, WatchWriter
from models.watch import HeldList, WatchAction, WatchEntry
from models.watch_domain import digest_of, person_key, turn

KEY, SECRET, ID = DeviceKey(b"k" * 32), b"c" * 32, DocumentType.RESIDENT_ID
NUMBER, NOW, ENDS = "11010519491231002X", 1_000.0, 2_000.0
FACE = np.linspace(-0.2, 0.2, 128, dtype="<f4").tobytes()


def listed(item: str = "W1", **more: object) -> WatchEntry:
    """An entry by document and face."""
    made = WatchEntry(
        item, "Hospital One", "scalping", WatchAction.REVIEW, 0.0, 9e9,
        person_key=person_key(SECRET, ID, NUMBER), template=turn(SECRET, FACE), model_version="m", domain="city",
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


class Site:
    """Who writes the list, and what time it is."""

    def __init__(self, folder: Path) -> None:
        self.path, self.now, self.revision = folder / "watch.db", NOW, 0
        self.list = SharedList(self.path, KEY, "north", lambda: self.now)

    def sends(self, *entries: WatchEntry, expires_at: float = ENDS) -> None:
        """The whole list anew, and the lane has looked."""
        self.revision += 1
        digest = digest_of((one.entry, one.version) for one in entries)
        held = HeldList("city", self.revision, len(entries), digest, NOW + self.revision, expires_at)
        writer = WatchWriter(self.path, KEY)
        writer.apply(WatchUpdate(held, 0, {"city": SECRET}, entries))
        writer.close()
        self.looks()

    def looks(self) -> None:
        self.list.refresh()
        self.list.settle()

    def by_face(self) -> list[str]:
        return [hit.entry for hit in search(self.list.faces(), FaceProbe("m", FACE), 0.1)]

    def by_document(self) -> list[str]:
        return [entry.entry for entry in self.list.find(ID, NUMBER)]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.list.close()


def test_without_a_list_nobody_is_listed(site: Site) -> None:
    site.looks()
    assert (site.by_face(), site.by_document(), site.list.state()) == ([], [], None)


def test_a_listed_person_is_found_by_document_and_by_face(site: Site) -> None:
    site.sends(listed(), listed("W2", person_key="", template=turn(SECRET, bytes(512))))
    assert (site.by_face(), site.by_document()) == (["W1"], ["W1"])
    state = site.list.state()
    assert state is not None
    assert (state.entries, state.works, state.fault) == (2, True, "")


def test_who_was_taken_off_is_found_no_more(site: Site) -> None:
    site.sends(listed(), listed("W2"))
    site.sends(listed("W2"))
    assert (site.by_face(), site.by_document()) == (["W2"], ["W2"])
    site.sends()
    assert (site.by_face(), site.by_document()) == ([], [])


def test_a_list_that_is_too_old_does_nothing_and_says_so(site: Site) -> None:
    site.sends(listed())
    site.now = ENDS + 1
    assert (site.by_face(), site.by_document()) == ([], [])
    state = site.list.state()
    assert state is not None
    assert (state.works, state.fault) == (False, "")
    site.sends(listed(), expires_at=ENDS + 100)
    assert (site.by_face(), site.by_document()) == (["W1"], ["W1"])


def test_a_list_that_can_t_be_opened_does_nothing_and_says_so(site: Site, tmp_path: Path) -> None:
    site.sends(listed())
    other = SharedList(site.path, DeviceKey(b"x" * 32), "north", lambda: NOW)
    other.refresh()
    other.settle()
    assert (other.find(ID, NUMBER), other.faces()) == ((), {})
    state = other.state()
    assert state is not None
    assert (state.works, bool(state.fault)) == (False, True)
    other.refresh()
    other.settle()
    assert other.state() == state
    other.close()
    site.path.write_bytes(b"no database")
    broken = SharedList(site.path, KEY, "north", lambda: NOW)
    broken.refresh()
    assert broken.find(ID, NUMBER) == ()
    assert broken.state() is not None
    broken.close()


def test_who_is_listed_elsewhere_alone_or_no_longer_is_not_held_in_memory(site: Site) -> None:
    site.sends(
        listed("W1", entrances=("south",)), listed("W2", valid_to=NOW - 1), listed("W3", entrances=("south", "north"))
    )
    (sheet,) = site.list.faces()["m", 512]
    assert [entry.entry for entry in sheet.entries] == ["W3"]


def test_a_long_list_is_made_a_little_at_a_time_and_completely(site: Site) -> None:
    random = np.random.default_rng(7)
    faces = random.standard_normal((350, 128)).astype("<f4")
    site.sends(*(listed(f"W{n:04}", template=turn(SECRET, row.tobytes())) for n, row in enumerate(faces)))
    (sheet,) = site.list.faces()["m", 512]
    assert len(sheet.entries) == 350
    assert [hit.entry for hit in search(site.list.faces(), FaceProbe("m", faces[349].tobytes()), 0.1)] == ["W0349"]


def test_each_model_has_a_distance_of_its_own_and_none_that_nobody_measured() -> None:
    policy = policy_of(Profile.CONCERT, "e")
    for card in (DLIB, MOBILEFACENET):
        bands = card.bands()
        assert bands is not None
        found = within(policy, card.model_version)
        assert found is not None
        assert found < bands.accept
    assert within(policy, "sface") is None
    stricter = replace(policy, bands=(FaceBands("m", "any", 0.2, 0.3),))
    assert within(stricter, "m") == 0.2

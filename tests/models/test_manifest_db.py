"""The manifest's database: whole or not at all, seen by readers at once, and mute without the right document."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from models.decision import Policy, Profile
from models.face import FaceReference
from models.ids import DocumentType
from models.store.errors import StoreBusy, StoreFailed, WrongStore
from models.store.manifest_db import ManifestReader, ManifestWriter
from models.store.manifest_rows import Found, ManifestContents
from models.store.migrate import newest_version
from models.store.ticket_bytes import ticket_to_bytes
from models.store.vault import DeviceKey, SealBroken, lookup_key, seal_row
from models.ticket import Entitlement, ManifestState, Ticket, TicketStatus, Validity
from models.watch import WatchAction, WatchEntry

SECRET = bytes(range(32))
KEY = DeviceKey(b"k" * 32)
ID = DocumentType.RESIDENT_ID
PASS = DocumentType.PASSPORT
EVENT = "gala"


def ticket(name: str, **more: object) -> Ticket:
    return replace(Ticket(name, Entitlement(EVENT), Validity(1.0, 2.0)), **more)  # type: ignore[arg-type]


def contents(
    version: int,
    *people: tuple[Ticket, tuple[tuple[DocumentType, str], ...]],
    watch: tuple[WatchEntry, ...] = (),
) -> ManifestContents:
    sealed = [seal_row(EVENT, SECRET, each.ticket, ticket_to_bytes(each), documents) for each, documents in people]
    return ManifestContents(
        ManifestState(EVENT, version, 10.0, 20.0, len(people), f"digest {version}"),
        "issuer",
        Policy(Profile.CONCERT, EVENT, needs_face=True),
        SECRET,
        [(row.row, row.sealed) for row in sealed],
        [(key, row.row, wrapped) for row in sealed for key, wrapped in row.openings],
        watch,
    )


def listed(entry: str, number: str = "", template: bytes = b"") -> WatchEntry:
    key = lookup_key(SECRET, ID, number).hex() if number else ""
    return WatchEntry(entry, "hospital", "touting", WatchAction.REVIEW, 1, 2, ("a", "b"), "law", key, template)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "manifest.db"


@pytest.fixture
def writer(path: Path) -> Iterator[ManifestWriter]:
    writer = ManifestWriter(path, KEY)
    yield writer
    writer.close()


@pytest.fixture
def reader(path: Path) -> Iterator[ManifestReader]:
    reader = ManifestReader(path, KEY)
    yield reader
    reader.close()


def test_before_the_first_manifest_everything_is_empty(path: Path, reader: ManifestReader):
    assert (reader.state(), reader.policy(), reader.watchlist(), reader.find(ID, "1")) == (None, None, (), Found())
    path.touch()
    assert reader.state() is None  # its writer has only begun
    ManifestWriter(path, KEY).close()
    assert reader.state() is None


def test_a_document_finds_its_tickets_with_all_that_was_sealed(writer: ManifestWriter, reader: ManifestReader):
    reference = FaceReference("dlib-1", os.urandom(512), "consent-1")
    mine = ticket("T1", masked_name="张*", language="en", reference=reference)
    writer.apply(contents(1, (mine, ((ID, "A1"), (PASS, "P1"))), (ticket("T2"), ((ID, "A1"),))), 5.0)
    both, one = reader.find(ID, "a-1"), reader.find(PASS, "P1")
    assert {each.ticket for each in both.tickets} == {"T1", "T2"}
    assert one.tickets == (mine,)
    assert both.person_key == lookup_key(SECRET, ID, "A1").hex()
    assert reader.find(ID, "B") == Found(lookup_key(SECRET, ID, "B").hex())


def test_state_and_policy_come_back(writer: ManifestWriter, reader: ManifestReader):
    new = contents(3, (ticket("T1"), ((ID, "A"),)))
    writer.apply(new, 5.0)
    assert reader.state() == writer.state() == new.state
    assert reader.policy() == new.policy


def test_a_reader_sees_a_new_manifest_at_once(writer: ManifestWriter, reader: ManifestReader):
    writer.apply(contents(1, (ticket("T1"), ((ID, "A"),))), 5.0)
    assert reader.find(ID, "A").tickets == (ticket("T1"),)
    second = replace(contents(2, (ticket("T2"), ((ID, "B"),))), policy=Policy(Profile.CARD, EVENT))
    writer.apply(second, 6.0)
    assert reader.find(ID, "A").tickets == ()
    assert reader.find(ID, "B").tickets == (ticket("T2"),)
    assert reader.policy() == second.policy


def test_a_manifest_that_breaks_off_leaves_the_old_one(writer: ManifestWriter, reader: ManifestReader):
    old = contents(1, (ticket("T1"), ((ID, "A"),)), watch=(listed("w"),))
    writer.apply(old, 5.0)

    def broken() -> Iterator[tuple[bytes, int, bytes]]:
        yield from contents(2, (ticket("T2"), ((ID, "B"),))).openings
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        writer.apply(replace(contents(2, (ticket("T2"), ((ID, "B"),))), openings=broken()), 6.0)
    assert reader.state() == old.state
    assert reader.find(ID, "A").tickets == (ticket("T1"),)
    assert len(reader.watchlist()) == 1
    writer.apply(contents(2, (ticket("T2"), ((ID, "B"),))), 7.0)  # and the writer is still good


def test_a_look_up_runs_beside_an_unfinished_load(writer: ManifestWriter, reader: ManifestReader):
    """A reader in another thread, while the writer's transaction is open, sees the old manifest and never waits."""
    writer.apply(contents(1, (ticket("T1"), ((ID, "A"),))), 5.0)
    seen: list[Found] = []

    def slowly() -> Iterator[tuple[int, bytes]]:
        yield from contents(2, (ticket("T2"), ((ID, "A"),))).tickets
        looking = threading.Thread(target=lambda: seen.append(reader.find(ID, "A")))
        looking.start()
        looking.join(1.0)

    writer.apply(replace(contents(2, (ticket("T2"), ((ID, "A"),))), tickets=slowly()), 6.0)
    assert [found.tickets for found in seen] == [(ticket("T1"),)]


def test_a_revoked_ticket_is_found_as_such_until_the_next_manifest(writer: ManifestWriter, reader: ManifestReader):
    people = (ticket("T1"), ((ID, "A"),)), (ticket("T2"), ((ID, "B"),))
    with pytest.raises(WrongStore, match="no manifest yet"):
        writer.revoke(["T1"], 5.0)
    writer.apply(contents(1, *people), 5.0)
    writer.revoke(["T1", "T1", "never heard of"], 6.0)
    assert reader.find(ID, "A").tickets == (ticket("T1", status=TicketStatus.REVOKED),)
    assert reader.find(ID, "B").tickets == (ticket("T2"),)
    writer.apply(contents(2, *people), 7.0)
    assert reader.find(ID, "A").tickets == (ticket("T1"),)


def test_watch_entries_are_found_by_document_and_listed_for_the_face(writer: ManifestWriter, reader: ManifestReader):
    entries = (listed("by document", "A"), listed("by face", template=b"t" * 512), listed("both", "A", b"u" * 512))
    writer.apply(contents(1, watch=entries), 5.0)
    assert reader.find(ID, "A").hits == (entries[0], entries[2])
    assert reader.find(ID, "B").hits == ()
    assert reader.watchlist() == entries


def test_the_highest_version_is_remembered_event_by_event(writer: ManifestWriter):
    writer.apply(contents(7), 5.0)
    writer.apply(replace(contents(1), state=ManifestState("other", 1, 10, 20)), 6.0)
    assert [writer.highest_version(event) for event in (EVENT, "other", "third")] == [7, 1, 0]


def test_another_device_key_opens_nothing_but_tells_the_version(writer: ManifestWriter, path: Path):
    writer.apply(contents(1, (ticket("T1"), ((ID, "A"),))), 5.0)
    thief = ManifestReader(path, DeviceKey(b"x" * 32))
    state = thief.state()
    assert state is not None
    assert state.version == 1
    for question in (lambda: thief.find(ID, "A"), thief.policy, thief.watchlist):
        with pytest.raises(SealBroken):
            question()
    thief.close()


def test_a_row_changed_on_disk_is_noticed(writer: ManifestWriter, reader: ManifestReader, path: Path):
    writer.apply(contents(1, (ticket("T1"), ((ID, "A"),))), 5.0)
    with sqlite3.connect(path) as tamper:
        tamper.execute("UPDATE ticket SET sealed = zeroblob(length(sealed))")
    tamper.close()
    with pytest.raises(SealBroken):
        reader.find(ID, "A")


def test_there_is_one_writer(writer: ManifestWriter, path: Path):
    with pytest.raises(StoreBusy, match="being written"):
        ManifestWriter(path, KEY)


def test_a_reader_cannot_write_and_an_unusable_file_is_named(writer: ManifestWriter, path: Path, tmp_path: Path):
    rubbish = tmp_path / "rubbish.db"
    rubbish.write_bytes(b"no database at all, " * 100)
    with pytest.raises(StoreFailed, match=r"rubbish\.db"):
        ManifestReader(rubbish, KEY).state()
    with sqlite3.connect(path) as newer:
        newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(WrongStore, match="newer program"):
        ManifestReader(path, KEY).state()


def test_a_reader_recovers_when_the_file_is_well_again(writer: ManifestWriter, reader: ManifestReader, path: Path):
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 99")
        with pytest.raises(WrongStore):
            reader.state()
        other.execute(f"PRAGMA user_version = {newest_version('manifest')}")
    other.close()
    writer.apply(contents(1, (ticket("T1"), ((ID, "A"),))), 5.0)
    assert reader.find(ID, "A").tickets == (ticket("T1"),)


def test_close_may_be_called_twice_and_leaves_no_file_open(path: Path):
    before = len(list(Path("/proc/self/fd").iterdir()))
    writer = ManifestWriter(path, KEY)
    reader = ManifestReader(path, KEY)
    reader.state()
    for each in (reader, reader, writer, writer):
        each.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before

"""The shared list's database: from revision to revision or not at all, gone when taken off, mute without its key."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from models.ids import DocumentType
from models.store.errors import StoreBusy, WrongStore
from models.store.vault import DeviceKey, SealBroken
from models.store.watch_db import WatchReader, WatchUpdate, WatchWriter
from models.watch import HeldList, WatchAction, WatchEntry
from models.watch_domain import digest_of, person_key

OURS, THEIRS = b"o" * 32, b"t" * 32
DOMAINS = {"own": OURS, "city": THEIRS}
KEY = DeviceKey(b"k" * 32)
ID = DocumentType.RESIDENT_ID
WHO, OTHER = "11010519491231002X", "110105194912310038"


def listed(item: str, number: str = WHO, domain: str = "own", version: int = 1, **more: object) -> WatchEntry:
    key = person_key(DOMAINS[domain], ID, number) if number else ""
    made = WatchEntry(item, "Hospital One", "scalping", WatchAction.REVIEW, 1, 2, domain=domain, version=version)
    return replace(made, person_key=key, **more)  # type: ignore[arg-type]


def update(
    revision: int,
    held: list[WatchEntry],
    changed: list[WatchEntry],
    removed: tuple[str, ...] = (),
    after: int = 0,
    domains: dict[str, bytes] = DOMAINS,
) -> WatchUpdate:
    """A change after which `held` is what the list holds."""
    digest = digest_of((one.entry, one.version) for one in held)
    state = HeldList("city", revision, len(held), digest, 100.0 + revision, 900.0)
    return WatchUpdate(state, after, domains, changed, removed)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "watch.db"


@pytest.fixture
def writer(path: Path) -> Iterator[WatchWriter]:
    made = WatchWriter(path, KEY)
    yield made
    made.close()


@pytest.fixture
def reader(path: Path) -> Iterator[WatchReader]:
    made = WatchReader(path, KEY)
    yield made
    made.close()


def test_a_person_is_found_in_every_domain(writer: WatchWriter, reader: WatchReader) -> None:
    assert (reader.find(ID, WHO), reader.entries(), reader.state()) == ((), (), None)
    mine, theirs, other = listed("a"), listed("b", domain="city"), listed("c", OTHER)
    writer.apply(update(3, [mine, theirs, other], [mine, theirs, other]))
    assert set(reader.find(ID, WHO)) == {mine, theirs}
    assert reader.find(DocumentType.PASSPORT, WHO) == ()
    assert reader.entries() == (mine, theirs, other)
    assert reader.secrets() == DOMAINS
    assert reader.state() == writer.state()


def test_nobody_is_found_by_an_empty_number(writer: WatchWriter, reader: WatchReader) -> None:
    by_face = listed("a", "", template=b"1234")
    writer.apply(update(1, [by_face], [by_face]))
    assert reader.find(ID, WHO) == ()
    assert reader.entries() == (by_face,)


def test_a_change_goes_on_top_of_what_is_held(writer: WatchWriter, reader: WatchReader) -> None:
    one, two = listed("a"), listed("b", OTHER)
    writer.apply(update(3, [one, two], [one, two]))
    newer = listed("a", version=2, legal_basis="ruling")
    writer.apply(update(5, [newer], [newer], ("b", "never there"), after=3))
    assert reader.entries() == (newer,)
    assert writer.newest("city") == (5, 105.0)


def test_a_whole_list_replaces_everything(writer: WatchWriter, reader: WatchReader) -> None:
    writer.apply(update(3, [listed("a")], [listed("a")]))
    writer.apply(update(4, [listed("b")], [listed("b")], domains={"own": OURS}))
    assert reader.entries() == (listed("b"),)
    assert reader.secrets() == {"own": OURS}


@pytest.mark.parametrize(
    "wrong",
    [
        update(5, [listed("a"), listed("b")], [listed("b")], after=2),
        update(5, [listed("a"), listed("b")], [], after=3),
        update(5, [listed("a", version=2)], [], after=3),
        update(5, [], [], ()),
        update(5, [listed("z", domain="city")], [listed("z", domain="city")], domains={"own": OURS}),
    ],
    ids=["of another revision", "too few", "another version", "the issuer counts none", "without its secret"],
)
def test_what_does_not_add_up_leaves_the_old_list(writer: WatchWriter, reader: WatchReader, wrong: WatchUpdate) -> None:
    writer.apply(update(3, [listed("a")], [listed("a")], domains={"own": OURS}))
    if wrong.held.count == 0:
        wrong = replace(wrong, changed=[listed("a")])
    with pytest.raises(WrongStore):
        writer.apply(wrong)
    assert reader.entries() == (listed("a"),)
    assert (held := reader.state()) is not None
    assert held.revision == 3


def test_a_change_of_another_sites_list_is_refused(writer: WatchWriter) -> None:
    writer.apply(update(3, [listed("a")], [listed("a")]))
    made = update(4, [listed("a")], [], after=3)
    with pytest.raises(WrongStore):
        writer.apply(replace(made, held=replace(made.held, site="elsewhere")))


def test_who_was_taken_off_is_nowhere_in_the_files(writer: WatchWriter, path: Path) -> None:
    one, two = listed("item-that-stays"), listed("item-that-goes", OTHER, domain="city")
    writer.apply(update(1, [one, two], [one, two]))
    sealed = _column(path, "SELECT sealed FROM entry WHERE item = 'item-that-goes'")
    secret = _column(path, "SELECT sealed FROM domain WHERE domain = 'city'")
    traces = [b"item-that-goes", bytes.fromhex(two.person_key), sealed, secret]
    assert all(trace in _bytes(path) for trace in traces)
    writer.apply(update(2, [one], [], ("item-that-goes",), after=1, domains={"own": OURS}))
    assert [trace for trace in traces if trace in _bytes(path)] == []
    assert b"item-that-stays" in _bytes(path)


def test_nothing_of_a_person_lies_open_on_the_disk(writer: WatchWriter, path: Path) -> None:
    entry = listed("a", template=b"template bytes here", legal_basis="ruling 7", appeal="appeals@example.org")
    writer.apply(update(1, [entry], [entry]))
    for secret in (WHO.encode(), entry.template, b"ruling 7", b"Hospital One", OURS, THEIRS):
        assert secret not in _bytes(path)


def test_another_device_key_opens_nothing(writer: WatchWriter, path: Path) -> None:
    writer.apply(update(1, [listed("a")], [listed("a")]))
    stranger = WatchReader(path, DeviceKey(b"x" * 32))
    for ask in (lambda: stranger.find(ID, WHO), stranger.entries, stranger.secrets):
        with pytest.raises(SealBroken):
            ask()
    stranger.close()


def test_an_entry_moved_to_another_name_is_not_believed(writer: WatchWriter, path: Path, reader: WatchReader) -> None:
    writer.apply(update(1, [listed("a")], [listed("a")]))
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE entry SET item = 'z'")
    with pytest.raises(SealBroken):
        reader.find(ID, WHO)


def test_one_alone_writes(writer: WatchWriter, path: Path) -> None:
    with pytest.raises(StoreBusy):
        WatchWriter(path, KEY)


def test_readers_in_threads_see_one_list_or_the_other(writer: WatchWriter, reader: WatchReader) -> None:
    lists = [[listed(f"{turn}-{n}", WHO) for n in range(20)] for turn in range(2)]
    writer.apply(update(1, lists[0], lists[0]))
    done, seen = threading.Event(), []

    def look() -> None:
        while not done.is_set():
            seen.append({entry.entry[0] for entry in reader.find(ID, WHO)})

    threads = [threading.Thread(target=look) for _ in range(3)]
    for one in threads:
        one.start()
    for revision in range(2, 30):
        writer.apply(update(revision, lists[revision % 2], lists[revision % 2]))
    done.set()
    for one in threads:
        one.join()
    assert {frozenset(one) for one in seen} <= {frozenset("0"), frozenset("1")}


def _bytes(path: Path) -> bytes:
    """Everything that lies on the disk, the write-ahead log with it."""
    return b"".join(one.read_bytes() for one in path.parent.glob("watch.db*"))


def _column(path: Path, question: str) -> bytes:
    with sqlite3.connect(path) as connection:
        found: bytes = connection.execute(question).fetchone()[0]
    return found

"""Updates: who may bring one, when, and what is left when the power goes at any moment of it."""

from __future__ import annotations

import errno
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gate.update import Machine, Wishes, choose, judge, release_keys, update
from gate.update_release import Release, UpdateRefused, open_release, order
from gate.update_shelf import Shelf
from gate.update_window import Now, Window, look, read_window, tell, why_not
from models.store.public_key import KeyUse, PublicKey, write_public_key
from models.ticket import ManifestState
from tests.gate.release_bench import KEY, NEW, OLD, PUBLIC, PYTHON, Appliance, CutDisk, Maker, PowerCut, opened

MACHINE = Machine("amd64", PYTHON, 10**9, {"ledger": 1, "manifest": 1})
STORES = {"ledger": 1, "manifest": 1}


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    (tmp_path / "maker").mkdir()
    return Maker(tmp_path / "maker")


@pytest.fixture
def box(tmp_path: Path, maker: Maker) -> Appliance:
    """It runs the old version, and may come to run the new one."""
    made = Appliance(tmp_path / "opt")
    made.install(opened(maker.release(OLD)))
    made.heads[NEW] = opened(maker.release(NEW)).head
    return made


def go(box: Appliance, release: Release, *, disk=None, proof: str = "", up: bool = True):
    shelf = Shelf(box.home, disk) if disk else Shelf(box.home)
    return update(release, shelf, lambda folder: proof, lambda: None, lambda: up)


# --- How it goes ------------------------------------------------------------------------------------------------------


def test_a_new_version_is_put_beside_the_old_and_switched_to(box: Appliance, maker: Maker):
    outcome = go(box, opened(maker.release(NEW)))
    assert (outcome.ok, outcome.before, outcome.now) == (True, OLD, NEW)
    assert box.boots() == NEW
    assert Shelf(box.home).previous() == OLD
    assert box.leftovers() == set()


def test_a_version_that_can_not_prove_itself_is_never_switched_to(box: Appliance, maker: Maker):
    outcome = go(box, opened(maker.release(NEW)), proof="no admission")
    assert (outcome.ok, outcome.now, outcome.why) == (False, OLD, "no admission")
    assert box.boots() == OLD
    assert not Shelf(box.home).has(NEW)
    assert box.leftovers() == set()


def test_a_version_that_does_not_come_up_makes_room_for_the_former(box: Appliance, maker: Maker):
    outcome = go(box, opened(maker.release(NEW)), up=False)
    assert (outcome.ok, outcome.now) == (False, OLD)
    assert box.boots() == OLD
    assert Shelf(box.home).was_returned()


def test_only_the_version_and_the_one_before_are_kept(box: Appliance, maker: Maker):
    for version in (NEW, "0.3.0"):
        release = opened(maker.release(version))
        box.heads[version] = release.head
        assert go(box, release).ok
    assert {path.name for path in (box.home / "versions").iterdir()} == {NEW, "0.3.0"}


# --- The power goes ---------------------------------------------------------------------------------------------------


def operations(box: Appliance, release: Release, folder: Path, **how) -> list[str]:
    disk = CutDisk()
    go(box.copy(folder), release, disk=disk, **how)
    return disk.seen


@pytest.mark.parametrize("up", [True, False])
def test_whenever_the_power_goes_one_whole_version_starts_and_the_next_try_succeeds(
    box: Appliance, maker: Maker, tmp_path: Path, up: bool
):
    release = opened(maker.release(NEW))
    seen = operations(box, release, tmp_path / "count", up=up)
    assert len(seen) > 25
    started = set()
    for at in range(1, len(seen) + 1):
        cut = box.copy(tmp_path / f"cut-{at}")
        with pytest.raises(PowerCut):
            go(cut, release, disk=CutDisk(at), up=up)
        started.add(cut.boots())
        shelf = Shelf(cut.home)
        shelf.clean()
        if cut.boots() == OLD:
            assert go(cut, release).ok, seen[at - 1]
        assert cut.boots() == NEW
        shelf.clean()
        assert cut.leftovers() <= {"returned"}, seen[at - 1]
    assert started == {OLD, NEW}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_whichever_operation_fails_one_whole_version_starts(box: Appliance, maker: Maker, tmp_path: Path, number: int):
    release = opened(maker.release(NEW))
    for at in range(1, len(operations(box, release, tmp_path / "count")) + 1):
        cut = box.copy(tmp_path / f"cut-{at}")
        with pytest.raises((OSError, UpdateRefused)):
            go(cut, release, disk=CutDisk(at, OSError(number, "no")))
        cut.boots()
        Shelf(cut.home).clean()
        assert cut.leftovers() == set()


def test_a_full_disk_is_told_and_changes_nothing(box: Appliance, maker: Maker):
    with pytest.raises(UpdateRefused, match="the disk became full"):
        go(box, opened(maker.release(NEW)), disk=CutDisk(9, OSError(errno.ENOSPC, "full")))
    assert box.boots() == OLD
    assert box.leftovers() == set()


def test_two_updates_at_once_are_one_too_many(box: Appliance):
    with Shelf(box.home).locked(), pytest.raises(UpdateRefused, match="another update"), Shelf(box.home).locked():
        pass


# --- Who brings it ----------------------------------------------------------------------------------------------------


def test_a_release_that_nobody_known_signed_is_refused(maker: Maker):
    for key in (None, Ed25519PrivateKey.generate()):
        with pytest.raises(UpdateRefused, match="not signed by a key of this machine"):
            opened(maker.release(NEW, key=key))


@given(st.data())
def test_no_byte_of_a_release_may_change(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject):
    folder = tmp_path_factory.mktemp("flip")
    maker = Maker(folder)
    whole = maker.release(NEW)
    content = bytearray(whole.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    whole.write_bytes(content)
    box = Appliance(folder / "opt")
    try:
        shelf = box.install(opened(whole))
    except UpdateRefused:
        assert not (folder / "opt/current").exists()
    else:  # the padding of an archive, or the time in its head
        assert shelf.current() == NEW
        box.boots()


@given(st.floats(0, 0.9999))
def test_a_file_cut_short_is_refused(tmp_path_factory: pytest.TempPathFactory, part: float):
    folder = tmp_path_factory.mktemp("short")
    whole = Maker(folder).release(NEW)
    content = whole.read_bytes()
    whole.write_bytes(content[: min(int(len(content) * part), len(content) - 600)])
    with pytest.raises(UpdateRefused):
        Appliance(folder / "opt").install(opened(whole))


def test_a_stick_that_changes_its_mind_is_found_out(box: Appliance, maker: Maker):
    """The head is the one that was signed; the files are another's."""
    good, other = maker.release(NEW), maker.release("0.9.9")
    release, swapped = opened(good), open_release(other, [PUBLIC])
    mixed = good.read_bytes()[: release.payload_at] + other.read_bytes()[swapped.payload_at :]
    good.write_bytes(mixed)
    with pytest.raises(UpdateRefused, match="not the one that was signed"):
        go(box, opened(good))
    assert box.boots() == OLD


def test_what_is_no_release_is_called_that(tmp_path: Path):
    (tmp_path / "x.release").write_bytes(b"PK\x03\x04")
    with pytest.raises(UpdateRefused, match="no release"):
        opened(tmp_path / "x.release")
    with pytest.raises(UpdateRefused, match="can't be read"):
        opened(tmp_path / "none.release")


def test_the_makers_keys_are_those_that_were_pinned(tmp_path: Path):
    with pytest.raises(UpdateRefused, match="no maker's key"):
        release_keys(tmp_path)
    write_public_key(tmp_path / "release.pub", PublicKey(KeyUse.RELEASE, "maker", PUBLIC))
    write_public_key(tmp_path / "release-next.pub", PublicKey(KeyUse.RELEASE, "maker", bytes(32)))
    assert sorted(release_keys(tmp_path)) == sorted([PUBLIC, bytes(32)])
    write_public_key(tmp_path / "release-bad.pub", PublicKey(KeyUse.ISSUER, "hall", PUBLIC))
    with pytest.raises(UpdateRefused, match="can't be used"):
        release_keys(tmp_path)


def test_a_folder_gives_its_newest_for_this_machine(maker: Maker):
    maker.release("0.2.0")
    maker.release("0.10.0")
    maker.release("0.11.0", arch="arm64")
    maker.release("0.12.0", key=Ed25519PrivateKey.generate())
    assert choose(maker.folder, [PUBLIC], "amd64").head.version == "0.10.0"
    with pytest.raises(UpdateRefused):
        choose(maker.folder / "tree-1", [PUBLIC], "amd64")


# --- Which follows which ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "machine", "wishes", "why"),
    [
        ({"arch": "arm64"}, {}, {}, "for arm64"),
        ({"python": "3.13"}, {}, {}, "needs Python 3.13"),
        ({"version": "0.0.9"}, {}, {}, "older than"),
        ({"version": OLD}, {}, {}, "runs here already"),
        ({"minimum_from": "0.1.5"}, {}, {}, "go there first"),
        ({"stores": {"ledger": 2}}, {}, {}, "no way back"),
        ({"stores": {"ledger": 1}}, {"stores": {"ledger": 2}}, {}, "this machine's has 2"),
        ({}, {"free_bytes": 1000}, {}, "free space"),
        ({"stores": {"ledger": 2}}, {}, {"one_way": True}, ""),
        ({"version": "0.0.9"}, {}, {"downgrade": True}, ""),
        ({}, {}, {}, ""),
    ],
)
def test_a_release_has_to_fit(maker: Maker, head: dict, machine: dict, wishes: dict, why: str):
    told = {"version": NEW, "stores": STORES} | head
    release = opened(maker.release(told.pop("version"), **told))
    wanted = pytest.raises(UpdateRefused, match=why) if why else nullcontext()
    with wanted:
        judge(release, OLD, replace(MACHINE, **machine), Wishes(**wishes))


def test_versions_are_in_the_order_in_which_people_count():
    versions = ["0.9", "0.9.1", "0.10~rc1", "0.10", "0.10.1", "1.0"]
    assert sorted(set(versions), key=order) == versions
    for bad in ("", "../x", "1/2", "v1", "1.0\n"):
        with pytest.raises(UpdateRefused):
            order(bad)


# --- When -------------------------------------------------------------------------------------------------------------

AT = 1_790_000_000.0
GALA = ManifestState("gala", 1, AT - 86_400, AT + 86_400)


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (Now(AT), ""),
        (Now(AT, manifest=GALA), "nobody said when"),
        (Now(AT, manifest=replace(GALA, expires_at=AT - 1)), ""),
        (Now(AT, Window(AT - 10, AT + 10), GALA), "the event is on"),
        (Now(AT, Window(AT + 3600, AT + 9000), GALA), "the event is on, or near"),
        (Now(AT, Window(AT + 30_000, AT + 40_000), GALA), ""),
        (Now(AT, Window(AT - 300, AT - 100), GALA), ""),
        (Now(AT, Window(AT - 300, AT - 100), GALA, decided_at=AT - 60), "1 minutes ago"),
        (Now(AT, decided_at=AT - 3600), ""),
    ],
)
def test_an_update_waits_for_the_end_of_an_event(now: Now, why: str):
    assert why in why_not(now)
    assert bool(why_not(now)) is bool(why)


def test_the_time_of_an_event_is_kept(tmp_path: Path):
    assert look(None, tmp_path, AT) == Now(AT)
    tell(tmp_path, Window(1.0, 2.0))
    assert read_window(tmp_path) == Window(1.0, 2.0)
    assert look(tmp_path / "nothing", tmp_path, AT).window == Window(1.0, 2.0)
    with pytest.raises(ValueError, match="ends after"):
        tell(tmp_path, Window(2.0, 1.0))


def test_the_key_signs_what_it_should(maker: Maker):
    assert opened(maker.release(NEW)).head.files
    assert KEY.public_key().public_bytes_raw() == PUBLIC

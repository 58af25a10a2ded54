"""What stewards report arrives with the ledger's lines: once, at its venue, sealed, and settled is settled."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import delete, select

from models.ledger import EntryKind
from models.sighting import Sight, SightingBody
from sync.server import reports
from sync.server.hub import Hub
from sync.server.ingest import take
from sync.server.pages.words import LANGUAGES, words_in
from sync.server.permissions import Person, Role
from sync.server.rebuild import rebuild
from sync.server.reports import KEEP_S, Outcome
from sync.server.watch_tables import report
from tests.sync.server.conftest import Clock
from tests.sync.server.world import NIGHT, GateBox, hall

OWNER = Person("lin", "Lin", Role.OWNER, None, "zh")
SUPERVISOR = Person("su", "Su", Role.SUPERVISOR, "o", "zh")
STRANGER = Person("x", "X", Role.SUPERVISOR, "another", "zh")


@pytest.fixture
def box(hub: Hub, tmp_path: Path) -> GateBox:
    hall(hub)
    return GateBox(hub, tmp_path, "north-3")


def _sees(box: GateBox, sight: Sight = Sight.LEADS_OTHERS, attempt: int = 0, at: float = NIGHT) -> None:
    box.ledger.append(EntryKind.SIGHTING, SightingBody("s7", sight, attempt), at)


def _send(hub: Hub, box: GateBox, after: int = 0) -> None:
    with hub.begin() as connection:
        take(hub, connection, box.device, box.name, box.batch(after))


def _rebuild(hub: Hub) -> None:
    with hub.begin() as connection:
        rebuild(hub, connection, "li")


def _waiting(hub: Hub, person: Person = OWNER) -> list[reports.Report]:
    with hub.begin() as connection:
        return reports.list_reports(hub, connection, person, is_new=True)


def test_a_stewards_report_is_read_like_any_other(hub: Hub, box: GateBox, clock: Clock) -> None:
    clock.now = NIGHT + 3600.0  # the gate was alone for an hour
    _sees(box, attempt=12)
    _send(hub, box)
    (told,) = _waiting(hub, SUPERVISOR)
    assert (told.by, told.place, told.venue, told.made_at) == ("s7", "north-3", "v", NIGHT)
    assert told.text.splitlines() == [
        t("sighted.of_attempt", seen=t("sight.leads_others"), attempt=12) for t in map(words_in, LANGUAGES)
    ]
    assert _waiting(hub, STRANGER) == []
    with hub.begin() as connection:
        assert b"north" not in connection.execute(select(report.c.sealed_text)).scalar_one()


@pytest.mark.parametrize("sight", Sight)
def test_what_was_seen_is_said_in_the_sites_languages(hub: Hub, box: GateBox, sight: Sight) -> None:
    _sees(box, sight)
    _send(hub, box)
    (told,) = _waiting(hub)
    assert told.text.splitlines() == [words_in(language).said[f"sight.{sight}"] for language in LANGUAGES]


def test_a_newer_gates_word_is_kept_as_its_code_and_nonsense_is_kept_short(hub: Hub, box: GateBox) -> None:
    box.ledger.append(EntryKind.SIGHTING, {"actor": "s7", "sight": "sells_wristbands"}, NIGHT)
    box.ledger.append(EntryKind.SIGHTING, {"actor": "s" * 9_000, "sight": "<b>" * 9_000}, NIGHT)
    box.ledger.append(EntryKind.SIGHTING, {"actor": 7, "attempt": "many"}, NIGHT)
    _send(hub, box)
    told = sorted(_waiting(hub), key=lambda one: len(one.by))
    assert [one.by for one in told] == ["", "s7", "s" * reports.LONGEST_CONTACT]
    assert [one.text for one in told][1] == "sells_wristbands"
    assert all(len(one.text) < 100 for one in told)


def test_lines_that_come_again_and_a_rebuild_make_no_second_report(hub: Hub, box: GateBox) -> None:
    for sight in Sight:
        _sees(box, sight)
        _send(hub, box)
    before = _waiting(hub)
    assert len(before) == len(Sight)
    with hub.begin() as connection:
        reports.settle(hub, connection, OWNER, before[0].report, Outcome.WARNING, "spoken to")
    _send(hub, box)
    _rebuild(hub)
    assert _waiting(hub) == before[1:]


def test_a_rebuild_brings_back_what_is_missing_but_nothing_that_was_kept_long_enough(
    hub: Hub, box: GateBox, clock: Clock
) -> None:
    _sees(box)
    _send(hub, box)
    (told,) = _waiting(hub)
    with hub.begin() as connection:
        connection.execute(delete(report))
    _rebuild(hub)
    assert _waiting(hub) == [told]
    with hub.begin() as connection:
        reports.settle(hub, connection, OWNER, told.report, Outcome.NOTHING, "")
    clock.now += KEEP_S + 1
    assert reports.forget_old(hub) == 1
    _rebuild(hub)
    assert _waiting(hub) == []


def test_a_gate_whose_clock_stands_at_1970_reports_when_its_line_arrives(hub: Hub, box: GateBox, clock: Clock) -> None:
    _sees(box, at=12.0)
    _send(hub, box)
    assert [one.made_at for one in _waiting(hub)] == [clock.now]

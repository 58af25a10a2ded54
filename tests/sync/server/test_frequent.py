"""Who comes too often: counted over all entrances and days, looked at for a while, and forgotten in time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

from models.decision import Decision, Facts, LookupFacts, Profile, Reason, Verdict
from models.ids import DocumentType, check_digit
from models.ledger import EntryKind
from models.passage import Direction
from models.profiles import policy_of
from models.record import DecisionBody, RedBody
from models.red_path import Urgency
from models.store.lines import Release
from models.store.vault import lookup_key
from models.ticket import ManifestState
from models.watch import WatchAction, WatchPurpose
from models.wire import to_json
from sync.holding import Document
from sync.server import frequent, tables
from sync.server.events import changed_policy
from sync.server.hub import Hub
from sync.server.ingest import take
from sync.server.problems import Refused
from sync.server.rebuild import rebuild
from sync.server.tickets import event_place
from sync.server.watch_items import domain_secret
from sync.server.watch_tables import seen as seen_table
from sync.server.watch_tables import watch_item
from sync.watch_page import WatchChange, open_entry
from tests.sync.server.conftest import Clock
from tests.sync.server.world import NIGHT, GateBox, hall

OFFICE = "office"
SECRET = bytes(range(32))
RULES = replace(policy_of(Profile.SCREENING, OFFICE), frequent_times=3, frequent_days=7)
DAY = 86_400.0
ID = DocumentType.RESIDENT_ID


def document(serial: int) -> Document:
    """The ID of nobody."""
    stem = f"00000019900101{serial:03d}"
    return Document(ID, stem + check_digit(stem))


def key(serial: int) -> bytes:
    return lookup_key(SECRET, ID, document(serial).number)


class Office:
    """An office with two entrances."""

    def __init__(self, hub: Hub, clock: Clock, folder: Path) -> None:
        self.hub, self.clock = hub, clock
        hall(hub)
        with hub.begin() as connection:
            connection.execute(
                insert(tables.event).values(
                    event=OFFICE,
                    organisation="o",
                    venue="v",
                    name="Vehicle Office",
                    begins_at=NIGHT,
                    ends_at=NIGHT + 365 * DAY,
                    policy=to_json(RULES).decode(),
                    sealed_secret=hub.seal(SECRET, event_place(OFFICE)),
                    made_at=0.0,
                )
            )
        self.gates = [GateBox(hub, folder, name, OFFICE) for name in ("North", "South")]

    def comes(
        self, serial: int, gate: int = 0, way: Direction = Direction.ENTRY, verdict: Verdict = Verdict.ADMIT
    ) -> None:
        """Somebody comes, or goes, and the line is uploaded."""
        box = self.gates[gate]
        box.attempt += 1
        person = key(serial).hex()
        lookup = LookupFacts(ManifestState(OFFICE, 1, NIGHT, NIGHT + DAY), person)
        decision = Decision(verdict, Reason.OK_WITHOUT_FACE if verdict is Verdict.ADMIT else Reason.WATCHLISTED)
        body = DecisionBody(box.attempt, Facts(box.name, way, lookup=lookup), decision, self.clock.now)
        opens = Release(way, person_key=person) if verdict is Verdict.ADMIT else None
        self.sends(box, EntryKind.DECISION, body, opens)

    def sends(self, box: GateBox, kind: EntryKind, body: object, opens: Release | None) -> None:
        after = box.ledger.last_seq()
        box.ledger.append(kind, body, self.clock.now, opens=opens)
        with self.hub.begin() as connection:
            take(self.hub, connection, box.device, box.name, box.batch(after))

    def items(self) -> list[str]:
        """What gates are to hold."""
        with self.hub.begin() as connection:
            return list(connection.execute(select(watch_item.c.item).where(~watch_item.c.removed)).scalars())

    def often(self) -> list[frequent.Often]:
        with self.hub.begin() as connection:
            return frequent.who_comes_often(self.hub, connection, OFFICE)


@pytest.fixture
def office(hub: Hub, clock: Clock, tmp_path: Path) -> Office:
    return Office(hub, clock, tmp_path)


def test_the_fourth_time_within_a_week_over_all_entrances_raises_a_review(office: Office):
    for gate in (0, 1, 0):
        office.comes(1, gate)
        office.clock.now += DAY
        assert office.items() == []
    office.comes(1, 1)
    (often,) = office.often()
    assert (often.key, often.times, often.days, often.gates) == (key(1).hex(), 4, 4, ("North", "South"))


def test_what_the_gates_hold_is_a_review_in_the_events_own_domain_with_an_end(office: Office):
    for _ in range(4):
        office.comes(1)
    with office.hub.begin() as connection:
        row = connection.execute(select(watch_item)).one()
        secret = domain_secret(office.hub, connection, "event:office")
    assert secret == SECRET
    entry = open_entry(WatchChange(row.item, row.version, row.domain, row.sealed), secret)
    assert (entry.purpose, entry.action, entry.owner) == (WatchPurpose.FREQUENT, WatchAction.REVIEW, "Vehicle Office")
    assert entry.person_key == key(1).hex()
    assert 6 * DAY < entry.valid_to - office.clock.now <= 7 * DAY
    assert key(1).hex() not in row.item


def test_leaving_being_refused_and_somebody_else_are_not_counted(office: Office):
    for _ in range(3):
        office.comes(1)
        office.comes(1, way=Direction.EXIT)
        office.comes(1, verdict=Verdict.REFER)
        office.comes(2)
    assert office.items() == []


def test_nobody_is_looked_at_because_of_days_that_are_over(office: Office):
    for _ in range(3):
        office.comes(1)
    office.clock.now += 7 * DAY
    office.comes(1)
    assert office.items() == []


def test_an_item_ends_with_its_time_and_is_taken_back(office: Office):
    for _ in range(4):
        office.comes(1)
    assert len(office.items()) == 1
    office.clock.now += 8 * DAY
    frequent.clear(office.hub)
    assert office.items() == []
    with office.hub.begin() as connection:
        assert connection.execute(select(seen_table)).all() == []


def test_who_goes_on_coming_is_looked_at_for_longer_and_a_second_time_the_same_day_changes_nothing(office: Office):
    for _ in range(4):
        office.comes(1)
    versions = [_version(office)]
    office.comes(1)
    versions.append(_version(office))
    office.clock.now += 2 * DAY
    for _ in range(4):
        office.comes(1)
    versions.append(_version(office))
    assert versions[0] == versions[1] < versions[2]


def _version(office: Office) -> int:
    with office.hub.begin() as connection:
        return int(connection.execute(select(watch_item.c.version)).scalar_one())


def test_couriers_and_staff_come_as_often_as_the_work_asks(office: Office):
    def let(until: float, label: str = "courier") -> frequent.Exempt:
        with office.hub.begin() as connection:
            return frequent.exempt(office.hub, connection, "li", OFFICE, document(1), label, until)

    for _ in range(4):
        office.comes(1)
    assert len(office.items()) == 1
    exempt = let(office.clock.now + 30 * DAY)
    assert office.items() == []
    office.comes(1)
    assert office.items() == []
    with office.hub.begin() as connection:
        assert [one.label for one in frequent.exemptions(connection, OFFICE)] == ["courier"]
        frequent.end_exemption(office.hub, connection, "li", OFFICE, exempt.key)
    assert len(office.items()) == 1
    for until, label in ((office.clock.now, "courier"), (office.clock.now + DAY, " "), (NIGHT + 9e9, "courier")):
        with pytest.raises(Refused):
            let(until, label)


def test_an_exemption_ends_by_itself(office: Office):
    with office.hub.begin() as connection:
        frequent.exempt(office.hub, connection, "li", OFFICE, document(1), "courier", office.clock.now + DAY)
    office.clock.now += 2 * DAY
    for _ in range(4):
        office.comes(1)
    assert len(office.items()) == 1


def test_counts_are_made_again_from_the_lines(office: Office):
    for serial in (1, 2, 1, 1, 1):
        office.comes(serial, serial % 2)

    def rows() -> list[tuple[object, ...]]:
        with office.hub.begin() as connection:
            return sorted(tuple(row) for row in connection.execute(select(seen_table)))

    before = rows()
    assert len(before) == 2
    with office.hub.begin() as connection:
        rebuild(office.hub, connection, "li")
    assert rows() == before


def test_no_rule_no_count(office: Office):
    with office.hub.begin() as connection:
        none = to_json(replace(RULES, frequent_times=None)).decode()
        connection.execute(update(tables.event).where(tables.event.c.event == OFFICE).values(policy=none))
    for _ in range(9):
        office.comes(1)
    with office.hub.begin() as connection:
        assert connection.execute(select(seen_table)).all() == []
    assert office.often() == []


def test_an_erased_event_leaves_no_count_no_item_and_no_secret(office: Office):
    for _ in range(4):
        office.comes(1)
    with office.hub.begin() as connection:
        frequent.forget_event(office.hub, connection, OFFICE)
        assert domain_secret(office.hub, connection, "event:office") != SECRET
    assert office.items() == []


def test_emergencies_are_counted_by_their_reason(office: Office):
    for urgency in (Urgency.STRETCHER, Urgency.STRETCHER, Urgency.BIRTH):
        box = office.gates[0]
        box.attempt += 1
        office.sends(box, EntryKind.RED, RedBody(box.attempt, "s7", urgency), Release())
    with office.hub.begin() as connection:
        rows = connection.execute(select(tables.tally).where(tables.tally.c.word == "red"))
        counted = Counter({row.reason: row.number for row in rows})
    assert counted == {"stretcher": 2, "birth": 1}


days = st.dictionaries(st.integers(-12, 0), st.integers(1, 4), max_size=8)


@given(days, st.integers(1, 6), st.integers(1, 10))
def test_a_review_ends_on_the_first_day_on_which_the_rule_is_kept_again(ago: Mapping[int, int], most: int, window: int):
    """Told a second way: walk day by day and count."""
    today = date(2026, 5, 1)
    came = {today + timedelta(days=day): times for day, times in ago.items()}

    def within(day: date) -> int:
        return sum(came.get(day - timedelta(days=back), 0) for back in range(window))

    ends = frequent.ends_on(came, today, most, window)
    if within(today) <= most:
        assert ends is None
    else:
        assert ends is not None
        assert within(ends) <= most
        assert all(within(today + timedelta(days=n)) > most for n in range((ends - today).days))
        assert (ends - today).days <= window


@pytest.mark.parametrize("odd", [{"frequent_days": 0}, {"frequent_days": 1e9}, {"companions": 11}])
def test_no_rule_looks_back_over_years_or_on_nothing(odd: Mapping[str, float]):
    with pytest.raises(Refused):
        changed_policy(RULES, odd)

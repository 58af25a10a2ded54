"""A concert's manifest that breaks the rules of real-name performances is not published, and each rule is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.decision import Profile
from models.profiles import policy_of
from models.ticket import TicketStatus, Validity
from sync.manifest import Tables, build_manifest
from sync.publishing import RulesBroken, refuse_broken_rules

CONCERT = policy_of(Profile.CONCERT, "gala")
DAY = 86_400.0
DOORS = 100 * DAY


@pytest.fixture
def crowd(make_people):
    """That many tickets, with something changed in each of them."""

    def make(count: int, **change: object):
        validity = Validity(DOORS, DOORS + 1)
        return [replace(each, ticket=replace(each.ticket, validity=validity, **change)) for each in make_people(count)]

    return make


def violations(holdings, policy=CONCERT, issued_at: float = 50 * DAY) -> tuple[str, ...]:
    try:
        refuse_broken_rules(holdings, policy, issued_at)
    except RulesBroken as error:
        return error.violations
    return ()


def test_a_lawful_crowd_is_published(crowd):
    assert violations(crowd(20)) == ()


def test_one_identity_has_one_ticket_unless_the_other_was_revoked(crowd):
    one, two = crowd(2)
    two = replace(two, documents=one.documents)
    assert violations([one, two]) == (
        "one ticket per identity: tickets TICKET-0 and TICKET-1 have the same resident_id",
    )
    assert violations([one, two], replace(CONCERT, one_per_identity=False)) == ()
    assert violations([one, two], policy_of(Profile.HOSPITAL, "gala")) == ()
    revoked = replace(two, ticket=replace(two.ticket, status=TicketStatus.REVOKED))
    assert violations([one, revoked]) == ()


@pytest.mark.parametrize(
    ("category", "bound_at", "issued_at", "broken"),
    [
        ("work", DOORS - DAY, 0, False),
        ("work", DOORS - DAY + 1, 0, True),
        ("standard", DOORS, 0, False),
        ("sponsor", None, DOORS - DAY, False),
        ("sponsor", None, DOORS - DAY + 1, True),
    ],
)
def test_passes_are_bound_a_day_before(crowd, category, bound_at, issued_at, broken):
    told = violations(crowd(1, category=category, bound_at=bound_at), issued_at=issued_at)
    assert told == ((f"bound 24 hours before: ticket TICKET-0 ({category}) was not",) if broken else ())


def test_a_large_show_sells_most_of_its_tickets_to_the_public(crowd):
    people = crowd(5001)
    passes = crowd(5001, category="work", bound_at=0.0)
    assert violations(passes[:750] + people[750:]) == ()
    assert violations(passes[:751] + people[751:]) == ("85% on public sale: 4250 of 5001 tickets are",)
    assert violations(passes[:5000]) == ()  # not a large show


def test_nothing_is_built_of_what_breaks_the_rules_unless_they_do_not_apply(tmp_path, issuer, gate, number_of):
    times = "2025-05-01T18:00Z,2025-05-01T22:00Z"
    lines = [f"T{each},a,{number_of(0)},{times}" for each in (1, 2)]
    tables = Tables(tmp_path / "people.csv")
    tables.people.write_text("\n".join(["ticket,name,number,not_before,not_after", *lines]))
    out, issue = tmp_path / "x.bundle", issuer.issue({"A1": gate.key.public})
    with pytest.raises(RulesBroken, match="one ticket per identity"):
        build_manifest(tables, out, issue, progress=lambda done, total: pytest.fail("the rules come first"))
    assert not out.exists()
    assert build_manifest(tables, out, issue, rules=False).tickets == 2

"""The rules of publishing at the server: nothing that an error rule forbids reaches the gates."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from models.store.vault import lookup_key
from models.wire import to_builtins
from sync.findings import WHOLE_HOUSE, Finding, Rule, Severity, findings
from sync.holding import Holding
from sync.server import tables
from sync.server.hub import Hub
from sync.server.problems import Refused
from sync.server.tickets import find_tickets, policy_of_event, sealed_holdings, secret_of, unseal_holdings

SHOWN = 200
EACH_TICKET = tuple(rule for rule in Rule if rule not in WHOLE_HOUSE)


def findings_of(hub: Hub, event: str) -> list[Finding]:
    """All that is found in an event, errors first. A house of 80,000 takes seconds. Raises `Refused`: 404."""
    with hub.begin() as connection:
        policy, sealed = policy_of_event(connection, event), sealed_holdings(connection, event)
    found = findings(list(unseal_holdings(hub, event, sealed)), policy, hub.clock())
    return sorted(found, key=lambda finding: finding.severity)


def refuse_errors(found: Sequence[Finding]) -> None:
    """Raises `Refused`: 409 `rules_broken`, with the findings, where there is an error among them."""
    errors = [finding for finding in found if finding.severity is Severity.ERROR]
    if errors:
        shown = [to_builtins(finding) for finding in errors[:SHOWN]]
        detail = f"{len(errors)} rules are broken: {errors[0].words}"
        raise Refused(409, "rules_broken", detail, findings=shown, errors=len(errors))


def findings_of_change(hub: Hub, connection: Connection, event: str, changed: Sequence[Holding]) -> list[Finding]:
    """What is found in `changed` tickets, held against those that have a document or a guardian in common with them.

    The rules on the house as a whole are not asked: they are when it is published.
    """
    policy = policy_of_event(connection, event)
    names = {holding.ticket.ticket for holding in changed}
    others = find_tickets(hub, connection, event, sorted(_neighbours(hub, connection, event, changed) - names))
    found = findings([*others.values(), *changed], policy, hub.clock(), EACH_TICKET)
    return [finding for finding in found if names & set(finding.tickets)]


def _neighbours(hub: Hub, connection: Connection, event: str, changed: Sequence[Holding]) -> set[str]:
    secret, opens = secret_of(hub, connection, event), tables.ticket_document
    keys = [lookup_key(secret, document.kind, document.number) for one in changed for document in one.documents]
    found = {one.ticket.guardian for one in changed if one.ticket.guardian}
    for start in range(0, len(keys), 500):
        some = opens.c.lookup_key.in_(keys[start : start + 500])
        found |= set(connection.execute(select(opens.c.ticket).where(opens.c.event == event, some)).scalars())
    return found

"""The life of an entry: two people of different roles approve it, its time comes, it rests, it ends.

proposed -> approved -> active -> expired        by two approvals, and by the time
    |          |          |
    `----------+----------+-> contested, suspended -> proposed again, by another version
                                                   `-> withdrawn, for good
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, and_, exists, insert, or_, select, update

from models.watch import WatchPurpose, WatchState
from sync.server.hub import Hub
from sync.server.permissions import Person
from sync.server.problems import Refused
from sync.server.watch_entries import find_entry, refuse_over, renew
from sync.server.watch_history import LONGEST_WHY, SERVER, WatchAct, note, note_all
from sync.server.watch_items import SOON_S, project, project_all, state_of
from sync.server.watch_tables import watch_approval, watch_entry, watch_evidence, watch_item

APPROVALS = 2
PERIOD_S = 10.0
_MANY = 500

_RESTS = {
    WatchState.CONTESTED: (WatchAct.CONTESTED, (WatchState.PROPOSED, WatchState.APPROVED, WatchState.SUSPENDED)),
    WatchState.SUSPENDED: (WatchAct.SUSPENDED, (WatchState.PROPOSED, WatchState.APPROVED, WatchState.CONTESTED)),
}


@dataclass(frozen=True, slots=True)
class Approved:
    """What came of an approval: how many got it, how many are now approved by both, why the others did not get it."""

    approved: int = 0
    complete: int = 0
    left: dict[str, int] = field(default_factory=dict)


def approve(hub: Hub, connection: Connection, person: Person, entry: str, version: int) -> WatchState:
    """Approve one version of an entry; where it stands afterwards.

    Raises `Refused`: 404; 403 `watch_own_proposal`, `watch_same_role`; 409 `watch_changed`, `watch_not_proposed`,
    `watch_approved_already`, `watch_no_evidence`, `watch_not_ours`.
    """
    row = find_entry(connection, person, entry, lock=True)
    if row.version != version:
        raise Refused(409, "watch_changed", "the entry was changed since you looked at it: look again")
    obstacle = obstacles(hub, connection, person, [row])[entry]
    if obstacle is not None:
        raise obstacle
    _give(hub, connection, person, [row])
    return state_of(find_entry(connection, person, entry), hub.clock())


def approve_all(hub: Hub, connection: Connection, person: Person, entries: Collection[str]) -> Approved:
    """Approve whatever of `entries` this person can approve."""
    asked = select(watch_entry).where(person.scope(watch_entry.c.organisation)).order_by(watch_entry.c.entry)
    names, rows = sorted(entries), list[Row[Any]]()
    for first in range(0, len(names), _MANY):
        some = asked.where(watch_entry.c.entry.in_(names[first : first + _MANY]))
        rows += connection.execute(some.with_for_update()).all()
    found = obstacles(hub, connection, person, rows)
    free = [row for row in rows if found[row.entry] is None]
    left = Counter(refused.code for refused in found.values() if refused is not None)
    return Approved(len(free), _give(hub, connection, person, free), dict(left))


def obstacles(hub: Hub, connection: Connection, person: Person, rows: Sequence[Row[Any]]) -> dict[str, Refused | None]:
    """By entry, why this person can't approve it as it is; `None`: can."""
    given, proved, now = _approvals(connection, rows), _proved(connection, rows), hub.clock()
    return {row.entry: _obstacle(row, person, given.get(row.entry, []), row.entry in proved, now) for row in rows}


def _obstacle(row: Row[Any], person: Person, given: list[tuple[str, str]], proved: bool, now: float) -> Refused | None:
    """`given` are the approvals of this version: account and role."""
    if row.partner is not None:
        return Refused(409, "watch_not_ours", "another site entrusted this entry to us: it is approved there")
    if state_of(row, now) is not WatchState.PROPOSED:
        return Refused(409, "watch_not_proposed", "this entry doesn't wait for approvals")
    if row.proposed_by == person.account:
        return Refused(403, "watch_own_proposal", "you proposed it yourself: two others approve it")
    if any(account == person.account for account, _ in given):
        return Refused(409, "watch_approved_already", "you approved it already: somebody of another role is needed")
    if any(role == person.role for _, role in given):
        return Refused(403, "watch_same_role", "somebody of your role approved it: another role is needed")
    if not proved:
        return Refused(409, "watch_no_evidence", "there is no evidence yet: attach it first")
    return None


def _give(hub: Hub, connection: Connection, person: Person, rows: Sequence[Row[Any]]) -> int:
    """Give this person's approval to all of them; how many have both now."""
    if not rows:
        return 0
    now, before = hub.clock(), _approvals(connection, rows)
    mine = {"account": person.account, "role": person.role.value, "at": now}
    values = [{"entry": row.entry, "version": row.version} | mine for row in rows]
    connection.execute(insert(watch_approval), values)
    complete = [row for row in rows if len(before.get(row.entry, [])) + 1 >= APPROVALS]
    begun = [row.entry for row in complete if row.valid_from <= now]
    for state, names in (
        (WatchState.ACTIVE, begun),
        (WatchState.APPROVED, sorted({row.entry for row in complete} - set(begun))),
    ):
        for first in range(0, len(names), _MANY):
            some = watch_entry.c.entry.in_(names[first : first + _MANY])
            told = {"state": WatchState.APPROVED, "told": state, "changed_at": now}
            connection.execute(update(watch_entry).where(some).values(**told))
    _note_approvals(hub, connection, person.account, rows, {row.entry for row in complete}, set(begun))
    project_all(hub, connection, [row.entry for row in complete])
    return len(complete)


def _note_approvals(
    hub: Hub, connection: Connection, actor: str, rows: Sequence[Row[Any]], complete: set[str], begun: set[str]
) -> None:
    groups: dict[WatchState, list[tuple[str, int]]] = {}
    for row in rows:
        state = WatchState.ACTIVE if row.entry in begun else WatchState.APPROVED
        groups.setdefault(state if row.entry in complete else WatchState.PROPOSED, []).append((row.entry, row.version))
    for state, entries in groups.items():
        note_all(hub, connection, actor, entries, WatchAct.APPROVED, state)


def rest(hub: Hub, connection: Connection, person: Person, entry: str, state: WatchState, why: str) -> None:
    """Let an entry rest, contested or suspended: gates drop it within seconds.

    Raises `Refused`: 404; 409 `watch_not_to_rest`; 422 `no_reason`.
    """
    act, possible = _RESTS[state]
    row, why = find_entry(connection, person, entry, lock=True), _reason(why)
    if row.state not in possible or state_of(row, hub.clock()) is WatchState.EXPIRED:
        raise Refused(409, "watch_not_to_rest", "this entry can't be put to rest: it is over, or rests already")
    _set_state(hub, connection, person.account, row, act, state, why)


def resume(hub: Hub, connection: Connection, person: Person, entry: str, why: str) -> int:
    """Take up an entry that rests: it needs both approvals anew. The new version.

    Raises `Refused`: 404; 409 `watch_not_resting`, `watch_not_ours`, `watch_over`; 422 `no_reason`.
    """
    row, why = find_entry(connection, person, entry, lock=True), _reason(why)
    refuse_over(row, hub.clock())
    if row.state not in _RESTS:
        raise Refused(409, "watch_not_resting", "this entry is neither contested nor suspended")
    return renew(hub, connection, person.account, row, WatchAct.RESUMED, why, {})


def withdraw(hub: Hub, connection: Connection, person: Person, entry: str, why: str) -> None:
    """End an entry for good. Raises `Refused`: 404; 409 `watch_over`; 422 `no_reason`."""
    row, why = find_entry(connection, person, entry, lock=True), _reason(why)
    if row.state == WatchState.WITHDRAWN:
        raise Refused(409, "watch_over", "this entry was withdrawn already")
    _set_state(hub, connection, person.account, row, WatchAct.WITHDRAWN, WatchState.WITHDRAWN, why)


def tell_time(hub: Hub) -> int:
    """Note what the time alone changed: who began, who ended, whom gates are to hold soon; how many entries."""
    row, item, now = watch_entry.c, watch_item.c, hub.clock()
    open_states = row.state.not_in([WatchState.WITHDRAWN])
    approved = and_(row.state == WatchState.APPROVED, row.valid_to > now)
    there = exists().where(item.item == row.entry, ~item.removed)
    began = and_(approved, row.valid_from <= now, row.told != WatchState.ACTIVE)
    ended = and_(open_states, row.valid_to <= now, row.told != WatchState.EXPIRED)
    soon = and_(approved, row.valid_from <= now + SOON_S, row.erased_at.is_(None), ~there)
    with hub.begin() as connection:
        due = select(watch_entry).where(or_(began, ended, soon)).order_by(row.entry).with_for_update()
        rows = connection.execute(due).all()
        for act, state in ((WatchAct.BEGAN, WatchState.ACTIVE), (WatchAct.ENDED, WatchState.EXPIRED)):
            turned = [one for one in rows if state_of(one, now) is state and one.told != state]
            note_all(hub, connection, SERVER, [(one.entry, one.version) for one in turned], act, state)
            for one in turned:
                connection.execute(update(watch_entry).where(row.entry == one.entry).values(told=state))
        project_all(hub, connection, [one.entry for one in rows])
    return len(rows)


def _set_state(
    hub: Hub, connection: Connection, actor: str, row: Row[Any], act: WatchAct, state: WatchState, why: str
) -> None:
    values = {"state": state, "told": state, "changed_at": hub.clock()}
    connection.execute(update(watch_entry).where(watch_entry.c.entry == row.entry).values(**values))
    note(hub, connection, actor, row.entry, row.version, act, state, why)
    project(hub, connection, row.entry)


def _reason(why: str) -> str:
    why = " ".join(why.split())
    if not 3 <= len(why) <= LONGEST_WHY:
        raise Refused(422, "no_reason", f"say in 3 to {LONGEST_WHY} characters why")
    return why


def _approvals(connection: Connection, rows: Sequence[Row[Any]]) -> dict[str, list[tuple[str, str]]]:
    """Who approved the present version of each, in which role."""
    found: dict[str, list[tuple[str, str]]] = {}
    versions = {row.entry: row.version for row in rows}
    given = watch_approval.c
    for some in _parts(versions):
        for one in connection.execute(select(watch_approval).where(given.entry.in_(some))):
            if versions[one.entry] == one.version:
                found.setdefault(one.entry, []).append((one.account, one.role))
    return found


def _proved(connection: Connection, rows: Sequence[Row[Any]]) -> set[str]:
    """Those that have evidence, or need none: what the server itself counted."""
    proved = {row.entry for row in rows if row.purpose == WatchPurpose.FREQUENT}
    there = watch_evidence.c
    for some in _parts(row.entry for row in rows):
        proved |= set(connection.execute(select(there.entry).where(there.entry.in_(some)).distinct()).scalars())
    return proved


def _parts(names: Any) -> list[list[str]]:
    whole = list(names)
    return [whole[first : first + _MANY] for first in range(0, len(whole), _MANY)]

"""Entries on a list of persons as somebody makes and changes them: proposed, amended, with a photograph's template.

Each change of what a gate would do makes another version, which nobody has approved yet: until two people have, gates
do nothing. Numbers lie sealed beside a keyed hash by which the same person is found twice; of a photograph nothing but
the template is kept.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from models.face import FaceReference
from models.ids import DocumentType, normalise_number
from models.watch import WatchState
from models.watch_domain import person_key
from sync.holding import Document
from sync.server.enroller import NoEngine, enrolling
from sync.server.hub import Hub, new_identifier
from sync.server.permissions import Person
from sync.server.problems import Refused
from sync.server.watch_history import WatchAct, note, note_all
from sync.server.watch_items import own_domain, person_place, project, state_of, template_place
from sync.server.watch_rules import Fault, Proposal, faults_of
from sync.server.watch_tables import watch_entry

PHOTOGRAPH_LIMIT = 16 << 20


def propose(hub: Hub, connection: Connection, actor: str, organisation: str | None, proposal: Proposal) -> str:
    """Put somebody up for the list; the entry. It does nothing before two others approved it.

    Raises `Refused`: 422 `watch_unlawful`, with what is missing.
    """
    refuse_faults(faults_of(proposal, hub.clock()))
    return propose_all(hub, connection, actor, organisation, [proposal])[0]


def propose_all(
    hub: Hub,
    connection: Connection,
    actor: str,
    organisation: str | None,
    proposals: Sequence[Proposal],
    batch: str | None = None,
) -> list[str]:
    """As `propose`, for many that were checked already; the entries in the same order."""
    if not proposals:
        return []
    now, (_, secret) = hub.clock(), own_domain(hub, connection)
    entries = [new_identifier("watch") for _ in proposals]
    rows: list[dict[str, Any]] = [
        {"entry": entry, "organisation": organisation, "state": WatchState.PROPOSED, "told": WatchState.PROPOSED}
        | {"proposed_by": actor, "made_at": now, "changed_at": now, "batch": batch}
        | _columns(hub, entry, proposal, secret, now)
        for entry, proposal in zip(entries, proposals, strict=True)
    ]
    connection.execute(insert(watch_entry), rows)
    note_all(hub, connection, actor, [(entry, 1) for entry in entries], WatchAct.PROPOSED, WatchState.PROPOSED)
    return entries


def amend(hub: Hub, connection: Connection, person: Person, entry: str, why: str, **changes: Any) -> int:
    """Change fields of `Proposal` in an entry; its new version, which nobody has approved yet.

    Raises `Refused`: 404; 409 `watch_over`, `watch_not_ours`; 422 `watch_unlawful`, `no_reason`.
    """
    row = find_entry(connection, person, entry, lock=True)
    refuse_over(row, hub.clock())
    proposal = replace(proposal_of(hub, row), **changes)
    refuse_faults(faults_of(proposal, hub.clock()))
    _, secret = own_domain(hub, connection)
    columns = _columns(hub, entry, proposal, secret, hub.clock())
    return renew(hub, connection, person.account, row, WatchAct.AMENDED, why, columns)


def check_face(hub: Hub, proposal: Proposal) -> None:
    """Before a photograph is even opened. Raises `Refused`: 422 `watch_unlawful`, where it could not be used."""
    refuse_faults(faults_of(replace(proposal, template=b"a face"), hub.clock()))


def enrol_photograph(hub: Hub, picture: bytes) -> FaceReference:
    """The template of a photograph, which is gone when this returns; outside of any transaction: it takes seconds.

    Raises `Refused`: 409 `no_engine`; 413; 422 `bad_photograph`.
    """
    if len(picture) > PHOTOGRAPH_LIMIT:
        raise Refused(413, "too_large", f"a photograph has at most {PHOTOGRAPH_LIMIT >> 20} MB")
    if not hub.settings.face:
        raise Refused(409, "no_engine", "no face engine is configured at this server: list without a photograph")
    try:
        with tempfile.NamedTemporaryFile(dir=hub.settings.state_dir) as file, enrolling(hub.settings.face) as enrol:
            file.write(picture)
            file.flush()
            answer = enrol(Path(file.name))
    except NoEngine:
        raise Refused(409, "no_engine", "the server's face engine can't be opened; its log says more") from None
    if isinstance(answer, str):
        raise Refused(422, "bad_photograph", answer)
    return answer


def renew(
    hub: Hub, connection: Connection, actor: str, row: Row[Any], act: WatchAct, why: str, columns: dict[str, Any]
) -> int:
    """Make another version of the entry of `row`, proposed by `actor`; gates let go of the old one."""
    version = int(row.version) + 1
    values = {"version": version, "state": WatchState.PROPOSED, "told": WatchState.PROPOSED, "proposed_by": actor}
    values |= {"changed_at": hub.clock()} | columns
    connection.execute(update(watch_entry).where(watch_entry.c.entry == row.entry).values(**values))
    note(hub, connection, actor, row.entry, version, act, WatchState.PROPOSED, why)
    project(hub, connection, row.entry)
    return version


def find_entry(connection: Connection, person: Person | None, entry: str, *, lock: bool = False) -> Row[Any]:
    """The entry's row. Raises `Refused`: 404 where it isn't, or isn't this person's to see."""
    asked = select(watch_entry).where(watch_entry.c.entry == entry)
    row = connection.execute(asked.with_for_update() if lock else asked).first()
    if row is None or not (person is None or person.sees(row.organisation)):
        raise Refused(404, "no_such_watch_entry", "there is no such entry, or it is not yours to see")
    return row


def proposal_of(hub: Hub, row: Row[Any]) -> Proposal:
    """What the entry of `row` asks for, opened."""
    template = b"" if row.sealed_template is None else hub.unseal(row.sealed_template, template_place(row.entry))
    return Proposal(
        row.owner,
        row.purpose,
        row.action,
        row.appeal,
        row.legal_basis,
        document_of(hub, row),
        row.valid_from,
        row.valid_to,
        tuple(json.loads(row.sites)),
        tuple(json.loads(row.entrances)),
        template,
        row.model_version,
    )


def document_of(hub: Hub, row: Row[Any]) -> Document | None:
    """The document by which the entry of `row` knows its person; none where it is known by face alone, or erased."""
    if row.sealed_person is None:
        return None
    kind, number = json.loads(hub.unseal(row.sealed_person, person_place(row.entry)))
    return Document(DocumentType(kind), number)


def refuse_over(row: Row[Any], now: float) -> None:
    """Raises `Refused`: 409 for an entry that is at its end, or that another site answers for."""
    if row.partner is not None:
        raise Refused(409, "watch_not_ours", "another site entrusted this entry to us: only its owner changes it")
    if state_of(row, now) is WatchState.WITHDRAWN or row.erased_at is not None:
        raise Refused(409, "watch_over", "this entry was withdrawn: propose a new one")


def refuse_faults(faults: list[Fault]) -> None:
    """Raises `Refused`: 422 with every fault."""
    if faults:
        said = ", ".join(faults)
        raise Refused(422, "watch_unlawful", f"nobody can be listed like this: {said}", faults=[*faults])


def _columns(hub: Hub, entry: str, proposal: Proposal, secret: bytes, now: float) -> dict[str, Any]:
    """What a proposal is in the table."""
    begins, ends = proposal.term(now)
    columns: dict[str, Any] = {"owner": proposal.owner.strip(), "purpose": proposal.purpose, "action": proposal.action}
    columns |= {"legal_basis": proposal.legal_basis.strip(), "appeal": proposal.appeal.strip()}
    columns |= {"sites": json.dumps(proposal.sites), "entrances": json.dumps(proposal.entrances)}
    columns |= {"valid_from": begins, "valid_to": ends, "model_version": proposal.model_version}
    columns |= {"sealed_person": None, "person_key": None, "sealed_template": None}
    if proposal.document is not None:
        kind, number = proposal.document.kind, normalise_number(proposal.document.number)
        columns["sealed_person"] = hub.seal(json.dumps([kind, number]).encode(), person_place(entry))
        columns["person_key"] = bytes.fromhex(person_key(secret, kind, number))
    if proposal.template:
        columns["sealed_template"] = hub.seal(proposal.template, template_place(entry))
    return columns

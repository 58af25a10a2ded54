"""Building a signed bundle: seal every row, write the parts, sign the header that declares them."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models.decision import Policy
from models.store.ticket_bytes import ticket_to_bytes
from models.store.vault import SECRET_BYTES, lookup_key, row_number, seal_row, wrap_for
from models.ticket import ManifestState
from models.wire import from_json, to_builtins, to_json
from sync import bundle_format as layout
from sync.bundle import wrapping_place
from sync.bundle_format import Header, Part
from sync.bundle_sealed import seal_cohort, seal_watch
from sync.cohort import cohort_of
from sync.holding import Holding, Listed
from sync.one_model import mixed_models

Progress = Callable[[int, int], None]
"""Called with how many are done, and of how many."""

_EVERY = 1000


class CannotBuild(ValueError):
    """What was asked for would be no good bundle. Nothing was written."""


class MissingBasis(CannotBuild):
    """A face without a consent's identifier or a legal basis may not travel."""


class MixedModels(CannotBuild):
    """Faces of two models in one manifest: a gate could compare only some of them."""


@dataclass(frozen=True, slots=True)
class Issue:
    """Who issues what, when, for whom. Unix seconds.

    `gates` maps gates to their X25519 public keys (32 bytes): by device where a site has given them one, else by name.
    """

    issuer: str
    policy: Policy
    version: int
    issued_at: float
    expires_at: float
    gates: Mapping[str, bytes]
    event_secret: bytes = field(repr=False)
    signing_key: Ed25519PrivateKey = field(repr=False)
    shrinks: bool = False

    @property
    def event(self) -> str:
        """The event, which its policy names."""
        return self.policy.event


def build(
    out: Path,
    holdings: Sequence[Holding],
    issue: Issue,
    *,
    listed: Sequence[Listed] = (),
    progress: Progress | None = None,
) -> Header:
    """Write the bundle to `out`, whole or not at all. Raises `CannotBuild`.

    Where the policy wants a cohort and enough persons enrolled a face, it is made here and goes along.
    """
    _check_issue(issue)
    if mixed := mixed_models(holdings, listed):
        raise MixedModels(mixed)
    rows = _in_row_order(holdings, issue)
    models = [bands.model_version for bands in issue.policy.bands] if issue.policy.face_cohort else []
    cohort = cohort_of((holding for _, holding in rows), models)
    with ExitStack() as stack:
        tickets, openings, watch, *rest = writers = _writers(layout.PARTS["base"][cohort is not None], out, stack)
        _write_people(rows, issue, tickets, openings, progress)
        _write_watch(listed, issue, watch)
        if cohort is not None:
            rest[0].add(seal_cohort(cohort, issue.event, issue.event_secret))
        header = _header(issue, "base", tuple(writer.part() for writer in writers), len(rows))
        _write_out(out, header, issue.signing_key, [writer.file for writer in writers])
    return header


def reissue(out: Path, base: Path, issue: Issue) -> Header:
    """Write the content of the whole manifest `base`, which the same issuer made, under another version and for other
    gates; nothing is sealed anew. Raises `BundleRefused`, `CannotBuild`.
    """
    _check_issue(issue)
    with base.open("rb") as file:
        raw, signature = layout.read_frame(file)
        _check_own(raw, signature, issue.signing_key)
        old = from_json(Header, raw)
        if old.kind != "base" or old.event != issue.event:
            raise CannotBuild("only a whole manifest of the same event can be issued again")
        header = _header(issue, "base", old.parts, old.tickets)
        _write_out(out, header, issue.signing_key, [file], at=layout.frame_size(raw))
    return header


def build_delta(
    out: Path, changed: Sequence[Holding], removed: Sequence[str], issue: Issue, *, before: ManifestState, tickets: int
) -> Header:
    """Write the bundle that makes `before` the next version: whole or not at all. Raises `CannotBuild`.

    `changed` are the tickets that are new or have changed, revoked ones among them; `removed` are tickets' names.
    `tickets` counts those there are in the end. The gates of `issue` don't matter: who holds `before` has the secret.
    """
    issue = replace(issue, gates={})
    _check_issue(issue, delta=True)
    if (before.event, True) != (issue.event, before.version < issue.version):
        raise CannotBuild("a delta goes on top of an older version of the same event")
    rows = _in_row_order(changed, issue)
    gone = sorted({row_number(issue.event_secret, ticket) for ticket in removed})
    if set(gone) & {row for row, _ in rows}:
        raise CannotBuild("a ticket can't be changed and removed at once")
    with ExitStack() as stack:
        removal, sealed, openings = writers = _writers(layout.PARTS["delta"][0], out, stack)
        for row in gone:
            removal.add(layout.removed_record(row))
        _write_people(rows, issue, sealed, openings, None)
        header = _header(issue, "delta", tuple(writer.part() for writer in writers), tickets, before)
        _write_out(out, header, issue.signing_key, [writer.file for writer in writers])
    return header


def _writers(names: tuple[str, ...], out: Path, stack: ExitStack) -> list[_PartWriter]:
    """One for each part, with files that nobody else sees."""
    return [_PartWriter(name, stack.enter_context(tempfile.TemporaryFile(dir=out.parent))) for name in names]


class _PartWriter:
    def __init__(self, name: str, file: BinaryIO) -> None:
        self._name, self.file = name, file
        self._digest, self._size, self._count = hashlib.sha256(), 0, 0

    def add(self, record: bytes) -> None:
        self.file.write(record)
        self._digest.update(record)
        self._size += len(record)
        self._count += 1

    def part(self) -> Part:
        return Part(self._name, self._size, self._count, self._digest.hexdigest())


def _check_own(raw: bytes, signature: bytes, key: Ed25519PrivateKey) -> None:
    try:
        key.public_key().verify(signature, layout.SIGNED + raw)
    except InvalidSignature:
        raise CannotBuild("the bundle to issue again was not signed by this key") from None


def _check_issue(issue: Issue, *, delta: bool = False) -> None:
    if not issue.event or not issue.issuer:
        raise CannotBuild("a bundle needs an event (in its policy) and an issuer")
    if not 1 <= issue.version < 2**63:
        raise CannotBuild("a bundle's version is a whole number from 1")
    if not issue.issued_at < issue.expires_at:
        raise CannotBuild("a bundle must expire after it was issued")
    if not issue.gates and not delta:
        raise CannotBuild("a bundle needs at least one gate with its public key, or nobody could open it")
    if len(issue.event_secret) != SECRET_BYTES:
        raise CannotBuild(f"an event secret has {SECRET_BYTES} bytes")
    for gate, public in issue.gates.items():
        if len(public) != 32:
            raise CannotBuild(f"the public key of gate {gate} must have 32 bytes, it has {len(public)}")


def _in_row_order(holdings: Sequence[Holding], issue: Issue) -> list[tuple[int, Holding]]:
    """By row, which is by a keyed hash: the order of the source can't be seen in the bundle."""
    rows: dict[int, Holding] = {}
    for holding in holdings:
        _check_holding(holding, issue)
        row = row_number(issue.event_secret, holding.ticket.ticket)
        if row in rows:
            raise CannotBuild(f"ticket {holding.ticket.ticket} is there twice")
        rows[row] = holding
    return sorted(rows.items(), key=lambda item: item[0])


def _check_holding(holding: Holding, issue: Issue) -> None:
    ticket = holding.ticket
    if ticket.entitlement.event != issue.event:
        raise CannotBuild(f"ticket {ticket.ticket} is for another event than the policy")
    if not holding.documents:
        raise CannotBuild(f"ticket {ticket.ticket} has no document that opens it")
    if ticket.reference is not None and not ticket.reference.legal_basis:
        raise MissingBasis(
            f"ticket {ticket.ticket} has a face without a consent_id or legal_basis: name one, or drop it"
        )


def _write_people(
    rows: list[tuple[int, Holding]],
    issue: Issue,
    tickets: _PartWriter,
    openings: _PartWriter,
    progress: Progress | None,
) -> None:
    found: list[tuple[bytes, int, bytes]] = []
    for done, (row, holding) in enumerate(rows, start=1):
        documents = tuple((document.kind, document.number) for document in holding.documents)
        sealed = seal_row(
            issue.event, issue.event_secret, holding.ticket.ticket, ticket_to_bytes(holding.ticket), documents
        )
        tickets.add(layout.ticket_record(row, sealed.sealed))
        found += ((key, row, wrapped) for key, wrapped in dict(sealed.openings).items())
        if progress and (done % _EVERY == 0 or done == len(rows)):
            progress(done, len(rows))
    for opening in sorted(found):
        openings.add(layout.opening_record(*opening))


def _write_watch(listed: Sequence[Listed], issue: Issue, watch: _PartWriter) -> None:
    for item in listed:
        entry = item.entry
        if entry.template and not entry.legal_basis:
            raise MissingBasis(f"watch entry {entry.entry} has a face without a legal_basis: name one, or drop it")
        if item.document is not None:
            person = lookup_key(issue.event_secret, item.document.kind, item.document.number)
            entry = replace(entry, person_key=person.hex())
        watch.add(seal_watch(entry, issue.event, issue.event_secret))


def _header(
    issue: Issue, kind: str, parts: tuple[Part, ...], tickets: int, before: ManifestState | None = None
) -> Header:
    return Header(
        format=layout.FORMAT,
        kind=kind,  # type: ignore[arg-type]
        event=issue.event,
        issuer=issue.issuer,
        version=issue.version,
        issued_at=issue.issued_at,
        expires_at=issue.expires_at,
        recipients={
            gate: wrap_for(public, issue.event_secret, wrapping_place(issue.event, issue.version, gate))
            for gate, public in issue.gates.items()
        },
        policy=to_builtins(issue.policy),
        parts=parts,
        digest=layout.digest_of(parts, before.digest if before else ""),
        tickets=tickets,
        after=before.version if before else 0,
        before=before.digest if before else "",
        shrinks=issue.shrinks,
    )


def _write_out(
    out: Path, header: Header, signing_key: Ed25519PrivateKey, files: Sequence[BinaryIO], at: int = 0
) -> None:
    raw = to_json(header)
    fresh = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        with fresh.open("wb") as file:
            file.write(layout.frame(raw, signing_key.sign(layout.SIGNED + raw)))
            for part in files:
                part.seek(at)
                shutil.copyfileobj(part, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(out)
    finally:
        fresh.unlink(missing_ok=True)

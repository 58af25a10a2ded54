"""Signed bundles: `build` at the issuer; `verify`, then `apply`, at the gate.

Nothing of a bundle is written before all of it has been verified, and `apply` looks once more at what it writes.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from models.decision import Policy
from models.face import FaceBands
from models.store.manifest_db import ManifestWriter
from models.store.manifest_rows import ManifestChange, ManifestContents
from models.store.vault import DeviceKey, SealBroken
from models.ticket import ManifestState
from models.wire import WireError, from_builtins, from_json
from sync import bundle_format as layout
from sync.bundle_format import Header
from sync.bundle_sealed import cohorts, watch_entries
from sync.refusals import (
    BadSignature,
    ClockBehind,
    CutShort,
    EndlessData,
    Expired,
    Malformed,
    NewerFormat,
    NotABundle,
    NotNext,
    OtherEvent,
    OtherGate,
    RolledBack,
    SuddenlyEmpty,
    UnknownIssuer,
)

CLOCK_TOLERANCE_S = 600.0


@dataclass(frozen=True, slots=True)
class Trust:
    """What a gate goes by. `issuers` maps names to raw Ed25519 keys (32 bytes).

    `event` is the event this gate serves; empty: that of the installed manifest, or any if there is none. `floor` is
    its highest version that was ever installed here. `device` is what the site calls this gate, if it is enrolled.
    """

    gate: str
    device_key: DeviceKey = field(repr=False)
    issuers: Mapping[str, bytes]
    event: str = ""
    floor: int = 0
    device: str = ""

    def among(self, recipients: Mapping[str, bytes]) -> str:
        """How a bundle with these `recipients` addresses this gate."""
        return self.device if self.device in recipients else self.gate


@dataclass(frozen=True, slots=True)
class VerifiedBundle:
    """A bundle that may be applied. `path` is read again for that, and compared again.

    A delta brings no `event_secret`: whoever holds what it changes has that already.
    """

    path: Path
    header: Header = field(repr=False)
    parts_at: int
    state: ManifestState
    policy: Policy
    event_secret: bytes = field(repr=False)


def wrapping_place(event: str, version: int, recipient: str) -> bytes:
    """To what a wrapped event secret is bound."""
    return b"event secret\0" + version.to_bytes(8, "big") + event.encode() + b"\0" + recipient.encode()


def look(path: Path, issuers: Mapping[str, bytes]) -> Header:
    """The header of a bundle whose signature is good; the parts aren't read. Raises `BundleRefused`."""
    with _opened(path) as file:
        return _signed_header(file, issuers)[0]


def look_through(path: Path, issuers: Mapping[str, bytes]) -> tuple[Header, Policy]:
    """For whoever passes a bundle on without being able to open it: signature, parts and policy are good.

    Raises `BundleRefused`.
    """
    with _opened(path) as file:
        header, parts_at = _signed_header(file, issuers)
        _check_size(file, header, parts_at)
        for part in header.parts:
            layout.check_part(file, part)
    return header, _policy(header)


def verify(path: Path, trust: Trust, installed: ManifestState | None, now: float) -> VerifiedBundle:
    """All that can be known before anything is written. Raises `BundleRefused`, or `OSError` without the file."""
    with _opened(path) as file:
        header, parts_at = _signed_header(file, trust.issuers)
        policy = _policy(header)
        _refuse_other_place(header, trust, installed)
        _refuse_other_time(header, trust, installed, now)
        _check_size(file, header, parts_at)
        for part in header.parts:
            layout.check_part(file, part)
        secret = _unwrap(header, trust) if header.kind == "base" else b""
        file.seek(parts_at)
        _walk(file, header, policy, secret)
    return VerifiedBundle(path, header, parts_at, _state(header), policy, secret)


def apply(bundle: VerifiedBundle, writer: ManifestWriter, now: float) -> None:
    """Make `bundle` the manifest in force, in one transaction. Raises `BundleRefused` when its file has changed."""
    header = bundle.header
    with _opened(bundle.path) as file:
        file.seek(bundle.parts_at)
        if header.kind == "delta":
            writer.change(_change(bundle, file), now)
            return
        tickets, openings, watch, *rest = header.parts
        contents = ManifestContents(
            bundle.state,
            header.issuer,
            bundle.policy,
            bundle.event_secret,
            layout.ticket_records(file, tickets),
            layout.opening_records(file, openings),
            watch_entries(file, watch, bundle.state.event, bundle.event_secret),
            (each for part in rest for each in cohorts(file, part, bundle.policy, bundle.event_secret)),
        )
        writer.apply(contents, now)


def _change(bundle: VerifiedBundle, file: BinaryIO) -> ManifestChange:
    removed, tickets, openings = bundle.header.parts
    return ManifestChange(
        bundle.state,
        bundle.header.issuer,
        bundle.policy,
        bundle.header.after,
        bundle.header.before,
        layout.removed_records(file, removed),
        layout.ticket_records(file, tickets),
        layout.opening_records(file, openings),
    )


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    # Not blocking: a named pipe in the bundle's place must not hold us.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotABundle("this is not a plain file: name the file that the issuer made")
    with os.fdopen(descriptor, "rb") as file:
        yield file


def _signed_header(file: BinaryIO, issuers: Mapping[str, bytes]) -> tuple[Header, int]:
    raw, signature = layout.read_frame(file)
    try:
        claimed = msgspec.json.decode(raw, type=layout.Claimed)
    except (ValueError, RecursionError):
        raise NotABundle("the bundle's header can't be read: fetch it again from its issuer") from None
    if claimed.format > layout.FORMAT:
        raise NewerFormat(
            f"the bundle has format {claimed.format}, we read {layout.FORMAT}: update this gate's program"
        )
    if claimed.issuer not in issuers:
        raise UnknownIssuer("the bundle's issuer is not among those this gate trusts: add its key, or fetch another")
    try:
        Ed25519PublicKey.from_public_bytes(issuers[claimed.issuer]).verify(signature, layout.SIGNED + raw)
    except InvalidSignature:
        raise BadSignature(
            "the bundle is not what its issuer signed: fetch it again, and ask if it happens twice"
        ) from None
    return _header(raw), layout.frame_size(raw)


def _header(raw: bytes) -> Header:
    try:
        header = from_json(Header, raw)
    except WireError as error:
        raise Malformed(f"the bundle's header is signed and can't be used ({error}): ask the issuer") from None
    names = tuple(part.name for part in header.parts)
    if names not in layout.PARTS[header.kind] or layout.digest_of(header.parts, header.before) != header.digest:
        raise Malformed("the bundle's list of parts contradicts itself: ask the issuer to build it again")
    if header.kind == "base" and (header.after or header.before or header.tickets != header.count("tickets")):
        raise Malformed("the bundle says of itself what a whole manifest can't be: ask the issuer to build it again")
    if any(not 0 <= part.count <= part.size <= layout.PART_LIMIT for part in header.parts):
        raise EndlessData("the bundle declares a part larger than any we take: ask the issuer")
    return header


def _policy(header: Header) -> Policy:
    bands: list[Any] = header.policy.get("bands", [])
    unknown = set(header.policy) - _names(Policy)
    unknown |= {name for band in bands if isinstance(band, dict) for name in set(band) - _names(FaceBands)}
    if unknown:  # a rule that we can't keep is not one that we may skip
        raise NewerFormat(f"the policy has rules this program doesn't know ({', '.join(sorted(unknown))}): update it")
    try:
        policy = from_builtins(Policy, header.policy)
    except WireError as error:
        raise Malformed(f"the bundle's policy can't be used ({error}): ask the issuer") from None
    if policy.event != header.event:
        raise Malformed("the bundle's policy is for another event: ask the issuer to build it again")
    return policy


def _names(noun: type[Policy] | type[FaceBands]) -> set[str]:
    return {each.name for each in fields(noun)}


def _refuse_other_place(header: Header, trust: Trust, installed: ManifestState | None) -> None:
    wanted = trust.event or (installed.event if installed else "")
    if wanted and header.event != wanted:
        raise OtherEvent(f"the bundle is for the event {header.event!r}, this gate serves {wanted!r}")
    if header.kind == "base" and trust.among(header.recipients) not in header.recipients:
        raise OtherGate(f"the bundle is not made for the gate {trust.gate!r}: ask the issuer to add its public key")


def _refuse_other_time(header: Header, trust: Trust, installed: ManifestState | None, now: float) -> None:
    same = installed if installed and installed.event == header.event else None
    newest = max(trust.floor, same.version if same else 0)
    if header.version <= newest:
        raise RolledBack(f"the bundle is version {header.version}, this gate had {newest} already: fetch a newer one")
    if now >= header.expires_at:
        raise Expired("the bundle has expired: fetch a newer one, and ask the issuer if there is none")
    if header.issued_at > now + CLOCK_TOLERANCE_S:
        raise ClockBehind("the bundle was issued in the future of this gate's clock: set the clock, then load it again")
    if header.kind == "delta" and (same is None or (same.version, same.digest) != (header.after, header.before)):
        raise NotNext(f"the bundle changes version {header.after}, which isn't installed here: fetch a whole manifest")
    if same and 2 * header.tickets < same.tickets and not header.shrinks:
        raise SuddenlyEmpty(
            f"the bundle leaves {header.tickets} tickets, {same.tickets} are installed: "
            "ask the issuer; if it is meant, have it built with `shrinks`"
        )


def _check_size(file: BinaryIO, header: Header, parts_at: int) -> None:
    declared, found = parts_at + sum(part.size for part in header.parts), os.fstat(file.fileno()).st_size
    if found > declared:
        raise EndlessData("the bundle goes on after its last part: fetch it again from its issuer")
    if found < declared:
        raise CutShort("the bundle ends too early: copy or fetch it again")


def _unwrap(header: Header, trust: Trust) -> bytes:
    recipient = trust.among(header.recipients)
    place = wrapping_place(header.event, header.version, recipient)
    try:
        return trust.device_key.unwrap(header.recipients[recipient], place)
    except SealBroken:
        raise OtherGate("the bundle is made for another device key: give the issuer this gate's public key") from None


def _walk(file: BinaryIO, header: Header, policy: Policy, secret: bytes) -> None:
    walks: dict[str, Callable[[BinaryIO, layout.Part], Iterator[Any]]] = {
        "removed": layout.removed_records,
        "tickets": layout.ticket_records,
        "openings": layout.opening_records,
        "watch": lambda file, part: watch_entries(file, part, header.event, secret),
        layout.COHORT: lambda file, part: cohorts(file, part, policy, secret),
    }
    for part in header.parts:
        for _ in walks[part.name](file, part):
            pass


def _state(header: Header) -> ManifestState:
    return ManifestState(
        header.event, header.version, header.issued_at, header.expires_at, header.tickets, header.digest
    )

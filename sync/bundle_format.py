"""The bundle's bytes. One file, no names of files in it, nothing that could grow while it is read:

    8   magic "MENSHEN\\n"
    4   length of the header, big-endian
    n   header: JSON, see `Header`
    64  Ed25519 signature over "menshen bundle\\0" and the header
    …   the parts, one after another, as long as the header says

Parts and their records, all sorted so that equal rows can't hide; a delta has the first three, a base those from the
second on, with a cohort where enough persons enrolled a face:

    removed   row (8)                                       by row
    tickets   row (8), length (4), sealed ticket            by row
    openings  lookup key (32), row (8), wrapped key (60)    by lookup key and row
    watch     length (4), sealed watch entry
    cohort    length (4), sealed cohort                     one

A delta goes on top of one certain manifest, which it names by version and digest: it takes rows away and puts rows in,
new ones and changed ones, with all the openings of these. Its own digest is over that manifest's digest and its parts,
so that a gate that went by base and deltas shows the same digest as the issuer.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, BinaryIO, Literal

import msgspec

from models.store.manifest_rows import OpeningRow, TicketRow
from models.store.vault import LOOKUP_BYTES, WRAPPED_BYTES
from sync.refusals import CutShort, EndlessData, Malformed, NotABundle, PartsChanged

FORMAT = 1
MAGIC = b"MENSHEN\n"
SIGNED = b"menshen bundle\0"
SIGNATURE_BYTES = 64
COHORT = "cohort"
_WHOLE = ("tickets", "openings", "watch")
PARTS = {"base": (_WHOLE, (*_WHOLE, COHORT)), "delta": (("removed", "tickets", "openings"),)}
"""The parts that a bundle may have."""

HEADER_LIMIT = 16 * 2**20
PART_LIMIT = 4 * 2**30
LAST_VERSION = 2**53 - 1
RECORD_LIMIT = 2**20

_CHUNK = 2**20
_ROW = struct.Struct(">Q")
_TICKET = struct.Struct(">QI")
_LENGTH = struct.Struct(">I")
_OPENING = struct.Struct(f">{LOOKUP_BYTES}sQ{WRAPPED_BYTES}s")


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One part as the header declares it: bytes, records, and SHA-256 in hex."""

    name: str
    size: int
    count: int
    sha256: str


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the issuer signs. Times are Unix seconds.

    `recipients` maps gates to the event secret, wrapped for each: by device at a site, where a name may be there once
    at each venue, else by name. `kind` is "base" for a whole manifest, "delta" for what changes in the one that `after`
    (version) and `before` (digest) name. `tickets` counts those there are in the end. `shrinks` says that a loss of
    most tickets is meant.
    """

    format: int
    kind: Literal["base", "delta"]
    event: str
    issuer: str
    version: Annotated[int, msgspec.Meta(ge=1, le=LAST_VERSION)]  # another must be able to follow
    issued_at: float
    expires_at: float
    recipients: dict[str, bytes]
    policy: dict[str, Any]
    parts: tuple[Part, ...]
    digest: str
    tickets: int
    after: int = 0
    before: str = ""
    shrinks: bool = False

    def part(self, name: str) -> Part:
        """The part of this name."""
        return next(part for part in self.parts if part.name == name)

    def count(self, name: str) -> int:
        """How many records the part has; none where this kind of bundle has no such part."""
        return next((part.count for part in self.parts if part.name == name), 0)


class Claimed(msgspec.Struct, frozen=True):
    """The two things that must be known before a signature can be checked: none of them is believed yet."""

    format: int
    issuer: str


def digest_of(parts: Iterable[Part], before: str = "") -> str:
    """What the issuer shows and the gate shows: SHA-256 over name, size, count and SHA-256 of every part.

    A delta's begins with the digest `before` it.
    """
    lines = before + "".join(f"{part.name} {part.size} {part.count} {part.sha256}\n" for part in parts)
    return hashlib.sha256(lines.encode()).hexdigest()


def frame(header: bytes, signature: bytes) -> bytes:
    """All that stands before the parts."""
    return MAGIC + _LENGTH.pack(len(header)) + header + signature


def read_frame(file: BinaryIO) -> tuple[bytes, bytes]:
    """Header and signature, unverified. The file then stands before the first part."""
    if file.read(len(MAGIC)) != MAGIC:
        raise NotABundle("this is no manifest bundle: name the file that the issuer made")
    (length,) = _LENGTH.unpack(_exactly(file, _LENGTH.size))
    if length > HEADER_LIMIT:
        raise EndlessData("the bundle declares a header larger than any we take: fetch it again from the issuer")
    return _exactly(file, length), _exactly(file, SIGNATURE_BYTES)


def frame_size(header: bytes) -> int:
    """Where the parts begin."""
    return len(MAGIC) + _LENGTH.size + len(header) + SIGNATURE_BYTES


def check_part(file: BinaryIO, part: Part) -> None:
    """Read `part` from here without believing it. Raises `CutShort`, `PartsChanged`."""
    digest, left = hashlib.sha256(), part.size
    while left:
        chunk = _exactly(file, min(left, _CHUNK))
        digest.update(chunk)
        left -= len(chunk)
    if digest.hexdigest() != part.sha256:
        raise _changed(part)


class PartReader:
    """Reads the records of one part and hashes them on the way, so that what is used is what was verified."""

    def __init__(self, file: BinaryIO, part: Part) -> None:
        self._file, self._part = file, part
        self._left, self._digest = part.size, hashlib.sha256()

    def take(self, size: int) -> bytes:
        """The next `size` bytes. Raises `CutShort`, `Malformed`."""
        if size > min(self._left, RECORD_LIMIT):
            raise Malformed(f"a record of the part {self._part.name} is longer than it may be: ask the issuer")
        data = _exactly(self._file, size)
        self._digest.update(data)
        self._left -= size
        return data

    def finish(self) -> None:
        """After the last record. Raises `Malformed`, `PartsChanged`."""
        if self._left:
            raise Malformed(f"the part {self._part.name} has bytes after its last record: ask the issuer")
        if self._digest.hexdigest() != self._part.sha256:
            raise _changed(self._part)


def removed_record(row: int) -> bytes:
    """A record of the part "removed"."""
    return _ROW.pack(row)


def ticket_record(row: int, sealed: bytes) -> bytes:
    """A record of the part "tickets"."""
    return _TICKET.pack(row, len(sealed)) + sealed


def opening_record(key: bytes, row: int, wrapped: bytes) -> bytes:
    """A record of the part "openings"."""
    return _OPENING.pack(key, row, wrapped)


def watch_record(sealed: bytes) -> bytes:
    """A record of the part "watch"."""
    return _LENGTH.pack(len(sealed)) + sealed


def removed_records(file: BinaryIO, part: Part) -> Iterator[int]:
    """The part "removed" from here. Raises when it isn't in order."""
    reader, previous = PartReader(file, part), -1
    for _ in range(part.count):
        (row,) = _ROW.unpack(reader.take(_ROW.size))
        if not previous < row < 2**63:
            raise _disordered(part)
        previous = row
        yield row
    reader.finish()


def ticket_records(file: BinaryIO, part: Part) -> Iterator[TicketRow]:
    """The part "tickets" from here. Raises when it isn't in order."""
    reader, previous = PartReader(file, part), -1
    for _ in range(part.count):
        row, length = _TICKET.unpack(reader.take(_TICKET.size))
        if not previous < row < 2**63:
            raise _disordered(part)
        previous = row
        yield row, reader.take(length)
    reader.finish()


def opening_records(file: BinaryIO, part: Part) -> Iterator[OpeningRow]:
    """The part "openings" from here. Raises when it isn't in order."""
    reader, previous = PartReader(file, part), (b"", -1)
    for _ in range(part.count):
        key, row, wrapped = _OPENING.unpack(reader.take(_OPENING.size))
        if not (previous < (key, row) and row < 2**63):
            raise _disordered(part)
        previous = (key, row)
        yield key, row, wrapped
    reader.finish()


def watch_records(file: BinaryIO, part: Part) -> Iterator[bytes]:
    """The part "watch" from here: sealed entries."""
    reader = PartReader(file, part)
    for _ in range(part.count):
        (length,) = _LENGTH.unpack(reader.take(_LENGTH.size))
        yield reader.take(length)
    reader.finish()


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise CutShort("the bundle ends too early: copy or fetch it again")
    return data


def _changed(part: Part) -> PartsChanged:
    return PartsChanged(f"the part {part.name} is not the one that was signed: fetch the bundle again from its issuer")


def _disordered(part: Part) -> Malformed:
    return Malformed(f"the part {part.name} isn't in order: ask the issuer to build the bundle again")

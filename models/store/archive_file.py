"""One archive of a ledger: lines and seals in a compressed file that can be verified by itself.

A gzip file of JSON lines. The first says whose lines these are and what the first of them chains to; each line follows
with what it was hashed from, each seal behind the line it is on:

    {"archive":1,"gate":"north","epoch":"…","first_seq":1,"last_seq":2000,"prev_hash":"…","last_hash":"…"}
    {"line":[seq,version,at,kind,body,hash]}
    {"seal":[seq,at,hash,public_key,signature]}

Bodies stand as they were hashed, byte for byte; hashes, keys and signatures are hexadecimal.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models import wire
from models.ledger import Checkpoint
from models.store.chain import checkpoint_is_genuine, line_hash
from models.store.errors import StoreFailed

FORMAT = 1
FOLDER = "archive"
_LEVEL = 6  # the highest takes three times as long for a hundredth less

Line = tuple[int, int, float, str, str, bytes, bytes]
"""seq, version, at, kind, body, the hash before it, its own hash: as a row of the table `entry`."""


@dataclass(frozen=True, slots=True)
class Head:
    """The file's first line. `prev_hash` and `last_hash` are hexadecimal."""

    archive: int
    gate: str
    epoch: str
    first_seq: int
    last_seq: int
    prev_hash: str
    last_hash: str


@dataclass(frozen=True, slots=True)
class _Part:
    line: list[Any] | None = None
    seal: list[Any] | None = None


def name_of(epoch: str, first_seq: int, last_seq: int) -> str:
    """What the file of these lines is called: by its name alone it sorts."""
    return f"ledger-{epoch}-{first_seq:010}-{last_seq:010}.jsonl.gz"


def write_archive(path: Path, head: Head, lines: Iterable[Line], seals: Iterable[Checkpoint], mode: int) -> bytes:
    """Write the file, whole or not at all; the SHA-256 of it. Raises `OSError`."""
    waiting = {one.seq: one for one in seals}
    text = [wire.to_json(head)]
    for seq, version, at, kind, body, _, hash_ in lines:
        text.append(wire.to_json({"line": [seq, version, at, kind, body, hash_.hex()]}))
        if (seal := waiting.get(seq)) is not None:
            told = [seal.seq, seal.at, seal.hash.hex(), seal.public_key.hex(), seal.signature.hex()]
            text.append(wire.to_json({"seal": told}))
    packed = gzip.compress(b"\n".join(text) + b"\n", _LEVEL, mtime=0)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    try:
        with draft.open("wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(packed)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path.parent)
    return hashlib.sha256(packed).digest()


def read_archive(path: Path) -> tuple[Head, Iterator[Line], Iterator[Checkpoint]]:
    """What the file says. Raises `StoreFailed` for one that is no archive, or is damaged."""
    try:
        text = gzip.decompress(path.read_bytes()).splitlines()
        head = wire.from_json(Head, text[0])
        parts = [wire.from_json(_Part, one) for one in text[1:]]
        lines = list(_lines(head, [part.line for part in parts if part.line is not None]))
        seals = [_seal(head, part.seal) for part in parts if part.seal is not None]
    except FileNotFoundError as error:
        raise StoreFailed(f"{path} is missing: bring it back from where it was copied to") from error
    except (OSError, EOFError, zlib.error, ValueError, TypeError, IndexError) as error:
        raise StoreFailed(f"{path} is damaged: {type(error).__name__}") from error
    if head.archive != FORMAT:
        raise StoreFailed(f"{path} is of format {head.archive}, this program reads {FORMAT}")
    return head, iter(lines), iter(seals)


def sha256_of(path: Path) -> bytes:
    """Of the file as it lies there. Raises `StoreFailed`."""
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError as error:
        raise StoreFailed(f"{path} can't be read: {error.strerror}") from error


def problems_of(path: Path) -> list[str]:
    """What is wrong with the file, held against itself alone; nothing: every line is what was written."""
    head, lines, seals = read_archive(path)
    found, seq, hash_ = [], head.first_seq - 1, bytes.fromhex(head.prev_hash)
    hashes = {}
    for line in lines:
        told = line_hash(hash_, head.gate, head.epoch, line[0], line[2], line[3], line[4].encode(), line[1])
        if line[0] != seq + 1 or told != line[6]:
            found.append(f"line {line[0]} is not what was hashed")
        seq, hash_ = line[0], line[6]
        hashes[seq] = hash_
    if (seq, hash_.hex()) != (head.last_seq, head.last_hash):
        found.append(f"it ends at line {seq}, and says {head.last_seq}")
    for seal in seals:
        if hashes.get(seal.seq) != seal.hash or not checkpoint_is_genuine(head.gate, seal):
            found.append(f"checkpoint {seal.seq} does not verify")
    return found


def _lines(head: Head, parts: list[list[Any]]) -> Iterator[Line]:
    before = bytes.fromhex(head.prev_hash)
    for seq, version, at, kind, body, hash_ in parts:
        own = bytes.fromhex(hash_)
        yield int(seq), int(version), float(at), str(kind), str(body), before, own
        before = own


def _seal(head: Head, told: list[Any]) -> Checkpoint:
    seq, at, hash_, public_key, signature = told
    keys = bytes.fromhex(hash_), bytes.fromhex(public_key), bytes.fromhex(signature)
    return Checkpoint(head.epoch, int(seq), float(at), *keys)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

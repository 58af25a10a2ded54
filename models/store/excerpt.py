"""An excerpt of a ledger that proves itself: some lines in full, others by their digests, up to a signed checkpoint.

Whoever has the gate's public key can tell that the lines shown stood in that ledger, in that order and at that place,
and that nothing was put in or taken out between the first of them and the checkpoint. The bodies of other people's
lines need not be shown for that.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from models.ledger import Checkpoint
from models.store.chain import LINE_VERSION, body_digest, checkpoint_is_genuine, folded_hash, root_hash


class ExcerptRefused(ValueError):
    """The excerpt doesn't prove what it shows. The text says where."""


@dataclass(frozen=True, slots=True)
class ExcerptLine:
    """One line. `body` is its canonical JSON where it is shown; where not, `digest` stands for it, hexadecimal."""

    seq: int
    at: float
    kind: str
    digest: str
    body: str = ""
    version: int = LINE_VERSION


@dataclass(frozen=True, slots=True)
class Seal:
    """The checkpoint behind the last line. Key (raw Ed25519) and signature are hexadecimal."""

    at: float
    public_key: str
    signature: str


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Lines without a hole, the hash before the first of them (hexadecimal), and the seal behind the last."""

    gate: str
    epoch: str
    before: str
    lines: tuple[ExcerptLine, ...]
    seal: Seal

    @property
    def shown(self) -> tuple[ExcerptLine, ...]:
        """The lines that are shown in full."""
        return tuple(line for line in self.lines if line.body)


def cut(lines: Sequence[ExcerptLine], show: Collection[int]) -> tuple[ExcerptLine, ...]:
    """The lines with the bodies of all but those in `show` left out."""
    return tuple(
        line if line.seq in show else ExcerptLine(line.seq, line.at, line.kind, line.digest, "", line.version)
        for line in lines
    )


def line_of(seq: int, at: float, kind: str, body: str, version: int = LINE_VERSION) -> ExcerptLine:
    """A line with its digest."""
    return ExcerptLine(seq, at, kind, body_digest(body.encode()), body, version)


def check(excerpt: Excerpt, keys: Collection[str]) -> None:
    """That the excerpt proves its lines by a seal of one of `keys` (raw Ed25519, hexadecimal).

    Raises `ExcerptRefused`.
    """
    name = f"the excerpt of {excerpt.gate}'s ledger {excerpt.epoch}"
    if not excerpt.lines:
        raise ExcerptRefused(f"{name} has no lines")
    seal, last = excerpt.seal, excerpt.lines[-1]
    if seal.public_key not in keys:
        raise ExcerptRefused(f"{name} is sealed with a key that is not among those you named")
    try:
        hash_ = _walk(excerpt, name)
        checkpoint = Checkpoint(
            excerpt.epoch, last.seq, seal.at, hash_, bytes.fromhex(seal.public_key), bytes.fromhex(seal.signature)
        )
    except ValueError as error:
        if isinstance(error, ExcerptRefused):
            raise
        raise ExcerptRefused(f"{name} is garbled: {error}") from None
    if not checkpoint_is_genuine(excerpt.gate, checkpoint):
        raise ExcerptRefused(f"{name} is not what the gate sealed: a line up to {last.seq} was changed")


def _walk(excerpt: Excerpt, name: str) -> bytes:
    hash_ = bytes.fromhex(excerpt.before)
    first = excerpt.lines[0].seq
    if first == 1 and hash_ != root_hash(excerpt.gate, excerpt.epoch):
        raise ExcerptRefused(f"{name} doesn't begin where this ledger began")
    for seq, line in enumerate(excerpt.lines, first):
        if line.seq != seq:
            raise ExcerptRefused(f"{name} has a hole at line {seq}")
        if line.body and body_digest(line.body.encode()) != line.digest:
            raise ExcerptRefused(f"{name}: line {seq} is not what was hashed")
        hash_ = folded_hash(hash_, excerpt.gate, excerpt.epoch, seq, line.at, line.kind, line.digest, line.version)
    return hash_

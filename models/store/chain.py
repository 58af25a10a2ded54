"""The chain and its seals: what is hashed, what is signed. Pure, so that gate, server and technician agree.

A line's hash is SHA-256 over the hash before it and the canonical JSON array
`[version, gate, epoch, seq, at, kind, digest]`, where `digest` is SHA-256 over the body's canonical JSON, hexadecimal:
so a line can be proved with its neighbours' bodies left out. The first line's predecessor is the *root*, SHA-256 over
`["menshen-ledger", gate, epoch]`: no chain can be moved to another gate or another epoch.
"""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from models import wire
from models.ledger import Checkpoint, Entry

LINE_VERSION = 1
"""How a line is hashed. Stands in every line, so that old lines stay verifiable."""


def root_hash(gate: str, epoch: str) -> bytes:
    """What the first line of an epoch chains to, 32 bytes."""
    return hashlib.sha256(wire.to_json(["menshen-ledger", gate, epoch])).digest()


def line_hash(
    prev_hash: bytes, gate: str, epoch: str, seq: int, at: float, kind: str, body: bytes, version: int = LINE_VERSION
) -> bytes:
    """The hash of one line, 32 bytes. `body` is its canonical JSON."""
    return folded_hash(prev_hash, gate, epoch, seq, at, kind, body_digest(body), version)


def body_digest(body: bytes) -> str:
    """What stands for a body in its line's hash."""
    return hashlib.sha256(body).hexdigest()


def folded_hash(
    prev_hash: bytes, gate: str, epoch: str, seq: int, at: float, kind: str, digest: str, version: int = LINE_VERSION
) -> bytes:
    """The hash of a line of whose body only the digest is known."""
    return hashlib.sha256(prev_hash + wire.to_json([version, gate, epoch, seq, at, kind, digest])).digest()


def entry_hash(gate: str, entry: Entry) -> bytes:
    """The hash that `entry` should have: for whoever got it over the wire."""
    body = wire.to_json(entry.body)
    return line_hash(entry.prev_hash, gate, entry.epoch, entry.seq, entry.at, entry.kind, body, entry.version)


def sign_checkpoint(key: Ed25519PrivateKey, gate: str, epoch: str, seq: int, at: float, hash_: bytes) -> Checkpoint:
    """Seal the chain up to `seq`."""
    public_key = key.public_key().public_bytes_raw()
    return Checkpoint(epoch, seq, at, hash_, public_key, key.sign(_sealed(gate, epoch, seq, at, hash_)))


def checkpoint_is_genuine(gate: str, checkpoint: Checkpoint) -> bool:
    """Whether the signature is by the checkpoint's own key. Whether that key is the gate's is the caller's to know."""
    sealed = _sealed(gate, checkpoint.epoch, checkpoint.seq, checkpoint.at, checkpoint.hash)
    try:
        Ed25519PublicKey.from_public_bytes(checkpoint.public_key).verify(checkpoint.signature, sealed)
    except (InvalidSignature, ValueError):
        return False
    return True


def _sealed(gate: str, epoch: str, seq: int, at: float, hash_: bytes) -> bytes:
    return wire.to_json(["menshen-checkpoint", gate, epoch, seq, at, hash_])

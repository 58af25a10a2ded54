"""A watchlist's domain: one secret under which documents are keyed and templates are turned.

Each partner's copy of a list has a domain of its own, so that two copies can't be joined by their keys or by their
templates. Turning keeps every distance, so a probe that is turned alike is searched for as well as before. It hides
whose template it is from whoever holds another copy; it is no seal: whoever holds the secret turns it back.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from models.ids import DocumentType
from models.store.vault import lookup_key

Templates = npt.NDArray[np.float32]


def person_key(secret: bytes, document: DocumentType, number: str) -> str:
    """The document's keyed hash in this domain, hexadecimal, as `WatchEntry.person_key` holds it."""
    return lookup_key(secret, document, number).hex()


def digest_of(held: Iterable[tuple[str, int]]) -> str:
    """SHA-256 over name and version of all entries of a list, in order of their names; hexadecimal."""
    digest = hashlib.sha256()
    for item, version in sorted(held):
        digest.update(f"{item} {version}\n".encode())
    return digest.hexdigest()


def turn(secret: bytes, template: bytes) -> bytes:
    """A template, little-endian float32, as it lies in this domain. Raises `ValueError` for half a number."""
    vector = np.frombuffer(template, dtype="<f4")
    return (vector @ turning(secret, len(vector))).astype("<f4").tobytes() if len(vector) else b""


@lru_cache(maxsize=64)
def turning(secret: bytes, size: int) -> Templates:
    """The domain's rotation, (size, size) float32 and orthogonal: a row vector times it is the vector turned.

    A product of `size` reflections whose mirrors come from the secret, the same on every machine to rounding.
    """
    matrix = np.eye(size)
    for mirror in _mirrors(secret, size):
        matrix -= 2.0 * np.outer(matrix @ mirror, mirror)
    return np.ascontiguousarray(matrix, dtype=np.float32)


def _mirrors(secret: bytes, size: int) -> npt.NDArray[np.float64]:
    """`size` unit vectors, (size, size), evenly spread over the sphere."""
    seed = hmac.digest(secret, b"menshen watch turning\0" + size.to_bytes(4, "big"), "sha256")
    stream = hashlib.shake_256(seed).digest(size * size * 16)
    uniform = (np.frombuffer(stream, dtype="<u8").astype(np.float64) + 0.5) / 2.0**64
    radius, angle = np.sqrt(-2.0 * np.log(uniform[0::2])), 2.0 * np.pi * uniform[1::2]
    normal = (radius * np.cos(angle)).reshape(size, size)
    unit: npt.NDArray[np.float64] = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    return unit

"""A face model's file from where it is published. What comes is held against size and hash: any mirror will do."""

from __future__ import annotations

import hashlib

import httpx

from models.face_card import ModelFile
from sync.failures import Garbled, RefusedBy, Unreachable

PATIENCE_S = 30.0


def fetch(address: str, wanted: ModelFile) -> bytes:
    """The file's content. Raises `SyncFailed`: nobody there, a refusal, or something else than `wanted`."""
    parts, size = [], 0
    try:
        with httpx.stream("GET", address, follow_redirects=True, timeout=PATIENCE_S) as answer:
            if answer.status_code != httpx.codes.OK:
                raise RefusedBy(answer.status_code, "not_there", f"{address} answers {answer.status_code}")
            for part in answer.iter_bytes():
                size += len(part)
                if size > wanted.size:
                    break
                parts.append(part)
    except httpx.HTTPError as error:
        raise Unreachable(f"{address} can't be reached: {type(error).__name__}") from error
    content = b"".join(parts)
    if (size, hashlib.sha256(content).hexdigest()) != (wanted.size, wanted.sha256):
        raise Garbled(f"{address} gives another file than {wanted.name} of {wanted.size} bytes")
    return content

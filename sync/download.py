"""Bundles from the authority to a file: resumed where a connection broke, never larger than was offered."""

from __future__ import annotations

import asyncio
import hashlib
import re
import shutil
from contextlib import suppress
from pathlib import Path

import httpx

from sync.client import Client
from sync.contract import VERSION, BundleOffer
from sync.failures import Garbled, RefusedBy

LARGEST_BUNDLE = 16 << 30
SPARE_BYTES = 64 << 20
"""What has to stay free on the disk: the ledger needs it more."""
SILENCE_S = 20.0

_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")


class TooLarge(ValueError):
    """An offer that we don't take: there is no room for it, or it is beyond all measure."""


def part_of(folder: Path, offer: BundleOffer) -> Path:
    """Where `offer` is collected. The name holds all that tells one offer from another."""
    identity = (
        f"{offer.event}\n{offer.version}\n{offer.kind}\n{offer.after}\n{offer.size}\n{offer.digest}\n{offer.issue}"
    )
    return folder / f"{hashlib.sha256(identity.encode()).hexdigest()[:24]}.part"


def forget_others(folder: Path, wanted: tuple[BundleOffer, ...]) -> None:
    """Take away what was begun and is offered no more."""
    keep = {part_of(folder, offer) for offer in wanted}
    for path in folder.glob("*.part"):
        if path not in keep:
            path.unlink(missing_ok=True)


async def download(client: Client, offer: BundleOffer, folder: Path) -> Path:
    """The whole of `offer` as a file in `folder`; what was begun before is gone on with.

    Raises `SyncFailed`, after which another call goes on; `TooLarge`, `OSError`.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = part_of(folder, offer)
    have = _size(part)
    if have > offer.size:
        part.unlink(missing_ok=True)
        have = 0
    _refuse_what_has_no_room(folder, offer, have)
    if have < offer.size:
        await _fetch(client, offer, part, have)
    if _size(part) != offer.size:
        raise Garbled(f"the bundle ended at {_size(part)} of {offer.size} bytes")
    return part


async def _fetch(client: Client, offer: BundleOffer, part: Path, have: int) -> None:
    target = f"/{VERSION}/gate/bundles/{httpx.URL(path=offer.event).raw_path.decode()}/{offer.version}"
    wanted = {"Range": f"bytes={have}-"} if have else {}
    try:
        async with client.stream("GET", target, read_s=SILENCE_S, headers=wanted) as response:
            begins = _begins_at(response, offer)
            if begins not in (0, have):
                raise Garbled("the authority sent another piece of the bundle than was asked for")
            await _append(response, part, begins, offer.size)
    except RefusedBy as refused:
        if refused.status == 416:  # what we have is not what they have
            part.unlink(missing_ok=True)
        raise


async def _append(response: httpx.Response, part: Path, begins: int, size: int) -> None:
    with part.open("r+b" if begins else "wb") as file:
        file.seek(begins)
        at = begins
        async for piece in response.aiter_raw():
            at += len(piece)
            if at > size:
                file.truncate(0)
                raise Garbled(f"the bundle does not end at the {size} bytes that were offered")
            await asyncio.to_thread(file.write, piece)


def _begins_at(response: httpx.Response, offer: BundleOffer) -> int:
    if response.status_code == 200:
        return 0
    found = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if found is None or int(found[2]) != offer.size:
        raise Garbled("the authority sent a piece of something else than the bundle it offered")
    return int(found[1])


def _refuse_what_has_no_room(folder: Path, offer: BundleOffer, have: int) -> None:
    if not 0 < offer.size <= LARGEST_BUNDLE:
        raise TooLarge(f"the bundle is said to have {offer.size} bytes")
    if shutil.disk_usage(folder).free < offer.size - have + SPARE_BYTES:
        raise TooLarge(f"there is no room on the disk for a bundle of {offer.size} bytes: free some")


def _size(path: Path) -> int:
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0

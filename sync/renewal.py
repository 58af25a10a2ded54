"""A device's new signing key and certificate, at any moment of which there is a key that the authority knows.

The new key is written beside the old one before it is told, and takes its place once the authority has answered. Who
is interrupted in between finds both: whichever the authority believes is the one to go on with. Checkpoints under the
old key stay good, so a gate process may sign with it until it starts again. The device key stays as it is: with it the
manifest on the disk is opened.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models.store.key_file import read_secret
from models.store.keys import load_or_make_signing_key
from sync.client import Client
from sync.contract import RenewRequest
from sync.enrolment import Enrolment, keep, read
from sync.failures import RefusedBy, SyncFailed

_SEED_BYTES = 32


class RenewedElsewhere(SyncFailed):
    """Another program on this machine is at it."""


@dataclass(frozen=True, slots=True)
class DeviceFiles:
    """Where a device keeps its signing key and, in `folder`, its papers. `device_key` is the public one, raw."""

    key_file: Path
    folder: Path
    device_key: bytes

    @property
    def next_file(self) -> Path:
        """The key that is to come, from the moment it is made until it has taken its place."""
        return self.key_file.with_name(f"{self.key_file.name}.next")

    @property
    def begun(self) -> bool:
        """Whether a renewal was begun and not seen to end."""
        return self.next_file.exists()

    def key(self) -> Ed25519PrivateKey:
        """The signing key in force. Raises `UnsafeKey`."""
        return Ed25519PrivateKey.from_private_bytes(read_secret(self.key_file, _SEED_BYTES))


def due_at(certificate: str) -> float | None:
    """When the last third of a certificate's life (PEM) begins, in Unix seconds; `None` for what is none."""
    try:
        found = x509.load_pem_x509_certificate(certificate.encode())
    except ValueError:
        return None
    begins, ends = found.not_valid_before_utc.timestamp(), found.not_valid_after_utc.timestamp()
    return ends - (ends - begins) / 3


async def renew(client: Client, files: DeviceFiles) -> Enrolment:
    """A new key and certificate; what was begun before is ended first. The papers from now on; `client` signs anew.

    Raises `SyncFailed`, after which another call goes on; `StoreError`, `OSError`.
    """
    with _alone(files):
        old = files.key()
        client.signer.change_key(old)
        fresh = await asyncio.to_thread(load_or_make_signing_key, files.next_file)
        try:
            answer = await client.renew(_wish(fresh, files))
        except RefusedBy as refused:
            if refused.code != "not_signed" or not await _is_known(client, fresh, files, old):
                raise
            # It was taken, and the answer was lost with its certificate: once more, from there.
            await asyncio.to_thread(_promote, files)
            fresh = await asyncio.to_thread(load_or_make_signing_key, files.next_file)
            answer = await client.renew(_wish(fresh, files))
        await asyncio.to_thread(_promote, files)
        client.signer.change_key(fresh)
        papers = read(files.folder).renewed(answer)
        await asyncio.to_thread(keep, files.folder, papers)
        return papers


async def _is_known(client: Client, fresh: Ed25519PrivateKey, files: DeviceFiles, old: Ed25519PrivateKey) -> bool:
    """Whether `fresh` is the key by which the authority knows us: it says so when we ask to change to it."""
    client.signer.change_key(fresh)
    try:
        await client.renew(_wish(fresh, files))
    except RefusedBy as refused:
        if refused.code == "same_key":
            return True
    except SyncFailed:
        client.signer.change_key(old)
        raise
    client.signer.change_key(old)
    return False


def _wish(key: Ed25519PrivateKey, files: DeviceFiles) -> RenewRequest:
    return RenewRequest(key.public_key().public_bytes_raw().hex(), files.device_key.hex())


def _promote(files: DeviceFiles) -> None:
    """The next key becomes the key, durably; there is one at every moment."""
    files.next_file.replace(files.key_file)
    handle = os.open(files.key_file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _alone(files: DeviceFiles) -> Iterator[None]:
    with (files.folder / ".renewal.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RenewedElsewhere("another program renews this device at this moment: see how that ends") from None
        yield

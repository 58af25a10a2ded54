"""Who this device is since it was enrolled: `enrolment.json` in the gate's state folder, and its issuers' keys."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from models.store.errors import StoreError
from models.store.public_key import KeyUse, PublicKey, write_public_key
from models.wire import WireError, from_json, to_json
from sync.contract import Enrolled, Issuer

FILE, ISSUERS = "enrolment.json", "issuers"


class NotEnrolled(StoreError):
    """This device belongs to no site yet, or its papers can't be read."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The device's papers; no secret is among them. `server` is as in `https://hub.example:8443`."""

    server: str
    site: str
    device: str
    authority: str
    certificate: str
    issuers: tuple[Issuer, ...]

    @property
    def issuer_keys(self) -> dict[str, bytes]:
        """Raw keys by name."""
        return {issuer.name: bytes.fromhex(issuer.key) for issuer in self.issuers}

    def renewed(self, answer: Enrolled) -> Enrolment:
        """The papers after a renewal."""
        return replace(self, certificate=answer.certificate, authority=answer.authority, issuers=answer.issuers)


def papers(server: str, answer: Enrolled) -> Enrolment:
    """What is kept of the authority's answer."""
    return Enrolment(server, answer.site, answer.device, answer.authority, answer.certificate, answer.issuers)


def keep(folder: Path, enrolment: Enrolment) -> None:
    """Write the papers into the gate's state folder. Raises `OSError`, `StoreError` for an issuer's unusable name."""
    (folder / ISSUERS).mkdir(parents=True, exist_ok=True, mode=0o700)
    for issuer in enrolment.issuers:
        key = PublicKey(KeyUse.ISSUER, issuer.name, bytes.fromhex(issuer.key))
        write_public_key(folder / ISSUERS / f"{_file_name(issuer.name)}.pub", key)
    path = folder / FILE
    fresh = path.with_name(f".{FILE}.{os.getpid()}")
    with fresh.open("wb") as file:
        file.write(to_json(enrolment) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def read(folder: Path) -> Enrolment:
    """The papers in the gate's state folder. Raises `NotEnrolled`."""
    path = folder / FILE
    try:
        found = from_json(Enrolment, path.read_bytes())
        _ = found.issuer_keys
    except FileNotFoundError:
        raise NotEnrolled(f"{path} is missing: enrol this gate first, with gatectl enrol") from None
    except (WireError, ValueError) as error:
        raise NotEnrolled(f"{path} can't be used ({error}): enrol this gate again") from None
    return found


def device_of(folder: Path) -> str:
    """What the site calls this device; empty where it belongs to none. Raises `NotEnrolled` for damaged papers."""
    return read(folder).device if (folder / FILE).exists() else ""


def _file_name(issuer: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in issuer)[:64] or "issuer"

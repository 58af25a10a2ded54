"""A venue hub's papers at its centre: how it is enrolled there, and what it keeps of that.

| in the folder `upstream` of the state folder | what it holds                                     |
|-----------------------------------------------|---------------------------------------------------|
| `enrolment.json`, `issuers/`                  | who the hub is at the centre, and whom it believes |
| `signing.key`, `device.key`                   | its own keys, mode 0600                           |
| `number`                                      | see `sync.numbers`                                |
| `parts/`                                      | bundles that are being fetched                    |
"""

from __future__ import annotations

import hashlib
import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from models.store.key_file import read_secret
from models.store.keys import load_or_make_signing_key
from models.store.vault import DeviceKey
from models.wire import WireError, from_json, to_json
from sync.client import authority_only, refusal
from sync.contract import VERSION, Enrolled, EnrolRequest
from sync.enrolment import Enrolment, keep, papers, read
from sync.failures import Garbled, Unreachable
from sync.renewal import DeviceFiles
from sync.server.settings import Settings

_TEXT = re.compile(
    r"menshen://(?P<host>\[[0-9a-fA-F:]+\]|[^/:\[\]]+):(?P<port>\d{1,5})/(?P<code>[^/?]+)\?ca=(?P<ca>[0-9a-f]{64})"
)
_PATIENCE = httpx.Timeout(15.0, connect=5.0)
_SEED_BYTES = 32


class BadCode(ValueError):
    """An enrolment code that can't be read, or a server that is not the one it names."""


@dataclass(frozen=True, slots=True)
class Invited:
    """What an enrolment code's text says: the server, the code, the fingerprint of the site's authority."""

    server: str
    code: str = field(repr=False)
    fingerprint: str


@dataclass(frozen=True, slots=True)
class _Site:
    site: str
    authority: str
    fingerprint: str


def folder_of(settings: Settings) -> Path:
    """Where the papers are."""
    return settings.state_dir / "upstream"


def papers_of(settings: Settings) -> Enrolment | None:
    """The hub's papers; `None` while it is enrolled nowhere. Raises `NotEnrolled` where they can't be read."""
    folder = folder_of(settings)
    return read(folder) if (folder / "enrolment.json").exists() else None


def signing_key_of(settings: Settings) -> Ed25519PrivateKey:
    """The key with which the hub signs its requests. Raises `UnsafeKey`."""
    return Ed25519PrivateKey.from_private_bytes(read_secret(folder_of(settings) / "signing.key", _SEED_BYTES))


def device_files(settings: Settings) -> DeviceFiles:
    """What a renewal of the hub's key at its centre changes. Raises `UnsafeKey`."""
    folder = folder_of(settings)
    return DeviceFiles(folder / "signing.key", folder, DeviceKey.load(folder / "device.key").public)


def read_invitation(text: str) -> Invited:
    """The parts of `menshen://HOST:PORT/CODE?ca=FINGERPRINT`. Raises `BadCode`."""
    found = _TEXT.fullmatch(text.strip())
    if found is None:
        raise BadCode("give the whole text that the centre showed: menshen://HOST:PORT/CODE?ca=FINGERPRINT")
    return Invited(f"https://{found['host']}:{found['port']}", found["code"], found["ca"])


def enrol_upstream(settings: Settings, text: str, name: str) -> Enrolment:
    """Become the venue hub `name` of the centre that made the enrolment code `text`.

    Raises `BadCode`, `SyncFailed`, `UnsafeKey`, `OSError`.
    """
    invited = read_invitation(text)
    folder = folder_of(settings)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    signing = load_or_make_signing_key(folder / "signing.key").public_key().public_bytes_raw()
    path = folder / "device.key"
    device = DeviceKey.load(path) if path.exists() else DeviceKey.make(path)
    site = _first_contact(invited)
    request = EnrolRequest(
        invited.code, name, signing.hex(), device.public.hex(), kind="hub", authority=invited.fingerprint
    )
    made = papers(invited.server, _enrol(invited, site.authority, request))
    keep(folder, made)
    return made


def _first_contact(invited: Invited) -> _Site:
    """The centre's authority, which is believed when it has the fingerprint that came with the code."""
    blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    blind.check_hostname = False
    blind.verify_mode = ssl.CERT_NONE  # nothing secret is said until the fingerprint has been compared
    try:
        with httpx.Client(verify=blind, timeout=_PATIENCE, trust_env=False) as http:
            answer = http.get(f"{invited.server}/{VERSION}/site")
    except httpx.HTTPError as error:
        raise Unreachable(f"{invited.server} does not answer: {error}") from None
    if answer.status_code != 200:
        raise refusal(answer.status_code, answer.content)
    try:
        site = from_json(_Site, answer.content)
        authority = x509.load_pem_x509_certificate(site.authority.encode())
    except (WireError, ValueError):
        raise Garbled(f"{invited.server} is no server of ours: compare the address") from None
    if hashlib.sha256(authority.public_bytes(Encoding.DER)).hexdigest() != invited.fingerprint:
        raise BadCode(f"{invited.server} is not the server that made the code: ask for a new one, and where it is")
    return site


def _enrol(invited: Invited, authority: str, request: EnrolRequest) -> Enrolled:
    try:
        with httpx.Client(verify=authority_only(authority), timeout=_PATIENCE, trust_env=False) as http:
            headers = {"Content-Type": "application/json"}
            answer = http.post(f"{invited.server}/{VERSION}/enrol", content=to_json(request), headers=headers)
    except httpx.HTTPError as error:
        raise Unreachable(f"{invited.server} does not answer: {error}") from None
    if answer.status_code != 200:
        raise refusal(answer.status_code, answer.content)
    return from_json(Enrolled, answer.content)

"""An issuer, a gate and a small manifest between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from models.decision import Policy, Profile
from models.face import FaceBands, FaceReference
from models.ids import DocumentType, check_digit
from models.store.manifest_db import ManifestReader, ManifestWriter
from models.store.vault import DeviceKey
from models.ticket import Entitlement, ManifestState, Ticket, Validity
from models.watch import WatchAction, WatchEntry
from sync.bundle import Trust, apply, verify
from sync.bundle_build import Issue, build
from sync.holding import Document, Holding, Listed

EVENT = "gala"
ISSUED, EXPIRES, NOW = 1000.0, 9000.0, 2000.0

POLICY = Policy(Profile.CONCERT, EVENT, bands=(FaceBands("dlib-1", "any", 0.4, 0.6),))


def id_number(serial: int) -> str:
    """A well-formed ID number of nobody."""
    stem = f"11010519491{serial:06d}"
    return stem + check_digit(stem)


def holding(serial: int, *, face: bool = False, event: str = EVENT) -> Holding:
    reference = FaceReference("dlib-1", bytes([serial % 256]) * 512, f"consent-{serial}") if face else None
    ticket = Ticket(f"TICKET-{serial}", Entitlement(event), Validity(1.0, 2.0), reference=reference)
    return Holding(ticket, (Document(DocumentType.RESIDENT_ID, id_number(serial)),))


def people(count: int) -> list[Holding]:
    return [holding(serial, face=serial % 2 == 0) for serial in range(count)]


@dataclass
class Issuer:
    """Builds bundles in `folder`, one secret for all of them."""

    folder: Path
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    policy: Policy = POLICY

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def issue(self, gates: dict[str, bytes], version: int = 1, **more: object) -> Issue:
        issue = Issue("centre", self.policy, version, ISSUED, EXPIRES, gates, bytes(range(32)), self.key)
        return replace(issue, **more)  # type: ignore[arg-type]


@dataclass
class Gate:
    """A gate's folder with its device key, and one who loads bundles into it."""

    folder: Path
    name: str
    issuer: Issuer
    key: DeviceKey = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.key = DeviceKey.make(self.folder / "device.key")
        self.writer = ManifestWriter(self.database, self.key)
        self.reader = ManifestReader(self.database, self.key)

    @property
    def database(self) -> Path:
        return self.folder / "manifest.db"

    def trust(self, **more: object) -> Trust:
        return replace(Trust(self.name, self.key, {"centre": self.issuer.public}), **more)  # type: ignore[arg-type]

    def make(self, count: int = 4, version: int = 1, *, name: str = "x.bundle", **more: object) -> Path:
        """A bundle for this gate."""
        out = self.issuer.folder / name
        entry = WatchEntry("w1", "hospital", "touting", WatchAction.REVIEW, 1, 2, ("a", "b"), "law", "", b"t" * 512)
        listed = [Listed(entry, Document(DocumentType.RESIDENT_ID, id_number(1)))]
        gates = more.pop("gates", {self.name: self.key.public})
        build(out, people(count), self.issuer.issue(gates, version, **more), listed=listed)  # type: ignore[arg-type]
        return out

    def load(self, bundle: Path, *, now: float = NOW, **trust: object) -> ManifestState:
        """Verify, then apply, as the sync process does."""
        verified = verify(bundle, self.trust(**trust), self.writer.state(), now)
        apply(verified, self.writer, now)
        return verified.state

    def close(self) -> None:
        self.reader.close()
        self.writer.close()


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    (tmp_path / "issuer").mkdir()
    return Issuer(tmp_path / "issuer")


@pytest.fixture
def make_gate(tmp_path: Path, issuer: Issuer) -> Iterator[Callable[[str], Gate]]:
    gates: list[Gate] = []

    def make(name: str) -> Gate:
        gates.append(Gate(tmp_path / name, name, issuer))
        return gates[-1]

    yield make
    for gate in gates:
        gate.close()


@pytest.fixture
def gate(make_gate: Callable[[str], Gate]) -> Gate:
    return make_gate("A1")


@pytest.fixture
def make_people() -> Callable[[int], list[Holding]]:
    """Makes that many ticket holders; every other has a face."""
    return people


@pytest.fixture
def number_of() -> Callable[[int], str]:
    """The ID number of a ticket holder."""
    return id_number

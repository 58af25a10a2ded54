"""What gates, venue hubs and the centre say to each other over HTTPS: the bodies of the device interface.

Plain dataclasses, so that the server's OpenAPI document is made of them and a gate reads them with `models.wire`.
Bytes travel as lower-case hexadecimal text, times as Unix seconds. Every request but an enrolment is signed, see
`SIGNED_FORM`.

| request                                     | body → answer                     | repeated                       |
|---------------------------------------------|-----------------------------------|--------------------------------|
| POST /v1/enrol                              | `EnrolRequest` → `Enrolled`       | refused: a code works once     |
| POST /v1/gate/contact                       | `Contact` → `Standing`            | refused: its number is spent   |
| GET  /v1/gate/bundles/{event}/{version}     | → the bundle's bytes, with ranges | the same bytes                 |
| POST /v1/gate/ledger                        | `LedgerBatch` → `LedgerReceipt`   | the same receipt               |
| POST /v1/gate/claims                        | `ClaimBatch` → `ClaimAnswers`     | the same answers               |
| GET  /v1/gate/watch?after=N                 | → `sync.watch_page.WatchAnswer`   | as the list is then            |
| GET  /v1/gate/doorbell?cursor=N             | → server-sent events, `Ring`      | harmless                       |
| POST /v1/gate/renew                         | `RenewRequest` → `Enrolled`       | refused: the old key is spent  |
| PUT  /v1/hub/gates                          | `HubGates` → `HubStanding`        | refused: its number is spent   |
| GET  /v1/hub/claims/{event}?after=TICKET    | → `HeldClaims`                    | as they are then               |
| POST /v1/hub/ledger                         | `LedgerBatch` → `LedgerReceipt`   | the same receipt               |
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

VERSION = "v1"

SIGNED_FORM = "menshen request\n{site}\n{device}\n{number}\n{method}\n{target}\n{digest}"
"""What a device signs (Ed25519): the site's name as enrolled, its own identifier, a number, the method, path with
query, and SHA-256 of the body in hexadecimal. The number is the device's Unix time in microseconds, or one more than
its last one where the clock stands or went back. Uploads (`contact`, `ledger`, `renew`) with a number not above the
last one that was accepted from this device are refused as replayed."""

SITE_HEADER = "Menshen-Site"
DEVICE_HEADER = "Menshen-Device"
NUMBER_HEADER = "Menshen-Number"
SIGNATURE_HEADER = "Menshen-Signature"  # hexadecimal


@dataclass(frozen=True, slots=True)
class Problem:
    """The body of every refusal. `code` is stable; `detail` says what, where and what to do, and nothing personal."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class EnrolRequest:
    """A new device, or a known one with new keys. `kind` is `gate` or `hub`.

    `signing_key` is raw Ed25519 (32 bytes), which also signs the ledger; `device_key` raw X25519, to which event
    secrets are wrapped. `authority` is the fingerprint that came with the code: a code of another site is refused.
    """

    code: str = field(repr=False)
    name: str
    signing_key: str
    device_key: str
    kind: str = "gate"
    program: str = ""
    authority: str = ""


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs bundles, with the raw Ed25519 key."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Who the device is from now on. Certificates are PEM; `issuers` are those whose bundles it may believe."""

    site: str
    device: str
    certificate: str
    authority: str
    issuers: tuple[Issuer, ...]
    time: float


@dataclass(frozen=True, slots=True)
class RenewRequest:
    """New keys for an enrolled device; signed with the old one."""

    signing_key: str
    device_key: str


@dataclass(frozen=True, slots=True)
class HeldManifest:
    """The manifest a gate holds, for issuer's and gate's count and hash side by side."""

    event: str
    version: int
    digest: str
    tickets: int


@dataclass(frozen=True, slots=True)
class LedgerState:
    """How far a gate's ledger reaches, and the hash of its last entry: a copied card shows at its first contact."""

    epoch: str
    seq: int
    hash: str = ""


@dataclass(frozen=True, slots=True)
class HeldWatch:
    """The list of persons that a gate holds, likewise. A venue hub tells the revision that all its gates passed."""

    revision: int
    count: int
    digest: str


@dataclass(frozen=True, slots=True)
class Contact:
    """A sign of life, every ten seconds and at every change. `lane` is what a supervisor's page shows of it."""

    at: float
    program: str = ""
    manifest: HeldManifest | None = None
    ledger: LedgerState | None = None
    watch: HeldWatch | None = field(default=None, kw_only=True)
    phase: str = ""
    mode: str = ""
    faults: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    clock_trusted: bool = True
    asked_at: float = 0.0  # when the devices were asked since nobody came; 0: not since the last visitor
    silent: tuple[str, ...] = ()  # which of them did not answer
    proved_at: float = 0.0  # when the last test admission ended; 0: none since the gate started
    proved: bool = False


@dataclass(frozen=True, slots=True)
class BundleOffer:
    """One bundle that a gate may fetch. A delta goes on top of exactly `after`; a base has `after` 0.

    `issue` counts how often a base was signed anew, with the same content, for gates that came later.
    """

    event: str
    version: int
    kind: str
    after: int
    size: int
    digest: str
    issue: int = 1


@dataclass(frozen=True, slots=True)
class Standing:
    """What the authority wants of a device. With `wipe` its manifest is to be destroyed at once.

    `acknowledged` is the last entry of the ledger epoch told in `Contact` that the authority holds; `cursor` goes into
    the doorbell. `time` is the authority's clock; `time_signature` (Ed25519 by the issuer's key) covers
    "menshen time\\n{device}\\n{number}\\n{time}" with the request's number, so that an old answer sets no clock.
    """

    time: float
    time_signature: str
    cursor: int
    offers: tuple[BundleOffer, ...] = ()
    acknowledged: int = 0
    wipe: bool = False
    event: str = ""  # the event this gate is to serve; empty: none
    alone: bool = False  # a venue hub that has no centre just now
    erased: bool = False  # why it is to wipe: the event's persons were erased, and the device is as welcome as before
    watch_revision: int = 0  # of the list of persons; 0: there is none


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One entry as the gate's ledger has it. `body` is the canonical JSON text that was hashed."""

    seq: int
    version: int
    at: float
    kind: str
    body: str = field(repr=False)
    hash: str


@dataclass(frozen=True, slots=True)
class LedgerSeal:
    """A signed checkpoint."""

    seq: int
    at: float
    hash: str
    public_key: str
    signature: str


@dataclass(frozen=True, slots=True)
class LedgerBatch:
    """Consecutive entries of one epoch. `after_hash` is the hash of the entry before the first one.

    `device` is empty but for a venue hub that passes on what its gate `device` wrote.
    """

    epoch: str
    after_hash: str
    lines: tuple[LedgerLine, ...]
    seals: tuple[LedgerSeal, ...] = ()
    device: str = ""


@dataclass(frozen=True, slots=True)
class LedgerReceipt:
    """The authority holds every entry of `epoch` up to `acknowledged`, durably."""

    epoch: str
    acknowledged: int


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """This ticket is being used here, now. `claim` names the attempt and makes a repeated request harmless.

    `direction` is `entry` or `exit`; an exit always gets through and ends the use before it. `code_step` is the time
    step of a code that changes: one on which the ticket was used before, or an older one, gets nobody through.
    """

    claim: str
    event: str
    ticket: str
    direction: str = "entry"
    gate: str = ""
    at: float = 0.0
    code_step: int | None = None


@dataclass(frozen=True, slots=True)
class FirstUse:
    """Where the ticket is in use already. `passage` is `passed`, `unknown`, or `held` while the turn is awaited."""

    gate: str
    at: float
    passage: str


@dataclass(frozen=True, slots=True)
class ClaimAnswer:
    """`granted`, `refused` with the first use, `code_used`; `no_answer` where another authority has to be asked."""

    claim: str
    answer: str
    first: FirstUse | None = None


@dataclass(frozen=True, slots=True)
class ClaimBatch:
    """Up to 500 claims; a gate sends one, a venue hub many."""

    claims: tuple[ClaimRequest, ...]


@dataclass(frozen=True, slots=True)
class ClaimAnswers:
    """In the order of the claims."""

    answers: tuple[ClaimAnswer, ...]


@dataclass(frozen=True, slots=True)
class Ring:
    """The doorbell: something that concerns you changed; ask for your `Standing`."""

    cursor: int


Body = dict[str, Any]

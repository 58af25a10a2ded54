"""The site: is this lane enrolled, does it reach anybody, is its ledger taken, how old is its certificate?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from gate.check.around import Around
from gate.check.catalogue import Code, Finding
from models.link import Reach, SyncStatus

MANY_LINES = 1_000
LATE_SHARE = 0.25
"""A certificate is renewed when a third of its life is left; with less than this left, that has not worked."""


@dataclass(frozen=True, slots=True)
class Facts:
    """`begins` and `ends` are the certificate's, Unix seconds; `sync` is `None` where no process answers."""

    now: float
    enrolled: bool = True
    papers_wrong: str = ""
    begins: float = 0.0
    ends: float = 0.0
    sync: SyncStatus | None = None


def gather(around: Around) -> Facts | None:
    """Read the papers, and ask the sync process."""
    if around.state_dir is None:
        return None
    path = around.state_dir / "enrolment.json"
    if not path.exists():
        return Facts(around.now, enrolled=False)
    try:
        begins, ends = _life(path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return Facts(around.now, papers_wrong=type(error).__name__, sync=around.sync)
    return Facts(around.now, True, "", begins, ends, around.sync)


def judge(facts: Facts) -> Iterator[Finding]:
    """What is wrong with it."""
    if not facts.enrolled:
        yield Finding(Code.NOT_ENROLLED)
        return
    if facts.papers_wrong:
        yield Finding(Code.PAPERS_UNREADABLE, "enrolment.json", facts.papers_wrong)
    elif facts.now > facts.ends:
        yield Finding(Code.CERTIFICATE_ENDED, "certificate", f"{_days(facts.now - facts.ends)} ago")
    elif facts.ends - facts.now < (facts.ends - facts.begins) * LATE_SHARE:
        yield Finding(Code.CERTIFICATE_ENDS, "certificate", f"in {_days(facts.ends - facts.now)}")
    yield from _sync(facts.sync, facts.now) if facts.sync else (Finding(Code.SYNC_SILENT, "gate-sync"),)


def _sync(sync: SyncStatus, now: float) -> Iterator[Finding]:
    if sync.wiped:
        yield Finding(Code.REVOKED, sync.device)
    if sync.reach is Reach.ALONE:
        since = f"the last contact {(now - sync.contact_at) / 60:.0f} min ago" if sync.contact_at else "never reached"
        yield Finding(Code.ALONE, sync.server, f"{since}{f': {sync.trouble}' if sync.trouble else ''}")
    for one in sync.refusals[-3:]:
        yield Finding(Code.REFUSED, one.what, f"{one.code}: {one.detail}")
    if sync.written - sync.acknowledged > MANY_LINES:
        yield Finding(Code.UNSENT, "ledger.db", f"{sync.written - sync.acknowledged:,} lines")


def _life(path: Path) -> tuple[float, float]:
    certificate = json.loads(path.read_bytes())["certificate"]
    found = x509.load_pem_x509_certificate(certificate.encode())
    return found.not_valid_before_utc.timestamp(), found.not_valid_after_utc.timestamp()


def _days(seconds: float) -> str:
    return f"{seconds / 86_400:.1f} days"

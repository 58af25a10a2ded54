"""What travels sealed under the event's secret beside the tickets: watch entries, and the cohort of those enrolled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from models.cohort import Cohort, problem_of
from models.decision import Policy
from models.store.errors import WrongStore
from models.store.ticket_bytes import cohort_from_bytes, cohort_to_bytes, watch_from_bytes, watch_to_bytes
from models.store.vault import SealBroken, decrypt, encrypt, watch_key
from models.watch import WatchEntry
from sync import bundle_format as layout
from sync.refusals import Malformed


def seal_watch(entry: WatchEntry, event: str, secret: bytes) -> bytes:
    """A record of the part "watch"."""
    return layout.watch_record(encrypt(watch_key(secret), watch_to_bytes(entry), _watch_place(event)))


def seal_cohort(cohort: Cohort, event: str, secret: bytes) -> bytes:
    """The record of the part "cohort"."""
    return layout.watch_record(encrypt(watch_key(secret), cohort_to_bytes(cohort), _cohort_place(event)))


def watch_entries(file: BinaryIO, part: layout.Part, event: str, secret: bytes) -> Iterator[WatchEntry]:
    """The part "watch" from here. Raises `Malformed`."""
    key, place = watch_key(secret), _watch_place(event)
    for sealed in layout.watch_records(file, part):
        try:
            yield watch_from_bytes(decrypt(key, sealed, place))
        except (SealBroken, WrongStore):
            raise Malformed("a watch entry in the bundle can't be opened: ask the issuer to build it again") from None


def cohorts(file: BinaryIO, part: layout.Part, policy: Policy, secret: bytes) -> Iterator[Cohort]:
    """The part "cohort" from here. Raises `Malformed` for one that may not be used, or is of no model of the policy."""
    if part.count != 1:
        raise Malformed(f"the bundle has {part.count} cohorts: ask the issuer to build it again")
    key, place = watch_key(secret), _cohort_place(policy.event)
    for sealed in layout.watch_records(file, part):
        try:
            cohort = cohort_from_bytes(decrypt(key, sealed, place))
        except (SealBroken, WrongStore):
            raise Malformed("the cohort in the bundle can't be opened: ask the issuer to build it again") from None
        problem = problem_of(cohort)
        if not problem and cohort.model_version not in {bands.model_version for bands in policy.bands}:
            problem = f"it is of the face model {cohort.model_version}, for which the policy has no bands"
        if problem:
            raise Malformed(f"the cohort in the bundle can't be used, {problem}: ask the issuer to build it again")
        yield cohort


def _watch_place(event: str) -> bytes:
    return b"travelling watch entry\0" + event.encode()


def _cohort_place(event: str) -> bytes:
    return b"travelling cohort\0" + event.encode()

"""At a venue hub: the work towards its centre, and claims for events that the hub does not answer itself.

Each thing goes on for itself: signs of life and what comes of them, the doorbell, bundles, ledger lines. The line to
the centre may be cut for hours; then everything waits, and what the hub answers for goes on. With several workers one
of them, which holds a lock on a file, does all this; every one of them passes claims on.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TextIO

from sqlalchemy.exc import SQLAlchemyError

from models.store.errors import StoreError
from sync.contract import ClaimAnswer, ClaimBatch, ClaimRequest
from sync.enrolment import Enrolment
from sync.failures import RefusedBy, SyncFailed
from sync.plan import retry_s
from sync.refusals import BundleRefused
from sync.renewer import Renewer
from sync.server.claims import NO_ANSWER
from sync.server.hub import Hub
from sync.server.upstream_client import CentreClient, kept_number, open_client
from sync.server.upstream_papers import device_files, folder_of, papers_of, signing_key_of
from sync.server.upstream_work import Work

CLAIM_S = 0.25
"""A gate waits 300 ms."""
PAUSE_S = 1.0
"""So long the centre is not asked again after it did not answer: the next visitor shall not wait in vain."""
MEET_S = 10.0
LOOK_S = 0.25
LOCK_S = 2.0
LONGEST_S = 10.0

FORESEEN = (SyncFailed, SQLAlchemyError, StoreError, BundleRefused, OSError, ValueError)
FIRST_AND_THEN = {1, 10, 100, 1000}
"""Of a row of failures these are logged: a line may be cut for days."""

_log = logging.getLogger(__name__)


class Beyond:
    """The centre, as this worker asks it for claims."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._client: CentreClient | None = None
        self._not_before = 0.0

    async def complete(self, claims: Sequence[ClaimRequest], answers: Sequence[ClaimAnswer]) -> list[ClaimAnswer]:
        """`answers` to `claims`, with the centre's in place of those that have none here; at the latest in 250 ms."""
        open_ones = tuple(claim for claim, answer in zip(claims, answers, strict=True) if answer.answer == NO_ANSWER)
        if not open_ones or time.monotonic() < self._not_before or self._client is None:
            return list(answers)
        try:
            found = (await self._client.claim(ClaimBatch(open_ones), CLAIM_S)).answers
        except SyncFailed as failed:
            self._not_before = time.monotonic() + PAUSE_S
            if isinstance(failed, RefusedBy) and failed.code == "not_signed":
                await self._sign_anew(self._client)
            return list(answers)
        known = {one.claim: one for one in found}
        return [known.get(one.claim, one) if one.answer == NO_ANSWER else one for one in answers]

    def open(self, papers: Enrolment) -> None:
        """From now on the centre can be asked."""
        if self._client is None:
            self._client = open_client(self._hub, papers)

    async def _sign_anew(self, client: CentreClient) -> None:
        """One of the workers renews the hub's key: it is on the disk."""
        with suppress(*FORESEEN):
            client.signer.change_key(await asyncio.to_thread(signing_key_of, self._hub.settings))

    async def close(self) -> None:
        """Hang up."""
        if self._client is not None:
            await self._client.close()


@asynccontextmanager
async def towards_the_centre(hub: Hub) -> AsyncIterator[Beyond | None]:
    """At a venue hub, work for the centre while this holds; `None` at a centre."""
    if not hub.settings.upstream and papers_of(hub.settings) is None:
        yield None
        return
    beyond = Beyond(hub)
    task = asyncio.get_running_loop().create_task(_keep_at_it(hub, beyond))
    try:
        yield beyond
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await beyond.close()


async def _keep_at_it(hub: Hub, beyond: Beyond) -> None:
    while True:
        try:
            await _run(hub, beyond)
        except Exception:  # what nobody foresaw must not end a venue's connection for the night
            _log.exception("the work towards the centre failed and begins again")
        await asyncio.sleep(LONGEST_S)


async def _run(hub: Hub, beyond: Beyond) -> None:
    papers = await _enrolled(hub)
    beyond.open(papers)
    with (folder_of(hub.settings) / ".lock").open("w") as lock:
        await _alone(lock)
        client = open_client(hub, papers, kept_number(hub))
        work = Work(hub, papers, client)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_again(work.meet, MEET_S, work.rung))
                tasks.create_task(_again(work.listen, LOOK_S))
                tasks.create_task(_again(work.pull, MEET_S, work.offered))
                tasks.create_task(_again(work.pull_list, MEET_S, work.list_told))
                tasks.create_task(_again(work.send, LOOK_S))
                tasks.create_task(_renewer(hub, work).run())
        finally:
            await client.close()


def _renewer(hub: Hub, work: Work) -> Renewer:
    """Keeps the hub's own key at the centre young."""

    def renewed(papers: Enrolment) -> None:
        work.papers = papers
        work.rung.set()

    return Renewer(work.client, device_files(hub.settings), hub.clock, time.monotonic, renewed)


async def _enrolled(hub: Hub) -> Enrolment:
    """The papers, once they are there."""
    told = False
    while (papers := papers_of(hub.settings)) is None:
        if not told:
            _log.warning("this venue hub is not enrolled at its centre yet: gatectl hub enrol-upstream CODE")
            told = True
        await asyncio.sleep(LOCK_S)
    return papers


async def _alone(lock: TextIO) -> None:
    """Return once no other worker holds `lock`; it is ours then until this process ends or closes it."""
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        await asyncio.sleep(LOCK_S)


async def _again(
    step: Callable[[], Coroutine[Any, Any, None]], pause_s: float, call: asyncio.Event | None = None
) -> None:
    """Do `step` for ever, after a pause or when called; after a failure, after a longer pause."""
    failures = 0
    while True:
        try:
            await step()
            failures, wait_s = 0, pause_s
        except FORESEEN as error:
            failures += 1
            wait_s = min(retry_s(failures, random.random()), LONGEST_S)  # noqa: S311 - only to part from others
            if failures in FIRST_AND_THEN:
                _log.warning("towards the centre, %s: %s", step.__name__, _words(error))
        if call is None or failures:
            await asyncio.sleep(wait_s)
        else:
            with suppress(TimeoutError):
                await asyncio.wait_for(call.wait(), wait_s)


def _words(error: Exception) -> str:
    """No statement of the database: there may be names in it."""
    return type(error).__name__ if isinstance(error, SQLAlchemyError) else str(error)

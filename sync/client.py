"""A device's side of the interface in `sync.contract`: signed requests over HTTPS, typed answers, one tree of failures.

The site's own authority is the only root that is trusted. Every request has an end, every answer a largest size.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

import httpx
from httpx_sse import EventSource, SSEError

from models.wire import WireError, from_json, to_json
from sync.contract import (
    NUMBER_HEADER,
    VERSION,
    ClaimAnswers,
    ClaimBatch,
    Contact,
    Enrolled,
    LedgerBatch,
    LedgerReceipt,
    Problem,
    RenewRequest,
    Ring,
    Standing,
)
from sync.failures import Garbled, RefusedBy, Revoked, SyncFailed, Unreachable
from sync.numbers import AHEAD, KeptNumber
from sync.signing import Signer

LARGEST_ANSWER = 4 << 20
CONNECT_S, CONTACT_S, ANSWER_S, WHOLE_S = 5.0, 10.0, 15.0, 30.0
SILENCE_S = 40.0
"""The doorbell's signs of life come every 15 seconds; one that is silent for so long is dead."""
KEEP_WARM_S = 120.0

_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME of OpenSSL's x509_vfy.h; Python has no name for it

T = TypeVar("T")


def authority_only(authority: str) -> ssl.SSLContext:
    """TLS that trusts the certificate `authority` (PEM) and nothing else. Raises `ssl.SSLError` for what is none.

    Dates are not looked at: a box without a battery learns the time over this very connection.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
    context.load_verify_locations(cadata=authority)
    return context


# ssl.SSLError: httpx passes on as it is what OpenSSL says of bytes that were changed on their way.
_DROPPED = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError, ssl.SSLError)


class _Dropped(Unreachable):
    """The connection ended under a request."""


class Client:
    """One device's connection to its authority, for one event loop. `server` is as in `https://hub.example:8443`."""

    bell = f"/{VERSION}/gate/doorbell"

    def __init__(self, server: str, context: ssl.SSLContext, signer: Signer, numbers: KeptNumber) -> None:
        self.signer = signer
        signer.last = max(signer.last, numbers.kept)
        self._numbers = numbers
        self._leap = AHEAD
        self._uploads = asyncio.Lock()  # numbers have to arrive in their order
        self._http = httpx.AsyncClient(
            base_url=server,
            verify=context,
            timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
            limits=httpx.Limits(max_connections=None, keepalive_expiry=KEEP_WARM_S),
            trust_env=False,  # no proxy and no other roots by way of the environment
            headers={"Accept-Encoding": "identity"},  # what is small here is small there
        )

    async def close(self) -> None:
        """Hang up."""
        await self._http.aclose()

    async def contact(self, told: Contact) -> tuple[Standing, int]:
        """A sign of life; what the authority wants, and the number that its time's signature covers."""
        async with self._uploads:
            return await self._upload("contact", told, Standing, CONTACT_S)

    async def send(self, batch: LedgerBatch) -> LedgerReceipt:
        """Upload lines; how far the authority holds the ledger now."""
        async with self._uploads:
            return (await self._upload("ledger", batch, LedgerReceipt))[0]

    async def renew(self, wish: RenewRequest) -> Enrolled:
        """Change keys and certificate; signed with the old key."""
        async with self._uploads:
            return (await self._upload("renew", wish, Enrolled))[0]

    async def claim(self, claims: ClaimBatch, within_s: float) -> ClaimAnswers:
        """Ask for tickets, on a connection that is open already where there is one."""
        return (await self._ask("POST", f"/{VERSION}/gate/claims", claims, ClaimAnswers, within_s))[0]

    async def rings(self, cursor: int) -> AsyncIterator[int | None]:
        """The doorbell, until it breaks: cursors, and `None` once the connection stands."""
        async with self.stream("GET", f"{self.bell}?cursor={cursor}", read_s=SILENCE_S) as response:
            yield None
            try:
                async for event in EventSource(response).aiter_sse():
                    if event.event == "ring":
                        yield from_json(Ring, event.data).cursor
            except (SSEError, WireError) as error:
                raise Garbled(f"the doorbell rang and said nothing that can be read: {error}") from None

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        target: str,
        *,
        body: bytes = b"",
        read_s: float = ANSWER_S,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[httpx.Response]:
        """One signed request, and its answer to be read piece by piece. Raises `SyncFailed`."""
        sent = self._signed(method, target, body) | dict(headers or {})
        if body:
            sent["Content-Type"] = "application/json"
        timeout = httpx.Timeout(ANSWER_S, connect=CONNECT_S, read=read_s)
        try:
            async with self._http.stream(method, target, content=body, headers=sent, timeout=timeout) as response:
                if response.status_code not in (200, 206):
                    raise refusal(response.status_code, await read_all(response, LARGEST_ANSWER))
                yield response
        except _DROPPED as error:
            raise _Dropped(_words(error)) from None
        except httpx.HTTPError as error:
            raise Unreachable(_words(error)) from None

    async def _upload(self, what: str, noun: object, kind: type[T], within_s: float = WHOLE_S) -> tuple[T, int]:
        """A request whose number is spent. Where ours fell behind the last one taken, it leaps until it fits."""
        try:
            answer = await self._ask("POST", f"/{VERSION}/gate/{what}", noun, kind, within_s)
        except RefusedBy as refused:
            if refused.code == "replayed":
                self.signer.last += self._leap
                self._leap *= 2
            raise
        self._leap = AHEAD
        return answer

    async def _ask(self, method: str, target: str, noun: object, kind: type[T], within_s: float) -> tuple[T, int]:
        """The answer, and the number of the request. Every request may be made twice."""
        body = to_json(noun)
        try:
            async with asyncio.timeout(within_s):
                try:
                    number, raw = await self._once(method, target, body)
                except _Dropped:  # perhaps a kept connection that the server had just given up
                    number, raw = await self._once(method, target, body)
        except TimeoutError:
            raise Unreachable(f"no answer within {within_s:g} s") from None
        try:
            return from_json(kind, raw), number
        except WireError as error:
            raise Garbled(
                f"the authority's answer can't be read ({error}): is its program older than this one?"
            ) from None

    async def _once(self, method: str, target: str, body: bytes) -> tuple[int, bytes]:
        async with self.stream(method, target, body=body) as response:
            return int(response.request.headers[NUMBER_HEADER]), await read_all(response, LARGEST_ANSWER)

    def _signed(self, method: str, target: str, body: bytes) -> dict[str, str]:
        headers = self.signer.headers(method, target, body)
        if self.signer.last > self._numbers.kept:
            self._numbers.reserve(self.signer.last)  # before anything is sent with it
        return headers

    def look_ahead(self) -> None:
        """Reserve numbers early, so that no claim waits for the disk. May block: call it in a thread."""
        if not self._numbers.covers(self.signer.last):
            self._numbers.reserve(self.signer.last)


async def read_all(response: httpx.Response, limit: int) -> bytes:
    """The body, if it is not larger than `limit`."""
    pieces, size = [], 0
    async for piece in response.aiter_bytes():
        size += len(piece)
        if size > limit:
            raise Garbled(f"the authority's answer does not end at {limit} bytes")
        pieces.append(piece)
    return b"".join(pieces)


def refusal(status: int, raw: bytes) -> SyncFailed:
    """The failure that a status other than success stands for."""
    try:
        problem = from_json(Problem, raw)
    except WireError:
        problem = Problem("http", f"status {status}")
    if status >= 500:
        return Unreachable(f"the authority is in trouble: status {status}")
    kind = Revoked if problem.code == "revoked" else RefusedBy
    return kind(status, problem.code[:64], problem.detail[:500])


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__

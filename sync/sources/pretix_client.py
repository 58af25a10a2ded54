"""pretix over HTTPS: orders by the time of their change, files, check-ins and refusals.

The token is in a header and nowhere else. Nothing that pretix answers is repeated in an error: it may name a person.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar
from urllib.parse import quote, urlsplit

import httpx

from models.wire import WireError, from_json
from sync.sources.pretix_shapes import (
    Initialized,
    Item,
    ItemsPage,
    Order,
    OrdersPage,
    Redeemed,
    Subevent,
    SubeventsPage,
)

DEVICE, TOKEN = "Device", "Token"
FILE_LIMIT = 16 << 20
PAGE_SIZE = 50  # pretix gives no more

_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_WAIT = (408, 425, 429)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class _Page(Protocol):
    @property
    def next(self) -> str | None: ...


T = TypeVar("T")
P = TypeVar("P", bound=_Page)


class PretixFailed(Exception):
    """Something that was asked of pretix did not happen."""


class PretixAway(PretixFailed):
    """Not reached, or not able to answer now: the same may be asked again later."""


class PretixDenied(PretixFailed):
    """The credential is not, or no longer, good for this."""


class PretixRefused(PretixFailed):
    """Asking again would not help. `status` is that of HTTP."""

    def __init__(self, words: str, status: int = 0) -> None:
        super().__init__(words)
        self.status = status


@dataclass(frozen=True, slots=True)
class Access:
    """Where an organiser's event is, and the credential for it: `scheme` is `Device` or `Token`."""

    base_url: str
    organizer: str
    event: str
    scheme: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Checkin:
    """One passage to tell. The `nonce` makes a repetition harmless. `at` is in Unix seconds."""

    check_in_list: int
    secret: str = field(repr=False)
    exit: bool
    at: float
    nonce: str


def checked_url(url: str) -> str:
    """The base URL without its last slash. Raises `PretixRefused` for one to which no token may go."""
    parts = urlsplit(url)
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not (secure and parts.hostname) or parts.username or parts.query or parts.fragment:
        raise PretixRefused("the address of pretix is https://HOST or https://HOST/PATH, without name or query")
    return url.rstrip("/")


def enrol(base_url: str, code: str, transport: httpx.BaseTransport | None = None) -> Initialized:
    """Become one of pretix's devices by its initialisation token, which is good for one time. Raises `PretixFailed`."""
    told = {
        "token": code,
        "hardware_brand": "Menshen",
        "hardware_model": "centre",
        "software_brand": "Menshen",
        "software_version": "1",
    }
    with _http(checked_url(base_url), {}, transport) as http:
        return _typed(Initialized, _answer(http, "POST", "device/initialize", json=told))


class Pretix:
    """One event at pretix. Use as a context manager. Every method raises `PretixFailed`."""

    def __init__(self, access: Access, transport: httpx.BaseTransport | None = None) -> None:
        self._base = checked_url(access.base_url)
        self._organizer = f"organizers/{quote(access.organizer, safe='')}"
        self._event = f"{self._organizer}/events/{quote(access.event, safe='')}"
        self._http = _http(self._base, {"Authorization": f"{access.scheme} {access.token}"}, transport)

    def __enter__(self) -> Pretix:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def orders(self, since: str = "") -> Iterator[tuple[str, tuple[Order, ...]]]:
        """Pages of orders changed since then (as pretix wrote it), each with the time at which pretix made it.

        By time of sale: an order that changes between two pages keeps its place, and none slips through.
        """
        query = {"include_canceled_positions": "true", "ordering": "datetime"}
        if since:
            query["modified_since"] = since
        for answer, page in self._pages(OrdersPage, f"{self._event}/orders/", query):
            yield answer.headers.get("X-Page-Generated", ""), page.results

    def order(self, code: str) -> Order:
        """One order."""
        query = {"include_canceled_positions": "true"}
        path = f"{self._event}/orders/{quote(code, safe='')}/"
        return _typed(Order, _answer(self._http, "GET", path, params=query))

    def items(self) -> dict[int, Item]:
        """All products."""
        pages = self._pages(ItemsPage, f"{self._event}/items/", {})
        return {item.id: item for _, page in pages for item in page.results}

    def subevents(self) -> dict[int, Subevent]:
        """All dates of a series; none where the event is no series."""
        pages = self._pages(SubeventsPage, f"{self._event}/subevents/", {})
        return {date.id: date for _, page in pages for date in page.results}

    def file(self, url: str) -> bytes:
        """The file that an answer names. Only from pretix itself: the token goes nowhere else."""
        if not url.startswith(f"{self._base}/api/v1/"):
            raise PretixRefused("a file is not where pretix's own API is")
        with _spoken(), self._http.stream("GET", url) as answer:
            _judge(answer)
            data = bytearray()
            for some in answer.iter_bytes():
                data += some
                if len(data) > FILE_LIMIT:
                    raise PretixRefused(f"a file of more than {FILE_LIMIT >> 20} MB")
        return bytes(data)

    def check_in(self, told: Checkin) -> Redeemed:
        """Tell a passage that has happened: pretix may mark it as forced, it can't undo it.

        What it can't take at all (an unknown code, a rule of its own) comes back as an `error` with its reason.
        """
        body = {
            "lists": [told.check_in_list],
            "secret": told.secret,
            "type": "exit" if told.exit else "entry",
            "force": True,
            "ignore_unpaid": True,
            "questions_supported": False,
            "nonce": told.nonce,
            "datetime": _iso(told.at),
        }
        answer = _sent(self._http, "POST", f"{self._organizer}/checkinrpc/redeem/", json=body)
        if answer.status_code in (400, 404):
            try:
                return from_json(Redeemed, answer.content)
            except WireError:
                pass
        _judge(answer)
        return _typed(Redeemed, answer)

    def refused(self, told: Checkin, reason: str, words: str) -> None:
        """Tell that somebody was refused; `reason` is one of pretix's own."""
        body = {
            "error_reason": reason,
            "error_explanation": words,
            "raw_barcode": told.secret,
            "type": "exit" if told.exit else "entry",
            "nonce": told.nonce,
            "datetime": _iso(told.at),
        }
        _answer(self._http, "POST", f"{self._event}/checkinlists/{told.check_in_list}/failed_checkins/", json=body)

    def _pages(self, kind: type[P], path: str, query: dict[str, str]) -> Iterator[tuple[httpx.Response, P]]:
        """By number: the links to the next page bear whatever host name pretix believes to have."""
        number, more = 1, True
        while more:
            params = query | {"page": str(number), "page_size": str(PAGE_SIZE)}
            answer = _answer(self._http, "GET", path, params=params)
            page = _typed(kind, answer)
            yield answer, page
            number, more = number + 1, page.next is not None


class _spoken:  # noqa: N801  reads as a statement
    """Whatever goes wrong on the wire is one failure."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, httpx.HTTPError | httpx.InvalidURL):
            raise PretixAway(f"pretix was not reached ({type(error).__name__})") from None


def _http(base_url: str, headers: dict[str, str], transport: httpx.BaseTransport | None) -> httpx.Client:
    return httpx.Client(
        base_url=f"{base_url}/api/v1/", headers=headers, timeout=_TIMEOUT, transport=transport, follow_redirects=False
    )


def _sent(http: httpx.Client, method: str, path: str, **more: Any) -> httpx.Response:
    with _spoken():
        return http.request(method, path, **more)


def _answer(http: httpx.Client, method: str, path: str, **more: Any) -> httpx.Response:
    answer = _sent(http, method, path, **more)
    _judge(answer)
    return answer


def _judge(answer: httpx.Response) -> None:
    status = answer.status_code
    if status in (401, 403):
        raise PretixDenied(f"pretix does not take the credential for this ({status})")
    if status >= 500 or status in _WAIT:
        raise PretixAway(f"pretix can't answer now ({status})")
    if not 200 <= status < 300:
        raise PretixRefused(f"pretix refused what was asked ({status})", status)


def _typed(kind: type[T], answer: httpx.Response) -> T:
    try:
        return from_json(kind, answer.content)
    except WireError:
        raise PretixRefused(f"pretix gave no {kind.__name__}: is this address pretix's?") from None


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()

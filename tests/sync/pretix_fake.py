"""The other end of the wire: pretix's API over `httpx.MockTransport`, in the shapes that pretix 2026.8.0 gave us."""

from __future__ import annotations

import json
from typing import Any

import httpx

from models.ids import check_digit

URL, TOKEN = "https://tickets.example", "s3cretdevicetoken"
STEM = "/api/v1/organizers/hall"
EVENT = f"{STEM}/events/gala"
GENERATED = "2026-11-22T07:30:37.529439Z"
SOLD_AT = "2026-11-22T07:30:36.681412Z"


def number(serial: int) -> str:
    """A well-formed ID number of nobody."""
    stem = f"11010519491231{serial:03d}"
    return stem + check_digit(stem)


def answer(question: str, text: str, *options: str) -> dict[str, Any]:
    """An answer to a question."""
    return {
        "question": 1,
        "answer": text,
        "question_identifier": question,
        "options": [7 for _ in options],
        "option_identifiers": list(options),
    }


def position(serial: int, *answers: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A position as recorded, of a made-up person."""
    recorded = {
        "id": serial,
        "order": "YKEDF",
        "positionid": 1,
        "item": 1,
        "variation": None,
        "price": "0.00",
        "attendee_name": "张三",
        "attendee_name_parts": {"_scheme": "full", "full_name": "张三"},
        "company": None,
        "attendee_email": None,
        "voucher": None,
        "tax_rate": "0.00",
        "secret": f"secret{serial}",
        "addon_to": None,
        "subevent": None,
        "checkins": [],
        "print_logs": [],
        "downloads": [],
        "answers": list(answers) or [answer("id_number", number(serial))],
        "pseudonymization_id": "KSTSZKY93R",
        "seat": {
            "id": 1,
            "name": "Stalls, Row A, Seat 0",
            "seat_guid": "S0",
            "zone_name": "Stalls",
            "row_name": "A",
            "row_label": None,
            "seat_label": None,
            "seat_number": "0",
        },
        "canceled": False,
        "tax_code": None,
        "valid_from": None,
        "valid_until": None,
        "blocked": None,
        "voucher_budget_use": None,
        "plugin_data": {},
    }
    return recorded | changes


def order(code: str, *positions: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """An order as recorded."""
    recorded = {
        "code": code,
        "event": "gala",
        "status": "p",
        "testmode": False,
        "email": "nobody@example.org",
        "locale": "en",
        "datetime": SOLD_AT,
        "payments": [{"local_id": 1, "state": "confirmed", "amount": "0.00", "provider": "manual"}],
        "refunds": [],
        "require_approval": False,
        "valid_if_pending": False,
        "last_modified": "2026-11-22T07:30:36.763445Z",
        "positions": list(positions),
    }
    return recorded | changes


class FakePretix:
    """Orders, items and check-ins in memory. `down` answers with that status; `lose` loses so many answers to POSTs."""

    def __init__(self) -> None:
        self.orders: list[dict[str, Any]] = []
        self.checkins: dict[str, dict[str, Any]] = {}
        self.failed: dict[str, dict[str, Any]] = {}
        self.files: dict[str, bytes] = {}
        self.unknown: set[str] = set()
        self.requests: list[httpx.Request] = []
        self.down, self.lose = 0, 0

    @property
    def transport(self) -> httpx.MockTransport:
        """What a client connects through."""
        return httpx.MockTransport(self._serve)

    def sell(self, code: str, *positions: dict[str, Any], minute: int = 31, **changes: Any) -> None:
        """A new order, or a change of one."""
        self.orders = [one for one in self.orders if one["code"] != code]
        modified = f"2026-11-22T07:{minute}:00.000000Z"
        self.orders.append(order(code, *positions, **{"last_modified": modified} | changes))

    def _serve(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.path == "/api/v1/device/initialize":
            told = {"organizer": "hall", "device_id": 1, "unique_serial": "X", "api_token": TOKEN, "name": "Menshen"}
            return httpx.Response(200, json=told | {"security_profile": "full", "gate": None})
        if self.down:
            return httpx.Response(self.down, json={"detail": "no"})
        if request.headers["Authorization"].partition(" ")[2] != TOKEN:
            return httpx.Response(401, json={"detail": "Invalid token."})
        done = self._post(request) if request.method == "POST" else self._get(request)
        if request.method == "POST" and self.lose:
            self.lose -= 1
            raise httpx.ReadTimeout("lost", request=request)
        return done

    def _get(self, request: httpx.Request) -> httpx.Response:
        path, query = request.url.path, request.url.params
        if path == f"{EVENT}/orders/":
            since = query.get("modified_since", "")
            return self._page([one for one in self.orders if one["last_modified"] >= since[:19]], query)
        if path.startswith(f"{EVENT}/orders/"):
            found = [one for one in self.orders if one["code"] == path.split("/")[-2]]
            return httpx.Response(200, json=found[0]) if found else httpx.Response(404, json={})
        if path == f"{EVENT}/items/":
            return self._page([{"id": 1, "admission": True}, {"id": 2, "admission": False}], query)
        if path == f"{EVENT}/subevents/":
            return self._page([], query)
        content = self.files.get(str(request.url))
        return httpx.Response(404) if content is None else httpx.Response(200, content=content)

    def _page(self, results: list[dict[str, Any]], query: httpx.QueryParams) -> httpx.Response:
        page, size = int(query["page"]), int(query["page_size"])
        some = results[(page - 1) * size : page * size]
        more = "http://internal:8000/next" if page * size < len(results) else None
        told = {"count": len(results), "next": more, "previous": None, "results": some}
        return httpx.Response(200, json=told, headers={"X-Page-Generated": GENERATED})

    def _post(self, request: httpx.Request) -> httpx.Response:
        told = json.loads(request.content)
        if request.url.path.endswith("/failed_checkins/"):
            self.failed.setdefault(told["nonce"], told)
            return httpx.Response(201, json=told)
        if told["secret"] in self.unknown:
            more = {"detail": "Not found.", "reason_explanation": None, "require_attention": False}
            return httpx.Response(404, json={"status": "error", "reason": "invalid"} | more)
        self.checkins.setdefault(told["nonce"], told)
        return httpx.Response(201, json={"status": "ok", "require_attention": False, "checkin_texts": []})

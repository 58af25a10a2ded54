"""The box office at pretix: sells, refunds and changes over pretix's own API, as a shop or its staff would."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from models.ids import check_digit

EVENT = "organizers/hall/events/gala"


def number(serial: int) -> str:
    """A well-formed ID number of nobody."""
    stem = f"11010519491231{serial:03d}"
    return stem + check_digit(stem)


@dataclass(frozen=True)
class Person:
    """Somebody who buys: what stands in the form."""

    name: str = "张三丰"
    number: str = ""
    item: str = "public"
    document: str = ""
    portrait: bytes = b""
    consent: bool = False
    seat: str = ""


class Office:
    """Works with a team's token."""

    def __init__(self, url: str, made: dict[str, Any]) -> None:
        self._made = made
        headers = {"Authorization": f"Token {made['office']}"}
        self.http = httpx.Client(base_url=f"{url}/api/v1/", headers=headers, timeout=60)

    def sell(self, people: list[Person], **more: Any) -> dict[str, Any]:
        """One order, paid."""
        body = {
            "email": "nobody@example.org",
            "locale": "en",
            "status": "p",
            "sales_channel": "web",
            "payment_provider": "manual",
            "positions": [self._position(place, person) for place, person in enumerate(people, start=1)],
        }
        return self._good("POST", f"{EVENT}/orders/", json=body | more)

    def cancel(self, code: str) -> None:
        """The whole order."""
        self._good("POST", f"{EVENT}/orders/{code}/mark_canceled/", json={"send_email": False})

    def cancel_position(self, code: str, position: int) -> None:
        """One of several."""
        body = {"cancel_positions": [{"position": position}], "send_email": False}
        self._good("POST", f"{EVENT}/orders/{code}/change/", json=body)

    def change_holder(self, position: int, person: Person) -> None:
        """Another name and number for what was sold."""
        told = self._position(1, person)
        body = {name: told[name] for name in ("attendee_name_parts", "answers")}
        self._good("PATCH", f"{EVENT}/orderpositions/{position}/", json=body)

    def order(self, code: str) -> dict[str, Any]:
        """As pretix has it now."""
        return self._good("GET", f"{EVENT}/orders/{code}/", params={"include_canceled_positions": "true"})

    def checkins(self) -> list[dict[str, Any]]:
        """All check-ins, successful ones and refusals."""
        return list(self._all(f"{EVENT}/checkins/"))

    def _all(self, path: str) -> Iterator[dict[str, Any]]:
        page = 1
        while True:
            told = self._good("GET", path, params={"page": str(page), "page_size": "50"})
            yield from told["results"]
            if not told["next"]:
                return
            page += 1

    def _position(self, place: int, person: Person) -> dict[str, Any]:
        answers = [self._answer("id_number", person.number)] if person.number else []
        if person.document:
            answers.append(self._answer("document", person.document, [self._made["options"][person.document]]))
        if person.consent:
            answers.append(self._answer("consent", "true"))
        if person.portrait:
            answers.append(self._answer("portrait", self._upload(person.portrait)))
        position = {
            "positionid": place,
            "item": self._made["items"][person.item],
            "variation": None,
            "price": "0.00",
            "attendee_name_parts": {"_scheme": "full", "full_name": person.name},
            "answers": answers,
        }
        return position | ({"seat": person.seat} if person.seat else {})

    def _answer(self, question: str, answer: str, options: list[int] | None = None) -> dict[str, Any]:
        return {"question": self._made["questions"][question], "answer": answer, "options": options or []}

    def _upload(self, picture: bytes) -> str:
        headers = {"Content-Type": "image/png", "Content-Disposition": 'attachment; filename="portrait.png"'}
        told = self._good("POST", "upload", content=io.BytesIO(picture).read(), headers=headers)
        return str(told["id"])

    def _good(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        answer = self.http.request(method, path, **more)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        told: dict[str, Any] = answer.json()
        return told

"""Codes before a scanner on a serial line: signed ones on paper, and on phones signed ones that change."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from drivers.reader.line import LineSimulator
from gate.demo.cast import DAY_S, EVENT, HOUR_S, Person
from gate.demo.night import Night
from gate.demo.readers import Bench, DemoReader, Wire
from gate.demo.stories import OK, PASSED, Book, does, ends
from models.code import SignedCode
from models.decision import Reason, Verdict
from models.ids import DocumentType
from models.store.code_signature import SECRET_BYTES, RotatingSecret, sign_code, sign_rotating_code
from models.store.key_file import write_secret
from models.store.public_key import KeyUse, PublicKey, write_public_key

AGAIN_S = 0.15  # a code that was not seen for this time was taken away
OLD_S = 120.0  # how old a screenshot is


class CodePress:
    """The issuer of this evening's codes."""

    def __init__(self, folder: Path) -> None:
        self._key = Ed25519PrivateKey.generate()
        self._secret = RotatingSecret(os.urandom(SECRET_BYTES))
        self._shown: dict[str, str] = {}
        self.public, self.secret = folder / "codes.pub", folder / "codes.secret"
        raw = self._key.public_key().public_bytes_raw()
        write_public_key(self.public, PublicKey(KeyUse.ISSUER, "demo-box-office", raw))
        self.secret.unlink(missing_ok=True)
        write_secret(self.secret, self._secret.secret)

    def text(self, one: Person) -> str:
        """What this person holds up now; `one.document` says on what, and what is odd about it."""
        now = time.time()
        if one.document == "picture":
            return self._shown[one.ticket]
        event = "another-evening" if one.document == "other event" else EVENT
        code = SignedCode(event, one.ticket, int(now - HOUR_S), self._last_second(one, now))
        if one.document in ("phone", "screenshot"):
            text = sign_rotating_code(code, self._key, self._secret).text(
                now - OLD_S if one.document == "screenshot" else now
            )
        else:
            text = sign_code(code, self._key)
        self._shown[one.ticket] = text
        return text

    def _last_second(self, one: Person, now: float) -> int:
        expired = one.card_ends is not None and one.card_ends < datetime.now(UTC).date()
        return int(now - HOUR_S / 2 if expired else now + DAY_S)


class CodeScanner(DemoReader):
    """A scanner that looks all the time."""

    def __init__(self, bench: Bench, press: CodePress, name: str) -> None:
        self._press = press
        options = f"keys={press.public}&totp={press.secret}&event={EVENT}&again_ms={AGAIN_S * 1000:.0f}"
        self.url = f"line+serial://{bench.folder / name}?{options}"
        self._scanner = LineSimulator(bench.line(name))
        self._scanned = False
        bench.run(self._scanner.run)

    def present(self, one: Person) -> None:
        """See `DemoReader`."""
        self._scan(self._press.text(one))

    def garble(self, one: Person) -> None:
        """A scan of which the line made something that is no text."""
        self._scanned = True
        self.last_answer_at = time.monotonic()
        self._scanner.send([b"\xff\xfe" + self._press.text(one).encode()[2:12] + b"\xff\r"])

    def forge(self, one: Person) -> None:
        """A letter of the code was changed."""
        text = self._press.text(one)
        self._scan(text[:40] + ("A" if text[40] != "A" else "B") + text[41:])

    def show_something_else(self, one: Person) -> None:
        """Some other code: the address of a page."""
        self._scan("https://example.org/menu")

    def rest(self) -> None:
        """See `DemoReader`."""
        if self._scanned:
            threading.Event().wait(2 * AGAIN_S)
        self._scanned = False

    def _scan(self, text: str) -> None:
        self._scanned = True
        self.last_answer_at = time.monotonic()
        self._scanner.scan(text)


def _fit(bench: Bench) -> tuple[DemoReader, DemoReader]:
    press = CodePress(bench.folder)
    return CodeScanner(bench, press, "scanner"), CodeScanner(bench, press, "exit-scanner")


def _expired(book: Book) -> None:
    one = book.someone(card_ends=datetime(2022, 1, 1, tzinfo=UTC).date())
    book.tell("a code whose time is over", (one,), does(Night.is_stopped, one), ends(Verdict.DENY, Reason.EXPIRED))


def _more(book: Book) -> None:
    phone = book.someone(document="phone")
    picture = replace(phone, document="picture")
    book.tell("a code on a phone, which changes", (phone,), does(Night.enters, phone), OK, leaves=(PASSED,))
    used = ends(Verdict.DENY, Reason.CODE_USED)
    book.tell("somebody with a picture of that code", (picture,), does(Night.is_stopped, picture), used, unseen=True)
    for name, odd in (("a screenshot of two minutes ago", "screenshot"), ("a code for another evening", "other event")):
        one = book.someone(document=odd)
        rejected = ends(Verdict.DENY, Reason.REJECTED_CARD)
        book.tell(name, (one,), does(Night.is_stopped, one), rejected, unseen=True)


_NO_PERSON = "a code names a ticket and no person who could be on a list"
WIRE = Wire(
    "line",
    "signed codes on paper and changing ones on phones, before a scanner on a serial line",
    fit=_fit,
    document=lambda one: (DocumentType.TICKET_CODE, one.ticket),
    meaning=(
        "The rules of a concert take signed codes with a face beside them: any picture of a code is as good as the "
        "code, so alone it opens nothing."
    ),
    left_out={
        "two tickets on one ID": "a code names a ticket and no person, so nobody sees that two belong to one",
        "card pulled too soon": "a code is scanned whole or not at all",
        "on a watchlist, cleared by staff": _NO_PERSON,
        "on a list that only informs": _NO_PERSON,
    },
    titles={
        "card with a bad checksum": "a scan disturbed on the line",
        "card the module rejects": "a letter of the code changed",
        "a bus card": "some other QR code",
        "wrong person with the right card": "wrong person with the right code",
    },
    retold={"expired card": _expired},
    more=_more,
    timed="from the scan, the line's own time included",
)

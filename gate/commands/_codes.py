"""Ticket codes: made out of the table that the manifest is made of, and taken apart for a person to look at."""

from __future__ import annotations

import base64
import csv
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models.code import CodeKind, CodeProblem, SignedCode, key_id_of, read_payload, take_apart
from models.ids import DocumentType, mask_number
from models.store.code_signature import RotatingSecret, code_keys, open_code, sign_code, sign_rotating_code
from models.totp import ticket_key
from sync.holding import Holding

ON_PAPER = ("ticket", "number", "not_before", "not_after", "code")
ON_A_PHONE = ("ticket", "number", "not_before", "not_after", "code", "key", "step_s", "digits")

FAR_STEPS = 40
"""So far from now a changing code's step is looked for, to tell how far two clocks are apart."""


class CannotIssue(ValueError):
    """No codes can be made of this table; the words say why and what to do."""


@dataclass(frozen=True, slots=True)
class Press:
    """What codes are made with. Times are Unix seconds; without `until` each code ends with its ticket."""

    event: str
    key: Ed25519PrivateKey
    begins: float
    until: float | None = None
    rotating: RotatingSecret | None = None


@dataclass(frozen=True, slots=True)
class Printed:
    """The codes as rows for a CSV file, and how many tickets have no number of a code and so got none."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = field(repr=False)
    without: int

    def as_csv(self) -> str:
        """The table, with its header."""
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([self.columns, *self.rows])
        return out.getvalue()


def print_codes(holdings: Iterable[Holding], press: Press) -> Printed:
    """A code for each `ticket_code` by which a ticket may be opened. Raises `CannotIssue`."""
    rows: list[tuple[str, ...]] = []
    without = 0
    for holding in holdings:
        numbers = [one.number for one in holding.documents if one.kind is DocumentType.TICKET_CODE]
        without += not numbers
        rows += (_row(holding, number, press) for number in numbers)
    if not rows:
        raise CannotIssue("no ticket has a code: give rows document=ticket_code and a number, or document2 and number2")
    return Printed(ON_A_PHONE if press.rotating else ON_PAPER, tuple(rows), without)


def _row(holding: Holding, number: str, press: Press) -> tuple[str, ...]:
    ends = press.until if press.until is not None else holding.ticket.validity.not_after
    code = SignedCode(press.event, number, math.floor(press.begins), math.ceil(ends))
    common = (holding.ticket.ticket, number, str(code.not_before), str(code.not_after))
    try:
        if press.rotating is None:
            return (*common, sign_code(code, press.key))
        made = sign_rotating_code(code, press.key, press.rotating)
    except ValueError as error:
        raise CannotIssue(f"ticket {holding.ticket.ticket}: {error}") from None
    key, how = base64.b32encode(made.key).decode(), made.rotation
    return (*common, str(replace(made.parts, digits="{digits}")), key, str(how.step_s), str(how.digits))


@dataclass(frozen=True, slots=True)
class Account:
    """What a code says, without its ticket's number in full, and what is to be thought of it.

    `problem` is why no gate would take it now. `signed_by` is empty unless the signature was found good; without it
    nothing that the code says is vouched for. `off_steps`: by how many steps the digits are behind (-) or ahead.
    """

    kind: CodeKind | None
    problem: CodeProblem | None
    event: str = ""
    ticket: str = ""
    not_before: int = 0
    not_after: int = 0
    key_id: str = ""
    signed_by: str = ""
    step: int | None = None
    step_now: int | None = None
    off_steps: int | None = None


def account_of(text: str, issuers: Mapping[str, bytes], now: float, rotating: RotatingSecret | None) -> Account:
    """Take a code apart. `issuers` are raw public keys by name. A code that is none has neither kind nor words."""
    parts = take_apart(text)
    if isinstance(parts, CodeProblem):
        return Account(None, parts)
    try:
        said = read_payload(parts.payload)
    except ValueError:
        return Account(parts.kind, CodeProblem.MALFORMED)
    found = open_code(text, code_keys(issuers.values()), now, rotating)
    genuine = isinstance(found, SignedCode) or found in (CodeProblem.NO_SECRET, CodeProblem.WRONG_STEP)
    names = [name for name, raw in issuers.items() if key_id_of(raw) == said.key_id] if genuine else []
    account = Account(
        parts.kind,
        found.problem_at(now) if isinstance(found, SignedCode) else found,
        said.event,
        mask_number(said.ticket),
        said.not_before,
        said.not_after,
        said.key_id.hex(),
        ", ".join(names),
        step=found.step if isinstance(found, SignedCode) else None,
    )
    if parts.kind is CodeKind.FIXED or rotating is None or not genuine:
        return account
    return _with_steps(account, said, parts.digits, now, rotating)


def _with_steps(account: Account, said: SignedCode, digits: str, now: float, rotating: RotatingSecret) -> Account:
    here = rotating.rotation.counter(now)
    key = ticket_key(rotating.secret, said.event, said.ticket)
    step = account.step
    if step is None:
        step = replace(rotating.rotation, drift=FAR_STEPS).find(key, digits, now)
    return replace(account, step=step, step_now=here, off_steps=None if step is None else step - here)

"""Emergencies that went in by the red path, until somebody has asked who it was. The ledger gives them back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from gate.core.events import Event, StaffNoted
from gate.typed import NOT_RECORDED, credential_of
from models import wire
from models.command import Answer, Command
from models.credential import Credential
from models.ledger import Entry, EntryKind
from models.record import Body, RedBody, RedNamedBody
from models.red_path import OpenRed
from models.store.errors import StoreError
from models.store.ledger_read import LedgerReader

ENTRIES_BACK = 200
NO_SUCH = "no emergency of this number is still to be asked for"


class Reds:
    """Those who are still to be asked for, the oldest first."""

    def __init__(self) -> None:
        self._open: dict[int, OpenRed] = {}

    @property
    def open(self) -> tuple[OpenRed, ...]:
        """Whom nobody has asked for yet."""
        return tuple(self._open.values())

    def wrote(self, body: Body, at: float) -> None:
        """The ledger took an entry."""
        if isinstance(body, RedBody):
            self._open[body.attempt] = OpenRed(body.attempt, at, body.urgency)
        elif isinstance(body, RedNamedBody):
            self._open.pop(body.red, None)

    def restore(self, ledger: LedgerReader) -> None:
        """Take up what stood in the ledger. An older line that can't be read now is passed over."""
        entries = (*ledger.latest(EntryKind.RED, ENTRIES_BACK), *ledger.latest(EntryKind.RED_NAMED, ENTRIES_BACK))
        for body, at in _bodies(entries):
            self.wrote(body, at)


def _bodies(entries: Iterable[Entry]) -> Iterable[tuple[RedBody | RedNamedBody, float]]:
    for entry in entries:
        try:
            if entry.kind is EntryKind.RED:
                yield wire.from_builtins(RedBody, entry.body), entry.at
            else:
                yield wire.from_builtins(RedNamedBody, entry.body), entry.at
        except wire.WireError:
            continue


async def name_red(
    command: Command,
    reds: Reds,
    ask: Callable[[Event], Awaitable[bool]],
    key_of: Callable[[Credential], Awaitable[str]],
) -> Answer:
    """Write down who it was. With no document, that nobody could say: then too it has been asked."""
    if all(one.attempt != command.red for one in reds.open):
        return Answer(command.id, ok=False, error=NO_SUCH)
    document, person_key = None, ""
    try:
        if command.presented is not None:
            credential = credential_of(command.presented)
            document, person_key = credential.document, await key_of(credential)
    except (ValueError, StoreError) as error:
        return Answer(command.id, ok=False, error=str(error))
    body = RedNamedBody(command.red, command.actor, document, person_key)
    done = await ask(StaffNoted(EntryKind.RED_NAMED, body))
    return Answer(command.id, ok=done, error="" if done else NOT_RECORDED)

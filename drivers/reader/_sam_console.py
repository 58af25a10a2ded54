"""Lines of text that drive a simulated SAM module. The answer is `ok`, some words, or `error: …`.

present resident 测试样本 000000190001010017 [birth=19000101] [sex=1] [from=20200101] [to=20300101|长期]
present permit|foreigner2017|foreigner2023 "NAME" NUMBER [the same]
forged resident NAME NUMBER …   the module rejects this card
stranger                        a card that is no ID card
remove                          the card leaves the field
pull                            the next card leaves while it is read
spoil N [COMMAND]               wrong checksum in the next N answers (COMMAND: read, find, select, status, any …)
lose N [COMMAND]                no answer N times
status COMMAND CODE [N]         answer COMMAND with a status in hex, as in `status find 66`
mute|old|forgetful on|off       switch a fault
state                           what lies in the field
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from datetime import date, datetime

from drivers.reader._sam_cards import (
    Card,
    foreigner_card_2017,
    foreigner_card_2023,
    permit_card,
    resident_card,
)
from drivers.reader._sam_device import SamSimulator
from drivers.reader._sam_frames import NAMES, READ, Command

_MAKERS: dict[str, Callable[..., Card]] = {
    "resident": resident_card,
    "permit": permit_card,
    "foreigner2017": foreigner_card_2017,
    "foreigner2023": foreigner_card_2023,
}
_DATES = {"birth": "birth", "from": "valid_from", "to": "valid_to"}


def execute(module: SamSimulator, text: str) -> str:
    """Do what the line says."""
    try:
        word, *rest = shlex.split(text) or [""]
        if word not in _COMMANDS:
            return f"error: {word!r} is not known here, there are: {', '.join(_COMMANDS)}"
        return _COMMANDS[word](module, rest) or "ok"
    except KeyError as error:
        return f"error: {error.args[0]!r} is not known here"
    except (IndexError, ValueError, TypeError) as error:
        return f"error: {error}"


def _card(words: list[str]) -> Card:
    if len(words) < 3:
        raise ValueError(f"expected KIND NAME NUMBER, with KIND one of {', '.join(_MAKERS)}")
    kind, name, number, *pairs = words
    given = dict(pair.split("=", 1) for pair in pairs)
    fields = {_DATES.get(key, key): _day(value) if key in _DATES else value for key, value in given.items()}
    return _MAKERS[kind](name, number, **fields)


def _day(text: str) -> date | None:
    return None if text == "长期" else datetime.strptime(text, "%Y%m%d").date()


def _which(words: list[str]) -> Command | None:
    return None if words == ["any"] else NAMES[words[0]] if words else READ


def _switch(name: str) -> Callable[[SamSimulator, list[str]], None]:
    def switch(module: SamSimulator, words: list[str]) -> None:
        if words not in (["on"], ["off"]):
            raise ValueError(f"{name} on, or {name} off")
        setattr(module, name, words == ["on"])

    return switch


def _pull(module: SamSimulator, _: list[str]) -> None:
    module.pull_during_read = True


_COMMANDS: dict[str, Callable[[SamSimulator, list[str]], str | None]] = {
    "present": lambda module, words: module.present(_card(words)),
    "forged": lambda module, words: module.present(_card(words), read_status=0x32),
    "stranger": lambda module, _: module.not_an_id_card(),
    "remove": lambda module, _: module.remove(),
    "pull": _pull,
    "spoil": lambda module, words: module.spoil_checksum(int(words[0]), _which(words[1:])),
    "lose": lambda module, words: module.lose(int(words[0]), _which(words[1:])),
    "status": lambda module, words: module.force(NAMES[words[0]], int(words[1], 16), int((words[2:] or ["1"])[0])),
    "mute": _switch("mute"),
    "old": _switch("old"),
    "forgetful": _switch("forgetful"),
    "state": lambda module, _: module.describe(),
}

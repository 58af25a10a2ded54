"""The URL options of drivers that see bare contacts: which input means what, and how long things last.

    turn_in=1&turn_out=2:nc&fire=3&tamper=4:no&beam_a=6:nc&beam_b=7:nc

An input may say how its contact rests: `:no` normally open, `:nc` (or a `!`) normally closed, where the loss of the
level is what counts. Without it all are normally open but the fire loop: a cut wire is a fire.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from drivers._inputs import BEAM_STUCK_S, DEBOUNCE_S, JAM_S, NAMES, STUCK_S, Contact, Timing
from drivers.errors import UnknownDevice
from drivers.url import DeviceUrl

LEVELS = ("high", "low")
SHORTEST_DEBOUNCE_S, LONGEST_DEBOUNCE_S = 0.02, 0.05

OPTIONS: dict[str, str] = {
    "turn_in": "input that shows a turn inwards",
    "turn_out": "input that shows a turn outwards",
    "second": "input by which the turnstile itself tells a second person",
    "fire": "input of the fire loop, closed at rest",
    "tamper": "input of the cover's contact",
    "cabinet": "input of the cabinet door's contact",
    "held": "input that shows the turnstile kept from closing",
    "jam": "input by which the turnstile itself tells a jam",
    "beam_a": "input of the outer light beam, active while blocked",
    "beam_b": "input of the inner light beam, active while blocked",
    "debounce_ms": "how long a level must last to count, 20 to 50 (30)",
    "beam_ms": "the same for beams, 1 to 50 (30)",
    "turn_min_ms": "a shorter pulse is no turn, 0 to 1000 (0)",
    "stuck_s": "a turn that lasts longer is a stuck contact, in seconds (10)",
    "jam_s": "a beam blocked for longer is a jam, in seconds (8)",
    "beam_stuck_s": "a beam blocked for longer is dirty or out of line, in seconds (60)",
    "gap_ms": "somebody so close behind another is a second person, 50 to 2000 (250)",
}

_RESTS = {":no": False, ":nc": True, "!": True}


def timing_of(url: DeviceUrl) -> Timing:
    """How long things last, by the options of `url`."""

    def milliseconds(name: str, default_s: float, low_s: float, high_s: float) -> float:
        return url.option(name, float, default_s * 1000, low=low_s * 1000, high=high_s * 1000) / 1000

    default = Timing()
    return Timing(
        debounce_s=milliseconds("debounce_ms", DEBOUNCE_S, SHORTEST_DEBOUNCE_S, LONGEST_DEBOUNCE_S),
        beam_debounce_s=milliseconds("beam_ms", default.beam_debounce_s, 0.001, LONGEST_DEBOUNCE_S),
        turn_min_s=milliseconds("turn_min_ms", 0.0, 0.0, 1.0),
        stuck_s=url.option("stuck_s", float, STUCK_S, low=1, high=3600),
        jam_s=url.option("jam_s", float, JAM_S, low=1, high=3600),
        beam_stuck_s=url.option("beam_stuck_s", float, BEAM_STUCK_S, low=1, high=36000),
        gap_s=milliseconds("gap_ms", default.gap_s, 0.05, 2.0),
    )


def contacts_of(
    url: DeviceUrl,
    check: Callable[[str, str], str],
    *,
    closed_level: bool = True,
    fire_level: bool | None = None,
    defaults: Mapping[str, str] | None = None,
) -> dict[str, Contact]:
    """The contacts that `url` names. `check` takes an option's name and an input, and gives the input or "" for none.

    `closed_level` is the level of a closed contact; `fire_level` is the one that means fire where the URL doesn't say
    how the fire contact rests (default: the loss of `closed_level`). Raises `UnknownDevice` for an input given twice
    and where there is none at all.
    """
    contacts: dict[str, Contact] = {}
    for name in NAMES:
        text = url.options.get(name, (defaults or {}).get(name, ""))
        source, closed_at_rest = _parse(text)
        source = check(name, source) if source else ""
        if not source:
            continue
        if source in [other.input for other in contacts.values()]:
            raise UnknownDevice(f"{url}: input {source} is given twice, the second time as {name}")
        if closed_at_rest is None and name == "fire" and fire_level is not None:
            active_level = fire_level
        else:
            active_level = closed_level != (name == "fire" if closed_at_rest is None else closed_at_rest)
        contacts[name] = Contact(source, active_level)
    if not contacts:
        raise UnknownDevice(f"{url}: no input is given; name at least one, such as turn_in=1")
    return contacts


def _parse(text: str) -> tuple[str, bool | None]:
    """The input, and whether its contact is closed at rest; `None` where that isn't said."""
    for suffix, closed in _RESTS.items():
        if text.endswith(suffix):
            return text.removesuffix(suffix), closed
    return text, None

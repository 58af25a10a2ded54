"""Light beams across a passage: who went which way, and whether somebody went along. A part of `_inputs`.

Beam A is the outer one, B the inner one. Whoever blocks A first and leaves through B has entered, the other way round
has left; whoever leaves where they came from has done nothing, however often they stepped to and fro. Somebody slim may
leave the first beam before the second is hit: the second must then follow within `PAIR_S`.

A beam that is hit within `gap_s` after the last one cleared, behind somebody who went through, is a second person. The
way of the second person is no turn of its own: one release, one turn. With one beam alone there is no way to know the
direction: it tells second people, and no turns.

**Two beams can't tell everything.** Two people who overlap in the beams are one to them, and a suitcase that is pulled
behind is a second person if its owner lets the light through.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from models.passage import Direction, SensorSignal, SignalKind

GAP_S = 0.25
PAIR_S = 1.0

_LEADS_TO = {"beam_a": Direction.EXIT, "beam_b": Direction.ENTRY}


class Beams:
    """The beams called `names` (`beam_a`, `beam_b`, or one of them, or none)."""

    def __init__(self, names: Collection[str], *, gap_s: float = GAP_S, tells_turns: bool = True) -> None:
        self._pair = len(names) == len(_LEADS_TO)
        self._gap_s = gap_s
        self._tells_turns = tells_turns
        self._blocked: set[str] = set()
        self._first: str | None = None
        """Where the one in the beams came in, or came in lately."""
        self._hit_at = self._clear_at = float("-inf")
        self._went: Direction | None = None
        """The way of the one who went through last, until somebody else comes."""
        self._follows = False

    def change(self, beam: str, blocked: bool, at: float) -> Iterator[SensorSignal]:
        """A debounced change of one beam, and when it was."""
        if blocked:
            if not self._blocked:
                yield from self._come(beam, at)
            elif at == self._hit_at:
                self._first = None  # both at one look: nobody knows which was the first
            self._blocked.add(beam)
        elif beam in self._blocked:
            self._blocked.discard(beam)
            if not self._blocked:
                yield from self._leave(beam, at)

    def _come(self, beam: str, at: float) -> Iterator[SensorSignal]:
        waits = self._went is None and self._first not in (None, beam) and at - self._clear_at <= PAIR_S
        if self._went is not None and at - self._clear_at <= self._gap_s:
            self._follows = True
            yield SensorSignal(SignalKind.SECOND_PERSON, self._went)
        elif not waits:
            self._follows = False
        if not waits:
            self._first = beam
        self._went = None
        self._hit_at = at

    def _leave(self, beam: str, at: float) -> Iterator[SensorSignal]:
        self._clear_at = at
        if not self._pair:
            self._went = Direction.ENTRY
        elif self._first is not None and self._first != beam:
            self._went, self._first = _LEADS_TO[beam], None
            if self._tells_turns and not self._follows:
                yield SensorSignal(SignalKind.TURNED, self._went)

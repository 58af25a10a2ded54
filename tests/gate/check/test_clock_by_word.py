"""`gatectl check` says by whose word the event is known while the clock is not trusted."""

from __future__ import annotations

from gate.check.catalogue import Code
from gate.check.clock import Facts, judge


def test_it_names_who_said_which_event_it_is() -> None:
    told = {one.code: one.detail for one in judge(Facts(1.8e9, gate_trusts=False, by_word="anna"))}
    assert told[Code.CLOCK_UNTRUSTED] == "the event is known by word of anna"
    told = {one.code: one.detail for one in judge(Facts(1.8e9, gate_trusts=False))}
    assert told[Code.CLOCK_UNTRUSTED] == ""

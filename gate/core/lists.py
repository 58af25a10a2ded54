"""What a list's hit asks for, and what becomes of it. A hit is a hint: it refers, and never denies.

- By an exact document, with a legal basis, an entry may hold a person until somebody clears it.
- Otherwise a person looks: he has the review in hand under his name, and a clock runs for the one who waits. When it
  has run down, the event's policy lets her go on with a note, or leaves the word as it is; it never denies her.
- An entry that asks for a note gets one, of whoever has a ticket here. Of a stranger it asks for a look.

By a face nobody is recognised but in two frames that agree, and never so surely that it would hold her.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gate.core.case import PASS, Case, Finding, Pass, refer
from models.decision import Decision, Facts, Now, Reason, StewardAction, StewardWord
from models.passage import Direction
from models.ticket import Note, NoteKind
from models.watch import LEAST_FRAMES, HitMeans, WatchAction, WatchDone, WatchFallback, WatchHit, WatchTaken

LAPSED = "watch_review_lapsed"
"""The flag of an admission on which nobody looked in time."""

UNANSWERED = "watch_review_unanswered"
"""The flag of a word that stood when the lane was needed by others, though nobody had looked."""

FREE = {"free_passage"}
"""The flag of a word that nobody heard: the barrier stood open."""

_SETTLES = {
    StewardAction.REFUSE: WatchDone.REFUSED,
    StewardAction.CLEAR_WATCH: WatchDone.CLEARED,
    StewardAction.ADMIT: WatchDone.CLEARED,
    StewardAction.TAKE_WATCH: WatchDone.TAKEN,
}


def in_force(hits: Iterable[WatchHit], facts: Facts, now: Now) -> tuple[WatchHit, ...]:
    """The hits whose entries count here and now; of faces those on which frames agree. None of who leaves.

    By a wrong clock none has run out.
    """
    if facts.direction is Direction.EXIT:
        return ()
    return tuple(hit for hit in hits if _counts(hit, facts, now))


def _counts(hit: WatchHit, facts: Facts, now: Now) -> bool:
    here = not hit.entrances or facts.gate in hit.entrances
    in_time = not facts.clock_trusted or hit.valid_from <= now.wall <= hit.valid_to
    return here and in_time and (hit.means is HitMeans.DOCUMENT or hit.frames >= LEAST_FRAMES)


def live_hits(case: Case) -> tuple[WatchHit, ...]:
    """All hits on this person that count."""
    facts = case.facts
    return in_force((*(facts.lookup.hits if facts.lookup else ()), *facts.face_hits), facts, case.now)


def asks(hit: WatchHit, case: Case) -> WatchAction:
    """What this hit asks for, as far as it may."""
    if hit.action is WatchAction.NOTIFY:
        known = case.policy.needs_ticket and case.ticket is not None
        return WatchAction.NOTIFY if known else WatchAction.REVIEW
    holds = hit.means is HitMeans.DOCUMENT and hit.legal_basis != ""
    return hit.action if holds else WatchAction.REVIEW


def nobody_listed(case: Case) -> Finding:
    """No list asks for a person's look, or a person looked. A hit is a hint: it refers, and never denies."""
    asked = {asks(hit, case) for hit in live_hits(case)} - {WatchAction.NOTIFY}
    if not asked or case.said(StewardAction.CLEAR_WATCH, Reason.WATCHLISTED):
        return PASS
    if WatchAction.REFUSE_UNLESS_CLEARED in asked:
        return refer(Reason.WATCHLISTED, final=True)
    return Pass(flags=(LAPSED,)) if has_lapsed(case) else refer(Reason.WATCHLISTED)


def no_stranger_listed(case: Case) -> Finding:
    """Nobody whom a list knows is turned away for want of a ticket before a person has looked."""
    return nobody_listed(case) if case.ticket is None else PASS


def any_hits(facts: Facts) -> bool:
    """Whether anything was recognised at all."""
    return bool(facts.face_hits or (facts.lookup and facts.lookup.hits))


def has_lapsed(case: Case) -> bool:
    """Whether nobody looked in time, and the policy goes on without."""
    return case.facts.review_over and case.policy.watch_fallback is WatchFallback.ADMIT_WITH_NOTE


def silent_notes(case: Case) -> tuple[Note, ...]:
    """What staff are told of hits that hold nobody, or hold her no longer."""
    noted = (hit for hit in live_hits(case) if asks(hit, case) is WatchAction.NOTIFY or _went_on(hit, case))
    return tuple(dict.fromkeys(Note(NoteKind.WATCH, f"{hit.purpose} · {hit.owner}") for hit in noted))


def _went_on(hit: WatchHit, case: Case) -> bool:
    return has_lapsed(case) and asks(hit, case) is WatchAction.REVIEW


def is_review(decision: Decision | None) -> bool:
    """Whether a person is to look for a list's sake, and for nothing else."""
    return decision is not None and not decision.awaiting and decision.reason is Reason.WATCHLISTED


def owner_of(facts: Facts) -> str:
    """Who has the review in hand: the last who took it; empty for nobody."""
    return next((word.actor for word in reversed(facts.steward) if word.action is StewardAction.TAKE_WATCH), "")


def what_was_done(case: Case, decision: Decision) -> tuple[WatchTaken, ...]:
    """Each hit that counts, with what this decision made of it, for the ledger."""
    done, by = _settled(case, decision)
    told = []
    for hit in live_hits(case):
        noted = asks(hit, case) is WatchAction.NOTIFY
        taken = WatchTaken(hit.entry, hit.version, hit.means, hit.distance, done, by, hit.domain)
        told.append(replace(taken, done=WatchDone.NOTED, by="") if noted else taken)
    return tuple(told)


def _settled(case: Case, decision: Decision) -> tuple[WatchDone, str]:
    """What was made of hits that ask for a look: a person's last word on them, or what came without one."""
    word = next((word for word in reversed(case.facts.steward) if _is_about_lists(word)), None)
    if word is not None and (word.action is not StewardAction.TAKE_WATCH or is_review(decision)):
        return _SETTLES[word.action], word.actor
    if is_review(decision) and not FREE & set(decision.flags):
        return WatchDone.REVIEW, ""
    return (WatchDone.LAPSED if LAPSED in decision.flags else WatchDone.NOTED), ""


def _is_about_lists(word: StewardWord) -> bool:
    return word.on is Reason.WATCHLISTED and word.action in _SETTLES

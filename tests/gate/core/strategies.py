"""Facts, policies and times for the core's tests: plain builders for examples, strategies for properties.

Everything begins from one good case, a concert visitor whose face matches, and is bent from there, so that admissions
are frequent and a failing example shrinks towards the good case.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

from hypothesis import strategies as st

from models.credential import Assurance, CardProblem, Medium
from models.decision import (
    CardFacts,
    ClaimAnswer,
    CodeNeed,
    FaceFacts,
    Facts,
    LookupFacts,
    Now,
    OfflineRule,
    Policy,
    Profile,
    Reason,
    ReEntryMode,
    StewardAction,
    StewardWord,
    TicketFacts,
)
from models.face import Comparison, FaceProblem
from models.ids import DocumentType
from models.pad import PadChallenge
from models.passage import Direction, Passage, Use
from models.profiles import DLIB_BANDS, policy_of
from models.staff import Cause
from models.ticket import Entitlement, ManifestState, Note, NoteKind, TicketStatus, Validity
from models.typed import TypedNeed
from models.watch import HitMeans, WatchAction, WatchFallback, WatchHit

T = TypeVar("T")

GATE, EVENT, PERSON, MODEL = "north", "arena-0615", "5c5c", DLIB_BANDS.model_version
DOORS = 1_750_000_000.0  # 2025-06-15 23:06 in China
DAY = 86_400.0
NOW = Now(wall=DOORS + 600.0, mono=50.0)
STEP = int(NOW.wall) // 15


# --- the good case, and changes of it -----------------------------------------------------------------------------


def policy(profile: Profile = Profile.CONCERT, **changes: Any) -> Policy:
    """A profile's policy for tonight, with changes."""
    return replace(policy_of(profile, EVENT), **changes)


def ticket(name: str = "T1", *, gates: tuple[str, ...] = (GATE,), event: str = EVENT, **changes: Any) -> TicketFacts:
    """A ticket that is good tonight at this gate, with changes."""
    good = TicketFacts(
        ticket=name,
        entitlement=Entitlement(event, gates, seat="A 12"),
        validity=Validity(DOORS, DOORS + 4 * 3600.0),
        status=TicketStatus.VALID,
        category="standard",
        bound_at=DOORS - 9 * DAY,
        guardian="",
        face_declined=False,
        notes=(),
        reference_model=MODEL,
    )
    return replace(good, **changes)


def lookup(*tickets: TicketFacts, **changes: Any) -> LookupFacts:
    """What the stores know of a good visitor; without tickets named, she has one good one."""
    manifest = ManifestState(EVENT, 7, issued_at=DOORS - 3600.0, expires_at=DOORS + 6 * 3600.0)
    return replace(LookupFacts(manifest, PERSON, tickets or (ticket(),), inside=100), **changes)


def card(**changes: Any) -> CardFacts:
    """A genuine resident card in force."""
    good = CardFacts(
        Medium.CHIP_CARD, DocumentType.RESIDENT_ID, Assurance.AUTHENTICATED, valid_from="2016-03-01", valid_to=""
    )
    return replace(good, **changes)


def code(**changes: Any) -> CardFacts:
    """A signed ticket code for tonight."""
    signed = card(
        medium=Medium.CODE,
        document=DocumentType.TICKET_CODE,
        assurance=Assurance.SIGNED,
        valid_from="",
        event=EVENT,
        valid_since=DOORS - DAY,
        valid_until=DOORS + DAY,
    )
    return replace(signed, **changes)


def typed(**changes: Any) -> CardFacts:
    """A resident's number that a steward read off."""
    off = card(medium=Medium.TYPED, assurance=Assurance.UID_ONLY, valid_from="", typed_by="steward-4")
    return replace(off, **changes)


def face(distance: float = 0.3, **changes: Any) -> FaceFacts:
    """One try of the camera that gave a comparison."""
    return replace(FaceFacts(Comparison(distance, MODEL), model_version=MODEL, tries=1), **changes)


def good_facts(**changes: Any) -> Facts:
    """A visitor whom the concert policy admits, with changes."""
    good = Facts(gate=GATE, card=card(), lookup=lookup(), claim=ClaimAnswer.GRANTED, face=face())
    return replace(good, **changes)


def use(name: str = "T1", ago_s: float = 300.0, **changes: Any) -> Use:
    """The ticket was used on the way in, so long ago."""
    return replace(Use(name, PERSON, Direction.ENTRY, Passage.PASSED, NOW.wall - ago_s, GATE), **changes)


def hit(action: WatchAction = WatchAction.REVIEW, **changes: Any) -> WatchHit:
    """A listed person was recognised."""
    good = WatchHit(
        "W1", "security", "search", action, HitMeans.DOCUMENT, DOORS - DAY, DOORS + DAY, "order 12", frames=2
    )
    return replace(good, **changes)


def word(action: StewardAction = StewardAction.ADMIT, on: Reason | None = None) -> StewardWord:
    """One word of one steward."""
    return StewardWord(action, "steward-4", on=on)


def override(on: Reason, **changes: Any) -> StewardWord:
    """One word of one supervisor, with a cause."""
    said = StewardWord(StewardAction.OVERRIDE, "supervisor-1", "vouched for", on, Cause.HELPDESK)
    return replace(said, **changes)


# --- strategies ---------------------------------------------------------------------------------------------------


def mostly(good: T, odd: st.SearchStrategy[T], weight: int = 5) -> st.SearchStrategy[T]:
    """`good` in most draws, `odd` in one of `weight`."""
    # Not at an end of the choices: Hypothesis likes the ends. (A plain choice is several times faster than a flatmap.)
    plain = [st.just(good) for _ in range(weight - 1)]
    return st.one_of(*plain[:1], st.deferred(lambda: odd), *plain[1:])


def nows() -> st.SearchStrategy[Now]:
    """Times at, around and far from the evening's edges."""
    edges = [DOORS - 3600.0, DOORS - 1, DOORS, DOORS + 1, DOORS + 4 * 3600.0, DOORS + 4 * 3600.0 + 1, DOORS + 2 * DAY]
    wall = mostly(NOW.wall, st.sampled_from(edges) | st.floats(0.0, 4e9))
    return st.builds(Now, wall=wall, mono=st.just(50.0))


def policies() -> st.SearchStrategy[Policy]:
    """Every profile, and each with odd changes."""
    changes = st.fixed_dictionaries(
        {},
        optional={
            "needs_ticket": st.booleans(),
            "needs_face": st.booleans(),
            "document_reference": st.booleans(),
            "min_assurance": st.sampled_from(Assurance),
            "min_code_assurance": st.sampled_from(Assurance),
            "code_needs": st.sampled_from(CodeNeed),
            "typed_needs": st.sampled_from(TypedNeed),
            "bands": st.just(()),
            "pad_accept": st.sampled_from([None, 0.5]),
            "pad_challenge": st.sampled_from(PadChallenge),
            "early_s": st.sampled_from([0.0, 1800.0]),
            "one_per_identity": st.booleans(),
            "bound_before_s": st.sampled_from([None, DAY]),
            "reentry": st.sampled_from(ReEntryMode),
            "reentry_after_s": st.sampled_from([0.0, 120.0, 1200.0]),
            "exits": st.booleans(),
            "occupancy_limit": st.sampled_from([None, 0, 100, 101]),
            "claims": st.booleans(),
            "offline_rule": st.sampled_from(OfflineRule),
            "overridable": st.lists(st.sampled_from(Reason), max_size=6, unique=True).map(tuple)
            | st.just(tuple(Reason)),
            "override_by_two": st.booleans(),
            "watch_fallback": st.sampled_from(WatchFallback),
        },
    )
    few = changes.map(lambda all_of_them: dict(list(all_of_them.items())[:4]))
    profiles = st.sampled_from(Profile)
    return st.builds(lambda profile, odd: policy(profile, **odd), profiles, mostly({}, few, weight=2))


def tickets(name: str) -> st.SearchStrategy[TicketFacts]:
    """A ticket, now and then with something wrong about it."""
    held = Note(NoteKind.CHECK, hold=True)
    return st.builds(
        ticket,
        st.just(name),
        gates=mostly((GATE,), st.sampled_from([(), ("south",), ("south", GATE)])),
        event=mostly(EVENT, st.just("arena-0616"), weight=9),
        validity=mostly(
            Validity(DOORS, DOORS + 4 * 3600.0),
            st.builds(lambda a, b: Validity(DOORS + a, DOORS + a + b), st.floats(-DAY, DAY), st.floats(0, DAY)),
        ),
        status=mostly(TicketStatus.VALID, st.just(TicketStatus.REVOKED), weight=9),
        category=st.sampled_from(["standard", "work"]),
        bound_at=mostly(DOORS - 9 * DAY, st.sampled_from([None, DOORS - DAY, DOORS - DAY + 1]), weight=9),
        guardian=mostly("", st.just("T9"), weight=7),
        face_declined=mostly(False, st.just(True), weight=9),
        notes=mostly((), st.sampled_from([(held,), (replace(held, hold=False),)])),
        reference_model=mostly(MODEL, st.sampled_from(["", "", "sface-v1"]), weight=6),
    )


def uses(*names: str) -> st.SearchStrategy[Use]:
    """A use of one of these tickets, now or at the edges of the rules."""
    return st.builds(
        use,
        st.sampled_from(names),
        ago_s=st.sampled_from([-60.0, 0.0, 60.0, 180.0, 181.0, 1200.0, 7200.0]),
        person_key=st.sampled_from([PERSON, "a7a7"]),
        direction=st.sampled_from(Direction),
        passage=st.sampled_from([Passage.PASSED, Passage.UNKNOWN]),
        code_step=mostly(None, st.sampled_from([STEP - 1, STEP, STEP + 1]), weight=3),
    )


def hits() -> st.SearchStrategy[WatchHit]:
    """A watchlist's hit of any kind, in force or not."""
    return st.builds(
        hit,
        st.sampled_from(WatchAction),
        means=st.sampled_from(HitMeans),
        valid_to=mostly(DOORS + DAY, st.just(DOORS - 1)),
        legal_basis=mostly("court order 12", st.just(""), weight=3),
        entrances=mostly((), st.sampled_from([("south",), ("south", GATE)]), weight=7),
        frames=mostly(2, st.sampled_from([0, 1, 3]), weight=7),
    )


def few(strategy: st.SearchStrategy[T], weight: int = 4, most: int = 3) -> st.SearchStrategy[tuple[T, ...]]:
    """Mostly none, sometimes up to `most`."""
    return mostly((), st.lists(strategy, min_size=1, max_size=most).map(tuple), weight)


def lookups() -> st.SearchStrategy[LookupFacts]:
    """What the stores may say: one ticket, none or several; used or not; listed or not."""
    good = lookup().manifest
    assert good is not None
    odd_manifest = st.sampled_from(
        [None, replace(good, event="arena-0616"), replace(good, issued_at=DOORS - 3 * DAY), replace(good, expires_at=1)]
    )
    several = [st.tuples(*(tickets(f"T{number}") for number in range(1, count + 1))) for count in (1, 0, 1, 2, 1, 3, 1)]
    held: st.SearchStrategy[tuple[TicketFacts, ...]] = st.one_of(*several)
    return st.builds(
        lambda held, **changes: lookup(**changes, tickets=held),
        held,
        manifest=mostly(good, odd_manifest, weight=9),
        uses=few(uses("T1", "T2", "T4")),
        guardian_uses=mostly((use("T9", 60.0),), few(uses("T9"), weight=1)),
        hits=few(hits(), weight=6),
        inside=st.sampled_from([0, 99, 100, 101]),
    )


def faces() -> st.SearchStrategy[FaceFacts]:
    """What the camera may say, near and at the thresholds."""
    distances = st.sampled_from([0.0, 0.3, 0.4, 0.4000001, 0.6, 0.61, 2.0]) | st.floats(0.0, 3.0)
    compared = st.builds(
        face,
        mostly(0.3, distances, weight=2),
        pad_score=st.sampled_from([None, 0.2, 0.4, 0.5, 0.9]),
        turned=st.booleans(),
        problem=mostly(None, st.sampled_from(FaceProblem), weight=7),
        portrait_problem=mostly("", st.just("no_face"), weight=9),
        fault=mostly("", st.just("camera gone"), weight=9),
    )
    foreign = st.just(FaceFacts(Comparison(0.1, "sface-v1"), model_version="sface-v1"))
    blind = st.builds(FaceFacts, problem=st.sampled_from([None, *FaceProblem]))
    return mostly(face(pad_score=0.9), st.one_of(compared, compared, foreign, blind), weight=2)


def words() -> st.SearchStrategy[StewardWord]:
    """A steward's word, mostly about something that he may settle."""
    settling = st.builds(word, st.just(StewardAction.ADMIT), st.sampled_from([None, *Reason]))
    any_word = st.builds(word, st.sampled_from(StewardAction), st.sampled_from([None, *Reason]))
    return st.one_of(settling, any_word, overrides())


def overrides(reasons: st.SearchStrategy[Reason] | None = None) -> st.SearchStrategy[StewardWord]:
    """A supervisor's word, alone or with another, now and then without a cause."""
    return st.builds(
        override,
        reasons or st.sampled_from(Reason),
        cause=mostly(Cause.HELPDESK, st.sampled_from([None, *Cause])),
        second=st.sampled_from(["", "supervisor-1", "supervisor-2"]),
    )


ODD_CARDS = (
    None,
    *(card(assurance=assurance, portrait_model=model) for assurance in Assurance for model in (MODEL, "sface-v1")),
    *(
        card(assurance=assurance, valid_from=first, valid_to=last)
        for assurance in Assurance
        for first in ("", "2016-03-01", "2025-06-15", "2025-06-16")
        for last in ("", "2025-06-15", "2025-06-14", "2036-01-01")
    ),
)


def codes() -> st.SearchStrategy[CardFacts]:
    """A ticket code, now and then of another event or time, unsigned, or one that changes."""
    return st.builds(
        code,
        assurance=mostly(Assurance.SIGNED, st.sampled_from(Assurance)),
        event=mostly(EVENT, st.sampled_from(["", "arena-0616"])),
        code_step=st.sampled_from([None, STEP, STEP - 1]),
        valid_since=mostly(DOORS - DAY, st.sampled_from([None, NOW.wall, NOW.wall + 0.5]), weight=4),
        valid_until=mostly(DOORS + DAY, st.sampled_from([None, NOW.wall, NOW.wall - 0.5]), weight=4),
    )


def typed_documents() -> st.SearchStrategy[CardFacts]:
    """A document that somebody typed, of any kind, in force or not."""
    return st.builds(
        typed,
        document=st.sampled_from(DocumentType),
        valid_to=mostly("", st.sampled_from(["2025-06-14", "2025-06-15"])),
        child=st.booleans(),
    )


def facts() -> st.SearchStrategy[Facts]:
    """All that may be known of one attempt; in about a third of all draws enough to be admitted."""
    return st.builds(
        Facts,
        gate=st.just(GATE),
        direction=mostly(Direction.ENTRY, st.just(Direction.EXIT), weight=9),
        card=mostly(
            card(),
            codes() | typed_documents() | st.just(card(portrait_model=MODEL)) | st.sampled_from(ODD_CARDS),
            weight=4,
        ),
        card_problem=mostly(None, st.sampled_from(CardProblem), weight=60),
        lookup=mostly(lookup(), lookups() | lookups() | lookups() | st.none(), weight=2),
        lookup_fault=mostly("", st.just("store"), weight=60),
        claim=mostly(ClaimAnswer.GRANTED, st.sampled_from([None, *ClaimAnswer])),
        face=mostly(face(), faces() | faces() | st.none(), weight=2),
        face_hits=few(hits(), weight=9),
        review_over=mostly(False, st.just(True), weight=3),
        steward=few(words(), weight=3),
        paused=mostly(False, st.just(True), weight=60),
        out_of_order=mostly("", st.just("relay"), weight=60),
        clock_trusted=mostly(True, st.just(False), weight=15),
    )

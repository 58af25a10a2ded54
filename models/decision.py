"""Facts, policy and decision: the words between gathering and acting.

Attributes and decision point are those of NIST SP 800-162. Everything in `Facts` may stand in the ledger: keyed hashes
instead of numbers, distances instead of faces, no name.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from models.credential import Assurance, CardProblem, Medium
from models.face import FaceBands
from models.face import FaceFacts as FaceFacts
from models.ids import DocumentType
from models.keeping import Window
from models.pad import USUAL_DOUBT, PadChallenge
from models.passage import Direction, Use
from models.reason import Reason as Reason
from models.staff import Cause
from models.staff import StewardAction as StewardAction
from models.ticket import Entitlement, ManifestState, Note, TicketStatus, Validity
from models.typed import TypedNeed
from models.watch import WatchFallback, WatchHit


class Verdict(StrEnum):
    """Three verdicts; REFER means that a person decides."""

    ADMIT = "admit"
    DENY = "deny"
    REFER = "refer"


class Need(StrEnum):
    """A fact that is still to be gathered before the decision can be better than REFER."""

    LOOKUP = "lookup"
    CLAIM = "claim"
    FACE = "face"


class ReEntryMode(StrEnum):
    """Anti-passback: hard refuses a second entry without an exit, soft admits and flags it, timed does for a while."""

    HARD = "hard"
    SOFT = "soft"
    TIMED = "timed"


class OfflineRule(StrEnum):
    """What a lane does with a ticket when no authority answered its claim."""

    ADMIT_AND_FLAG = "admit_and_flag"
    REFER = "refer"
    HOME_GATE_ONLY = "home_gate_only"


class Profile(StrEnum):
    """A named starting point for a policy."""

    CONCERT = "concert"  # card + ticket + face
    CARD = "card"  # card + ticket
    HOSPITAL = "hospital"  # card + appointment
    SCREENING = "screening"  # identity against lists alone


class CodeNeed(StrEnum):
    """What a ticket code needs beside itself, from lax to strict. Anybody can hold up a picture of a code."""

    NOTHING = "nothing"
    FACE = "face"  # the ticket's reference is compared, whether cards need that or not
    STEWARD = "steward"  # a person looks at a document
    DOCUMENT = "document"  # the document itself on the reader: a code alone opens nothing


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one event at its gates. Times are seconds.

    `bands` are per model; a comparison by a model without bands is never an admission. Codes are judged by
    `min_code_assurance` instead of `min_assurance`; a policy that says nothing of codes takes none.
    """

    profile: Profile
    event: str
    needs_ticket: bool = True
    needs_face: bool = False
    document_reference: bool = False  # where a ticket has no reference, the document's portrait may serve as one
    min_assurance: Assurance = Assurance.AUTHENTICATED
    bands: tuple[FaceBands, ...] = ()
    face_cohort: bool = False  # distances are normalised against the cohort of those who enrolled, if they are enough
    face_tries: int = 3
    face_frames: int = 1  # so many good frames of one person make a try; the one least like the reference counts
    face_wider: float = 0.0  # of twins, children and old portraits: so much wider is what a person decides
    face_old_after_s: float = 5 * 365 * 86_400.0  # a document's portrait older than this is an old one
    face_ready_s: float = 0.0  # features of who stands in the lane are held before the card, so long; 0: on the card
    watch_distance: float = 0.30  # lists are searched within this, by models whose bands do not say otherwise
    watch_review_s: float = 60.0  # so long somebody waits for a person's look because of a list
    watch_fallback: WatchFallback = WatchFallback.STAY  # what follows when nobody looked in that time
    pad_accept: float | None = None  # None: liveness is not asked for
    pad_doubt: float = USUAL_DOUBT  # below this it looks like an attack: a person looks at once
    pad_challenge: PadChallenge = PadChallenge.NEVER
    early_s: float = 0.0  # how long before a ticket's own time it already admits
    one_per_identity: bool = True
    bound_before_s: float | None = None  # a ticket bound later than this before its time is "unbound"
    bound_categories: tuple[str, ...] = ("work", "sponsor", "invitation")
    reentry: ReEntryMode = ReEntryMode.HARD
    reentry_after_s: float = 0.0  # for TIMED
    exits: bool = False  # the event lets people out and in again by this lane's turnstile
    occupancy_limit: int | None = None
    guardian_within_s: float = 180.0
    stale_after_s: float = 86_400.0
    utc_offset_s: int = 28_800  # for days printed on cards; China has one time zone
    claims: bool = False
    offline_rule: OfflineRule = OfflineRule.ADMIT_AND_FLAG
    claim_s: float = 0.3
    capture_s: float = 6.0
    passage_s: float = 5.0
    refer_s: float = 120.0
    lookup_s: float = 2.0
    show_s: float = 3.0
    pulse_s: float = 0.5
    min_code_assurance: Assurance = Assurance.AUTHENTICATED
    code_needs: CodeNeed = CodeNeed.DOCUMENT
    typed_needs: TypedNeed = TypedNeed.DOCUMENT  # for documents that a person read off; instead of `min_assurance`
    overridable: tuple[Reason, ...] = ()  # what a supervisor may override beside what a steward settles
    override_by_two: bool = False  # an override needs two supervisors
    show_portrait: bool = False  # staff may see the document's portrait beside the live face
    work_quota: int | None = None  # how many work passes may be published; the gates don't count them
    companions: int = 0  # so many may go in with a patient, each with a document of her own
    red_path: bool = False  # one tap lets an emergency in, and asks afterwards
    frequent_times: int | None = None  # who comes more often than this within `frequent_days` is looked at
    frequent_days: int = 7


class ClaimAnswer(StrEnum):
    """What the nearest authority said of "this ticket is being used here, now"."""

    GRANTED = "granted"
    REFUSED = "refused"  # used elsewhere already
    CODE_USED = "code_used"  # this very code of a ticket whose codes change, or a later one, was let in on elsewhere
    NO_ANSWER = "no_answer"


@dataclass(frozen=True, slots=True)
class StewardWord:
    """One word of one person. `actor` is a staff identifier, `why` a reason without personal data."""

    action: StewardAction
    actor: str
    why: str = ""
    on: Reason | None = None  # what the screen said when the word was given: a word settles that and nothing else
    cause: Cause | None = None  # of an override
    second: str = ""  # the other supervisor, where an override needs two
    of: str = ""  # whose companion: a patient's ticket


@dataclass(frozen=True, slots=True)
class CardFacts:
    """The presented card, without what it says of the person. Dates are ISO days or empty, times Unix seconds."""

    medium: Medium
    document: DocumentType
    assurance: Assurance
    valid_from: str = ""
    valid_to: str = ""
    event: str = ""  # the event that a signed ticket code names; empty where the document is for none of its own
    portrait_model: str = ""  # the face model that can make a template of its portrait here, empty where none can
    code_step: int | None = None  # the time step of a code that changes
    valid_since: float | None = None
    valid_until: float | None = None
    typed_by: str = ""  # whoever read the document off and typed it, where no reader could
    child: bool = False  # a child, known by the household book

    @property
    def reference_model(self) -> str:
        """The model of the reference that its portrait may become: a portrait that nobody vouches for becomes none."""
        return self.portrait_model if self.assurance >= Assurance.SIGNED else ""


@dataclass(frozen=True, slots=True)
class TicketFacts:
    """A ticket as the core sees it: without name and template."""

    ticket: str
    entitlement: Entitlement
    validity: Validity
    status: TicketStatus
    category: str
    bound_at: float | None
    guardian: str
    face_declined: bool
    notes: tuple[Note, ...]
    reference_model: str  # model version of the enrolled reference, empty when there is none
    twin: bool = False  # somebody else looks like the holder


@dataclass(frozen=True, slots=True)
class PatientHere:
    """A patient to whom the presented person may belong, as this gate knows: inside or not, with how many others."""

    ticket: TicketFacts
    inside: bool
    companions: int = 0


@dataclass(frozen=True, slots=True)
class LookupFacts:
    """What the stores know of the presented person. `uses` covers her tickets, and her own uses of any ticket."""

    manifest: ManifestState | None
    person_key: str = ""
    tickets: tuple[TicketFacts, ...] = ()
    uses: tuple[Use, ...] = ()
    guardian_uses: tuple[Use, ...] = ()
    hits: tuple[WatchHit, ...] = ()
    inside: int = 0
    patients: tuple[PatientHere, ...] = ()  # whose companion she may be; who came last is first


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of one attempt. `None` means "not gathered yet"."""

    gate: str
    direction: Direction = Direction.ENTRY
    card: CardFacts | None = None
    card_problem: CardProblem | None = None
    problem_medium: Medium | None = None  # what it was that gave no credential, where the reader can tell
    lookup: LookupFacts | None = None
    lookup_fault: str = ""
    claim: ClaimAnswer | None = None
    claim_first: Use | None = None  # the use elsewhere that stands against a refused claim
    face: FaceFacts | None = None
    face_hits: tuple[WatchHit, ...] = ()
    review_over: bool = False  # the time for a person's look because of a list has run down
    steward: tuple[StewardWord, ...] = ()
    paused: bool = False
    out_of_order: str = ""  # the device without which this lane can't work, or empty
    clock_trusted: bool = True
    window: Window | None = None  # while it is not: what event somebody says it is


@dataclass(frozen=True, slots=True)
class Decision:
    """The word on one attempt. With `awaiting` it is the word as things stand, and a better one is possible.

    `ticket` is the one chosen among those the person holds; `notes` go to staff, `flags` into the ledger: what was let
    pass although it was not plain (a claim without an answer, a second entry under soft anti-passback).
    """

    verdict: Verdict
    reason: Reason
    awaiting: tuple[Need, ...] = ()
    ticket: str = ""
    notes: tuple[Note, ...] = ()
    flags: tuple[str, ...] = ()
    settleable: bool = False  # a steward's "admit" would settle this reason
    overridable: bool = False  # that would not, and a supervisor's override would
    first_use: Use | None = None  # who sits there? of an admission flagged `seat_check`, the use that stands against it


@dataclass(frozen=True, slots=True)
class Now:
    """The time, handed in. `wall` is Unix seconds for rules and records, `mono` monotonic seconds for durations."""

    wall: float
    mono: float

"""`people.csv` or `people.xlsx` and its folder of photographs: who may come in.

| column | holds |
|---|---|
| ticket | its number or code; once in the file |
| name | kept masked only |
| document, number | what opens the ticket; `document2`, `number2` and so on for further ones; default resident_id |
| valid_to | the document's last day; `valid_to2` and so on; empty: not known, or without end |
| not_before, not_after | date and time, ISO 8601, with offset or in the event's time zone |
| gates | `A|B`; empty: all |
| seat, way, department, doctor, category, language | shown or decided by |
| bound_at | since when the ticket has belonged to its holder |
| guardian | the ticket of the adult with whom a child comes |
| consent_id, legal_basis | one of them where there is a photograph |
| guardian_consent_id | of the guardian's consent, where a child under 14 has a photograph |
| photo | a file in the folder of photographs, or `A|B` of one person; default: `<ticket>.jpg`, `.jpeg` or `.png` |
| face_declined | yes: no template is made, whatever photograph there is |
| twin | yes: somebody else looks like the holder, and a person looks more often |
| notes | `vip:text|check!:text`; with `!` nobody passes until a steward has confirmed it |
| status | valid or revoked |

A hospital's appointment list is the same table with names of its own: `appointment` for the ticket, `patient` for the
name, `from` and `to` for its time. An appointment of a department is its patient's; one of the category `companion`
has the patient's appointment as its guardian.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, tzinfo
from pathlib import Path

from models.face import FaceReference
from models.face_models import SHIPPED_BANDS
from models.ids import DocumentType, mask_name, normalise_number, number_is_valid
from models.ticket import Entitlement, Note, NoteKind, Ticket, TicketStatus, Validity
from sync.findings import is_child
from sync.holding import Document, Holding
from sync.sources.several_pictures import MOST, reference_of
from sync.sources.table import ROUNDED, Encoding, Problem, Row, SourceRefused, read_table, tidy

Enrol = Callable[[Path], FaceReference | str]
"""Makes a reference of a picture, or says in plain words what is wrong with it."""

Progress = Callable[[int, int], None]
"""How many are done, and of how many; of 0 while the table itself is being read."""

Check = Callable[[Sequence[Holding]], None]
"""Looks at the whole crowd before any photograph is opened, and raises what it will."""

_NEEDED = ("ticket", "name", "number", "not_before", "not_after")
_KNOWN = re.compile(
    r"document|gates|seat|way|category|bound_at|guardian|language|consent_id|legal_basis|photo|notes|status"
    r"|face_declined|twin|department|doctor|valid_to|guardian_consent_id|(document|number|valid_to)[2-9]"
)
_APPOINTMENT = {"appointment": "ticket", "patient": "name", "from": "not_before", "to": "not_after"}
_PICTURES = (".jpg", ".jpeg", ".png")
_NOTE_KINDS = tuple(kind for kind in NoteKind if kind is not NoteKind.WATCH)
_TICKET = re.compile(r"\S(.{0,62}\S)?")


@dataclass(frozen=True, slots=True)
class Event:
    """What the table doesn't say. Without `zone`, times must carry offsets; without `gates`, any gate's name does.

    With `today`, no photograph of a child under 14 is opened without the guardian's consent.
    """

    name: str
    zone: tzinfo | None = None
    gates: Collection[str] = ()
    today: date | None = None


@dataclass(frozen=True, slots=True)
class Faces:
    """Where references come from: `known` by ticket, else `enrol` on the pictures in `folder`, or those by name."""

    folder: Path | None = None
    enrol: Enrol | None = None
    known: Mapping[str, FaceReference] = field(default_factory=dict, repr=False)
    pictures: Mapping[str, Path] = field(default_factory=dict, repr=False)


def read_people(
    path: Path,
    event: Event,
    faces: Faces | None = None,
    *,
    encoding: Encoding = "utf-8",
    check: Check | None = None,
    progress: Progress | None = None,
) -> list[Holding]:
    """The tickets in `path`, with their faces. Raises `SourceRefused` with all problems, and then gives nothing.

    The table comes first: photographs, which take long, are looked at once it has no problem left.
    """
    told = (lambda count: progress(count, 0)) if progress else None
    rows = read_table(path, _NEEDED, _KNOWN, encoding, told, other_names=_APPOINTMENT)
    photographs = _Photographs(faces or Faces())
    holdings = [_holding(row, event) for row in rows]
    _check_together(rows)
    for row, holding in zip(rows, holdings, strict=True):
        photographs.check(row, holding, event.today)
    _refuse_problems(path, rows)
    people = [(row, holding) for row, holding in zip(rows, holdings, strict=True) if holding]
    if check:
        check([holding for _, holding in people])
    return photographs.add(path, people, progress)


def _refuse_problems(path: Path, rows: list[Row]) -> None:
    problems = [problem for row in rows for problem in row.problems]
    if not rows:
        problems = [Problem(2, "", "nothing", "at least one ticket")]
    if problems:
        raise SourceRefused(path.name, problems)


def _holding(row: Row, event: Event) -> Holding | None:
    ticket = row.needed("ticket", "the ticket's number")
    if ticket and not _TICKET.fullmatch(ticket):
        row.complain("ticket", "at most 64 characters")
    if ROUNDED.fullmatch(ticket):
        row.complain("ticket", "the ticket's number, kept as text")
    documents = _documents(row)
    not_before, not_after = row.moment("not_before", event.zone), row.moment("not_after", event.zone)
    bound_at = row.moment("bound_at", event.zone, needed=False)
    if bound_at is None and row.text("department"):  # nobody books one for "to be named later"
        bound_at = not_before
    status = row.choice("status", TicketStatus, TicketStatus.VALID)
    declined, notes, entitlement = row.yes("face_declined"), _notes(row), _entitlement(row, event)
    if not_before is None or not_after is None or status is None:
        return None
    if not_after <= not_before:
        row.complain("not_after", "a time after not_before", "an earlier time")
    return Holding(
        Ticket(
            ticket,
            entitlement,
            Validity(not_before, not_after),
            status=status,
            category=row.text("category", "standard"),
            bound_at=bound_at,
            masked_name=mask_name(row.text("name")),
            language=row.text("language", "zh"),
            guardian=row.text("guardian"),
            face_declined=declined,
            twin=row.yes("twin"),
            notes=notes,
        ),
        documents,
        row.text("guardian_consent_id"),
    )


def _entitlement(row: Row, event: Event) -> Entitlement:
    gates = row.several("gates")
    if event.gates and not set(gates) <= set(event.gates):
        row.complain("gates", "gates among " + ", ".join(sorted(event.gates)))
    shown = {name: row.text(name) for name in ("seat", "way", "department", "doctor")}
    return Entitlement(event.name, gates, **shown)


def _documents(row: Row) -> tuple[Document, ...]:
    found = []
    for place in ("", *map(str, range(2, 10))):
        document = read_document(row, f"document{place}", f"number{place}", needed=not place)
        last_day = row.day(f"valid_to{place}")
        if document is not None:
            found.append(replace(document, valid_to=last_day))
    return tuple(found)


def read_document(row: Row, kind_column: str, number_column: str, *, needed: bool = False) -> Document | None:
    """The document that two cells name, its check digit verified; `None` when there is none, or a problem was noted."""
    number = normalise_number(row.text(number_column))
    if not number:
        if needed or row.text(kind_column):
            row.complain(number_column, "the document's number")
        return None
    kind = row.choice(kind_column, DocumentType, DocumentType.RESIDENT_ID)
    assert kind is not None
    expected = wrong_number(kind, number)
    if expected:
        row.complain(number_column, expected)
    return None if expected else Document(kind, number)


def wrong_number(kind: DocumentType, number: str) -> str:
    """What a number of this kind should be, or empty when it is."""
    if kind in (DocumentType.RESIDENT_ID, DocumentType.RESIDENCE_PERMIT):
        return "" if number_is_valid(number) else "an 18-character ID number whose check digit agrees"
    if kind is DocumentType.FOREIGNER_CARD:
        right = number_is_valid(number) or re.fullmatch(r"[A-Z]{3}[0-9]{12}", number)
        return "" if right else "18 characters whose check digit agrees, or 3 letters and 12 digits"
    if kind in (DocumentType.PASSPORT, DocumentType.TRAVEL_PERMIT):
        return "" if re.fullmatch(r"[A-Z0-9]{5,20}", number) else "5 to 20 letters and digits"
    return "" if len(number) <= 256 else "at most 256 characters"


def _notes(row: Row) -> tuple[Note, ...]:
    notes: list[Note] = []
    for part in row.several("notes"):
        kind, _, text = part.partition(":")
        hold, kind = kind.endswith("!"), kind.strip().lower().removesuffix("!")
        if kind not in _NOTE_KINDS:
            row.complain("notes", f"notes such as vip:text|check!:text, of the kinds {', '.join(_NOTE_KINDS)}")
            return ()
        notes.append(Note(NoteKind(kind), text.strip(), hold))
    return tuple(notes)


def _check_together(rows: list[Row]) -> None:
    """What only the whole table shows: tickets that are there twice, guardians that aren't, codes for two tickets."""
    first: dict[str, int] = {}
    codes: dict[str, int] = {}
    for row in rows:
        ticket, code = row.text("ticket"), normalise_number(row.text("number"))
        if first.setdefault(ticket, row.number) != row.number:
            row.complain("ticket", "each ticket once", f"the ticket of row {first[ticket]}")
        if (
            row.text("document").lower() == DocumentType.TICKET_CODE
            and codes.setdefault(code, row.number) != row.number
        ):
            row.complain("number", "a code of its own", f"the code of row {codes[code]}")
    for row in rows:
        guardian = row.text("guardian")
        if guardian and (guardian not in first or guardian == row.text("ticket")):
            row.complain("guardian", "the ticket of another row")


class _Photographs:
    """Finds each row's picture, and has it enrolled."""

    def __init__(self, faces: Faces) -> None:
        self._faces = faces
        in_folder = faces.folder.iterdir() if faces.folder else ()
        self._names = {tidy(entry.name): entry for entry in in_folder} | dict(faces.pictures)

    def check(self, row: Row, holding: Holding | None, today: date | None) -> None:
        """Everything about the row's picture that can be said without opening it."""
        named = row.several("photo")
        if any(name not in self._names for name in named):
            row.complain("photo", "the name of a file in the folder of photographs")
        if len(named) > MOST:
            row.complain("photo", f"at most {MOST} photographs of one person", f"{len(named)}")
        if self._wanted(row) and not _basis(row):
            row.complain("consent_id", "a consent_id or a legal_basis, since there is a photograph")
        child = holding is not None and today is not None and is_child(holding, today)
        if child and self._wanted(row) and not row.text("guardian_consent_id"):
            row.complain("guardian_consent_id", "a guardian's consent to the photograph of a child under 14")

    def add(self, path: Path, people: list[tuple[Row, Holding]], progress: Progress | None) -> list[Holding]:
        """The holdings with their references. Raises `SourceRefused` with all pictures that won't do."""
        done: list[Holding] = []
        for row, holding in people:
            reference = self._reference(row)
            if reference is not None:
                reference = replace(reference, legal_basis=_basis(row))
            done.append(replace(holding, ticket=replace(holding.ticket, reference=reference)))
            if progress:
                progress(len(done), len(people))
        _refuse_problems(path, [row for row, _ in people])
        return done

    def _wanted(self, row: Row) -> bool:
        return not row.yes("face_declined") and (row.text("ticket") in self._faces.known or bool(self._pictures(row)))

    def _reference(self, row: Row) -> FaceReference | None:
        if not self._wanted(row):
            return None
        known = self._faces.known.get(row.text("ticket"))
        if known is not None or self._faces.enrol is None:
            return known
        answers = [self._faces.enrol(self._names[name]) for name in self._pictures(row)]
        references = [answer for answer in answers if isinstance(answer, FaceReference)]
        refused = next((answer for answer in answers if isinstance(answer, str)), "")
        reference = refused or reference_of(references, SHIPPED_BANDS)
        if isinstance(reference, FaceReference):
            return reference
        row.complain("photo", "another picture", reference)
        return None

    def _pictures(self, row: Row) -> list[str]:
        if named := row.several("photo"):
            return [name for name in named if name in self._names]
        return [name for end in _PICTURES if (name := row.text("ticket") + end) in self._names][:1]


def _basis(row: Row) -> str:
    return row.text("consent_id") or row.text("legal_basis")
